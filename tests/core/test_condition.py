"""Conditions: what a plan, its gates and the failures of a pass say of an environment."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from core_builders import (
    BLIND,
    COMMIT,
    ENV,
    HEAL,
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
    FAILURES,
    Condition,
    ConditionType,
    EnvironmentStatus,
    condition_of,
    conditions_in_pass,
    conditions_of,
)
from reconciler.core.condition import REASONS as CONDITION_REASONS
from reconciler.core.gate import Gate, GateName
from reconciler.core.manifest import Pin, Until
from reconciler.core.plan import Plan, Reason, make_plan
from reconciler.core.sighting import NeverDeployed, ObservedCell
from reconciler.core.snapshot import Reached
from reconciler.errors import ManifestsInvalid, OverBudget, ReconcilerError, RemoteRejected

GATE = Gate("", GateName.ACCEPT, "first contact", "a person")
BUSY = Gate("api", GateName.IN_FLIGHT, "it runs", "it ends")
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
    assert all(c.reason in CONDITION_REASONS[c.type] for c in found)
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


def test_drift_that_is_to_be_healed_shows_as_drift_until_it_is() -> None:
    plan = planned(*BY_TRIGGER, policy=HEAL)
    lower = planned("2.2", replace(BY_TRIGGER[1], reached=Reached("2.2")), policy=HEAL)

    assert told(plan) == {"Drifted": "NotAskedFor", "Ready": "InSync"}  # 2.1 is higher: left
    assert told(lower) == {"Drifted": "NotAskedFor", "Reconciling": "WorkLeft"}


def test_a_suspended_environment_is_ready_and_says_why_nothing_happens() -> None:
    plan = planned(*BEHIND, suspend=Until("the end of the year", None))

    (suspended, ready) = conditions_of(plan, (), (), NOON)

    assert (suspended.type, suspended.reason) == (ConditionType.SUSPENDED, "SuspendedInGit")
    assert suspended.message == "the end of the year"
    assert ready.type is ConditionType.READY


def test_work_behind_a_gate_is_stalled_where_a_person_opens_it_and_blocked_where_nobody_does() -> (
    None
):
    plan = planned(*BEHIND)
    cell_gate = Gate("api", GateName.RELEASE_MISSING, "no release 2.0", "a release")

    (first,) = conditions_of(plan, (GATE, cell_gate), (), NOON)
    (other,) = conditions_of(plan, (cell_gate,), (), NOON)
    both = conditions_of(plan, (BUSY, cell_gate), (), NOON)
    (waits,) = conditions_of(plan, (BUSY,), (), NOON)

    assert first == Condition(
        ConditionType.STALLED, "accept", "first contact; opens: a person", NOON
    )
    assert other == Condition(
        ConditionType.STALLED, "release-missing", "api: no release 2.0; opens: a release", NOON
    )
    assert waits == Condition(
        ConditionType.BLOCKED, "in-flight", "api: it runs; opens: it ends", NOON
    )
    assert both == (other, waits)


def test_a_gate_that_only_follows_another_is_told_by_that_other() -> None:
    stack = {"api": "2.0", "web": "2.0"}
    cells = [cell(name, settled("1.0"), reached="1.0") for name in stack]
    plan = make_plan(desired(stack), observed(*cells), COMMIT)
    follows = Gate("web", GateName.DEPENDENCY, "waits for api", "the gate on api opens")

    assert told(plan, (BUSY, follows)) == {ConditionType.BLOCKED: "in-flight"}
    assert told(replace(plan, mixed=frozenset({"api", "web"})), (follows,)) == {
        ConditionType.STALLED: "dependency",
        ConditionType.RECONCILING: "WorkLeft",
    }


def test_nothing_that_can_be_read_stalls_behind_the_gate_that_says_why() -> None:
    found = conditions_of(planned(*UNREAD), (GATE,), (), NOON)

    assert [c.reason for c in found] == ["accept", "Unobserved"]


@pytest.mark.parametrize("failed", [(), ("api",)])
def test_a_failure_is_one_reason_in_its_pass_and_at_every_look_after_it(
    failed: tuple[str, ...],
) -> None:
    tried = Gate("api", GateName.NEEDS_RETRY, "2.0 was tried here before", "a person")
    stop = Gate("", GateName.NEEDS_RETRY, "api 2.0 ended Failed", "a person")

    assert told(planned(*BEHIND), (stop, tried), failed) == {
        ConditionType.STALLED: "DeploymentFailed"
    }


def test_work_beside_a_gate_is_left_for_the_next_pass() -> None:
    cells = [cell(name, settled("1.0"), reached="1.0") for name in ("api", "web")]
    plan = make_plan(desired({"api": "2.0", "web": "2.0"}), observed(*cells), COMMIT)

    assert told(plan, (BUSY,)) == {
        ConditionType.BLOCKED: "in-flight",
        ConditionType.RECONCILING: "WorkLeft",
    }


def test_while_a_pass_runs_only_what_it_may_change_at_once_is_taken_back() -> None:
    held = conditions_of(planned(*HELD), (), (), NOON)
    failed = conditions_of(planned(*BEHIND), (), ("api",), NOON)

    now = conditions_in_pass((*held, *failed), NOON + HOUR)

    assert [(c.type, c.reason, c.since) for c in now] == [
        (ConditionType.HELD, "HeldInGit", NOON),
        (ConditionType.STALLED, "DeploymentFailed", NOON),
        (ConditionType.RECONCILING, "PassRuns", NOON + HOUR),
    ]


@pytest.mark.parametrize("kind", FAILURES)
def test_every_failure_stands_in_the_table_under_what_is_done_about_it(
    kind: type[ReconcilerError],
) -> None:
    error = kind("it broke", hint="mend it", **({"status": 400} if kind is RemoteRejected else {}))

    found = condition_of(error, NOON)

    assert found == Condition(found.type, kind.__name__, "it broke", NOON)
    assert [c for c, reasons in CONDITION_REASONS.items() if found.reason in reasons] == [
        found.type
    ]


def test_our_own_request_budget_used_up_is_told_as_any_limit_of_the_rate() -> None:
    assert condition_of(OverBudget("no room", hint="wait"), NOON).reason == "RateLimited"


def test_manifests_that_are_invalid_are_one_reason_wherever_it_is_found_out() -> None:
    found = condition_of(ManifestsInvalid("broken", lines=["a:1:1: b"], hint="mend it"), NOON)

    assert (found.type, found.reason) == (ConditionType.STALLED, "Invalid")


def test_a_gate_without_work_behind_it_blocks_nothing() -> None:
    brake = replace(GATE, name=GateName.BRAKE)
    assert told(planned(*RUNS), (brake,)) == {ConditionType.READY: "InSync"}


def test_rule_27_what_is_frozen_says_so_before_a_commit_asks_for_anything() -> None:
    assert told(planned(*RUNS), (GATE,)) == {ConditionType.STALLED: "accept"}


def test_a_failed_deployment_stalls_and_its_work_is_not_called_reconciling() -> None:
    assert told(planned(*BEHIND), failed=("api",)) == {ConditionType.STALLED: "DeploymentFailed"}


def test_what_a_person_did_is_told_with_who_and_when() -> None:
    pin, by_bob = BY_BOB
    plan = make_plan(desired({"api": pin}), observed(by_bob), COMMIT)

    held = next(c for c in conditions_of(plan, (), (), NOON) if c.type is ConditionType.HELD)

    assert held.message == "api 2.1 (by Bob Builder at 2026-11-20 11:00Z)"


def test_many_names_are_shortened() -> None:
    cells = [cell(f"c{n}", settled("1.0"), reached="1.0") for n in range(8)]
    plan = make_plan(desired({c.component: "2.0" for c in cells}), observed(*cells), COMMIT)

    (condition,) = conditions_of(plan, (), (), NOON)

    assert condition.message == "c0, c1, c2, c3, c4 and 3 more"


def test_the_examples_reach_every_condition() -> None:
    situations = (RUNS, BEHIND, HELD, BY_BOB, UNREAD)
    found = {kind for each in situations for kind in told(planned(*each))}
    found |= set(told(planned(*BEHIND), (BUSY,)))
    found |= set(told(planned(*BEHIND, suspend=HOLD)))

    # tests/core/test_unwell.py has the one of machines
    assert found == set(ConditionType) - {ConditionType.DEGRADED}


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
        observed(*(replace(seen, key=name) for name, (_, seen) in named.items())),
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
