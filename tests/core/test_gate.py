"""A closed gate says what stands in the way and who or what can open it."""

from dataclasses import replace
from typing import Any

import pytest
from core_builders import (
    APPLY,
    COMMIT,
    ENV,
    HOUR,
    ME,
    NOON,
    TAG,
    cell,
    component,
    desired,
    may,
    observed,
    pin,
    project,
    settled,
    task,
    unsettled,
)
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.brake import brakes as brakes_of
from reconciler.core.brake import observe_gates
from reconciler.core.cellgate import cell_gates, dependency_gates
from reconciler.core.cellkey import WHOLE
from reconciler.core.gate import Gate, GateName
from reconciler.core.manifest import Pin
from reconciler.core.plan import Plan, make_plan
from reconciler.core.policy import Limits, Mode, Policy
from reconciler.core.refusal import Refusal
from reconciler.core.retry import Attempt, stop_gates, tries_of
from reconciler.core.retryword import repeatable
from reconciler.core.sighting import NeverDeployed, ObservedCell
from reconciler.core.snapshot import Reached
from reconciler.core.state import Permissions, TaskState

DEPLOYER = may("DeploymentCreate")


def a_plan(up: int = 0, down: int = 0, odd: int = 0, still: int = 0) -> Plan:
    """A plan with so many upgrades, downgrades, changes of unknown direction, and ignores."""
    runs = ["1.0"] * up + ["3.0"] * down + ["no version!"] * odd + ["2.0"] * still
    cells = [cell(f"c{n:03}", settled(version)) for n, version in enumerate(runs)]
    return make_plan(desired({c.component: "2.0" for c in cells}), observed(*cells), COMMIT)


def brakes(plan: Plan, policy: Policy = APPLY) -> list[str]:
    return [brake.message for brake in brakes_of(plan, len(plan.actions), policy)]


def limited(**limits: int) -> Policy:
    return replace(APPLY, limits=Limits(**limits))


# The plan as a whole.


def test_a_policy_that_observes_opens_nothing_and_says_what_would() -> None:
    policy = Policy("careful", Mode.OBSERVE)

    (gate,) = observe_gates(a_plan(up=1), policy)

    assert gate == Gate(
        "",
        GateName.OBSERVE_ONLY,
        "policy 'careful' of the last accepted commit says mode: observe",
        "a commit that sets `mode: apply` in the policy, then `reconciler accept production-uk`",
    )


def test_rule_11_without_a_policy_nothing_is_applied() -> None:
    assert [g.name for g in observe_gates(a_plan(up=1), Policy())] == [GateName.OBSERVE_ONLY]


def test_a_plan_without_work_meets_no_gate() -> None:
    assert observe_gates(a_plan(still=3), Policy()) == ()
    assert brakes(a_plan(still=3), Policy(limits=Limits(changes=0))) == []


@pytest.mark.parametrize(
    ("down", "pins", "held"),
    [
        (3, 3, False),  # not more than three, though all of them
        (4, 4, True),
        (4, 39, True),  # 10.3 %
        (4, 40, False),  # exactly 10 %
        (5, 49, True),
        (5, 50, False),
        (10, 100, False),
        (11, 100, True),
    ],
)
def test_rule_9_the_brake_needs_more_than_three_and_more_than_a_tenth(
    down: int, pins: int, held: bool
) -> None:
    assert bool(brakes(a_plan(down=down, still=pins - down))) is held


def test_rule_9_a_change_of_unknown_direction_counts_as_a_downgrade() -> None:
    (said,) = brakes(a_plan(down=2, odd=2, still=6))

    assert said == (
        "4 downgrades or changes of unknown direction (c000, c001, c002, c003); "
        "the limit is 3, or 10 % of 10 pins"
    )


