"""The world of a story: a real git remote, an Octopus simulator, and a clock we turn."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from people_git import begin, git, share
from pydantic import SecretStr

from reconciler.bootstrap import open_doors
from reconciler.engine.accept import Accepted, accept_environment
from reconciler.engine.planning import Planned, plan_environment
from reconciler.engine.run import PassReport, apply_environment
from reconciler.settings import AuditSettings, GitSettings, OctopusSettings, Settings
from reconciler.simulator import Simulator, SimulatorServer, parse_seed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from reconciler.bootstrap import Spaces
    from reconciler.engine.doors import Doors
    from reconciler.engine.events import Event

SEED = """
server: {slots: 20}
users:
  - {username: alice, displayName: Alice Adams, email: alice@example.com}
spaces:
  - name: Shop
    default: true
    environments: [Test, Production]
    machines: [{name: api-1, environments: [Test], roles: [api]}]
    lifecycles:
      - name: Anywhere
        phases:
          - {name: Test, environments: [Test], optional: true}
          - {name: Production, environments: [Production]}
    projects:
      - {name: db, lifecycle: Anywhere, releases: ["1.0.0", "1.1.0"], deployed: {Test: "1.0.0"}}
      - {name: api, lifecycle: Anywhere, releases: ["1.0.0", "1.1.0", "2.0.0"],
         packages: [Acme.Api], roles: [api], deployed: {Test: "1.0.0"}}
      - {name: web, lifecycle: Anywhere, releases: ["1.0.0", "1.1.0"], deployed: {Test: "1.0.0"}}
      - {name: jobs, lifecycle: Anywhere, releases: ["1.0.0", "1.1.0"], deployed: {Test: "1.0.0"}}
      - {name: mail, lifecycle: Anywhere, releases: ["1.0.0", "1.1.0"], deployed: {Test: "1.0.0"}}
"""

FILES = {
    "spaces/shop.yaml": """
apiVersion: reconciler/v1
kind: Space
metadata: {name: shop}
spec:
  server: @SERVER@
  space: Shop
  credentials: {observe: {env: OCTOPUS_STORY_KEY}, deploy: {env: OCTOPUS_STORY_KEY}}
""",
    "stacks/platform.yaml": """
apiVersion: reconciler/v1
kind: Stack
metadata: {name: platform}
spec:
  components:
    db: {direction: up-only}
    api: {after: [db]}
    web: {after: [api]}
    jobs: {}
    mail: {}
""",
    "policies/open.yaml": """
apiVersion: reconciler/v1
kind: Policy
metadata: {name: open}
spec: {mode: apply}
""",
    "environments/test.yaml": """
apiVersion: reconciler/v1
kind: Environment
metadata: {name: test}
spec:
  octopus: {space: shop, environment: Test}
  stack: platform
  policy: open
  components:
    db: "1.0.0"
    api: "1.0.0"
    web: "1.0.0"
    jobs: "1.0.0"
    mail: "1.0.0"
