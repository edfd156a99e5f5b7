"""A small server with a clock we turn, and clients that call it in process."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from reconciler.simulator import Simulator, load_seed

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


class Api:
    """Calls the simulator with one key; `get` and `post` return JSON of the expected status."""

    def __init__(self, simulator: Simulator, key: str | None) -> None:
        headers = {} if key is None else {"X-Octopus-ApiKey": key}
        transport = httpx.ASGITransport(app=simulator.app)
        self.http = httpx.AsyncClient(
            transport=transport, base_url="http://octopus", headers=headers
        )

    async def get(self, path: str, status: int = 200) -> Any:
        return self._json(await self.http.get(path), status)

    async def post(self, path: str, body: Any = None, status: int = 201) -> Any:
        return self._json(await self.http.post(path, json=body), status)

    async def put(self, path: str, body: Any = None, status: int = 200) -> Any:
        return self._json(await self.http.put(path, json=body), status)

    @staticmethod
    def _json(answer: httpx.Response, status: int) -> Any:
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(
        load_seed("small"),
        clock=lambda: START,
        api_key="API-ADMIN1",
        service_api_key="API-SERVICE1",
        task_seconds=10,
    )


@pytest.fixture
async def api(simulator: Simulator) -> AsyncIterator[Api]:
    """The service account's calls."""
    made = Api(simulator, simulator.service_api_key)
    async with made.http:
        yield made


@pytest.fixture
async def admin(simulator: Simulator) -> AsyncIterator[Api]:
    made = Api(simulator, simulator.api_key)
    async with made.http:
        yield made


@pytest.fixture
async def anyone(simulator: Simulator) -> AsyncIterator[Api]:
    """Calls without a key."""
    made = Api(simulator, None)
    async with made.http:
        yield made


@pytest.fixture
async def as_user(simulator: Simulator) -> AsyncIterator[Callable[[str], Api]]:
    """Calls of any user by name."""
    made: list[Api] = []

    def calls(username: str) -> Api:
        made.append(Api(simulator, simulator.key_of(username)))
        return made[-1]

    yield calls
    for each in made:
        await each.http.aclose()


@pytest.fixture
async def service_of() -> AsyncIterator[Callable[[Simulator], Api]]:
    """Calls of the service account of another simulator."""
    made: list[Api] = []

    def calls(simulator: Simulator) -> Api:
        made.append(Api(simulator, simulator.service_api_key))
        return made[-1]

    yield calls
    for each in made:
        await each.http.aclose()
