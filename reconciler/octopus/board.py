"""The dashboard of a space as one value, whether one answer told all of it or several did."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.octopus import translate, wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.core.state import BoardItem
    from reconciler.octopus.client import Answer


@dataclass(frozen=True, slots=True)
class Board:
    """What the dashboard said and covered; `limit` None: it shows all projects there are."""

    projects: frozenset[str]
    environments: frozenset[str]
    tenants: frozenset[str]
    items: tuple[BoardItem, ...]
    waiting: frozenset[str]
    limit: int | None

    @classmethod
    def of(cls, answer: Answer) -> Board:
        """Read one answer; an item that two places of it repeat counts once."""
        board = wire.decode(answer, wire.Dashboard)
        items = [translate.board_item(item, is_previous=False) for item in board.items]
        if board.previous_items:
            items += [translate.board_item(one, is_previous=True) for one in board.previous_items]
            items = list(dict.fromkeys(items))
        return cls(
            projects=frozenset(one.id for one in board.projects),
            environments=frozenset(one.id for one in board.environments),
            tenants=frozenset(one.id for one in board.tenants or ()),
            items=tuple(items),
            waiting=frozenset(i.task_id for i in board.items if i.has_pending_interruptions),
            limit=board.project_limit,
        )

    def joined(self, others: Iterable[Board]) -> Board:
        """Return this board with what others show; an item of several counts once."""
        boards = (self, *others)
        return replace(
            self,
            projects=frozenset().union(*(board.projects for board in boards)),
            environments=frozenset().union(*(board.environments for board in boards)),
            tenants=frozenset().union(*(board.tenants for board in boards)),
            items=tuple(dict.fromkeys(item for board in boards for item in board.items)),
            waiting=frozenset().union(*(board.waiting for board in boards)),
        )

    def current(self) -> tuple[BoardItem, ...]:
        """Return the newest attempt of each cell."""
        return tuple(item for item in self.items if not item.is_previous)

    def before(self, items: Iterable[BoardItem]) -> tuple[BoardItem, ...]:
        """Return the successes before these attempts, as far as the board shows them."""
        cells = {_cell(item) for item in items}
        return tuple(item for item in self.items if item.is_previous and _cell(item) in cells)


def _cell(item: BoardItem) -> tuple[str, str, str | None]:
    return item.project_id, item.environment_id, item.tenant_id
