"""Promotion: which pins follow what runs elsewhere, and which are left as they are and told.

Nothing is touched silently: what the target does not have, what is newer there, and what cannot
be ordered stays, each with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.cellkey import component_of
from reconciler.core.text import clean
from reconciler.core.version import Direction, direction, is_same_release

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.core.compare import Entry
    from reconciler.core.manifest import Environment

NEVER = "it was never deployed there"


@dataclass(frozen=True, slots=True)
class Promotion:
    """What becomes of each component, by name.

    `moves` are (component, version) whose pins follow. `kept` stay at their pin in the target.
    `left` is told: (component, why) for what is not touched though one side has it.
    """

    moves: tuple[tuple[str, str], ...]
    kept: frozenset[str]
    left: tuple[tuple[str, str], ...]


def whole(
    entries: Mapping[str, Entry], pinned: Collection[str]
) -> tuple[Mapping[str, Entry], tuple[tuple[str, str], ...]]:
    """Return one entry for each pinned component, and the cells of which it is not known.

    A component that runs in several versions, by tenant, is not known; nor is one that is pinned
    and was never deployed.
    """
    found: dict[str, Entry] = {}
    unknown: list[tuple[str, str]] = []
    for cell, entry in sorted(entries.items()):
        component = component_of(cell)
        if component not in pinned:
            continue
        first = found.setdefault(component, entry)
        if entry.unknown or entry.version is None:
            unknown.append((cell, entry.unknown or NEVER))
        elif first.version is not None and not is_same_release(first.version, entry.version):
            other = clean(first.version, 60)
            why = f"runs {clean(entry.version, 60)}, and another cell of it {other}"
            unknown.append((cell, why))
    unknown.extend((name, NEVER) for name in sorted(set(pinned) - found.keys()))
    return found, tuple(unknown)


def promote(
    versions: Mapping[str, str],
    has: Collection[str],
    source: str,
    target: Environment,
    known: Collection[str],
    *,
    add: bool,
) -> Promotion:
    """Decide for each component of `versions` and of the target.

    `has` is all that the source, named `source`, has: versions of a part of it may be promoted.
    `known` are the components of the target's stack. `add`:
    what the target does not pin yet is pinned, too.
    """
    moves: list[tuple[str, str]] = []
    left: list[tuple[str, str]] = []
    kept: set[str] = set()
    for name, version in sorted(versions.items()):
        pin = target.pins.get(name)
        if name not in known:
            left.append((name, f"the stack of {target.name} does not have it"))
        elif pin is None and not add:
            left.append((name, f"{target.name} does not pin it; --add lets it"))
        elif pin is None:
            moves.append((name, version))
        elif is_same_release(pin.version, version):
            continue
        elif (why := _stays(pin.version, version, source, target.name)) is None:
            moves.append((name, version))
        else:
            left.append((name, why))
            kept.add(name)
    for ring in target.rings:
        for name in sorted(ring.pins.keys() & versions.keys()):
            stays = f"ring '{ring.name}' pins {clean(ring.pins[name].version, 60)} of its own"
            left.append((name, stays))
    for name in sorted(target.pins.keys() - versions.keys()):
        kept.add(name)
        if name not in has:
            left.append((name, f"{source} does not have it"))
    return Promotion(tuple(moves), frozenset(kept), tuple(sorted(left)))


def _stays(pinned: str, version: str, source: str, target: str) -> str | None:
    """Say why a pin is not moved to a version, None: it is."""
    match direction(pinned, version):
        case Direction.DOWN:
            there = f"{clean(pinned, 60)}, and {source} runs {clean(version, 60)}"
            return f"newer in {target}: {there}"
        case Direction.UNKNOWN:
            both = f"{clean(pinned, 60)} and {clean(version, 60)}"
            return f"{both} cannot be ordered; `reconciler pin {target}` changes it"
        case Direction.UP | Direction.SAME:
            return None
