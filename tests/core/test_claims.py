"""Two environments in one place of Octopus, of which one is named by its id."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from core_builders import ENVIRONMENT_ID, Octopus, desired

from reconciler.core.claims import claim_gates

if TYPE_CHECKING:
    from reconciler.core.manifest import DesiredState

STATE = Octopus.with_projects("api", "web").state()
MINE = desired({"api": "1.0", "web": "1.0"})


def other(place: str, server: str = MINE.space.server, **pins: str) -> DesiredState:
    made = desired(pins)
    environment = replace(made.environment, name="other", octopus_environment=place)
    return replace(made, environment=environment, space=replace(made.space, server=server))


def test_rule_11_a_cell_that_two_environments_pin_in_one_place_is_nobodys() -> None:
    (gate,) = claim_gates(MINE, [MINE, other(ENVIRONMENT_ID, web="2.0")], STATE)

    assert gate.message == (
        f"environment 'other' pins web too: both mean {ENVIRONMENT_ID} in Octopus"
    )


@pytest.mark.parametrize(
    "beside",
    [
        other(ENVIRONMENT_ID),
        other("Environments-99", web="2.0"),
        other(ENVIRONMENT_ID, "https://another.example", web="2.0"),
    ],
)
def test_who_pins_nothing_there_claims_nothing(beside: DesiredState) -> None:
    assert claim_gates(MINE, [beside], STATE) == ()
