"""The locks: every package by hash, no address, and what pyproject.toml asks for is in them."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

LOCKS = ("requirements.lock", "requirements-dev.lock")
EXTRAS_OF = {
    "requirements.lock": ("backend",),
    "requirements-dev.lock": ("backend", "quality", "test"),
}


def entries(text: str) -> list[str]:
    """The lock's logical lines, continued lines joined."""
    joined = re.sub(r"\s*\\\n\s*", " ", text)
    return [line for line in joined.splitlines() if line and not line.startswith("#")]


def versions(text: str) -> dict[str, str]:
    """Each package's pinned version, by normalised name."""
    pins = (Requirement(entry.split(" --hash", 1)[0].strip()) for entry in entries(text))
    return {normalised(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_is_one_version_with_hashes(root: Path, lock: str) -> None:
    found = entries((root / lock).read_text())

    assert len(found) > 20
    for entry in found:
        assert re.match(r"[a-z0-9.-]+==\S+( ; .+?)?( --hash=sha256:[0-9a-f]{64})+ ?$", entry), entry


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address_and_no_path(root: Path, lock: str) -> None:
    text = (root / lock).read_text()

    assert "://" not in text
    assert not re.search(r"^\s*(-[^-]|--(?!hash=)|#|/|\.)", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_satisfies_what_the_project_asks_for(root: Path, lock: str) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"]]
    for extra in EXTRAS_OF[lock]:
        wanted += project["optional-dependencies"][extra]
    pinned = versions((root / lock).read_text())

    for line in wanted:
        requirement = Requirement(line)
        assert requirement.specifier.contains(pinned[normalised(requirement.name)]), line


def test_both_locks_agree_on_every_package_they_share(root: Path) -> None:
    plain, dev = (versions((root / lock).read_text()) for lock in LOCKS)

    assert {name: dev[name] for name in plain} == plain
