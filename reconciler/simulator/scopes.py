"""Scopes of variables: which value holds where, and who may see or change it.

Source: Octopus' public documentation, "Scoping variables". Values of one key are alternatives,
every key must be met, and the most specific match wins.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.simulator.permissions import Access
    from reconciler.simulator.records import Project

__all__ = ["Place", "allows", "read_scope", "winners"]

_KEYS = ("Action", "Machine", "Role", "Tenant", "TenantTag", "Environment", "Channel",
         "ProcessOwner", "Project", "TargetRole", "User", "Trigger", "ParentDeployment", "Private",
         "ProjectTemplate")  # fmt: skip
"""Keys that a scope may have, the most specific first."""

_SPELLED = {each.casefold(): each for each in _KEYS}


def read_scope(written: Any) -> dict[str, list[str]]:
    """Return a scope as the server spells its keys; empty lists count as no key.

    Raises:
        Refused: 400 for a key that there is not, or values that are no list of texts.
    """
    if not isinstance(written, dict):
        raise _wrong("The Scope field has the wrong type.")
    made: dict[str, list[str]] = {}
    for key, values in written.items():
        if key.casefold() not in _SPELLED:
            raise _wrong(f"A variable cannot be scoped to '{key}'.")
        if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
            raise _wrong("The Scope field has the wrong type.")
        if values:
            made[_SPELLED[key.casefold()]] = list(values)
    return made


def _wrong(sentence: str) -> Refused:
    return Refused(400, "Model validation failed.", (sentence,))


def allows(scope: dict[str, list[str]], project: Project, scoped: Access, unscoped: Access) -> bool:
    """Tell whether a permission covers a variable, by its environments where it has some."""
    environments = scope.get("Environment")
    if not environments:
        return unscoped.allows(project)
    return any(scoped.allows(project, each) for each in environments)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a variable is asked for: values by key of a scope."""

    values: dict[str, frozenset[str]] = field(default_factory=dict)

    def holds(self, scope: dict[str, list[str]]) -> bool:
        """Tell whether every key of a scope has one of its values here."""
        return all(
            any(each.casefold() in self.values.get(key, ()) for each in values)
            for key, values in scope.items()
        )


def winners(place: Place, variables: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the variable of each name that holds at a place; of equals the first given."""
    found: dict[str, dict[str, Any]] = {}
    for each in variables:
        if not place.holds(each["Scope"]):
            continue
        name = each["Name"].casefold()
        if name not in found or _weight(each["Scope"]) > _weight(found[name]["Scope"]):
            found[name] = each
    return sorted(found.values(), key=lambda each: str(each["Name"]).casefold())


def _weight(scope: dict[str, list[str]]) -> tuple[bool, ...]:
    return tuple(key in scope for key in _KEYS)
