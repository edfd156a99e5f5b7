"""Triggers at work: schedules rung by the clock, packages that arrive; the system user deploys.

A firing that the server's rules forbid (lifecycle, defect, disabled project) comes to nothing.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused
from reconciler.simulator.deploying import deploy, deploy_automatically, refuse_out_of_order
from reconciler.simulator.freezing import refuse_frozen
from reconciler.simulator.records import TaskState, Trigger
from reconciler.simulator.releasecreation import creates_release_of
from reconciler.simulator.running import published, refuse_run, run
from reconciler.simulator.shelf import versions_for
from reconciler.simulator.tenancy import tenants_meant
from reconciler.simulator.triggers import schedule_of
from reconciler.simulator.versions import next_version

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.simulator.records import Deployment, Project, Release, Space
    from reconciler.simulator.tenancy import Tenant
    from reconciler.simulator.world import World

__all__ = ["add_trigger", "arm", "attach", "fire", "package_arrived"]

_RING = "trigger"
_FEEDS = ("FeedFilter", "ArcFeedFilter")
_MOST_IN_A_TURN = 1_000
"""How often one trigger fires while the clock is turned once; a story, not a flood."""


def attach(world: World) -> None:
    """Let the clock ring triggers."""
    world.engine.calls[_RING] = partial(_ring, world)


def add_trigger(
    world: World,
    space: Space,
    project: Project,
    name: str,
    parts: tuple[dict[str, Any], dict[str, Any]],
) -> Trigger:
    """Make a trigger of a checked filter and action, and let its schedule begin."""
    made = Trigger(world.new_id("ProjectTriggers"), name, project.id, *parts)
    space.triggers[made.id] = made
    arm(world, space, made)
    return made


def arm(world: World, space: Space, trigger: Trigger) -> None:
    """Appoint a trigger's next moment, if it has a schedule; older appointments are void."""
    trigger.epoch += 1
    schedule = schedule_of(trigger)
    if schedule is None or trigger.is_disabled:
        return
    due = schedule.after(world.now)
    if due is not None:
        world.engine.call_at(due, _RING, space, trigger, trigger.epoch)


def _ring(world: World, space: Space, trigger: Trigger, epoch: int) -> None:
    if epoch != trigger.epoch or space.triggers.get(trigger.id) is not trigger:
        return
    counts = world.fired_in_turn
    counts[trigger.id] += 1
    if counts[trigger.id] <= _MOST_IN_A_TURN:
        fire(world, space, trigger)
        arm(world, space, trigger)
        return
    schedule = schedule_of(trigger)
    due = schedule.after(world.clock()) if schedule else None
    if due is not None:
        world.engine.call_at(due, _RING, space, trigger, epoch)


def fire(world: World, space: Space, trigger: Trigger) -> tuple[Deployment, ...]:
    """Do a trigger's action now, as the system user; nothing when the rules forbid it."""
    project = space.projects[trigger.project_id]
    if trigger.is_disabled or project.is_disabled:
        return ()
    try:
        return _act(world, space, project, trigger)
    except Refused:
        return ()


def _act(world: World, space: Space, project: Project, trigger: Trigger) -> tuple[Deployment, ...]:
    action = trigger.action
    match action["ActionType"]:
        case "DeployLatestRelease":
            release = _latest_of(space, project, trigger)
            target = action["DestinationEnvironmentId"]
        case "DeployLatestReleaseToEnvironment":
            release = _newest(project, action["ChannelId"])
            target = action["EnvironmentId"]
        case "DeployNewRelease":
            release = _new_release(world, space, project, action["ChannelId"])
            target = action["EnvironmentId"]
            if any(each.environment_id == target for each in release.deployments):
                return ()
        case "RunRunbook":
            _run_runbook(world, space, trigger)
            return ()
        case "CreateRelease":
            _new_release(world, space, project, action["ChannelId"])
            return ()
        case _:
            return ()
    if release is None:
        return ()
    whom = _whom(space, project, trigger, target)
    found = (_deploy(world, space, trigger, release, target, each) for each in whom)
    return tuple(each for each in found if each is not None)


def _whom(space: Space, project: Project, trigger: Trigger, target: str) -> list[Tenant | None]:
    """Return the tenants that a trigger names; nobody named means a deployment without one."""
    names, tags = trigger.action["TenantIds"], trigger.action["TenantTags"]
    if not names and not tags:
        return [None]
    return [*tenants_meant(space, project, target, names, tags)]


