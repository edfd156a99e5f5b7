"""Prompted variables: what a deployment's form asks for, and the values that people give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused

if TYPE_CHECKING:
    from reconciler.simulator.records import Space

__all__ = ["by_ids", "form", "prompted", "refuse_missing", "without_sensitive"]


def prompted(
    space: Space, snapshots: tuple[str, ...], environment: str | None
) -> list[dict[str, Any]]:
    """Return the variables of frozen sets that are asked for in an environment; None: in any."""
    return [
        each
        for snapshot in snapshots
        for each in space.variables[snapshot].variables
        if each["Prompt"] is not None
        and (environment is None or environment in each["Scope"].get("Environment", [environment]))
    ]


def form(asked: list[dict[str, Any]]) -> dict[str, object]:
    """Return the form of a preview: an element for each variable, named by its id."""
    return {
        "Values": {each["Id"]: "" if each["IsSensitive"] else each["Value"] for each in asked},
        "Elements": [
            {
                "Name": each["Id"],
                "Control": {
                    "Type": "VariableValue",
                    "Name": each["Name"],
                    "Label": each["Prompt"]["Label"] or each["Name"],
                    "Description": each["Prompt"]["Description"],
                    "IsSecure": each["IsSensitive"],
                    "Required": each["Prompt"]["Required"],
                    "DisplaySettings": each["Prompt"]["DisplaySettings"],
                },
                "IsValueRequired": each["Prompt"]["Required"],
            }
            for each in asked
        ],
    }


def by_ids(asked: list[dict[str, Any]], values: dict[str, Any]) -> dict[str, Any]:
    """Return values that are given by variables' names, or ids, by their ids."""
    low = {name.casefold(): value for name, value in values.items()}
    made: dict[str, Any] = {}
    for each in asked:
        for name in (each["Name"].casefold(), each["Id"].casefold()):
            if name in low:
                made[each["Id"]] = low[name]
    return made


def refuse_missing(asked: list[dict[str, Any]], values: dict[str, Any], message: str) -> None:
    """Refuse when a required variable has neither a value of its own nor a given one.

    Raises:
        Refused: 400 naming each by its label; the sentence is the simulator's own.
    """
    lacking = [
        each["Prompt"]["Label"] or each["Name"]
        for each in asked
        if each["Prompt"]["Required"] and not (values.get(each["Id"]) or each["Value"])
    ]
    if lacking:
        raise Refused(
            400,
            message,
            tuple(f"Please provide a value for the variable '{each}'." for each in lacking),
        )


def without_sensitive(asked: list[dict[str, Any]], values: dict[str, Any]) -> dict[str, Any]:
    """Return given values with null in place of those that never leave the server."""
    secret = {each["Id"] for each in asked if each["IsSensitive"]}
    return {name: None if name in secret else value for name, value in values.items()}
