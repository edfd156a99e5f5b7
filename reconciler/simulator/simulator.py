"""The simulator as tests and the command hold it: one server's state, its app, its strings."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import RLock
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from reconciler.simulator import deploying
from reconciler.simulator.application import Application, RequestSeen
from reconciler.simulator.control import control_routes
from reconciler.simulator.faults import Fault, Faults
from reconciler.simulator.permissions import SPACE_PERMISSIONS, SYSTEM_PERMISSIONS
from reconciler.simulator.populate import populate
from reconciler.simulator.records import Grant, Outcome, Script, TaskState, User
from reconciler.simulator.routes import make_router
from reconciler.simulator.routes.users import new_key
from reconciler.simulator.times import utcnow
from reconciler.simulator.versions import version_key
from reconciler.simulator.world import World, find

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconciler.simulator.records import Deployment, Environment, Project, Release, Space, Task
    from reconciler.simulator.seed import Seed

__all__ = ["BadKey", "DeploymentSeen", "Simulator", "check_key"]

T = TypeVar("T")

_KEY = re.compile(r"API-[A-Z0-9]+")


class BadKey(ValueError):
    """A key does not look like one that Octopus' clients accept."""


def check_key(key: str) -> str:
    """Return the key when it looks like `API-` and capital letters or digits.

    Raises:
        BadKey: it does not. The message does not repeat the key.
    """
    if not _KEY.fullmatch(key):
        raise BadKey("an API key must be 'API-' followed by capital letters and digits only")
    return key


@dataclass(frozen=True, slots=True)
class DeploymentSeen:
    """One deployment as the server has it now."""

    id: str
    task_id: str
    version: str
    environment: str
    state: str
    comments: str | None
    deployed_by: str
    created: datetime
    queue_time: datetime
    completed: datetime | None


