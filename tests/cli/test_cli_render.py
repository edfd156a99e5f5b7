"""Plans as text: goldens for what people read, and hostile text that stays text."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cli_values import HOSTILE, hostile_plan, plan_and_gates
from markdown_it import MarkdownIt
from ruamel.yaml import YAML

from reconciler.cli.render.data import as_json, as_yaml, plan_data
from reconciler.cli.render.markdown import code, plan_markdown
from reconciler.cli.render.plan import show_plan, summary
from reconciler.core.deployers import Deployer, DeployerKind, Others
from reconciler.core.gate import Gate, GateName
from reconciler.core.plan import Plan

if TYPE_CHECKING:
    from cli_golden import Golden

ENDINGS = {"table": "txt", "json": "json", "yaml": "yaml", "markdown": "md"}


@pytest.mark.parametrize("output", sorted(ENDINGS))
def test_a_plan_reads_as_it_was_reviewed(
    output: str, golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    show_plan(*plan_and_gates(), output)

    golden.compare(f"plan.{ENDINGS[output]}", capsys.readouterr().out)


@pytest.mark.parametrize("output", sorted(ENDINGS))
def test_a_plan_without_work_says_so(
    output: str, golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, _ = plan_and_gates()
    quiet = tuple(action for action in plan.actions if not action.is_change)
    show_plan(Plan(plan.environment, plan.commit, plan.read_at, quiet), (), output)

    golden.compare(f"plan-quiet.{ENDINGS[output]}", capsys.readouterr().out)


NIGHTLY = Deployer(DeployerKind.SCHEDULE, "Nightly", "ProjectTriggers-2")


@pytest.mark.parametrize("output", sorted(ENDINGS))
def test_a_plan_names_who_else_deploys_and_why_they_may_not_be_all(
    output: str, golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = Deployer(DeployerKind.PARENT, "Suite", "Projects-9", "its process could not be read")
    others = {f"c{n}": Others((suite,), ("the observing key lacks TriggerView here",))
              for n in range(7)}  # fmt: skip
    plan, gates = plan_and_gates()
    show_plan(plan, gates, output, {**others, "wallet-api": Others((NIGHTLY, suite))})

    golden.compare(f"plan-others.{ENDINGS[output]}", capsys.readouterr().out)


@pytest.mark.parametrize("output", ["table", "markdown", "json"])
def test_a_plan_shows_a_few_of_very_many_deployers(
    output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, gates = plan_and_gates()
    many = tuple(replace(NIGHTLY, name=f"T{n:03}", id=f"ProjectTriggers-{n}") for n in range(150))
    names = [f"c{n:03}" for n in range(150)]
    show_plan(plan, gates, output, {name: Others(many) for name in names})

    text = capsys.readouterr().out
    if output == "json":
        said = json.loads(text)["spec"]["alsoDeployedBy"]
        assert (len(said["deployers"]), said["more"]) == (100, 50)
        assert {(len(one["components"]), one["more"]) for one in said["deployers"]} == {(100, 50)}
    else:
        assert text.count("scheduled trigger") == 10
        assert "c003, c004 and 145 more" in text
        assert "and 140 more" in text


def test_rule_2_equal_plans_give_equal_bytes_and_yaml_says_what_json_says() -> None:
    plan, gates = plan_and_gates()
    again, more = plan_and_gates()
    data = plan_data(plan, gates)

    assert as_json(data) == as_json(plan_data(again, tuple(reversed(more))))
    assert YAML(typ="safe").load(as_yaml(data)) == data == json.loads(as_json(data))


def test_rule_51_every_form_names_the_commit_and_the_time_it_was_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan, gates = plan_and_gates()
    for output in ENDINGS:
        show_plan(plan, gates, output)
        text = capsys.readouterr().out
        assert plan.commit[:12] in text
        assert "11:31:02Z" in text


def test_the_whole_plan_is_held_by_name_and_single_changes_by_number() -> None:
    plan, _ = plan_and_gates()
    brake = Gate("", GateName.BRAKE, "too many", "fewer")
    one = Gate("wallet-api", GateName.IN_FLIGHT, "runs", "ends")

    assert "held by brake" in summary(plan, (brake, one))
    assert "1 of 4 held by gates" in summary(plan, (one,))
    assert "not held" in summary(plan, ())


@pytest.mark.parametrize("output", sorted(ENDINGS))
def test_rule_52_hostile_text_reaches_no_terminal(
    output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = Deployer(DeployerKind.TRIGGER, "".join(HOSTILE), "\x1b", "".join(HOSTILE))
    others = {"\x1b[2J": Others((hostile,), HOSTILE)}
    show_plan(*hostile_plan(), output, others)

    text = capsys.readouterr().out
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) < 4000


def test_rule_52_text_that_looks_like_markup_stays_as_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan, gates = hostile_plan()
    show_plan(plan, gates, "table")

    text = capsys.readouterr().out
    assert "[red]bold[/red]" in text
    assert ":boom:" in text


def test_rule_52_hostile_text_is_code_in_markdown_and_ends_no_cell() -> None:
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = parser.parse(plan_markdown(*hostile_plan()))
    rows = [t for t in tokens if t.type == "tr_open"]
    cells = [t for t in tokens if t.type in {"td_open", "th_open"}]
    inner = [child for token in tokens for child in token.children or ()]

    assert len(rows) == 2
    assert len(cells) == 14
    assert {t.content for t in inner if t.type == "html_inline"} <= {"<code>", "</code>"}
    assert not [t for t in inner if t.type in {"link_open", "image", "em_open"}]
    assert [t.type for t in tokens if t.type == "html_block"] == []
    outside, depth = [], 0
    for token in inner:
        depth += {"<code>": 1, "</code>": -1}.get(token.content, 0)
        if token.type == "text" and depth == 0:
            outside.append(token.content)
    assert "@everyone" not in "".join(outside)


@pytest.mark.parametrize("text", [*HOSTILE, "", " ", "`", "``", "|", "\\", "a`b", "<b>"])
def test_rule_52_code_is_one_cell_and_one_line(text: str) -> None:
    table = f"| a | b |\n| --- | --- |\n| {code(text)} | end |\n"
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(table)

    assert len([t for t in tokens if t.type == "td_open"]) == 2
    assert "\n" not in code(text)
    assert not [t for t in tokens if t.type == "html_block"]


def test_a_terminal_folds_and_colours_and_no_color_forbids_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    show_plan(*plan_and_gates(), "table")
    coloured = capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    show_plan(*plan_and_gates(), "table")
    plain = capsys.readouterr().out

    assert "\x1b[32m" in coloured
    assert "\x1b[3" not in plain
    assert "downgrade" in plain
