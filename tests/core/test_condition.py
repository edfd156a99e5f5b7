"""Conditions: what a plan, its gates and the failures of a pass say of an environment."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from core_builders import (
    BLIND,
    COMMIT,
    ENV,
    HOUR,
    NOON,
    cell,
    desired,
    observed,
    pin,
    settled,
)
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.condition import (
    Condition,
    ConditionType,
    EnvironmentStatus,
    conditions_of,
)
from reconciler.core.gate import Gate, GateName
from reconciler.core.manifest import Pin, Until
from reconciler.core.plan import Plan, Reason, make_plan
from reconciler.core.sighting import NeverDeployed, ObservedCell

GATE = Gate("", GateName.ACCEPT, "first contact", "a person")
HOLD = Until("the auditors are here", None)
ALARMS = {ConditionType.RECONCILING, ConditionType.STALLED, ConditionType.BLOCKED}

RUNS = ("2.0", cell("api", settled("2.0"), reached="2.0"))
BEHIND = ("2.0", cell("api", settled("1.0"), reached="1.0"))
HELD = (pin("2.0", hold=HOLD), cell("api", settled("1.0"), reached="1.0"))
BY_BOB = ("2.0", cell("api", settled("2.1"), reached="2.0"))
BY_TRIGGER = ("2.0", replace(BY_BOB[1], made_by="", made_by_id="users-system"))
UNREAD = ("2.0", cell("api", BLIND, reached="2.0"))


def planned(wanted: str | Pin, seen: ObservedCell, **fields: Any) -> Plan:
    return make_plan(desired({seen.component: wanted}, **fields), observed(seen), COMMIT)


def told(
    plan: Plan, gates: tuple[Gate, ...] = (), failed: tuple[str, ...] = ()
) -> dict[ConditionType, str]:
    found = conditions_of(plan, gates, failed, NOON)
    assert len({(c.type, c.reason) for c in found}) == len(found)
    assert {c.since for c in found} == {NOON}
    return {c.type: c.reason for c in found}


@pytest.mark.parametrize(
    ("situation", "conditions"),
    [
        (RUNS, {"Ready": "InSync"}),
        (BEHIND, {"Reconciling": "WorkLeft"}),
        (("2.0", cell("api", NeverDeployed())), {"Reconciling": "WorkLeft"}),
        (HELD, {"Held": "HeldInGit", "Ready": "InSync"}),
        (BY_BOB, {"Held": "HeldByHand", "Drifted": "NotAskedFor", "Ready": "InSync"}),
        (BY_TRIGGER, {"Drifted": "NotAskedFor", "Ready": "InSync"}),
        (UNREAD, {"Stalled": "Unobserved"}),
    ],
)
def test_what_a_cell_says_of_its_environment(
    situation: tuple[str | Pin, ObservedCell], conditions: dict[str, str]
) -> None:
    assert told(planned(*situation)) == conditions


def test_a_suspended_environment_is_ready_and_says_why_nothing_happens() -> None:
    plan = planned(*BEHIND, suspend=Until("the end of the year", None))

    (suspended, ready) = conditions_of(plan, (), (), NOON)

    assert (suspended.type, suspended.reason) == (ConditionType.SUSPENDED, "SuspendedInGit")
    assert suspended.message == "the end of the year"
    assert ready.type is ConditionType.READY


def test_work_behind_a_gate_is_blocked_by_the_first_gate() -> None:
    plan = planned(*BEHIND)
    cell_gate = Gate("api", GateName.RELEASE_MISSING, "no release 2.0", "a release")

    (first,) = conditions_of(plan, (GATE, cell_gate), (), NOON)
    (other,) = conditions_of(plan, (cell_gate,), (), NOON)

    assert first == Condition(ConditionType.BLOCKED, "accept", "first contact", NOON)
    assert other == Condition(ConditionType.BLOCKED, "release-missing", "api: no release 2.0", NOON)


def test_a_gate_without_work_behind_it_blocks_nothing() -> None:
    assert told(planned(*RUNS), (GATE,)) == {ConditionType.READY: "InSync"}


def test_a_failed_deployment_stalls_and_its_work_is_not_called_reconciling() -> None:
    assert told(planned(*BEHIND), failed=("api",)) == {ConditionType.STALLED: "DeploymentFailed"}


def test_many_names_are_shortened() -> None:
    cells = [cell(f"c{n}", settled("1.0"), reached="1.0") for n in range(8)]
    plan = make_plan(desired({c.component: "2.0" for c in cells}), observed(*cells), COMMIT)

    (condition,) = conditions_of(plan, (), (), NOON)

    assert condition.message == "c0, c1, c2, c3, c4 and 3 more"


def test_the_examples_reach_every_condition() -> None:
    situations = (RUNS, BEHIND, HELD, BY_BOB, UNREAD)
    found = {kind for each in situations for kind in told(planned(*each))}
    found |= set(told(planned(*BEHIND), (GATE,)))
    found |= set(told(planned(*BEHIND, suspend=HOLD)))

    assert found == set(ConditionType)


@given(
    st.lists(st.sampled_from([RUNS, BEHIND, HELD, BY_BOB, BY_TRIGGER, UNREAD]), max_size=6),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_ready_holds_exactly_when_nothing_alarms(
    situations: list[tuple[str | Pin, ObservedCell]], gated: bool, fails: bool, suspended: bool
) -> None:
    named = {f"c{n}": each for n, each in enumerate(situations)}
    plan = make_plan(
        desired(
            {name: wanted for name, (wanted, _) in named.items()},
            suspend=HOLD if suspended else None,
        ),
        observed(*(replace(seen, component=name) for name, (_, seen) in named.items())),
        COMMIT,
    )
    found = told(plan, (GATE,) if gated else (), tuple(named)[:1] if fails else ())

    assert (ConditionType.READY in found) == (not ALARMS & found.keys())
    if plan.has_work:
        assert ConditionType.READY not in found
    if any(action.reason is Reason.UNOBSERVED for action in plan.actions):
        assert ConditionType.STALLED in found


def test_a_condition_that_stays_keeps_the_time_it_began() -> None:
    status = EnvironmentStatus(ENV).with_conditions(conditions_of(planned(*UNREAD), (), (), NOON))

    later = status.with_conditions(conditions_of(planned(*UNREAD), (), (), NOON + HOUR))
    other = later.with_conditions(conditions_of(planned(*RUNS), (), (), NOON + HOUR))
    again = other.with_conditions(conditions_of(planned(*UNREAD), (), (), NOON + 2 * HOUR))

    assert [c.since - NOON for s in (later, other, again) for c in s.conditions] == [
        timedelta(),
        HOUR,
        2 * HOUR,
    ]
    assert (later.has(ConditionType.STALLED), later.has(ConditionType.READY)) == (True, False)


def test_another_reason_of_the_same_condition_begins_anew() -> None:
    blocked = EnvironmentStatus(ENV).with_conditions(
        conditions_of(planned(*BEHIND), (GATE,), (), NOON)
    )
    brake = Gate("", GateName.BRAKE, "too many", "fewer")

    (condition,) = blocked.with_conditions(
        conditions_of(planned(*BEHIND), (brake,), (), NOON + HOUR)
    ).conditions

    assert (condition.reason, condition.since) == ("brake", NOON + HOUR)
