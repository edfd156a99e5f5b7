"""The state of a server as one document: everything in the world, and what is still to come."""

from __future__ import annotations

from typing import Any

import msgspec

from reconciler.simulator.graph import BadGraph, read_graph, write_graph
from reconciler.simulator.world import World

__all__ = ["BadState", "read_world", "write_world"]

_OWN = frozenset(
    {
        "engine",
        "fired_in_turn",
        "mishaps",
        "_is_advancing",
        "_clock",
        "on_task_change",
        "on_machine_event",
        "on_halt",
    }
    | {"calls", "_changed", "_halted", "_may_start"}
)
"""Attributes of a world and its engine that belong to the process and not to the state."""


class BadState(Exception):
    """A state cannot be used; the message is one line and says why."""


def write_world(world: World) -> dict[str, Any]:
    """Return a world and its appointments as a document of plain JSON values."""
    return write_graph({"world": _kept(world), "engine": _kept(world.engine)})


def read_world(world: World, document: bytes) -> tuple[str, str]:
    """Put a document's state in place of a world's; return the two keys that stand beside it.

    Raises:
        BadState: the document is damaged or not of this version; the world is as it was.
    """
    try:
        read = msgspec.json.decode(document)
        root = read_graph(read)
        api_key, service_api_key = (str(key) for key in read["keys"])
        found = root["world"], root["engine"]
    except BadGraph as error:
        raise BadState(str(error)) from error
    except (msgspec.DecodeError, RecursionError, KeyError, TypeError, ValueError) as error:
        raise BadState("it is not a simulator's state") from error
    fresh = World(lambda: found[1]["now"], task_seconds=0.0)
    new_world, new_engine = _fitting(fresh, found[0]), _fitting(fresh.engine, found[1])
    new_world["turned"] = max(new_world["turned"], world.turned)
    vars(world).update(new_world)
    vars(world.engine).update(new_engine)
    return api_key, service_api_key


def _kept(owner: object) -> dict[str, Any]:
    return {name: value for name, value in vars(owner).items() if name not in _OWN}


def _fitting(fresh: object, kept: dict[str, Any]) -> dict[str, Any]:
    """Return what to set: what was kept, and what a new server has where nothing was."""
    own = _kept(fresh)
    for name in kept:
        if name not in own:
            raise BadState(f"it holds {name!r}, which this version does not know")
    return own | kept
