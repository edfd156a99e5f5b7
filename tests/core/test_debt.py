"""What a deployment still owes is what it promised, less what was run for it with success."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.cellkey import WHOLE, CellKey
from reconciler.core.debt import OF_STACK, Debt, debt_after, owed_by, run_of, stack_debt
from reconciler.core.intent import RUNBOOK, CommentTag, Intent, IntentRecord, Outcome, Progress
from reconciler.core.manifest import Place
from reconciler.core.runbook import Around, Moment, Runbook, RunComments, comments_of
from reconciler.core.stack import Component, Stack

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
API = CellKey("api")
HERE = Place("stack.yaml", 1, 1)
JOIN, SMOKE, TELL = Runbook("Join"), Runbook("Smoke test"), Runbook("Tell", "office")


def deployment(after: str = "Deployments-1", *owes: str) -> IntentRecord:
    """Return a deployment of ours to `api` that promised to run these after it."""
    intent = Intent("s", "Spaces-1", "Environments-1", None, "Projects-1", "1.1.0", (), after)
    return IntentRecord(
        intent=intent,
        environment="test",
        cell=API,
        project_slug="api",
        commit="ab" * 20,
        plan_digest="cd" * 32,
        action="upgrade",
        replaces="1.0.0",
        redeploy=0,
        promised_at=NOON,
        owes=owes,
        settled=True,
        ended=NOON,
    )


def run(
    runbook: Runbook, serves: tuple[str, ...], *, settled: bool | None = True, cell: CellKey = API
) -> IntentRecord:
    """Return a run after a deployment; None: it is not over."""
    record = deployment(f"RunbookRuns-{runbook.name}-{settled}")
    intent = replace(record.intent, version="Runbooks-1", verb=RUNBOOK)
    over = settled is not None
    return replace(
        record,
        intent=intent,
        cell=cell,
        action=Moment.AFTER.value,
        runbook=runbook.key,
        serves=serves,
        owes=(),
        settled=settled,
        progress=Progress.FINISHED if over else Progress.LAUNCHED,
        outcome=Outcome.SUCCESS if settled else Outcome.FAILED if over else None,
        ended=NOON + timedelta(minutes=1) if over else None,
    )


def owed(*runs: IntentRecord, owes: tuple[str, ...] = ("Join", "Smoke test")) -> Debt:
    made = deployment("Deployments-1", *owes)
    return debt_after(API, (made,), (JOIN, SMOKE), runs)


MINE = (deployment("Deployments-1").intent.id,)


def test_what_was_promised_is_owed_in_the_order_of_the_stack() -> None:
    assert owed().runbooks == (JOIN, SMOKE)
    assert owed(owes=("Smoke test", "Join")).runbooks == (JOIN, SMOKE)


def test_a_runbook_that_the_stack_names_only_later_is_owed_by_nothing() -> None:
    assert owed(owes=("Join",)).runbooks == (JOIN,)
    assert owed(owes=()).runbooks == ()


@pytest.mark.parametrize(
    ("settled", "left", "failed"),
    [(True, (SMOKE,), False), (None, (JOIN, SMOKE), False), (False, (JOIN, SMOKE), True)],
)
def test_only_success_pays(settled: bool | None, left: tuple[Runbook, ...], failed: bool) -> None:
    debt = owed(run(JOIN, MINE, settled=settled))

    assert (debt.runbooks, debt.failed is not None) == (left, failed)


def test_a_run_that_was_proved_absent_is_none() -> None:
    gone = replace(run(JOIN, MINE), progress=Progress.VOID)

    assert run_of((gone,), API, Moment.AFTER, JOIN, MINE) is None


def test_rule_12_a_run_for_one_deployment_pays_nothing_of_another() -> None:
    other = deployment("Deployments-2").intent.id

    assert owed(run(JOIN, (other,))).runbooks == (JOIN, SMOKE)


def test_what_all_owe_together_is_owed_for_those_it_was_not_run_for() -> None:
    stack = Stack(
        "shop", {"api": Component("api", "api", HERE)}, HERE, runbooks=Around((), (TELL,))
    )
    made = [deployment(f"Deployments-{n}", *owed_by(stack, "api")) for n in (1, 2)]
    first = run(TELL, (made[0].intent.id,), cell=WHOLE)

    assert made[0].owes == (OF_STACK + TELL.key,)
    assert stack_debt(stack, tuple(made), ()).deployments == tuple(made)
    assert stack_debt(stack, tuple(made), (first,)).deployments == (made[1],)
    assert stack_debt(stack, (made[0],), (first,)).runbooks == ()


@given(st.integers(-10_000, 10_000), st.integers(0, 3600))
def test_rule_49_a_jump_of_the_clock_never_makes_a_soak_longer_than_it_is(
    passed: int, soak: int
) -> None:
    debt = Debt(API, (), (), since=NOON, soak=timedelta(seconds=soak))

    left = debt.soak_left(NOON + timedelta(seconds=passed))

    assert timedelta() <= left <= debt.soak


KEYS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1
)


@given(KEYS.map(str.strip).filter(bool), st.sampled_from([API, WHOLE, CellKey("api@Acme")]))
def test_the_comments_of_a_run_say_what_it_is_for(key: str, cell: CellKey) -> None:
    record = replace(run(Runbook(key), MINE, cell=cell), environment="test-1.x")

    said = RunComments.read(comments_of(record))

    assert said is not None
    assert (said.runbook, said.served, said.moment) == (key, MINE[0], "after")
    assert said.tag == CommentTag(record.intent.id, record.commit, record.plan_digest)


def test_what_people_write_is_no_comment_of_ours() -> None:
    text = comments_of(run(JOIN, MINE))

    assert RunComments.read(text.replace("Reconciler", "Somebody")) is None
    assert RunComments.read(text + " edited") is None
