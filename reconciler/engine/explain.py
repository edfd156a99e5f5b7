"""Why one component is planned as it is: the chain from the line in git to what opens the gate."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from reconciler.core.cellkey import WHOLE
from reconciler.core.decide import is_new, made_by_us
from reconciler.core.expand import cell_pins
from reconciler.core.intent import CommentTag
from reconciler.core.sighting import Settled, Unsettled
from reconciler.core.text import clean
from reconciler.core.version import direction
from reconciler.engine.doors import blocking
from reconciler.engine.planning import plan_environment
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.core.authorship import Authorship
    from reconciler.core.gate import Gate
    from reconciler.core.manifest import Pin
    from reconciler.core.plan import Action
    from reconciler.core.sighting import ObservedCell
    from reconciler.core.state import DeploymentDetail, ReleaseDetail
    from reconciler.core.version import Direction
    from reconciler.engine.doors import Doors
    from reconciler.engine.planning import Planned
    from reconciler.ports import ChainLink


@dataclass(frozen=True, slots=True)
class Explanation:
    """One component of a plan with everything that led to its action.

    `pin` and `written` (who wrote its line): None where it is pinned nowhere, or nobody can tell.
    `cell`: None where it is not managed. `deployment` and `release` are what the sighting speaks
    of, `link` its receipt, `asked` the commit it was made for, where the reconciler made it.
    `leads` compares what runs with the pin. `is_new`: a commit asks for this pin. `gates` stand
    before it or before the whole plan.
    """

    planned: Planned
    action: Action
    pin: Pin | None
    written: Authorship | None
    cell: ObservedCell | None
    deployment: DeploymentDetail | None
    release: ReleaseDetail | None
    link: ChainLink | None
    asked: str | None
    leads: Direction | None
    is_new: bool
    gates: tuple[Gate, ...]


async def explain(
    doors: Doors, environment: str, component: str, *, commit: str | None = None
) -> Explanation:
    """Explain the plan of one component at `commit`, or at the watched branch's tip.

    Changes nothing. Raises: UsageError (no such component), and what `plan_environment` raises.
    """
    planned = await plan_environment(doors, environment, commit=commit)
    action = _action(planned, component)
    situation = planned.situation
    pin = cell_pins(situation.desired, situation.observed).get(action.cell)
    written = None
    if pin is not None:
        place = pin.place
        written = await blocking(
            doors.repository.blame, planned.plan.commit, place.file, place.line
        )
    cell = planned.situation.observed.cells.get(action.cell)
    deployment, release = _seen(planned, cell)
    ours = cell is not None and made_by_us(cell, planned.situation.observed.me)
    tag = CommentTag.find(cell.comment) if cell is not None and ours else None
    links = planned.situation.history.links
    known = action.from_version is not None and action.to_version is not None
    return Explanation(
        planned=planned,
        action=action,
        pin=pin,
        written=written,
        cell=cell,
        deployment=deployment,
        release=release,
        link=next(
            (k for k in reversed(links) if deployment and k.deployment_id == deployment.id), None
        ),
        asked=None if tag is None else tag.commit,
        leads=direction(action.from_version or "", action.to_version or "") if known else None,
        is_new=pin is not None and cell is not None and is_new(cell, pin),
        gates=tuple(gate for gate in planned.gates if gate.cell in {WHOLE, action.cell}),
    )


def _action(planned: Planned, name: str) -> Action:
    """Return the action of a cell, or of the one cell of a component."""
    actions = planned.plan.actions
    found = [action for action in actions if name in {action.cell, action.component}]
    if len(found) == 1:
        return found[0]
    exact = [action for action in found if action.cell == name]
    if exact:
        return exact[0]
    if found:
        raise UsageError(
            f"'{clean(name)}' is deployed to {len(found)} tenants, and one is explained at a time",
            hint=f"name one: {_names(found)}",
        )
    near = get_close_matches(name.lower(), [action.cell for action in actions], n=1)
    raise UsageError(
        f"{planned.plan.environment} neither pins nor runs '{clean(name)}' at commit "
        f"{planned.plan.commit[:12]}",
        hint=f"did you mean {clean(near[0])}?" if near else f"its components: {_names(actions)}",
    )


def _names(actions: Sequence[Action]) -> str:
    return ", ".join(clean(action.cell) for action in actions[:20]) or "none"


def _seen(
    planned: Planned, cell: ObservedCell | None
) -> tuple[DeploymentDetail | None, ReleaseDetail | None]:
    """Return the deployment that was judged, and its release."""
    state = planned.situation.space_state
    if cell is None or state is None:
        return None, None
    match cell.sighting:
        case Settled(deployment_id=name) | Unsettled(deployment_id=name):
            deployment = state.deployments.get(name)
            release = None if deployment is None else state.releases.get(deployment.release_id)
            return deployment, release
        case _:
            return None, None