class Simulator:
    """An Octopus Deploy server in memory. Every method is safe beside running requests.

    Projects, environments and spaces are named by id, slug or name; no space means the default
    one. Time is `clock()` plus what `advance` turned it by: everything due by then has happened
    whenever a request or a method looks.

    Raises:
        BadKey: a key does not look like an Octopus API key.
    """

    def __init__(
        self,
        seed: Seed,
        *,
        clock: Callable[[], datetime] = utcnow,
        api_key: str = "API-ADMINISTRATOR",
        service_api_key: str = "API-SERVICE",
        task_seconds: float = 10.0,
    ) -> None:
        if check_key(api_key) == check_key(service_api_key):
            raise BadKey("administrator and service account need different keys")
        self.api_key = api_key
        self.service_api_key = service_api_key
        self.world = World(clock, task_seconds=task_seconds)
        deploying.attach(self.world)
        populate(self.world, seed, api_key=api_key, service_api_key=service_api_key)
        self._lock = RLock()
        self._faults = Faults()
        router = make_router(control_routes(self._faults))
        self.app = Application(self.world, router, self._faults, self._lock)

    # Time and requests

    def advance(self, seconds: float) -> None:
        """Turn the clock forward and play what is due by then."""
        with self._playing() as world:
            world.turned += timedelta(seconds=seconds)
            world.advance()

    @property
    def now(self) -> datetime:
        """Return the simulator's time."""
        return self.world.clock()

    @property
    def requests(self) -> tuple[RequestSeen, ...]:
        """Return the requests served so far, oldest first (the last 100 000)."""
        return tuple(self.app.requests)

    def forget_requests(self) -> None:
        """Start counting requests anew."""
        self.app.requests.clear()

    # Settings

    @property
    def project_limit(self) -> int | None:
        """Return how many projects a dashboard shows at most; None: all."""
        return self.world.project_limit

    @project_limit.setter
    def project_limit(self, limit: int | None) -> None:
        self.world.project_limit = limit

    @property
    def slots(self) -> int:
        """Return how many tasks run at once."""
        return self.world.engine.slots

    @slots.setter
    def slots(self, slots: int) -> None:
        self.world.engine.slots = slots

    @property
    def cancel_seconds(self) -> float:
        """Return how long a running task stays Cancelling."""
        return self.world.engine.cancel_seconds

    @cancel_seconds.setter
    def cancel_seconds(self, seconds: float) -> None:
        self.world.engine.cancel_seconds = seconds

    @property
    def waiting_frees_slot(self) -> bool:
        """Return whether a task that waits for a person gives its slot to another."""
        return self.world.engine.waiting_frees_slot

    @waiting_frees_slot.setter
    def waiting_frees_slot(self, frees: bool) -> None:
        self.world.engine.waiting_frees_slot = frees

    @property
    def waiting_shows_queued(self) -> bool:
        """Return whether waiting tasks are shown as Queued, as older servers did."""
        return self.world.waiting_shows_queued

    @waiting_shows_queued.setter
    def waiting_shows_queued(self, shows: bool) -> None:
        self.world.waiting_shows_queued = shows

    # Faults

    def fault(self, kind: str, **more: Any) -> Fault:
        """Put a scripted fault in force; the names are those of `Fault`."""
        made = Fault(kind, **more)  # type: ignore[arg-type]
        with self._lock:
            self._faults.add(made)
        return made

    def clear_faults(self) -> None:
        """Lift every fault."""
        with self._lock:
            self._faults.clear()

    # What becomes of deployments

    def fail_next(
        self,
        project: str,
        version: str | None,
        environment: str,
        *,
        message: str = "The deployment failed because a step failed.",
        space: str | None = None,
    ) -> None:
        """Let the next deployment (of this version, or None: of any) end Failed."""
        script = Script(Outcome.FAILURE, message)
        self._script(project, version, environment, script, space)

    def warn_next(
        self,
        project: str,
        version: str | None,
        environment: str,
        *,
        message: str = "The step finished with a warning.",
        space: str | None = None,
    ) -> None:
        """Let the next deployment end in Success with warnings."""
        script = Script(Outcome.WARNING, message)
        self._script(project, version, environment, script, space)

    def stick(
        self,
        project: str,
        version: str | None,
        environment: str,
        *,
        state: Literal["Queued", "Executing", "Cancelling"] = "Executing",
        space: str | None = None,
    ) -> None:
        """Let the next deployment never leave a state; `finish` ends it."""
        outcome = {
            "Queued": Outcome.STUCK_QUEUED,
            "Executing": Outcome.STUCK,
            "Cancelling": Outcome.STUCK_CANCELLING,
        }[state]
        self._script(project, version, environment, Script(outcome), space)

    def interrupt_next(
        self,
        project: str,
        version: str | None,
        environment: str,
        *,
        title: str = "Approve",
        instructions: str = "Check before going on.",
        teams: tuple[str, ...] = (),
        at: float = 0.5,
        space: str | None = None,
    ) -> None:
        """Let the next deployment wait for a person after this share of its work (0 to 1)."""
        plan = {"title": title, "instructions": instructions, "teams": teams, "at": at}
        self._script(project, version, environment, Script(intervention=plan), space)

    def raise_interruption(
        self,
        project: str,
        environment: str,
        *,
        title: str = "Approve",
        instructions: str = "Check before going on.",
        teams: tuple[str, ...] = (),
        space: str | None = None,
    ) -> str:
        """Let the deployment that runs in a cell wait for a person now; returns the id.

        Raises:
            LookupError: none is executing there.
        """
        with self._playing() as world:
            task = self._active(project, environment, space)
            if task.state is not TaskState.EXECUTING:
                raise LookupError(f"the deployment of {project} to {environment} has not started")
            return deploying.raise_interruption(world, task, title, instructions, teams=teams).id

    def finish(
        self,
        project: str,
        environment: str,
        *,
        state: str = "Success",
        message: str = "",
        space: str | None = None,
    ) -> None:
        """End the oldest deployment that is active in a cell, now, in a completed state.

        Raises:
            LookupError: none is active there.
        """
        with self._playing() as world:
            task = self._active(project, environment, space)
            world.engine.end(task, TaskState(state), message)

    # What other people do

    def release(
        self,
        project: str,
        version: str,
        *,
        channel: str | None = None,
        assembled: datetime | None = None,
        space: str | None = None,
    ) -> str:
        """Make a release as the administrator; packages get the release's version."""
        with self._playing() as world:
            where, found = self._project(project, space)
            steps = world_steps(where, found)
            chosen = self._found(found.channels, channel, "channel") if channel else None
            return world.add_release(
                where,
                found,
                version,
                channel=chosen or found.channels[0],
                assembled=assembled or world.now,
                packages=tuple((step, reference, version) for step, reference in steps),
            ).id

    def delete_release(self, project: str, version: str, *, space: str | None = None) -> None:
        """Remove a release and its deployments, as retention does."""
        with self._playing():
            where, found = self._project(project, space)
            release = self._release(found, version)
            found.releases.remove(release)
            del where.releases[release.id]
            for deployment in release.deployments:
                where.deployments.pop(deployment.id, None)
                where.cells[deployment.cell].remove(deployment)
                if not where.cells[deployment.cell]:
                    del where.cells[deployment.cell]

    def deploy(
        self,
        project: str,
        version: str,
        environment: str,
        *,
        by: str = "administrator",
        comments: str | None = None,
        at: datetime | None = None,
        options: dict[str, Any] | None = None,
        space: str | None = None,
    ) -> str:
        """Deploy as a user, whatever the lifecycle says; `at` schedules. Returns the id.

        `options` are fields of the classic body, as `SpecificMachineIds` or `SkipActions`.
        """
        with self._playing() as world:
            where, found = self._project(project, space)
            return deploying.deploy(
                world,
                where,
                self._release(found, version),
                self._environment(where, environment),
                world.user_named(by),
                comments=comments,
                queue_time=at,
                options=options,
            ).id

    def cancel(self, deployment_id: str, *, space: str | None = None) -> None:
        """Cancel a deployment's task."""
        with self._playing() as world:
            world.engine.cancel(self._space(space).deployments[deployment_id].task)

    # Who may do what

    def restrict(
        self,
        username: str,
        permission: str,
        *,
        space: str | None = None,
        projects: Iterable[str] | None = None,
        environments: Iterable[str] | None = None,
        tenants: Iterable[str] | None = None,
        groups: Iterable[str] | None = None,
    ) -> None:
        """Let a user hold a permission only there; None means everywhere in a dimension."""
        self.revoke(username, permission, space=space)
        self.grant(
            username,
            permission,
            space=space,
            projects=projects,
            environments=environments,
            tenants=tenants,
            groups=groups,
        )

    def grant(
        self,
        username: str,
        permission: str,
        *,
        space: str | None = None,
        projects: Iterable[str] | None = None,
        environments: Iterable[str] | None = None,
        tenants: Iterable[str] | None = None,
        groups: Iterable[str] | None = None,
    ) -> None:
        """Give a user one more permission, of a space (default) or of the system."""
        with self._playing() as world:
            user = world.user_named(username)
            if permission in SYSTEM_PERMISSIONS:
                user.system_permissions.add(permission)
                user.access.clear()
                return
            if permission not in SPACE_PERMISSIONS:
                raise LookupError(f"no permission {permission!r}")
            where = self._space(space)
            narrow = {
                "projects": self._ids(where.projects.values(), projects, "project"),
                "environments": self._ids(where.environments.values(), environments, "environment"),
                "groups": self._ids(where.groups.values(), groups, "project group"),
                "tenants": None if tenants is None else frozenset(tenants),
            }
            used = SPACE_PERMISSIONS[permission] | {"groups"}
            odd = [name for name, ids in narrow.items() if ids is not None and name not in used]
            if odd:
                raise ValueError(f"{permission} cannot be narrowed by {', '.join(odd)}")
            world.grant(user, Grant(permission, where.id, **narrow))

    def revoke(self, username: str, permission: str, *, space: str | None = None) -> None:
        """Take a permission from a user, in a space (default) or of the system."""
        with self._playing() as world:
            user = world.user_named(username)
            user.system_permissions.discard(permission)
            where = self._space(space)
            kept: list[Grant] = []
            for grant in user.grants:
                if grant.permission != permission:
                    kept.append(grant)
                elif grant.space_id is None:
                    others = [each for each in world.spaces if each != where.id]
                    kept += [Grant(permission, each) for each in others]
                elif grant.space_id != where.id:
                    kept.append(grant)
            user.grants[:] = kept
            user.access.clear()

    def key_of(self, username: str) -> str:
        """Make a new API key for a user and return it."""
        with self._playing() as world:
            key = new_key()
            world.keys[key] = world.user_named(username)
            return key

    def revoke_key(self, key: str) -> None:
        """Make a key unknown, as when it is deleted or expires."""
        with self._lock:
            self.world.keys.pop(key, None)

    # Looking

    def running(self, project: str, environment: str, *, space: str | None = None) -> str | None:
        """Return the version of a cell's newest success, None when there is none."""
        with self._playing():
            for deployment in reversed(self._cell(project, environment, space)):
                if deployment.task.state is TaskState.SUCCESS:
                    return deployment.release.version
            return None

    def deployments(
        self, project: str, environment: str, *, space: str | None = None
    ) -> tuple[DeploymentSeen, ...]:
        """Return a cell's deployments, oldest first."""
        with self._playing():
            where = self._space(space)
            return tuple(
                DeploymentSeen(
                    each.id,
                    each.task.id,
                    each.release.version,
                    where.environments[each.environment_id].name,
                    each.task.state.value,
                    each.comments,
                    each.deployed_by.username,
                    each.created,
                    each.task.queue_time,
                    each.task.completed_time,
                )
                for each in self._cell(project, environment, space)
            )

    # Finding

    @contextmanager
    def _playing(self) -> Iterator[World]:
        with self._lock:
            self.world.advance()
            yield self.world

    @staticmethod
    def _found(records: Iterable[T], wanted: str, kind: str) -> T:
        found = find(records, wanted)
        if found is None:
            raise LookupError(f"no {kind} {wanted!r}")
        return found

    def _space(self, space: str | None) -> Space:
        if space is None:
            default = self.world.default_space()
            if default is None:
                raise LookupError("there is no default space")
            return default
        return self._found(self.world.spaces.values(), space, "space")

    def _project(self, project: str, space: str | None) -> tuple[Space, Project]:
        where = self._space(space)
        return where, self._found(where.projects.values(), project, "project")

    def _environment(self, where: Space, environment: str) -> Environment:
        return self._found(where.environments.values(), environment, "environment")

    def _release(self, project: Project, version: str) -> Release:
        key = version_key(version)
        for release in project.releases:
            if version_key(release.version) == key:
                return release
        raise LookupError(f"no release {version!r} of {project.name}")

    def _cell(self, project: str, environment: str, space: str | None) -> list[Deployment]:
        where, found = self._project(project, space)
        return where.cells.get((found.id, self._environment(where, environment).id, None), [])

    def _active(self, project: str, environment: str, space: str | None) -> Task:
        for deployment in self._cell(project, environment, space):
            if not deployment.task.state.is_completed:
                return deployment.task
        raise LookupError(f"no deployment of {project} to {environment} is active")

    def _ids(
        self, records: Iterable[Any], wanted: Iterable[str] | None, kind: str
    ) -> frozenset[str] | None:
        if wanted is None:
            return None
        every = list(records)
        return frozenset(self._found(every, each, kind).id for each in wanted)

    def _script(
        self,
        project: str,
        version: str | None,
        environment: str,
        script: Script,
        space: str | None,
    ) -> None:
        with self._playing() as world:
            where, found = self._project(project, space)
            place = self._environment(where, environment)
            key = deploying.script_key(found.id, version, place.id)
            world.scripts.setdefault(key, []).append(script)

    def user(self, username: str) -> User:
        """Return a user's record.

        Raises:
            LookupError: there is none of that name.
        """
        return self.world.user_named(username)


def world_steps(space: Space, project: Project) -> list[tuple[str, str]]:
    """Return every package of a project's process as step name and reference name."""
    return [
        (step.name, "" if index == 0 else package)
        for step in space.processes[project.process_id].steps
        for index, package in enumerate(step.packages)
    ]
