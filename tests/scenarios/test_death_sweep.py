"""SIGKILL at every step of an apply of ten components, with runbooks (rules 12, 13, 24, 26)."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from nursery import Nursery, SharedClock
from story import FILES, Story, git, story

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PINNED = ("db", "api", "web", "jobs", "mail", "cart", "pay", "find", "bot")
DOCS = "docs"  # its pin stays; with every pass a machine has arrived that lacks it
VERSIONS = tuple(f"1.0.{number}" for number in range(100))

CHUNKS = 8
POINTS = 320
LEAST = 300
AGAIN = 5  # of so many, one is killed once more while it recovers

CHANGES = ("store", "sign", "POST", "git push", "git fast-import", "git update-ref", "git hash")
"""Steps at which none is left out; of the others, which read, as many as there is room for."""

RELEASES = ", ".join(f'"{version}"' for version in VERSIONS)
SEED = """
server: {slots: 20}
spaces:
  - name: Shop
    default: true
    environments: [Test]
    machines: [{name: docs-1, environments: [Test], roles: [docs]}]
    lifecycles:
      - {name: Anywhere, phases: [{name: Test, environments: [Test], optional: true}]}
    projects:
      - {name: docs, lifecycle: Anywhere, roles: [docs], releases: ["1.0.0"],
         deployed: {Test: "1.0.0"}}
""" + "".join(
    f"      - {{name: {name}, lifecycle: Anywhere, releases: [{RELEASES}],"
    f' deployed: {{Test: "1.0.0"}}}}\n'
    for name in PINNED
)
ARRIVALS = "{mode: apply, machines: {deployOnArrival: true}}"
RUNBOOKS = (("jobs", "Announce"), ("api", "Drain"), ("api", "Join"), ("jobs", "Tell the end"))
STACK = """
apiVersion: reconciler/v1
kind: Stack
metadata: {name: platform}
spec:
  runbooks:
    before: [{runbook: Announce, project: jobs}]
    after: [{runbook: Tell the end, project: jobs}]
  components:
    db: {}
    api: {after: [db], runbooks: {before: [{runbook: Drain}], after: [{runbook: Join}]}}
    web: {after: [api]}
""" + "".join(f"    {name}: {{}}\n" for name in (*PINNED[3:], DOCS))


def manifests() -> dict[str, str]:
    head = FILES["environments/test.yaml"].partition("  components:")[0]
    pins = "".join(f'    {name}: "1.0.0"\n' for name in (*PINNED, DOCS))
    return {
        **FILES,
        "stacks/platform.yaml": STACK,
        "policies/open.yaml": FILES["policies/open.yaml"].replace("{mode: apply}", ARRIVALS),
        "environments/test.yaml": f"{head}  components:\n{pins}",
    }


@dataclass
class Sweep:
    """An environment of ten components, in which one thing after the other has to be done."""

    world: Story
    nursery: Nursery
    versions: list[str] = field(default_factory=list)
    machines: list[str] = field(default_factory=list)

    def more(self) -> str:
        """Let a commit ask for other versions, and a machine arrive; return the audit's tip."""
        world, number = self.world, len(self.versions) + 1
        self.versions.append(VERSIONS[number])
        world.pin(**dict.fromkeys(PINNED, VERSIONS[number]))
        new = f"docs-{number + 1}"
        self.machines.append(world.octopus.add_machine(new, environments=["Test"], roles=["docs"]))
        return git(world.remote, "rev-parse", "audit")

    def live(self, die_at: str = "", steps: Path | None = None) -> int:
        """Let a process apply until its end; then let Octopus serve what it has sent."""
        code = self.nursery.live(die_at, steps)
        for _ in range(2):
            self.world.administer("GET", "environments/all")
        return code

    def check(self, before: str) -> None:
        """All that was asked for was done once and has one receipt; the audit log is one line."""
        world = self.world
        for project in PINNED:
            assert world.ours(project) == self.versions
        for runbook in RUNBOOKS:
            states = [run.state for run in world.octopus.runs(*runbook)]
            assert states == ["Success"] * len(self.versions), runbook
        assert self.served() == [[machine] for machine in self.machines]
        receipts = Counter(path.split("/")[2] for path in world.receipts())
        assert receipts == dict.fromkeys((*PINNED, DOCS), len(self.versions))
        log = git(world.remote, "rev-list", "--parents", f"{before}..audit").splitlines()
        commits, *parents = zip(*(line.split() for line in log), strict=True)
        assert parents == [(*commits[1:], before)]
        snapshot = world.audit("snapshots/test.yaml")
        assert snapshot.count(f'{{version: "{self.versions[-1]}", state: settled') == len(PINNED)

    def served(self) -> list[list[str]]:
        """Return the machines that each of our deployments of `docs` was limited to."""
        path = f"projects/{DOCS}"
        whose = self.world.administer("GET", path)["Id"]
        found = self.world.administer("GET", f"deployments?take=1000&projects={whose}")["Items"]
        ours = [each for each in found if "[reconciler intent=" in (each["Comments"] or "")]
        return [each["SpecificMachineIds"] for each in reversed(ours)]


@contextmanager
def sweep(folder: Path) -> Iterator[Sweep]:
    clock = SharedClock(folder / "clock")
    with story(folder, SEED, manifests(), clock) as world:
        world.octopus.world.task_seconds = 3.0
        for runbook in RUNBOOKS:
            world.octopus.add_runbook(*runbook)
        world.octopus.grant("reconciler", "RunbookRunCreate")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "OCTOPUS_STORY_KEY": "API-SERVICE",
            "RECONCILER_REPO": str(world.remote),
            "RECONCILER_BRANCH": "main",
            "RECONCILER_STATE_DIR": str(folder / "state"),
            "RECONCILER_GIT__ALLOW_LOCAL": "true",
            "STORY_CLOCK": str(folder / "clock"),
            "STORY_TALK": str(folder / "talk"),
        }
        with Nursery(environment) as nursery:
            yield Sweep(world, nursery)


def spread(steps: Sequence[str]) -> list[str]:
    """Return the moments to die at: around all changes, and evenly around what reads."""
    moments = [f"{step} {when}" for step in steps for when in ("before", "after")]
    changes = {moment for moment in moments if moment.startswith(CHANGES)}
    reads = [moment for moment in moments if moment not in changes]
    room = min(max(POINTS - len(changes), 0), len(reads))
    chosen = changes | {reads[number * len(reads) // room] for number in range(room)}
    return [moment for moment in moments if moment in chosen]


@pytest.mark.proof
@pytest.mark.timeout(900)
@pytest.mark.parametrize("chunk", range(CHUNKS))
async def test_rule_12_an_apply_killed_at_any_step_does_and_receipts_everything_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    chance, died = random.Random(chunk), 0
    with sweep(tmp_path) as here:
        await here.world.accept()
        await here.world.apply()  # the first look at the machines
        before = here.more()
        assert here.live(steps=tmp_path / "steps") == 0
        here.check(before)
        moments = spread((tmp_path / "steps").read_text().splitlines())
        for number, moment in enumerate(moments[chunk::CHUNKS]):
            before = here.more()
            died += here.live(moment) == -signal.SIGKILL
            if number % AGAIN == 0:
                here.live(chance.choice(moments))
            assert here.live() == 0, (moment, (tmp_path / "talk").read_text())
            here.check(before)
    sys.stdout.write(f"\nkilled at {died} of {len(moments)} points\n")
    assert died * CHUNKS >= LEAST