def test_rule_9_a_protected_environment_allows_no_downgrade() -> None:
    protected = replace(APPLY, protected=True)

    assert brakes(a_plan(down=1, still=99), protected) == [
        "1 downgrade or change of unknown direction (c000); "
        "the environment is protected: none is allowed"
    ]
    assert brakes(a_plan(up=99), protected) == []


@pytest.mark.parametrize(("down", "held"), [(0, False), (2, False), (3, True)])
@pytest.mark.parametrize("protected", [True, False])
def test_rule_9_a_limit_of_the_policy_stands_for_the_default(
    down: int, held: bool, protected: bool
) -> None:
    policy = replace(limited(downgrades=2), protected=protected)

    assert bool(brakes(a_plan(up=1, down=down), policy)) is held


def test_rule_9_a_limit_of_none_allows_none() -> None:
    assert brakes(a_plan(down=1), limited(downgrades=0))


def test_rule_9_promoting_a_whole_environment_is_limited_only_by_the_policy() -> None:
    assert brakes(a_plan(up=60)) == []
    assert brakes(a_plan(up=60), limited(changes=60)) == []
    assert brakes(a_plan(up=60), limited(changes=59)) == ["60 changes; the policy's limit is 59"]


def test_a_long_list_of_downgrades_is_cut_short() -> None:
    (said,) = brakes(a_plan(down=7))

    assert "(c000, c001, c002, c003, c004, ...)" in said


@given(st.integers(0, 30), st.integers(0, 9), st.integers(0, 300))
def test_rule_9_the_brake_is_the_rule_whatever_the_numbers(down: int, odd: int, rest: int) -> None:
    lowered, pins = down + odd, down + odd + rest

    held = bool(brakes(a_plan(down=down, odd=odd, still=rest)))

    assert held == (lowered > 3 and lowered / max(pins, 1) > 0.1)


# Single cells.


def judged(
    seen: ObservedCell,
    wanted: str | Pin = "2.0",
    *,
    attempts: dict[str, Attempt] | None = None,
    refused: dict[str, Attempt] | None = None,
    deployer: Permissions | None = DEPLOYER,
    retry: bool = False,
) -> tuple[Gate, ...]:
    """The closed gates on one cell."""
    now = observed(seen)
    plan = make_plan(desired({seen.component: wanted}), now, COMMIT)
    tried = tries_of(plan, now, attempts or {}, refused or {})
    spoken = {name: frozenset(a.key for a in each) for name, each in tried.items() if retry}
    return cell_gates(plan, now, deployer, tried, spoken)


def api(**fields: Any) -> ObservedCell:
    return cell("api", settled("1.0"), "1.0", **fields)


def test_a_change_that_nothing_hinders_meets_no_gate() -> None:
    assert judged(api()) == ()


@pytest.mark.parametrize(
    "state", [TaskState.QUEUED, TaskState.EXECUTING, TaskState.CANCELLING, TaskState.UNKNOWN]
)
def test_rule_17_a_task_that_is_not_known_to_have_ended_is_in_flight(state: TaskState) -> None:
    seen = api(running=(task("api", 71, state=state, description="Deploy\x07 api"),))

    assert judged(seen) == (
        Gate(
            "api",
            GateName.IN_FLIGHT,
            f"ServerTasks-71 Deploy\\x07 api is {state.value}",
            "ServerTasks-71 ends",
        ),
    )


def test_rule_16_a_runbook_without_an_environment_is_in_flight_too() -> None:
    runbook = task("api", 71, name="RunbookRun", environment_id=None)

    assert [g.name for g in judged(api(running=(runbook,)))] == [GateName.IN_FLIGHT]


def test_rule_16_a_task_on_a_cell_that_does_not_change_is_shown_too() -> None:
    seen = cell("api", settled("2.0"), "2.0", running=(task("api"),))

    assert [g.name for g in judged(seen)] == [GateName.IN_FLIGHT]


