"""SIGKILL a daemon at the doors of a pass, start it again, and count (rules 12, 13, 26)."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import mortal
import pytest
from http_remote import HttpRemote
from story import FILES, Story, TurnedClock, git, story

from reconciler.git.lease import VALIDITY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMPONENTS = ("db", "api", "jobs")
VERSIONS = tuple(f"1.0.{number}" for number in range(200))
CHUNKS = 6
POINTS = 60
PATIENCE = 60.0  # seconds until a daemon that says nothing is given up

RELEASES = ", ".join(f'"{version}"' for version in VERSIONS)
SEED = """
server: {slots: 20}
spaces:
  - name: Shop
    default: true
    environments: [Test]
    lifecycles:
      - {name: Anywhere, phases: [{name: Test, environments: [Test], optional: true}]}
    projects:
""" + "".join(
    f"      - {{name: {name}, lifecycle: Anywhere, releases: [{RELEASES}],"
    f' deployed: {{Test: "1.0.0"}}}}\n'
    for name in COMPONENTS
)

KEY = (
    "journal.promise",
    "octopus.deploy",
    "journal.launched",
    "journal.finished",
    "signer.sign",
    "journal.queue_receipt",
    "journal.recorded",
    "audit.take_lease",
    "audit.publish",
    "audit.release_lease",
)
"""Calls at which nothing is left out, however long the pass is."""


def manifests() -> dict[str, str]:
    files = dict(FILES)
    files["stacks/platform.yaml"] = """
apiVersion: reconciler/v1
kind: Stack
metadata: {name: platform}
spec: {components: {db: {}, api: {after: [db]}, jobs: {}}}
"""
    head = files["environments/test.yaml"].partition("  components:")[0]
    pins = "".join(f'    {name}: "1.0.0"\n' for name in COMPONENTS)
    files["environments/test.yaml"] = f"{head}  components:\n{pins}"
    return files


class MachineClock(TurnedClock):
    """The time that every process here has."""

    def true(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class Machine:
    """One machine with one state directory, on which daemons live and die."""

    world: Story
    remote: HttpRemote
    lines: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "OCTOPUS_STORY_KEY": "API-SERVICE",
            "RECONCILER_REPO": f"{self.remote.url}/remote.git",
            "RECONCILER_BRANCH": "main",
            "RECONCILER_STATE_DIR": str(self.world.folder / "state"),
            "RECONCILER_GIT__ALLOW_LOCAL": "true",
            "RECONCILER_OCTOPUS__POLL": "0.1",
            "RECONCILER_OCTOPUS__SETTLING": "0.1",
            "RECONCILER_SERVE__LISTEN": "127.0.0.1:0",
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command as the program itself."""
        program = [sys.executable, "-m", "reconciler", *words]
        return subprocess.run(program, env=self.environment, capture_output=True)

    def serve(self, commit: str, **more: str) -> int:
        """Run a daemon until the commit is reached, and end it with SIGTERM; or until it dies."""
        process = subprocess.Popen(
            [sys.executable, mortal.__file__, "serve"],
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment | more,
        )
        giving_up = threading.Timer(PATIENCE, process.kill)
        giving_up.start()
        self.lines.clear()
        assert process.stderr is not None
        with process, process.stderr:
            for line in process.stderr:
                self.lines.append(line)
                if is_reached(json.loads(line), commit):
                    process.send_signal(signal.SIGTERM)
        giving_up.cancel()
        return process.returncode

    def lease_blocks(self) -> bool:
        """Tell whether another machine has to wait longer than a lease lasts.

        Whoever died when all was recorded left it to run out; here the next pass takes it over.
        """
        note = git(self.world.remote, "cat-file", "commit", "refs/reconciler/lease/test")
        said = json.loads(note.partition("\n\n")[2])
        left = datetime.fromisoformat(said["expires"]) - datetime.now(UTC)
        return not said["released"] and left > VALIDITY


def is_reached(line: dict[str, Any], commit: str) -> bool:
    return (
        line["event"] == "environment.stood"
        and line["commit"] == commit
        and set(line["conditions"]) == {"Ready"}
    )


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    with story(folder, SEED, manifests(), MachineClock()) as world:
        world.octopus.world.task_seconds = 0.3
        git(world.remote, "config", "http.receivepack", "true")
        remote = HttpRemote(folder)
        try:
            yield Machine(world, remote)
        finally:
            remote.close()


def spread(calls: list[str]) -> list[str]:
    """Return the moments to die at: around all key calls, and evenly around the others."""
    moments = [f"{call} {when}" for call in calls for when in ("before", "after")]
    key = {moment for moment in moments if moment.startswith(KEY)}
    others = [moment for moment in moments if moment not in key]
    room = max(POINTS - len(key), 1)
    chosen = key | {others[n * len(others) // room] for n in range(min(room, len(others)))}
    return [moment for moment in moments if moment in chosen]


@pytest.mark.proof
@pytest.mark.timeout(900)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_rule_12_a_daemon_killed_anywhere_in_a_pass_deploys_and_receipts_each_pin_once(
    tmp_path: Path, chunk: int
) -> None:
    with machine(tmp_path) as here:
        world = here.world
        calls = tmp_path / "calls"
        assert here.serve(git(world.work, "rev-parse", "HEAD")) == 0  # first contact, no work
        commit = world.pin(**dict.fromkeys(COMPONENTS, VERSIONS[1]))
        assert here.serve(commit, STORY_CALLS=str(calls)) == 0
        moments = spread(calls.read_text().splitlines())
        assert len(moments) >= POINTS
        died, chance = 0, random.Random(chunk)
        for number, moment in enumerate(moments[chunk::CHUNKS], 2):
            commit = world.pin(**dict.fromkeys(COMPONENTS, VERSIONS[number]))
            died += here.serve(commit, STORY_KILL=moment) == -signal.SIGKILL
            if number % 3 == 0:  # and once more, wherever the next one is then
                here.serve(commit, STORY_KILL=chance.choice(moments))
            assert here.serve(commit) == 0, (moment, here.lines)
            for component in COMPONENTS:
                asked = list(VERSIONS[1 : number + 1])
                assert world.ours(component) == asked, moment
                assert len(world.receipts(component)) == len(asked), moment
            assert not here.lease_blocks(), moment
            assert VERSIONS[number] in world.audit("snapshots/test.yaml"), moment
        assert here.run("receipts", "verify").returncode == 0
        assert died >= len(moments[chunk::CHUNKS]) - 2
