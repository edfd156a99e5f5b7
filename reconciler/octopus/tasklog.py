"""The log of a task, read in one request: foreign text, cleaned and bounded before it is kept.

Source: Octopus REST API, `GET /tasks/{id}/details` (`verbose`, `tail`: the last lines of each
branch of the tree).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from reconciler.core.logtree import (
    DEEPEST,
    LONGEST_LINE,
    LONGEST_NAME,
    Branch,
    LogLine,
    TaskLog,
    Work,
    bounded,
)
from reconciler.errors import CredentialRefused, UsageError
from reconciler.octopus import wire
from reconciler.octopus.translate import maybe_utc
from reconciler.octopus.words import redacted

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.core.secret import Secret
    from reconciler.octopus.client import OctopusHttp

SUMMARY = frozenset({"Info", "Highlight", "Wait", "Alert", "Warning", "Error", "Fatal"})
VERBOSE = SUMMARY | {"Verbose", "Trace"}
"""Categories of lines that are kept; others move a progress bar, or mark a gap."""

_WORKS = {work.value: work for work in Work}


class LogElement(wire.Wire, frozen=True):
    """One line of a task's log."""

    category: str
    occurred_at: wire.Time | None
    message_text: str | None
    number: int | None = None


class LogNode(wire.Wire, frozen=True):
    """One branch of a task's log tree. One that has not started has neither times nor lines."""

    id: str = ""
    name: str | None = None
    status: str = ""
    started: wire.Time | None = None
    ended: wire.Time | None = None
    progress_percentage: float | None = None
    log_elements: list[LogElement] | None = None
    children: list[LogNode] | None = None


class TaskDetails(wire.Wire, frozen=True):
    """`GET /tasks/{id}/details`."""

    activity_logs: list[LogNode]


class TaskLogReader:
    """Reads the logs of one space. Our own keys are masked wherever they are printed (rule 52)."""

    def __init__(self, observer: OctopusHttp, deployer: OctopusHttp | None) -> None:
        self._observer = observer
        self._deployer = deployer

    async def read(self, path: str, task_id: str, tail: int, *, verbose: bool) -> TaskLog:
        """Return the log of a task with the last `tail` lines of each branch.

        `path` is that of all tasks.
        Raises: Unreachable, RateLimited, BadAnswer, NotAllowed, RemoteRejected.
        """
        query = {"verbose": "true" if verbose else "false", "tail": str(tail)}
        key = self._observer.key
        where = f"{path}/{quote(task_id, safe='')}/details"
        details = wire.decode(await self._observer.get(where, query, alone=True), TaskDetails)
        other = self._deploying()

        def cleaned(text: str, limit: int) -> str:
            return redacted(text if other is None else other.hide_in(text), key, limit)

        reading = _Reading(cleaned, VERBOSE if verbose else SUMMARY, tail)
        roots = tuple(reading.branch(node, DEEPEST) for node in details.activity_logs)
        return bounded(TaskLog(task_id, roots))

    def _deploying(self) -> Secret | None:
        try:
            return None if self._deployer is None else self._deployer.key
        except (CredentialRefused, UsageError):
            return None  # of no use to anybody


class _Reading:
    """One answer on its way to a value."""

    def __init__(self, cleaned: Callable[[str, int], str], kept: frozenset[str], tail: int) -> None:
        self._cleaned = cleaned
        self._kept = kept
        self._tail = tail

    def branch(self, node: LogNode, levels: int) -> Branch:
        """Return a branch with as many levels below it; the last counts what it leaves out."""
        children = (node.children or []) if levels > 1 else []
        lines = [line for line in node.log_elements or () if line.category in self._kept]
        return Branch(
            id=self._cleaned(node.id, LONGEST_NAME),
            name=self._cleaned(node.name or "", LONGEST_NAME),
            work=_WORKS.get(node.status, Work.UNKNOWN),
            started=maybe_utc(node.started),
            ended=maybe_utc(node.ended),
            percent=min(max(int(node.progress_percentage or 0), 0), 100),
            lines=tuple(map(self._line, lines[-self._tail :])) if self._tail > 0 else (),
            children=tuple(self.branch(child, levels - 1) for child in children),
            left_out=len(node.children or ()) - len(children),
        )

    def _line(self, said: LogElement) -> LogLine:
        text = self._cleaned(said.message_text or "", LONGEST_LINE)
        return LogLine(max(said.number or 0, 0), said.category, maybe_utc(said.occurred_at), text)
