"""docs/adopting.md does what it says: its commands are run as they stand, from an empty folder."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from contextlib import chdir
from pathlib import Path

from click.testing import CliRunner

from reconciler.cli import cli
from reconciler.core.checkup import Check
from reconciler.simulator import Simulator, SimulatorServer, load_seed

PAGE = Path(__file__).parents[2] / "docs" / "adopting.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
WHO = {
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


class Shell:
    """Runs the lines of a page: the program inside of this process, everything else as it is."""

    def __init__(self, key: str, replaced: dict[str, str]) -> None:
        self.environment = {
            "RECONCILER_STATE_DIR": str(Path.cwd() / "state"),
            "RECONCILER_GIT__ALLOW_LOCAL": "true",
            "RECONCILER_OCTOPUS__POLL": "0.05",
            "RECONCILER_OCTOPUS__SETTLING": "0.1",
        }
        self.said: dict[str, str] = {}
        self._key = key
        self._replaced = replaced

    def run(self, line: str) -> None:
        for old, new in self._replaced.items():
            line = line.replace(old, new)
        words = shlex.split(line)
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            assert value.startswith("API-XXXX")
            self.environment[name] = self._key
        elif words[0] == "cd":
            os.chdir(words[1])
        elif words[0] == "reconciler":
            done = CliRunner().invoke(cli, words[1:], env=self.environment)
            assert done.exit_code == 0, (line, done.output)
            self.said[" ".join(words[1:3])] = done.output
        else:
            subprocess.run(words, check=True, capture_output=True, env={**os.environ, **WHO})


def test_an_estate_is_adopted_by_the_commands_of_the_page(tmp_path: Path) -> None:
    simulator = Simulator(load_seed("small"), task_seconds=0.0)
    subprocess.run(
        ["git", "init", "-q", "--bare", "-b", "main", str(tmp_path / "r.git")], check=True
    )
    with SimulatorServer(simulator) as server, chdir(tmp_path):
        replaced = {
            "https://octopus.example": server.url,
            "git@git.example:platform/shop-manifests.git": str(tmp_path / "r.git"),
        }
        shell = Shell(simulator.service_api_key, replaced)
        for kind, block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
            if kind == "yaml":
                path, _, _ = block.removeprefix("# ").partition("\n")
                Path(path).write_text(block)
            else:
                for line in block.splitlines():
                    shell.run(line)
        assert "Nothing to do" in shell.said["plan production"]
        assert "othing" in shell.said["apply test"]

        manifest = Path("environments/test.yaml")
        manifest.write_text(manifest.read_text().replace('web-shop: "1.1.0"', 'web-shop: "1.2.0"'))
        for line in ("git commit -qam Release", "git push -q", "reconciler apply test"):
            shell.run(line)
        assert simulator.running("Web Shop", "Test") == "1.2.0"


def test_every_check_of_doctor_is_explained() -> None:
    told = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted(told) == sorted(Check)
