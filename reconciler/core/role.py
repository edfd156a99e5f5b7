"""The least Octopus role: which permissions each of our keys needs, what for, and how far.

Source: Octopus REST API, the permissions of each route that is asked; the dimensions by which a
permission can be narrowed are those of Octopus' public .NET client (`Permission.cs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.core.state import Permissions, Project


class Use(StrEnum):
    """What a key of a Space manifest is used for."""

    OBSERVE = "observe"
    DEPLOY = "deploy"
    MACHINES = "machines"


class Reach(StrEnum):
    """How far a permission must reach."""

    CELLS = "every project and environment that is pinned"
    SPACE = "the whole space"
    SYSTEM = "the whole server"


@dataclass(frozen=True, slots=True)
class Need:
    """One permission, what it is for, and what happens without it.

    `is_vital` False: plans and deployments go on without it. `of_runbooks`: only where a stack runs
    runbooks.
    """

    use: Use
    permission: str
    reach: Reach
    purpose: str
    without: str
    is_vital: bool = True
    of_runbooks: bool = False


ROLE = (
    Need(Use.OBSERVE, "ProjectView", Reach.CELLS, "to see the projects", "nothing is observed"),
    Need(Use.OBSERVE, "EnvironmentView", Reach.CELLS, "to see where", "nothing is observed"),
    Need(Use.OBSERVE, "ReleaseView", Reach.CELLS, "to read releases", "nothing is observed"),
    Need(Use.OBSERVE, "DeploymentView", Reach.CELLS, "to see what runs", "nothing is observed"),
    Need(Use.OBSERVE, "TaskView", Reach.CELLS, "to follow deployments", "nothing is observed"),
    Need(
        Use.OBSERVE,
        "InterruptionView",
        Reach.CELLS,
        "to see that a deployment waits for a person",
        "a deployment that waits for a person looks as if it ran",
    ),
    Need(
        Use.OBSERVE,
        "TaskViewLog",
        Reach.CELLS,
        "to show why a deployment failed",
        "failures are told without their last lines",
        is_vital=False,
    ),
    Need(
        Use.OBSERVE,
        "ProcessView",
        Reach.SPACE,
        "to find parent projects",
        "drift is not healed",
        is_vital=False,
    ),
    Need(
        Use.OBSERVE,
        "LifecycleView",
        Reach.SPACE,
        "to find automatic phases, and what retention keeps",
        "drift is not healed",
        is_vital=False,
    ),
    Need(
        Use.OBSERVE,
        "TriggerView",
        Reach.SPACE,
        "to find triggers and schedules",
        "drift is not healed",
        is_vital=False,
    ),
    Need(
        Use.OBSERVE,
        "ProjectGroupView",
        Reach.SPACE,
        "to put headings into the stack that `init` writes",
        "that stack has no headings",
        is_vital=False,
    ),
    Need(
        Use.OBSERVE,
        "TenantView",
        Reach.CELLS,
        "to see tenants",
        "what is deployed per tenant is not observed",
        is_vital=False,
    ),
    Need(
        Use.OBSERVE,
        "MachineView",
        Reach.CELLS,
        "to see machines, where a policy says what is done about them",
        "no machine is served or forgotten",
        is_vital=False,
    ),
    Need(
        Use.OBSERVE,
        "UserView",
        Reach.SYSTEM,
        "to see who approved a plan, where one needs that",
        "no approval counts",
        is_vital=False,
    ),
    Need(
        Use.OBSERVE,
        "MachinePolicyView",
        Reach.SPACE,
        "to see which machines Octopus deletes by itself",
        "no machine is forgotten",
        is_vital=False,
    ),
    Need(
        Use.OBSERVE,
        "RunbookView",
        Reach.CELLS,
        "to find runbooks, where a stack runs some",
        "what they stand around is not deployed",
        is_vital=False,
        of_runbooks=True,
    ),
    Need(
        Use.OBSERVE,
        "RunbookRunView",
        Reach.CELLS,
        "to find runs again, where a stack runs runbooks",
        "what they stand around is not deployed",
        is_vital=False,
        of_runbooks=True,
    ),
    Need(Use.DEPLOY, "DeploymentCreate", Reach.CELLS, "to deploy", "nothing is deployed"),
    Need(Use.DEPLOY, "ReleaseView", Reach.CELLS, "to name the release", "nothing is deployed"),
    Need(
        Use.DEPLOY,
        "ProjectView",
        Reach.CELLS,
        "to name the project",
        "a server may say that there is no such project",
        is_vital=False,
    ),
    Need(
        Use.DEPLOY,
        "EnvironmentView",
        Reach.CELLS,
        "to name the environment",
        "a server may say that there is no such environment",
        is_vital=False,
    ),
    Need(
        Use.DEPLOY,
        "RunbookRunCreate",
        Reach.CELLS,
        "to run runbooks, where a stack runs some",
        "what they stand around is not deployed",
        is_vital=False,
        of_runbooks=True,
    ),
    Need(Use.MACHINES, "MachineView", Reach.CELLS, "to name machines", "none is forgotten"),
    Need(Use.MACHINES, "MachineDelete", Reach.CELLS, "to forget them", "none is forgotten"),
)
"""Every permission that is ever used. AdministerSystem is not in it: such a key deploys in
maintenance mode, so `apply` refuses it."""


@dataclass(frozen=True, slots=True)
class Square:
    """A cell that a key must reach; `name` is what people call it."""

    name: str
    project: Project
    environment_id: str
    tenant_id: str | None = None


@dataclass(frozen=True, slots=True)
class Lack:
    """A permission that a key does not have far enough; `where` names a cell, "" for everywhere."""

    need: Need
    where: str = ""


def lacks(
    use: Use,
    may: Permissions,
    space_id: str,
    cells: Iterable[Square],
    *,
    approvals: bool = True,
    runbooks: bool = True,
) -> tuple[Lack, ...]:
    """Return what a key lacks of the role of its use.

    Of each permission the first cell it does not reach is named. `approvals` False: no plan needs
    any, and nothing of the system is asked for. `runbooks` False: no stack runs any.
    """
    known = tuple(cells)
    found = []
    for need in (one for one in ROLE if one.use is use and (runbooks or not one.of_runbooks)):
        if need.reach is Reach.SYSTEM:
            if approvals and need.permission not in may.system:
                found.append(Lack(need))
            continue
        if may.allows(need.permission, space_id, None, None):
            continue
        if need.reach is Reach.SPACE or not known:
            found.append(Lack(need))
            continue
        missed = [
            cell.name
            for cell in known
            if not may.allows(
                need.permission, space_id, cell.project, cell.environment_id, cell.tenant_id
            )
        ]
        if missed:
            found.append(Lack(need, "" if len(missed) == len(known) else missed[0]))
    return tuple(found)