def test_rule_17_who_waits_for_a_person_is_told_task_by_task() -> None:
    later = task("api", 73, state=TaskState.QUEUED, queued_until=NOON + HOUR)
    seen = api(
        running=(task("api", 71), task("api", 72), later), waiting=frozenset({"ServerTasks-72"})
    )

    gates = {g.message.split()[0]: g for g in judged(seen)}

    assert {number: g.name for number, g in gates.items()} == {
        "ServerTasks-71": GateName.IN_FLIGHT,
        "ServerTasks-72": GateName.WAITING_FOR_PERSON,
        "ServerTasks-73": GateName.SCHEDULED_ELSEWHERE,
    }
    assert gates["ServerTasks-72"].opener == "a person answers ServerTasks-72 in Octopus"
    assert "scheduled for 2026-11-20 13:00Z" in gates["ServerTasks-73"].message


def test_a_disabled_project_is_told() -> None:
    seen = api(project=project("api", is_disabled=True, name="The\nAPI"))

    (gate,) = judged(seen)

    assert (gate.name, gate.message) == (
        GateName.PROJECT_DISABLED,
        "project 'The\\nAPI' is disabled in Octopus",
    )


@pytest.mark.parametrize(
    ("deployer", "message"),
    [
        (None, "no deploy credential is configured for this space"),
        (may("DeploymentView"), "the deploy credential lacks DeploymentCreate here"),
        (
            may("DeploymentCreate", environments=frozenset({"Environments-4"})),
            "the deploy credential lacks DeploymentCreate here",
        ),
        (
            may("DeploymentCreate", complete=False, projects=frozenset({"Projects-ui"})),
            "the deploy credential lacks DeploymentCreate here",
        ),
    ],
)
def test_rule_31_without_the_permission_nothing_is_tried(
    deployer: Permissions | None, message: str
) -> None:
    (gate,) = judged(api(), deployer=deployer)

    assert (gate.cell, gate.name, gate.message) == ("api", GateName.PERMISSION, message)


def test_a_cell_that_does_not_change_needs_no_permission() -> None:
    assert judged(cell("api", settled("2.0"), "2.0"), deployer=None) == ()


# Rule 12: what was tried before.


def test_rule_12_the_version_that_did_not_settle_needs_a_retry() -> None:
    (gate,) = judged(cell("api", unsettled("1.0", "2.0"), "1.0"))

    assert gate == Gate(
        "api",
        GateName.NEEDS_RETRY,
        "2.0 was tried here before and ended failed",
        f"`reconciler retry {ENV} api`, or a commit that raises `redeploy` above 0",
    )


def test_rule_12_a_person_opens_the_gate_with_a_word() -> None:
    assert judged(cell("api", unsettled("1.0", "2.0"), "1.0"), retry=True) == ()


@pytest.mark.parametrize(("redeploy", "held"), [(2, True), (3, True), (4, False)])
def test_rule_12_a_raised_counter_opens_the_gate(redeploy: int, held: bool) -> None:
    tried = {"api": Attempt("2.0", "Failed", 3)}
    seen = cell("api", unsettled("1.0", "2.0"), Reached("1.0", 0))

    gates = judged(seen, pin("2.0", redeploy), attempts=tried)

    assert [g.name for g in gates] == [GateName.NEEDS_RETRY] * held


@pytest.mark.parametrize(("redeploy", "held"), [(1, True), (2, False)])
def test_rule_12_over_an_attempt_of_somebody_else_the_reached_counter_counts(
    redeploy: int, held: bool
) -> None:
    seen = cell("api", unsettled("1.0", "2.0"), Reached("1.0", 1))

    assert bool(judged(seen, pin("2.0", redeploy))) is held


def test_rule_12_an_attempt_of_ours_that_nobody_remembers_needs_a_person() -> None:
    seen = cell("api", unsettled("1.0", "2.0"), "1.0", made_by_id=ME, comment=TAG)

    (gate,) = judged(seen, pin("2.0", redeploy=5))

    assert (gate.name, gate.opener) == (GateName.NEEDS_RETRY, f"`reconciler retry {ENV} api`")


