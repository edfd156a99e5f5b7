"""Scripted faults: which requests go wrong, how, and how often."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Fault", "FaultKind", "Faults", "fault_from", "set_value", "spoil_type", "truncated"]


class FaultKind(StrEnum):
    """What can go wrong with a request."""

    STATUS = "status"
    """Answer `status` with `body` and, if given, `retry_after`; no effect. Several take turns."""
    HTML = "html"
    """Answer 200 with an HTML page, as a proxy's login page does; no effect."""
    TRUNCATE = "truncate"
    """The effect happens; the JSON of the answer ends in the middle."""
    WRONG_TYPE = "wrong_type"
    """The effect happens; the named `field` gets another JSON type wherever it stands."""
    VALUE = "value"
    """The effect happens; the named `field` says `value` wherever it stands."""
    LOST_ANSWER_BEFORE = "lost_answer_before"
    """The connection closes without an answer; no effect."""
    LOST_ANSWER_AFTER = "lost_answer_after"
    """The effect happens; the connection closes without an answer."""
    RESET = "reset"
    """The effect happens; the connection is reset in the middle of the answer."""
    DRIP = "drip"
    """The effect happens; the answer comes in small pieces, over `seconds`, by the real clock."""
    REDIRECT = "redirect"
    """Answer 302 to `location`; no effect."""
    DELAY = "delay"
    """The effect happens `seconds` later, by the real clock."""
    LAG = "lag"
    """Lists do not show writes younger than `seconds`."""


@dataclass(slots=True)
class Fault:
    """One scripted fault: matches method and path, skips `nth - 1` matches, acts `count` times."""

    kind: FaultKind
    method: str = ""
    """Empty matches every method."""
    path: str = ""
    """A regular expression searched in the path, without case; empty matches every path."""
    nth: int = 1
    count: int | None = 1
    """None: for ever. With several statuses, 1 means each of them once."""
    status: int | tuple[int, ...] = 500
    body: Any = None
    """A text goes out as it is, anything else as JSON; None makes the product's error body."""
    retry_after: str | None = None
    field: str = ""
    value: Any = None
    location: str = "http://octopus.invalid/"
    seconds: float = 0.0
    seen: int = dataclasses.field(default=0, init=False)
    acted: int = dataclasses.field(default=0, init=False)

    def __post_init__(self) -> None:
        self.kind = FaultKind(self.kind)
        re.compile(self.path)
        if isinstance(self.status, tuple) and self.count == 1:
            self.count = len(self.status)

    def next_status(self) -> int:
        """Return the status of the present answer; the last of several stays."""
        if isinstance(self.status, int):
            return self.status
        return self.status[min(self.acted, len(self.status)) - 1]

    def takes(self, method: str, path: str) -> bool:
        """Tell whether the fault acts on this request, and count it."""
        if self.method and self.method.upper() != method:
            return False
        if self.path and not re.search(self.path, path, re.IGNORECASE):
            return False
        self.seen += 1
        if self.seen < self.nth or (self.count is not None and self.acted >= self.count):
            return False
        self.acted += 1
        return True


class Faults:
    """The faults in force, oldest first. The simulator's own routes never fail."""

    def __init__(self) -> None:
        self.all: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Put one more fault in force."""
        self.all.append(fault)

    def clear(self) -> None:
        """Lift every fault."""
        self.all.clear()

    def taking(self, method: str, path: str) -> tuple[Fault, ...]:
        """Return the faults that act on a request."""
        if not self.all:
            return ()
        return tuple(fault for fault in self.all if fault.takes(method, path))


_FIELDS = (
    "kind", "method", "path", "nth", "count", "status", "body", "retry_after", "field", "value",
    "location", "seconds",
)  # fmt: skip
_NUMBERS = {"nth": (int,), "count": (int, type(None)), "seconds": (int, float)}
_ANYTHING = frozenset({"body", "value", "retry_after"})


def fault_from(given: dict[str, Any]) -> Fault:
    """Read a fault from plain values; names as in `Fault`, `retryAfter` too, in any case.

    Raises:
        ValueError: one sentence says what is wrong.
    """
    known = {name.replace("_", ""): name for name in _FIELDS}
    fields: dict[str, Any] = {}
    for name, value in given.items():
        low = str(name).replace("_", "").lower()
        if low not in known:
            raise ValueError(f"A fault has no field {name!r}.")
        fields[known[low]] = _fitting(known[low], value)
    if "kind" not in fields:
        raise ValueError("A fault needs a kind.")
    try:
        return Fault(**fields)
    except re.error:
        raise ValueError("The path of a fault must be a regular expression.") from None


def _fitting(name: str, value: Any) -> Any:
    """Return a field's value when it has the type of the field."""
    if name == "retry_after" and value is not None:
        return str(value)
    if name == "status":
        several = value if isinstance(value, list) else [value]
        if not several or not all(type(each) is int and 100 <= each <= 599 for each in several):
            raise ValueError(
                "The status of a fault is a number from 100 to 599, or a list of them."
            )
        return tuple(several) if isinstance(value, list) else value
    wanted = _NUMBERS.get(name, (object,) if name in _ANYTHING else (str,))
    if not isinstance(value, wanted) or (isinstance(value, bool) and name in _NUMBERS):
        raise ValueError(f"The field {name!r} of a fault has the wrong type.")
    return value


def truncated(content: bytes) -> bytes:
    """Cut JSON in the middle, so that it never parses."""
    return content[: max(1, len(content) // 2)]


def spoil_type(content: bytes, name: str) -> bytes:
    """Give a field another JSON type wherever it stands: text for what is not, else an object."""
    return _replaced(
        content, name, lambda each: {"Unexpected": each} if isinstance(each, str) else "unexpected"
    )


def set_value(content: bytes, name: str, value: Any) -> bytes:
    """Let a field say something else wherever it stands."""
    return _replaced(content, name, lambda _: value)


def _replaced(content: bytes, name: str, new: Callable[[Any], Any]) -> bytes:
    low = name.lower()

    def change(value: Any) -> Any:
        if isinstance(value, list):
            return [change(each) for each in value]
        if isinstance(value, dict):
            return {
                key: new(each) if key.lower() == low else change(each)
                for key, each in value.items()
            }
        return value

    return json.dumps(change(json.loads(content))).encode()
