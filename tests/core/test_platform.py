"""Platform versions as values: one digest for what is said, wherever it is written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from core_builders import NOON, PLACE, cell, desired, observed, settled
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.manifest import Base, Pin, Place
from reconciler.core.plan import Reason, make_plan
from reconciler.core.platform import (
    Captured,
    PlatformVersion,
    Source,
    digest_path,
    parse_digest,
    render_digest,
)

ELSEWHERE = Place("other.yaml", 1, 1)
API = Captured("1.0.0", PLACE, "Spaces-2", "Releases-9", "Channels-1", packages=(("Déploy", "1"),))
SET = PlatformVersion(
    "2026.11.1",
    "platform",
    {"api": API, "db": Captured("2", PLACE)},
    PLACE,
    Source("qa", "a" * 40, "1"),
)

texts = st.text(max_size=5)
captured = st.builds(
    Captured,
    texts,
    st.just(PLACE),
    *[st.none() | texts] * 6,
    st.lists(st.tuples(texts, texts)).map(tuple),
)


def test_where_a_platform_version_is_written_is_no_part_of_its_digest() -> None:
    moved = replace(
        SET,
        place=ELSEWHERE,
        components={name: replace(SET.components[name], place=ELSEWHERE) for name in ("db", "api")},
    )

    assert moved.digest == SET.digest


@pytest.mark.parametrize(
    "field", ["version", "space", "release", "channel", "assembled", "process", "variables"]
)
def test_each_part_of_an_identity_is_part_of_the_digest(field: str) -> None:
    other = replace(SET, components={**SET.components, "api": replace(API, **{field: "x"})})

    assert other.digest != SET.digest
    assert replace(SET, source=None).digest != SET.digest
    assert replace(SET, stack="other").digest != SET.digest


@settings(max_examples=50)
@given(captured, captured)
def test_equal_digests_are_equal_sets(one: Captured, other: Captured) -> None:
    def digest(api: Captured) -> str:
        return replace(SET, components={"api": api}).digest

    same = replace(one, packages=()) == replace(other, packages=()) and sorted(
        one.packages
    ) == sorted(other.packages)
    assert (digest(one) == digest(other)) is same


def test_the_recorded_digest_is_read_back_and_a_damaged_one_is_refused() -> None:
    content = render_digest(SET, "b" * 40)

    assert parse_digest(content) == SET.digest
    assert content == render_digest(SET, "b" * 40)
    assert digest_path("2026.11.1") == "platform-versions/2026.11.1.json"
    for damaged in (b"", b"{}", b"[" * 10_000, content.replace(b"sha256", b"\xff")):
        with pytest.raises(ValueError, match="is damaged"):
            parse_digest(damaged)
    with pytest.raises(ValueError, match="is damaged"):
        parse_digest(content.replace(b"PlatformVersionDigest", b"Snapshot"))


def test_the_plan_says_which_pin_breaks_the_alignment_and_the_digest_does_not() -> None:
    base = Base("2026.11.1", "1.0.0")
    pins = {
        "api": Pin("1.0.1", PLACE, base=base),
        "db": Pin("1.0.0", PLACE, base=base, is_own=False),
        "web": Pin("2.0.0", PLACE, base=base),
    }
    seen = observed(
        *(cell(name, settled("1.0.0")) for name in ("api", "db")), cell("web", settled("2.0.0"))
    )

    plan = make_plan(desired(pins), seen, "c" * 40)

    assert [(a.cell, a.reason, a.note) for a in plan.actions] == [
        ("api", Reason.NEW_PIN, "breaks alignment with 2026.11.1, which has 1.0.0"),
        ("db", Reason.IN_SYNC, ""),
        ("web", Reason.IN_SYNC, "breaks alignment with 2026.11.1, which has 1.0.0"),
    ]
    plain = make_plan(desired({name: p.version for name, p in pins.items()}), seen, "c" * 40)
    assert plain.digest == plan.digest
    assert plan.read_at == NOON
