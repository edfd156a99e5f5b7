"""The wheel: it carries everything the program needs away from a checkout, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """The names inside of a wheel built from this checkout."""
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(command, cwd=root, check=True, capture_output=True, timeout=100)
    (built,) = target.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        assert archive.testzip() is None
        return frozenset(archive.namelist())


@pytest.mark.parametrize("folder", ["schema", "example-manifests"])
def test_the_wheel_carries_every_tracked_file_of(
    folder: str, tracked: tuple[Path, ...], wheel: frozenset[str]
) -> None:
    wanted = {
        f"reconciler/_shipped/{name.as_posix()}" for name in tracked if name.parts[0] == folder
    }

    assert wanted
    assert wanted <= wheel


def test_the_wheel_carries_every_tracked_file_of_the_package(
    tracked: tuple[Path, ...], wheel: frozenset[str]
) -> None:
    wanted = {name.as_posix() for name in tracked if name.parts[0] == "reconciler"}

    assert wanted <= wheel
    assert "reconciler/py.typed" in wheel


def test_the_wheel_carries_the_seeds_of_the_simulator(wheel: frozenset[str]) -> None:
    seeds = {name for name in wheel if name.startswith("reconciler/simulator/seeds/")}

    assert {Path(name).stem for name in seeds} >= {"small", "platform"}


def test_the_wheel_carries_the_license_and_the_command(wheel: frozenset[str]) -> None:
    (info,) = {name.split("/")[0] for name in wheel if ".dist-info/" in name}

    assert {f"{info}/licenses/LICENSE", f"{info}/entry_points.txt"} <= wheel


def test_the_wheel_carries_nothing_of_the_work_on_the_project(wheel: frozenset[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"reconciler"}
    assert not [name for name in wheel if "__pycache__" in name or name.endswith(".pyc")]
