"""Names become parts of paths without leaving the folder or meeting a device."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.slug import slug

PART = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@pytest.mark.parametrize("name", ["acme-web", "a", "2.0", "x" * 64, "wallet_api", "console"])
def test_a_slug_stays_as_it_is(name: str) -> None:
    assert slug(name) == name


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Production UK", "production-uk-22d2b428"),
        ("..", "x-5ec1f7e7"),
        ("", "x-e3b0c442"),
        ("nul.txt", "nul-txt-7f3cbdd5"),
        ("../../etc/passwd", "etc-passwd-3754d6cb"),
        ("a..b", "a.b-f62b4241"),
        ("end.", "end-2e18562d"),
        ("Ünïcode", "n-code-00b24be8"),
        ("\udcff", "x-8f1d0f9c"),
    ],
)
def test_another_name_is_cleaned_and_told_apart_by_its_digest(name: str, part: str) -> None:
    assert slug(name) == part


@given(st.text())
def test_every_name_becomes_one_safe_part(name: str) -> None:
    part = slug(name)

    assert PART.fullmatch(part)
    assert ".." not in part
    assert not part.endswith(".")
    assert part.split(".")[0] not in {"con", "prn", "aux", "nul", "com1", "lpt9"}
