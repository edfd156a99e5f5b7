"""Octopus' own TypeScript client, unmodified, uses every repository class it has."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.simulator import Simulator, SimulatorServer, load_seed

SCRIPT = Path(__file__).parent / "official"
KEY = "API-ADMINISTRATOR"
INSTALL = ("npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script and the client of the lock file beside it."""
    folder = shutil.copytree(SCRIPT, tmp_path_factory.mktemp("official"), dirs_exist_ok=True)
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    done = subprocess.run(INSTALL, cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        pytest.skip(f"the client could not be installed: {done.stderr.strip()[:200]}")
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with one empty space, whose deployments take no time."""
    seed = tmp_path_factory.mktemp("seed") / "empty.yaml"
    seed.write_text("spaces:\n  - {name: Empty, default: true}\n")
    simulator = Simulator(load_seed(str(seed)), api_key=KEY, task_seconds=0.1)
    with SimulatorServer(simulator) as running:
        yield running.url


@pytest.fixture(scope="module")
def told(installed: Path, server: str) -> Any:
    """What the script says of itself."""
    packages = installed / "packages"
    packages.mkdir()
    (packages / "hello.txt").write_text("hello\n")
    command = ["node", "everything.mjs", server, KEY, "Empty", str(packages)]
    done = subprocess.run(command, cwd=installed, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_step_of_the_official_client_is_served(told: Any) -> None:
    failed = {step["name"]: step["failure"] for step in told["steps"] if step["failure"]}

    assert failed == {}
    assert len(told["steps"]) == len({step["name"] for step in told["steps"]}) > 20


def test_every_repository_class_of_the_official_client_was_used(told: Any) -> None:
    assert told["unused"] == []
    assert len(told["repositories"]) == 22
