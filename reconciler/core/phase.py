"""Phases across spaces: where a version has to succeed before it may go on.

Inside one space Octopus' own lifecycles rule, and they always win; a Lifecycle manifest adds
phases whose environments are in several spaces.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.core.gate import Gate, GateName
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set

    from reconciler.core.plan import Action, Plan

_NOBODY = "an environment whose manifest cannot be read"


@dataclass(frozen=True, slots=True)
class Phase:
    """An earlier phase that has to be passed. `places` are its environments in Octopus.

    Each place has the names of the Environment manifests that are there; `minimum` of the places
    must have run the version with success.
    """

    lifecycle: str
    name: str
    places: tuple[tuple[str, ...], ...]
    minimum: int


def phase_gates(
    plan: Plan,
    phases: Sequence[Phase],
    succeeded: Mapping[str, Mapping[str, Set[str]]],
    stacks: Mapping[str, Set[str]] = MappingProxyType({}),
) -> tuple[Gate, ...]:
    """Return a gate on each change to a version that an earlier phase has not passed.

    `succeeded` are versions that succeeded, by Environment manifest and component, as the audit
    branch knows; a version that succeeded in the plan's own environment may return there. What is
    not known to have succeeded has not (rule 11). `stacks` are the components of each environment's
    stack, where its manifest can be read: nothing succeeds where it is no part of the stack.
    """
    gates = []
    own = succeeded.get(plan.environment, {})
    for action in plan.changes:
        version = action.to_version or ""
        if version in own.get(action.component, ()):
            continue
        missing = next((p for p in phases if _lacks(p, action, succeeded)), None)
        if missing is not None:
            gates.append(_gate(missing, action, succeeded, stacks))
    return tuple(gates)


def _passed(
    phase: Phase, action: Action, succeeded: Mapping[str, Mapping[str, Set[str]]]
) -> list[bool]:
    return [
        any(action.to_version in succeeded.get(e, {}).get(action.component, ()) for e in place)
        for place in phase.places
    ]


def _lacks(phase: Phase, action: Action, succeeded: Mapping[str, Mapping[str, Set[str]]]) -> bool:
    return sum(_passed(phase, action, succeeded)) < phase.minimum


def _gate(
    phase: Phase,
    action: Action,
    succeeded: Mapping[str, Mapping[str, Set[str]]],
    stacks: Mapping[str, Set[str]],
) -> Gate:
    passed = _passed(phase, action, succeeded)
    able = [
        [one for one in place if action.component in stacks.get(one, {action.component})]
        for place in phase.places
    ]
    left = [
        " or ".join(names) or _NOBODY
        for place, names, done in zip(phase.places, able, passed, strict=True)
        if not done and (names or not place)
    ]
    version = clean(action.to_version or "", 60)
    message = (
        f"{version} has succeeded in {sum(passed)} of {phase.minimum} environments that phase "
        f"'{clean(phase.name, 60)}' of lifecycle {phase.lifecycle} asks for"
    )
    opener = f"{version} succeeds in {', '.join(left[:5])}"
    if sum(passed) + len(left) < phase.minimum:
        opener = (
            f"a commit that asks less of the phase: {action.component} is in the stacks of too few "
            "of its environments"
        )
    return Gate(action.cell, GateName.LIFECYCLE, message, opener)
