"""Pin: propose the commit that pins other versions in one environment (rule 24)."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from reconciler.core.text import clean
from reconciler.core.version import Direction, direction, only_prerelease_lower
from reconciler.engine.edit import Draft, at_tip, carry, repinned
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.manifest import DesiredState, Pin
    from reconciler.engine.doors import Doors
    from reconciler.engine.edit import Asked, Edited

_MOST_NAMED = 20


async def pin(
    doors: Doors, asked: Asked, environment: str, versions: Mapping[str, str], *, add: bool = False
) -> Edited:
    """Pin versions by component; `add`: components the environment does not pin yet, too.

    A pin is changed in the file that holds it, Pins fragments too; a new one is added to the
    environment's own. What is pinned so already is left.

    Raises: UsageError, ManifestsInvalid, EditRefused, GitTrouble and its kin.
    """

    async def draft() -> Draft:
        commit, manifests, desired = await at_tip(doors, environment)
        edits, lines, left = [], [], []
        for name, version in versions.items():
            there = desired.environment.pins.get(name)
            if there is None:
                _check_addable(desired, name, commit, add=add)
            elif there.version == version:
                left.append((name, f"pinned at {clean(version, 60)} already"))
                continue
            edits.append(repinned(desired, name, version))
            lines.append(f"{name}: {change(there, version)}")
        names = [f"{edit.component} {edit.version}" for _, edit in edits]
        return Draft(
            verb="pin",
            environment=environment,
            commit=commit,
            manifests=manifests,
            edits=tuple(edits),
            subject=f"{environment}: pin {', '.join(names)}",
            lines=tuple(lines),
            left=tuple(left),
            nothing=f"all of that is pinned in {environment} already",
        )

    return await carry(doors, asked, draft)


def move(before: str, after: str) -> str:
    """Return a change of a pin in words: `1.0.0 -> 1.1.0 (upgrade)`."""
    match direction(before, after):
        case Direction.UP:
            word = "upgrade"
        case Direction.SAME:
            word = "another release of an equal version"
        case Direction.UNKNOWN:
            word = "of unknown direction, which is handled like a downgrade"
        case Direction.DOWN:
            only = ", by its prerelease part alone" if only_prerelease_lower(before, after) else ""
            word = f"downgrade{only}"
    return f"{clean(before, 60)} -> {clean(after, 60)} ({word})"


def change(pin: Pin | None, version: str) -> str:
    """Return what another version means for a pin, None: for a component that has none."""
    if pin is None:
        return f"{clean(version, 60)} (new here)"
    said = [move(pin.version, version)]
    if pin.hold is not None:
        said.append(f"held: {clean(pin.hold.reason)}")
    if pin.base is not None and pin.base.version != version:
        has = clean(pin.base.version, 60)
        said.append(f"breaks alignment with {pin.base.platform}, which has {has}")
    return "; ".join(said)


def _check_addable(desired: DesiredState, component: str, commit: str, *, add: bool) -> None:
    """Raise UsageError where a component is none of the stack, or is new and not to be added."""
    environment, known = desired.environment, desired.stack.components
    if component in known and add:
        return
    at = f"at commit {commit[:12]}; nothing was changed"
    if component in known:
        raise UsageError(
            f"{environment.name} does not pin {component} yet, {at}",
            hint="give --add to pin a component that is new to the environment",
        )
    near = get_close_matches(component.lower(), known, n=3)
    more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    names = ", ".join(sorted(known)[:_MOST_NAMED]) + more
    raise UsageError(
        f"stack {desired.stack.name} has no component '{clean(component, 80)}' {at}",
        hint=f"did you mean {' or '.join(near)}?" if near else f"its components: {names}",
    )
