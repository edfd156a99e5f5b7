"""Scripted faults: which requests go wrong, how, and how often."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body

__all__ = ["Fault", "FaultKind", "Faults", "spoil_type", "truncated"]


class FaultKind(StrEnum):
    """What can go wrong with a request."""

    STATUS = "status"
    """Answer `status` with `body` and, if given, `retry_after`; no effect."""
    HTML = "html"
    """Answer 200 with an HTML page, as a proxy's login page does; no effect."""
    TRUNCATE = "truncate"
    """The effect happens; the JSON of the answer ends in the middle."""
    WRONG_TYPE = "wrong_type"
    """The effect happens; the named `field` gets another JSON type wherever it stands."""
    LOST_ANSWER_BEFORE = "lost_answer_before"
    """The connection closes without an answer; no effect."""
    LOST_ANSWER_AFTER = "lost_answer_after"
    """The effect happens; the connection closes without an answer."""
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
    """None: for ever."""
    status: int = 500
    body: Any = None
    """A text goes out as it is, anything else as JSON; None makes the product's error body."""
    retry_after: str | None = None
    field: str = ""
    location: str = "http://octopus.invalid/"
    seconds: float = 0.0
    seen: int = dataclasses.field(default=0, init=False)
    acted: int = dataclasses.field(default=0, init=False)

    def __post_init__(self) -> None:
        self.kind = FaultKind(self.kind)
        re.compile(self.path)

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


def fault_from(body: Body) -> Fault:
    """Read a fault from the JSON of `POST /simulator/faults`; names as in `Fault`, any case.

    Raises:
        Refused: 400 naming what is wrong.
    """
    known = {
        name.replace("_", ""): name
        for name in (
            "kind", "method", "path", "nth", "count", "status", "body", "retry_after", "field",
            "location", "seconds",
        )
    }  # fmt: skip
    given: dict[str, Any] = {}
    for name, value in body.fields.items():
        if name.replace("_", "") not in known:
            raise Refused(400, f"A fault has no field {name!r}.")
        given[known[name.replace("_", "")]] = value
    if "retry_after" in given and given["retry_after"] is not None:
        given["retry_after"] = str(given["retry_after"])
    numbers: dict[str, Any] = {"nth": int, "count": (int, type(None)), "status": int}
    numbers |= {"seconds": (int, float)}
    for name, value in given.items():
        wanted = numbers.get(name, object if name in ("body", "retry_after") else str)
        if not isinstance(value, wanted) or (isinstance(value, bool) and name in numbers):
            raise Refused(400, f"The field {name!r} of a fault has the wrong type.")
    if "kind" not in given:
        raise Refused(400, "A fault needs a kind.")
    try:
        return Fault(**given)
    except ValueError as error:
        raise Refused(400, f"Not a fault: {error}.") from None
    except re.error:
        raise Refused(400, "The path of a fault must be a regular expression.") from None


def truncated(content: bytes) -> bytes:
    """Cut JSON in the middle, so that it never parses."""
    return content[: max(1, len(content) // 2)]


def spoil_type(content: bytes, name: str) -> bytes:
    """Give a field another JSON type wherever it stands: text for what is not, else an object."""

    def spoil(value: Any) -> Any:
        if isinstance(value, list):
            return [spoil(each) for each in value]
        if isinstance(value, dict):
            return {
                key: wrong(each) if key.lower() == name.lower() else spoil(each)
                for key, each in value.items()
            }
        return value

    def wrong(value: Any) -> Any:
        return {"Unexpected": value} if isinstance(value, str) else "unexpected"

    return json.dumps(spoil(json.loads(content))).encode()
