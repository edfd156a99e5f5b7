"""Names made from foreign names: manifests take them, no two are alike, and none ever changes."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.naming import key_variable, manifest_name, unique_names

NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?")
CREDENTIAL = re.compile(r"(OCTOPUS|RECONCILER)_[A-Z0-9_]{1,100}")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Production UK", "production-uk"),
        ("Größe  &  Maß", "grosse-mass"),
        ("wallet.api_v2", "wallet.api_v2"),
        ("a..b", "a.b"),
        ("refs.lock", "refs"),
        ("-x-", "x"),
        ("con", "con-1143da2b"),
        ("生产", "x-76ab7d3b"),
    ],
)
def test_a_name_stays_as_readable_as_it_can_be(text: str, name: str) -> None:
    assert manifest_name(text) == name


@given(st.lists(st.text(max_size=80), max_size=8))
@settings(max_examples=50)
def test_every_text_gets_a_name_of_its_own_that_manifests_take(texts: list[str]) -> None:
    wanted = [(f"Projects-{number}", text) for number, text in enumerate(texts)]

    names = unique_names(wanted)

    assert len(set(names.values())) == len(texts)
    for name in names.values():
        assert NAME.fullmatch(name)
        assert ".." not in name
        assert not name.endswith(".lock")
        assert CREDENTIAL.fullmatch(key_variable(name))


def test_long_ids_and_names_that_look_like_ends_stay_apart_and_short() -> None:
    long = "x" * 80
    wanted = [(f"P{number}-{'y' * 100}", long) for number in range(3)]
    wanted += [("Projects-9", f"{manifest_name(long)[:32]}-projects-1"), ("Projects-1", long)]

    names = unique_names(wanted)

    assert len(set(names.values())) == len(wanted)
    assert all(NAME.fullmatch(name) for name in names.values())


def test_of_two_names_alike_the_later_has_its_id_and_taken_ones_are_left_alone() -> None:
    wanted = [("Projects-1", "Web"), ("Projects-2", "web"), ("Projects-3", "Api")]

    assert unique_names(wanted, {"api"}) == {
        "Projects-1": "web",
        "Projects-2": "web-projects-2",
        "Projects-3": "api-projects-3",
    }
