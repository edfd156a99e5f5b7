"""Proposals for pins that track a channel, made beside the looks of one repository."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.text import clean
from reconciler.engine.events import Said
from reconciler.engine.track import track
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from reconciler.core.state import SpaceState
    from reconciler.engine.doors import Doors
    from reconciler.engine.edit import Asked
    from reconciler.engine.ground import Ground
    from reconciler.engine.survey import Reading


@dataclass(slots=True)
class Tracker:
    """Follows channels in environments whose commit is accepted, once in `apart` seconds at most.

    `start` runs a coroutine beside the ticks. What it leaves, and why, is told when it changes.
    """

    doors: Doors
    asked: Asked
    apart: float
    start: Callable[[Coroutine[Any, Any, None]], object]
    _next: dict[str, float] = field(default_factory=dict)
    _told: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _busy: set[str] = field(default_factory=set)

    def looked(self, ground: Ground, reading: Reading) -> None:
        """Begin to follow, where a pin tracks and it is time."""
        environment, now = ground.tip_state.environment, self.doors.clock.monotonic()
        name = environment.name
        if not ground.unchanged or not any(pin.track for pin in environment.pins.values()):
            return
        if name in self._busy or now < self._next.get(name, now):
            return
        self._next[name] = now + self.apart
        self._busy.add(name)
        self.start(self._follow(name, reading.state))

    async def _follow(self, name: str, state: SpaceState) -> None:
        try:
            edited = await track(self.doors, self.asked, name, state)
        except ReconcilerError as error:
            self._tell(name, (error.message,))
        else:
            lines = tuple(f"{component} is left: {why}" for component, why in edited.draft.left)
            if edited.commit is not None:
                lines = (f"{edited.draft.lines[0]}, pushed as {edited.branch}", *lines)
            self._tell(name, lines)
        finally:
            self._busy.discard(name)

    def _tell(self, name: str, lines: tuple[str, ...]) -> None:
        if self._told.get(name, ()) != lines:
            self._told[name] = lines
            for line in lines:
                self.doors.tell(Said(clean(f"{name}: tracking: {line}", 400)))
