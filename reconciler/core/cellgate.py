"""The gates on single cells: what runs there, who may deploy there, and what comes before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.cellkey import WHOLE
from reconciler.core.gate import Gate, GateName
from reconciler.core.policy import Preflight
from reconciler.core.retry import retry_gate
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from reconciler.core.cellkey import CellKey
    from reconciler.core.plan import Action, Plan
    from reconciler.core.policy import Policy
    from reconciler.core.retry import Attempt
    from reconciler.core.sighting import ObservedCell, ObservedState
    from reconciler.core.state import Permissions


def cell_gates(
    plan: Plan,
    observed: ObservedState,
    deployer: Permissions | None,
    tried: Mapping[CellKey, tuple[Attempt, ...]],
    spoken: Mapping[CellKey, frozenset[str]],
    ours: Collection[str] = (),
) -> tuple[Gate, ...]:
    """Return the closed gates on single cells that need no further question to Octopus.

    `tried`: attempts that a further one needs a word for (`tries_of`); `spoken`: the keys of those
    of which a person gave theirs. `deployer`: what the deploying credential may do; None where none
    is configured. `ours` are tasks that the asking pass watches itself.
    """
    gates: list[Gate] = []
    for action in plan.actions:
        cell = observed.cells.get(action.cell)
        if cell is None:
            continue
        gates += running_gates(action, cell, ours)
        if action.is_change:
            gates += _change_gates(action, cell, observed, deployer)
            said = spoken.get(action.cell, frozenset())
            needs = [each for each in tried.get(action.cell, ()) if each.key not in said]
            gates += [retry_gate(plan.environment, action, each) for each in needs[:1]]
    for name in sorted(plan.mixed):
        message = "a component it depends on, or that depends on it, moves the other way"
        gates.append(
            Gate(name, GateName.DEPENDENCY, message, "two commits: one up, one down, in turn")
        )
    return tuple(gates)


def under_way(cell: ObservedCell) -> frozenset[str]:
    """Return the tasks of a cell that are not finished, if all of them will end by themselves.

    Empty where one waits for a person, or for a time a person chose: that may be long.
    """
    if any(task.id in cell.waiting or task.queued_until is not None for task in cell.running):
        return frozenset()
    return frozenset(task.id for task in cell.running)


def running_gates(action: Action, cell: ObservedCell, ours: Collection[str] = ()) -> list[Gate]:
    """Close while another task of the cell than `ours` is not finished (rule 16)."""
    gates = []
    for task in cell.running:
        if task.id in ours:
            continue
        what = f"{task.id} {clean(task.description, 80)}".strip()
        if task.id in cell.waiting:
            asked = [one for one in cell.questions if one.task_id == task.id]
            how = f": `reconciler interruptions take {asked[0].id}`" if asked else " in Octopus"
            message = f"{what}: {asked[0].words}" if asked else f"{what} is {task.state.value}"
            opener = f"a person answers {task.id}{how}"
            gates.append(Gate(action.cell, GateName.WAITING_FOR_PERSON, message, opener))
            continue
        if task.queued_until is not None:
            name = GateName.SCHEDULED_ELSEWHERE
            what = f"{what}, scheduled for {task.queued_until:%Y-%m-%d %H:%M}Z"
            opener = f"the task runs, or a person cancels {task.id} in Octopus"
        else:
            name, opener = GateName.IN_FLIGHT, f"{task.id} ends"
        gates.append(Gate(action.cell, name, f"{what} is {task.state.value}", opener))
    return gates


def _change_gates(
    action: Action, cell: ObservedCell, observed: ObservedState, deployer: Permissions | None
) -> list[Gate]:
    gates = []
    project = cell.project
    if project is not None and project.is_disabled:
        gates.append(
            Gate(
                action.cell,
                GateName.PROJECT_DISABLED,
                f"project '{clean(project.name)}' is disabled in Octopus",
                "a person enables the project",
            )
        )
    allowed = deployer is not None and deployer.allows(
        "DeploymentCreate", observed.space_id, project, observed.environment_id, cell.tenant_id
    )
    if not allowed:
        message = (
            "no deploy credential is configured for this space"
            if deployer is None
            else "the deploy credential lacks DeploymentCreate here"
        )
        gates.append(
            Gate(
                action.cell,
                GateName.PERMISSION,
                message,
                "an Octopus administrator grants it, or the Space manifest names a credential",
            )
        )
    if (
        action.refresh
        and deployer is not None
        and not deployer.allows(
            "ReleaseEdit", observed.space_id, project, observed.environment_id, cell.tenant_id
        )
    ):
        gates.append(
            Gate(
                action.cell,
                GateName.PERMISSION,
                "the deploy credential lacks ReleaseEdit here, which fresh variables need",
                "an Octopus administrator grants it, or a commit takes `refreshVariables` away",
            )
        )
    return gates


def dependency_gates(plan: Plan, gates: Sequence[Gate]) -> tuple[Gate, ...]:
    """Close for every change whose turn cannot come because one before it is closed."""
    closed = {gate.cell for gate in gates if gate.cell}
    found = []
    for action in plan.changes:  # by wave: what it waits for was judged before
        stopped = sorted(set(action.waits_for) & closed)
        if stopped and action.cell not in closed:
            closed.add(action.cell)
            message = f"waits for {stopped[0]}, which is stopped by a gate"
            found.append(
                Gate(
                    action.cell,
                    GateName.DEPENDENCY,
                    message,
                    f"the gate on {stopped[0]} opens",
                )
            )
    return tuple(found)


def whole_set_gates(plan: Plan, gates: Sequence[Gate], policy: Policy) -> tuple[Gate, ...]:
    """Hold a whole plan while one of its changes is held, where the policy wants all or nothing."""
    changing = {action.cell for action in plan.changes}
    closed = [gate for gate in gates if gate.cell in changing]
    if policy.preflight is not Preflight.WHOLE_SET or not closed:
        return ()
    first = min(closed)
    held = len({gate.cell for gate in closed})
    message = (
        f"{held} of {len(changing)} changes held, and policy '{policy.name}' says preflight: "
        f"whole-set; {first.cell}: {first.message}"
    )
    return (Gate(WHOLE, first.name, message, first.opener),)
