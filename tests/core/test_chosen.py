"""Machines named in the log of a run, and what they are in the environment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.chosen import chosen, named_in
from reconciler.core.logtree import Branch, LogLine, TaskLog, Work

NAMES = {"Machines-1": "web-1", "Machines-2": "web-2", "Machines-3": "twin", "Machines-4": "Twin"}


def log(*lines: str) -> TaskLog:
    """Return a log whose one step printed these lines."""
    said = tuple(LogLine(n, "Info", None, text) for n, text in enumerate(lines))
    step = Branch("1/2", "Step 1: Make", Work.SUCCESS, None, None, 100, said, (), 0)
    return TaskLog(
        "ServerTasks-1", (Branch("1", "Run", Work.SUCCESS, None, None, 100, (), (step,), 0),)
    )


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        (["New = web-1, web-2"], ("web-1", "web-2")),
        (["NEW=web-1", "talk", "new = web-1,, web-2 ,"], ("web-1", "web-2")),
        (["Newer = web-1", "The New = web-1", "New: web-1", "New ="], ()),
        ([], ()),
    ],
)
def test_lines_that_give_the_variable_a_value_name_machines(
    lines: list[str], named: tuple[str, ...]
) -> None:
    assert named_in(log(*lines), "New") == named


@given(st.lists(st.text(max_size=40), max_size=5), st.text(min_size=1, max_size=20))
def test_no_log_and_no_variable_is_too_odd(lines: list[str], variable: str) -> None:
    named = named_in(log(*lines), variable)

    assert all(name == name.strip() != "" for name in named)


def test_machines_are_found_by_name_or_id_and_each_is_meant_once() -> None:
    assert chosen(["WEB-2", "Machines-1", "web-1"], NAMES) == ("Machines-1", "Machines-2")


@pytest.mark.parametrize(
    ("wanted", "said"), [("web-9", "is no machine"), ("twin", "means several machines")]
)
def test_what_is_no_one_machine_of_the_environment_is_told(wanted: str, said: str) -> None:
    assert said in chosen(["web-1", wanted], NAMES)