def test_rule_12_an_attempt_of_ours_counts_after_others_came_and_went() -> None:
    tried = {"api": Attempt("2.0", "Failed", 0)}

    assert [g.name for g in judged(api(), attempts=tried)] == [GateName.NEEDS_RETRY]


def test_rule_12_an_attempt_at_another_version_is_no_retry() -> None:
    assert judged(cell("api", unsettled("1.0", "1.9"), "1.0")) == ()


def test_rule_12_a_word_speaks_of_no_later_attempt() -> None:
    seen = cell("api", unsettled("1.0", "2.0"), "1.0")
    plan = make_plan(desired({"api": "2.0"}), observed(seen), COMMIT)
    ours = {"api": Attempt("2.0", "Failed", 0, "intent:1")}
    spoken = {"api": frozenset(a.key for a in tries_of(plan, observed(seen), ours, {})["api"])}

    for now, failed in (
        (seen, {"api": Attempt("2.0", "Failed", 0, "intent:2")}),
        (replace(seen, newest="Deployments-99"), ours),
    ):
        tried = tries_of(plan, observed(now), failed, {})
        (gate,) = cell_gates(plan, observed(now), DEPLOYER, tried, spoken)
        assert gate.name is GateName.NEEDS_RETRY


def test_rule_18_a_word_for_one_component_lets_that_one_go_and_no_other() -> None:
    cells = [cell(name, settled("1.0"), "1.0") for name in ("api", "db", "ui")]
    plan = make_plan(desired(dict.fromkeys(("api", "db", "ui"), "2.0")), observed(*cells), COMMIT)
    failed = {
        name: Attempt("2.0", "Failed", 0, f"intent:{name}", is_current=True)
        for name in ("api", "db")
    }
    tried = tries_of(plan, observed(*cells), failed, {})
    spoken = {"api": frozenset(a.key for a in tried["api"])}
    gates = cell_gates(plan, observed(*cells), DEPLOYER, tried, spoken)

    stops = stop_gates(plan, gates, tried, APPLY, repeatable(tried, spoken))

    assert {g.cell for g in (*gates, *stops)} == {"db", "ui"}
    assert [g.cell for g in stop_gates(plan, gates, tried, APPLY)] == [WHOLE]


def refused(times: int, redeploy: int = 0, *, waits: bool = False) -> Attempt:
    refusal = Refusal(redeploy, times, NOON, NOON, "it said\nno")
    again = NOON + HOUR if waits else None
    return Attempt("2.0", "refused", redeploy, refusal=refusal, next_try=again)


def test_rule_20_what_octopus_refused_too_often_needs_a_person() -> None:
    (gate,) = judged(api(), refused={"api": refused(4)})

    assert gate == Gate(
        "api",
        GateName.NEEDS_RETRY,
        "Octopus refused 2.0 here 4 times since 2026-11-20 12:00Z: it said\\nno",
        f"`reconciler retry {ENV} api`, or a commit that raises `redeploy` above 0",
    )
    assert judged(api(), pin("2.0", redeploy=1), refused={"api": refused(4)}) == ()
    assert judged(api(), refused={"api": refused(4)}, retry=True) == ()


def test_rule_20_what_octopus_refused_once_opens_by_itself() -> None:
    (gate,) = judged(api(), refused={"api": refused(1, waits=True)})

    assert " here once since " in gate.message
    assert gate.opener.startswith("by itself after 2026-11-20 13:00Z, or `reconciler retry ")


def test_rule_12_a_failure_counts_before_a_refusal_after_it() -> None:
    tried = {"api": Attempt("2.0", "Failed", 0)}

    (gate,) = judged(api(), attempts=tried, refused={"api": refused(1, waits=True)})

    assert gate.message == "2.0 was tried here before and ended Failed"


