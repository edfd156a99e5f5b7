"""A key that is refused is silent until it is another, and nobody asks past a server's budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from octopus_answers import QUICK, Board, TurnedClock, reply

from reconciler.core.secret import Secret
from reconciler.errors import CredentialRefused, NotAllowed
from reconciler.octopus.budget import Budgets, RequestBudget
from reconciler.octopus.client import OctopusHttp
from reconciler.octopus.key import ServerKey
from reconciler.octopus.space import OctopusSpace
from reconciler.octopus.words import server_root
from reconciler.ports import Known

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer
    from werkzeug import Request, Response

NO = {"ErrorMessage": "no"}


class Rotated:
    """A credential that a test replaces."""

    name = "file shop.key"

    def __init__(self, key: str) -> None:
        self.key = Secret(key)

    def current(self) -> Secret:
        return self.key


class Server:
    """Answers `/api/x` by key, and remembers with which keys it was asked."""

    def __init__(self, server: HTTPServer) -> None:
        self.statuses: dict[str, int] = {}
        self.asked: list[str] = []
        self.url = server.url_for("")
        for method in ("GET", "POST"):
            server.expect_request("/api/x", method=method).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        key = request.headers["X-Octopus-ApiKey"]
        self.asked.append(key)
        return reply(self.statuses.get(key, 200), NO)


@pytest.fixture
def server(httpserver: HTTPServer) -> Server:
    return Server(httpserver)


def client(server: Server, key: ServerKey, clock: TurnedClock) -> OctopusHttp:
    return OctopusHttp(server.url, key, options=QUICK, clock=clock, budget=RequestBudget(clock))


@pytest.mark.parametrize("method", ["get", "post"])
async def test_rule_31_a_401_silences_every_client_of_that_key_until_it_is_another(
    method: str, server: Server, clock: TurnedClock
) -> None:
    credential = Rotated("API-OLD")
    key = ServerKey(credential)
    one, other = client(server, key, clock), client(server, key, clock)
    server.statuses["API-OLD"] = 401

    with pytest.raises(CredentialRefused) as first:
        await (one.get("api/x") if method == "get" else one.post("api/x", b"{}"))
    for http in (one, other):
        with pytest.raises(CredentialRefused) as again:
            await http.get("api/x")
        assert again.value.message == first.value.message
        with pytest.raises(CredentialRefused):
            await http.post("api/x", b"{}")

    assert server.asked == ["API-OLD"]
    assert "file shop.key" in first.value.message + first.value.hint
    assert "API-OLD" not in first.value.message + first.value.hint

    credential.key = Secret("API-NEW")
    for http in (one, other):
        assert (await http.get("api/x")).status == 200
        await http.close()
    assert server.asked == ["API-OLD", "API-NEW", "API-NEW"]


async def test_rule_31_a_403_to_looking_silences_the_client_that_looked_and_no_other(
    server: Server, clock: TurnedClock
) -> None:
    credential = Rotated("API-OLD")
    key = ServerKey(credential)
    one, other = client(server, key, clock), client(server, key, clock)
    server.statuses["API-OLD"] = 403
    for _ in range(2):
        with pytest.raises(CredentialRefused, match="403"):
            await one.get("api/x")
    assert len(server.asked) == 1

    server.statuses.clear()
    assert (await other.get("api/x")).status == 200
    with pytest.raises(CredentialRefused):
        await one.get("api/x")
    credential.key = Secret("API-NEW")
    assert (await one.get("api/x")).status == 200
    for http in (one, other):
        await http.close()


async def test_rule_31_a_403_to_an_action_or_about_one_project_ends_only_that(
    server: Server, clock: TurnedClock
) -> None:
    http = client(server, ServerKey(Rotated("API-OLD")), clock)
    server.statuses["API-OLD"] = 403
    for _ in range(2):
        with pytest.raises(NotAllowed) as action:
            await http.post("api/x", b"{}")
        with pytest.raises(NotAllowed) as question:
            await http.get("api/x", alone=True)
        assert CredentialRefused not in (type(action.value), type(question.value))
    assert len(server.asked) == 4

    server.statuses.clear()
    assert (await http.get("api/x")).status == 200
    await http.close()


async def test_who_looks_is_read_anew_under_another_key(board: Board, clock: TurnedClock) -> None:
    credential = Rotated("API-OLD")
    space = OctopusSpace(board.url, "Default", ServerKey(credential), None, clock, QUICK)
    first = await space.look(Known({}, {}))
    known = Known(first.deployments, first.releases)
    before = space.sent
    await space.look(known)
    repeated = space.sent - before

    credential.key = Secret("API-NEW")
    before = space.sent
    await space.look(known)

    assert space.sent - before == repeated + 3  # /api, users/me and the space
    await space.close()


async def test_the_deployer_is_asked_where_a_release_may_go(
    board: Board, clock: TurnedClock, httpserver: HTTPServer
) -> None:
    observe, deploy = ServerKey(Rotated("API-OBSERVER")), ServerKey(Rotated("API-DEPLOYER"))
    space = OctopusSpace(board.url, "Default", observe, deploy, clock, QUICK)
    path = "/api/Spaces-1/releases/Releases-1/deployments/template"
    board.odd[path] = reply(200, {"PromoteTo": []})

    await space.promotable("Releases-1")

    asked = [seen for seen, _ in httpserver.log if seen.path == path]
    assert [one.headers["X-Octopus-ApiKey"] for one in asked] == ["API-DEPLOYER"]
    await space.close()


async def test_rule_20_one_server_has_one_budget_by_whatever_address_it_is_reached(
    clock: TurnedClock,
) -> None:
    budgets = Budgets(clock, 120)
    one = budgets.at("https://octopus.example")
    other = budgets.at("https://10.0.0.5:8443")
    assert one is not other

    assert budgets.of("https://octopus.example", "installation-1") is one
    assert budgets.of("https://10.0.0.5:8443", "installation-1") is one
    assert budgets.at("https://10.0.0.5:8443") is one
    assert budgets.of("https://another.example", "installation-2") is not one


async def test_rule_20_what_was_learned_at_one_address_holds_at_the_others(
    clock: TurnedClock,
) -> None:
    budgets = Budgets(clock)
    shared = budgets.of("https://octopus.example", "installation-1")
    for _ in range(100):
        assert await shared.take(0.0)
    budgets.at("https://10.0.0.5:8443").learn(40.0)
    before = clock.monotonic()

    assert budgets.of("https://10.0.0.5:8443", "installation-1") is shared
    assert not await shared.take(39.0)
    assert await shared.take(60.0)
    assert clock.monotonic() - before == 40.0
    assert shared.per_minute == 30.0


@pytest.mark.parametrize(
    "address",
    ["https://Octopus.Example/", "https://octopus.example:443", "https://octopus.example/api/"],
)
def test_rule_20_an_address_is_the_same_however_it_is_written(address: str) -> None:
    assert server_root(address) == "https://octopus.example"


async def test_rule_20_a_retry_after_silences_every_space_of_the_server(
    board: Board, clock: TurnedClock
) -> None:
    budgets = Budgets(clock)
    spaces = [
        OctopusSpace(url, "Default", ServerKey(Rotated("API-X")), None, clock, QUICK, budgets)
        for url in (board.url, board.url.replace("localhost", "127.0.0.1"))
    ]
    for space in spaces:
        await space.identity()

    budgets.at(server_root(board.url)).learn(40.0)
    before = clock.monotonic()
    await spaces[1].look(Known({}, {}))

    assert clock.monotonic() - before >= 40.0
    for space in spaces:
        await space.close()
