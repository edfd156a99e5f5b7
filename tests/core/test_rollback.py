"""What can return, as values: holds that let a version in first, and the last state that ran."""

from __future__ import annotations

import pytest
from core_builders import cell, desired, observed, pin, settled, unsettled

from reconciler.core.manifest import Until
from reconciler.core.plan import Kind, Reason, make_plan
from reconciler.core.rollback import settled_versions, was_reached
from reconciler.core.snapshot import Reached, Snapshot, SnapshotCell


@pytest.mark.parametrize(
    ("pinned", "at", "seen", "reached", "expected"),
    [
        ("1.0", "1.0", settled("2.0"), "2.0", (Kind.DOWNGRADE, Reason.NEW_PIN)),
        ("1.0", "1.0", settled("1.0"), "1.0", (Kind.IGNORE, Reason.HELD)),
        ("3.0", "1.0", settled("1.0"), "1.0", (Kind.IGNORE, Reason.HELD)),
        ("1.0", "1.0", settled("1.5"), "1.0", (Kind.IGNORE, Reason.HELD)),
        ("1.0", "", settled("2.0"), "2.0", (Kind.IGNORE, Reason.HELD)),
        ("1.0", "1.0", unsettled("2.0", "1.0"), "2.0", (Kind.DOWNGRADE, Reason.UNSETTLED)),
    ],
    ids=["on its way", "there", "moved on", "drifted", "plain", "failed on its way"],
)
def test_a_hold_at_a_version_lets_that_version_in_once(
    pinned: str, at: str, seen: object, reached: str, expected: tuple[Kind, Reason]
) -> None:
    wanted = desired({"api": pin(pinned, hold=Until("CHG-7", at=at))})

    (action,) = make_plan(wanted, observed(cell("api", seen, reached)), "").actions

    assert (action.kind, action.reason) == expected


def test_a_raised_counter_brings_the_held_version_again() -> None:
    wanted = desired({"api": pin("1.0", 1, Until("CHG-7", at="1.0"))})
    seen = observed(cell("api", settled("1.0"), Reached("1.0", 0)))

    (action,) = make_plan(wanted, seen, "").actions

    assert (action.kind, action.reason) == (Kind.REDEPLOY, Reason.REDEPLOY)


def snapshot(**cells: SnapshotCell) -> Snapshot:
    named = {key.replace("_at_", "@"): one for key, one in cells.items()}
    return Snapshot("test", "server", "Spaces-1", "Environments-1", named)


def test_a_snapshot_counts_only_where_everything_was_settled_in_one_version() -> None:
    one, two = SnapshotCell("settled", "1.0"), SnapshotCell("settled", "2.0")

    assert settled_versions(snapshot(api=one, web_at_east=two, web_at_west=two)) == {
        "api": "1.0",
        "web": "2.0",
    }
    assert settled_versions(snapshot(api=one, web=SnapshotCell("unsettled", "2.0"))) is None
    assert settled_versions(snapshot(web_at_east=one, web_at_west=two)) is None
    assert settled_versions(snapshot(api=one, gone=SnapshotCell("left", "1.0"))) == {"api": "1.0"}


def test_pins_were_reached_only_where_all_of_them_ran_at_one_time() -> None:
    good = [{"api": "1.0.0", "web": "2.0"}, {"api": "1.1.0", "web": "1.0"}]

    assert was_reached({"api": "1.0", "web": "2.0"}, good)  # equal versions are one release
    assert not was_reached({"api": "1.1.0", "web": "2.0"}, good)
    assert not was_reached({"api": "1.0.0", "web": "2.0", "jobs": "1.0"}, good)
