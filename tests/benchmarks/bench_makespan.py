"""How long an apply takes beside what nobody can go below, and beside a plain script.

Budget: 1.05 x max(longest path, all work by the slots) on the turned clock, looks at running tasks
included, for random graphs of a thousand components whose tasks take 30 to 300 seconds. The same
graph is then deployed by a script, one component after the other. And the requests are counted: by
the minute, while as many tasks run as there are slots.

    python tests/benchmarks/bench_makespan.py
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scenarios"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from wide import VERSIONS, Graph, wide

if TYPE_CHECKING:
    from collections import Counter

BUDGET = 1.05
COMPONENTS = 1000
VARIABLE, KEY = "OCTOPUS_STORY_KEY", "API-SERVICE"


@dataclass(frozen=True)
class Run:
    """What it took, in seconds of the turned clock; `script` None: not run."""

    graph: Graph
    slots: int
    took: float
    asked: Counter[str]
    script: float | None

    @property
    def ratio(self) -> float:
        """The time beside the least that is possible."""
        return self.took / self.graph.bound(self.slots)

    def told(self) -> str:
        """Return the figures as lines."""
        most = ", ".join(f"{number} {what}" for what, number in self.asked.most_common(9))
        lines = [
            f"{len(self.graph.after)} components, {self.slots} slots of ours, longest path "
            f"{self.graph.longest} s, all work {sum(self.graph.seconds.values())} s:",
            f"  apply   {self.took:8.0f} s   {self.ratio:.3f} x the least",
            f"  asked   {self.asked.total():8} requests, "
            f"{self.asked.total() * 60 / self.took:.0f} a minute: {most}",
        ]
        if self.script is not None:
            rest = f"{self.script / self.took:.1f} x apply"
            lines.append(f"  script  {self.script:8.0f} s   {rest}")
        return "\n".join(lines)


async def measure(folder: Path, depth: int, cap: int, *, script: bool) -> Run:
    """Deploy a graph of about so many layers to a server with this task cap."""
    graph = Graph.random(COMPONENTS, depth, seed=depth)
    async with wide(folder, graph, cap) as world:
        took = await world.apply(VERSIONS[1])
        asked = world.asked()
        plain = await world.script(VERSIONS[2]) if script else None
    return Run(graph, cap - cap // 10, took, asked, plain)


@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("depth", "cap", "script"), [(8, 50, True), (4, 111, False)])
async def test_a_thousand_components_take_no_longer_than_they_must(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depth: int, cap: int, script: bool
) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    run = await measure(tmp_path, depth, cap, script=script)

    print(f"\n{run.told()}")  # noqa: T201 (the figures are what this is run for)
    assert run.ratio <= BUDGET
    assert run.script is None or run.script > run.took


if __name__ == "__main__":
    os.environ[VARIABLE] = KEY
    for number, each in enumerate(((8, 50), (4, 111))):
        with tempfile.TemporaryDirectory() as made:
            run = asyncio.run(measure(Path(made), *each, script=number == 0))
            print(run.told())  # noqa: T201
