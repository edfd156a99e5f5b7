"""Deployments and releases that Octopus was asked about, kept so that it need not be asked again.

A deployment never changes; a release is as the newest deployment of it was found to be.

Losing a row costs one more request, nothing else. What is in memory is brought up to date with
what other processes added, row by row.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, TypeVar

from reconciler.ports import Known
from reconciler.store.rows import deployment_of, deployment_text, release_of, release_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.core.state import DeploymentDetail, ReleaseDetail
    from reconciler.store.database import Database

KEPT = 200_000  # rows of each table, over all spaces: some 100 MB on disk at most

Detail = TypeVar("Detail")


@dataclass(slots=True)
class _Held(Generic[Detail]):
    """What is in memory of one space, and the newest row it has seen."""

    number: int = 0
    details: dict[str, Detail] = field(default_factory=dict)


class _Shelf(Generic[Detail]):
    """One table of the cache."""

    def __init__(
        self,
        database: Database,
        table: str,
        to_text: Callable[[Detail], str],
        of_text: Callable[[str], Detail],
    ) -> None:
        self._database = database
        self._to_text = to_text
        self._of_text = of_text
        self._held: dict[tuple[str, str], _Held[Detail]] = {}
        self._lock = threading.Lock()
        # The table's name is one of two constants of this file.
        self._select = (
            f"SELECT number, id, body FROM {table} "  # noqa: S608
            "WHERE server = ? AND space = ? AND number > ? ORDER BY number"
        )
        self._insert = (
            f"INSERT OR REPLACE INTO {table} (server, space, id, body) VALUES (?, ?, ?, ?)"  # noqa: S608
        )
        self._trim = f"DELETE FROM {table} WHERE number <= (SELECT max(number) - ? FROM {table})"  # noqa: S608

    def all(self, server: str, space: str) -> Mapping[str, Detail]:
        with self._lock:
            held = self._held.setdefault((server, space), _Held())
            if len(held.details) > KEPT:
                held.number, held.details = 0, {}
            rows = self._database.values(
                self._select,
                (server, space, held.number),
                lambda row: (row[0], row[1], self._of_text(row[2])),
            )
            if rows:
                # A new dict: what was handed out before never changes.
                held.details = held.details | {key: detail for _, key, detail in rows}
                held.number = rows[-1][0]
            return MappingProxyType(held.details)

    def add(self, server: str, space: str, details: Mapping[str, Detail]) -> None:
        with self._lock:
            held = self._held.get((server, space), _Held())
            new = [
                (server, space, key, self._to_text(detail))
                for key, detail in details.items()
                if held.details.get(key) != detail
            ]
        if new:
            with self._database.writing() as connection:
                connection.executemany(self._insert, new)
                connection.execute(self._trim, (KEPT,))


class SeenCache:
    """Deployments and releases by (server, space, id)."""

    def __init__(self, database: Database) -> None:
        self._deployments: _Shelf[DeploymentDetail] = _Shelf(
            database, "seen_deployments", deployment_text, deployment_of
        )
        self._releases: _Shelf[ReleaseDetail] = _Shelf(
            database, "seen_releases", release_text, release_of
        )

    def known(self, server: str, space: str) -> Known:
        """Return everything kept of a space."""
        return Known(
            deployments=self._deployments.all(server, space),
            releases=self._releases.all(server, space),
        )

    def remember(self, server: str, space: str, known: Known) -> None:
        """Keep what is new; the oldest rows make room."""
        self._deployments.add(server, space, known.deployments)
        self._releases.add(server, space, known.releases)
