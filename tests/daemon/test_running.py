"""What runs in a pass, as its events tell."""

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.core.condition import (
    Condition,
    ConditionType,
    EnvironmentStatus,
    RunningDeployment,
)
from reconciler.core.intent import Outcome
from reconciler.core.interruption import Interruption
from reconciler.core.plan import Action, Kind, Plan, Reason
from reconciler.daemon.running import Heard, Running, running_after
from reconciler.engine.events import (
    Asked,
    Ended,
    Event,
    Launched,
    NotStarted,
    PlanMade,
    Said,
    Seen,
    Silent,
    Watched,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
API = RunningDeployment("api", "ServerTasks-1", "Queued", NOON)
WEB = RunningDeployment("web", "ServerTasks-2", "Executing", NOON - timedelta(seconds=30))


def launched(component: str, task: str) -> Launched:
    return Launched(Action(component, Kind.UPGRADE, Reason.NEW_PIN, "1.0", "2.0"), task)


@pytest.mark.parametrize(
    ("event", "before", "after"),
    [
        (launched("api", "ServerTasks-1"), (WEB,), (API, WEB)),
        (launched("api", "ServerTasks-1"), (API,), (API,)),
        (Watched((Seen("web", "ServerTasks-2", "Executing", 30.0),)), (), (WEB,)),
        (Watched((Seen("web", "ServerTasks-2", "Executing", 90.0),)), (API, WEB), (WEB,)),
        (Ended("api", "2.0", "ServerTasks-1", Outcome.SUCCESS, 9.0), (API, WEB), (WEB,)),
        (Said("hello"), (API,), (API,)),
        (NotStarted("api", "no"), (API,), (API,)),
    ],
)
def test_what_runs_after_an_event(event: Event, before: Running, after: Running) -> None:
    assert running_after(event, before, NOON) == after


def test_a_task_that_is_looked_at_keeps_the_time_it_began() -> None:
    seen = Watched((Seen("api", "ServerTasks-1", "Executing", 3.0),))

    (now,) = running_after(seen, (API,), NOON + timedelta(hours=1))

    assert now == RunningDeployment("api", "ServerTasks-1", "Executing", NOON)


class Noon:
    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        return 100.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


def test_a_pass_is_told_with_its_waves_and_its_end_until_it_is_over() -> None:
    db, web = (
        Action(name, Kind.UPGRADE, Reason.NEW_PIN, "1.0", "2.0", wave=wave, waits_for=after)
        for name, wave, after in (("db", 1, ()), ("web", 2, ("db",)))
    )
    takes = {"db": timedelta(seconds=90), "web": timedelta(seconds=40)}
    closes = NOON + timedelta(hours=1)
    plan = Plan("qa", "c" * 40, NOON, (db, web))
    heard, status = Heard(), EnvironmentStatus("qa")
    seen: list[EnvironmentStatus] = [
        status := heard.after(event, status, Noon())
        for event in (
            PlanMade(plan, (), takes, at_once=4, closes=closes),
            Launched(db, "ServerTasks-1"),
            Watched((Seen("db", "ServerTasks-1", "Executing", 2.0),)),
            Ended("db", "2.0", "ServerTasks-1", Outcome.SUCCESS, 90.0),
            Watched(()),
            Launched(web, "ServerTasks-2"),
            Ended("web", "2.0", "ServerTasks-2", Outcome.SUCCESS, 40.0),
        )
    ]

    assert [one.progress and (one.progress.waves, one.progress.next_up) for one in seen] == [
        (((1, 0, 1), (2, 0, 1)), ("db", "web")),
        (((1, 0, 1), (2, 0, 1)), ("db", "web")),  # as of the last look
        (((1, 0, 1), (2, 0, 1)), ("web",)),
        (((1, 0, 1), (2, 0, 1)), ("web",)),
        (((1, 1, 1), (2, 0, 1)), ("web",)),
        (((1, 1, 1), (2, 0, 1)), ("web",)),
        None,
    ]
    first = seen[0].progress
    assert first is not None
    assert (first.ends, first.is_bound) == (NOON + timedelta(minutes=3), False)
    assert (first.done, first.of, first.percent, first.closes) == (0, 2, 0, closes)
    assert [(r.component, r.wave) for one in seen for r in one.running] == [
        ("db", 1),
        ("db", 1),
        ("web", 2),
    ]


def test_who_is_called_while_a_pass_runs_is_told_and_taken_back() -> None:
    question = Interruption("Interruptions-3", title="Go live?", since=NOON)
    runs = Condition(ConditionType.RECONCILING, "PassRuns", "a pass works on it", NOON)
    heard, status = Heard(), EnvironmentStatus("qa", conditions=(runs,))
    told = []
    for event in (
        Asked("api", "ServerTasks-1", question),
        Watched((Seen("api", "ServerTasks-1", "waits for a person", 9.0, is_waiting=True),)),
        Watched((Seen("api", "ServerTasks-1", "waits", 10.0, is_waiting=True),)),
        Watched((Seen("api", "ServerTasks-1", "Executing", 11.0),)),
        Silent("api", "ServerTasks-1", NOON, None),
        Watched((Seen("api", "ServerTasks-1", "silent", 12.0, is_silent=True),)),
        Watched((Seen("api", "ServerTasks-1", "changes", 13.0, is_changing=True),)),
    ):
        status = heard.after(event, status, Noon())
        told.append([(c.type, c.reason) for c in status.conditions][1:])

    person, silent, change = (
        [(ConditionType.STALLED, reason)]
        for reason in ("waiting-for-person", "Silent", "waiting-for-change")
    )
    assert told == [[], person, person, [], [], silent, change]
    assert status.conditions[0] == runs
