"""The simulator on a real socket, and as a command."""

import io
import json
import signal
import socket
import threading
from datetime import UTC, datetime

import httpx
import pytest

from reconciler.simulator import (
    BadKey,
    FaultsError,
    PortInUse,
    SeedError,
    Simulator,
    SimulatorServer,
    load_seed,
    serve,
)


def test_a_server_serves_while_its_block_runs(simulator: Simulator) -> None:
    with SimulatorServer(simulator) as server:
        url = server.url
        assert httpx.get(f"{url}/api").json()["Application"] == "Octopus Deploy"
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/api")


def test_many_threads_are_served_side_by_side(simulator: Simulator) -> None:
    seen: list[int] = []
    with SimulatorServer(simulator) as server:

        def ask() -> None:
            headers = {"X-Octopus-ApiKey": simulator.service_api_key}
            with httpx.Client(base_url=server.url, headers=headers) as client:
                seen.extend(client.get("/api/projects").status_code for _ in range(20))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == [200] * 80
    assert len(simulator.requests) == 80


def test_a_used_port_is_one_line_of_error(simulator: Simulator) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=f"port {port}: Address already in use"):
            serve(port=port)
        server = SimulatorServer(simulator, port=port)
        with pytest.raises(PortInUse):
            server.__enter__()


@pytest.mark.parametrize("key", ["", "secret", "API-", "API-abc", "API-A B", "API-A\n"])
def test_a_key_that_clients_would_refuse_is_refused_unprinted(key: str) -> None:
    with pytest.raises(BadKey) as caught:
        serve(api_key=key)
    assert not key.strip("API-") or key not in str(caught.value)
    with pytest.raises(BadKey):
        Simulator(load_seed("small"), api_key="API-A", service_api_key="API-A")


def test_a_bad_seed_stops_the_command_before_it_listens() -> None:
    with pytest.raises(SeedError):
        serve(seed="no-such-seed")


def test_bad_faults_stop_the_command_before_it_listens() -> None:
    with pytest.raises(FaultsError):
        serve(faults="no-such-file")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_one_line_and_ends_clean_on_a_signal(number: signal.Signals) -> None:
    out = io.StringIO()
    told: dict[str, object] = {}

    class Said(io.StringIO):
        def flush(self) -> None:
            threading.Thread(target=ask, daemon=True).start()

    def ask() -> None:
        told.update(json.loads(out.getvalue()))
        key = str(told["serviceApiKey"])
        answer = httpx.get(f"{told['url']}/api/users/me", headers={"X-Octopus-ApiKey": key})
        told["username"] = answer.json()["Username"]
        signal.raise_signal(number)

    out = Said()
    before = signal.getsignal(number)
    serve(api_key="API-GIVEN", out=out, clock=lambda: datetime(2026, 11, 20, tzinfo=UTC))

    assert out.getvalue().count("\n") == 1
    assert (told["apiKey"], told["username"]) == ("API-GIVEN", "reconciler")
    assert str(told["serviceApiKey"]).startswith("API-")
    assert signal.getsignal(number) is before
