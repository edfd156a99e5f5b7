"""An estate with nothing to do: many environments of one space, accepted, recorded and in sync.

Used by the stories of idle daemons and by their benchmark. Everything is real but the server's
answers, which are the simulator's, asked for once and given again by `static_server`.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from reconciler.bootstrap import SystemClock, open_doors
from reconciler.core.acceptance import PATH, AcceptedEnvironment, AuditState
from reconciler.core.capture import capture
from reconciler.core.manifest import DesiredState
from reconciler.core.snapshot import snapshot_path
from reconciler.credentials import Given
from reconciler.daemon.backoff import Timing
from reconciler.daemon.supervisor import Supervisor
from reconciler.engine.doors import blocking
from reconciler.engine.ground import load_manifests
from reconciler.engine.history import History
from reconciler.engine.survey import judge, look
from reconciler.octopus.key import ServerKey
from reconciler.octopus.space import OctopusSpace
from reconciler.ports import Known
from reconciler.settings import AuditSettings, GitSettings, OctopusSettings, Settings
from reconciler.simulator import SimulatorServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping

    from reconciler.core.manifest import Invalid, Space
    from reconciler.ports import Clock
    from reconciler.simulator import Simulator

KEY = "API-SERVICE"
VARIABLE = "OCTOPUS_IDLE_KEY"


@dataclass(frozen=True)
class Estate:
    """A bare remote, and the state directory of the one machine that watches it."""

    folder: Path
    environments: int
    components: int

    @property
    def remote(self) -> Path:
        return self.folder / "remote.git"

    def names(self) -> list[str]:
        return [f"e{number}" for number in range(1, self.environments + 1)]

    def settings(self) -> Settings:
        return Settings(
            repo=str(self.remote),
            branch="main",
            state_dir=self.folder / "state",
            git=GitSettings(allow_local=True),
            octopus=OctopusSettings(),
            audit=AuditSettings(),
        )

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.remote,
            input=stdin,
            check=True,
            capture_output=True,
            env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"},
        )
        return done.stdout.decode().strip()

    def refs(self) -> str:
        """Return every ref of the remote with its value: commits, leases, all."""
        return self.git("for-each-ref")

    def commit(self, branch: str, files: dict[str, bytes]) -> None:
        """Make the first commit of a branch."""
        script = [b"feature done\n", f"commit refs/heads/{branch}\n".encode()]
        script.append(b"committer A <a@example.org> 1700000000 +0000\ndata 1\nx\n")
        for path, content in files.items():
            script.append(f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content)
            script.append(b"\n")
        self.git("fast-import", "--quiet", stdin=b"".join([*script, b"done\n"]))

    def manifests(self, server: str) -> dict[str, bytes]:
        head = "apiVersion: reconciler/v1\nkind: {}\nmetadata: {{name: {}}}\n"
        pins = [f"project-{number}" for number in range(1, self.components + 1)]
        keys = f"{{observe: {{env: {VARIABLE}}}, deploy: {{env: {VARIABLE}}}}}"
        after = [f"    {p}: {{after: [project-1]}}\n" for p in pins[1:]]
        files = {
            "space.yaml": head.format("Space", "estate")
            + f"spec: {{server: {server}, space: Estate, credentials: {keys}}}\n",
            "stack.yaml": head.format("Stack", "platform")
            + f"spec:\n  components:\n    {pins[0]}: {{}}\n{''.join(after)}",
            "policy.yaml": head.format("Policy", "open") + "spec: {mode: apply}\n",
        }
        for number, name in enumerate(self.names(), 1):
            files[f"environments/{name}.yaml"] = (
                head.format("Environment", name)
                + f"spec:\n  octopus: {{space: estate, environment: environment-{number}}}\n"
                + "  stack: platform\n  policy: open\n  components:\n"
                + "".join(f'    {pin}: "1.0.0"\n' for pin in pins)
            )
        return {path: text.encode() for path, text in files.items()}


async def settle(estate: Estate, server: str, clock: Clock | None = None) -> None:
    """Push the manifests, and record every environment as accepted and in sync."""
    estate.remote.mkdir()
    estate.git("init", "-q", "--bare", "-b", "main", ".")
    estate.commit("main", estate.manifests(server))
    async with open_doors(estate.settings(), None, records=True, clock=clock) as doors:
        tip = await blocking(doors.repository.fetch)
        found = (await load_manifests(doors, tip)).environments
        state = await look(doors, doors.octopus(space_of(found)), tenants=False)
        accepted, files = AuditState(), {}
        for name, desired in found.items():
            assert isinstance(desired, DesiredState)
            observed = judge(desired, state, None, History((), {}), joinable=True)
            snapshot = capture(desired, observed, state, None, tip)
            files[snapshot_path(name)] = doors.write_snapshot(snapshot)
            one = AcceptedEnvironment(
                environment=name,
                commit=tip,
                server_url=desired.space.server,
                server=snapshot.server,
                space=snapshot.space,
                octopus_environment=snapshot.environment,
            )
            doors.journal.accept(one)
            accepted = accepted.accepting(one)
    estate.commit("audit", {**files, PATH: accepted.render()})


def space_of(found: Mapping[str, DesiredState | Invalid]) -> Space:
    """Return the one space that all environments are in."""
    (space,) = {each.space for each in found.values() if isinstance(each, DesiredState)}
    return space


def client_of(supervisor: Supervisor) -> OctopusSpace:
    """Return the client a supervisor reads the estate with."""
    client = supervisor.doors.octopus(space_of(supervisor._manifests))
    assert isinstance(client, OctopusSpace)
    return client


@asynccontextmanager
async def watching(
    estate: Estate, clock: Clock | None = None, timing: Timing | None = None
) -> AsyncIterator[Supervisor]:
    """Watch the estate with a supervisor that may start no pass: there is nothing to do."""
    others: set[asyncio.Task[None]] = set()

    def begin(work: Coroutine[Any, Any, None]) -> None:
        if supervisor.passing:
            work.close()
            raise AssertionError("an idle estate needs no pass")
        task = asyncio.get_running_loop().create_task(work)
        others.add(task)
        task.add_done_callback(others.discard)

    async with open_doors(estate.settings(), None, records=True, clock=clock) as doors:
        supervisor = Supervisor(doors, timing or Timing(), start=begin)
        yield supervisor
        await asyncio.gather(*others)


# --- the static server ------------------------------------------------------------------------


async def record(simulator: Simulator) -> tuple[dict[str, bytes], list[str]]:
    """Return what the simulator answers to a first look, by target, and the targets of the next."""
    with SimulatorServer(simulator) as server:
        key = ServerKey(Given("bench", KEY))
        space = OctopusSpace(server.url, "Estate", key, key, SystemClock())
        first = await space.look(Known({}, {}))
        await space.deployer()
        before = len(simulator.requests)
        await space.look(Known(first.deployments, first.releases))
        await space.close()
        targets = [f"{r.path}?{r.query}" if r.query else r.path for r in simulator.requests]
        headers = {"X-Octopus-ApiKey": KEY}
        async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=60) as client:
            answers = {one: (await client.get(one)).content for one in targets}
    return answers, targets[before:]


@contextmanager
def static_server(answers: dict[str, bytes], folder: Path) -> Iterator[str]:
    """Give these answers from a process of its own, as little work as a server can do."""
    kept = folder / "answers.pickle"
    kept.write_bytes(pickle.dumps(answers))
    # The protocol is named, or asyncio would not turn off Nagle's delay on what it accepts.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        number = listener.fileno()
        command = [sys.executable, __file__, str(number), str(kept)]
        with subprocess.Popen(command, pass_fds=[number]) as server:
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                server.terminate()


class _Static(asyncio.Protocol):
    """Answers GETs on one connection, one after the other."""

    def __init__(self, answers: dict[bytes, bytes]) -> None:
        self._answers = answers
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._heard += data
        while b"\r\n\r\n" in self._heard:
            head, _, self._heard = self._heard.partition(b"\r\n\r\n")
            body = self._answers.get(head.split(b" ", 2)[1])
            status = b"404 Not Found" if body is None else b"200 OK"
            body = body or b"{}"
            self._transport.write(
                b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
                % (status, len(body))
            )
            self._transport.write(body)


async def _serve(descriptor: int, answers: dict[str, bytes]) -> None:
    known = {target.encode(): body for target, body in answers.items()}
    loop = asyncio.get_running_loop()
    listener = socket.socket(fileno=descriptor)
    server = await loop.create_server(lambda: _Static(known), sock=listener)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), pickle.loads(Path(sys.argv[2]).read_bytes())))
