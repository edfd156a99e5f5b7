"""From a seed to a world: accounts, spaces, releases and the deployments behind them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.simulator.calls import Body
from reconciler.simulator.deploying import file_deployment, log_steps
from reconciler.simulator.firing import add_trigger
from reconciler.simulator.fleet import targets_of
from reconciler.simulator.machinery import add_machine, check_health, listening_endpoint
from reconciler.simulator.permissions import DEPLOYER
from reconciler.simulator.progress import lifecycle_of, phases_of
from reconciler.simulator.records import (
    Deployment,
    Environment,
    Grant,
    Phase,
    Project,
    Release,
    Space,
    Task,
    TaskState,
    Team,
    User,
)
from reconciler.simulator.running import furnish
from reconciler.simulator.sessions import hash_password
from reconciler.simulator.shelf import versions_for
from reconciler.simulator.steps import deploy_release_step, read_steps
from reconciler.simulator.triggers import read_parts
from reconciler.simulator.versions import version_key
from reconciler.simulator.world import find

if TYPE_CHECKING:
    from reconciler.simulator.seed import (
        Seed,
        SeedPhase,
        SeedProject,
        SeedSpace,
        SeedTrigger,
        SeedUser,
    )
    from reconciler.simulator.world import World

__all__ = ["populate"]

ADMINISTRATOR = "administrator"
SERVICE = "reconciler"


def populate(world: World, seed: Seed, *, api_key: str, service_api_key: str) -> None:
    """Fill an empty world with everything the seed names."""
    world.server_version = seed.server_version
    world.engine.slots = seed.slots
    administrator = _accounts(world, seed, api_key, service_api_key)
    wants_default = any(each.default for each in seed.spaces)
    history: list[tuple[datetime, Space, Project, Release, Environment]] = []
    for index, each in enumerate(seed.spaces):
        first = index == 0 and each.default is None and not wants_default
        space = world.add_space(each.name, is_default=bool(each.default) or first)
        history.extend(_fill_space(world, space, each))
    history.sort(key=lambda line: line[0])
    for moment, space, project, release, environment in history:
        _deployed_before(world, space, project, release, environment, administrator, moment)


def _accounts(world: World, seed: Seed, api_key: str, service_api_key: str) -> User:
    administrator = world.add_user(
        ADMINISTRATOR, "Administrator", email="administrator@example.com"
    )
    administrator.system_permissions.add("AdministerSystem")
    service = world.add_user(SERVICE, "Reconciler", is_service=True)
    people = [_person(world, each) for each in seed.users]
    runs = any(project.runbooks for space in seed.spaces for project in space.projects)
    allowed = (*DEPLOYER, "RunbookRunCreate") if runs else DEPLOYER
    for user in (service, *people):
        user.system_permissions.add("SpaceView")
        world.grant(user, *(Grant(permission) for permission in allowed))
    world.keys[api_key] = administrator
    world.keys[service_api_key] = service
    administrators = Team("teams-administrators", "Octopus Administrators", None)
    administrators.members.append(administrator.id)
    everyone = Team("teams-everyone", "Everyone", None, [*world.users])
    deployers = Team(world.new_id("Teams"), "Deployers", None)
    deployers.members.extend(user.id for user in (service, *people))
    for team in (administrators, everyone, deployers):
        world.teams[team.id] = team
    return administrator


def _person(world: World, seed: SeedUser) -> User:
    made = world.add_user(seed.username, seed.display_name, email=seed.email)
    made.password = "" if seed.password is None else hash_password(seed.password)
    return made


def _fill_space(
    world: World, space: Space, seed: SeedSpace
) -> list[tuple[datetime, Space, Project, Release, Environment]]:
    environments = {name: world.add_environment(space, name) for name in seed.environments}
    lifecycles = {each.name: each for each in space.lifecycles.values()}
    for lifecycle in seed.lifecycles:
        phases = tuple(
            _phase(phase, lifecycle.name, number, environments)
            for number, phase in enumerate(lifecycle.phases, 1)
        )
        lifecycles[lifecycle.name] = world.add_lifecycle(space, lifecycle.name, phases)
    for machine in seed.machines:
        made = add_machine(
            world,
            space,
            machine.name,
            endpoint=listening_endpoint(machine.name),
            user=None,
            environments=tuple(environments[name].id for name in machine.environments),
            roles=machine.roles,
        )
        check_health(world, space, made)
    groups = {each.name: each for each in space.groups.values()}
    wanted = (*seed.project_groups, *(each.group for each in seed.projects))
    for name in dict.fromkeys(wanted):
        if name not in groups:
            groups[name] = world.add_group(space, name)
    history: list[tuple[datetime, Space, Project, Release, Environment]] = []
    for each in seed.projects:
        project = world.add_project(
            space,
            each.name,
            group=groups[each.group],
            lifecycle=lifecycles[each.lifecycle],
            slug=each.slug,
            steps=each.steps,
            packages=each.packages,
            roles=each.roles,
            task_seconds=each.task_seconds,
        )
        _add_child_steps(space, project, each)
        for name in each.runbooks:
            furnish(world, space, project, name)
        releases = _releases(world, space, project, each)
        for name, version in each.deployed:
            release, environment = releases[version], environments[name]
            after = timedelta(minutes=10 * (1 + environment.sort_order))
            moment = min(release.assembled + after, world.now - timedelta(minutes=5))
            history.append((moment, space, project, release, environment))
            _came_this_way(space, project, release, environment)
        for trigger in each.triggers:
            _add_trigger(world, space, project, trigger, environments)
    return history


def _add_child_steps(space: Space, project: Project, seed: SeedProject) -> None:
    """Add deploy-a-release steps; they are all there is when the seed names no other."""
    others = [find(space.projects.values(), name) for name in seed.deploys]
    written = [deploy_release_step(each) for each in others if each]
    if written:
        process = space.processes[project.process_id]
        own = process.steps if seed.steps or seed.packages else ()
        process.steps = (*own, *read_steps(Body({"Steps": written})))


def _add_trigger(
    world: World,
    space: Space,
    project: Project,
    seed: SeedTrigger,
    environments: dict[str, Environment],
) -> None:
    target = environments[seed.target].id
    if seed.source is None:
        action: dict[str, object] = {"ActionType": "DeployNewRelease", "EnvironmentId": target}
    else:
        action = {
            "ActionType": "DeployLatestRelease",
            "SourceEnvironmentIds": [environments[seed.source].id],
            "DestinationEnvironmentId": target,
        }
    schedule = {"FilterType": "CronExpressionSchedule", "CronExpression": seed.cron}
    parts = read_parts(space, project, Body({"Filter": schedule, "Action": action}))
    add_trigger(world, space, project, seed.name, parts)


def _came_this_way(
    space: Space, project: Project, release: Release, environment: Environment
) -> None:
    """Let what runs in an environment have passed the phases before it, as older releases have.

    Those were in the environment too; their deployments are no longer kept. So a rollback is open.
    """
    before: set[str] = set()
    for phase in phases_of(space, lifecycle_of(space, project, release)):
        targets = {*phase.automatic, *phase.optional_targets}
        if environment.id in targets:
            break
        before |= targets
    else:
        return
    release.passed |= before
    runs = version_key(release.version)
    for older in project.releases:
        if version_key(older.version) < runs:
            older.passed |= before | {environment.id}


def _phase(
    seed: SeedPhase, lifecycle: str, number: int, environments: dict[str, Environment]
) -> Phase:
    return Phase(
        f"{lifecycle.lower().replace(' ', '-')}-phase-{number}",
        seed.name,
        automatic=tuple(environments[name].id for name in seed.automatic),
        optional_targets=tuple(environments[name].id for name in seed.environments),
        minimum=seed.minimum,
        is_optional=seed.optional,
    )


def _releases(
    world: World, space: Space, project: Project, seed: SeedProject
) -> dict[str, Release]:
    """Make the releases, the newest of them a day old."""
    return {
        version: world.add_release(
            space,
            project,
            version,
            channel=project.channels[0],
            assembled=world.now - timedelta(days=len(seed.releases) - index),
            packages=versions_for(space, space.processes[project.process_id], version),
        )
        for index, version in enumerate(seed.releases)
    }


def _deployed_before(
    world: World,
    space: Space,
    project: Project,
    release: Release,
    environment: Environment,
    by: User,
    moment: datetime,
) -> None:
    """Write the history of one successful deployment that was over before the server's start."""
    work = world.task_seconds if project.task_seconds is None else project.task_seconds
    ended = min(moment + timedelta(seconds=1 + work), world.now)
    deployment_id = world.new_id("Deployments")
    task = Task(
        world.new_id("ServerTasks"),
        space.id,
        "Deploy",
        f"Deploy {project.name} release {release.version} to {environment.name}",
        {"DeploymentId": deployment_id},
        created=moment,
        queue_time=moment,
        work=work,
        cell=(project.id, environment.id, None),
        steps=log_steps(space.processes[release.process_snapshot_id], release.packages),
        state=TaskState.SUCCESS,
        start_time=moment + timedelta(seconds=1),
        completed_time=ended,
        last_updated=ended,
        done=work,
        stretches=[(moment + timedelta(seconds=1), 0.0)],
    )
    process = space.processes[release.process_snapshot_id]
    found = targets_of(space, {}, process, environment.id, None, {}) if space.machines else ()
    for targets in found:
        for machine in targets.machines:
            task.machines = tuple(dict.fromkeys((*task.machines, machine.id)))
            machine.runs[project.id, environment.id, None] = release.id
    deployment = Deployment(
        deployment_id, space.id, release, environment.id, None, release.channel_id, task, moment, by
    )
    file_deployment(world, space, deployment)
