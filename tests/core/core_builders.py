"""Desired states, cells, spaces and plans, one line each; every value that does not matter is set.

Names follow one rule, so that a test need not say them twice: component `wallet-api` is the project
`Projects-wallet-api`, and release 2.4.1 of it is `Releases-wallet-api-2.4.1`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.core.intent import CommentTag
from reconciler.core.manifest import DesiredState, Environment, Pin, Place, Space, Until
from reconciler.core.plan import Plan
from reconciler.core.policy import Mode, Policy
from reconciler.core.sighting import (
    ObservedCell,
    ObservedState,
    Settled,
    Sighting,
    Unobserved,
    Unsettled,
    environment_in,
    observe,
)
from reconciler.core.snapshot import Reached, Snapshot, SnapshotCell
from reconciler.core.stack import Component, Stack
from reconciler.core.state import (
    ActiveTask,
    BoardItem,
    DeploymentDetail,
    Grant,
    OctopusEnvironment,
    Permissions,
    Project,
    ReleaseDetail,
    Server,
    SpaceState,
    TaskState,
    User,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ENV = "production-uk"
COMMIT = "4f" * 20
ME = "Users-7"
BOB = "Users-12"
SYSTEM = "users-system"
TAG = str(CommentTag("1a" * 32, COMMIT, "2b" * 32))
PLACE = Place("environments/production-uk.yaml", 8, 5)
APPLY = Policy(name="carries-out", mode=Mode.APPLY)
HEAL = Policy(name="heals", mode=Mode.HEAL)
VIEWS = ("ProjectView", "EnvironmentView", "ReleaseView", "DeploymentView", "TaskView")
SERVER = Server("11111111-2222-3333-4444-555555555555", "2026.3.1234")
SPACE_ID = "Spaces-2"
ENVIRONMENT_ID = "Environments-3"


# What the manifests say.


def pin(version: str, redeploy: int = 0, hold: Until | None = None) -> Pin:
    return Pin(version, PLACE, redeploy, hold)


def component(name: str, *after: str, up_only: bool = False) -> Component:
    return Component(name, name, PLACE, after, up_only)


def desired(
    pins: Mapping[str, str | Pin],
    *components: Component,
    policy: Policy = APPLY,
    suspend: Until | None = None,
) -> DesiredState:
    """An environment with these pins; a pinned component that is not given stands alone."""
    known = {one.name: one for one in components}
    stack = {name: component(name) for name in pins if name not in known} | known
    return DesiredState(
        environment=Environment(
            name=ENV,
            space="prod",
            octopus_environment="Production UK",
            stack="gaming-platform",
            policy=policy.name,
            pins={n: pin(p) if isinstance(p, str) else p for n, p in pins.items()},
            place=PLACE,
            suspend=suspend,
        ),
        space=Space("prod", "https://octopus.example", "Production", None, None, PLACE),
        stack=Stack("gaming-platform", stack, PLACE),
        policy=policy,
    )


# What is known of a cell.


def settled(version: str, release: str = "Releases-1") -> Settled:
    return Settled(version, "Deployments-1", release)


def unsettled(version: str | None, attempted: str, why: str = "failed") -> Unsettled:
    return Unsettled(version, attempted, "Deployments-1", why)


BLIND = Unobserved("it could not be read")


def cell(
    name: str, sighting: Sighting, reached: str | Reached | None = None, **fields: Any
) -> ObservedCell:
    """A cell whose newest deployment, by Bob, is the one the sighting speaks of."""
    made = ObservedCell(
        key=name,
        sighting=sighting,
        project=project(name),
        newest="Deployments-1",
        reached=Reached(reached) if isinstance(reached, str) else reached,
        made_by="Bob Builder",
        made_by_id=BOB,
        made_at=NOON - HOUR,
    )
    return replace(made, **fields)


def observed(*cells: ObservedCell, **fields: Any) -> ObservedState:
    seen = ObservedState(
        read_at=NOON,
        server=SERVER,
        space_id=SPACE_ID,
        environment_id=ENVIRONMENT_ID,
        me=ME,
        cells={one.key: one for one in cells},
    )
    return replace(seen, **fields)


def carried_out(now: ObservedState, plan: Plan) -> ObservedState:
    """What is seen after every change of a plan succeeded; `reached` moves as snapshots move it."""
    cells = dict(now.cells)
    for action in plan.actions:
        if action.is_change:
            assert action.to_version is not None
            cells[action.cell] = cell(
                action.cell,
                settled(action.to_version),
                Reached(action.to_version, action.redeploy),
                made_by_id=ME,
                comment=TAG,
            )
    return replace(now, cells=cells)


# What Octopus says.


def project(name: str, /, **fields: Any) -> Project:
    made = Project(
        id=f"Projects-{name}",
        slug=name,
        name=name.replace("-", " ").title(),
        group_id="ProjectGroups-1",
        is_disabled=False,
        tenanted_mode="Untenanted",
        discrete_channels=False,
    )
    return replace(made, **fields)


def task(name: str, number: int = 70, /, **fields: Any) -> ActiveTask:
    made = ActiveTask(
        id=f"ServerTasks-{number}",
        name="Deploy",
        description=f"Deploy {name} to Production UK",
        state=TaskState.EXECUTING,
        project_id=f"Projects-{name}",
        environment_id=ENVIRONMENT_ID,
        tenant_id=None,
        deployment_id=f"Deployments-{number}",
        queued_until=None,
    )
    return replace(made, **fields)


def may(*permissions: str, complete: bool = True, **grant: Any) -> Permissions:
    """What a user may do in the space; `grant` limits it."""
    one = Grant(SPACE_ID, **grant)
    return Permissions(dict.fromkeys(permissions, (one,)), frozenset(), complete)


@dataclass
class Octopus:
    """A space being filled; `state` is one reading of it.

    Each deployment is the newest of its cell so far; what it replaces stays on the board only as
    the last success, as Octopus shows it.
    """

    projects: dict[str, Project] = field(default_factory=dict)
    attempts: dict[tuple[str, str, str | None], list[BoardItem]] = field(default_factory=dict)
    deployments: dict[str, DeploymentDetail] = field(default_factory=dict)
    releases: dict[str, ReleaseDetail] = field(default_factory=dict)
    active: list[ActiveTask] = field(default_factory=list)

    @classmethod
    def with_projects(cls, *names: str) -> "Octopus":
        return cls({name: project(name) for name in names})

    def deployed(
        self,
        name: str,
        version: str,
        state: TaskState = TaskState.SUCCESS,
        *,
        partial: bool = False,
        warnings: bool = False,
        environment: str = ENVIRONMENT_ID,
        tenant: str | None = None,
        by: str = BOB,
        comment: str = "",
    ) -> str:
        """Add the next deployment of a cell and return its id."""
        number = 100 + len(self.deployments)
        at = NOON - HOUR + timedelta(minutes=number)
        release = f"Releases-{name}-{version}"
        done = state.is_finished
        item = BoardItem(
            deployment_id=f"Deployments-{number}",
            project_id=f"Projects-{name}",
            environment_id=environment,
            tenant_id=tenant,
            release_id=release,
            version=version,
            task_id=f"ServerTasks-{number}",
            state=state,
            created=at,
            completed=at if done else None,
            has_warnings=warnings,
            is_previous=False,
        )
        self.attempts.setdefault((name, environment, tenant), []).append(item)
        self.deployments[item.deployment_id] = DeploymentDetail(
            id=item.deployment_id,
            project_id=item.project_id,
            environment_id=environment,
            tenant_id=tenant,
            release_id=release,
            task_id=item.task_id,
            created=at,
            deployed_by="Bob Builder",
            deployed_by_id=by,
            comments=comment,
            is_partial=partial,
        )
        self.releases[release] = ReleaseDetail(
            release, item.project_id, version, NOON, "Channels-1", "p-1", "v-1"
        )
        return item.deployment_id

    def board(self) -> tuple[BoardItem, ...]:
        """Each cell's newest attempt, and the last success before it."""
        items: list[BoardItem] = []
        for attempts in self.attempts.values():
            *older, newest = attempts
            items.append(newest)
            before = [one for one in older if one.state is TaskState.SUCCESS]
            items += [replace(one, is_previous=True) for one in before[-1:]]
        return tuple(items)

    def state(self, **fields: Any) -> SpaceState:
        ids = frozenset(one.id for one in self.projects.values())
        reading = SpaceState(
            read_at=NOON,
            server=SERVER,
            space_id=SPACE_ID,
            me=User(ME, "svc", "Service", is_service=True),
            permissions=may(*VIEWS),
            projects=tuple(self.projects.values()),
            environments=(
                OctopusEnvironment(ENVIRONMENT_ID, "Production UK"),
                OctopusEnvironment("Environments-4", "Production EU"),
            ),
            board_projects=ids,
            board_environments=frozenset({ENVIRONMENT_ID, "Environments-4"}),
            items=self.board(),
            active=tuple(self.active),
            waiting_for_person=frozenset(),
            deployments=self.deployments,
            releases=self.releases,
        )
        return replace(reading, **fields)