""",
}


class TurnedClock:
    """A clock that moves when something sleeps on it, or a test turns it.

    `jump` sets the wall clock of our machine wrong, or right again; `true` is everyone else's.
    """

    def __init__(self) -> None:
        self._offset = 0.0
        self._wrong = 0.0

    def now(self) -> datetime:
        return self.true() + timedelta(seconds=self._wrong)

    def true(self) -> datetime:
        return datetime(2026, 11, 20, 12, 0, tzinfo=UTC) + timedelta(seconds=self._offset)

    def monotonic(self) -> float:
        return 1000.0 + self._offset

    async def sleep(self, seconds: float) -> None:
        self.turn(seconds)
        await asyncio.sleep(0)

    def turn(self, seconds: float) -> None:
        self._offset += seconds

    def jump(self, seconds: float) -> None:
        self._wrong += seconds


@dataclass
class Story:
    """Everything a scenario touches. `octopus` is the simulator; time moves for all at once."""

    folder: Path
    clock: TurnedClock
    octopus: Simulator
    server: SimulatorServer
    events: list[Event] = field(default_factory=list)
    wrap: Callable[[Doors], Doors] = lambda doors: doors
    audit_remote: str | None = None
    address: str | None = None  # of the remote, as the reconciler is told; None: its path
    token: str | None = None
    allowed_signers: Path | None = None
    secrets: Path | None = None
    token_file: Path | None = None
    spaces: Spaces | None = None

    @property
    def remote(self) -> Path:
        return self.folder / "remote.git"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    # git, as people use it

    def push(self, files: dict[str, str], message: str = "Change", *, force: bool = False) -> str:
        """Commit files (empty text removes one) and push; return the commit."""
        for name, text in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text:
                path.write_text(text.replace("@SERVER@", self.server.url).lstrip())
            else:
                path.unlink()
        return share(self.remote, self.work, "-m", message, force=force)

    def edit(self, name: str, *changes: tuple[str, str]) -> str:
        """Replace text in one file, commit and push."""
        text = (self.work / name).read_text()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        return self.push({name: text}, f"Edit {name}")

    def pin(self, **versions: str) -> str:
        """Pin versions in the environment `test` by a commit; `api="2.0.0"`."""
        path = self.work / "environments/test.yaml"
        lines = path.read_text().splitlines()
        for name, version in versions.items():
            at = next(i for i, line in enumerate(lines) if line.startswith(f"    {name}:"))
            value = version if version.startswith("{") else f'"{version}"'
            lines[at] = f"    {name}: {value}"
        return self.push({"environments/test.yaml": "\n".join(lines) + "\n"}, "Pin")

    def audit(self, path: str) -> str:
        """Return a file of the remote's audit branch."""
        return git(self.remote, "show", f"audit:{path}")

    def audit_files(self, folder: str) -> list[str]:
        """Return the paths below a folder of the remote's audit branch."""
        names = git(self.remote, "ls-tree", "-r", "--name-only", "audit", "--", folder)
        return names.splitlines()

    def audit_commits(self) -> list[str]:
        """Return the subjects of the audit branch, newest first."""
        found = git(self.remote, "for-each-ref", "refs/heads/audit")
        return git(self.remote, "log", "--format=%s", "audit").splitlines() if found else []

    # the reconciler, as its commands use it

    @asynccontextmanager
    async def doors(self, store: str = "state") -> AsyncIterator[Doors]:
        settings = Settings(
            repo=self.address or str(self.remote),
            branch="main",
            state_dir=self.folder / store,
            git=GitSettings(
                allow_local=True,
                token=None if self.token is None else SecretStr(self.token),
                token_file=self.token_file,
                allowed_signers=self.allowed_signers,
            ),
            secrets_dir=self.secrets,
            octopus=OctopusSettings(),
            audit=AuditSettings(remote=self.audit_remote),
        )
        async with open_doors(
            settings,
            None,
            records=True,
            tell=self.events.append,
            clock=self.clock,
            pause=self.clock.turn,
            spaces=self.spaces,
        ) as doors:
            yield self.wrap(doors)

    async def apply(
        self, name: str = "test", *, store: str = "state", **more: object
    ) -> PassReport:
        async with self.doors(store) as doors:
            return await apply_environment(doors, name, **more)  # type: ignore[arg-type]

    async def plan(self, name: str = "test", *, store: str = "state") -> Planned:
        async with self.doors(store) as doors:
            return await plan_environment(doors, name)

    async def accept(
        self,
        name: str = "test",
        *,
        store: str = "state",
        rewritten: bool = False,
        expect: str | None = None,
    ) -> Accepted:
        async with self.doors(store) as doors:
            return await accept_environment(doors, name, rewritten=rewritten, expect=expect)

    # what is true

    def administer(self, method: str, path: str, body: object = None) -> Any:
        """Do something to Octopus as its administrator, below `/api/Spaces-1`; return its JSON."""
        data = None if body is None else json.dumps(body).encode()
        address = f"{self.server.url}/api/Spaces-1/{path}"
        request = urllib.request.Request(address, data, method=method)
        request.add_header("X-Octopus-ApiKey", self.octopus.api_key)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def block(self, project: str, version: str) -> None:
        """Report a defect of a release."""
        release = self.administer("GET", f"projects/{project}/releases/{version}")["Id"]
        self.administer("POST", f"releases/{release}/defects", {"Description": "leaks"})

    def needs_machines(self, project: str) -> None:
        """Let deployments of a project fail that find no machine."""
        found = self.administer("GET", f"projects/{project}")
        found["ProjectConnectivityPolicy"]["AllowDeploymentsToNoTargets"] = False
        self.administer("PUT", f"projects/{found['Id']}", found)

    def runs(self, project: str, environment: str = "Test") -> str | None:
        """Return what Octopus runs in a cell: the last success."""
        return self.octopus.running(project, environment)

    def ours(self, project: str, environment: str = "Test") -> list[str]:
        """Return the versions of the reconciler's own deployments to a cell, oldest first."""
        seen = self.octopus.deployments(project, environment)
        mine = [d for d in seen if "[reconciler intent=" in (d.comments or "")]
        return [d.version for d in sorted(mine, key=lambda d: d.created)]

    def receipts(self, project: str | None = None, environment: str = "test") -> list[str]:
        """Return the paths of receipts on the remote."""
        below = f"receipts/{environment}" + (f"/{project}" if project else "")
        return self.audit_files(below) if self.audit_commits() else []


@contextmanager
def story(
    folder: Path,
    seed: str = SEED,
    files: dict[str, str] | None = None,
    clock: TurnedClock | None = None,
) -> Iterator[Story]:
    """Begin a story: manifests pushed, Octopus running what they pin, nothing accepted yet."""
    clock = clock or TurnedClock()
    octopus = Simulator(parse_seed(seed), clock=clock.true, task_seconds=20.0)
    with SimulatorServer(octopus) as server:
        told = Story(folder, clock, octopus, server)
        begin(told.remote, told.work)
        told.push(FILES if files is None else files, "The beginning")
        yield told
