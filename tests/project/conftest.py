"""What the tests about the project itself look at: the checkout and the files git tracks in it."""

import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def tracked(root: Path) -> tuple[Path, ...]:
    """Every file git tracks, relative to the root and still there."""
    # The owner of a checkout may be another user (containers); reading names is harmless then.
    command = ["git", "-c", f"safe.directory={root}", "ls-files", "-z"]
    listing = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    names = (Path(name) for name in listing.split("\0") if name)
    return tuple(name for name in names if (root / name).is_file())
