from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest
from octopus_answers import QUICK, Board, TurnedClock, fixed
from pytest_httpserver import HTTPServer

from reconciler.octopus.budget import RequestBudget
from reconciler.octopus.client import OctopusHttp
from reconciler.octopus.key import ServerKey
from reconciler.octopus.space import OctopusSpace


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock(datetime(2026, 11, 20, 12, 0, tzinfo=UTC))


@pytest.fixture
def board(httpserver: HTTPServer) -> Board:
    return Board(httpserver)


@pytest.fixture
async def http(httpserver: HTTPServer, clock: TurnedClock) -> AsyncIterator[OctopusHttp]:
    client = OctopusHttp(
        httpserver.url_for(""),
        fixed("API-OBSERVER"),
        options=QUICK,
        clock=clock,
        budget=RequestBudget(clock),
    )
    yield client
    await client.close()


@pytest.fixture
async def space(board: Board, clock: TurnedClock) -> AsyncIterator[OctopusSpace]:
    made = OctopusSpace(
        board.url, "Default", fixed("API-OBSERVER"), fixed("API-DEPLOYER"), clock, QUICK
    )
    yield made
    await made.close()


@pytest.fixture
async def make_space(
    board: Board, clock: TurnedClock
) -> AsyncIterator[Callable[..., OctopusSpace]]:
    made: list[OctopusSpace] = []

    def make(name: str = "Default", *, deploy: ServerKey | None = None) -> OctopusSpace:
        made.append(OctopusSpace(board.url, name, fixed("API-OBSERVER"), deploy, clock, QUICK))
        return made[-1]

    yield make
    for one in made:
        await one.close()
