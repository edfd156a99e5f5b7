"""Whose turn it is: a change starts when all it waits for succeeded."""

from reconciler.core.plan import Action, Kind, Reason
from reconciler.core.schedule import in_turn


def change(name: str, wave: int = 1, *waits_for: str) -> Action:
    return Action(name, Kind.UPGRADE, Reason.NEW_PIN, "1.0", "2.0", wave=wave, waits_for=waits_for)


CHAIN = (change("web", 2, "db", "api"), change("db"), change("api"))


def test_what_waits_for_nothing_is_in_turn_by_name() -> None:
    assert [action.cell for action in in_turn(CHAIN, ())] == ["api", "db"]


def test_a_change_is_in_turn_when_all_it_waits_for_succeeded() -> None:
    assert in_turn(CHAIN[:1], {"db"}) == ()
    assert in_turn(CHAIN[:1], {"db", "api"}) == CHAIN[:1]


def test_what_is_of_a_later_wave_than_the_last_one_is_left_out() -> None:
    assert in_turn(CHAIN[:1], {"db", "api"}, last_wave=1) == ()
