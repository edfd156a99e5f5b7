"""Whatever is deployed and however the clock turns, cells and slots are respected."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.simulator import Simulator, seed_estate

_START = datetime(2026, 11, 20, tzinfo=UTC)

acts = st.lists(
    st.one_of(
        st.tuples(st.just("deploy"), st.integers(1, 3), st.integers(1, 2), st.integers(0, 20)),
        st.tuples(st.just("turn"), st.floats(0, 30), st.just(0), st.just(0)),
        st.tuples(st.just("cancel"), st.integers(1, 3), st.integers(1, 2), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 3), st.integers(1, 2), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(acts, st.integers(1, 3), st.booleans())
def test_no_cell_and_no_slot_is_ever_used_twice(
    todo: list[tuple[str, float, int, int]], slots: int, frees: bool
) -> None:
    simulator = Simulator(seed_estate(3, 2, slots=slots), clock=lambda: _START, task_seconds=10)
    simulator.waiting_frees_slot = frees
    for act, which, place, late in todo:
        project, environment = f"project-{which}", f"environment-{place}"
        if act == "turn":
            simulator.advance(which)
        elif act == "deploy":
            at = simulator.now + timedelta(seconds=late) if late else None
            simulator.deploy(project, "1.1.0", environment, at=at)
        else:
            _disturb(simulator, act, project, environment)
        _check(simulator, slots)
    for task in list(simulator.world.engine.active.values()):
        simulator.world.engine.cancel(task)
    simulator.advance(10_000)
    assert not simulator.world.engine.active
    assert simulator.world.engine.running_count() == 0


def _disturb(simulator: Simulator, act: str, project: str, environment: str) -> None:
    seen = simulator.deployments(project, environment)[-1]
    if act == "cancel":
        simulator.cancel(seen.id)
    elif seen.state == "Executing":
        simulator.raise_interruption(project, environment)


def _check(simulator: Simulator, slots: int) -> None:
    simulator.advance(0)
    active = simulator.world.engine.active.values()
    running = [task for task in active if task.state in ("Executing", "Cancelling")]
    assert len({task.cell for task in running}) == len(running)
    holding = [task for task in active if task.holds_slot]
    assert len(holding) == simulator.world.engine.running_count() <= slots


def test_a_queued_task_waits_for_no_person() -> None:
    simulator = Simulator(seed_estate(1, 1, slots=1), clock=lambda: _START)
    with pytest.raises(LookupError, match="active"):
        simulator.raise_interruption("project-1", "environment-1")
    simulator.deploy("project-1", "1.1.0", "environment-1", at=_START + timedelta(hours=1))
    with pytest.raises(LookupError, match="not started"):
        simulator.raise_interruption("project-1", "environment-1")


def test_a_person_is_asked_by_what_runs_and_not_by_what_was_scheduled_first() -> None:
    simulator = Simulator(seed_estate(1, 1, slots=1), clock=lambda: _START)
    simulator.deploy("project-1", "1.1.0", "environment-1", at=_START + timedelta(hours=1))
    simulator.deploy("project-1", "1.1.0", "environment-1")
    simulator.raise_interruption("project-1", "environment-1")
    assert [each.state for each in simulator.deployments("project-1", "environment-1")[-2:]] == [
        "Queued",
        "Executing",
    ]
