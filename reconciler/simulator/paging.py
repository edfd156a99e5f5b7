"""Collections: the envelope, its pages and links, and the filters that every list shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from reconciler.simulator.calls import Call

__all__ = ["DEFAULT_TAKE", "by_ids", "by_name", "matching", "page", "wrap"]

DEFAULT_TAKE = 30
_ALL = 2_147_483_647

T = TypeVar("T")


def by_name(record: Any) -> tuple[str, str]:
    """Sort key of lists that stand by name."""
    return (record.name.casefold(), record.id)


def by_ids(call: Call, records: Iterable[T]) -> list[T]:
    """Keep the records that `ids=` names; all of them when it is absent or empty."""
    wanted = call.query.many("ids")
    if wanted is None:
        return list(records)
    return [record for record in records if record.id in wanted]  # type: ignore[attr-defined]


def matching(call: Call, records: Iterable[T]) -> list[T]:
    """Keep what `ids=`, `name=` (exact) and `partialName=` (contains, any case) ask for."""
    kept: list[Any] = by_ids(call, records)
    name = call.query.text("name")
    if name is not None:
        kept = [record for record in kept if record.name.casefold() == name.casefold()]
    part = call.query.text("partialName")
    if part is not None:
        kept = [record for record in kept if part.casefold() in record.name.casefold()]
    return kept


def page(
    call: Call,
    kind: str,
    records: Sequence[T],
    render: Callable[[T], object],
    template: str = "{?skip,ids,take,partialName}",
) -> dict[str, object]:
    """Return one page of the records: only those on it are rendered."""
    skip = call.query.number("skip", 0)
    take = call.query.number("take", DEFAULT_TAKE)
    items = [render(record) for record in records[skip : skip + take]]
    return wrap(call, kind, items, len(records), skip=skip, take=take, template=template)


def wrap(
    call: Call,
    kind: str,
    items: list[object],
    total: int,
    *,
    skip: int,
    take: int,
    template: str,
) -> dict[str, object]:
    """Put items that are one page already into the envelope."""
    pages = max(1, -(-total // take)) if take else 1
    filters = "".join(
        f"&{quote(name)}={quote(value)}"
        for name, value in call.query.pairs
        if name.lower() not in ("skip", "take", "apikey")
    )

    def link(at: int, size: int) -> str:
        return f"{call.path}?skip={at}&take={size}{filters}"

    links = {
        "Self": link(skip, take),
        "Template": call.path + template,
        "Page.All": link(0, _ALL),
        "Page.Current": link(skip, take),
        "Page.Last": link((pages - 1) * take, take),
    }
    if skip + take < total and take:
        links["Page.Next"] = link(skip + take, take)
    if skip > 0:
        links["Page.Previous"] = link(max(0, skip - take), take)
    return {
        "ItemType": kind,
        "TotalResults": total,
        "ItemsPerPage": take,
        "NumberOfPages": pages,
        "LastPageNumber": pages - 1,
        "Items": items,
        "Links": links,
    }
