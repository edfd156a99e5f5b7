"""One environment of many components in a random order, whose tasks take different times."""

from __future__ import annotations

import random
import re
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from story import FILES, Story, story

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SHORTEST, LONGEST = 30, 300
"""Seconds a task takes."""
VERSIONS = ("1.0.0", "1.1.0", "1.2.0")
CHECKS = 10
"""Seconds between two looks of the script, as the command line client of Octopus does."""


@dataclass(frozen=True)
class Graph:
    """Components, each with those it is deployed after and the seconds its task takes."""

    after: dict[str, tuple[str, ...]]
    seconds: dict[str, int]

    @classmethod
    def random(cls, number: int, depth: int, seed: int) -> Graph:
        """Return one of about so many layers: a component comes after up to three before it."""
        chance = random.Random(seed)
        names = [f"c{n:04}" for n in range(number)]
        chance.shuffle(names)
        width = max(number // depth, 1)
        after = {
            name: tuple(
                sorted(
                    chance.sample(
                        names[max(n - 2 * width, 0) : max(n - width // 2, 0)],
                        k=min(chance.randint(0, 3), max(n - width // 2, 0) - max(n - 2 * width, 0)),
                    )
                )
            )
            for n, name in enumerate(names)
        }
        return cls(after, {name: chance.randint(SHORTEST, LONGEST) for name in names})

    @cached_property
    def longest(self) -> int:
        """The seconds of the longest path."""
        ends: dict[str, int] = {}
        for name, before in self.after.items():  # what a component comes after stands before it
            ends[name] = self.seconds[name] + max((ends[each] for each in before), default=0)
        return max(ends.values())

    def bound(self, slots: int) -> float:
        """Return the seconds below which nobody can deploy all of it."""
        return max(self.longest, sum(self.seconds.values()) / slots)

    def seed(self, slots: int) -> str:
        """Return a server that runs the first version of everything."""
        releases = ", ".join(f'"{version}"' for version in VERSIONS)
        projects = "".join(
            f"      - {{name: {name}, lifecycle: Anywhere, taskSeconds: {took},"
            f' releases: [{releases}], deployed: {{Test: "{VERSIONS[0]}"}}}}\n'
            for name, took in self.seconds.items()
        )
        return f"""
server: {{slots: {slots}}}
spaces:
  - name: Shop
    default: true
    environments: [Test]
    lifecycles:
      - name: Anywhere
        phases: [{{name: Test, environments: [Test]}}]
    projects:
{projects}"""

    def files(self) -> dict[str, str]:
        """Return manifests that pin what runs."""
        stack = "".join(f"    {n}: {{after: [{', '.join(a)}]}}\n" for n, a in self.after.items())
        return FILES | {
            "stacks/platform.yaml": (
                "apiVersion: reconciler/v1\nkind: Stack\nmetadata: {name: platform}\n"
                f"spec:\n  components:\n{stack}"
            ),
            "environments/test.yaml": self.environment(VERSIONS[0]),
        }

    def environment(self, version: str) -> str:
        """Return the environment with one version of everything."""
        pins = "".join(f'    {name}: "{version}"\n' for name in self.after)
        head, _, _ = FILES["environments/test.yaml"].partition("  components:\n")
        return f"{head}  components:\n{pins}"


@dataclass
class Wide:
    """A story in which all components of a graph are deployed."""

    world: Story
    graph: Graph

    async def apply(self, version: str) -> float:
        """Deploy a version of everything; return the seconds it took."""
        self.world.push({"environments/test.yaml": self.graph.environment(version)})
        self.world.octopus.forget_requests()
        began = self.world.clock.monotonic()
        report = await self.world.apply()
        assert not report.failed, report
        assert all(self.world.runs(name) == version for name in self.graph.after)
        return self.world.clock.monotonic() - began

    def asked(self) -> Counter[str]:
        """Count what Octopus was asked since it was last told to forget, by what it was asked."""
        return Counter(
            f"{one.method} {re.sub(r'[A-Za-z]+s-[0-9]+', '*', one.path)}"
            for one in self.world.octopus.requests
        )

    async def script(self, version: str) -> float:
        """Deploy a version as a plain script does: one after the other, in order."""
        world, clock = self.world, self.world.clock
        began = clock.monotonic()
        place = world.administer("GET", "environments/all")[0]["Id"]
        for name in self.graph.after:
            release = world.administer("GET", f"projects/{name}/releases/{version}")["Id"]
            order = {"ReleaseId": release, "EnvironmentId": place}
            task = world.administer("POST", "deployments", order)["TaskId"]
            while not world.administer("GET", f"tasks/{task}")["IsCompleted"]:
                await clock.sleep(CHECKS)
        return clock.monotonic() - began


@asynccontextmanager
async def wide(folder: Path, graph: Graph, slots: int) -> AsyncIterator[Wide]:
    """Begin such a story: accepted, and in sync."""
    with story(folder, graph.seed(slots), graph.files()) as world:
        await world.accept()
        yield Wide(world, graph)
