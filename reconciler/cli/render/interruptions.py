"""What waits for people, and what they did, as tables, JSON and lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.text import Text

from reconciler.cli.output import write
from reconciler.cli.render.console import columns, show, stdout, text
from reconciler.cli.render.plan import read_at
from reconciler.core.interruption import FieldKind
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.cli.render.data import Data
    from reconciler.core.act import Act
    from reconciler.core.interruption import FormField, Interruption
    from reconciler.engine.interruptions import Question


def print_questions(questions: Sequence[Question], output: str) -> None:
    """Write what waits to stdout."""
    write(output, lambda: [_data(each) for each in questions], lambda: _print(questions))


def _print(questions: Sequence[Question]) -> None:
    if not questions:
        click.echo("nothing waits for a person")
        return
    table = columns("id", "environment", "project", "asks", "since", "results", "who", "task")
    for each in questions:
        asked = each.asked
        choice = asked.choice
        table.add_row(
            text(asked.id),
            text(each.environment),
            text(each.project),
            text(f"{asked.asking.value}: {asked.title}"),
            Text("" if asked.since is None else read_at(asked.since)),
            text("" if choice is None else " | ".join(one.value for one in choice.options)),
            text(_who(each)),
            text(asked.task_id or ""),
        )
    show(stdout(), table)


def form_lines(asked: Interruption) -> list[str]:
    """Return what a form asks, and the command that answers it."""
    lines = [f"  {clean(asked.instructions, 400)}"] if asked.instructions else []
    for each in asked.fields:
        if each.kind is not FieldKind.NOTE:
            values = " | ".join(clean(one.value, 80) for one in each.options)
            needs = ", needed" if each.is_required else ""
            lines.append(f"  {clean(each.name, 80)}: {values or each.kind.value}{needs}")
    choice = asked.choice
    result = "" if choice is None or not choice.options else choice.options[0].value
    how = f" --result {clean(result, 80)}" if result else ""
    return [*lines, f"next: reconciler interruptions submit {clean(asked.id, 80)}{how}"]


def print_acts(acts: Sequence[Act], output: str) -> None:
    """Write to stdout what people did as themselves."""
    write(output, lambda: [_act(each) for each in acts], lambda: _print_acts(acts))


def _print_acts(acts: Sequence[Act]) -> None:
    if not acts:
        click.echo("nobody did anything as themselves here")
        return
    table = columns("at", "who", "did", "to", "environment", "saying", "outcome")
    for each in acts:
        table.add_row(
            Text(read_at(each.at)),
            text(f"{each.name} ({each.login})"),
            Text(each.verb.value),
            text(each.subject),
            text(each.environment),
            text(each.detail),
            text(each.outcome),
        )
    show(stdout(), table)


def _who(question: Question) -> str:
    if question.asked.is_mine:
        return "you took it"
    if question.responsible:
        return f"{question.responsible} took it"
    teams = ", ".join(question.teams) or "anybody who may"
    return teams if question.asked.may_take else f"{teams}, not you"


def _data(question: Question) -> Data:
    asked = question.asked
    return {
        "asks": asked.asking.value,
        "canTake": asked.may_take,
        "environment": clean(question.environment),
        "form": [_field(each) for each in asked.fields],
        "id": clean(asked.id),
        "isMine": asked.is_mine,
        "project": clean(question.project),
        "responsible": clean(question.responsible) or None,
        "since": None if asked.since is None else f"{asked.since:%Y-%m-%dT%H:%M:%SZ}",
        "task": None if asked.task_id is None else clean(asked.task_id),
        "teams": [clean(team) for team in question.teams],
        "title": clean(asked.title),
    }


def _field(field: FormField) -> Data:
    return {
        "kind": field.kind.value,
        "label": clean(field.label),
        "name": clean(field.name),
        "required": field.is_required,
        "text": clean(field.text, 1000),
        "values": [clean(one.value) for one in field.options],
    }


def _act(act: Act) -> Data:
    return {
        "at": f"{act.at:%Y-%m-%dT%H:%M:%SZ}",
        "did": act.verb.value,
        "environment": clean(act.environment),
        "login": clean(act.login),
        "name": clean(act.name),
        "outcome": clean(act.outcome, 400),
        "saying": clean(act.detail, 400),
        "server": clean(act.server),
        "space": clean(act.space),
        "to": clean(act.subject),
        "user": clean(act.user),
    }
