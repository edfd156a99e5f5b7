"""The pages made from the program are what the program says, and nothing is left out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest
from cli_pages import CHANGES, DOCS, PAGES

from reconciler.cli import COMMANDS, cli
from reconciler.cli.leaving import MEANINGS, Exit
from reconciler.cli.meanings import CONDITION_REASONS, CONDITIONS, GATES, REASONS
from reconciler.core import condition
from reconciler.core.condition import ConditionType
from reconciler.core.gate import GateName
from reconciler.core.plan import Reason
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from cli_golden import Golden


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_page_is_what_the_program_says(name: str, golden: Golden) -> None:
    golden.compare(DOCS / name, PAGES[name]())


def test_every_reason_gate_condition_and_exit_code_is_explained_and_no_dead_one_is() -> None:
    assert set(REASONS) == set(Reason)
    assert set(GATES) == set(GateName)
    assert set(CONDITIONS) == set(ConditionType)
    assert set(MEANINGS) == set(Exit)
    assert set(CHANGES) < set(Reason)


def test_every_meaning_says_something_and_what_to_do() -> None:
    for meaning in (*REASONS.values(), *GATES.values(), *CONDITIONS.values()):
        assert meaning.says
        assert not meaning.says.endswith(".")
        assert meaning.to_do.endswith(".")
        assert "|" not in meaning.says + meaning.to_do


def test_every_reason_of_a_condition_is_explained_as_a_gate_or_a_word() -> None:
    reasons = {reason for words in condition.REASONS.values() for reason in words}

    assert set(CONDITION_REASONS) == reasons - set(GateName)
    assert reasons >= set(condition.Word)
    assert set(GateName) - reasons == {GateName.NEEDS_RETRY}  # told as the failure it follows
    assert set(condition.REASONS) == set(CONDITIONS) == set(condition.ConditionType)


NEVER_OF_AN_ENVIRONMENT = {
    "ManifestsInvalid",  # told as `Invalid`
    "EditRefused",  # of edits, which are commands
    "GateClosed",  # of `accept`; LeaseHeld is one that passes meet
    "StalePlan",  # of `--plan DIGEST`
    "BranchRewritten",  # of `accept`; a pass shows gate `accept`
    "PushRejected",  # records stay pending, edits are commands
    "RecordStands",  # records stay pending
    "LeaseLost",  # nothing new is started, and the next look tells what is left
    "OctopusTrouble",  # only its kinds are raised
    "OverBudget",  # told as `RateLimited`
}


def test_every_failure_is_the_reason_of_a_condition_or_never_of_an_environment() -> None:
    failures, found = [ReconcilerError], set[str]()
    while failures:
        for each in failures.pop().__subclasses__():
            if each.__module__ == ReconcilerError.__module__:
                found.add(each.__name__)
                failures.append(each)

    assert found == {f.__name__ for f in condition.FAILURES} | NEVER_OF_AN_ENVIRONMENT


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
