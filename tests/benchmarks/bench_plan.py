"""Load, validate and plan 100,000 pins, cold and with one changed file, beside the floor.

The floor is that of `bench_manifests`: a bare read, an event parse that keeps positions, the schema
gate, typed pins. What Octopus shows is judged beforehand: judging is timed on its own line.
Absolute times depend on the machine: nothing here passes or fails on one. Memory does not: all
plans are held at once in a process of their own.
"""

from __future__ import annotations

import gc
import resource
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

from bench_manifests import FILES, PINS, _source, environment, floor, timed, write_repository

from reconciler.core.manifest import DesiredState
from reconciler.core.plan import make_plan
from reconciler.core.sighting import observe
from reconciler.core.state import (
    BoardItem,
    DeploymentDetail,
    Grant,
    OctopusEnvironment,
    Permissions,
    Project,
    ReleaseDetail,
    Server,
    SpaceState,
    TaskState,
    User,
)
from reconciler.manifests.loader import ManifestLoader

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.core.manifest import ManifestSet
    from reconciler.core.sighting import ObservedState

AT = datetime(2026, 11, 20, tzinfo=UTC)
ROUNDS = 3


def reading(number: int) -> SpaceState:
    """Return what Octopus says of one environment: a tenth of its cells run something older."""
    names = [f"component-{index}" for index in range(PINS)]
    text = environment(number, names)
    pinned = [line.split('"')[1] for line in text.splitlines() if line.startswith("    component-")]
    versions = [
        v if i % 10 else f"0.{number % 40}.{i}" for i, v in enumerate(pinned)
    ]  # every tenth is behind
    return SpaceState(
        read_at=AT,
        server=Server("1111", "2026.3.1"),
        space_id="Spaces-1",
        me=User("Users-1", "reconciler", "Reconciler", is_service=True),
        permissions=Permissions(
            {
                name: (Grant("Spaces-1"),)
                for name in (
                    "ProjectView",
                    "EnvironmentView",
                    "ReleaseView",
                    "DeploymentView",
                    "TaskView",
                )
            },
            frozenset(),
            complete=True,
        ),
        projects=tuple(
            Project(f"Projects-{i}", n, n, "ProjectGroups-1", False, "Untenanted", False)
            for i, n in enumerate(names)
        ),
        environments=(OctopusEnvironment(f"Environments-{number}", f"Environment {number}"),),
        board_projects=frozenset(f"Projects-{i}" for i in range(PINS)),
        board_environments=frozenset({f"Environments-{number}"}),
        items=tuple(
            BoardItem(
                f"Deployments-{i}",
                f"Projects-{i}",
                f"Environments-{number}",
                None,
                f"Releases-{i}",
                version,
                f"ServerTasks-{i}",
                TaskState.SUCCESS,
                AT,
                AT,
                has_warnings=False,
                is_previous=False,
            )
            for i, version in enumerate(versions)
        ),
        active=(),
        waiting_for_person=frozenset(),
        deployments={
            f"Deployments-{i}": DeploymentDetail(
                f"Deployments-{i}",
                f"Projects-{i}",
                f"Environments-{number}",
                None,
                f"Releases-{i}",
                f"ServerTasks-{i}",
                AT,
                "reconciler",
                "Users-1",
                "",
                is_partial=False,
            )
            for i in range(PINS)
        },
        releases={
            f"Releases-{i}": ReleaseDetail(
                f"Releases-{i}", f"Projects-{i}", version, AT, "Channels-1", "p", "v"
            )
            for i, version in enumerate(versions)
        },
        space_name="A",
    )


def plan_all(loader: ManifestLoader, files, read, seen: dict[str, ObservedState]) -> int:  # type: ignore[no-untyped-def]
    """Load everything, plan the environments that were seen; return the number of changes."""
    found = loader.load(files, read).environments
    changes = 0
    for name, observed in seen.items():
        desired = found[name]
        assert isinstance(desired, DesiredState)
        changes += len(make_plan(desired, observed, "c" * 40).changes)
    return changes


