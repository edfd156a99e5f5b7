"""Healing: who brought what drifted, asked before anything is undone.

The newest deployment of a cell may only repeat what a person deployed before it: a trigger serves a
new machine, a schedule deploys the same release again. What a person brought stays theirs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.core.decide import SYSTEM
from reconciler.core.plan import Reason, make_plan
from reconciler.core.text import clean
from reconciler.engine.doors import side_by_side
from reconciler.errors import OctopusTrouble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.core.cellkey import CellKey
    from reconciler.core.plan import Plan
    from reconciler.core.sighting import ObservedCell
    from reconciler.core.state import DeploymentDetail
    from reconciler.engine.survey import Situation
    from reconciler.ports import Octopus

SEARCHED = 100
"""How many of the newest deployments of a cell tell who brought what runs."""


async def plan_of(octopus: Octopus, situation: Situation) -> tuple[Situation, Plan]:
    """Return the plan of a situation, and the situation it is of.

    Where drift would be healed, each such cell is told again by whoever brought what runs there:
    one request for each.
    """
    desired, observed = situation.desired, situation.observed
    plan = make_plan(desired, observed, situation.commit)
    cells = dict(observed.cells)

    async def look_back(name: CellKey) -> None:
        cell = cells[name]
        if cell.project is not None and observed.environment_id is not None:
            cells[name] = await _told_by(octopus, cell, cell.project.id, observed.environment_id)

    healed = [action.cell for action in plan.changes if action.reason is Reason.DRIFT]
    if not healed:
        return situation, plan
    await side_by_side(look_back(name) for name in healed)
    observed = replace(observed, cells=cells)
    plan = make_plan(desired, observed, situation.commit)
    return replace(situation, observed=observed), plan


async def _told_by(
    octopus: Octopus, cell: ObservedCell, project: str, environment: str
) -> ObservedCell:
    """Return the cell as told by the person who brought what runs, if one did.

    Where that cannot be known nobody is told, and what nobody brought is not healed (rule 11).
    """
    unknown = replace(cell, made_by="", made_by_id="", made_at=None, comment="")
    try:
        newest = await octopus.deployments_of(project, environment, SEARCHED, cell.tenant_id)
    except OctopusTrouble:
        return unknown
    here = [one for one in newest if one.tenant_id == cell.tenant_id]
    if not here or here[0].id != cell.newest:
        return unknown  # another came since the reading
    repeated = _repeated(here)
    if len(repeated) == len(here) and len(newest) >= SEARCHED:
        return unknown  # it goes on before what was shown
    person = next((one for one in repeated if one.deployed_by_id != SYSTEM), None)
    if person is None:
        return cell
    return replace(
        cell,
        made_by=clean(person.deployed_by, 80),
        made_by_id=person.deployed_by_id,
        made_at=person.created,
        comment=person.comments,
    )


def _repeated(here: Sequence[DeploymentDetail]) -> list[DeploymentDetail]:
    """Return the newest deployments, as far as they are all of one release."""
    found = []
    for one in here:
        if one.release_id != here[0].release_id:
            break
        found.append(one)
    return found
