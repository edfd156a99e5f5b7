"""Schedule: whose turn it is among the changes of a plan that is being carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from reconciler.core.action import Action
    from reconciler.core.cellkey import CellKey


def in_turn(
    pending: Iterable[Action], succeeded: Collection[CellKey], last_wave: int = 0
) -> tuple[Action, ...]:
    """Return the pending changes whose every dependency succeeded, by wave, then by name.

    `last_wave`: those of later waves are left out; 0: none is.
    """
    return tuple(
        action
        for action in sorted(pending, key=lambda action: (action.wave, action.cell))
        if all(name in succeeded for name in action.waits_for)
        and (not last_wave or action.wave <= last_wave)
    )
