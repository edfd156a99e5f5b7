"""The whole state of the simulated server, and how things in it are found and made."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.simulator.answers import missing
from reconciler.simulator.engine import Engine
from reconciler.simulator.fleet import MachinePolicy, WorkerPool
from reconciler.simulator.membership import Invitation, ScopedRole, UserRole, built_in_roles
from reconciler.simulator.ratelimits import built_in_policies
from reconciler.simulator.records import (
    Channel,
    Deployment,
    Environment,
    Event,
    Grant,
    Lifecycle,
    PackageReference,
    Phase,
    Process,
    Project,
    ProjectGroup,
    Release,
    Script,
    Space,
    Step,
    Task,
    Team,
    User,
    VariableSet,
)
from reconciler.simulator.slugs import slug_of
from reconciler.simulator.versioncontrol import HEADS, process_at, variables_at
from reconciler.simulator.versions import version_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.simulator.accesstokens import AccessToken
    from reconciler.simulator.fleet import Machine
    from reconciler.simulator.freezing import Freeze
    from reconciler.simulator.runbooks import RunbookRun, RunbookSnapshot
    from reconciler.simulator.sessions import Session
    from reconciler.simulator.versioncontrol import Commit, Reference

__all__ = ["World", "find", "letters"]

T = TypeVar("T")


def letters(*parts: object) -> str:
    """Return five capital letters that depend on the parts alone, as snapshot ids end in."""
    number = int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8])
    made = []
    for _ in range(5):
        number, rest = divmod(number, 26)
        made.append(chr(65 + rest))
    return "".join(made)


def find(records: Iterable[T], wanted: str) -> T | None:
    """Find a record by id, else slug, else name (names without case)."""
    kept: list[Any] = list(records)
    for record in kept:
        if record.id == wanted:
            return record  # type: ignore[no-any-return]
    low = wanted.casefold()
    for record in kept:
        if getattr(record, "slug", None) == low:
            return record  # type: ignore[no-any-return]
    for record in kept:
        if record.name.casefold() == low:
            return record  # type: ignore[no-any-return]
    return None


class World:
    """Everything the server knows. One instance is one server; nothing outlives it."""

    def __init__(self, clock: Callable[[], datetime], *, task_seconds: float) -> None:
        self._clock = clock
        self.turned = timedelta()
        self.task_seconds = task_seconds
        self.server_version = "2026.3.1234"
        self.installation_id = str(uuid.uuid4())
        self.node_name = "simulator"
        self.project_limit: int | None = None
        self.waiting_shows_queued = False
        self.spaces: dict[str, Space] = {}
        self.logos: dict[str, bytes] = {}
        """Pictures that clients sent, by the id of what they stand for."""
        self.users: dict[str, User] = {}
        self.system = User("users-system", "system", "System", is_service=True)
        self.teams: dict[str, Team] = {}
        self.keys: dict[str, User] = {}
        self.key_ids: dict[str, str] = {}
        self.freezes: dict[str, Freeze] = {}
        self.settings: dict[str, dict[str, Any]] = {}
        """Fields that administrators changed, by the path of the settings."""
        self.license_text = ""
        self.rate_policies = built_in_policies()
        self.is_in_maintenance = False
        self.is_draining = False
        self.user_roles: dict[str, UserRole] = built_in_roles()
        self.scoped_roles: dict[str, ScopedRole] = {}
        self.sessions: dict[str, Session] = {}
        self.access_tokens: dict[str, AccessToken] = {}
        self.invitations: dict[str, Invitation] = {}
        self.tasks: dict[str, Task] = {}
        self.deployment_of: dict[str, Deployment] = {}
        self.run_of: dict[str, RunbookRun] = {}
        self.scripts: dict[tuple[str, str | None, str], list[Script]] = {}
        self.events: list[Event] = []
        self.fired_in_turn: Counter[str] = Counter()
        """How often each trigger has fired since the clock was last looked at."""
        self.mishaps: list[tuple[datetime, Callable[[], None]]] = []
        """What a script lets happen to the server, and when; earliest first."""
        self._is_advancing = False
        self._ids: dict[str, int] = {}
        self.on_task_change: list[Callable[[Task], None]] = []
        self.on_machine_event: list[Callable[[Space, Machine, str], None]] = []
        self.waiting_targets: dict[str, dict[str, Machine]] = {}
        """Machines whose events a trigger has heard of and not acted on yet."""
        self.on_halt: Callable[[Task], None] = lambda _: None
        self.engine = Engine(
            self.clock(),
            slots=5,
            changed=self._task_changed,
            halted=self._task_halted,
            may_start=self._may_start,
        )

    def clock(self) -> datetime:
        """Return the time, with what it was turned by."""
        return self._clock() + self.turned

    @property
    def now(self) -> datetime:
        """Return the moment up to which the world has been played."""
        return self.engine.now

    def advance(self) -> datetime:
        """Play everything due by the clock and return the moment."""
        if not self._is_advancing:
            self.fired_in_turn.clear()
            self._is_advancing = True
            try:
                self._play_until(self.clock())
            finally:
                self._is_advancing = False
        return self.engine.now

    def _play_until(self, until: datetime) -> None:
        while self.mishaps and self.mishaps[0][0] <= until:
            moment, happen = self.mishaps.pop(0)
            self.engine.advance(moment)
            happen()
        self.engine.advance(until)

    def new_id(self, kind: str) -> str:
        """Return the next id of a collection, as `Projects-12`."""
        self._ids[kind] = self._ids.get(kind, 0) + 1
        return f"{kind}-{self._ids[kind]}"

    # Finding

    def spaces_in_order(self) -> list[Space]:
        """Return the spaces by name."""
        return sorted(self.spaces.values(), key=lambda each: (each.name.casefold(), each.id))

    def default_space(self) -> Space | None:
        """Return the default space, if there is one."""
        return next((each for each in self.spaces.values() if each.is_default), None)

    def space_of(self, task: Task) -> Space | None:
        """Return the space a task belongs to."""
        return self.spaces.get(task.space_id) if task.space_id else None

    def user_named(self, username: str) -> User:
        """Return a user by name.

        Raises:
            LookupError: there is none of that name.
        """
        for user in self.users.values():
            if user.username.casefold() == username.casefold():
                return user
        raise LookupError(f"no user {username!r}")

    # Making

    def add_user(self, username: str, display_name: str, **more: Any) -> User:
        """Make a user without any permission."""
        user = User(self.new_id("Users"), username, display_name, **more)
        self.users[user.id] = user
        return user

    def grant(self, user: User, *grants: Grant) -> None:
        """Give a user permissions."""
        user.grants.extend(grants)
        user.access.clear()

    def add_space(self, name: str, *, is_default: bool = False, description: str = "") -> Space:
        """Make a space with what every space is born with."""
        space = Space(
            self.new_id("Spaces"),
            name,
            slug_of(name),
            self.now,
            description=description,
            is_default=is_default,
        )
        self.spaces[space.id] = space
        self.add_group(space, "Default Project Group")
        self.add_lifecycle(space, "Default Lifecycle", ())
        policy = MachinePolicy(
            self.new_id("MachinePolicies"), "Default Machine Policy", is_default=True
        )
        space.machine_policies[policy.id] = policy
        pool = WorkerPool(self.new_id("WorkerPools"), "Default Worker Pool", 0, is_default=True)
        space.worker_pools[pool.id] = pool
        managers = Team(f"teams-spacemanagers-{space.id}", "Space Managers", space.id)
        self.teams[managers.id] = managers
        space.manager_teams.append(managers.id)
        return space

    def add_group(self, space: Space, name: str) -> ProjectGroup:
        """Make a project group."""
        group = ProjectGroup(self.new_id("ProjectGroups"), name)
        space.groups[group.id] = group
        return group

    def add_lifecycle(self, space: Space, name: str, phases: tuple[Phase, ...]) -> Lifecycle:
        """Make a lifecycle; without phases every environment is one, in sort order."""
        lifecycle = Lifecycle(self.new_id("Lifecycles"), name, phases=phases)
        space.lifecycles[lifecycle.id] = lifecycle
        return lifecycle

    def add_environment(self, space: Space, name: str, **more: Any) -> Environment:
        """Make an environment at the end of the display order."""
        order = 1 + max((each.sort_order for each in space.environments.values()), default=-1)
        made = Environment(self.new_id("Environments"), name, slug_of(name), order, **more)
        space.environments[made.id] = made
        return made

    def add_project(
        self,
        space: Space,
        name: str,
        *,
        group: ProjectGroup,
        lifecycle: Lifecycle,
        slug: str | None = None,
        steps: tuple[str, ...] = (),
        packages: tuple[str, ...] = (),
        roles: tuple[str, ...] = (),
        task_seconds: float | None = None,
        description: str = "",
    ) -> Project:
        """Make a project with a process, an empty variable set and its default channel."""
        project_id = self.new_id("Projects")
        project = Project(
            project_id,
            name,
            slug or slug_of(name),
            group.id,
            lifecycle.id,
            f"deploymentprocess-{project_id}",
            f"variableset-{project_id}",
            task_seconds=task_seconds,
            description=description,
        )
        space.projects[project.id] = project
        made = tuple(
            Step(
                str(uuid.uuid5(uuid.NAMESPACE_OID, f"{project_id}/{index}/{step}")),
                step,
                slug_of(step),
                tuple(
                    PackageReference(step, "" if place == 0 else package, package)
                    for place, package in enumerate(packages if index == 0 else ())
                ),
                roles=roles,
            )
            for index, step in enumerate(steps or (f"Deploy {name}",))
        )
        process = Process(project.process_id, project.id, 1, made)
        space.processes[process.id] = process
        variables = VariableSet(project.variable_set_id, project.id, 0)
        space.variables[variables.id] = variables
        self.add_channel(space, project, "Default", is_default=True)
        return project

    def add_channel(
        self, space: Space, project: Project, name: str, *, is_default: bool = False
    ) -> Channel:
        """Make a channel of a project."""
        channel = Channel(
            self.new_id("Channels"), project.id, name, slug_of(name), is_default=is_default
        )
        space.channels[channel.id] = channel
        project.channels.append(channel)
        return channel

    def add_release(
        self,
        space: Space,
        project: Project,
        version: str,
        *,
        channel: Channel,
        assembled: datetime,
        packages: tuple[tuple[str, str, str], ...],
        notes: str | None = None,
        ignore_channel_rules: bool = False,
        reference: Reference | None = None,
    ) -> Release:
        """Make a release, freezing the process and the variables as they are now.

        Those of a project in git are taken from a reference, else from its default branch.
        """
        if project.repository is not None and reference is None:
            reference = project.repository.find(HEADS + project.repository.default_branch)
        commit = reference.commit if reference else None
        process = self._freeze_process(space, project, commit)
        variables, *libraries = self.freeze_variables(space, project, commit)
        release = Release(
            self.new_id("Releases"),
            project.id,
            channel.id,
            version,
            assembled,
            process.id,
            variables,
            tuple(libraries),
            packages=packages,
            notes=notes,
            ignore_channel_rules=ignore_channel_rules,
        )
        if reference is not None:
            used = {"GitRef": reference.name, "GitCommit": reference.commit.hash}
            release.more["VersionControlReference"] = used
        space.releases[release.id] = release
        project.releases.append(release)
        project.releases.sort(key=lambda each: each.assembled)
        return release

    def _freeze_process(self, space: Space, project: Project, commit: Commit | None) -> Process:
        live = (
            space.processes[project.process_id] if commit is None else process_at(project, commit)
        )
        frozen_id = f"{live.id}-s-{live.version}-{letters(live.id, live.version)}"
        return space.processes.setdefault(
            frozen_id, Process(frozen_id, project.id, live.version, live.steps, is_frozen=True)
        )

    def freeze_variables(
        self, space: Space, project: Project, commit: Commit | None = None
    ) -> tuple[str, ...]:
        """Freeze a project's variables, then those of its library sets; returns the copies' ids."""
        included = project.more.get("IncludedLibraryVariableSetIds", [])
        own = space.variables[project.variable_set_id]
        own = own if commit is None else variables_at(space, project, commit)
        libraries = (space.variables[space.library_sets[each].variable_set_id] for each in included)
        return tuple(self._freeze_set(space, each) for each in (own, *libraries))

    def refresh_variables(
        self, space: Space, project: Project, frozen: Release | RunbookSnapshot
    ) -> None:
        """Let a release or a snapshot use the variables as they are now."""
        used = frozen.more.get("VersionControlReference") if isinstance(frozen, Release) else None
        found = project.repository.find(used["GitRef"]) if project.repository and used else None
        commit = found.commit if found else None
        frozen.variable_snapshot_id, *libraries = self.freeze_variables(space, project, commit)
        frozen.library_snapshot_ids = tuple(libraries)

    @staticmethod
    def _freeze_set(space: Space, live: VariableSet) -> str:
        frozen_id = f"{live.id}-s-{live.version}-{letters(live.id, live.version)}"
        copy = VariableSet(frozen_id, live.owner_id, live.version, live.variables, is_frozen=True)
        return space.variables.setdefault(frozen_id, copy).id

    def record(
        self,
        category: str,
        message: str,
        *,
        space: Space | None,
        user: User | None,
        related: tuple[str, ...] = (),
    ) -> None:
        """Write one line of the audit log."""
        number = len(self.events) + 1
        space_id = space.id if space else None
        self.events.append(Event(number, category, self.now, user, message, space_id, related))

    def _task_changed(self, task: Task) -> None:
        for listener in self.on_task_change:
            listener(task)

    def _task_halted(self, task: Task) -> None:
        self.on_halt(task)

    def _may_start(self, task: Task) -> bool:
        space = self.space_of(task)
        return not self.is_draining and (space is None or not space.task_queue_stopped)


def release_named(project: Project, version: str) -> Release:
    """Return a project's release with a version equal to the text.

    Raises:
        Refused: 404 when there is none.
    """
    exact = next((each for each in project.releases if each.version == version), None)
    if exact is not None:
        return exact
    key = version_key(version)
    for release in project.releases:
        if version_key(release.version) == key:
            return release
    raise missing("Release")
