"""Interruptions as Octopus tells them: what a task asks of a person, with its form.

Source: Octopus REST API, `GET /{space}/interruptions` (`pendingOnly`), `/interruptions/{id}`; the
kinds of controls are those of Octopus' public message contracts. `Type` is told since 2025; before,
the name of the form's choice tells, or the end of the title.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.core.interruption import Asking, FieldKind, FormField, Interruption, Option
from reconciler.core.text import clean
from reconciler.octopus import wire
from reconciler.octopus.pages import read_pages
from reconciler.octopus.translate import maybe_utc

if TYPE_CHECKING:
    from reconciler.octopus.client import OctopusHttp

ONE_PAGE: Final = 1000
MOST_FIELDS: Final = 50  # of one form; Octopus' own have three
MOST_OPTIONS: Final = 20
MOST_TEAMS: Final = 20
LONGEST_TEXT: Final = 1000
_GUIDED: Final = " requires failure guidance"


class Button(wire.Wire, frozen=True):
    """One answer of a group of buttons."""

    value: str
    text: str | None = None
    requires_confirmation: bool = False


class Control(wire.Wire, frozen=True):
    """How one element of a form is shown."""

    type: str = ""
    text: str | None = None
    label: str | None = None
    buttons: list[Button] | None = None


class Element(wire.Wire, frozen=True):
    """One element of a form."""

    name: str
    control: Control
    is_value_required: bool = False


class Form(wire.Wire, frozen=True):
    """A form with the values given so far."""

    values: dict[str, Any] | None = None
    elements: list[Element] | None = None


class InterruptionDocument(wire.Wire, frozen=True):
    """`GET /{space}/interruptions/{id}`; only who waits is needed for holding (rule 17)."""

    id: wire.Id
    is_pending: bool
    task_id: wire.Id | None
    title: str | None = None
    type: str | None = None
    created: wire.Time | None = None
    form: Form | None = None
    related_document_ids: list[str] | None = None
    responsible_team_ids: list[str] | None = None
    responsible_user_id: str | None = None
    can_take_responsibility: bool = False
    has_responsibility: bool = False


async def read_pending(
    http: OctopusHttp, space_id: str, *, alone: bool = False
) -> tuple[tuple[Interruption, ...], bool]:
    """Return what waits for a person in a space, newest first, and whether that is all.

    `alone` as for `OctopusHttp.get`.
    """
    said, complete = await read_pages(
        http,
        f"api/{space_id}/interruptions",
        {"pendingOnly": "true"},
        InterruptionDocument,
        ONE_PAGE,
        alone=alone,
    )
    return tuple(interruption(one) for one in said if one.is_pending), complete


def interruption(said: InterruptionDocument) -> Interruption:
    """Return an interruption; all its texts are foreign, cleaned and bounded."""
    form = said.form or Form()
    fields = tuple(map(_field, (form.elements or ())[:MOST_FIELDS]))
    title = clean(said.title or "")
    given = {} if form.values is None else form.values
    return Interruption(
        id=said.id,
        title=title,
        asking=_asking(said, fields),
        since=maybe_utc(said.created),
        is_pending=said.is_pending,
        task_id=said.task_id,
        fields=fields,
        teams=tuple(clean(one, 80) for one in (said.responsible_team_ids or ())[:MOST_TEAMS]),
        responsible=said.responsible_user_id,
        may_take=said.can_take_responsibility,
        is_mine=said.has_responsibility,
        related=frozenset(said.related_document_ids or ()),
        given=tuple((f.name, _text(given.get(f.name))) for f in fields),
    )


def _asking(said: InterruptionDocument, fields: tuple[FormField, ...]) -> Asking:
    names = {field.name for field in fields if field.kind is FieldKind.CHOICE}
    guided = "Guidance" in names or (said.title or "").endswith(_GUIDED)
    match said.type:
        case "ManualIntervention":
            return Asking.INTERVENTION
        case "GuidedFailure":
            return Asking.GUIDANCE
        case None if guided:
            return Asking.GUIDANCE
        case None if "Result" in names:
            return Asking.INTERVENTION
        case _:
            return Asking.OTHER


def _field(said: Element) -> FormField:
    control = said.control
    kinds = {
        "Paragraph": FieldKind.NOTE,
        "SubmitButtonGroup": FieldKind.CHOICE,
        "Checkbox": FieldKind.CHECK,
    }
    kind = kinds.get(control.type, FieldKind.TEXT)
    return FormField(
        name=clean(said.name, 200),
        kind=kind,
        label=clean(control.label or ""),
        text=clean(control.text or "", LONGEST_TEXT),
        is_required=said.is_value_required and kind is not FieldKind.NOTE,
        options=tuple(
            Option(clean(one.value, 80), clean(one.text or "", 80), one.requires_confirmation)
            for one in (control.buttons or ())[:MOST_OPTIONS]
        ),
    )


def _text(value: object) -> str | None:
    return clean(value, LONGEST_TEXT) if isinstance(value, str) else None
