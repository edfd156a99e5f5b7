"""The routes that every kind of kept document has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import created
from reconciler.simulator.changes import free_name, has_dependants, note
from reconciler.simulator.documents import Document, Kind, users_of
from reconciler.simulator.paging import by_name, matching, page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.router import Routes

__all__ = ["serve"]


def _nothing(more: Mapping[str, Any], body: Body | None) -> Mapping[str, Any]:
    del more, body
    return {}


def serve(
    routes: Routes,
    kind: Kind,
    *,
    further: Callable[[Mapping[str, Any], Body | None], Mapping[str, Any]] = _nothing,
) -> None:
    """Register list, all, one, create, change and delete of a kind.

    `further` returns the fields, with defaults, that a document has besides the kind's: of what it
    holds, or of a body that is about to be written.
    """

    def render(call: Call, document: Document) -> dict[str, Any]:
        return kind.shown(call.space, document, further(document.more, None))

    def found(call: Call) -> list[Document]:
        return matching(call, sorted(kind.visible(call), key=by_name))

    @routes.get(kind.path)
    def listed(call: Call) -> object:
        return page(call, kind.item, found(call), lambda each: render(call, each), kind.template)

    @routes.get(f"{kind.path}/all")
    def every(call: Call) -> object:
        return [render(call, each) for each in found(call)]

    @routes.get(kind.one)
    def read(call: Call) -> object:
        return render(call, kind.named(call))

    @routes.post(kind.path)
    def create(call: Call) -> object:
        call.demand_anywhere(kind.verbs.create)
        body = call.body()
        held = kind.held_by(call.space)
        document = Document("", free_name(kind.word, held.values(), body))
        document.more = kind.read(document, body, further({}, body))
        kind.demand_everywhere(call, kind.verbs.create, document.more)
        document.id = call.world.new_id(kind.ids)
        held[document.id] = document
        note(call, "Created", kind.word, document.name, document.id)
        return created(render(call, document))

    @routes.put(kind.one)
    def change(call: Call) -> object:
        document = kind.named(call, kind.verbs.edit)
        body = call.body()
        held = kind.held_by(call.space)
        name = free_name(kind.word, held.values(), body, own=document)
        more = kind.read(document, body, further(document.more, body))
        kind.demand_everywhere(call, kind.verbs.edit, more)
        document.name, document.more = name, more
        note(call, "Modified", kind.word, name, document.id)
        return render(call, document)

    @routes.on("DELETE", kind.one)
    def delete(call: Call) -> object:
        document = kind.named(call, kind.verbs.delete)
        if any(users_of(call.space, document.id)):
            raise has_dependants(kind.word)
        shown = render(call, document)
        del kind.held_by(call.space)[document.id]
        note(call, "Deleted", kind.word, document.name, document.id)
        return shown
