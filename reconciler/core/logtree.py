"""The log of one task as a tree, and how successive readings of it grow together.

Octopus keeps a branch for the whole task, below it one for each step, and below a step one for each
machine; each has a state and lines of its own. A reading holds only the last lines of each branch,
so readings are merged: the newest says how everything stands, and lines that were read before stay.
All text is clean, and the whole is bounded, whatever a script prints (rules 47, 52).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST_BRANCHES = 500
"""Branches kept of one task; the others are counted."""

MOST_LINES = 2000
"""Lines kept of one task, shared by its branches; each keeps its last one at least."""

DEEPEST = 6
"""Levels kept: Octopus has three, and a few more where a step acquires packages."""

LONGEST_LINE = 500
LONGEST_NAME = 200

Path = tuple[str, ...]
"""Where a branch is: the names of step and machine; none for the task's own."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Work(StrEnum):
    """How a branch stands, in Octopus' words; a new word is `UNKNOWN`, which has not ended."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCESS = "Success"
    WARNED = "SuccessWithWarning"
    FAILED = "Failed"
    SKIPPED = "Skipped"
    CANCELED = "Canceled"
    UNKNOWN = "Unknown"

    @property
    def has_ended(self) -> bool:
        """True where nothing of it runs any more, or ever will."""
        return self not in {Work.PENDING, Work.RUNNING, Work.UNKNOWN}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. `number` counts through the whole task, 0 where the server does not number."""

    number: int
    category: str
    at: datetime | None
    text: str

    @property
    def is_error(self) -> bool:
        """True for what Octopus logged as an error."""
        return self.category in {"Error", "Fatal"}

    @property
    def is_verbose(self) -> bool:
        """True for what people read only when they look closely."""
        return self.category in {"Verbose", "Trace"}


