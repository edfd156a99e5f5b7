"""Comparing two sides: every relation, mirrored, and what only looks equal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_builders import PLACE
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.compare import Entry, Relation, Side, compare
from reconciler.core.platform import Captured

API = Captured(
    "1.0.0",
    PLACE,
    "Spaces-2",
    "Releases-9",
    "Channels-1",
    "2026-11-19T16:02:11Z",
    "p-s-1",
    "v-s-1",
    (("Deploy", "1.0.0"),),
)


def side(server: str = "one", **entries: str | Entry) -> Side:
    made = {n: Entry(e) if isinstance(e, str) else e for n, e in entries.items()}
    return Side("a", "now", {n.replace("__", "@"): e for n, e in made.items()}, server)


def told(left: Side, right: Side) -> list[tuple[str, Relation, str | None, str | None, str]]:
    rows = compare(left, right).rows
    return [(r.cell, r.relation, r.left, r.right, r.note) for r in rows]


def test_each_relation_says_how_the_right_stands_to_the_left() -> None:
    left = side(a="1.0", b="1.0", c="2.0", d="1.0.1beta", e="1.0", g="1.0+7", h="v1")
    right = side(b="1.1", c="1.9", d="1.0.0", e="1.0.0", f="1", g="1.0+8", h="V1.0")

    assert told(left, right) == [
        ("a", Relation.ONLY_LEFT, "1.0", None, ""),
        ("b", Relation.NEWER, "1.0", "1.1", ""),
        ("c", Relation.OLDER, "2.0", "1.9", ""),
        ("d", Relation.UNORDERED, "1.0.1beta", "1.0.0", ""),
        ("e", Relation.SAME, "1.0", "1.0.0", ""),
        ("f", Relation.ONLY_RIGHT, None, "1", ""),
        ("g", Relation.OTHER_RELEASE, "1.0+7", "1.0+8", "their metadata differs"),
        ("h", Relation.SAME, "v1", "V1.0", ""),
    ]


@pytest.mark.parametrize(
    ("field", "note"),
    [
        ("release", "release Releases-9 -> x"),
        ("assembled", "assembled 2026-11-19T16:02:11Z -> x"),
        ("channel", "channel Channels-1 -> x"),
        ("process", "process p-s-1 -> x"),
        ("variables", "variables v-s-1 -> x"),
    ],
)
def test_equal_versions_of_other_releases_are_told_apart_in_one_space(
    field: str, note: str
) -> None:
    other = replace(API, **{field: "x"})  # type: ignore[arg-type]
    left = side(api=Entry("1.0.0", API))

    assert told(left, side(api=Entry("1.0.0", other)))[0][1:] == (
        Relation.OTHER_RELEASE,
        "1.0.0",
        "1.0.0",
        note,
    )
    apart = (
        side("two", api=Entry("1.0.0", other)),
        side("", api=Entry("1.0.0", other)),
        side(api=Entry("1.0.0", replace(other, space="Spaces-3"))),
        side(api=Entry("1.0.0", replace(API, **{field: None}))),  # type: ignore[arg-type]
        side(api=Entry("1.0.0")),
    )
    assert {compare(left, right).rows[0].relation for right in apart} == {Relation.SAME}


def test_other_packages_are_told_between_servers_too() -> None:
    other = replace(API, packages=(("Deploy", "1.0.1"), ("Docs", "7")))

    ((_, relation, _, _, note),) = told(
        side("one", api=Entry("1.0.0", API)), side("two", api=Entry("1.0.0", other))
    )

    assert relation is Relation.OTHER_RELEASE
    assert note == "package Deploy 1.0.0 -> 1.0.1; package Docs none -> 7"


def test_what_is_not_known_for_certain_is_never_called_the_same() -> None:
    left = side(a="1.0", b=Entry("1.0", unknown="unsettled"), c=Entry(None, unknown="unread"))

    assert told(left, left)[1:] == [
        ("b", Relation.UNKNOWN, "1.0", "1.0", "left: unsettled; right: unsettled"),
        ("c", Relation.UNKNOWN, None, None, "left: unread; right: unread"),
    ]
    assert compare(left, left).differs


def test_a_component_as_a_whole_stands_beside_each_tenant_of_the_other_side() -> None:
    whole = side(api="1.0", db="1.0")
    tenants = side(api__acme="1.0", api__zeta="1.1", web__acme="3")

    assert [(cell, relation) for cell, relation, *_ in told(whole, tenants)] == [
        ("api@acme", Relation.SAME),
        ("api@zeta", Relation.NEWER),
        ("db", Relation.ONLY_LEFT),
        ("web@acme", Relation.ONLY_RIGHT),
    ]
    assert [(cell, relation) for cell, relation, *_ in told(tenants, whole)] == [
        ("api@acme", Relation.SAME),
        ("api@zeta", Relation.OLDER),
        ("db", Relation.ONLY_RIGHT),
        ("web@acme", Relation.ONLY_LEFT),
    ]


def test_a_tenant_that_is_named_apart_goes_before_the_whole() -> None:
    pinned = side(api="1.0", api__acme="2.0")

    found = [
        (cell, relation) for cell, relation, *_ in told(pinned, side(api__acme="2.0", api__b="1.0"))
    ]
    assert found == [("api@acme", Relation.SAME), ("api@b", Relation.SAME)]
    again = [(cell, relation) for cell, relation, *_ in told(pinned, side(api="1.1"))]
    assert again == [("api", Relation.NEWER), ("api@acme", Relation.OLDER)]


MIRRORED = {
    Relation.ONLY_LEFT: Relation.ONLY_RIGHT,
    Relation.ONLY_RIGHT: Relation.ONLY_LEFT,
    Relation.NEWER: Relation.OLDER,
    Relation.OLDER: Relation.NEWER,
}
entries = st.builds(
    Entry,
    st.sampled_from(["1.0", "1.0.0", "1.1", "2.0-rc.1", "x", "1.0+b", "1.2_3", "1.2"]),
    st.sampled_from([None, API, replace(API, release="Releases-10"), replace(API, packages=())]),
    st.sampled_from(["", "", "unsettled"]),
)
sides = st.dictionaries(
    st.sampled_from(["a", "b", "c@x", "c@y", "c", "d@x"]), entries, max_size=6
).map(lambda found: Side("s", "now", found, "one"))


@settings(max_examples=50)
@given(sides, sides)
def test_a_comparison_turned_round_says_the_same_from_the_other_side(a: Side, b: Side) -> None:
    there, back = compare(a, b), compare(b, a)

    assert [
        (r.cell, MIRRORED.get(r.relation, r.relation), r.left, r.right) for r in there.rows
    ] == [(r.cell, r.relation, r.right, r.left) for r in back.rows]
    assert sum(there.counts.values()) == len(there.rows)


@settings(max_examples=50)
@given(sides)
def test_a_side_differs_from_itself_only_where_it_is_not_known(a: Side) -> None:
    found = {row.relation for row in compare(a, a).rows}

    assert found <= {Relation.SAME, Relation.UNKNOWN}
