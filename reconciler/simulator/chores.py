"""Server tasks that are no deployment: health checks, upgrades, scripts, and housekeeping.

Source: Octopus' public .NET client (`BuiltInTasks`) and the generated reference of `POST /tasks`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.simulator.machinery import check_health
from reconciler.simulator.records import Outcome, Script, Task, TaskState

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.simulator.fleet import Machine
    from reconciler.simulator.records import Space
    from reconciler.simulator.world import World

__all__ = ["CHORES", "SERVER_ONLY", "Chore", "attach", "machines_of", "queue_chore"]

_SECONDS = 2.0
"""How long a chore takes, or the server's time of a task where that is less."""


@dataclass(frozen=True, slots=True)
class Chore:
    """A kind of task that people may queue; arguments it cannot do without (one of `A|B`)."""

    title: str
    on_machines: bool = False
    of_server: bool = False
    needs: tuple[str, ...] = field(default=())


CHORES = {
    "AdHocScript": Chore("Run script", on_machines=True, needs=("ScriptBody|ActionTemplateId",)),
    "Backup": Chore("Backup", of_server=True),
    "ConfigureLetsEncrypt": Chore("Configure Let's Encrypt", of_server=True),
    "ExportProjects": Chore("Export projects"),
    "Health": Chore("Check health", on_machines=True),
    "ImportProjects": Chore("Import projects"),
    "Migration": Chore("Migration", of_server=True),
    "MigrationImport": Chore("Migration import", of_server=True),
    "MigrationPartialExport": Chore("Migration partial export", of_server=True),
    "Retention": Chore("Apply retention policies"),
    "SyncCommunityActionTemplates": Chore("Sync community step templates", of_server=True),
    "SynchronizeBuiltInPackageRepositoryIndex": Chore("Re-index the built-in feed"),
    "SynchronizeExternalSecurityGroups": Chore("Sync external security groups", of_server=True),
    "SystemIntegrityCheck": Chore("System integrity check", of_server=True),
    "TestAccount": Chore("Test account", needs=("AccountId",)),
    "TestAzureAccount": Chore("Test Azure account", needs=("AccountId",)),
    "TestEmail": Chore("Send test email", of_server=True, needs=("EmailAddress",)),
    "UpdateCalamari": Chore("Update Calamari", on_machines=True),
    "Upgrade": Chore("Upgrade Tentacles", on_machines=True),
}
"""Kinds of tasks that `POST /tasks` takes."""

SERVER_ONLY = {
    "AutoDeploy": "Auto deploy",
    "Delete": "Delete",
    "Deploy": "Deploy",
    "ProcessExternalFeedTriggers": "Process external feed triggers",
    "RunbookRun": "Run runbook",
}
"""Kinds that only the server itself makes."""


def attach(world: World) -> None:
    """Let chores have their effect when they end."""
    world.on_task_change.append(lambda task: _task_changed(world, task))


def machines_of(space: Space, arguments: dict[str, Any]) -> tuple[Machine, ...]:
    """Return the machines that the arguments of a task name, enabled ones only unless by id."""
    targets, workers = list(space.machines.values()), list(space.workers.values())
    named = set(_texts(arguments, "MachineIds"))
    if named:
        return tuple(each for each in (*targets, *workers) if each.id in named)
    environments = {*_texts(arguments, "EnvironmentId"), *_texts(arguments, "EnvironmentIds")}
    pools = {*_texts(arguments, "WorkerpoolId"), *_texts(arguments, "WorkerPoolIds")}
    roles = {role.casefold() for role in _texts(arguments, "TargetRoles")}
    only = str(arguments.get("RestrictedTo") or arguments.get("TargetType") or "")
    policy = arguments.get("MachinePolicyId")
    if only == "OctopusServer":
        return ()
    kept = [each for each in targets if not environments or environments & {*each.environments}]
    helpers = [each for each in workers if not pools or pools & {*each.pools}]
    if (pools and not environments) or only in ("Workers", "WorkerPools"):
        kept = []
    if ((environments or roles) and not pools) or only in ("DeploymentTargets", "Environments"):
        helpers = []
    return tuple(
        each
        for each in (*kept, *helpers)
        if not each.is_disabled
        and (not roles or roles & {role.casefold() for role in each.roles})
        and policy in (None, each.policy_id)
    )


def _texts(arguments: dict[str, Any], name: str) -> list[str]:
    value = next((arguments[key] for key in arguments if key.casefold() == name.casefold()), None)
    many = value if isinstance(value, list) else [value]
    return [each for each in many if isinstance(each, str) and each]


def queue_chore(
    world: World,
    space: Space | None,
    name: str,
    description: str,
    arguments: dict[str, Any],
    *,
    queue_time: datetime | None = None,
    queue_expiry: datetime | None = None,
) -> Task:
    """Queue a task of a kind that is known."""
    chore = CHORES[name]
    machines = machines_of(space, arguments) if space and chore.on_machines else ()
    task = Task(
        world.new_id("ServerTasks"),
        space.id if space else None,
        name,
        description,
        arguments,
        created=world.now,
        queue_time=queue_time or world.now,
        queue_expiry=queue_expiry,
        work=min(_SECONDS, world.task_seconds),
        steps=tuple(f"{chore.title}: {each.name}" for each in machines) or (chore.title,),
        script=Script(),
        machines=tuple(each.id for each in machines),
    )
    world.tasks[task.id] = task
    world.engine.add(task)
    return task


def _task_changed(world: World, task: Task) -> None:
    space = world.space_of(task)
    if task.name not in CHORES or space is None:
        return
    known = {**space.machines, **space.workers}
    machines = [known[each] for each in task.machines if each in known]
    gone = [each for each in machines if each.is_gone]
    if task.state is TaskState.EXECUTING and gone:
        skippable = all(_may_be_offline(space, each) for each in gone)
        task.script.outcome = Outcome.WARNING if skippable else Outcome.FAILURE
        names = ", ".join(each.name for each in gone)
        task.script.message = f"Could not be contacted: {names}."
    if task.state not in (TaskState.SUCCESS, TaskState.FAILED):
        return
    for each in machines:
        if task.name == "Health":
            check_health(world, space, each)
        elif task.name in ("UpdateCalamari", "Upgrade") and not each.is_gone:
            each.has_calamari = True


def _may_be_offline(space: Space, machine: Machine) -> bool:
    policy = space.machine_policies.get(machine.policy_id)
    settings = (policy.more if policy else {}).get("MachineConnectivityPolicy") or {}
    return settings.get("MachineConnectivityBehavior") == "MayBeOfflineAndCanBeSkipped"
