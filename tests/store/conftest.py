"""A journal in a directory of its own, and values to put into it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.store import SqliteJournal


@dataclass
class StillClock:
    """A clock that stands until it is turned."""

    moment: datetime = datetime(2026, 11, 20, 11, 31, 2, 123456, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite3"


@pytest.fixture
def journal(store: Path, clock: StillClock) -> Iterator[SqliteJournal]:
    opened = SqliteJournal(store, clock=clock)
    yield opened
    opened.close()
