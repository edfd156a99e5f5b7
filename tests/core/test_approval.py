"""An approval covers its plan and every part of it, and counts only for who may."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from core_builders import (
    APPLY,
    COMMIT,
    ENV,
    ENVIRONMENT_ID,
    HOUR,
    NOON,
    SERVER,
    SPACE_ID,
    cell,
    desired,
    may,
    observed,
    pin,
    settled,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.approval import (
    Approval,
    Approver,
    Change,
    Committed,
    Standing,
    approval_gates,
    lacking,
    same_person,
)
from reconciler.core.brake import brakes
from reconciler.core.gate import Gate, GateName
from reconciler.core.plan import Plan, make_plan
from reconciler.core.policy import Approvals, Policy, Start
from reconciler.core.sighting import ObservedState

ANN = Approver("Users-1", "Ann", "ann@example.org", True, False, may("DeploymentCreate"))
WIDE = [f"c{number}" for number in range(6)]
KNOWN = {"ann@example.org": "Users-1", "bob@example.org": "Users-2"}
PROTECTED = replace(APPLY, protected=True)


def a_world(runs: Mapping[str, str], pins: Mapping[str, str]) -> tuple[Plan, ObservedState]:
    seen = observed(*(cell(name, settled(version)) for name, version in runs.items()))
    return make_plan(desired({name: pin(to) for name, to in pins.items()}), seen, COMMIT), seen


def a_plan(pins: Mapping[str, str], runs: str = "1.0") -> Plan:
    return a_world(dict.fromkeys(pins, runs), pins)[0]


def approving(plan: Plan, **fields: object) -> Approval:
    made = Approval(
        environment=ENV,
        server=SERVER.installation_id,
        space=SPACE_ID,
        octopus_environment=ENVIRONMENT_ID,
        user="Users-1",
        name="Ann",
        email="ann@example.org",
        digest=plan.digest,
        changes=frozenset(map(Change.of, plan.changes)),
        since=COMMIT,
        given=NOON,
        expires=NOON + HOUR,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def covers(approval: Approval, plan: Plan) -> bool:
    return approval.covers(plan, observed())


subsets = st.sets(st.sampled_from(WIDE), min_size=1)


@settings(max_examples=50, deadline=None)
@given(subsets, subsets)
def test_rule_32_every_part_of_an_approved_plan_is_approved_and_nothing_more(
    approved: set[str], now: set[str]
) -> None:
    approval = approving(a_plan(dict.fromkeys(approved, "2.0")))

    assert covers(approval, a_plan(dict.fromkeys(now, "2.0"))) == (now <= approved)


@settings(max_examples=50, deadline=None)
@given(subsets, st.data())
def test_rule_32_any_altered_change_needs_a_new_approval(
    approved: set[str], data: st.DataObject
) -> None:
    pins = dict.fromkeys(sorted(approved), "2.0")
    approval = approving(a_plan(pins))
    name = data.draw(st.sampled_from(sorted(approved)))

    assert not covers(approval, a_plan(pins | {name: "2.1"}))
    runs = dict.fromkeys(pins, "1.0") | {name: "1.1"}
    assert not covers(approval, a_world(runs, pins)[0])


@pytest.mark.parametrize("field", ["environment", "server", "space", "octopus_environment"])
def test_rule_32_an_approval_is_for_one_environment_in_one_place(field: str) -> None:
    plan = a_plan({"c0": "2.0"})

    assert covers(approving(plan), plan)
    assert not covers(approving(plan, **{field: "another"}), plan)


def test_rule_32_an_approval_ends_by_time_and_by_being_taken_back() -> None:
    approval = approving(a_plan({"c0": "2.0"}))

    assert approval.in_force(NOON + HOUR - timedelta(seconds=1))
    assert not approval.in_force(NOON + HOUR)
    assert not replace(approval, revoked_by="bob@desk", revoked_at=NOON).in_force(NOON)


# Whose approval counts.


def test_rule_32_an_approver_may_deploy_every_cell_of_the_plan() -> None:
    plan, seen = a_world({"c0": "1.0", "c1": "1.0"}, {"c0": "2.0", "c1": "2.0"})
    partly = replace(ANN, permissions=may("DeploymentCreate", projects=frozenset({"Projects-c0"})))

    assert lacking(ANN, plan, seen) == ""
    assert lacking(partly, plan, seen) == "lacks DeploymentCreate for c1 in Octopus"


def test_rule_32_the_approval_of_who_is_gone_or_no_person_is_void() -> None:
    plan, seen = a_world({"c0": "1.0"}, {"c0": "2.0"})

    assert lacking(replace(ANN, is_active=False), plan, seen) == (
        "is not active in Octopus any more"
    )
    assert "service account" in lacking(replace(ANN, is_service=True), plan, seen)


def by(*emails: str) -> tuple[Committed, ...]:
    return tuple(Committed(email, email) for email in emails)


@pytest.mark.parametrize(
    ("people", "why"),
    [
        (by("bob@example.org"), ""),
        (by("BOB@example.org"), ""),
        (by("ann@example.org"), "is the author or the merger"),
        (by("bob@example.org", "Ann@Example.org"), "is the author or the merger"),
        (
            (Committed("bob@example.org", "ann@example.org"),),
            "is the author or the merger",
        ),
        (
            by("bob@example.org", "who@example.org"),
            "cannot be told from who@example.org, whom Octopus does not know by e-mail",
        ),
        (by(""), "cannot be told from nobody, whom Octopus does not know by e-mail"),
        ((), "cannot be told from the author: no commit since the accepted one says who it is"),
        (None, "cannot be told from the author: no commit since the accepted one says who it is"),
    ],
)
def test_rule_32_who_may_be_the_author_or_the_merger_is_no_second_person(
    people: tuple[Committed, ...] | None, why: str
) -> None:
    assert same_person(ANN, people, PROTECTED, KNOWN) == why


def test_a_forge_that_merges_is_no_person_where_the_policy_says_so() -> None:
    merged = (Committed("bob@example.org", "noreply@github.com"),)
    written = (Committed("noreply@github.com", "noreply@github.com"),)
    policy = replace(PROTECTED, approvals=Approvals(forges=("noreply@github.com",)))

    assert "noreply@github.com" in same_person(ANN, merged, PROTECTED, KNOWN)
    assert same_person(ANN, merged, policy, KNOWN) == ""
    assert "noreply@github.com" in same_person(ANN, written, policy, KNOWN)


# The gates.


def gates(policy: Policy, standing: Standing = Standing(), lowered: int = 0) -> tuple[Gate, ...]:  # noqa: B008
    plan = a_plan({f"c{n}": "2.0" for n in range(max(lowered, 1))}, "3.0" if lowered else "1.0")
    return approval_gates(plan, policy, standing, brakes(plan, 9, policy))


def by_users(*others: str, authors: tuple[str, ...] = ()) -> Standing:
    return Standing(frozenset(others + authors), frozenset(others))


def test_a_policy_that_asks_for_two_approvals_holds_until_two_persons_gave_one() -> None:
    policy = replace(APPLY, approvals=Approvals(required=2))

    (gate,) = gates(policy, by_users("Users-1"))
    assert gate.name is GateName.NEEDS_APPROVAL
    assert gate.message == "1 of 2 approvals that policy 'carries-out' asks for"
    plan = a_plan({"c0": "2.0"})
    assert gate.opener == f"`reconciler approve {ENV} --plan {plan.digest[:12]}`"
    assert gates(policy, by_users("Users-1", "Users-2")) == ()


def test_rule_32_in_a_protected_environment_the_author_does_not_count() -> None:
    policy = replace(PROTECTED, approvals=Approvals(required=1))
    void = Standing(frozenset({"Users-1"}), frozenset(), ("Ann is the author or the merger",))

    (gate,) = gates(policy, void)
    assert gate.message.endswith("; Ann is the author or the merger")
    assert gate.opener.endswith(" by a person who is neither author nor merger")
    assert gates(policy, by_users("Users-2", authors=("Users-1",))) == ()


def test_rule_9_the_brake_opens_by_an_approval_and_in_a_protected_environment_by_anothers() -> None:
    (gate,) = gates(APPLY, lowered=4)
    assert gate.name is GateName.BRAKE
    assert gate.opener.startswith(f"`reconciler approve {ENV} --plan ")
    author = by_users(authors=("Users-1",))

    assert gates(APPLY, author, lowered=4) == ()
    assert [g.name for g in gates(PROTECTED, author, lowered=1)] == [GateName.BRAKE]
    assert gates(PROTECTED, by_users("Users-2"), lowered=1) == ()


def test_a_manual_start_is_anybodys_who_may_deploy_it() -> None:
    policy = replace(PROTECTED, start=Start.MANUAL)

    assert [g.name for g in gates(policy)] == [GateName.START]
    assert gates(policy, by_users(authors=("Users-1",))) == ()


def test_a_policy_that_asks_for_nothing_closes_nothing() -> None:
    assert gates(APPLY) == ()
    assert gates(PROTECTED) == ()


def test_where_users_cannot_be_seen_an_approval_alone_is_no_way_out() -> None:
    policy = replace(APPLY, approvals=Approvals(required=1))

    (gate,) = gates(policy, Standing(is_blind=True))

    assert gate.opener.startswith("an administrator grants the observing key UserView in Octopus; ")
