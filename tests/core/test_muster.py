"""The muster: which machines lack what belongs on them, and which of those have arrived."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from core_builders import APPLY, COMMIT, NOON, Octopus, cell, desired, observed, pin, settled
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.capture import capture
from reconciler.core.cellkey import CellKey
from reconciler.core.machine import Machine, ProcessTargets, StepTargets
from reconciler.core.muster import Latecomers, Muster, gaps_after, missed, sent_to
from reconciler.core.plan import Kind, Reason, make_plan
from reconciler.core.sighting import Unsettled
from reconciler.core.snapshot import Reached
from reconciler.core.state import DeploymentDetail, TaskState
from reconciler.core.tenant import Tenant

HERE = "Environments-3"
API = cell("api", settled("1.0", "Releases-1"), "1.0")
ACME = Tenant("Tenants-1", "Acme", frozenset({"Ring/Pilot", "Size/Big"}), {})


def machine(number: int, **fields: Any) -> Machine:
    made = Machine(
        id=f"Machines-{number}",
        name=f"web-{number}",
        environments=frozenset({HERE}),
        roles=frozenset({"web"}),
        is_disabled=False,
        health="Healthy",
    )
    return replace(made, **fields)


def muster(*machines: Machine, api: tuple[str, ...] = ()) -> Muster:
    lacking = {CellKey("api"): api} if api else {}
    return Muster(machines, lacking, frozenset({CellKey("api")}))


def gaps(known: Mapping[str, Mapping[CellKey, str]] | None, now: Muster) -> object:
    return gaps_after(known, now, {CellKey("api"): API})


LEFT = {"Machines-1": {CellKey("api"): "Releases-1"}}
LACKS = muster(machine(1), machine(2), api=("Machines-1", "Machines-2"))


# Machines and steps.


@pytest.mark.parametrize(
    ("fields", "state"),
    [({}, "ready"), ({"health": "HasWarnings"}, "ready"), ({"health": "Unhealthy"}, "unhealthy"),
     ({"health": "Unavailable"}, "unavailable"), ({"health": "Unknown"}, "unknown"),
     ({"health": "A new word"}, "a new word"), ({"is_disabled": True}, "disabled")],
)  # fmt: skip
def test_rule_11_only_a_machine_that_is_known_to_be_well_is_deployed_to(
    fields: dict[str, Any], state: str
) -> None:
    found = machine(1, **fields)

    assert (found.is_ready, found.state) == (state == "ready", state)


@pytest.mark.parametrize(
    ("fields", "nobody", "acme"),
    [({"participation": "Untenanted"}, True, False),
     ({"participation": "A new word", "tenants": frozenset({"Tenants-1"})}, False, False),
     ({"participation": "Tenanted"}, False, False),
     ({"participation": "Tenanted", "tenants": frozenset({"Tenants-1"})}, False, True),
     ({"participation": "TenantedOrUntenanted", "tenant_tags": ("ring/pilot",)}, True, True),
     ({"participation": "Tenanted", "tenant_tags": ("Ring/Pilot", "Size/Small")}, False, False)],
)  # fmt: skip
def test_a_machine_serves_whom_it_participates_for(
    fields: dict[str, Any], nobody: bool, acme: bool
) -> None:
    found = machine(1, **fields)

    assert (found.serves(None), found.serves(ACME)) == (nobody, acme)


@pytest.mark.parametrize(
    ("step", "goes"),
    [({}, True), ({"roles": frozenset({"db"})}, False), ({"roles": frozenset()}, False),
     ({"environments": frozenset({"Environments-9"})}, False),
     ({"excluded": frozenset({HERE})}, False), ({"channels": frozenset({"Channels-1"})}, True),
     ({"channels": frozenset({"Channels-2"})}, False), ({"tenant_tags": ("Ring/Pilot",)}, False)],
)  # fmt: skip
def test_a_step_goes_to_machines_with_one_of_its_roles_where_nothing_limits_it(
    step: dict[str, Any], goes: bool
) -> None:
    process = ProcessTargets((StepTargets(**{"roles": frozenset({"web"}), **step}),))

    assert process.goes_to(machine(1), HERE, "Channels-1", None) is goes


def test_a_step_for_tenants_goes_where_those_are_deployed_for() -> None:
    step = StepTargets(frozenset({"web"}), tenant_tags=("Ring/Pilot",))

    assert step.goes_to(machine(1), HERE, "Channels-1", ACME)


# What an arrival is.


def test_what_is_lacking_at_the_first_look_is_left_and_nobody_has_arrived() -> None:
    assert missed(LACKS, API, None, None, serves_arrivals=True) == ()
    assert gaps(None, LACKS) == {
        "Machines-1": {"api": "Releases-1"},
        "Machines-2": {"api": "Releases-1"},
    }


def test_a_machine_without_a_gap_has_arrived_and_one_with_a_gap_has_not() -> None:
    assert missed(LACKS, API, LEFT, None, serves_arrivals=True) == ("Machines-2",)
    assert missed(LACKS, API, LEFT, None, serves_arrivals=False) == ()
    assert gaps(LEFT, LACKS) == LEFT


def test_a_gap_ends_when_its_machine_is_away_because_it_then_returns() -> None:
    away = muster(machine(1, is_disabled=True), machine(2))

    assert gaps(LEFT, away) == {}
    assert missed(LACKS, API, {}, None, serves_arrivals=True) == ("Machines-1", "Machines-2")


def test_a_gap_ends_with_the_release_and_when_the_machine_got_it() -> None:
    newer = {"Machines-1": {CellKey("api"): "Releases-0"}}

    assert gaps(newer, LACKS) == {}
    assert "Machines-1" in missed(LACKS, API, newer, None, serves_arrivals=True)
    assert gaps(LEFT, muster(machine(1))) == {}


def test_a_gap_stays_while_its_cell_cannot_be_judged() -> None:
    blind = Muster((machine(1),))

    assert gaps(LEFT, blind) == LEFT


def test_a_latecomer_gets_what_the_pass_deployed_and_nothing_else() -> None:
    late = Latecomers(frozenset({"Machines-1"}), frozenset({CellKey("api")}))
    other = Latecomers(frozenset({"Machines-1"}), frozenset({CellKey("db")}))

    assert missed(LACKS, API, LEFT, late, serves_arrivals=False) == ("Machines-1",)
    assert missed(LACKS, API, LEFT, other, serves_arrivals=False) == ()


# Where a release went.


def attempt(
    release: str, *reached: str, state: TaskState = TaskState.SUCCESS, **fields: Any
) -> tuple[DeploymentDetail, TaskState]:
    octopus = Octopus.with_projects("api")
    detail = octopus.deployments[octopus.deployed("api", "1.0")]
    made = replace(detail, release_id=release, reached=reached, created=NOON - timedelta(hours=1))
    return replace(made, **fields), state


def test_a_release_went_where_its_full_deployment_and_those_of_newcomers_went() -> None:
    served = {"is_partial": True, "machine_ids": ("Machines-3", "Machines-4")}

    found = sent_to(
        [
            attempt("Releases-1", "Machines-3", **served),
            attempt("Releases-1", "Machines-9", state=TaskState.FAILED),
            attempt("Releases-1", "Machines-1", "Machines-2"),
            attempt("Releases-1", "Machines-8"),
        ]
    )

    assert found == {"Machines-1", "Machines-2", "Machines-3", "Machines-4"}


@pytest.mark.parametrize(
    "before",
    [[], [attempt("Releases-0", "Machines-1")], [attempt("Releases-1", reached=None)]],
)
def test_rule_11_nobody_can_tell_where_a_release_went_without_its_full_deployment(
    before: list[tuple[DeploymentDetail, TaskState]],
) -> None:
    newest = attempt("Releases-1", "Machines-3", is_partial=True, machine_ids=("Machines-3",))

    assert sent_to([newest, *before]) is None


# The plan and the snapshot.

SERVED = replace(API, missed=("Machines-2", "Machines-1"))


def test_a_machine_that_missed_what_runs_gets_it_alone() -> None:
    (action,) = make_plan(desired({"api": "1.0"}), observed(SERVED, muster=LACKS), COMMIT).changes

    assert (action.kind, action.reason) == (Kind.REDEPLOY, Reason.NEW_MACHINE)
    assert action.machines == ("Machines-1", "Machines-2")
    assert (action.from_version, action.to_version) == ("1.0", "1.0")
    assert action.note == "only to web-2, web-1"


@pytest.mark.parametrize("pinned", [pin("1.1"), pin("1.0", redeploy=1)])
def test_what_is_deployed_to_all_needs_no_deployment_to_one(pinned: Any) -> None:
    (action,) = make_plan(desired({"api": pinned}), observed(SERVED), COMMIT).changes

    assert action.reason is not Reason.NEW_MACHINE
    assert action.machines == ()


def test_a_cell_that_is_not_settled_serves_no_machine() -> None:
    broken = replace(SERVED, sighting=Unsettled("1.0", "1.0", "Deployments-1", "failed"))

    (action,) = make_plan(desired({"api": "1.0"}), observed(broken), COMMIT).actions

    assert (action.reason, action.machines) == (Reason.HELD_BY_HAND, ())


def test_a_pin_is_reached_while_a_machine_lacks_it() -> None:
    state = Octopus.with_projects("api").state()
    fresh = replace(SERVED, reached=None)

    found = capture(
        desired({"api": "1.0"}, policy=APPLY), observed(fresh, muster=LACKS), state, None, COMMIT
    )

    assert found.cells[CellKey("api")].reached == Reached("1.0")
    assert found.gaps == gaps(None, LACKS)


machines = st.lists(st.booleans(), min_size=1, max_size=4)


@given(machines, st.data())
def test_whoever_is_served_is_ready_and_whoever_lacks_is_served_or_left(
    ready: list[bool], data: st.DataObject
) -> None:
    fleet = [machine(n, is_disabled=not is_ready) for n, is_ready in enumerate(ready)]
    lacking = tuple(one.id for one in fleet if one.is_ready and data.draw(st.booleans()))
    now = muster(*fleet, api=lacking)
    before = data.draw(
        st.none()
        | st.dictionaries(
            st.sampled_from([one.id for one in fleet]),
            st.fixed_dictionaries({CellKey("api"): st.sampled_from(["Releases-0", "Releases-1"])}),
        )
    )

    served = missed(now, API, before, None, serves_arrivals=True)
    left = gaps_after(before, now, {CellKey("api"): API})

    assert set(served) <= now.ready
    assert set(served).isdisjoint(left)
    assert set(served) | set(left) == set(lacking)
