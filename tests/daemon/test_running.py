"""What runs in a pass, as its events tell."""

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.core.condition import RunningDeployment
from reconciler.core.intent import Outcome
from reconciler.core.plan import Action, Kind, Reason
from reconciler.daemon.running import Running, running_after
from reconciler.engine.events import Ended, Event, Launched, NotStarted, Said, Seen, Watched

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
