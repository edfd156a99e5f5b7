"""The status file is written at once where there is news, and once a second where there is none."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from reconciler.cli import daemon
from reconciler.core.condition import Condition, ConditionType, EnvironmentStatus
from reconciler.daemon.service import Service

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
READY = Condition(ConditionType.READY, "InSync", "3 of 3 as pinned", NOON)


class Log:
    def __init__(self) -> None:
        self.told: list[str] = []

    def info(self, event: str, **_: Any) -> None:
        self.told.append(event)


async def test_looks_without_news_are_written_together_and_the_last_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[dict[str, Any]] = []
    again = asyncio.Event()

    def write(_: Path, status: dict[str, Any]) -> None:
        written.append(status)
        again.set()

    monkeypatch.setattr(daemon, "write_status", write)
    monkeypatch.setattr(daemon, "TICK", 0.01)
    log = Log()
    keeper = daemon._Keeper(tmp_path, Service(daemon.SystemClock()), log)
    statuses = [EnvironmentStatus(f"e{n}", "4f" * 20, (READY,), looked=NOON) for n in range(50)]

    def look(seconds: int) -> None:
        for status in statuses:
            keeper.keep("repo", replace(status, looked=NOON + timedelta(seconds=seconds)))

    look(0)
    assert len(written) == len(log.told) == 50  # each of them is news
    again.clear()
    look(1)
    look(2)
    assert len(written) == 50
    await again.wait()
    assert len(written) == 51
    look(3)
    keeper.close()
    keeper.close()

    assert len(written) == 52
    assert len(log.told) == 50