def _deploy(
    world: World,
    space: Space,
    trigger: Trigger,
    release: Release,
    target: str,
    tenant: Tenant | None,
) -> Deployment | None:
    """Deploy for one tenant or for none; None when the rules forbid it or nothing is to do."""
    project = space.projects[trigger.project_id]
    if not trigger.action.get("ShouldRedeployWhenReleaseIsCurrent", True):
        found = _successes(space, project, target, tenant)
        if found and found[-1].release is release:
            return None
    environment = space.environments[target]
    try:
        refuse_out_of_order(space, release, environment, tenant)
        refuse_frozen(world, project, environment, world.now, tenant=tenant)
    except Refused:
        return None
    return deploy(world, space, release, environment, world.system, tenant=tenant, is_ordered=True)


def _successes(
    space: Space, project: Project, environment: str, tenant: Tenant | None
) -> list[Deployment]:
    key = (project.id, environment, tenant.id if tenant else None)
    return [each for each in space.cells.get(key, []) if each.task.state is TaskState.SUCCESS]


def _latest_of(space: Space, project: Project, trigger: Trigger) -> Release | None:
    """Return the release of the newest success in the source environments, of the channel."""
    channel = trigger.action["ChannelId"]
    found = [
        each
        for environment in trigger.action["SourceEnvironmentIds"]
        for tenant in (None, *space.tenants.values())
        for each in _successes(space, project, environment, tenant)
        if channel is None or each.channel_id == channel
    ]

    def age(each: Deployment) -> datetime:
        return each.task.completed_time or each.created

    return max(found, key=age).release if found else None


def _newest(project: Project, channel: str | None) -> Release | None:
    found = [each for each in project.releases if channel in (None, each.channel_id)]
    return found[-1] if found else None


def _new_release(world: World, space: Space, project: Project, wanted: str | None) -> Release:
    default = next((each for each in project.channels if each.is_default), project.channels[0])
    channel = next((each for each in project.channels if each.id == wanted), default)
    version = next_version([each.version for each in project.releases])
    release = world.add_release(
        space,
        project,
        version,
        channel=channel,
        assembled=world.now,
        packages=versions_for(space, space.processes[project.process_id], version, newest=True),
    )
    world.record(
        "Created",
        f"Release {version} of project {project.name} was created",
        space=space,
        user=world.system,
        related=(release.id, project.id, channel.id),
    )
    deploy_automatically(world, space, release)
    return release


def _run_runbook(world: World, space: Space, trigger: Trigger) -> None:
    """Run the published snapshot in each environment, for each tenant, that may be."""
    runbook = space.runbooks[trigger.action["RunbookId"]]
    project = space.projects[runbook.project_id]
    snapshot = published(space, runbook)
    for environment_id in trigger.action["EnvironmentIds"]:
        environment = space.environments[environment_id]
        for tenant in _whom(space, project, trigger, environment_id):
            try:
                refuse_run(space, runbook, environment, tenant)
            except Refused:
                continue
            run(world, space, snapshot, environment, world.system, tenant=tenant)


def package_arrived(world: World, space: Space, package: str, version: str) -> None:
    """Put a package on the shelf, and tell the triggers that wait for it."""
    known = next((each for each in space.arrived if each.casefold() == package.casefold()), package)
    space.arrived.setdefault(known, {}).setdefault(version, world.now)
    space.discarded.discard((package.casefold(), version))
    for trigger in list(space.triggers.values()):
        if trigger.filter["FilterType"] in _FEEDS and _waits_for(space, trigger, package):
            fire(world, space, trigger)
    for project in list(space.projects.values()):
        if creates_release_of(space, project, package):
            wanted = project.more["ReleaseCreationStrategy"]["ChannelId"]
            _new_release(world, space, project, wanted)


def _waits_for(space: Space, trigger: Trigger, package: str) -> bool:
    """Tell whether a trigger names this package, by action and reference; none named means all."""
    project = space.projects[trigger.project_id]
    named = {
        (each.get("DeploymentAction"), each.get("PackageReference") or "")
        for each in trigger.filter["Packages"]
        if isinstance(each, dict)
    }
    return any(
        each.package.casefold() == package.casefold()
        and (not named or (each.action, each.reference) in named)
        for step in space.processes[project.process_id].steps
        for each in step.packages
    )
