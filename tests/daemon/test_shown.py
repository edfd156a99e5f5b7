"""What the status file says of an environment is what the next daemon begins with."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.core.condition import (
    Condition,
    ConditionType,
    EnvironmentStatus,
    RunningDeployment,
)
from reconciler.daemon.shown import as_json, remembered

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HELD = Condition(ConditionType.HELD, "HeldByHand", "api 2.0.0 by Alice", NOON)
STATUS = EnvironmentStatus(
    "qa",
    commit="c" * 40,
    conditions=(HELD,),
    looked=NOON + timedelta(hours=1),
    attempted=NOON,
    reached=None,
    failures=3,
    pending=2,
    running=(RunningDeployment("api", "ServerTasks-1", "Executing", NOON),),
)


def told(status: EnvironmentStatus) -> Any:
    shown = {"repositories": {"shop": {"trouble": None, "environments": {"qa": as_json(status)}}}}
    return json.loads(json.dumps(shown))


def test_a_condition_that_goes_on_keeps_the_time_it_began_over_a_restart() -> None:
    begun = remembered(told(STATUS), "shop")["qa"]

    after = begun.with_conditions([replace(HELD, since=NOON + timedelta(hours=2))])
    assert after.conditions == (HELD,)
    assert (begun.attempted, begun.looked, begun.reached) == (NOON, STATUS.looked, None)


def test_what_ran_waited_or_failed_before_a_restart_is_found_out_anew() -> None:
    begun = remembered(told(STATUS), "shop")["qa"]

    assert (begun.failures, begun.pending, begun.running) == (0, 0, ())


@pytest.mark.parametrize(
    "earlier",
    [
        None,
        {},
        {"repositories": []},
        told(STATUS) | {"repositories": {"shop": {"environments": {"qa": {}}}}},
        json.loads(json.dumps(told(STATUS)).replace("Held", "?")),
        json.loads(json.dumps(told(STATUS)).replace("2026-11-20T12:00:00Z", "noon")),
    ],
    ids=["none", "empty", "list", "bare", "unknown condition", "no time"],
)
def test_what_cannot_be_read_is_left_out(earlier: Any) -> None:
    assert remembered(earlier, "shop") == {}


def test_another_repository_is_not_told() -> None:
    assert remembered(told(STATUS), "bank") == {}
