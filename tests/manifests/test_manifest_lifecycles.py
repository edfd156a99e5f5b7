"""Lifecycles across spaces: phases lead to environments, nobody slips past a broken one."""

import pytest
from manifest_world import LIFECYCLE, QA, changed, lines, load, stopped

from reconciler.core.manifest import DesiredState, ManifestSet
from reconciler.core.phase import Phase

QUALITY = Phase("to-customers", "Quality", (("qa",),), 1)
BOTH = ["production-uk", "qa"]


def phases(found: ManifestSet, name: str) -> tuple[Phase, ...]:
    state = found.environments[name]
    assert isinstance(state, DesiredState), lines(found)
    return state.earlier_phases


def said(found: ManifestSet) -> list[str]:
    return [line.partition(".yaml:")[2] for line in lines(found)]


def test_an_environment_knows_the_phases_before_it() -> None:
    found = load(changed(lifecycle=LIFECYCLE))

    assert phases(found, "production-uk") == (QUALITY,)
    assert phases(found, "qa") == ()


def test_nobody_waits_for_an_optional_phase_and_all_its_places_count_by_default() -> None:
    optional = LIFECYCLE.replace("[{prod: QA}]", "[{prod: QA}], optional: true")
    second = QA.replace("name: qa", "name: qa-2").replace("wallet-api", "wallet-db")
    lab = QA.replace("name: qa", "name: lab").replace("environment: QA", "environment: Lab")
    more = LIFECYCLE.replace("[{prod: QA}]", "[{prod: QA}, {prod: lab}]")

    assert phases(load(changed(lifecycle=optional)), "production-uk") == ()
    assert phases(load(changed(lifecycle=more, second=second, lab=lab)), "production-uk") == (
        Phase("to-customers", "Quality", (("qa", "qa-2"), ("lab",)), 2),
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("{prod: QA}", "{prd: QA}", "6:39: no Space is named 'prd', did you mean 'prod'?"),
        (
            "{prod: QA}",
            "{prod: QAA}",
            "6:45: no Environment manifest is 'QAA' of space 'prod', did you mean 'QA'?",
        ),
        (
            "Production UK",
            "qa",
            "7:47: 'qa' of space 'prod' is in a phase already, at more/lifecycle.yaml:6:45; "
            "keep one",
        ),
        (
            "name: Customers",
            "name: Quality",
            "7:14: phase 'Quality' is written twice: also at more/lifecycle.yaml:6:14",
        ),
        (
            "minimum: 1",
            "minimum: 2",
            "7:14: phase 'Customers' has 1 environments, fewer than its minimum",
        ),
    ],
)
def test_a_phase_that_leads_nowhere_stops_the_environments_of_its_lifecycle(
    old: str, new: str, problem: str
) -> None:
    found = load(changed(lifecycle=LIFECYCLE.replace(old, new)))

    assert said(found) == [problem]
    assert set(stopped(found)) <= set(BOTH)
    assert "production-uk" in stopped(found) or "qa" in stopped(found)


def test_rule_4_a_lifecycle_that_cannot_be_read_stops_all() -> None:
    """Nobody knows whom it restrains."""
    broken = LIFECYCLE.replace("minimum: 1", "minimum: one")

    assert stopped(load(changed(lifecycle=broken))) == BOTH
    assert stopped(load(changed(lifecycle=LIFECYCLE, other=LIFECYCLE))) == BOTH


def test_rule_4_a_broken_environment_stops_itself_and_its_phase_is_waited_for() -> None:
    found = load(changed(lifecycle=LIFECYCLE, qa=QA.replace("environment: QA", "environment: []")))

    assert stopped(found) == ["qa"]
    assert phases(found, "production-uk") == (Phase("to-customers", "Quality", ((),), 1),)
