"""What no tracked file may say: where packages come from, or where a neighbour's files lie."""

import re
from pathlib import Path

import pytest

# Written in pieces, so that this file may itself be looked at.
REGISTRY = re.compile(
    "|".join((r"pypi" + r"\.org", r"python" + r"hosted\.org", r"npm" + r"js\.(com|org)")), re.I
)
INDEX = re.compile(r"--(extra-)?ind" + r"ex-url|(PIP|UV)_(EXTRA_)?(DEFAULT_)?IND" + r"EX", re.I)
NEIGHBOUR = re.compile(r"\.\./sha" + r"red")


def sayings(root: Path, tracked: tuple[Path, ...], pattern: re.Pattern[str]) -> list[str]:
    """Each place, as `file:line`, where a tracked text file says what the pattern looks for."""
    found = []
    for name in tracked:
        content = (root / name).read_bytes()
        if b"\0" in content:
            continue
        lines = content.decode("utf-8").splitlines()
        found += [f"{name}:{at}" for at, line in enumerate(lines, 1) if pattern.search(line)]
    return found


@pytest.mark.parametrize("pattern", [REGISTRY, INDEX], ids=["registry", "index"])
def test_no_tracked_file_says_where_packages_come_from(
    root: Path, tracked: tuple[Path, ...], pattern: re.Pattern[str]
) -> None:
    assert sayings(root, tracked, pattern) == []


def test_only_the_schema_oracle_reads_a_file_outside_of_the_checkout(
    root: Path, tracked: tuple[Path, ...]
) -> None:
    places = sayings(root, tracked, NEIGHBOUR)

    assert [place for place in places if "schema_oracle" not in place] == []


def test_a_forbidden_saying_is_found_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("fine\nsee ../sha" + "red/x\n")

    assert sayings(tmp_path, (Path("a.txt"),), NEIGHBOUR) == ["a.txt:2"]
