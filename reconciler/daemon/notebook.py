"""What is noted about the environments of a repository, and when each is looked at next."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.core.condition import (
    Condition,
    ConditionType,
    EnvironmentStatus,
    Word,
    condition_of,
    conditions_in_pass,
    conditions_of,
)
from reconciler.core.roll import roll_of
from reconciler.core.unwell import machine_conditions, with_roll
from reconciler.daemon.backoff import Timing, wait_after
from reconciler.daemon.running import Heard
from reconciler.engine.apply import Done
from reconciler.errors import CredentialRefused, Disposition, GitTrouble, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from reconciler.engine.events import Event
    from reconciler.engine.idle import Idle
    from reconciler.engine.planning import Planned
    from reconciler.engine.run import PassReport
    from reconciler.errors import ReconcilerError
    from reconciler.ports import Clock

WOKEN = float("-inf")
"""When an environment is due that was woken, or never looked at: before any time of the clock."""

BAD = frozenset({Done.FAILED, Done.REFUSED, Done.UNKNOWN})
MENDED = frozenset({Word.DEPLOYMENT_FAILED.value, Word.UNOBSERVED.value})
"""Reasons that take a person longer than a poll: the next full look takes it up."""


@dataclass(slots=True)
class Notebook:
    """How each environment stood when it was looked at, and how soon that is done again.

    `keep` is told every status that changed. `passing` are the environments a pass works on now,
    `idle` what the last look rested on where there was nothing to do, `tip` the commit that is
    looked at, and `git_failed` says that git failed since somebody asked.
    """

    clock: Clock
    timing: Timing
    chance: Callable[[], float]
    keep: Callable[[EnvironmentStatus], None]
    statuses: dict[str, EnvironmentStatus]
    passing: set[str] = field(default_factory=set)
    idle: dict[str, Idle] = field(default_factory=dict)
    tip: str = ""
    git_failed: bool = False
    _failed: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)
    _heard: dict[str, Heard] = field(default_factory=dict)

    def due(self, name: str) -> float:
        """Return when an environment is looked at next, by the monotonic clock."""
        return self._due.get(name, WOKEN)

    def wake(self, name: str) -> None:
        """Let it be looked at now."""
        self._due[name] = WOKEN

    def meet(self, names: Collection[str]) -> None:
        """Let environments be looked at together, when the last of them is."""
        self._due.update(dict.fromkeys(names, max(self._due[name] for name in names)))

    def forget(self, name: str) -> None:
        """Know nothing of an environment any more."""
        for known in (self.statuses, self._failed, self.idle, self._due):
            known.pop(name, None)

    def status(self, name: str) -> EnvironmentStatus:
        """Return how it stands; where nobody has looked yet, with nothing in it."""
        return self.statuses.get(name) or EnvironmentStatus(name)

    def hear(self, name: str, event: Event) -> None:
        """Note what runs in a pass."""
        before = self.status(name)
        heard = self._heard.setdefault(name, Heard())
        self.statuses[name] = heard.after(event, before, self.clock)
        if self.statuses[name] != before:
            self.keep(self.statuses[name])

    def runs_no_more(self, name: str) -> None:
        """Note that its pass has ended."""
        self._heard.pop(name, None)
        self.statuses[name] = replace(self.status(name), running=(), progress=None)

    def count(self, name: str, pending: int) -> None:
        """Note how many records the remote does not have yet."""
        self.statuses[name] = replace(self.status(name), pending=pending)

    def plan(self, name: str, planned: Planned, *, is_pending: bool = False) -> None:
        """Note what a look found."""
        plan = planned.plan
        status = replace(
            self.status(name), commit=plan.commit, looked=plan.read_at, failures=0
        ).with_conditions(self._found(name, planned, is_pending=is_pending))
        if status.has(ConditionType.READY):
            status = replace(status, reached=plan.read_at)
        waits = plan.has_work and not MENDED & {c.reason for c in status.conditions}
        self._keep(status, Disposition.WAIT if waits else None)

    def still(self, name: str, idle: Idle, at: datetime) -> None:
        """Note a look that found what the last one found."""
        self.idle[name] = idle
        status = replace(self.status(name), looked=at)
        if status.has(ConditionType.READY):
            status = replace(status, reached=at)
        self._keep(status, None)

    def reconciling(self, name: str, planned: Planned) -> None:
        """Note that a pass begins."""
        plan = planned.plan
        now = conditions_in_pass(self._found(name, planned), self.clock.now())
        status = replace(self.status(name), commit=plan.commit, looked=plan.read_at)
        self._due.pop(name, None)  # what woke it so far is why this pass begins
        self._keep(status.with_conditions(now), None)

    def report(self, name: str, report: PassReport) -> None:
        """Note what became of a pass."""
        doubtful = {n: r for n, r in report.results.items() if r.is_doubtful}
        failed = tuple(n for n, r in report.results.items() if r.done in BAD and n not in doubtful)
        attempted = self.clock.now() if report.started else self.status(name).attempted
        self.statuses[name] = replace(self.status(name), attempted=attempted)
        self._failed[name] = (report.planned.plan.digest, failed)
        self.plan(name, report.planned, is_pending=not report.recorded)
        if (report.started or report.forgotten) and not doubtful:
            self.wake(name)
        for component, result in sorted(doubtful.items())[:1]:
            hint = "the next look searches for it again by itself"
            self.error(name, OutcomeUnknown(f"{component}: {result.why}", hint=hint))

    def stall(self, name: str, reason: Word, message: str) -> None:
        """Note what a person has to mend."""
        stalled = Condition(ConditionType.STALLED, reason.value, message, self.clock.now())
        self._fail(name, stalled, Disposition.STALL)

    def error(self, name: str, error: ReconcilerError) -> None:
        """Note what ended a look or a pass.

        A refused credential is looked at again soon: no request leaves before it is another.
        """
        self._fail(name, condition_of(error, self.clock.now()), error.disposition)
        self.git_failed |= isinstance(error, GitTrouble)
        if isinstance(error, CredentialRefused):
            wait = wait_after(self.timing, Disposition.WAIT, 0, self.chance)
            self._due[name] = self.clock.monotonic() + wait

    def _fail(self, name: str, failed: Condition, what: Disposition) -> None:
        self.idle.pop(name, None)
        before = self.status(name)
        status = replace(before, failures=before.failures + 1, commit=before.commit or self.tip)
        self._keep(status.with_conditions((failed,)), what)

    def _keep(self, status: EnvironmentStatus, disposition: Disposition | None) -> None:
        wait = wait_after(self.timing, disposition, status.failures, self.chance)
        name = status.environment
        if name in self.passing and self._due.get(name) == WOKEN:
            wait = 0.0  # woken while its pass ran, which may not have seen why
        self._due[name] = self.clock.monotonic() + wait
        status = replace(status, next_look=self.clock.now() + timedelta(seconds=wait))
        before = self.statuses.get(name)
        self.statuses[name] = status
        if status != before:
            self.keep(status)

    def _found(
        self, name: str, planned: Planned, *, is_pending: bool = False
    ) -> tuple[Condition, ...]:
        """Return the conditions of a plan; what failed in the last pass at it is not forgotten."""
        plan = planned.plan
        digest, failed = self._failed.get(name, ("", ()))
        still = failed if digest == plan.digest else ()
        beside: tuple[Condition, ...] = ()
        if (seen := planned.tending) is not None:
            beside = machine_conditions(seen.verdicts, seen.unread, plan.read_at)
        roll = roll_of(planned.situation.observed)
        beside = with_roll(beside, roll, plan.read_at)
        return conditions_of(
            plan, planned.gates, still, plan.read_at, is_pending=is_pending, beside=beside
        )
