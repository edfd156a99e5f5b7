"""Interruptions: a task of Octopus waits for a person, with a form to be filled in.

Only a person answers one, with their own key; nothing here is ever answered by the daemon.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Asking(StrEnum):
    """What kind of question it is, in words."""

    INTERVENTION = "manual intervention"
    GUIDANCE = "guided failure"
    OTHER = "question"  # newer kinds, of which we know only that a person answers them


class FieldKind(StrEnum):
    """What a field of a form takes."""

    NOTE = "note"  # words to read, nothing to fill in
    TEXT = "text"
    CHECK = "check"  # True or False
    CHOICE = "choice"  # one of its options; how it is answered


@dataclass(frozen=True, slots=True)
class Option:
    """One answer of a choice: the value that is sent, its label, and whether to ask twice."""

    value: str
    label: str
    is_grave: bool = False


@dataclass(frozen=True, slots=True)
class FormField:
    """One element of a form. `name` is as Octopus has it; `label`, `text` are clean."""

    name: str
    kind: FieldKind
    label: str = ""
    text: str = ""
    is_required: bool = False
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Interruption:
    """A question that a task asks, as the asking user sees it.

    `since` is aware UTC, None where the server does not tell. `teams` are ids of those who are
    responsible, empty: everybody who may answer at all. `responsible` is the id of the user who
    took it. `may_take` and `is_mine` speak of whose key read it. `related` are ids of what it is
    about. `given` are the values submitted, or kept so far. Texts are clean.
    """

    id: str
    title: str = ""
    asking: Asking = Asking.OTHER
    since: datetime | None = None
    is_pending: bool = True
    task_id: str | None = None
    fields: tuple[FormField, ...] = ()
    teams: tuple[str, ...] = ()
    responsible: str | None = None
    may_take: bool = False
    is_mine: bool = False
    related: frozenset[str] = frozenset()
    given: tuple[tuple[str, str | None], ...] = ()

    @property
    def choice(self) -> FormField | None:
        """The field that decides how it goes on, None where there is none."""
        return next((field for field in self.fields if field.kind is FieldKind.CHOICE), None)

    @property
    def instructions(self) -> str:
        """What the form tells to whoever answers it."""
        return " ".join(f.text for f in self.fields if f.kind is FieldKind.NOTE and f.text)

    @property
    def words(self) -> str:
        """What is asked, since when, and which answers there are: one clean line."""
        since = "" if self.since is None else f" since {self.since:%Y-%m-%d %H:%M}Z"
        title = f" '{self.title}'" if self.title else ""
        choice = self.choice
        values = "" if choice is None else f" ({' | '.join(one.value for one in choice.options)})"
        return f"{self.asking.value}{title} waits for a person{since}{values}, {self.id}"


class FormRefused(ValueError):
    """What was given does not fit the form; the message says what does."""


def filled(
    asked: Interruption, result: str | None, values: Mapping[str, str]
) -> dict[str, str | None]:
    """Return the values to submit: every field of the form, as given or as it was kept.

    `result` answers the form's choice, whatever that is called.

    Raises: FormRefused: an unknown field, no such answer, or a required one left out.
    """
    by_name = {field.name.casefold(): field for field in asked.fields}
    kept = dict(asked.given)
    found: dict[str, str | None] = {field.name: kept.get(field.name) for field in asked.fields}
    choice = asked.choice
    if result is not None:
        if choice is None:
            raise FormRefused("its form has no choice of results; give its fields with --set")
        values = {**values, choice.name: result}
    for name, value in values.items():
        field = by_name.get(name.casefold())
        takes = ", ".join(f.name for f in asked.fields if f.kind is not FieldKind.NOTE) or "nothing"
        if field is None or field.kind is FieldKind.NOTE:
            raise FormRefused(f"its form does not ask for '{name}'; it asks for {takes}")
        found[field.name] = _fitting(field, value)
    lacking = [f.name for f in asked.fields if f.is_required and not found[f.name]]
    if lacking:
        answers = "" if choice is None else f": {', '.join(one.value for one in choice.options)}"
        means = answers if choice is not None and lacking == [choice.name] else ""
        raise FormRefused(f"its form needs {', '.join(lacking)}{means}")
    return found


def graveness(asked: Interruption, values: Mapping[str, str | None]) -> str:
    """Return the chosen answer where Octopus asks people twice before it, else nothing."""
    for field in asked.fields:
        for option in field.options:
            if option.is_grave and values.get(field.name) == option.value:
                return option.value
    return ""


def _fitting(field: FormField, value: str) -> str:
    match field.kind:
        case FieldKind.CHOICE:
            for option in field.options:
                if value.casefold() == option.value.casefold():
                    return option.value
            answers = ", ".join(option.value for option in field.options)
            raise FormRefused(f"{field.name} is one of {answers}, not '{value}'")
        case FieldKind.CHECK:
            if value.casefold() not in {"true", "false"}:
                raise FormRefused(f"{field.name} is True or False, not '{value}'")
            return value.capitalize()
        case FieldKind.TEXT | FieldKind.NOTE:
            return value
