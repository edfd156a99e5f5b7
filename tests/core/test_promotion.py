"""Promotion: what follows, what stays and is told, and that nothing is touched silently."""

from __future__ import annotations

from dataclasses import replace

from core_builders import PLACE, desired
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.compare import Entry
from reconciler.core.promotion import NEVER, promote, whole
from reconciler.core.tenant import Ring, Selection
from reconciler.core.version import Direction, direction

KNOWN = ("api", "db", "mail", "web")


def test_pins_follow_upwards_and_what_is_newer_or_not_there_stays_and_is_told() -> None:
    target = desired({"api": "1.0", "db": "3.0", "jobs": "1", "web": "1.0.0"}).environment
    versions = {"api": "1.1", "db": "2.9", "mail": "1.0", "web": "1.0", "other": "1"}

    found = promote(versions, versions, "qa", target, KNOWN, add=False)

    assert found.moves == (("api", "1.1"),)
    assert found.kept == {"db", "jobs"}
    assert found.left == (
        ("db", "newer in production-uk: 3.0, and qa runs 2.9"),
        ("jobs", "qa does not have it"),
        ("mail", "production-uk does not pin it; --add lets it"),
        ("other", "the stack of production-uk does not have it"),
    )


def test_with_add_a_component_that_is_new_to_the_target_follows_too() -> None:
    target = desired({"api": "1.0"}).environment

    found = promote({"api": "1.0", "mail": "1"}, ("api", "mail"), "qa", target, KNOWN, add=True)

    assert (found.moves, found.left) == ((("mail", "1"),), ())


def test_what_cannot_be_ordered_stays_and_says_how_it_is_changed() -> None:
    target = desired({"api": "1.0.1beta"}).environment

    found = promote({"api": "1.0.0"}, ("api",), "qa", target, KNOWN, add=True)

    assert found.moves == ()
    assert found.left == (
        ("api", "1.0.1beta and 1.0.0 cannot be ordered; `reconciler pin production-uk` changes it"),
    )


def test_other_metadata_is_another_release_and_follows() -> None:
    target = desired({"api": "1.0+7"}).environment

    assert promote({"api": "1.0+8"}, ("api",), "qa", target, KNOWN, add=False).moves == (
        ("api", "1.0+8"),
    )


def test_one_version_for_all_cells_of_a_component_or_it_is_not_known() -> None:
    entries = {
        "api@acme": Entry("1.0"),
        "api@zeta": Entry("1.0.0"),
        "db@acme": Entry("1.0"),
        "db@zeta": Entry("1.1"),
        "mail": Entry("1.0", unknown="unsettled"),
        "old": Entry("1.0"),
    }

    found, unknown = whole(entries, ("api", "db", "mail", "web"))

    assert found["api"].version == "1.0"
    assert "old" not in found
    assert unknown == (
        ("db@zeta", "runs 1.1, and another cell of it 1.0"),
        ("mail", "unsettled"),
        ("web", NEVER),
    )


def test_what_a_ring_pins_of_its_own_is_told() -> None:
    target = desired({"api": "1.0"}).environment
    ring = Ring("pilot", Selection(tags=("Ring/Pilot",)), {"api": target.pins["api"]}, PLACE)

    found = promote(
        {"api": "1.1"}, ("api",), "qa", replace(target, rings=(ring,)), KNOWN, add=False
    )

    assert (found.moves, found.left) == (
        (("api", "1.1"),),
        (("api", "ring 'pilot' pins 1.0 of its own"),),
    )


names = st.sampled_from(["a", "b", "c", "d"])
some = st.dictionaries(
    names, st.sampled_from(["1.0", "1.0.0", "1.1", "2", "x_1", "1.0+b", "1.2_3"])
)


@settings(max_examples=50)
@given(some, some, st.booleans())
def test_every_component_of_either_side_follows_is_the_same_or_is_told(
    versions: dict[str, str], pins: dict[str, str], add: bool
) -> None:
    target = desired(pins).environment

    found = promote(versions, versions, "qa", target, ("a", "b", "c"), add=add)

    moved, told = dict(found.moves), dict(found.left)
    assert not moved.keys() & told.keys()
    for name in versions.keys() | pins.keys():
        if name in moved:
            down = name in pins and direction(pins[name], moved[name]) is Direction.DOWN
            assert not down
            assert moved[name] == versions[name]
        elif name not in told:
            assert direction(pins[name], versions[name]) is Direction.SAME or (
                pins[name] == versions[name]
            )


@settings(max_examples=50)
@given(some, some)
def test_what_was_promoted_is_not_promoted_again(
    versions: dict[str, str], pins: dict[str, str]
) -> None:
    found = promote(versions, versions, "qa", desired(pins).environment, ("a", "b"), add=True)
    after = desired({**pins, **dict(found.moves)}).environment

    assert promote(versions, versions, "qa", after, ("a", "b"), add=True).moves == ()
