"""A tree grows with each event of a pass, and every event has its form as data."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest

from reconciler.core.gate import Gate, GateName
from reconciler.core.intent import Outcome
from reconciler.core.interruption import FieldKind, FormField, Interruption, Option
from reconciler.core.livetree import LiveTree, Stage
from reconciler.core.logtree import Branch, LogLine, TaskLog, Work
from reconciler.core.plan import Action, Kind, Plan, Reason
from reconciler.core.runbook import Moment
from reconciler.engine.eventdata import event_data
from reconciler.engine.events import (
    Asked,
    Ended,
    Event,
    Found,
    Grown,
    Launched,
    NotStarted,
    PlanMade,
    Recorded,
    Resumed,
    RunEnded,
    RunStarted,
    Said,
    Seen,
    Silent,
    Watched,
)
from reconciler.engine.growth import grown

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DB = Action("db", Kind.UPGRADE, Reason.NEW_PIN, "1.0", "1.1", wave=1)
API = Action("api", Kind.UPGRADE, Reason.NEW_PIN, "2.0", "2.1", wave=2, waits_for=("db",))
WEB = Action("web", Kind.REDEPLOY, Reason.REDEPLOY, "3.0", "3.0", wave=1)
PLAN = Plan("test", "c" * 40, NOON, (DB, API, WEB))
SHUT = Gate("web", GateName.IN_FLIGHT, "runs", "ends")
MADE = PlanMade(PLAN, (SHUT,), {"db": timedelta(seconds=20)}, at_once=3, closes=NOON)
LINE = LogLine(1, "Info", NOON, "hello")
LOG = TaskLog("ServerTasks-1", (Branch("T", "Deploy", Work.RUNNING, NOON, None, 40, (LINE,)),))
SEEN = Seen("db", "ServerTasks-1", "Executing", 7.0)
CHOICE = FormField("Result", FieldKind.CHOICE, options=(Option("Proceed", "Proceed"),))
QUESTION = Interruption("Interruptions-1", "Approve", since=NOON, fields=(CHOICE,))
ASKED = Asked("db", "ServerTasks-1", QUESTION)
FAILED = Ended("db", "1.1", "ServerTasks-1", Outcome.FAILED, 9.0, ("no disk",), "https://o", False)


def after(*events: Event) -> LiveTree:
    tree = LiveTree()
    for event in events:
        tree = grown(tree, event, 100.0)
    return tree


def test_a_plan_is_what_waits_and_what_is_held() -> None:
    tree = after(MADE)

    assert {name: part.stage for name, part in tree.parts.items()} == {
        "db": Stage.WAITING,
        "api": Stage.WAITING,
        "web": Stage.HELD,
    }
    assert tree.parts["db"].expected == timedelta(seconds=20)
    assert (tree.environment, tree.at_once, tree.closes) == ("test", 3, NOON)


def test_a_plan_that_is_held_as_a_whole_starts_nothing() -> None:
    assert after(PlanMade(PLAN, (Gate("", GateName.BRAKE, "many", "fewer"),))).is_over


def test_a_change_runs_is_read_and_ends() -> None:
    begun = after(MADE, Launched(DB, "ServerTasks-1"))
    assert (begun.parts["db"].stage, begun.parts["db"].since) == (Stage.QUEUED, 100.0)

    runs = grown(grown(begun, Watched((SEEN,)), 110.0), Grown("db", LOG), 110.0)
    assert (runs.parts["db"].stage, runs.parts["db"].since) == (Stage.RUNNING, 103.0)
    assert runs.parts["db"].log == LOG

    waits = Watched((Seen("db", "ServerTasks-1", "waits for a person", 9.0, is_waiting=True),))
    asks = grown(grown(runs, ASKED, 110.0), waits, 110.0)
    asked = asks.parts["db"]
    assert (asked.stage, asked.waits_since, asked.log) == (Stage.PERSON, NOON, LOG)
    assert asked.asks == "Interruptions-1"
    goes_on = grown(asks, Watched((SEEN,)), 111.0).parts["db"]
    assert (goes_on.stage, goes_on.waits_since, goes_on.asks) == (Stage.RUNNING, None, "")

    done = Ended("db", "1.1", "ServerTasks-1", Outcome.SUCCESS, 9.0)
    good, bad = (grown(runs, end, 120.0).parts["db"] for end in (done, FAILED))
    assert (good.stage, good.log, good.lines) == (Stage.SUCCEEDED, None, ())
    assert (bad.stage, bad.lines, bad.link) == (Stage.FAILED, ("no disk",), "https://o")


def test_a_plan_made_anew_keeps_what_runs_and_what_ended() -> None:
    less = Plan("test", "d" * 40, NOON, (WEB,))
    tree = after(
        MADE, Launched(DB, "ServerTasks-1"), FAILED, Launched(API, "T2"), PlanMade(less, ())
    )

    assert {name: part.stage for name, part in tree.parts.items()} == {
        "db": Stage.FAILED,
        "api": Stage.QUEUED,
        "web": Stage.WAITING,
    }


def test_work_of_an_interrupted_pass_is_in_the_tree_before_any_plan() -> None:
    tree = after(Resumed((("db", "ServerTasks-1"), ("api", ""))), Watched((SEEN,)))

    assert {name: part.stage for name, part in tree.parts.items()} == {"db": Stage.RUNNING}


def run(moment: Moment, outcome: Outcome = Outcome.SUCCESS, cell: str = "db") -> list[Event]:
    started = RunStarted(cell, "Drain", moment, "ServerTasks-2")
    return [started, RunEnded(cell, "Drain", moment, "ServerTasks-2", outcome, 3.0, ("no",), "l")]


def test_a_runbook_before_a_change_is_its_branch_until_the_deployment_waits_again() -> None:
    started, ended = run(Moment.BEFORE)
    runs = after(MADE, started, Watched((Seen("db", "ServerTasks-2", "Executing", 1.0),)))
    assert (runs.parts["db"].stage, runs.parts["db"].doing) == (
        Stage.RUNNING,
        "runbook Drain before",
    )

    waits = grown(runs, ended, 1.0)
    assert (waits.parts["db"].stage, waits.parts["db"].doing) == (Stage.WAITING, "")
    launched = grown(waits, Launched(DB, "ServerTasks-1"), 1.0).parts["db"]
    assert (launched.stage, launched.task_id) == (Stage.QUEUED, "ServerTasks-1")


def test_a_runbook_after_a_change_ends_it_well_or_badly() -> None:
    done = Ended("db", "1.1", "ServerTasks-1", Outcome.SUCCESS, 9.0)
    good, bad = (
        after(MADE, Launched(DB, "ServerTasks-1"), done, *run(Moment.AFTER, outcome)).parts["db"]
        for outcome in (Outcome.SUCCESS, Outcome.FAILED)
    )

    assert (good.stage, good.doing) == (Stage.SUCCEEDED, "")
    assert (bad.stage, bad.doing, bad.lines) == (Stage.FAILED, "runbook Drain after", ("no",))


def test_a_runbook_around_all_changes_is_a_branch_only_while_it_runs() -> None:
    started, ended = run(Moment.BEFORE, cell="")

    assert after(MADE, started).parts[""].stage is Stage.QUEUED
    assert after(MADE, started, ended).parts == after(MADE).parts


def test_a_change_that_is_not_started_says_why() -> None:
    part = after(MADE, NotStarted("api", "db was not deployed")).parts["api"]

    assert (part.stage, part.said) == (Stage.NOT_STARTED, "db was not deployed")


def test_the_log_of_a_task_that_is_unknown_changes_nothing() -> None:
    assert after(MADE, Grown("other", LOG)).parts == after(MADE).parts


EVENTS: dict[str, Event] = {
    "plan.made": MADE,
    "deployment.started": Launched(DB, "ServerTasks-1"),
    "deployment.found": Found("db", "ServerTasks-1", None, "1.1", 1),
    "tasks.seen": Watched((SEEN,)),
    "deployment.asks": ASKED,
    "deployment.silent": Silent("db", "ServerTasks-1", NOON, None),
    "log.grown": Grown("db", LOG, (((), LINE),), (("Step 1",),)),
    "deployment.ended": FAILED,
    "run.started": RunStarted("db", "Drain", Moment.BEFORE, "ServerTasks-2"),
    "run.found": RunStarted("db", "Drain", Moment.BEFORE, "ServerTasks-2", found=True),
    "run.ended": RunEnded("db", "Drain", Moment.BEFORE, "ServerTasks-2", Outcome.FAILED, 3.0),
    "deployment.not-started": NotStarted("db", "why"),
    "pass.resumed": Resumed((("db", ""),)),
    "pass.recorded": Recorded("a" * 40, 1, snapshot_changed=True),
    "pass.said": Said("hello"),
}


def keys(data: object) -> set[str]:
    match data:
        case dict():
            return {*data, *(key for value in data.values() for key in keys(value))}
        case list():
            return {key for value in data for key in keys(value)}
        case _:
            return set()


@pytest.mark.parametrize("kind", EVENTS)
def test_every_event_is_an_object_with_documented_fields(kind: str) -> None:
    page = Path(__file__).parents[2].joinpath("docs/formats.md").read_text(encoding="utf-8")
    data = event_data(EVENTS[kind])

    assert data["event"] == kind
    assert json.loads(json.dumps(data)) == data
    assert all(f"`{word}`" in page for word in {kind, *keys(data)})


def test_a_deployment_that_octopus_had_already_is_a_found_one() -> None:
    found = event_data(Launched(DB, "ServerTasks-1", found=True))

    assert found == event_data(Found("db", "ServerTasks-1", "1.0", "1.1", 1))


def test_every_kind_of_event_has_a_form_as_data() -> None:
    assert {type(event) for event in EVENTS.values()} == set(get_args(Event))


def test_rule_52_text_of_an_event_is_clean_as_data() -> None:
    hostile = "\x1b]0;x\x07\u202e\n" + "z" * 9000

    text = str(event_data(Said(hostile))["text"])

    assert text.isprintable()
    assert len(text) <= 500
