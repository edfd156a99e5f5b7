"""Pins over time, and each deployment beside the commit that pinned its version."""

from dataclasses import replace
from datetime import datetime, timedelta

from core_builders import NOON, PLACE, pin

from reconciler.core.authorship import Authorship
from reconciler.core.chronicle import Deployed, Entry, join, pin_changes
from reconciler.core.manifest import Until


def commit(number: int, hours: int, version: str | None) -> Entry:
    """A commit that pins `api`; newer ones have smaller numbers."""
    after = None if version is None else pin(version)
    written = Authorship(f"c{number}", "Ann", "a@b", NOON + timedelta(hours=hours), "Pin")
    return Entry(
        written, changes=pin_changes({}, {} if after is None else {("api", ""): after}, None)
    )


def deployed(version: str, made_for: str, at: datetime) -> Deployed:
    return Deployed("api", None, version, "Success", made_for, "dr-1", at, at)


ENTRIES = (commit(0, 9, "1.2"), commit(1, 6, "1.1"), commit(3, 3, "1.2"), commit(4, 0, "1.0"))
ORDER = {f"c{number}": number for number in range(5)}


def beside(each: Deployed) -> list[str]:
    rows = join(ENTRIES, [each], ORDER)
    return [r.written.commit if r.written else "alone" for r in rows if r.deployments]


def test_a_deployment_stands_beside_the_newest_commit_that_had_pinned_it_by_then() -> None:
    late = NOON + timedelta(hours=20)

    assert beside(deployed("1.2", "c0", late)) == ["c0"]
    assert beside(deployed("1.2", "c2", late)) == ["c3"]  # c0 was not there yet
    assert beside(deployed("1.0", "c4", late)) == ["c4"]


def test_of_a_commit_that_is_not_in_the_history_the_time_tells() -> None:
    assert beside(deployed("1.2", "gone", NOON + timedelta(hours=4))) == ["c3"]
    assert beside(deployed("1.2", "gone", NOON + timedelta(hours=10))) == ["c0"]


def test_what_no_commit_explains_stands_alone_in_its_time() -> None:
    stray = deployed("9.9", "c1", NOON + timedelta(hours=7))
    old = deployed("1.0", "gone", NOON - timedelta(hours=7))

    rows = join(ENTRIES, [stray, old], ORDER)

    told = [r.written.commit if r.written else r.deployments[0].version for r in rows]
    assert told == ["c0", "9.9", "c1", "c3", "c4", "1.0"]


def test_version_counter_and_hold_are_changes_and_a_place_is_none() -> None:
    before = {(name, ""): pin("1.0") for name in "abcde"}
    moved = replace(pin("1.0"), place=replace(PLACE, line=99))
    after = {
        ("a", ""): pin("1.1"),
        ("b", ""): pin("1.0", redeploy=1),
        ("c", ""): pin("1.0", hold=Until("x")),
        ("d", ""): moved,
        ("f", "pilot"): pin("1.0"),
    }

    found = pin_changes(before, after, None)

    assert [change.component for change in found] == ["a", "b", "c", "e", "f"]
    assert (found[3].after, found[4].before, found[4].ring) == (None, None, "pilot")
    assert [change.component for change in pin_changes(before, after, "b")] == ["b"]
    assert pin_changes(before, after, "d") == pin_changes(before, after, "none") == ()
