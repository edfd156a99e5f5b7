"""Adopt: propose the commit that pins what runs now, for cells that people changed by hand.

Nothing is deployed: the new pin follows what runs, so it is in sync as soon as it is merged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.edit import Repin
from reconciler.core.plan import Reason
from reconciler.core.sighting import Settled, Unsettled
from reconciler.core.text import clean
from reconciler.engine.edit import Draft, carry, pinned, repinned
from reconciler.engine.ground import load_manifests
from reconciler.engine.healing import plan_of
from reconciler.engine.survey import survey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.core.plan import Action
    from reconciler.core.sighting import ObservedCell
    from reconciler.engine.doors import Doors
    from reconciler.engine.edit import Asked, Edited

_DRIFTED = (Reason.DRIFT, Reason.HELD_BY_HAND, Reason.DRIFT_LEFT)


async def adopt(doors: Doors, asked: Asked, environment: str, components: Sequence[str]) -> Edited:
    """Propose pins for what runs in the drifted cells of an environment; none named: in all.

    A cell drifted where no commit asks for what runs, and none asks for anything else; one that is
    about to be healed counts. One that a commit changes or holds, or that is not readable, is left
    as it is.

    Raises: everything `survey` raises; EditRefused; UsageError; GitTrouble and its kin.
    """

    async def draft() -> Draft:
        situation = await survey(doors, environment)
        space = situation.desired.space
        situation, plan = await plan_of(doors.octopus(space), situation)
        desired, observed = situation.desired, situation.observed
        manifests = await load_manifests(doors, situation.commit)
        for name in components:
            pinned(desired, name, situation.commit)
        edits, lines, left = [], [], []
        for action in plan.actions:
            name = action.cell
            if components and action.component not in components:
                continue
            found = _what_runs(action, observed.cells.get(name))
            if isinstance(found, Repin):
                edits.append(repinned(desired, action.component, found.version))
                lines.append(_line(action, found))
            elif components or action.reason in _DRIFTED:
                left.append((name, found))
        names = ", ".join(edit.component for _, edit in edits)
        unread = sum(action.reason is Reason.UNOBSERVED for action in plan.actions)
        return Draft(
            verb="adopt",
            environment=environment,
            commit=situation.commit,
            manifests=manifests,
            edits=tuple(edits),
            subject=f"{environment}: adopt what runs ({names})",
            lines=tuple(lines),
            left=tuple(left),
            nothing="" if edits else _nothing(environment, len(left), unread),
            read_at=observed.read_at,
        )

    return await carry(doors, asked, draft)


def _what_runs(action: Action, cell: ObservedCell | None) -> Repin | str:
    """Return the pin that follows what runs, or say why there is none."""
    if action.reason not in _DRIFTED or cell is None:
        return f"{action.reason}: {action.note}" if action.note else action.reason.value
    if cell.running:
        return "a deployment of it is not finished; adopt it when it is"
    match cell.sighting:
        case Settled() if cell.tenant is not None:
            return "it is deployed per tenant: pin it by hand, in a ring that names the tenant"
        case Settled(version=version):
            return Repin(action.component, version)
        case Unsettled(attempted=attempted, why=why):
            return f"the last attempt, {clean(attempted, 60)}, ended {why}: what runs is not known"
        case _:
            return "what runs is not known"


def _line(action: Action, found: Repin) -> str:
    change = f"{clean(action.to_version or '', 60)} -> {clean(found.version, 60)}"
    return f"{action.cell}: {change} ({action.reason}: {action.note})"


def _nothing(environment: str, left: int, unread: int) -> str:
    if left:
        return f"nothing of {environment} can be adopted now"
    blind = f"; {unread} of its components could not be read" if unread else ""
    return f"there is nothing to adopt in {environment}: no component drifted{blind}"
