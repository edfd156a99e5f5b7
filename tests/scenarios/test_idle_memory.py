"""Ten thousand idle passes later the daemon holds what it held at the start."""

from __future__ import annotations

import gc
import os
import tracemalloc
from pathlib import Path

import pytest
from idle_estate import KEY, VARIABLE, Estate, client_of, record, settle, static_server, watching
from story import TurnedClock

from reconciler.daemon.backoff import Timing
from reconciler.simulator import Simulator, seed_estate

PASSES = 10_000
WARM = 500
APART = 400.0  # seconds between passes: every environment is due, and the remotes each tenth time
MOST = 1_000_000  # bytes that may be held after ten thousand passes beyond what was before


def resident() -> int:
    """Return the bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.proof
@pytest.mark.timeout(600)
async def test_ten_thousand_idle_passes_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    estate, clock = Estate(tmp_path, 3, 3), TurnedClock()
    simulator = Simulator(seed_estate(3, 3), service_api_key=KEY, clock=clock.now)
    answers, _ = await record(simulator)
    with static_server(answers, tmp_path) as url:
        await settle(estate, url, clock)
        before = estate.refs()
        timing = Timing(poll=10 * APART)  # a process of git takes longer than all the rest
        async with watching(estate, clock, timing) as supervisor:

            async def passes(count: int) -> None:
                for _ in range(count):
                    clock.turn(APART)
                    await supervisor.tick()

            await passes(WARM)
            octopus = client_of(supervisor)
            gc.collect()
            tracemalloc.start()
            (held, _), pages, asked = tracemalloc.get_traced_memory(), resident(), octopus.sent
            await passes(PASSES)
            gc.collect()
            grown, more = tracemalloc.get_traced_memory()[0] - held, resident() - pages
            tracemalloc.stop()

            looked = {status.looked for status in supervisor.statuses.values()}
            assert looked == {clock.now()}
            assert octopus.sent - asked == 5 * PASSES
        assert estate.refs() == before

    print(  # noqa: T201 (the figures are what this is run for)
        f"\nafter {PASSES:,} idle passes: {grown / 1024:,.0f} KiB more held, "
        f"{more / 1024:,.0f} KiB more resident"
    )
    assert grown < MOST
