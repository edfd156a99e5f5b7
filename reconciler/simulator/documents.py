"""Resources that the simulator keeps as clients write them: accounts, certificates, proxies...

Nothing in the simulator acts on them. A `Kind` says what one has, and who may do what with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import missing
from reconciler.simulator.changes import changed_fields
from reconciler.simulator.permissions import refuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.permissions import Access
    from reconciler.simulator.records import Space

__all__ = ["SECRET", "Document", "Kind", "Verbs", "mentions", "users_of"]

SECRET = {"HasValue": False, "NewValue": None, "Hint": None}
"""A sensitive value nobody has set."""


@dataclass(slots=True, eq=False)
class Document:
    """One such resource: `more` holds what was set, by the names of the kind's fields."""

    id: str
    name: str
    more: dict[str, Any] = field(default_factory=dict)
    content: bytes = b""
    """What it carries besides its fields: the bytes of a certificate or a file."""
    history: list[dict[str, Any]] = field(default_factory=list)
    """How it looked before each change, where versions are kept."""


@dataclass(frozen=True, slots=True)
class Verbs:
    """The permissions a kind asks for."""

    view: str
    create: str
    edit: str
    delete: str

    @classmethod
    def of(cls, noun: str) -> Verbs:
        """Return the four permissions that most kinds have."""
        return cls(f"{noun}View", f"{noun}Create", f"{noun}Edit", f"{noun}Delete")


@dataclass(frozen=True, slots=True)
class Kind:
    """A collection of such resources: its path, its words, its fields with their defaults."""

    path: str
    param: str
    """What paths call one of them: `account` in `accounts/{account}`."""
    item: str
    word: str
    ids: str
    verbs: Verbs
    fields: Mapping[str, Any]
    links: Mapping[str, str] = field(default_factory=dict)
    """Further links by name: what follows the resource's own address."""
    template: str = "{?skip,take,ids,partialName}"

    @property
    def one(self) -> str:
        """Return the template of the path of one of them."""
        return f"{self.path}/{{{self.param}}}"

    def held_by(self, space: Space) -> dict[str, Document]:
        """Return the documents of a space by id."""
        return space.documents.setdefault(self.path, {})

    def shown(self, space: Space, document: Document, more: Mapping[str, Any]) -> dict[str, Any]:
        """Return a document as JSON; `more` holds fields that only some of the kind have."""
        own = f"/api/{space.id}/{self.path}/{document.id}"
        return {
            "Id": document.id,
            "SpaceId": space.id,
            "Name": document.name,
            **self.fields,
            **more,
            **document.more,
            "Links": {"Self": own, **{name: own + rest for name, rest in self.links.items()}},
        }

    def read(self, document: Document, body: Body, more: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a document holds once a body is written into it."""
        return changed_fields({**self.fields, **more}, body, kept=document.more)

    def visible(self, call: Call) -> list[Document]:
        """Return the documents of the request's space that the caller may view."""
        held = call.demand_anywhere(self.verbs.view)
        return [each for each in self.held_by(call.space).values() if _sees(held, each.more)]

    def named(self, call: Call, permission: str | None = None) -> Document:
        """Return the document that the path names by id.

        Raises:
            Refused: 404 when there is none, 403 when the caller may not.
        """
        permission = permission or self.verbs.view
        held = call.demand_anywhere(permission)
        document = self.held_by(call.space).get(call.param(self.param))
        if document is None:
            raise missing(self.word)
        if not _sees(held, document.more):
            raise refuse(permission, document.id)
        return document

    def demand_everywhere(self, call: Call, permission: str, more: Mapping[str, Any]) -> None:
        """Let a write pass only when the permission covers all that the document is for."""
        held = call.demand_anywhere(permission)
        places = more.get("EnvironmentIds") or (None,)
        if not all(held.allows(environment=each) for each in places):
            raise refuse(permission, f"space {call.space.id}")


def _sees(held: Access, more: Mapping[str, Any]) -> bool:
    places = more.get("EnvironmentIds") or ()
    return not places or any(held.allows(environment=each) for each in places)


def mentions(value: object, wanted: str) -> bool:
    """Tell whether a JSON value has a text in it, at any depth."""
    if isinstance(value, dict):
        return any(mentions(each, wanted) for each in value.values())
    if isinstance(value, list | tuple):
        return any(mentions(each, wanted) for each in value)
    return value == wanted


def users_of(space: Space, wanted: str) -> Iterator[tuple[str, str]]:
    """Yield id and name of each machine and worker whose endpoint names a document."""
    for machines in (space.machines, space.workers):
        for machine in machines.values():
            if mentions(machine.endpoint, wanted):
                yield machine.id, machine.name