@dataclass(frozen=True, slots=True)
class Branch:
    """One part of a task's work. Times are UTC; `percent` is 0 to 100.

    `left_out` counts the branches below it that are not kept.
    """

    id: str
    name: str
    work: Work
    started: datetime | None = None
    ended: datetime | None = None
    percent: int = 0
    lines: tuple[LogLine, ...] = ()
    children: tuple[Branch, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class TaskLog:
    """The log of one task. `roots` is one branch on every server we know of."""

    task_id: str
    roots: tuple[Branch, ...] = ()

    @property
    def percent(self) -> int:
        """How much of the work is done, 0 to 100, as Octopus counts it."""
        return min((root.percent for root in self.roots), default=0)

    def branches(self) -> Iterator[tuple[Path, Branch]]:
        """Yield every branch with its path, from the top down; the task's own has none."""
        for root in self.roots:
            yield (), root
            yield from _below((), root)


def _below(path: Path, branch: Branch) -> Iterator[tuple[Path, Branch]]:
    for child in branch.children:
        own = (*path, child.name)
        yield own, child
        yield from _below(own, child)


Told = tuple[Path, LogLine]
"""A line with the path of the branch it is in."""


def bounded(log: TaskLog) -> TaskLog:
    """Return a reading within its limits: of too many branches those that matter most stay.

    Where a task has more, what failed or runs is kept before what waits or went well.
    """
    roots, _ = _within(log.roots, MOST_BRANCHES, DEEPEST)
    return _with_few_lines(replace(log, roots=roots))


def merged(before: TaskLog | None, now: TaskLog) -> TaskLog:
    """Return a reading with the lines of earlier ones, within the limits.

    Merging a reading twice changes nothing.
    """
    if before is None:
        return bounded(now)
    known = {branch.id: branch.lines for _, branch in before.branches()}
    return bounded(replace(now, roots=tuple(_joined(root, known) for root in now.roots)))


def news(before: TaskLog | None, now: TaskLog) -> tuple[Told, ...]:
    """Return the lines of a reading that come after what was known, in the order of the log."""
    known = {} if before is None else {b.id: b.lines for _, b in before.branches()}
    found = [
        (path, line)
        for path, branch in now.branches()
        for line in _after(known.get(branch.id, ()), branch.lines)
    ]
    return tuple(sorted(found, key=_order))


def gaps(before: TaskLog | None, now: TaskLog, tail: int) -> tuple[Path, ...]:
    """Return the branches of a reading of `tail` lines each that does not join what was known."""
    known = {} if before is None else {b.id: b.lines for _, b in before.branches()}
    return tuple(
        path
        for path, branch in now.branches()
        if len(branch.lines) >= tail
        and (branch.id not in known or len(_after(known[branch.id], branch.lines)) >= tail)
    )


def last_lines(log: TaskLog, most: int) -> tuple[str, ...]:
    """Return what tells best why a task did not succeed: its last errors, else its last lines.

    Each names the step and machine it is from. Of the same text told at several places, the one
    told deepest counts.
    """
    told = [
        (path, line)
        for path, branch in log.branches()
        for line in branch.lines
        if line.text and not line.is_verbose
    ]
    chosen = [one for one in told if one[1].is_error] or told
    deepest: dict[str, Told] = {}
    for one in sorted(chosen, key=_order):
        other = deepest.pop(one[1].text, None)
        deepest[one[1].text] = one if other is None or len(one[0]) > len(other[0]) else other
    return tuple(map(in_words, deepest.values()))[-most:] if most > 0 else ()


def in_words(told: Told) -> str:
    """Return a line with where it is from: `Step 1: Deploy web > web-1: no space left`."""
    path, line = told
    return f"{' > '.join(path)}: {line.text}" if path else line.text


def _order(told: Told) -> tuple[bool, datetime, int]:
    """Order by time, then by number; a line without a time comes first."""
    at = told[1].at
    return at is not None, at or _LONG_AGO, told[1].number


def _after(known: Sequence[LogLine], lines: Sequence[LogLine]) -> list[LogLine]:
    """Return those of a branch's lines that were not known: a log only grows at its end."""
    seen = set(known)
    last = max((line.number for line in known), default=0)
    return [line for line in lines if line not in seen and (not line.number or line.number > last)]


def _joined(branch: Branch, known: Mapping[str, tuple[LogLine, ...]]) -> Branch:
    """Return a branch with what was known of it, and of those below it, before its own lines."""
    before = known.get(branch.id, ())
    return replace(
        branch,
        lines=(*before, *_after(before, branch.lines)),
        children=tuple(_joined(child, known) for child in branch.children),
    )


def _within(branches: Sequence[Branch], room: int, levels: int) -> tuple[tuple[Branch, ...], int]:
    """Return branches that fit into the room and the levels, and how many that are in all."""
    chosen = list(branches)
    if len(chosen) > room:
        urgent = sorted(range(len(chosen)), key=lambda at: (_calm(chosen[at].work), at))
        chosen = [chosen[at] for at in sorted(urgent[: max(room, 0)])]
    left, kept = room - len(chosen), list[Branch]()
    for at, branch in enumerate(chosen):
        share = 0 if levels <= 1 else left // (len(chosen) - at)
        children, taken = _within(branch.children, share, levels - 1)
        left -= taken
        lost = branch.left_out + len(branch.children) - len(children)
        kept.append(replace(branch, children=children, left_out=lost))
    return tuple(kept), room - left


def _calm(work: Work) -> int:
    """Return how little of a branch people want to know: 0 is most urgent."""
    match work:
        case Work.FAILED:
            return 0
        case Work.RUNNING | Work.UNKNOWN:
            return 1
        case Work.WARNED | Work.CANCELED:
            return 2
        case _:
            return 3


def _with_few_lines(log: TaskLog) -> TaskLog:
    """Return a log whose branches share the lines that are kept; the newest of each stay."""
    lengths = [len(branch.lines) for _, branch in log.branches()]
    if sum(lengths) <= MOST_LINES:
        return log
    each = max(MOST_LINES // sum(1 for length in lengths if length), 1)
    return replace(log, roots=tuple(_cut(root, each) for root in log.roots))


def _cut(branch: Branch, each: int) -> Branch:
    return replace(
        branch,
        lines=branch.lines[-each:],
        children=tuple(_cut(child, each) for child in branch.children),
    )
