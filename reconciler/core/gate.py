"""Gates: what stands between a plan and Octopus, and who or what can open it.

A closed gate is an answer to show, not an exception. Holding is the default (rule 11). Only closed
gates are values; an open gate has nothing to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.core.manifest import Mode, OnFailure
from reconciler.core.pause import every_covering
from reconciler.core.plan import Kind, made_by_us
from reconciler.core.sighting import Unsettled
from reconciler.core.text import clean
from reconciler.core.version import Direction, direction

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from reconciler.core.manifest import Policy
    from reconciler.core.pause import Pause
    from reconciler.core.plan import Action, Plan
    from reconciler.core.refusal import Refusal
    from reconciler.core.sighting import ObservedCell, ObservedState
    from reconciler.core.state import Permissions

DEFAULT_DOWNGRADES = 3
DEFAULT_DOWNGRADE_SHARE = 10  # per cent of the environment's pins (rule 9)


class GateName(StrEnum):
    """A closed list; docs/reasons.md says what to do about each."""

    OBSERVE_ONLY = "observe-only"
    PAUSED = "paused"
    ACCEPT = "accept"
    BRAKE = "brake"
    NEEDS_RETRY = "needs-retry"
    IN_FLIGHT = "in-flight"
    SCHEDULED_ELSEWHERE = "scheduled-elsewhere"
    WAITING_FOR_PERSON = "waiting-for-person"
    PERMISSION = "permission"
    LIFECYCLE = "lifecycle"
    RELEASE_MISSING = "release-missing"
    DEPENDENCY = "dependency"
    PROJECT_DISABLED = "project-disabled"
    ALSO_DEPLOYED = "also-deployed"
    UNSIGNED = "unsigned"


OPENS_BY_ITSELF = frozenset({GateName.IN_FLIGHT, GateName.SCHEDULED_ELSEWHERE, GateName.LIFECYCLE})
"""Gates that the end of a task, or a success in another environment, opens. Every other one needs a
person; `dependency` either follows from another gate, or asks for two commits."""


@dataclass(frozen=True, slots=True, order=True)
class Gate:
    """A closed gate: on one component, or on the whole plan (`component` empty).

    `message` says what stands in the way, `opener` who or what can open it: clean lines.
    """

    component: str
    name: GateName
    message: str
    opener: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """The newest attempt of ours at the pinned version of a cell that did not settle it.

    `redeploy` is the pin's counter at that attempt; None where nobody knows any more. `is_current`:
    it was made for what git still asks of the environment, so its failure stops the rest (rule 18).
    `refusal`: it never began, because Octopus refused it; `next_try`: when it is asked for again by
    itself, None: not any more (rule 20).
    """

    version: str
    outcome: str
    redeploy: int | None
    is_current: bool = False
    refusal: Refusal | None = None
    next_try: datetime | None = None

    @property
    def end(self) -> str:
        """How it came out, to follow the version in a sentence."""
        return f"ended {self.outcome}" if self.refusal is None else "was refused by Octopus"


def plan_gates(plan: Plan, pins: int, policy: Policy) -> tuple[Gate, ...]:
    """Return the closed gates on the whole plan that its policy is the reason of.

    `pins` is the number of pinned cells; `policy` that of the last accepted commit.
    """
    if not plan.has_work:
        return ()
    gates = []
    if policy.mode is Mode.OBSERVE:
        gates.append(
            Gate(
                "",
                GateName.OBSERVE_ONLY,
                f"policy {policy.name!r} of the last accepted commit says mode: observe",
                "a commit that sets `mode: apply` in the policy, then "
                f"`reconciler accept {plan.environment}`",
            )
        )
    return (*gates, *_brake(plan, pins, policy))


def _brake(plan: Plan, pins: int, policy: Policy) -> tuple[Gate, ...]:
    """Close the mass-change brake over too many downgrades or changes (rule 9)."""
    lowered = [a for a in plan.changes if a.kind is Kind.DOWNGRADE]
    opener = (
        "a commit that asks for less, or `limits` raised in the policy by an earlier accepted "
        "commit"
    )
    gates = []
    limit = policy.limits.downgrades
    if limit is not None:
        over, rule = len(lowered) > limit, f"the policy's limit is {limit}"
    elif policy.protected:
        over, rule = bool(lowered), "the environment is protected: none is allowed"
    else:
        over = (
            len(lowered) > DEFAULT_DOWNGRADES
            and len(lowered) * 100 > DEFAULT_DOWNGRADE_SHARE * pins
        )
        rule = f"the limit is {DEFAULT_DOWNGRADES}, or {DEFAULT_DOWNGRADE_SHARE} % of {pins} pins"
    if over:
        names = ", ".join(a.component for a in lowered[:5]) + (", ..." if len(lowered) > 5 else "")
        message = f"{len(lowered)} downgrades or changes of unknown direction ({names}); {rule}"
        gates.append(Gate("", GateName.BRAKE, message, opener))
    most = policy.limits.changes
    if most is not None and len(plan.changes) > most:
        message = f"{len(plan.changes)} changes; the policy's limit is {most}"
        gates.append(Gate("", GateName.BRAKE, message, opener))
    return tuple(gates)


def paused_gate(component: str, pause: Pause) -> Gate:
    """Return the gate of one pause, on a component or (empty) on the whole plan."""
    return Gate(component, GateName.PAUSED, pause.words, pause.opener)


def pause_gates(plan: Plan, pauses: Sequence[Pause], servers: Collection[str]) -> tuple[Gate, ...]:
    """Return a closed gate for every pause that stands before changes of this plan (rule 21).

    `servers` are the names of the environment's server (`core.pause.server_names`).
    """
    if not plan.has_work:
        return ()
    whole = every_covering(pauses, plan.environment, "", servers)
    gates = [paused_gate("", pause) for pause in whole]
    for action in plan.changes:
        inside = every_covering(pauses, plan.environment, action.component, servers)
        gates += [paused_gate(action.component, pause) for pause in inside if pause not in whole]
    return tuple(gates)


def cell_gates(
    plan: Plan,
    observed: ObservedState,
    attempts: Mapping[str, Attempt],
    deployer: Permissions | None,
    *,
    retry: bool,
    refused: Mapping[str, Attempt] = MappingProxyType({}),
) -> tuple[Gate, ...]:
    """Return the closed gates on single cells that need no further question to Octopus.

    `attempts`: components with an attempt of ours at the pinned version that did not settle;
    `refused`: those that Octopus refused, and that are not to be asked for now. `deployer`: what
    the deploying credential may do; None where none is configured. `retry` is a person's word for
    gate `needs-retry`.
    """
    gates: list[Gate] = []
    for action in plan.actions:
        cell = observed.cells.get(action.component)
        if cell is None:
            continue
        gates += _running_gates(action, cell)
        if action.is_change:
            gates += _change_gates(action, cell, observed, deployer)
            if not retry:
                attempt = attempts.get(action.component) or _seen_attempt(action, cell, observed)
                tried = _retry_gate(plan.environment, action, attempt)
                again = refused.get(action.component)
                gates += tried or _retry_gate(plan.environment, action, again)
    for name in sorted(plan.mixed):
        message = "a component it depends on, or that depends on it, moves the other way"
        gates.append(
            Gate(name, GateName.DEPENDENCY, message, "two commits: one up, one down, in turn")
        )
    return tuple(gates)


def stop_gates(
    plan: Plan, gates: Sequence[Gate], attempts: Sequence[Mapping[str, Attempt]], policy: Policy
) -> tuple[Gate, ...]:
    """Close the rest of an environment after a failure that its policy stops for (rule 18).

    The stop stands until a person says retry, or a commit asks something else of the environment.
    """
    if policy.on_failure is OnFailure.CONTINUE or not plan.has_work:
        return ()
    for gate in gates:
        tried = [each[gate.component] for each in attempts if gate.component in each]
        current = [attempt for attempt in tried if attempt.is_current]
        if gate.name is GateName.NEEDS_RETRY and current:
            message = (
                f"{gate.component} {clean(current[0].version, 60)} {current[0].end}, and "
                f"policy '{policy.name}' says onFailure: {policy.on_failure.value}"
            )
            opener = (
                f"`reconciler apply {plan.environment} --retry`, or a commit that asks something "
                "else of the environment"
            )
            return (Gate("", GateName.NEEDS_RETRY, message, opener),)
    return ()


def _running_gates(action: Action, cell: ObservedCell) -> list[Gate]:
    """Close while another task of the cell is not finished, whoever started it (rule 16)."""
    gates = []
    for task in cell.running:
        what = f"{task.id} {clean(task.description, 80)}".strip()
        if task.id in cell.waiting:
            name, opener = GateName.WAITING_FOR_PERSON, f"a person answers {task.id} in Octopus"
        elif task.queued_until is not None:
            name = GateName.SCHEDULED_ELSEWHERE
            what = f"{what}, scheduled for {task.queued_until:%Y-%m-%d %H:%M}Z"
            opener = f"the task runs, or a person cancels {task.id} in Octopus"
        else:
            name, opener = GateName.IN_FLIGHT, f"{task.id} ends"
        gates.append(Gate(action.component, name, f"{what} is {task.state.value}", opener))
    return gates


def _change_gates(
    action: Action, cell: ObservedCell, observed: ObservedState, deployer: Permissions | None
) -> list[Gate]:
    gates = []
    project = cell.project
    if project is not None and project.is_disabled:
        gates.append(
            Gate(
                action.component,
                GateName.PROJECT_DISABLED,
                f"project '{clean(project.name)}' is disabled in Octopus",
                "a person enables the project",
            )
        )
    allowed = deployer is not None and deployer.allows(
        "DeploymentCreate", observed.space_id, project, observed.environment_id
    )
    if not allowed:
        message = (
            "no deploy credential is configured for this space"
            if deployer is None
            else "the deploy credential lacks DeploymentCreate here"
        )
        gates.append(
            Gate(
                action.component,
                GateName.PERMISSION,
                message,
                "an Octopus administrator grants it, or the Space manifest names a credential",
            )
        )
    return gates


def _retry_gate(environment: str, action: Action, attempt: Attempt | None) -> list[Gate]:
    """Close where the pinned version was tried here before and did not settle (rule 12)."""
    if attempt is None:
        return []
    opener = f"`reconciler apply {environment} --retry`"
    if attempt.redeploy is not None:
        if action.redeploy > attempt.redeploy:
            return []
        opener = f"{opener}, or a commit that raises `redeploy` above {attempt.redeploy}"
    version = clean(attempt.version, 60)
    message = f"{version} was tried here before and ended {attempt.outcome}"
    refusal = attempt.refusal
    if refusal is not None:
        times = "once" if refusal.times == 1 else f"{refusal.times} times"
        message = (
            f"Octopus refused {version} here {times} since {refusal.since:%Y-%m-%d %H:%M}Z: "
            f"{clean(refusal.why)}"
        )
    if attempt.next_try is not None:
        opener = f"by itself after {attempt.next_try:%Y-%m-%d %H:%M}Z, or {opener}"
    return [Gate(action.component, GateName.NEEDS_RETRY, message, opener)]


def _seen_attempt(action: Action, cell: ObservedCell, observed: ObservedState) -> Attempt | None:
    """Return the unsettled last attempt Octopus shows, if it was of the pinned version.

    For somebody else's, the counter that counts is the one last reached. For one of ours that no
    receipt tells of, nobody knows it.
    """
    match cell.sighting:
        case Unsettled(attempted=attempted, why=why):
            if direction(attempted, action.to_version or "") is not Direction.SAME:
                return None
            reached = 0 if cell.reached is None else cell.reached.redeploy
            return Attempt(attempted, why, None if made_by_us(cell, observed.me) else reached)
        case _:
            return None


def dependency_gates(plan: Plan, gates: Sequence[Gate]) -> tuple[Gate, ...]:
    """Close for every change whose turn cannot come because one before it is closed."""
    closed = {gate.component for gate in gates if gate.component}
    found = []
    for action in plan.changes:  # by wave: what it waits for was judged before
        stopped = sorted(set(action.waits_for) & closed)
        if stopped and action.component not in closed:
            closed.add(action.component)
            message = f"waits for {stopped[0]}, which is stopped by a gate"
            found.append(
                Gate(
                    action.component,
                    GateName.DEPENDENCY,
                    message,
                    f"the gate on {stopped[0]} opens",
                )
            )
    return tuple(found)
