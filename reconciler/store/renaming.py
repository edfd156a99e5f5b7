"""What a store keeps of an environment under its former name goes on under the new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

TABLES = (
    "intents",
    "queue",
    "receipts",
    "refreshes",
    "accepted",
    "pauses",
    "retries",
    "sicknesses",
    "proposals",
)
"""Those that go on. Approvals do not: their plan names the environment."""


def rename(connection: sqlite3.Connection, former: str, environment: str) -> None:
    """Rename an environment in every table; what stands under the new name already stays."""
    for table in TABLES:
        connection.execute(
            f"UPDATE OR IGNORE {table} SET environment = ? WHERE environment = ?",  # noqa: S608
            (environment, former),
        )
