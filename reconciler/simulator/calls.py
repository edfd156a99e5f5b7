"""One request as a handler sees it: who asks, where, with which query and body."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from reconciler.simulator.answers import Refused, missing
from reconciler.simulator.letters import product_names
from reconciler.simulator.permissions import Access, access, refuse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.simulator.records import Project, Space, User
    from reconciler.simulator.world import World

__all__ = ["Body", "Call", "Query"]

_TRUE = frozenset({"true", "1", "yes", "on"})
_BIGGEST = 2_147_483_647


class Query:
    """Query arguments: names without case, lists by comma or repetition, unknown ones ignored."""

    __slots__ = ("pairs", "values")

    def __init__(self, text: str) -> None:
        self.pairs = parse_qsl(text, keep_blank_values=True) if text else []
        self.values: dict[str, list[str]] = {}
        for name, value in self.pairs:
            low = name.lower().removeprefix("paginationrequest.")
            self.values.setdefault(low, []).append(value)

    def text(self, name: str) -> str | None:
        """Return one value, or None when it is absent or empty."""
        found = self.values.get(name.lower())
        return (found[0].strip() or None) if found else None

    def many(self, *names: str) -> frozenset[str] | None:
        """Return the values of a list argument; None (no filter) when absent or empty."""
        found: set[str] = set()
        for name in names:
            for value in self.values.get(name.lower(), ()):
                found.update(part.strip() for part in value.split(",") if part.strip())
        return frozenset(found) or None

    def flag(self, name: str) -> bool | None:
        """Return a boolean argument, None when absent."""
        found = self.text(name)
        return None if found is None else found.lower() in _TRUE

    def number(self, name: str, default: int) -> int:
        """Return a whole number of at least 0.

        Raises:
            Refused: 400 when the value is no number.
        """
        found = self.text(name)
        if found is None:
            return default
        try:
            return min(max(0, int(found)), _BIGGEST)
        except ValueError:
            raise Refused(400, f"The value {found!r} is not valid for {name}.") from None


class Body:
    """A JSON object of a request: names without case; a value of a wrong type is a 400."""

    __slots__ = ("fields",)

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = {name.lower(): value for name, value in fields.items()}

    def get(self, name: str) -> Any:
        """Return a value as it came, None when absent."""
        return self.fields.get(name.lower())

    def text(self, name: str) -> str | None:
        """Return a text, None when absent, null or empty."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise _wrong_type(name)
        return value.strip() or None

    def need(self, name: str) -> str:
        """Return a text that must be there."""
        value = self.text(name)
        if value is None:
            raise Refused(400, "Model validation failed.", (f"The {name} field is required.",))
        return value

    def flag(self, name: str) -> bool:
        """Return a boolean, False when absent or null."""
        value = self.get(name)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise _wrong_type(name)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts, empty when absent or null."""
        value = self.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise _wrong_type(name)
        return tuple(value)

    def resource(self) -> Body:
        """Return the resource of a command that carries one, as commits do; else the body."""
        value = self.get("Resource")
        return Body(value) if isinstance(value, dict) else self

    def bodies(self, name: str) -> tuple[Body, ...]:
        """Return a list of objects, empty when absent or null."""
        value = self.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise _wrong_type(name)
        return tuple(Body(each) for each in value)


def _wrong_type(name: str) -> Refused:
    return Refused(400, "Model validation failed.", (f"The {name} field has the wrong type.",))


@dataclass(slots=True)
class Call:
    """A request on its way to a handler."""

    world: World
    method: str
    path: str
    query: Query
    raw_body: bytes
    now: datetime
    caller: User | None = None
    scoped_space: Space | None = None
    """The space of a mixed route when the path names one; of a space route always."""
    params: dict[str, str] | None = None
    lag: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    """The request's headers, names in small letters."""

    @property
    def user(self) -> User:
        """Return who asks; every route but the anonymous ones has one."""
        if self.caller is None:
            raise Refused(401, "You must be logged in to perform this action.")
        return self.caller

    @property
    def space(self) -> Space:
        """Return the space the request is about."""
        if self.scoped_space is None:
            raise missing("Space")
        return self.scoped_space

    def param(self, name: str) -> str:
        """Return a part of the path."""
        return (self.params or {})[name]

    def body(self, resource: str | None = None) -> Body:
        """Return the request's JSON object; some creates name the `resource` that is missing.

        Raises:
            Refused: 400 when there is none (415 for such a create) or it is no JSON object.
        """
        value = self.json()
        if value is None and resource is not None:
            raise Refused(415, f"No {resource} resource provided")
        if value is None:
            raise Refused(400, "No request body was supplied.")
        if not isinstance(value, dict):
            raise Refused(400, "Model validation failed.")
        return Body(value)

    def json(self, *, as_written: bool = False) -> Any:
        """Return the request's JSON value, None for an empty body; names as the product has them.

        Raises:
            Refused: 400 for what is no JSON.
        """
        if not self.raw_body.strip():
            return None
        try:
            value = msgspec.json.decode(self.raw_body)
            return value if as_written else product_names(value)
        except (msgspec.DecodeError, RecursionError):
            raise Refused(400, "The request body is not valid JSON.") from None

    def access(self, permission: str, space: Space | None = None) -> Access:
        """Return where the caller holds a permission in the request's (or another) space."""
        return access(self.user, permission, (space or self.space).id)

    def demand(
        self,
        permission: str,
        project: Project | None = None,
        environment: str | None = None,
        tenant: str | None = None,
        *,
        space: Space | None = None,
    ) -> None:
        """Let the request pass only when the caller holds the permission there.

        Raises:
            Refused: 403 naming the permission.
        """
        if not self.access(permission, space).allows(project, environment, tenant):
            where = [f"project {project.id}"] if project else []
            where += [f"environment {environment}"] if environment else []
            where += [f"tenant {tenant}"] if tenant else []
            raise refuse(permission, ", ".join(where))

    def demand_anywhere(self, permission: str) -> Access:
        """Let the request pass when the caller holds the permission anywhere in the space."""
        held = self.access(permission)
        if not held.anything:
            raise refuse(permission, f"space {self.space.id}")
        return held

    def demand_system(self, permission: str) -> None:
        """Let the request pass only with a permission of the system."""
        user = self.user
        if not user.is_administrator and not user.holds(permission):
            raise refuse(permission)

    def spaces(self) -> list[Space]:
        """Return the spaces the caller can see, by name."""
        return [each for each in self.world.spaces_in_order() if self.sees_space(each)]

    def sees_space(self, space: Space) -> bool:
        """Tell whether the caller holds anything in the space, or may view all spaces."""
        user = self.user
        return (
            user.is_administrator
            or user.holds("SpaceView")
            or any(grant.space_id in (None, space.id) for grant in user.all_grants)
        )

    def is_too_new(self, written: datetime) -> bool:
        """Tell whether a lagging list would not show a write of that moment yet."""
        return self.lag > 0 and written > self.now - timedelta(seconds=self.lag)

    def shown(self, records: Iterable[Any], written: str) -> list[Any]:
        """Leave out what a lagging list would not show; `written` names the moment's attribute."""
        if self.lag <= 0:
            return list(records)
        return [each for each in records if not self.is_too_new(getattr(each, written))]