def test_rule_18_a_refusal_stops_the_rest_of_its_commit() -> None:
    now = observed(api())
    plan = make_plan(desired({"api": "2.0"}), now, COMMIT)
    for is_current in (True, False):
        attempt = replace(refused(4), is_current=is_current)
        tried = tries_of(plan, now, {}, {"api": attempt})
        gates = cell_gates(plan, now, DEPLOYER, tried, {})

        stops = stop_gates(plan, gates, tried, APPLY)

        assert [g.message for g in stops] == [
            f"api 2.0 was refused by Octopus, and policy '{APPLY.name}' says onFailure: stop"
        ] * is_current


@pytest.mark.parametrize("why", ["partial", "warnings", "canceled", "timedout"])
def test_rule_12_whatever_did_not_settle_was_a_try(why: str) -> None:
    (gate,) = judged(cell("api", unsettled("1.0", "2.0", why), "1.0"))

    assert gate.message == f"2.0 was tried here before and ended {why}"


def test_rule_12_a_first_deployment_is_no_retry() -> None:
    assert judged(cell("api", NeverDeployed())) == ()


# One gate closes others.

CHAIN = (component("db"), component("api", "db"), component("ui", "api"), component("other"))


def chained(**runs: str) -> tuple[Plan, tuple[ObservedCell, ...]]:
    cells = tuple(cell(name, settled(version), version) for name, version in runs.items())
    plan = make_plan(desired(dict.fromkeys(runs, "2.0"), *CHAIN), observed(*cells), COMMIT)
    return plan, cells


def test_rule_11_what_waits_for_a_closed_gate_is_closed_too() -> None:
    plan, _ = chained(db="1.0", api="1.0", ui="1.0", other="1.0")
    closed = Gate("db", GateName.RELEASE_MISSING, "there is no release", "somebody makes it")

    gates = dependency_gates(plan, [closed])

    assert [(g.cell, g.name, g.message) for g in gates] == [
        ("api", GateName.DEPENDENCY, "waits for db, which is stopped by a gate"),
        ("ui", GateName.DEPENDENCY, "waits for api, which is stopped by a gate"),
    ]


def test_a_gate_on_a_cell_that_does_not_change_stops_nobody() -> None:
    plan, _ = chained(db="2.0", api="1.0")

    assert dependency_gates(plan, [Gate("db", GateName.IN_FLIGHT, "runs", "ends")]) == ()


def test_changes_in_mixed_directions_along_an_edge_are_held_with_what_waits_for_them() -> None:
    plan, cells = chained(db="3.0", api="1.0", ui="1.0", other="1.0")

    gates = cell_gates(plan, observed(*cells), DEPLOYER, {}, {})
    after = dependency_gates(plan, gates)

    assert [(g.cell, g.name) for g in gates] == [
        ("api", GateName.DEPENDENCY),
        ("db", GateName.DEPENDENCY),
    ]
    assert [g.cell for g in after] == ["ui"]


@given(st.lists(st.sampled_from(["1.0", "2.0", "3.0"]), min_size=4, max_size=4), st.data())
def test_no_change_is_open_while_one_it_waits_for_is_closed(
    runs: list[str], data: st.DataObject
) -> None:
    plan, cells = chained(**dict(zip(("db", "api", "ui", "other"), runs, strict=True)))
    names = data.draw(st.sets(st.sampled_from(["db", "api", "ui", "other"])))
    gates = [*cell_gates(plan, observed(*cells), DEPLOYER, {}, {})]
    gates += [Gate(name, GateName.LIFECYCLE, "no", "later") for name in sorted(names)]

    mixed = [g.cell for g in gates if g.name is GateName.DEPENDENCY]
    assert mixed == sorted(plan.mixed)

    closed = {g.cell for g in (*gates, *dependency_gates(plan, gates))}

    for action in plan.changes:
        if action.cell not in closed:
            assert not set(action.waits_for) & closed
