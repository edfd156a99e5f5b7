"""Who else deploys: triggers, schedules, automatic phases and parent projects of a space.

Octopus runs these by itself, beside every reconciler. What could not be read rules nobody out: it
is told in words, and holds what rests on knowing (rule 11).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.core.gate import Gate, GateName
from reconciler.core.plan import Reason
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from reconciler.core.cellkey import CellKey
    from reconciler.core.plan import Plan
    from reconciler.core.sighting import ObservedState
    from reconciler.core.state import Project, SpaceState

MOST_NAMED = 3
"""Deployers that one gate names."""
MOST_DOUBTFUL = 20
"""Projects that do not tell what they deploy, told one by one; more of them are told by number."""

_OUR_OWN = frozenset({Reason.DRIFT, Reason.NEW_MACHINE})
"""Reasons of changes that no commit asks for."""

_READABLE = (
    "the observing credential gets TriggerView, LifecycleView and ProcessView in the whole space; "
    "or Octopus answers"
)


class DeployerKind(StrEnum):
    """What deploys beside us, in words."""

    TARGET_TRIGGER = "deployment target trigger"
    SCHEDULE = "scheduled trigger"
    RELEASE_TRIGGER = "release trigger"  # makes releases, which an automatic phase deploys
    TRIGGER = "trigger"  # of a kind we do not know
    AUTOMATIC_PHASE = "automatic phase of lifecycle"
    PARENT = "parent project"


_SERVING = frozenset({DeployerKind.TARGET_TRIGGER, DeployerKind.TRIGGER})


@dataclass(frozen=True, slots=True)
class Trigger:
    """An active trigger of a project that deploys; `environments` None: it could be any."""

    id: str
    name: str
    kind: DeployerKind
    project_id: str
    environments: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """A lifecycle, and the environments its phases deploy to by themselves."""

    id: str
    name: str
    automatic: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Parent:
    """A project whose process deploys a release of another one.

    `child` is the id, slug or name of that one; None where it is not known, and then `doubt` says
    why. `environments` None: in all but the `excluded` ones.
    """

    project_id: str
    child: str | None
    environments: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Automation:
    """Everything in one space that deploys by itself.

    `lifecycles_of` has the ids of the lifecycles that releases of a project follow. `unread` says,
    in words, which part could not be read.
    """

    triggers: tuple[Trigger, ...] = ()
    lifecycles: tuple[Lifecycle, ...] = ()
    lifecycles_of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    parents: tuple[Parent, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Deployer:
    """One that deploys a cell, or perhaps does: then `doubt` says why that is not known."""

    kind: DeployerKind
    name: str
    id: str
    doubt: str = ""

    @property
    def words(self) -> str:
        """One clean line for people."""
        doubt = f" (perhaps: {clean(self.doubt, 120)})" if self.doubt else ""
        return f"{self.kind} '{clean(self.name, 80)}'{doubt}"

    def is_named(self, names: Collection[str]) -> bool:
        """Tell whether it is among names or ids, which Octopus compares without regard to case."""
        known = {name.casefold() for name in names}
        return self.name.casefold() in known or self.id.casefold() in known


@dataclass(frozen=True, slots=True)
class Others:
    """Who else deploys one cell; `unread` says, in words, why that may not be all."""

    deployers: tuple[Deployer, ...] = ()
    unread: tuple[str, ...] = ()

    def unnamed(self, names: Collection[str]) -> tuple[Deployer, ...]:
        """Return those that are not among `names`."""
        return tuple(one for one in self.deployers if not one.is_named(names))


NOBODY_LOOKED = Others((), ("nobody looked",))
"""Of a cell that `who_else` says nothing of."""


def who_else(
    observed: ObservedState, state: SpaceState, automation: Automation
) -> dict[CellKey, Others]:
    """Return for each cell of an environment whose project is known who else deploys it."""
    space = _Space(state, automation)
    found = {}
    for name, cell in observed.cells.items():
        if cell.project is not None and observed.environment_id is not None:
            found[name] = space.others(cell.project, observed.environment_id)
    return found


def deployer_gates(
    plan: Plan, others: Mapping[CellKey, Others], names: Collection[str]
) -> tuple[Gate, ...]:
    """Close on every cell to be healed that somebody deploys who is not among `names`.

    On one that would serve a machine, where a trigger does the same, named or not: it would get it
    twice. Also where it is not known who does (rule 11). What a commit asks for is not stopped by
    this.
    """
    gates = []
    for action in plan.changes:
        if action.reason not in _OUR_OWN:
            continue
        found = others.get(action.cell, NOBODY_LOOKED)
        if action.reason is Reason.NEW_MACHINE:
            if triggers := [one for one in found.deployers if one.kind in _SERVING]:
                gates.append(_served_gate(action.cell, triggers))
        elif unnamed := found.unnamed(names):
            gates.append(_unnamed_gate(action.cell, unnamed))
        if found.unread:
            message = f"who else deploys it could not be read: {'; '.join(found.unread)}"
            gates.append(Gate(action.cell, GateName.ALSO_DEPLOYED, message, _READABLE))
    return tuple(gates)


def _served_gate(cell: CellKey, triggers: Sequence[Deployer]) -> Gate:
    said = ", ".join(one.words for one in triggers[:MOST_NAMED])
    return Gate(
        cell,
        GateName.ALSO_DEPLOYED,
        f"{said} serves machines that arrive here",
        "the trigger serves it, or is disabled in Octopus; or a commit takes `deployOnArrival` out",
    )


def _unnamed_gate(cell: CellKey, unnamed: Sequence[Deployer]) -> Gate:
    more = f" and {len(unnamed) - MOST_NAMED} more" if len(unnamed) > MOST_NAMED else ""
    first = unnamed[:MOST_NAMED]
    written = ", ".join(f'"{clean(one.name, 80)}"' for one in first)
    return Gate(
        cell,
        GateName.ALSO_DEPLOYED,
        f"healing would fight {', '.join(one.words for one in first)}{more}",
        f"a commit that names {written}{more} under `alsoDeployedBy` of the environment; or it is "
        "disabled in Octopus",
    )


class _Space:
    """The automation of a space, ready to be asked cell by cell."""

    def __init__(self, state: SpaceState, automation: Automation) -> None:
        self._state = state
        self._projects = {one.id: one for one in state.projects}
        self._lifecycles = {one.id: one for one in automation.lifecycles}
        self._lifecycles_of = automation.lifecycles_of
        self._triggers: dict[str, list[Trigger]] = {}
        for trigger in automation.triggers:
            self._triggers.setdefault(trigger.project_id, []).append(trigger)
        self._parents: dict[str | None, list[Parent]] = {}
        for parent in automation.parents:
            child = None if parent.child is None else parent.child.casefold()
            self._parents.setdefault(child, []).append(parent)
        self._unread = tuple(clean(one, 200) for one in automation.unread)
        doubtful = len({parent.project_id for parent in self._parents.get(None, ())})
        if doubtful > MOST_DOUBTFUL:  # each would stand beside every cell
            why = clean(self._parents.pop(None)[0].doubt, 120)
            self._unread += (f"{doubtful} projects may be parents (of the first, {why})",)
        may, space = state.permissions, state.space_id
        if not may.allows("LifecycleView", space, None, None):
            self._unread += ("the observing key lacks LifecycleView",)

    def others(self, project: Project, environment: str) -> Others:
        """Return who else deploys one cell."""
        unread = self._unread
        if not self._state.permissions.allows("TriggerView", self._state.space_id, project, None):
            unread += ("the observing key lacks TriggerView here",)
        if project.is_disabled:
            return Others((), unread)
        followed = self._lifecycles_of.get(project.id, frozenset())
        known = followed & self._lifecycles.keys()
        if not followed or known != followed:
            unread += ("the lifecycles of its releases were not all shown",)
        phases = [
            Deployer(DeployerKind.AUTOMATIC_PHASE, one.name, one.id)
            for one in (self._lifecycles[key] for key in known)
            if environment in one.automatic
        ]
        triggers = self._triggered(project, environment, by_release=bool(phases))
        parents = self._parents_of(project, environment)
        return Others(tuple(sorted({*phases, *triggers, *parents})), unread)

    def _triggered(
        self, project: Project, environment: str, *, by_release: bool
    ) -> Iterable[Deployer]:
        for one in self._triggers.get(project.id, ()):
            here = one.environments is None or environment in one.environments
            if by_release if one.kind is DeployerKind.RELEASE_TRIGGER else here:
                yield Deployer(one.kind, one.name, one.id)

    def _parents_of(self, project: Project, environment: str) -> Iterable[Deployer]:
        references = {word.casefold() for word in (project.id, project.slug, project.name)}
        for one in (p for word in (*references, None) for p in self._parents.get(word, ())):
            parent = self._projects.get(one.project_id)
            goes_here = one.environments is None or environment in one.environments
            if (
                parent is not None
                and parent.id != project.id
                and not parent.is_disabled
                and goes_here
                and environment not in one.excluded
            ):
                yield Deployer(DeployerKind.PARENT, parent.name, parent.id, one.doubt)
