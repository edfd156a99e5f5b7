"""Collections read to their end: pages, and documents by their ids.

Source: Octopus REST API, collection resources (`TotalResults`, `Items`, `skip`, `take`, `ids`).
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from reconciler.errors import BadAnswer, NotAllowed, OctopusTrouble
from reconciler.octopus import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping

    from reconciler.octopus.client import OctopusHttp

IDS_AT_ONCE: Final = 100  # about 1.6 kB of address, far below the 8 kB servers accept
MOST_PAGES: Final = 1000


class HasId(Protocol):
    """Whatever a collection holds."""

    @property
    def id(self) -> str:
        """Octopus' id of it."""


Item = TypeVar("Item", bound=HasId)


def not_the_list(where: str, fault: str = "only a part of the list") -> BadAnswer:
    """Return what is wrong with a list that is not the one that was asked for."""
    return BadAnswer(
        f"{where} answered with {fault}.",
        hint="try again; if it stays, check that the server's version is supported",
    )


@asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """Run requests side by side; the first failure cancels the others and is raised by itself.

    A refusal of our key is told before anything else that failed with it.
    """
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except ExceptionGroup as failures:
        troubles, bugs = failures.split(OctopusTrouble)
        if bugs is not None or troubles is None:
            raise
        refused, _ = troubles.split(NotAllowed)
        first: BaseException = refused or troubles
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


async def read_pages(
    http: OctopusHttp,
    path: str,
    query: Mapping[str, str],
    shape: type[Item],
    take: int,
    at_most: int | None = None,
    *,
    alone: bool = False,
) -> tuple[tuple[Item, ...], bool]:
    """Return the items of a collection, or its first `at_most`, and whether that is all of them.

    A list that moves while it is read could hide an item between two pages, so pages overlap and
    must share an item; where they do not, or the server stops early, the answer is not complete.
    `alone` as for `OctopusHttp.get`.
    """
    found: dict[str, Item] = {}
    skip = 0
    for _ in range(MOST_PAGES):
        paging = {**query, "skip": str(skip), "take": str(take)}
        page = wire.decode(await http.get(path, paging, alone=alone), _page_of(shape))
        known = len(found)
        connects = skip == 0 or any(item.id in found for item in page.items)
        found.update((item.id, item) for item in page.items)
        wanted = page.total_results if at_most is None else min(at_most, page.total_results)
        if not connects:
            break
        if len(found) >= wanted:
            return tuple(found.values())[:at_most], True
        if len(found) == known:
            break
        skip = len(found) - max(len(page.items) // 10, 1)
    return tuple(found.values())[:at_most], False


async def read_by_ids(
    http: OctopusHttp,
    path: str,
    ids: Collection[str],
    shape: type[Item],
    *,
    alone: bool = False,
) -> tuple[Item, ...]:
    """Return the documents with these ids, as many as the server has, 100 to a request.

    Asks nothing for no ids: an empty `ids=` would mean everything.
    """
    wanted = sorted(set(ids))
    chunks = [wanted[i : i + IDS_AT_ONCE] for i in range(0, len(wanted), IDS_AT_ONCE)]
    async with together() as group:
        reading = [
            group.create_task(
                read_pages(
                    http, path, {"ids": ",".join(chunk)}, shape, take=len(chunk), alone=alone
                )
            )
            for chunk in chunks
        ]
    asked = set(wanted)
    return tuple(item for task in reading for item in task.result()[0] if item.id in asked)


def _page_of(shape: type[Item]) -> type[wire.Page[Item]]:
    return wire.Page[shape]  # type: ignore[valid-type]
