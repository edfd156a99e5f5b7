"""docs/safety.md: all rules in order, where each stands, and a test for each that holds."""

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RULES = 52
HOLDS = "*Holds since"
LATER = "*With its subject, later.*"


def rules() -> dict[int, str]:
    """The text of each numbered rule of the page, its standing included."""
    page = (ROOT / "docs" / "safety.md").read_text()
    parts = re.split(r"^(\d+)\. ", page, flags=re.MULTILINE)[1:]
    return {int(number): text for number, text in zip(parts[::2], parts[1::2], strict=True)}


def holding() -> list[int]:
    return [number for number, text in rules().items() if HOLDS in text]


@functools.cache
def names_by_rule() -> dict[int, set[str]]:
    """The names of the tests that carry `rule_<number>_`, by number."""
    named: dict[int, set[str]] = {}
    for file in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and node.name[:5] == "test_"
            ):
                for number in re.findall(r"(?<![a-z])rule_(\d+)_", node.name):
                    named.setdefault(int(number), set()).add(node.name)
    return named


def test_the_page_has_every_rule_once_and_in_order() -> None:
    page = (ROOT / "docs" / "safety.md").read_text()

    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", page, flags=re.MULTILINE)]
    assert numbers == list(range(1, RULES + 1))


@pytest.mark.parametrize("number", range(1, RULES + 1))
def test_each_rule_says_where_it_stands(number: int) -> None:
    text = rules()[number]

    assert (HOLDS in text) != (LATER in text)


@pytest.mark.parametrize("number", holding())
def test_a_rule_that_holds_is_named_by_a_test(number: int) -> None:
    tested = sorted(names_by_rule())

    assert number in tested


def test_every_rule_a_test_names_is_on_the_page() -> None:
    assert set(names_by_rule()) <= set(rules())
