"""The ledger of a plan that is carried out: what became of each change, and what stops the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.cellkey import WHOLE
from reconciler.core.policy import OnFailure
from reconciler.engine.events import NotStarted
from reconciler.engine.outcome import BAD, Done, Result, blamed, held_results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.core.cellkey import CellKey
    from reconciler.core.gate import Gate
    from reconciler.core.plan import Action
    from reconciler.engine.events import Event
    from reconciler.engine.planning import Planned
    from reconciler.errors import LeaseLost


@dataclass(slots=True)
class Ledger:
    """What became of the changes of one plan, and of which nothing became yet (`pending`).

    `stale`: why the rest of the plan is out of date. `stopping`: why nothing new is started.
    `halted`: gates that closed in the middle. `last_wave`: later ones are not begun; 0: all are.
    """

    planned: Planned
    tell: Callable[[Event], None]
    results: dict[CellKey, Result] = field(default_factory=dict)
    pending: dict[CellKey, Action] = field(default_factory=dict)
    stale: str = ""
    stopping: str = ""
    halted: list[Gate] = field(default_factory=list)
    last_wave: int = 0

    def begin(self, changes: Iterable[Action]) -> None:
        """Open it with these changes to carry out; what a gate stands before is held."""
        self.results = held_results(self.planned)
        self.pending = {action.cell: action for action in changes}

    @property
    def succeeded(self) -> frozenset[CellKey]:
        """The cells whose change succeeded."""
        return frozenset(n for n, result in self.results.items() if result.done is Done.SUCCEEDED)

    @property
    def is_stopped(self) -> bool:
        """True where nothing new is started, or no later wave."""
        return bool(self.stopping or self.last_wave)

    @property
    def went_well(self) -> bool:
        """True while nothing stopped, and all that was begun went well."""
        if self.halted or self.stopping or self.stale:
            return False
        return all(result.done not in {*BAD, Done.NOT_STARTED} for result in self.results.values())

    def began(self, name: CellKey, task_id: str) -> None:
        """Note that a change runs."""
        self.pending.pop(name, None)
        self.results[name] = Result(Done.UNKNOWN, "running", task_id)

    def stop(self, why: str) -> None:
        """Start nothing more; the first reason counts."""
        self.stopping = self.stopping or why

    def lost(self, error: LeaseLost) -> None:
        """Start nothing more: somebody else may act here now (rule 19)."""
        self.stopping = error.message

    def put_off(self, name: CellKey, why: str, gate: Gate | None = None) -> None:
        """Leave a change, or what is owed after one, to a later pass."""
        self.pending.pop(name, None)
        self.results[name] = Result(Done.HELD, why)
        self.tell(NotStarted(name, why))
        if gate is not None:
            self.halted.append(gate)
        if name == WHOLE:
            self.stop(why)

    def verified(self, name: CellKey, task_id: str | None) -> None:
        """Note that nothing is owed any more after a deployment."""
        if name != WHOLE:
            self.results[name] = Result(Done.SUCCEEDED, "verified", task_id)

    def fail(self, name: CellKey, result: Result) -> None:
        """Note that a change did not work out, and what that means for the others (rule 18)."""
        action = self.pending.pop(name, None)
        self.results[name] = result
        if name == WHOLE:
            self.stop(result.why)
        if action is not None:
            self.tell(NotStarted(name, result.why))
        policy = self.planned.situation.desired.policy
        match policy.on_failure:
            case OnFailure.STOP:
                said = f"and policy '{policy.name}' says onFailure: stop"
                self.stop(f"{name} {result.done.value}, {said}")
            case OnFailure.FINISH_STARTED:
                started = [a.wave for a in self.planned.plan.changes if a.cell in self.results]
                self.last_wave = self.last_wave or max(started, default=1)
            case OnFailure.CONTINUE:
                pass

    def give_up(self, stopped_by: Callable[[Action], Gate | None], *, quietly: bool) -> None:
        """Say for every change that is left why it was not started; `quietly`: tell nobody."""
        succeeded = self.succeeded
        for name in sorted(self.pending):
            action = self.pending[name]
            behind = [w for w in action.waits_for if w not in succeeded]
            blame = "" if self.stale else blamed(action, self.pending, self.results)
            why = self.stale or blame or self.stopping
            shut = stopped_by(action)
            done = Done.NOT_STARTED
            if shut is not None and not why:
                self.halted.append(shut)
                done, why = Done.HELD, shut.message
            elif behind and not (self.stale or blame):
                why = f"{behind[0]} was not deployed, or is not verified"
            self.results[name] = Result(done, why or "a change of its wave, or before, failed")
            if not quietly:
                self.tell(NotStarted(name, self.results[name].why))
        self.pending.clear()
