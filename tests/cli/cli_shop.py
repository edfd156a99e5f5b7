"""A shop: a simulated Octopus, a real git remote with its manifests, and the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner
from people_git import begin, git, share

from reconciler.cli import cli
from reconciler.simulator import Simulator, SimulatorServer, load_seed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from click.testing import Result

SPACE = """\
apiVersion: reconciler/v1
kind: Space
metadata: {name: shop}
spec:
  server: @URL@
  space: Shop
  credentials: {observe: {env: OCTOPUS_SHOP_KEY}, deploy: {env: OCTOPUS_SHOP_KEY}}
"""
POLICY = """\
apiVersion: reconciler/v1
kind: Policy
metadata: {name: open}
spec: {mode: apply}
"""
STACK = """\
apiVersion: reconciler/v1
kind: Stack
metadata: {name: shop}
spec:
  components:
    shop-db: {project: Shop Database, direction: up-only}
    orders: {project: Orders API, after: [shop-db]}
    payments: {project: Payments API, after: [shop-db]}
    web: {project: Web Shop, after: [orders, payments]}
"""
ENVIRONMENT = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {name: @NAME@}
spec:
  octopus: {space: shop, environment: @OCTOPUS@}
  stack: shop
  policy: open
  components:
"""
RUNS = {"shop-db": "10", "orders": "2.3.0", "payments": "3.0.0", "web": "1.0.0"}


@dataclass
class Shop:
    """The simulator, the bare remote, a clone people push from, and one machine's state."""

    simulator: Simulator
    url: str
    folder: Path

    @property
    def remote(self) -> Path:
        return self.folder / "remote.git"

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    def begin(self) -> None:
        begin(self.remote, self.clone)
        self.push(
            {
                "space.yaml": SPACE.replace("@URL@", self.url),
                "policy.yaml": POLICY,
                "stack.yaml": STACK,
                "production.yaml": pins("production", "Production"),
                "qa.yaml": pins("qa", "Test", {"orders": "2.4.0", "payments": "3.1.0"}),
            }
        )

    def push(self, files: Mapping[str, str], *options: str) -> str:
        for name, content in files.items():
            (self.clone / name).write_text(content)
        return share(self.remote, self.clone, "-m", "change", *options, force=True)

    def pin(self, **versions: str) -> str:
        return self.push({"production.yaml": pins("production", "Production", versions)})

    def git(self, *arguments: str, at: Path | None = None) -> str:
        return git(at or self.clone, *arguments)

    def audit(self, path: str) -> str:
        return self.git("show", f"audit:{path}", at=self.remote)

    def environment(self) -> dict[str, str]:
        return {
            "RECONCILER_STATE_DIR": str(self.folder / "state"),
            "RECONCILER_REPO": str(self.remote),
            "RECONCILER_GIT__ALLOW_LOCAL": "true",
            "RECONCILER_OCTOPUS__POLL": "0.05",
            "RECONCILER_OCTOPUS__SETTLING": "0.1",
            "OCTOPUS_SHOP_KEY": self.simulator.service_api_key,
        }

    def run(self, *arguments: str, **environment: str | None) -> Result:
        """Run a command inside of this process."""
        return CliRunner().invoke(cli, arguments, env={**self.environment(), **environment})

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command as a process of its own."""
        return program(*arguments, **{**self.environment(), **environment})

    def plan(self, name: str = "production") -> dict[str, Any]:
        result = self.run("plan", name, "-o", "json")
        assert result.exit_code == 0, result.output
        spec = json.loads(result.stdout)["spec"]
        assert isinstance(spec, dict)
        return spec


@contextmanager
def opened(folder: Path) -> Iterator[Shop]:
    """Return a shop that stands in `folder`, with its simulator running."""
    simulator = Simulator(load_seed("small"), task_seconds=0.1)
    with SimulatorServer(simulator) as server:
        shop = Shop(simulator, server.url, folder)
        shop.begin()
        yield shop


def pins(name: str, octopus: str, versions: Mapping[str, str] | None = None) -> str:
    head = ENVIRONMENT.replace("@NAME@", name).replace("@OCTOPUS@", octopus)
    chosen = {**RUNS, **{key.replace("_", "-"): value for key, value in (versions or {}).items()}}
    return head + "".join(f'    {key}: "{value}"\n' for key, value in chosen.items())


def program(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start the program; without the variables of whoever runs the tests."""
    return subprocess.Popen(
        [sys.executable, "-m", "reconciler", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding=environment.get("PYTHONIOENCODING", "utf-8"),
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment},
    )
