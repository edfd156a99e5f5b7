"""A plan with its gates, in every form."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from reconciler.cli.output import write
from reconciler.core.cellkey import CellKey
from reconciler.core.plan import Kind, Reason
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from reconciler.core.deployers import Others
    from reconciler.core.estimate import Estimate
    from reconciler.core.gate import Gate
    from reconciler.core.plan import Action, Plan
    from reconciler.core.roll import Roll
    from reconciler.engine.tending import Tending

DIGITS = 12
"""Hex digits of a digest or hash that people are shown; `apply --plan` takes as few."""

MANY = 3
"""Cells that stay rows of their own where more could not be read for the same reason."""


@dataclass(frozen=True, slots=True)
class Page:
    """A plan and what is shown with it, in every form.

    `others` tells by component who else deploys it. `estimate` is None where nobody made one.
    `everything` shows components too that already run what is pinned. `is_remote`: it is of a
    RemoteEnvironment, and Octopus was not read. `tending` is a look at the machines, where one was
    asked for; `roll` is who lacks what, where the policy serves machines.
    """

    plan: Plan
    gates: Sequence[Gate]
    others: Mapping[CellKey, Others] = field(default_factory=dict)
    estimate: Estimate | None = None
    everything: bool = False
    is_remote: bool = False
    tending: Tending | None = None
    roll: Roll | None = None

    @property
    def ignored(self) -> tuple[Action, ...]:
        """What is left alone and shown."""
        left = (action for action in self.plan.actions if not action.is_change)
        return tuple(a for a in left if self.everything or a.reason is not Reason.IN_SYNC)

    @property
    def rows(self) -> tuple[Action, ...]:
        """What people are shown, in order: changes, and what is left alone.

        Many cells that could not be read for one reason are one row: a server that was not asked
        says nothing new in each of a hundred.
        """
        found: dict[str, list[Action]] = {}
        for action in self.ignored:
            alike = action.note if action.reason is Reason.UNOBSERVED else f"\n{action.cell}"
            found.setdefault(alike, []).append(action)
        return (*self.plan.changes, *(row for alike in found.values() for row in _one(alike)))

    @property
    def read(self) -> str:
        """Say when Octopus was read: `read 2026-11-20 12:00:00Z`."""
        return "not read" if self.is_remote else f"read {read_at(self.plan.read_at)}"

    @property
    def in_sync(self) -> int:
        """How many components run what is pinned."""
        return sum(action.reason is Reason.IN_SYNC for action in self.plan.actions)

    @property
    def unchanged(self) -> str:
        """Say how many of all components need nothing, and whether they are shown."""
        shown = "in sync" if self.everything else "in sync and not shown"
        return f"{shown}: {self.in_sync} of {len(self.plan.actions)}"

    @property
    def alignment(self) -> str:
        """Say which pins break the alignment with the platform version; empty: there is none."""
        plan = self.plan
        if not plan.platform:
            return ""
        named = [
            f"{one.component} {clean(one.version, 60)} instead of {clean(one.expected, 60)}"
            for one in plan.broken[:MANY]
        ]
        if len(plan.broken) > MANY:
            named.append(f"and {len(plan.broken) - MANY} more")
        broken = f"alignment broken by {', '.join(named)}" if named else "aligned"
        return f"platform version {plan.platform}: {broken}"

    @property
    def left_alone(self) -> str:
        """Say how many components are left alone, and why: `Left alone: 3 in-sync, 1 held`."""
        found = Counter(a.reason for a in self.plan.actions if not a.is_change)
        told = (f"{found[reason]} {reason.value}" for reason in Reason if found[reason])
        return f"Left alone: {', '.join(told) or 'nothing'}"


def _one(alike: list[Action]) -> list[Action]:
    """Return cells that are alike as one row that names the first, where they are many."""
    if len(alike) <= MANY:
        return alike
    names = ", ".join(clean(action.cell, 60) for action in alike[:MANY])
    cell = CellKey(f"{names} and {len(alike) - MANY} more")
    return [alike[0]._replace(cell=cell, from_version=None, to_version=None)]


def show_plan(page: Page, output: str) -> None:
    """Write a plan to stdout as a table, JSON, YAML or Markdown."""
    from reconciler.cli.render.data import plan_data
    from reconciler.cli.render.markdown import plan_markdown
    from reconciler.cli.render.plantable import print_plan

    if output == "markdown":
        click.echo(plan_markdown(page), nl=False)
        return
    write(output, lambda: plan_data(page), lambda: print_plan(page))


def counts(plan: Plan) -> str:
    """Return what changes in words: `2 upgrades and 1 downgrade in 2 waves`."""
    waves = max((action.wave for action in plan.changes), default=0)
    changes = kinds(Counter(action.kind.value for action in plan.changes))
    return f"{changes} in {number(waves, 'wave')}"


def kinds(found: Mapping[str, int]) -> str:
    """Return how many changes there are of each kind: `2 upgrades and 1 downgrade`."""
    order = (Kind.UPGRADE, Kind.DOWNGRADE, Kind.REDEPLOY)
    parts = [number(found[kind], kind.value) for kind in order if found.get(kind)]
    return " and ".join(parts) if len(parts) < 3 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def held(plan: Plan, gates: Sequence[Gate], free: str = "not held") -> str:
    """Say whether gates hold the plan: wholly, in part, or not, which `free` says."""
    whole = sorted({gate.name.value for gate in gates if not gate.cell})
    if whole:
        return f"held by {', '.join(whole)}"
    closed = {gate.cell for gate in gates}
    stopped = sum(action.cell in closed for action in plan.changes)
    if not stopped:
        return free
    return f"{stopped} of {len(plan.changes)} held by gates"


def unread(plan: Plan) -> str:
    """Say how much could not be observed: nothing to do is no good news where nothing was seen."""
    unseen = sum(action.reason is Reason.UNOBSERVED for action in plan.actions)
    return f", {unseen} of {len(plan.actions)} unobserved" if unseen else ""


def summary(
    plan: Plan,
    gates: Sequence[Gate],
    estimate: Estimate | None = None,
    free: str = "not held",
) -> str:
    """Return the plan in one sentence; `free` says that no gate is closed."""
    digest = f"{unread(plan)}; digest {plan.digest[:DIGITS]}."
    if not plan.has_work:
        return f"Nothing to do at commit {plan.commit[:DIGITS]}{digest}"
    takes = "" if estimate is None else f", {needs(estimate)}"
    return f"{counts(plan)}, {held(plan, gates, free)}{takes}{digest}"


def needs(estimate: Estimate) -> str:
    """Say what carrying a plan out takes: `3 tasks, about 40 API calls and 2 min 10 s`.

    A time that is not known is said to be so, and never guessed.
    """
    tasks = number(estimate.tasks, "task")
    calls = number(estimate.calls, "API call")
    if estimate.duration is None:
        return f"{tasks}, at least {calls}, and no receipt tells yet how long"
    took = f"{tasks}, about {calls} and {spell(estimate.duration)}"
    if not estimate.unknown:
        return took
    return f"{took} without {number(estimate.unknown, 'task')} whose time is unknown"


def spell(duration: timedelta) -> str:
    """Return a duration as people say it: `45 s`, `2 min 10 s`, `1 h 5 min`."""
    seconds = max(round(duration.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        minutes, rest = divmod(seconds, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def number(many: int, noun: str) -> str:
    """Return a count with its noun: `1 task`, `2 tasks`."""
    return f"{many} {noun}" + ("" if many == 1 else "s")


def legend(actions: Sequence[Action], gates: Sequence[Gate]) -> list[tuple[str, str]]:
    """Return each reason and gate that is shown, and what it says."""
    from reconciler.cli.meanings import GATES, REASONS

    reasons = {action.reason for action in actions}
    closed = {gate.name for gate in gates}
    words = [(reason.value, REASONS[reason].says) for reason in Reason if reason in reasons]
    words += [(name.value, GATES[name].says) for name in GATES if name in closed]
    if any(action.wave for action in actions):
        order = "a change starts when all it depends on, in earlier waves, has succeeded"
        words.append(("wave", order))
    return words


def read_at(moment: datetime) -> str:
    """Return when something was read, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


def shown(version: str | None) -> str:
    """Return a version as people see it; none is a dash."""
    return "-" if version is None else clean(version, 80)


def where(gate: Gate) -> str:
    """Return what a gate stands before."""
    return clean(gate.cell, 120) if gate.cell else "the whole plan"
