"""A stack's rule: failures are tried again a few times, later and later, and never for ever."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.cellkey import CellKey
from reconciler.core.intent import Intent, IntentRecord, Outcome, Progress
from reconciler.core.retry import Attempt, due_by_rule, next_by_rule
from reconciler.core.stack import NEVER, RetryRule

BEGAN = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULE = RetryRule(2, 5 * MINUTE, timedelta(hours=4))


def tried(
    number: int, outcome: Outcome = Outcome.FAILED, version: str = "2.0", redeploy: int = 0
) -> IntentRecord:
    after = f"Deployments-{number}"
    intent = Intent("s", "Spaces-1", "Environments-1", None, "Projects-1", version, (), after)
    at = BEGAN + number * 10 * MINUTE
    record = IntentRecord(
        intent, "prod", CellKey("api"), "api", "c", "d", "upgrade", None, redeploy, at
    )
    return replace(record, progress=Progress.RECEIPTED, outcome=outcome, settled=False)


def test_rule_20_each_wait_is_longer_and_the_last_is_a_persons() -> None:
    first, second, third = tried(0), tried(1), tried(2)
    waits = []
    for records in ([first], [first, second]):
        due = next_by_rule(RULE, records[-1], records, 60)
        assert due is not None
        waits.append(due - records[-1].promised_at - MINUTE)

    assert 0.75 * 5 * MINUTE <= waits[0] <= 1.25 * 5 * MINUTE
    assert 0.75 * 10 * MINUTE <= waits[1] <= 1.25 * 10 * MINUTE
    assert next_by_rule(RULE, third, [first, second, third], 60) is None


@pytest.mark.parametrize(
    "last",
    [
        tried(1, Outcome.CANCELED),
        tried(1, Outcome.UNKNOWN),
        tried(1, Outcome.SUCCESS_WITH_WARNINGS),
    ],
)
def test_rule_12_what_is_no_failure_needs_a_person(last: IntentRecord) -> None:
    assert next_by_rule(RULE, last, [tried(0), last], 60) is None


@pytest.mark.parametrize("between", [tried(1, Outcome.SUCCESS), tried(1, version="1.9")])
def test_only_failures_in_a_row_are_counted(between: IntentRecord) -> None:
    last = tried(2)
    once = replace(RULE, times=1)

    assert next_by_rule(once, last, [tried(0), last], 60) is None
    assert next_by_rule(once, last, [tried(0), between, last], 60) is not None
    assert next_by_rule(once, tried(2, redeploy=1), [tried(0), tried(2, redeploy=1)], 60)


def test_without_a_rule_nothing_is_tried_again() -> None:
    assert next_by_rule(NEVER, tried(0), [tried(0)], 60) is None


@settings(max_examples=50)
@given(
    st.integers(1, 5), st.integers(1, 1440), st.integers(1, 168), st.integers(1, 9), st.floats(0, 1)
)
def test_rule_20_no_rule_goes_on_beyond_its_number_and_its_time(
    times: int, after: int, within: int, failures: int, chance: float
) -> None:
    rule = RetryRule(times, after * MINUTE, timedelta(hours=within))

    due = rule.next_try(failures, BEGAN, BEGAN + 20 * MINUTE, chance)

    if due is not None:
        assert failures <= times
        assert BEGAN < due <= BEGAN + rule.within


def test_rule_20_what_is_not_due_yet_waits() -> None:
    waits = Attempt("2.0", "Failed", 0, "a", next_try=BEGAN + MINUTE)
    cell = CellKey("api")

    assert due_by_rule({cell: (waits,)}, BEGAN) == {}
    assert due_by_rule({cell: (waits,)}, BEGAN + MINUTE) == {cell: frozenset({"a"})}
    never = replace(waits, next_try=None)
    assert due_by_rule({cell: (waits, never)}, BEGAN + MINUTE) == {}
