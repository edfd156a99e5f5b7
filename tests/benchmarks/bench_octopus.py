"""What the Octopus client costs: requests per look, and small reads beside the bare transport.

    python tests/benchmarks/bench_octopus.py

Run as a test it holds the figures that no busy machine can change: the number of requests.
"""

import asyncio
import json
import socket
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any

import aiohttp
import pytest
import uvicorn

from reconciler.credentials import Given
from reconciler.octopus.budget import RequestBudget
from reconciler.octopus.client import OctopusHttp
from reconciler.octopus.key import ServerKey
from reconciler.octopus.options import ClientOptions
from reconciler.octopus.space import OctopusSpace
from reconciler.ports import Known
from reconciler.simulator import Simulator, SimulatorServer, seed_estate

READS = 2000
AT_ONCE = 50
ROUNDS = 5
KEY = "API-SERVICE"


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def requests_of_a_look(projects: int) -> tuple[int, int, float, float]:
    """Return requests and seconds of the first and the second look at one environment."""
    simulator = Simulator(seed_estate(projects, 1), service_api_key=KEY)
    with SimulatorServer(simulator) as server:
        space = OctopusSpace(
            server.url, "Estate", ServerKey(Given("bench", KEY)), None, SystemClock()
        )
        await space.identity()
        before = space.sent
        began = time.perf_counter()
        first = await space.look(Known({}, {}))
        between, first_took = space.sent, time.perf_counter() - began
        began = time.perf_counter()
        await space.look(Known(first.deployments, first.releases))
        second_took = time.perf_counter() - began
        after = space.sent
        await space.close()
    return between - before, after - between, first_took, second_took


@pytest.mark.parametrize("components", [10, 100, 1000])
async def test_a_look_is_five_requests_however_many_components(components: int) -> None:
    first, second, *_ = await requests_of_a_look(components)

    assert second == 5
    assert first == 5 + 2 * -(-components // 100)


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    """Answer every request with one small task, as little work as a server can do."""
    if scope["type"] != "http":
        return
    await receive()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(SMALL))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": SMALL})


SMALL = json.dumps({"Id": "ServerTasks-77", "State": "Executing", "Name": "Deploy"}).encode()


@contextmanager
def small_server() -> Iterator[str]:
    """Serve the small answer from a process of its own."""
    # The protocol is named, or asyncio would not turn off Nagle's delay on what it accepts.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        port = listener.getsockname()[1]
        server = get_context("fork").Process(target=_serve, args=(listener,), daemon=True)
        server.start()
        yield f"http://127.0.0.1:{port}"
        server.terminate()
        server.join()


def _serve(listener: socket.socket) -> None:
    config = uvicorn.Config(_answer, lifespan="off", log_level="critical", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


async def rate(read: Callable[[], Awaitable[object]]) -> float:
    """Return reads per second, the median of some rounds, so many of them at once."""

    async def worker() -> None:
        for _ in range(READS // AT_ONCE):
            await read()

    rates: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(worker())
        rates.append(READS / (time.perf_counter() - began))
    return statistics.median(rates)


async def small_reads(url: str) -> tuple[float, float]:
    """Return the reads per second of the client and of the transport below it."""
    clock = SystemClock()
    http = OctopusHttp(
        url,
        ServerKey(Given("bench", KEY)),
        options=replace(ClientOptions(), connections=AT_ONCE),
        clock=clock,
        budget=RequestBudget(clock),
    )
    ours = await rate(lambda: http.get("api/tasks/ServerTasks-77"))
    await http.close()
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def bare() -> bytes:
            async with session.get(f"{url}/api/tasks/ServerTasks-77") as response:
                return await response.read()

        theirs = await rate(bare)
    return ours, theirs


async def main(url: str) -> None:
    """Print the figures."""
    for components in (10, 100, 1000):
        first, second, first_took, second_took = await requests_of_a_look(components)
        print(  # noqa: T201
            f"{components:5} components: first look {first} requests, {first_took * 1000:.0f} ms; "
            f"second look {second} requests, {second_took * 1000:.0f} ms"
        )
    ours, theirs = await small_reads(url)
    print(  # noqa: T201
        f"small reads, {AT_ONCE} at once: {ours:.0f}/s; bare aiohttp {theirs:.0f}/s; "
        f"ratio {theirs / ours:.2f}"
    )


if __name__ == "__main__":
    with small_server() as served:  # before any thread of ours: the process is forked
        asyncio.run(main(served))
