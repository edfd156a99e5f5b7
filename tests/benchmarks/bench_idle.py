"""What an idle pass costs beside a bare replay of what it reads.

100 environments of 100 components in one space, all in sync: one tick in which each of them is due.
The replay asks git for the same tips and GETs the same bytes, and looks at none of them; one static
server in a process of its own answers both. Budget: the tick costs at most as much again as the
replay, in CPU (children included) and wall time. Absolute times depend on the machine: nothing here
passes or fails on one.

    python tests/benchmarks/bench_idle.py
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scenarios"))

from idle_estate import (
    KEY,
    VARIABLE,
    Estate,
    client_of,
    record,
    settle,
    static_server,
    watching,
)

from reconciler.simulator import Simulator, seed_estate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reconciler.daemon.supervisor import Supervisor

ENVIRONMENTS = COMPONENTS = 100
ROUNDS = 15


@dataclass(frozen=True)
class Cost:
    """Medians in seconds, and the requests of one round."""

    cpu: float
    wall: float
    requests: int = 0

    def beyond(self, floor: Cost) -> float:
        """Return our own CPU and wall time beyond a floor, as a share of that floor."""
        return (self.cpu + self.wall) / (floor.cpu + floor.wall) - 1.0


def cpu() -> float:
    """Return the CPU seconds of this process and of the children it has waited for."""
    spent = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in spent)


async def replay(client: httpx.AsyncClient, remote: Path, targets: list[str]) -> None:
    """Ask git for both tips, then for the same bytes, all at once."""
    for ref in ("refs/heads/main", "refs/heads/audit"):
        command = ["git", "ls-remote", "--quiet", str(remote), ref]
        await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    answers = await asyncio.gather(*(client.get(target) for target in targets))
    assert all(answer.status_code == 200 for answer in answers)


async def one_tick(supervisor: Supervisor) -> None:
    for name in supervisor.environments:
        supervisor.wake(name)
    supervisor._next_poll = float("-inf")
    await supervisor.tick()


async def timed(work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    gc.collect()
    wall, used = time.perf_counter(), cpu()
    await work()
    return cpu() - used, time.perf_counter() - wall


async def measure(folder: Path, rounds: int = ROUNDS) -> tuple[Cost, Cost]:
    """Return what a tick costs and what its replay does, measured in turns."""
    estate = Estate(folder, ENVIRONMENTS, COMPONENTS)
    simulator = Simulator(seed_estate(COMPONENTS, ENVIRONMENTS), service_api_key=KEY)
    answers, targets = await record(simulator)
    with static_server(answers, folder) as url:
        await settle(estate, url)
        before = estate.refs()
        async with (
            watching(estate) as supervisor,
            httpx.AsyncClient(base_url=url, headers={"X-Octopus-ApiKey": KEY}) as client,
        ):
            await one_tick(supervisor)
            octopus = client_of(supervisor)
            ours, theirs = [], []
            for _ in range(rounds):
                theirs.append(await timed(lambda: replay(client, estate.remote, targets)))
                asked = octopus.sent
                ours.append(await timed(lambda: one_tick(supervisor)))
                assert octopus.sent - asked == len(targets)
            stands = [each.conditions[0].reason for each in supervisor.statuses.values()]
            assert stands == ["InSync"] * ENVIRONMENTS
        assert estate.refs() == before  # no commit was made, no lease was taken
    return _median(ours, len(targets)), _median(theirs, len(targets))


def _median(rounds: list[tuple[float, float]], requests: int) -> Cost:
    used, wall = zip(*rounds, strict=True)
    return Cost(statistics.median(used), statistics.median(wall), requests)


def report(ours: Cost, theirs: Cost) -> str:
    """Return the figures as lines."""

    def line(name: str, cost: Cost) -> str:
        return f"  {name:7} CPU {cost.cpu * 1000:7.1f} ms   wall {cost.wall * 1000:7.1f} ms"

    return "\n".join(
        (
            f"idle pass, {ENVIRONMENTS} environments x {COMPONENTS} components, one space, "
            f"{ours.requests} requests:",
            line("replay", theirs),
            line("tick", ours),
            f"  beyond the replay: {ours.beyond(theirs):.2f} x replay "
            f"(CPU {ours.cpu / theirs.cpu - 1:.2f}, wall {ours.wall / theirs.wall - 1:.2f})",
        )
    )


@pytest.mark.proof
async def test_an_idle_pass_is_told_beside_its_replay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    ours, theirs = await measure(tmp_path, rounds=5)

    print(f"\n{report(ours, theirs)}")  # noqa: T201 (the figures are what this is run for)
    assert ours.requests == theirs.requests == 5


if __name__ == "__main__":
    os.environ[VARIABLE] = KEY
    with tempfile.TemporaryDirectory() as made:
        print(report(*asyncio.run(measure(Path(made)))))  # noqa: T201