def observe_all(found: ManifestSet, readings: dict[str, SpaceState]) -> dict[str, ObservedState]:
    """Judge every environment's cells."""
    seen = {}
    for name, state in readings.items():
        desired = found.environments[name]
        assert isinstance(desired, DesiredState)
        seen[name] = observe(desired, state, None)
    return seen


def measure(rounds: int = ROUNDS) -> dict[str, float]:
    """Return the best seconds: floor, cold (everything), warm (one changed file), and judging."""
    from reconciler.core import version

    readings = {f"e{number}": reading(number) for number in range(FILES)}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = write_repository(root)
        by_blob = {file.blob: file.path for file in files}

        def read(blobs: Collection[str]) -> dict[str, bytes]:
            return {blob: (root / by_blob[blob]).read_bytes() for blob in blobs}

        found = ManifestLoader().load(files, read)
        seen = observe_all(found, readings)
        gc.collect()
        gc.freeze()  # what was made beforehand is not walked again and again while we measure

        def cold() -> ManifestLoader:
            version._parse.cache_clear()
            loader = ManifestLoader()
            assert plan_all(loader, files, read, seen) > FILES
            return loader

        loader = cold()
        best = {"floor": 9e9, "cold": 9e9, "warm": 9e9, "judging": 9e9}
        for number in range(rounds):
            path, name = f"environments/e{number}.yaml", f"e{number}"
            text = environment(number, [f"component-{i}" for i in range(PINS)], salt=1).encode()
            (root / "changed.yaml").write_bytes(text)
            changed = _source(path, text)
            by_blob[changed.blob] = "changed.yaml"
            now = [changed if file.path == path else file for file in files]
            one = {name: seen[name]}
            best["floor"] = min(best["floor"], timed(lambda: floor(root, files)))
            best["cold"] = min(best["cold"], timed(cold))
            best["warm"] = min(
                best["warm"], timed(lambda now=now, one=one: plan_all(loader, now, read, one))
            )
            best["judging"] = min(best["judging"], timed(lambda: observe_all(found, readings)))
        return best


def report(best: dict[str, float]) -> str:
    """Return the figures as lines, each with its ratio to the floor."""
    lines = [f"load + validate + plan of {FILES:,} environments x {PINS} pins:"]
    lines.extend(
        f"  {name:10} {seconds * 1000:8.1f} ms   {seconds / best['floor']:6.3f} x floor"
        for name, seconds in best.items()
    )
    return "\n".join(lines)


def hold() -> str:
    """Load everything, judge and plan each environment, keep every plan; tell what that takes."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = write_repository(root)
        by_blob = {file.blob: file.path for file in files}

        def read(blobs: Collection[str]) -> dict[str, bytes]:
            return {blob: (root / by_blob[blob]).read_bytes() for blob in blobs}

        found = ManifestLoader().load(files, read).environments
        plans = []
        for number in range(FILES):
            desired = found[f"e{number}"]
            assert isinstance(desired, DesiredState)
            plans.append(make_plan(desired, observe(desired, reading(number), None), "c" * 40))
    return f"{sum(len(plan.actions) for plan in plans)} actions held in {most():.0f} MB at most"


def most() -> float:
    """Return the most megabytes this process held.

    Not `ru_maxrss` where Linux tells better: that one remembers whoever started the process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(each for each in status.read_text().splitlines() if each.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_all_plans_are_held_in_less_than_300_mb() -> None:
    told = subprocess.run(
        [sys.executable, __file__, "hold"], check=True, capture_output=True, text=True
    ).stdout

    print(f"\n{told}")  # noqa: T201
    actions, megabytes = int(told.split()[0]), int(told.split()[4])
    assert actions == FILES * PINS
    assert megabytes < 300


def test_planning_is_told_beside_its_floor() -> None:
    best = measure()

    print(f"\n{report(best)}")  # noqa: T201 (the figures are what this is run for)
    assert best["warm"] < best["cold"]


if __name__ == "__main__":
    print(hold() if sys.argv[1:] == ["hold"] else report(measure()))  # noqa: T201
