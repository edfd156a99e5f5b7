"""Which versions were proposed last for pins that track a channel, so that none is again.

It is memory and no truth: where a store is lost, the branch that holds a proposal tells too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.store.database import Database

_SELECT = "SELECT component, version FROM proposals WHERE environment = ? ORDER BY component"
_INSERT = "INSERT OR REPLACE INTO proposals (environment, component, version) VALUES (?, ?, ?)"


class ProposalTable:
    """The table behind the journal's memory of proposals. Every failure is StoreTrouble."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, environment: str) -> Mapping[str, str]:
        """Return the version proposed last, by component."""
        found = self._database.values(_SELECT, (environment,), lambda row: (row[0], row[1]))
        return {str(component): str(version) for component, version in found}

    def put(self, environment: str, component: str, version: str) -> None:
        """Remember the version proposed last for a component."""
        with self._database.writing() as connection:
            connection.execute(_INSERT, (environment, component, version))
