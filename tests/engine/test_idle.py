"""A judgement without work holds as long as nothing it rests on changed, and no moment longer."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))

from core_builders import (
    ENVIRONMENT_ID,
    HOUR,
    NOON,
    VIEWS,
    Octopus,
    desired,
    may,
    pin,
    project,
    task,
)

from reconciler.core.machine import Machine
from reconciler.core.manifest import Until
from reconciler.core.state import TaskState, User
from reconciler.engine.idle import Idle, first_end
from reconciler.engine.survey import Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.core.state import SpaceState
    from reconciler.engine.ground import Ground

ELSEWHERE = "Environments-4"
GROUND = cast("Ground", object())
ASKED = desired({"api": "1.0.0"})


def space() -> Octopus:
    """Two environments in sync; the other one was deployed to last."""
    octopus = Octopus.with_projects("api", "web")
    octopus.deployed("api", "1.0.0")
    octopus.deployed("api", "1.0.0", environment=ELSEWHERE)
    return octopus


def reading(state: SpaceState, later: int = 1) -> Reading:
    """The part of a reading, so many hours later, that shows the environment."""
    return Reading(replace(state, read_at=NOON + later * HOUR), None).only(ASKED)


IDLE = Idle(GROUND, reading(space().state(), 0), None)


def deployed_elsewhere(octopus: Octopus) -> SpaceState:
    octopus.deployed("api", "9.0.0", TaskState.FAILED, environment=ELSEWHERE)
    octopus.deployed("web", "9.0.0", environment=ELSEWHERE)
    octopus.active.append(task("web", environment_id=ELSEWHERE))
    return octopus.state(waiting_for_person=frozenset({"ServerTasks-70"}))


@pytest.mark.parametrize("later", [Octopus.state, deployed_elsewhere])
def test_it_holds_while_the_environment_is_shown_as_it_was(
    later: Callable[[Octopus], SpaceState],
) -> None:
    assert IDLE.holds(GROUND, reading(later(space())))


def ours_by_hand(octopus: Octopus) -> SpaceState:
    octopus.deployed("api", "1.0.0")
    return octopus.state()


def unpinned(octopus: Octopus) -> SpaceState:
    octopus.deployed("web", "1.0.0")
    return octopus.state()


def running(octopus: Octopus) -> SpaceState:
    octopus.active.append(task("api"))
    return octopus.state()


def running_somewhere(octopus: Octopus) -> SpaceState:
    octopus.active.append(task("api", environment_id=None))
    return octopus.state()


def turned_partial(octopus: Octopus) -> SpaceState:
    name, detail = next(iter(octopus.deployments.items()))
    octopus.deployments[name] = replace(detail, is_partial=True)
    return octopus.state()


def release_made_anew(octopus: Octopus) -> SpaceState:
    name, detail = next(iter(octopus.releases.items()))
    octopus.releases[name] = replace(detail, assembled=NOON + HOUR)
    return octopus.state()


def renamed(octopus: Octopus) -> SpaceState:
    octopus.projects["api"] = project("api", name="Other")
    return octopus.state()


def unread(octopus: Octopus) -> SpaceState:
    return octopus.state(gaps=("the list of active tasks moved",))


def no_longer_allowed(octopus: Octopus) -> SpaceState:
    return octopus.state(permissions=may(*VIEWS[1:]))


def not_covered(octopus: Octopus) -> SpaceState:
    return octopus.state(board_projects=frozenset())


@pytest.mark.parametrize(
    "later",
    [
        ours_by_hand,
        unpinned,
        running,
        running_somewhere,
        turned_partial,
        release_made_anew,
        renamed,
        unread,
        no_longer_allowed,
        not_covered,
    ],
)
def test_it_ends_with_what_octopus_shows_of_the_environment(
    later: Callable[[Octopus], SpaceState],
) -> None:
    assert not IDLE.holds(GROUND, reading(later(space())))


def test_it_ends_when_a_person_answers_or_is_waited_for() -> None:
    octopus = space()
    octopus.active.append(task("api"))
    idle = replace(IDLE, reading=reading(octopus.state(), 0))
    waiting = octopus.state(waiting_for_person=frozenset({"ServerTasks-70"}))

    assert idle.holds(GROUND, reading(octopus.state()))
    assert not idle.holds(GROUND, reading(waiting))


def test_it_ends_with_its_ground_and_with_the_deploying_user() -> None:
    now = reading(space().state())
    someone = User("Users-9", "other", "Other", is_service=True)

    assert not IDLE.holds(cast("Ground", object()), now)
    assert not IDLE.holds(GROUND, replace(now, deployer=someone))


def test_rule_2_it_ends_when_a_hold_does_and_holds_at_no_earlier_time() -> None:
    idle = replace(IDLE, until=NOON + 2 * HOUR)
    state = space().state()

    assert idle.holds(GROUND, reading(state, 1))
    assert not idle.holds(GROUND, reading(state, 2))
    assert not idle.holds(GROUND, reading(state, -1))


def test_the_first_end_is_that_of_a_hold_or_suspension_still_in_force() -> None:
    def hold(hours: int | None) -> Until:
        return Until("CHG-1", None if hours is None else NOON + hours * HOUR)

    pins = {
        "over": pin("1", hold=hold(0)),
        "for-good": pin("1", hold=hold(None)),
        "free": pin("1"),
    }
    late = {**pins, "later": pin("1", hold=hold(5))}

    assert first_end(desired(pins), NOON) is None
    assert first_end(desired(late), NOON) == NOON + 5 * HOUR
    assert first_end(desired(late, suspend=hold(3)), NOON) == NOON + 3 * HOUR


def test_machines_of_another_environment_change_nothing_and_those_of_this_one_do() -> None:
    def served(*machines: Machine, later: int = 1) -> Reading:
        state = replace(space().state(machines=machines), read_at=NOON + later * HOUR)
        return Reading(state, None).only(ASKED, machines=True)

    here = Machine("Machines-1", "a", frozenset({ENVIRONMENT_ID}), frozenset(), False, "Healthy")
    there = replace(here, id="Machines-2", environments=frozenset({ELSEWHERE}))
    idle = Idle(GROUND, served(here, there, later=0), None)

    assert idle.holds(GROUND, served(here))
    assert idle.holds(GROUND, served(here, replace(there, health="Unhealthy")))
    assert not idle.holds(GROUND, served(replace(here, is_disabled=True)))
    assert not idle.holds(GROUND, served())
