"""The pages made from the program are what the program says, and nothing is left out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest
from cli_pages import CHANGES, DOCS, PAGES

from reconciler.cli import COMMANDS, cli
from reconciler.cli.leaving import MEANINGS, Exit
from reconciler.cli.meanings import GATES, REASONS
from reconciler.core.gate import GateName
from reconciler.core.plan import Reason

if TYPE_CHECKING:
    from cli_golden import Golden


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_page_is_what_the_program_says(name: str, golden: Golden) -> None:
    golden.compare(DOCS / name, PAGES[name]())


def test_every_reason_gate_and_exit_code_is_explained_and_no_dead_one_is() -> None:
    assert set(REASONS) == set(Reason)
    assert set(GATES) == set(GateName)
    assert set(MEANINGS) == set(Exit)
    assert set(CHANGES) < set(Reason)


def test_every_meaning_says_something_and_what_to_do() -> None:
    for meaning in (*REASONS.values(), *GATES.values()):
        assert meaning.says
        assert not meaning.says.endswith(".")
        assert meaning.to_do.endswith(".")
        assert "|" not in meaning.says + meaning.to_do


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_line_in_the_list_is_the_commands_own(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)

    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(limit=200) == COMMANDS[name].summary


def test_the_settings_page_names_every_variable_with_a_meaning() -> None:
    rows = [line for line in PAGES["settings.md"]().splitlines() if line.startswith("| `")]

    assert len(rows) > 15
    assert not [row for row in rows if row.endswith("|  |")]
