"""Deployment target triggers: machines that come or recover get what their counterparts run.

Source: Octopus' public documentation, "Deployment target triggers". They look at events every 30
seconds, run the last successful deployment of the cell again on these machines alone, and ask
neither lifecycle nor freezes.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from reconciler.simulator.deploying import deploy
from reconciler.simulator.fleet import roles_of
from reconciler.simulator.records import TaskState

if TYPE_CHECKING:
    from reconciler.simulator.fleet import Machine
    from reconciler.simulator.records import Deployment, Project, Release, Space, Trigger
    from reconciler.simulator.world import World

__all__ = ["MACHINE_GROUPS", "attach"]

_EVERY = timedelta(seconds=30)
_LOOK = "target triggers"

_HEALTH = ("MachineHealthy", "MachineUnavailable", "MachineUnhealthy", "MachineHasWarnings")
MACHINE_GROUPS = {
    "Machine": (
        "MachineAdded",
        "MachineCleanupFailed",
        "MachineDeploymentRelatedPropertyWasUpdated",
        "MachineDisabled",
        "MachineEnabled",
        *_HEALTH,
    ),
    "MachineCritical": ("MachineCleanupFailed", "MachineUnavailable"),
    "MachineAvailableForDeployment": ("MachineEnabled", "MachineHealthy", "MachineHasWarnings"),
    "MachineUnavailableForDeployment": (
        "MachineDisabled",
        "MachineUnavailable",
        "MachineUnhealthy",
    ),
    "MachineHealthChanged": _HEALTH,
}
"""Events of machines by the groups that triggers name."""


def attach(world: World) -> None:
    """Let the triggers hear of machines."""
    world.on_machine_event.append(partial(_heard, world))
    world.engine.calls[_LOOK] = partial(_act, world)


def _heard(world: World, space: Space, machine: Machine, category: str) -> None:
    for trigger in space.triggers.values():
        if trigger.filter["FilterType"] != "MachineFilter" or trigger.is_disabled:
            continue
        if not _wants(trigger, machine, category):
            continue
        waiting = world.waiting_targets.setdefault(trigger.id, {})
        if not waiting:
            world.engine.call_at(world.now + _EVERY, _LOOK, space, trigger)
        waiting[machine.id] = machine


def _wants(trigger: Trigger, machine: Machine, category: str) -> bool:
    wanted = trigger.filter
    categories = set(wanted["EventCategories"])
    for group in wanted["EventGroups"]:
        categories.update(MACHINE_GROUPS.get(group, ()))
    roles = {role.casefold() for role in wanted["Roles"]}
    return (
        (category in categories if categories else category in MACHINE_GROUPS["Machine"])
        and _overlap(wanted["EnvironmentIds"], machine.environments)
        and (not roles or any(role.casefold() in roles for role in machine.roles))
    )


def _overlap(wanted: list[str], own: tuple[str, ...]) -> bool:
    return not wanted or bool(set(wanted) & set(own))


def _act(world: World, space: Space, trigger: Trigger) -> None:
    machines = world.waiting_targets.pop(trigger.id, {})
    project = space.projects.get(trigger.project_id)
    if space.triggers.get(trigger.id) is not trigger or project is None:
        return
    if trigger.is_disabled or project.is_disabled:
        return
    for cell, deployments in list(space.cells.items()):
        if cell[0] != project.id or not _overlap(trigger.filter["EnvironmentIds"], (cell[1],)):
            continue
        model = _model(deployments)
        current = model.release if model else None
        release = _override(space, project, cell[1], cell[2]) or current
        if release is None:
            continue
        here = [each for each in machines.values() if _needs(space, trigger, release, each, cell)]
        if here:
            skipped = model.options.get("SkipActions", []) if model else []
            deploy(
                world,
                space,
                release,
                space.environments[cell[1]],
                world.system,
                tenant=space.tenants.get(cell[2] or ""),
                options={
                    "SpecificMachineIds": sorted(each.id for each in here),
                    "SkipActions": skipped,
                },
            )


def _model(deployments: list[Deployment]) -> Deployment | None:
    """Return the deployment that runs again: the last one with success."""
    return next(
        (each for each in reversed(deployments) if each.task.state is TaskState.SUCCESS), None
    )


def _override(
    space: Space, project: Project, environment: str, tenant: str | None
) -> Release | None:
    for each in project.more.get("AutoDeployReleaseOverrides") or []:
        if (each.get("EnvironmentId"), each.get("TenantId")) == (environment, tenant):
            return space.releases.get(str(each.get("ReleaseId")))
    return None


def _needs(
    space: Space,
    trigger: Trigger,
    release: Release,
    machine: Machine,
    cell: tuple[str, str, str | None],
) -> bool:
    """Tell whether a machine is meant by the release's steps there, and does not run it yet."""
    steps = space.processes[release.process_snapshot_id].steps
    roles = frozenset[str]().union(*map(roles_of, steps))
    return (
        cell[1] in machine.environments
        and not machine.is_disabled
        and any(role.casefold() in roles for role in machine.roles)
        and (
            machine.runs.get(cell) != release.id
            or trigger.action["ShouldRedeployWhenMachineHasBeenDeployedTo"]
        )
    )
