"""The simulator in a thread ends at once, and leaves no connection open."""

import gc
import socket
from contextlib import suppress
from urllib.parse import urlsplit

from reconciler.simulator import Simulator, SimulatorServer, parse_seed

SEED = "spaces: [{name: Shop, default: true, environments: [Test]}]"


def test_whoever_connects_just_as_it_ends_is_hung_up_on() -> None:
    for _ in range(5):
        with SimulatorServer(Simulator(parse_seed(SEED))) as server:
            where = urlsplit(server.url)
            callers = [
                socket.create_connection((where.hostname, where.port), timeout=10)
                for _ in range(30)
            ]
        gc.collect()  # a transport that nobody closed would say so here
        heard = []
        for caller in callers:
            with caller, suppress(ConnectionResetError):
                heard.append(caller.recv(1))
        assert set(heard) <= {b""}
