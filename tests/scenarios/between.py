"""Standing between the engine and one of its doors: a test changes what single calls do."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from story import Story

    from reconciler.engine.doors import Doors


class Between:
    """A door of which some calls go through a test: it gets the real call, and its arguments."""

    def __init__(self, door: Any, **calls: Callable[..., Any]) -> None:
        self._door = door
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._door, name)
        return partial(self._calls[name], real) if name in self._calls else real


def at_octopus(world: Story, **calls: Callable[..., Any]) -> None:
    """Stand between the engine and Octopus from now on."""

    def wrap(doors: Doors) -> Doors:
        return replace(doors, octopus=lambda space: Between(doors.octopus(space), **calls))

    world.wrap = wrap


def at_audit(world: Story, **calls: Callable[..., Any]) -> None:
    """Stand between the engine and the audit branch from now on."""
    world.wrap = lambda doors: replace(doors, audit=Between(doors.audit, **calls))


def nobody(world: Story) -> None:
    """Stand nowhere any more."""
    world.wrap = lambda doors: doors
