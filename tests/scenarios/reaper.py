"""Death of a process in a story: at one call through its doors, and for good."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.engine.doors import Doors


class Killed(BaseException):
    """What SIGKILL does to a pass: nothing of it runs any more."""


@dataclass
class Reaper:
    """Counts calls through the doors, and kills at one of them: before it, or just after it.

    A dead process does nothing: once killed, every later call is refused too.
    """

    at: int
    after: bool
    calls: int = 0
    dead: bool = False
    names: list[str] = field(default_factory=list)

    def begin(self, name: str) -> int:
        """Count a call, and die before it if it is the one; return its number.

        Looks at the pauses change nothing and come twice a second: they are no points of their own.
        """
        self._die(self.dead)
        if name == "pauses":
            return -1
        self.calls += 1
        self.names.append(name)
        self._die(self.calls == self.at and not self.after)
        return self.calls

    def end(self, number: int) -> None:
        """Die just after a call if it is the one."""
        self._die(self.dead or (number == self.at and self.after))

    def _die(self, now: bool) -> None:
        if now:
            self.dead = True
            raise Killed

    def wrap(self, doors: Doors) -> Doors:
        def octopus(space: Any) -> Any:
            return Mortal(doors.octopus(space), self)

        def watched(name: str) -> Any:
            return Mortal(getattr(doors, name), self)

        kept = {f.name: getattr(doors, f.name) for f in fields(doors)}
        kept |= {name: watched(name) for name in ("audit", "journal")}
        return replace(doors, **kept | {"octopus": octopus})


class Mortal:
    """A door behind which a process may die."""

    def __init__(self, door: Any, reaper: Reaper) -> None:
        self._door = door
        self._reaper = reaper

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._door, name)
        if not callable(value):
            return value
        return self._async(name, value) if _is_async(value) else self._sync(name, value)

    def _sync(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def through(*args: Any, **kwargs: Any) -> Any:
            number = self._reaper.begin(name)
            answer = call(*args, **kwargs)
            self._reaper.end(number)
            return answer

        return through

    def _async(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        async def through(*args: Any, **kwargs: Any) -> Any:
            number = self._reaper.begin(name)
            answer = await call(*args, **kwargs)
            self._reaper.end(number)
            return answer

        return through


def _is_async(call: Any) -> bool:
    import inspect

    return inspect.iscoroutinefunction(call)
