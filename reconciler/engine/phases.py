"""What the manifests of other environments say of a plan: earlier phases, and cells they pin."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.core.cellkey import component_of
from reconciler.core.claims import claim_gates
from reconciler.core.intent import SUCCEEDED
from reconciler.core.manifest import DesiredState
from reconciler.core.phase import phase_gates
from reconciler.engine.ground import formerly_called, load_manifests, read_audit
from reconciler.engine.history import read_history

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.gate import Gate
    from reconciler.core.plan import Plan
    from reconciler.engine.doors import Doors
    from reconciler.engine.survey import Situation

_NOT_SLUG = re.compile(r"[^a-z0-9]+")  # what Octopus turns into a hyphen in a project's slug


async def composite_gates(doors: Doors, situation: Situation, plan: Plan) -> tuple[Gate, ...]:
    """Close gate `lifecycle` on changes that an earlier phase of another space has not seen.

    Reads the audit branch only, and only where there is such a phase and something to change.
    Raises: GitTrouble and its kin, StoreTrouble.
    """
    phases = situation.desired.earlier_phases
    if not phases or not plan.has_work:
        return ()
    manifests = await load_manifests(doors, situation.commit)
    names = {name for phase in phases for place in phase.places for name in place}
    succeeded: dict[str, Mapping[str, set[str]]] = {}
    for name in sorted({*names, plan.environment}):
        succeeded[name] = await _succeeded(doors, name, manifests.environments.get(name))
    stacks = {
        name: one.stack.components.keys()
        for name, one in manifests.environments.items()
        if isinstance(one, DesiredState)
    }
    return phase_gates(plan, phases, succeeded, stacks)


async def place_gates(doors: Doors, situation: Situation, plan: Plan) -> tuple[Gate, ...]:
    """Close gate `invalid` where another environment pins a cell of this one in Octopus.

    Reads git only, and only where there is something to change. Raises: GitTrouble and its kin.
    """
    if situation.space_state is None or not plan.has_work:
        return ()
    found = (await load_manifests(doors, situation.commit)).environments.values()
    whole = [one for one in found if isinstance(one, DesiredState)]
    return claim_gates(situation.desired, whole, situation.space_state)


async def _succeeded(doors: Doors, name: str, state: object) -> Mapping[str, set[str]]:
    """Return the versions that succeeded in one environment, by component.

    The last full success stands in the snapshot; what was before it, in receipts that verify.
    """
    found: dict[str, set[str]] = defaultdict(set)
    formerly = state.environment.formerly if isinstance(state, DesiredState) else ""
    audit = await read_audit(doors, name, formerly)
    if audit.snapshot is not None:
        for key, cell in audit.snapshot.cells.items():
            if cell.version is not None:
                found[component_of(key)].add(cell.version)
    if not isinstance(state, DesiredState):
        return found
    space = state.space.name
    formers = formerly_called(audit.state.of(name, formerly), state.environment)
    history = await read_history(doors, name, space, formers)
    projects: dict[str, list[str]] = defaultdict(list)
    for component in state.stack.components.values():
        reference = component.project_in(space)
        spellings = {reference.casefold(), _NOT_SLUG.sub("-", reference.casefold()).strip("-")}
        for spelling in spellings:
            projects[spelling].append(component.name)
    for link in history.links:
        if link.outcome in SUCCEEDED:
            for component_name in projects.get(link.project, ()):
                found[component_name].add(link.version)
    return found
