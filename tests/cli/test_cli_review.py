"""The check of a change as a page: whatever a change brings, it stays a comment of a forge."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli_values import COMMIT, HOSTILE, READ_AT
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from ruamel.yaml import YAML

from reconciler.cli.plan import command
from reconciler.cli.render.data import as_json, as_yaml
from reconciler.cli.render.folding import LIMIT, Section, fold
from reconciler.cli.render.review import review_data, review_markdown
from reconciler.core.cellkey import WHOLE, cell_key
from reconciler.core.changeset import Alteration, Changeset, FieldChange
from reconciler.core.estimate import Estimate
from reconciler.core.gate import Gate, GateName
from reconciler.core.manifest import Place, Problem
from reconciler.core.plan import Action, Kind, Plan, Reason
from reconciler.engine.review import Observed, Review, Reviewed

if TYPE_CHECKING:
    from cli_golden import Golden

HEAD = "a1" * 20
NOTHING = Changeset((), frozenset(), (), (), (), (), ())


def environment(name: str, actions: tuple[Action, ...], *gates: Gate) -> Reviewed:
    plan = Plan(name, HEAD, READ_AT, actions)
    return Reviewed(name, is_new=False, observed=Observed.LIVE, plan=plan, gates=gates)


def upgrade(name: str, wave: int = 1) -> Action:
    return Action(cell_key(name), Kind.UPGRADE, Reason.NEW_PIN, "1.0.0", "1.1.0", wave=wave)


def held(name: str) -> Action:
    return Action(cell_key(name), Kind.IGNORE, Reason.HELD, "1.0.0", "1.1.0", "CHG-1")


def review(*environments: Reviewed, changes: Changeset = NOTHING, behind: bool = False) -> Review:
    return Review(COMMIT, HEAD, READ_AT + timedelta(hours=3), behind, changes, environments)


def hostile_names(many: int) -> list[str]:
    told = random.Random(7)  # the same names at every run
    texts = [text[:100] for text in HOSTILE]
    return [f"{told.choice(texts)}{n}{told.choice(texts)}" for n in range(many)]


def test_a_check_tells_rules_problems_plans_and_what_is_untouched(golden: Golden) -> None:
    changes = replace(
        NOTHING,
        untouched=("qa", "test"),
        removed=("old",),
        broken=("bad",),
        problems=(Problem(Place("bad.yaml", 3, 9), "2.40 is a number: quote it"),),
        alterations=(
            Alteration(
                *("policy", "open", (FieldChange("mode", "apply", "heal"),)), ("live", "qa")
            ),
        ),
    )
    brake = Gate(WHOLE, GateName.BRAKE, "too many", "fewer")
    live = environment("live", (upgrade("api"), held("web")), brake)
    snapshot = replace(
        environment("uk", (upgrade("api"),)),
        observed=Observed.SNAPSHOT,
        is_new=True,
        estimate=Estimate(1, 30, timedelta(seconds=90), 0),
    )
    dead = Reviewed("dead", False, Observed.LIVE, None, trouble="no answer from `x` @you")
    whole = review(live, snapshot, dead, changes=changes, behind=True)

    golden.compare("review.md", review_markdown(whole))
    golden.compare("review.json", as_json(review_data(whole)))
    golden.compare("review.yaml", as_yaml(review_data(whole)))


def test_a_change_that_touches_nothing_says_so() -> None:
    text = review_markdown(review(changes=replace(NOTHING, untouched=("qa",))))

    assert text.startswith("## No environment is touched\n")
    assert text.endswith("0 environments would change; 1 environment untouched.\n")


def test_a_change_of_a_remote_environment_alone_is_told_as_one() -> None:
    changes = replace(NOTHING, remotes=("clinic",))

    text = review_markdown(review(changes=changes))

    assert text.startswith("## Only 1 remote environment touched\n")
    assert "Changed, and not deployed from here: `clinic`.\n" in text
    assert review_data(review(changes=changes))["spec"]["remotes"] == ["clinic"]


def test_the_example_workflow_runs_what_the_program_takes() -> None:
    file = Path(__file__).parents[2] / ".github" / "examples" / "plan-pull-request.yml"
    (job,) = YAML(typ="safe").load(file.read_text())["jobs"].values()
    runs = " ".join(step.get("run", "") for step in job["steps"])
    takes = {option for each in command.params for option in each.opts}

    assert "reconciler plan --repo" in runs
    asked = {word for word in runs.partition("reconciler plan")[2].split()[:8] if word[:2] == "--"}
    assert asked == {"--repo", "--base", "--head"} & takes
    assert {step.get("working-directory", "${{ runner.temp }}") for step in job["steps"]} == {
        "${{ runner.temp }}"
    }


def test_a_thousand_hostile_changes_fit_below_the_limit_and_the_counts_stay() -> None:
    names = hostile_names(1000)
    actions = tuple(upgrade(name, 1 + n % 7) for n, name in enumerate(names))
    left = tuple(held(name) for name in names)
    gates = [Gate(cell_key(n), GateName.PERMISSION, n, n) for n in names]

    text = review_markdown(review(environment(names[0], (*actions, *left), *gates)))

    assert len(text.encode()) <= LIMIT
    assert "1000 upgrades in 7 waves" in text
    assert "1 environment would change: 1000 upgrades" in text
    assert_tame(text)


def test_a_thousand_environments_fit_and_those_that_do_not_are_counted() -> None:
    names = hostile_names(1000)
    every = [environment(name, (upgrade(name), held(name))) for name in names]

    text = review_markdown(review(*every))

    assert len(text.encode()) <= LIMIT
    assert "environments more than fit here: see `reconciler plan`." in text
    assert "1000 environments would change: 1000 upgrades" in text
    assert_tame(text)


def test_rows_of_what_is_left_alone_go_first_and_then_the_waves() -> None:
    small = environment("small", (upgrade("a"), held("b")))
    large = environment("large", (*(upgrade(f"c{n}") for n in range(300)), held("d")))
    both = review(small, large)
    whole = len(review_markdown(both))

    first = review_markdown(both, whole + 390)  # room that is kept for another line
    second = review_markdown(both, whole - 300)

    assert "| `d` | ignore" not in first
    assert "| `b` | ignore" in first
    assert "| `c299` | upgrade" in first
    assert "Left alone: 1 held." in first
    assert "| `b` | ignore" not in second
    assert "| `c299` | upgrade" not in second
    assert "| `c0` | upgrade" in second
    assert "| and 290 more |  |  |  | 1 |  |  |" in second


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.text(max_size=80), min_size=1, max_size=5), max_size=12),
    st.integers(0, 2000),
)
def test_folding_keeps_every_section_in_one_of_its_forms_and_fits_where_anything_does(
    drawn: list[list[str]], room: int
) -> None:
    sections = [Section(tuple(sorted(forms, key=lambda f: -len(f.encode())))) for forms in drawn]

    texts = fold(sections, room)

    assert all(text in each.forms for text, each in zip(texts, sections, strict=True))
    smallest = sum(len(each.forms[-1].encode()) for each in sections)
    assert sum(len(text.encode()) for text in texts) <= max(room, smallest)


WORD = st.text(max_size=40) | st.sampled_from([text[:200] for text in HOSTILE])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(WORD, WORD), min_size=1, max_size=8), WORD)
def test_rule_52_no_word_of_a_change_leaves_its_place(
    words: list[tuple[str, str]], name: str
) -> None:
    actions = tuple(held(one)._replace(note=other, to_version=one) for one, other in words)
    place = Place(name, 1, 1)
    changes = replace(
        NOTHING,
        untouched=(name,),
        removed=(name,),
        broken=(name,),
        problems=(Problem(place, name),),
        alterations=(Alteration("policy", name, (FieldChange("mode", name, name),), (name,)),),
    )
    gate = Gate(cell_key(name), GateName.PERMISSION, name, name)
    dead = Reviewed(name, is_new=True, observed=Observed.LIVE, plan=None, trouble=name)

    assert_tame(review_markdown(review(environment(name, actions, gate), dead, changes=changes)))


OURS = {"<details><summary>What the words mean</summary>", "</details>"}


def assert_tame(text: str) -> None:
    """Check what a forge makes of a page: our own elements, and all that is foreign as code."""
    assert all(char.isprintable() or char == "\n" for char in text)
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    assert {t.content.strip() for t in tokens if t.type == "html_block"} <= OURS
    assert not [t for t in tokens if t.type in {"fence", "code_block", "blockquote_open", "hr"}]
    row, rows = 0, []
    for token in tokens:
        row = 0 if token.type == "tr_open" else row + (token.type in {"td_open", "th_open"})
        if token.type == "tr_close":
            rows.append(row)
    assert set(rows) <= {7}
    inner = [child for token in tokens for child in token.children or ()]
    allowed = {"text", "softbreak", "code_inline", "strong_open", "strong_close", "html_inline"}
    assert {t.type for t in inner} <= allowed
    assert {t.content for t in inner if t.type == "html_inline"} <= {"<code>", "</code>"}
    depth = 0
    for token in inner:
        depth += {"<code>": 1, "</code>": -1}.get(token.content, 0)
        if token.type == "text" and depth == 0:
            assert "@" not in token.content
            assert "://" not in token.content
            assert "www." not in token.content


@pytest.mark.parametrize("text", HOSTILE)
def test_rule_52_a_hostile_name_of_a_file_is_shown_and_obeyed_nowhere(text: str) -> None:
    changes = replace(NOTHING, problems=(Problem(Place(text, 1, 1), text),), broken=(text,))

    assert_tame(review_markdown(review(changes=changes)))