def snapshot(**cells: SnapshotCell) -> Snapshot:
    """The last recorded snapshot; `wallet_api` stands for `wallet-api`."""
    named = {name.replace("_", "-"): one for name, one in cells.items()}
    return Snapshot(ENV, SERVER.installation_id, SPACE_ID, ENVIRONMENT_ID, named)


def recorded(name: str, version: str, state: str = "settled", **fields: Any) -> SnapshotCell:
    """A line of a snapshot, as it stands for a cell that reached its pin."""
    known = SnapshotCell(
        state=state,
        version=version,
        reached=Reached(version),
        project=f"Projects-{name}",
        deployment="Deployments-100",
        release=f"Releases-{name}-{version}" if state == "settled" else None,
    )
    return replace(known, **fields)


def sees(
    octopus: Octopus,
    version: str = "2.4.1",
    *,
    name: str = "wallet-api",
    policy: Policy = APPLY,
    last: SnapshotCell | None = None,
    receipted: str = "",
    **fields: Any,
) -> ObservedCell:
    """Judge one cell of a space, pinned to `version`; `last` is its line in the snapshot."""
    asked, state = desired({name: version}, policy=policy), octopus.state(**fields)
    memory = None if last is None else replace(snapshot(), cells={name: last})
    receipts = {(name, None): receipted} if receipted else {}
    seen = observe(asked, state, memory, receipts)
    part = state.only(environment_in(asked, state))
    assert observe(asked, part, memory, receipts) == seen  # the rest of the space says nothing
    return seen.cells[name]
