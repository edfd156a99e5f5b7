"""Variable templates of projects and library sets: what a tenant has to give values for."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused
from reconciler.simulator.changes import without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.simulator.calls import Body

__all__ = ["guarded", "is_given", "read_templates"]

_CONTROL = "Octopus.ControlType"


def read_templates(written: Iterable[Body]) -> list[dict[str, Any]]:
    """Return templates as a client writes them, completed; new ones get an id.

    Raises:
        Refused: 400 for a choice of nothing.
    """
    return [_template(each) for each in written]


def _template(body: Body) -> dict[str, Any]:
    made = {
        "Id": body.text("Id") or str(uuid.uuid4()),
        "Name": body.text("Name") or "",
        "Label": body.text("Label") or "",
        "HelpText": body.text("HelpText") or "",
        "DisplaySettings": body.get("DisplaySettings") or {_CONTROL: "SingleLineText"},
    }
    settings = made["DisplaySettings"]
    options = isinstance(settings, dict) and settings.get("Octopus.SelectOptions")
    if isinstance(settings, dict) and settings.get(_CONTROL) == "Select" and not options:
        raise Refused(
            400,
            f"Variable template '{made['Name']}' does not have drop down options set.",
        )
    return {**made, "DefaultValue": guarded(made, body.get("DefaultValue"))}


def guarded(template: dict[str, Any], value: Any) -> Any:
    """Return a value of a template without its secret: that never leaves the server again."""
    settings = template["DisplaySettings"]
    is_secret = isinstance(settings, dict) and settings.get(_CONTROL) == "Sensitive"
    if is_secret and isinstance(value, str):
        return {"HasValue": bool(value), "NewValue": None, "Hint": None}
    return without_secrets(value)


def is_given(value: Any) -> bool:
    """Tell whether a value of a template is one: no empty text, no secret without a value."""
    return bool(value.get("HasValue") if isinstance(value, dict) else value)
