"""The check of a change as Markdown for its pull request, and as data.

Foreign text cannot leave its place, and the page stays below what a forge takes.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from reconciler.cli.render.data import moment, plan_data
from reconciler.cli.render.folding import LIMIT, Section, fold
from reconciler.cli.render.markdown import (
    HEAD,
    alignment_lines,
    capital,
    code,
    gate_lines,
    legend_lines,
    row,
)
from reconciler.cli.render.others import other_lines
from reconciler.cli.render.plan import (
    DIGITS,
    Page,
    counts,
    held,
    kinds,
    number,
    read_at,
    spell,
    summary,
)
from reconciler.core.text import clean
from reconciler.engine.review import Observed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.cli.render.data import Data
    from reconciler.core.changeset import Alteration, Changeset
    from reconciler.core.manifest import Problem
    from reconciler.core.plan import Plan
    from reconciler.engine.review import Review, Reviewed

FEW = 10
"""Rows of a wave, gates, names or problems that stay where a section is folded."""
_NAMES = 50
_TAIL = 400  # bytes kept for the line about environments that do not fit


def review_markdown(review: Review, limit: int = LIMIT) -> str:
    """Return the page: what the change alters and breaks, and the plan of each environment.

    At most `limit` bytes: rows of what is left alone are folded away first, then the waves, then
    everything but the counts.
    """
    changes = review.changes
    first = "\n".join(_first(review)) + "\n\n"
    last = "\n".join(_last(review)) + "\n"
    shown = [one for one in review.environments if one.plan is not None or one.trouble]
    around = [
        Section(_problem_forms(changes)),
        Section(_alteration_forms(changes.alterations)),
    ]
    after = [
        Section(_name_forms("No longer in the manifests, and left as they run", changes.removed)),
        Section(_name_forms("Changed, and not deployed from here", changes.remotes)),
        Section(_name_forms("Untouched", changes.untouched)),
        Section(_legend_forms(review)),
    ]
    inner = [Section(_environment_forms(review, one)) for one in shown]
    room = limit - len((first + last).encode()) - _TAIL
    texts = fold([*around, *inner, *after], room)
    lost = sum(not text for text in texts[len(around) : len(around) + len(inner)])
    if lost:
        told = f"{number(lost, 'environment')} more than fit here: see `reconciler plan`.\n\n"
        texts.insert(len(around) + len(inner), told)
    return first + "".join(texts) + last


def _first(review: Review) -> Iterator[str]:
    many = len(review.environments)
    remotes = len(review.changes.remotes)
    nothing = f"## Only {number(remotes, 'remote environment')} touched"
    if not remotes:
        nothing = "## No environment is touched"
    yield f"## Plan of {number(many, 'environment')}" if many else nothing
    yield ""
    yield (
        f"From the base `{review.base[:DIGITS]}` to the head `{review.head[:DIGITS]}`, judged by "
        "the policy and the spaces of the base. Nothing was changed."
    )
    if review.is_behind:
        yield ""
        yield (
            "**The head does not contain the base:** its pins may be older than the base's. Merge "
            "the base into it, or plan the merge commit."
        )


def _last(review: Review) -> Iterator[str]:
    kinds_of = Counter[str]()
    for one in review.environments:
        if one.plan is not None:
            kinds_of.update(action.kind.value for action in one.plan.changes)
    changing = sum(one.plan is not None and one.plan.has_work for one in review.environments)
    what = kinds(kinds_of)
    facts = [f"{number(changing, 'environment')} would change" + (f": {what}" if what else "")]
    if troubled := sum(bool(one.trouble) for one in review.environments):
        facts.append(f"{number(troubled, 'environment')} could not be planned")
    changes = review.changes
    if changes.problems:
        facts.append(f"{number(len(changes.problems), 'problem')} in the manifests")
    facts.append(f"{number(len(changes.untouched), 'environment')} untouched")
    yield capital("; ".join(facts)) + "."


def _environment_forms(review: Review, one: Reviewed) -> tuple[str, ...]:
    head = [f"### {code(one.name)}" + (" (new)" if one.is_new else ""), ""]
    plan = one.plan
    if plan is None:
        told = f"Could not be planned: {code(one.trouble, 400)}"
        return _text([*head, told, ""]), f"- {code(one.name, 120)}: could not be planned\n", ""
    where = [_where(review, one, plan), ""]
    page = Page(plan, one.gates, one.others or {}, one.estimate)
    free = "not held" if one.observed is Observed.LIVE else "not held as far as the snapshot tells"
    sentence = [capital(summary(plan, one.gates, one.estimate, free)), ""]
    gates = gate_lines(one.gates)
    rows = list(map(row, page.rows))
    changed = rows[: len(plan.changes)]
    others = [f"- {code(line, 900)}" for line in other_lines(page.others)]
    also = ["**Also deployed by**", "", *others, ""] if others else []
    aligned = alignment_lines(page)
    left = [f"{capital(page.unchanged)}.", "", *aligned]
    folded = [f"{page.left_alone}.", "", *aligned]
    brief = f"{counts(plan)}, {held(plan, one.gates, free)}" if plan.has_work else "nothing to do"
    return (
        _text([*head, *where, *_table(rows), *left, *gates, *also, *sentence]),
        _text([*head, *where, *_table(changed), *folded, *gates, *also, *sentence]),
        _text([*head, *where, *_table(_fewer(plan)), *folded, *_few(gates), *also, *sentence]),
        _text([*head, *where, *folded, *sentence]),
        f"- {code(one.name, 120)}: {brief}\n",
        "",
    )


def _where(review: Review, one: Reviewed, plan: Plan) -> str:
    if one.observed is Observed.LIVE:
        return f"Octopus read {read_at(plan.read_at)}."
    if not one.is_told:
        return "The audit branch has no snapshot of it, and Octopus was not asked."
    age = spell(review.at - plan.read_at)
    return (
        f"As the audit branch has it since {read_at(plan.read_at)}, {age} before; Octopus was not "
        "asked about releases, lifecycles, permissions and running tasks."
    )


def _table(rows: Sequence[str]) -> list[str]:
    return [*HEAD, *rows, ""] if rows else []


def _fewer(plan: Plan) -> list[str]:
    """Return the first rows of each wave, and how many there are besides."""
    rows: list[str] = []
    for wave, actions in groupby(plan.changes, key=lambda action: action.wave):
        every = list(actions)
        rows += map(row, every[:FEW])
        if len(every) > FEW:
            rows.append(f"| and {len(every) - FEW} more |  |  |  | {wave} |  |  |")
    return rows


def _few(lines: Sequence[str]) -> list[str]:
    """Return the first of a list of lines under a heading, and how many there are besides."""
    if len(lines) <= FEW + 3:
        return list(lines)
    return [*lines[: FEW + 2], f"- and {len(lines) - FEW - 3} more", ""]


def _problem_forms(changes: Changeset) -> tuple[str, ...]:
    problems = changes.problems
    if not problems:
        return ("",)
    head = ["### Invalid manifests", ""]
    if changes.broken:
        names = ", ".join(code(name) for name in changes.broken[:_NAMES])
        more = len(changes.broken) - _NAMES
        besides = f" and {more} more" if more > 0 else ""
        head += [f"Nothing is applied to {names}{besides} before they are mended.", ""]
    lines = [_problem(problem) for problem in problems]
    count = f"### {number(len(problems), 'problem')} in the manifests\n\n"
    return (
        _text([*head, *lines, ""]),
        _text([*head, *_few(["", "", *lines, ""])[2:]]),
        _text([*head, lines[0], f"- and {len(lines) - 1} more", ""]),
        count,
    )


def _problem(problem: Problem) -> str:
    return f"- {code(str(problem.place), 300)}: {code(problem.message, 400)}"


def _alteration_forms(alterations: Sequence[Alteration]) -> tuple[str, ...]:
    if not alterations:
        return ("",)
    head = [
        "### Rules that this change alters",
        "",
        "A policy, lifecycle or space counts from the acceptance of this change on, not for it.",
        "",
    ]
    lines = [line for each in alterations for line in _alteration(each)]
    altered = sum(len(each.fields) for each in alterations)
    where = "policies, lifecycles, spaces and environments"
    count = f"**{number(altered, 'field')} of {where} altered.**\n\n"
    return (
        _text([*head, *lines, ""]),
        _text([*head, *_few(["", "", *lines, ""])[2:]]),
        count,
    )


def _alteration(altered: Alteration) -> Iterator[str]:
    names = ", ".join(code(name, 100) for name in altered.environments[:FEW])
    more = len(altered.environments) - FEW
    besides = f" and {more} more" if more > 0 else ""
    whose = "" if altered.kind == "environment" else f" (of {names}{besides})"
    for change in altered.fields:
        moved = f"{code(change.before, 200)} → {code(change.after, 200)}"
        yield f"- {altered.kind} {code(altered.name, 100)}{whose}: `{change.field}` {moved}"


def _name_forms(what: str, names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ("",)
    some = ", ".join(code(name) for name in names[:_NAMES])
    more = len(names) - _NAMES
    besides = f" and {more} more" if more > 0 else ""
    return (f"{what}: {some}{besides}.\n\n", f"{what}: {number(len(names), 'environment')}.\n\n")


def _legend_forms(review: Review) -> tuple[str, ...]:
    plans = [one.plan for one in review.environments if one.plan is not None]
    actions = [a for plan in plans for a in (*plan.changes, *Page(plan, ()).ignored)]
    gates = [gate for one in review.environments for gate in one.gates]
    lines = legend_lines(actions, gates)
    return (_text(lines), "") if lines else ("",)


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def review_data(review: Review) -> dict[str, Data]:
    """Return the check as `docs/cli.md` describes it."""
    changes = review.changes
    return {
        "apiVersion": "reconciler/v1",
        "kind": "Review",
        "metadata": {"name": f"{review.base[:DIGITS]}..{review.head[:DIGITS]}"},
        "spec": {
            "altered": [_altered_data(each) for each in changes.alterations],
            "base": review.base,
            "broken": [clean(name) for name in changes.broken],
            "environments": [_environment_data(one) for one in review.environments],
            "head": review.head,
            "isBehind": review.is_behind,
            "problems": [
                {
                    "column": problem.place.column,
                    "file": clean(problem.place.file, 300),
                    "line": problem.place.line,
                    "message": clean(problem.message, 400),
                }
                for problem in changes.problems
            ],
            "remotes": [clean(name) for name in changes.remotes],
            "removed": [clean(name) for name in changes.removed],
            "untouched": [clean(name) for name in changes.untouched],
        },
    }


def _altered_data(altered: Alteration) -> Data:
    return {
        "environments": [clean(name) for name in altered.environments],
        "fields": [
            {
                "after": clean(each.after, 400),
                "before": clean(each.before, 400),
                "field": each.field,
            }
            for each in altered.fields
        ],
        "kind": altered.kind,
        "name": clean(altered.name),
    }


def _environment_data(one: Reviewed) -> Data:
    plan = one.plan
    page = None if plan is None else Page(plan, one.gates, one.others or {}, one.estimate)
    return {
        "isNew": one.is_new,
        "isTold": one.is_told,
        "name": clean(one.name),
        "observed": one.observed.value,
        "plan": None if page is None else plan_data(page),
        "readAt": None if plan is None else moment(plan.read_at),
        "trouble": clean(one.trouble, 400) if one.trouble else "",
    }
