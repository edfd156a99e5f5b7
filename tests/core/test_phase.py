"""A version goes on to a later phase only after success in the earlier ones."""

import pytest
from core_builders import ENV, cell, desired, observed, settled

from reconciler.core.gate import GateName
from reconciler.core.phase import Phase, phase_gates
from reconciler.core.plan import Plan, make_plan

QUALITY = Phase("wide", "Quality", (("qa",), ("lab", "lab-2")), 2)
PILOT = Phase("wide", "Pilot", (("pilot",),), 1)
EVERYWHERE = {"qa": {"api": {"2.0"}}, "lab-2": {"api": {"2.0"}}, "pilot": {"api": {"2.0"}}}


def plan(version: str = "2.0") -> Plan:
    now = observed(cell("api", settled("1.0"), "1.0"), cell("web", settled("1.0"), "1.0"))
    return make_plan(desired({"api": version, "web": "1.0"}), now, "4f" * 20)


def test_a_version_that_succeeded_in_every_earlier_phase_goes_on() -> None:
    assert phase_gates(plan(), (QUALITY, PILOT), EVERYWHERE) == ()
    assert phase_gates(plan(), (), {}) == ()


@pytest.mark.parametrize(
    ("missing", "phase", "count"),
    [("qa", "Quality", 1), ("lab-2", "Quality", 1), ("pilot", "Pilot", 0)],
)
def test_rule_11_a_version_without_known_success_in_a_phase_is_held(
    missing: str, phase: str, count: int
) -> None:
    known = {name: found for name, found in EVERYWHERE.items() if name != missing}

    (gate,) = phase_gates(plan(), (QUALITY, PILOT), known)

    asked = 1 if phase == "Pilot" else 2
    assert (gate.cell, gate.name) == ("api", GateName.LIFECYCLE)
    assert gate.message == (
        f"2.0 has succeeded in {count} of {asked} environments that phase '{phase}' of lifecycle "
        "wide asks for"
    )
    assert missing in gate.opener


def test_one_place_of_two_is_enough_where_the_minimum_says_so() -> None:
    loose = Phase("wide", "Quality", QUALITY.places, 1)

    assert phase_gates(plan(), (loose,), {"qa": {"api": {"2.0"}}}) == ()
    assert phase_gates(plan(), (loose,), {"qa": {"web": {"2.0"}, "api": {"1.9"}}}) != ()


def test_what_succeeded_here_before_may_return() -> None:
    assert phase_gates(plan("0.9"), (QUALITY,), {ENV: {"api": {"0.9"}}}) == ()


def test_an_opener_names_only_environments_whose_stack_has_the_component() -> None:
    stacks = {"qa": {"api"}, "lab": {"web"}, "lab-2": {"web"}}

    (gate,) = phase_gates(plan(), (QUALITY,), {}, stacks)
    assert gate.opener == (
        "a commit that asks less of the phase: api is in the stacks of too few of its environments"
    )
    (gate,) = phase_gates(plan(), (Phase("wide", "Quality", QUALITY.places, 1),), {}, stacks)
    assert gate.opener == "2.0 succeeds in qa"
