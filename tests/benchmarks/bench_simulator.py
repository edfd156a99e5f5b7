"""What a large simulated estate costs: memory, the whole dashboard, small reads, its state file.

    python tests/benchmarks/bench_simulator.py

1,000 projects in 100 environments, ten releases and ten deployments of each project, in a process
of its own. The reads come from another process of the same machine, by the bare transport, and
beside them stands a server that does nothing but answer. Last, the state is written and read again.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import pytest
from bench_octopus import AT_ONCE, rate, small_server

from reconciler.simulator import Simulator, SimulatorServer, parse_seed, seed_estate
from reconciler.simulator.statefile import StateFile

PROJECTS, ENVIRONMENTS, DEPLOYMENTS = 1000, 100, 10
KEY = "API-SERVICE"
DASHBOARDS = 5
MEMORY = 500  # megabytes such an estate may take


@dataclass(frozen=True)
class Kept:
    """What the server's process tells of itself: memory in MB, its state in MB and seconds."""

    memory: int
    size: int
    write: float
    read: float


def _serve(channel: Connection) -> None:
    seed = seed_estate(
        PROJECTS, ENVIRONMENTS, releases=DEPLOYMENTS, deployments=DEPLOYMENTS, slots=10
    )
    with SimulatorServer(simulator := Simulator(seed, service_api_key=KEY)) as server:
        channel.send(server.url)
        while channel.recv():
            status = Path("/proc/self/status").read_text()
            facts = dict(line.split(":", 1) for line in status.splitlines())
            memory = int(facts["VmHWM"].split()[0]) // 1024
            with TemporaryDirectory() as folder:
                channel.send(Kept(memory, *_keep(simulator, StateFile(f"{folder}/state"))))


def _keep(simulator: Simulator, file: StateFile) -> tuple[int, float, float]:
    """Write the state and read it into another server; return megabytes and both times."""
    began = time.perf_counter()
    file.write(simulator)
    written = time.perf_counter()
    kept = file.read()
    assert kept is not None
    Simulator(parse_seed("spaces: [{name: Empty}]")).restore(kept)
    return len(kept) // 1_000_000, written - began, time.perf_counter() - written


@contextmanager
def large_estate() -> Iterator[tuple[str, Connection]]:
    """Serve the estate from a process of its own; what is sent to it asks for its memory."""
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    yield ours.recv(), ours
    ours.send(None)
    process.join()


async def get(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url, headers={"X-Octopus-ApiKey": KEY}) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def measure(url: str, floor: str) -> tuple[int, float, float, float]:
    """Return the dashboard's items and seconds, and small reads a second beside the floor's."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:
        took = []
        for _ in range(DASHBOARDS):
            began = time.perf_counter()
            board = await get(session, f"{url}/api/Spaces-1/dashboard")
            took.append(time.perf_counter() - began)
        reads = await rate(lambda: get(session, f"{url}/api/Spaces-1/projects/Projects-77"))
        bare = await rate(lambda: get(session, f"{floor}/"))
    return len(board["Items"]), statistics.median(took), reads, bare


def report() -> tuple[int, Kept]:
    """Print the figures; return the items of the dashboard and what the process tells."""
    with large_estate() as (url, channel), small_server() as floor:
        items, dashboard, reads, bare = asyncio.run(measure(url, floor))
        channel.send(True)
        kept = channel.recv()
    print(  # noqa: T201
        f"\n{PROJECTS} projects x {ENVIRONMENTS} environments, {items} deployments shown: "
        f"{kept.memory} MB; dashboard {dashboard:.2f} s; "
        f"small reads, {AT_ONCE} at once: {reads:.0f}/s, bare server {bare:.0f}/s; "
        f"ratio {bare / reads:.2f}; state of {kept.size} MB: "
        f"written in {kept.write:.1f} s, read in {kept.read:.1f} s"
    )
    return items, kept


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_large_estate_is_whole_and_fits_its_memory() -> None:
    items, kept = report()

    assert items == PROJECTS * DEPLOYMENTS
    assert kept.memory < MEMORY


if __name__ == "__main__":
    report()
