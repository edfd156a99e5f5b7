"""Plans as text: goldens for what people read, and hostile text that stays text."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
from cli_values import HOSTILE, hostile_plan, plan_and_gates
from markdown_it import MarkdownIt
from ruamel.yaml import YAML

from reconciler.cli.render.data import as_json, as_yaml, plan_data
from reconciler.cli.render.markdown import code, plan_markdown
from reconciler.cli.render.plan import Page, needs, show_plan, spell, summary
from reconciler.core.cellkey import cell_key
from reconciler.core.deployers import Deployer, DeployerKind, Others
from reconciler.core.estimate import Estimate
from reconciler.core.gate import Gate, GateName
from reconciler.core.plan import Action, Kind, Plan, Reason
from reconciler.core.platform import Broken

if TYPE_CHECKING:
    from cli_golden import Golden

ESTIMATE = Estimate(4, 47, timedelta(minutes=3, seconds=20), 1)
ENDINGS = {"table": "txt", "json": "json", "yaml": "yaml", "markdown": "md"}


@pytest.mark.parametrize("output", sorted(ENDINGS))
def test_a_plan_reads_as_it_was_reviewed(
    output: str, golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    show_plan(Page(*plan_and_gates(), estimate=ESTIMATE), output)

    golden.compare(f"plan.{ENDINGS[output]}", capsys.readouterr().out)


@pytest.mark.parametrize("output", sorted(ENDINGS))
def test_a_plan_without_work_says_so(
    output: str, golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, _ = plan_and_gates()
    quiet = tuple(action for action in plan.actions if not action.is_change)
    show_plan(Page(Plan(plan.environment, plan.commit, plan.read_at, quiet), ()), output)

    golden.compare(f"plan-quiet.{ENDINGS[output]}", capsys.readouterr().out)


@pytest.mark.parametrize("output", sorted(ENDINGS))
def test_everything_shows_what_is_in_sync_too(
    output: str, golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    show_plan(Page(*plan_and_gates(), everything=True), output)

    golden.compare(f"plan-all.{ENDINGS[output]}", capsys.readouterr().out)


SCHEMA = json.loads((Path(__file__).parents[2] / "schema" / "plan.schema.json").read_text())
GOLDEN = Path(__file__).parents[1] / "golden"


def test_the_schema_of_plans_is_valid_and_refuses_what_it_does_not_name() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    checker = jsonschema.Draft202012Validator(SCHEMA)
    good = json.loads((GOLDEN / "cli" / "plan.json").read_text())
    checker.validate(good)

    assert not checker.is_valid({**good, "more": 1})
    assert not checker.is_valid({**good, "spec": {**good["spec"], "digest": "sha256:0"}})
    assert not checker.is_valid(
        {**good, "spec": {k: v for k, v in good["spec"].items() if k > "d"}}
    )


def test_every_golden_plan_is_as_its_schema_says() -> None:
    checker = jsonschema.Draft202012Validator(SCHEMA)
    found = sorted(GOLDEN.rglob("plan*.json"))

    assert len(found) >= 4
    for file in found:
        checker.validate(json.loads(file.read_text()))


def test_the_schema_knows_every_word_a_plan_can_say() -> None:
    actions = tuple(
        Action(cell_key(f"{kind}-{reason}", "A b"), kind, reason, None, None, wave=1)
        for kind in Kind
        for reason in Reason
    )
    gates = [Gate(cell_key("a"), name, "m", "o") for name in GateName]
    plan = Plan("qa", "4f" * 32, plan_and_gates()[0].read_at, actions)

    data = plan_data(Page(plan, gates, everything=True))

    jsonschema.Draft202012Validator(SCHEMA).validate(data)


def test_the_last_line_says_what_it_takes_and_what_is_not_known() -> None:
    known = Estimate(1, 1, timedelta(seconds=59.6), 0)

    assert needs(known) == "1 task, about 1 API call and 1 min"
    assert needs(replace(known, tasks=3, calls=30, unknown=2)) == (
        "3 tasks, about 30 API calls and 1 min without 2 tasks whose time is unknown"
    )
    assert needs(replace(known, tasks=2, calls=12, duration=None, unknown=2)) == (
        "2 tasks, at least 12 API calls, and no receipt tells yet how long"
    )
    assert [spell(timedelta(seconds=n)) for n in (0, 59, 60, 3599, 3600, 3900, 90000)] == [
        *("0 s", "59 s", "1 min", "59 min 59 s", "1 h", "1 h 5 min", "25 h"),
    ]


@pytest.mark.parametrize("output", ["table", "markdown", "json"])
def test_cells_that_could_not_be_read_for_one_reason_are_one_row(
    output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, _ = plan_and_gates()
    why = "the server's address changed and was not contacted"
    blind = tuple(
        Action(cell_key(f"c{n}"), Kind.IGNORE, Reason.UNOBSERVED, None, "1.0", why)
        for n in range(9)
    )
    alone = Action(cell_key("d"), Kind.IGNORE, Reason.UNOBSERVED, None, "1.0", "another reason")
    show_plan(Page(Plan("qa", plan.commit, plan.read_at, (*blind, alone)), ()), output)

    text = capsys.readouterr().out
    if output == "json":
        assert text.count(why) == 9
    else:
        assert text.count(why) == 1
        assert "c0, c1, c2 and 6 more" in text
        assert text.count("another reason") == 1
        assert "10 of 10 unobserved" in text


NIGHTLY = Deployer(DeployerKind.SCHEDULE, "Nightly", "ProjectTriggers-2")


@pytest.mark.parametrize("output", sorted(ENDINGS))
def test_a_plan_names_who_else_deploys_and_why_they_may_not_be_all(
    output: str, golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = Deployer(DeployerKind.PARENT, "Suite", "Projects-9", "its process could not be read")
    others = {f"c{n}": Others((suite,), ("the observing key lacks TriggerView here",))
              for n in range(7)}  # fmt: skip
    plan, gates = plan_and_gates()
    others["wallet-api"] = Others((NIGHTLY, suite))
    show_plan(Page(plan, gates, others), output)

    golden.compare(f"plan-others.{ENDINGS[output]}", capsys.readouterr().out)


@pytest.mark.parametrize("output", ["table", "markdown", "json"])
def test_a_plan_shows_a_few_of_very_many_deployers(
    output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, gates = plan_and_gates()
    many = tuple(replace(NIGHTLY, name=f"T{n:03}", id=f"ProjectTriggers-{n}") for n in range(150))
    names = [f"c{n:03}" for n in range(150)]
    show_plan(Page(plan, gates, {name: Others(many) for name in names}), output)

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
    data = plan_data(Page(plan, gates, estimate=ESTIMATE))

    assert as_json(data) == as_json(
        plan_data(Page(again, tuple(reversed(more)), estimate=ESTIMATE))
    )
    for each in (data, [data, data], [], {}):
        assert YAML(typ="safe").load(as_yaml(each)) == each == json.loads(as_json(each))


def test_rule_51_every_form_names_the_commit_and_the_time_it_was_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan, gates = plan_and_gates()
    for output in ENDINGS:
        show_plan(Page(plan, gates), output)
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
    show_plan(Page(*hostile_plan(), others), output)

    text = capsys.readouterr().out
    assert all(char.isprintable() or char == "\n" for char in text)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) < 4000


def test_rule_52_text_that_looks_like_markup_stays_as_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plan, gates = hostile_plan()
    show_plan(Page(plan, gates), "table")

    text = capsys.readouterr().out
    assert "[red]bold[/red]" in text
    assert ":boom:" in text


def test_rule_52_hostile_text_is_code_in_markdown_and_ends_no_cell() -> None:
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = parser.parse(plan_markdown(Page(*hostile_plan())))
    rows = [t for t in tokens if t.type == "tr_open"]
    cells = [t for t in tokens if t.type in {"td_open", "th_open"}]
    inner = [child for token in tokens for child in token.children or ()]

    assert len(rows) == 2
    assert len(cells) == 14
    assert {t.content for t in inner if t.type == "html_inline"} <= {"<code>", "</code>"}
    assert not [t for t in inner if t.type in {"link_open", "image", "em_open"}]
    ours = {"<details><summary>What the words mean</summary>", "</details>"}
    assert {t.content.strip() for t in tokens if t.type == "html_block"} <= ours
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
    show_plan(Page(*plan_and_gates()), "table")
    coloured = capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    show_plan(Page(*plan_and_gates()), "table")
    plain = capsys.readouterr().out

    assert "\x1b[32m" in coloured
    assert "\x1b[3" not in plain
    assert "downgrade" in plain


def test_every_form_says_which_pins_break_the_alignment(capsys: pytest.CaptureFixture[str]) -> None:
    plan, gates = plan_and_gates()
    broken = tuple(Broken(name, "1.1.1", "2026.11.1", "1.1.0") for name in ("a", "b", "c", "d"))
    based = replace(plan, platform="2026.11.1")

    said = {}
    for output in ENDINGS:
        show_plan(Page(replace(based, broken=broken), gates), output)
        said[output] = capsys.readouterr().out

    line = (
        "platform version 2026.11.1: alignment broken by a 1.1.1 instead of 1.1.0, b 1.1.1 instead"
        " of 1.1.0, c 1.1.1 instead of 1.1.0, and 1 more"
    )
    assert line in said["table"]
    assert f"Alignment: `{line}`" in said["markdown"]
    data = json.loads(said["json"])
    jsonschema.Draft202012Validator(SCHEMA).validate(data)
    assert data["spec"]["platformVersion"]["broken"][0] == {
        "component": "a",
        "expected": "1.1.0",
        "pinned": "1.1.1",
    }
    assert Page(based, gates).alignment == "platform version 2026.11.1: aligned"
    assert Page(plan, gates).alignment == ""
