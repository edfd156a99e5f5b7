"""The simulator on a socket: in a thread for tests, or as a command until a signal."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import socket
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Self, TextIO

import uvicorn

from reconciler.simulator.connections import KnownProtocol
from reconciler.simulator.faultfile import load_faults
from reconciler.simulator.routes.users import new_key
from reconciler.simulator.seed import Seed
from reconciler.simulator.seedfile import load_seed
from reconciler.simulator.simulator import Simulator
from reconciler.simulator.statefile import StateFile, StateNotWritten
from reconciler.simulator.states import BadState
from reconciler.simulator.times import utcnow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from types import TracebackType

__all__ = ["PortInUse", "SimulatorServer", "serve"]


_TICK = 0.1
"""Seconds, as uvicorn has it."""
_TICKS_BETWEEN_WRITES = 300
"""Half a minute: what a power cut may cost."""


class PortInUse(OSError):
    """The port cannot be listened on; the message is one line and says why."""


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, or asyncio would not turn off Nagle's delay on what it accepts.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise PortInUse(f"cannot listen on {host} port {port}: {reason}") from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers, with a word when it serves, and one now and then."""

    def __init__(
        self,
        simulator: Simulator,
        ready: Callable[[], None],
        now_and_then: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                simulator.app,
                http=KnownProtocol,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._ready = ready
        self._now_and_then = now_and_then

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`, which ends clean instead of raising them again."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve, and say so."""
        await super().startup(sockets)
        self._ready()

    async def on_tick(self, counter: int) -> bool:
        """Do what is done now and then; the ticks are a tenth of a second apart."""
        if counter % _TICKS_BETWEEN_WRITES == _TICKS_BETWEEN_WRITES - 1:
            self._now_and_then()
        return await super().on_tick(counter)


class _InThread(_Server):
    """Ends as soon as it is told to, and nobody waits for an answer."""

    def end(self) -> None:
        """End; called from another thread, after the server said that it serves."""
        self.should_exit = True
        with suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._woken.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop, self._woken = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets)

    async def main_loop(self) -> None:
        for counter in itertools.count():
            if await self.on_tick(counter):
                break
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK):
                    await self._woken.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            for listener in server.sockets:
                self._loop.remove_reader(listener)
        await _turns()  # whom it accepted is let in before it closes, or nobody would close them
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await _turns()  # what was idle is closed
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
        for connection in list(self.server_state.connections):  # a request that hangs
            if connection.transport is not None:
                connection.transport.abort()
        await _turns()


async def _turns() -> None:
    """Let the loop do what it has begun."""
    for _ in range(3):
        await asyncio.sleep(0)


class SimulatorServer:
    """Serves a simulator over HTTP on a loopback port, in a thread, while the block runs.

    Raises:
        PortInUse: on entering, when the port is taken (port 0 takes a free one).
    """

    def __init__(self, simulator: Simulator, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.simulator = simulator
        self._host = host
        self._port = port
        self._url = ""
        self._thread: threading.Thread | None = None
        self._server: _InThread | None = None

    @property
    def url(self) -> str:
        """Return the address, as `http://127.0.0.1:40123`; empty before the block."""
        return self._url

    def __enter__(self) -> Self:
        listener = _listen(self._host, self._port)
        self._url = _address(listener)
        ready = threading.Event()
        server = self._server = _InThread(self.simulator, ready.set)

        def run() -> None:
            try:
                server.run(sockets=[listener])
            finally:
                listener.close()
                ready.set()

        self._thread = threading.Thread(target=run, name="simulator", daemon=True)
        self._thread.start()
        ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.end()
            self._thread.join()


def serve(
    *,
    seed: str | Seed = "small",
    host: str = "127.0.0.1",
    port: int = 0,
    api_key: str | None = None,
    service_api_key: str | None = None,
    task_seconds: float = 10.0,
    state: str | None = None,
    faults: str | None = None,
    clock: Callable[[], datetime] = utcnow,
    out: TextIO | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; write one JSON line when the server listens.

    The line is `{"url": ..., "apiKey": ..., "serviceApiKey": ...}`. Keys that are not given are
    made. With a state file, what it holds counts, and seed and `task_seconds` only while it is not
    there; it is written twice a minute and at the end. Must run in the main thread, which is
    where signals arrive.

    Raises:
        PortInUse: the port cannot be listened on.
        SeedError: the seed cannot be used.
        BadKey: a given key does not look like an Octopus API key.
        BadState: the state file cannot be used; it is as it was.
        FaultsError: the file of faults cannot be used.
        StateNotWritten: the state could not be written at the end.
    """
    file = None if state is None else StateFile(state)
    with ExitStack() as stack:
        if file is not None:
            stack.enter_context(file.held())
        simulator = _made(file, seed, clock, api_key, service_api_key, task_seconds)
        if faults is not None:
            load_faults(simulator, faults)
        listener = _listen(host, port)
        stack.callback(listener.close)
        keys = {"apiKey": simulator.api_key, "serviceApiKey": simulator.service_api_key}
        line = {"url": _address(listener), **keys}
        stream = out if out is not None else sys.stdout

        def say() -> None:
            stream.write(json.dumps(line) + "\n")
            stream.flush()

        def keep() -> None:
            if file is not None:
                try:
                    file.write_now_and_then(simulator)
                except StateNotWritten as error:
                    sys.stderr.write(f"{error}; it is tried again\n")

        server = _Server(simulator, say, keep)
        _run_until_signal(server, listener)
        if file is not None:
            file.write(simulator)


def _made(
    file: StateFile | None,
    seed: str | Seed,
    clock: Callable[[], datetime],
    api_key: str | None,
    service_api_key: str | None,
    task_seconds: float,
) -> Simulator:
    """Return the simulator of a state file, else of the seed."""
    kept = None if file is None else file.read()
    chosen = Seed(()) if kept else load_seed(seed) if isinstance(seed, str) else seed
    simulator = Simulator(
        chosen,
        clock=clock,
        api_key=new_key() if api_key is None else api_key,
        service_api_key=new_key() if service_api_key is None else service_api_key,
        task_seconds=task_seconds,
    )
    if file is not None and kept is not None:
        try:
            simulator.restore(kept)
        except BadState as error:
            raise BadState(f"{file.path} cannot be used: {error}") from error
        simulator.change_keys(api_key, service_api_key)
    return simulator


def _run_until_signal(server: _Server, listener: socket.socket) -> None:
    def stop(number: int, frame: object) -> None:
        del number, frame
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.run(sockets=[listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
