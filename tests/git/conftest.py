"""Fixtures of the git room: a remote with two manifests, its mirror, writers, a turned clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from git_world import Remote, TurnedClock, Writers, mirror_of

from reconciler.git.repository import GitRepository

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.git.mirror import Mirror


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    """A remote with one commit of two manifests on `main`."""
    remote = Remote.make(tmp_path / "origin")
    remote.commit({"manifests/qa.yaml": "kind: Environment\n", "README.md": "hello\n"})
    return remote


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def mirror(tmp_path: Path, remote: Remote) -> Mirror:
    return mirror_of(remote.bare, tmp_path / "state")


@pytest.fixture
def repository(mirror: Mirror) -> GitRepository:
    return GitRepository(mirror, None)


@pytest.fixture
def writers(tmp_path: Path, remote: Remote, clock: TurnedClock) -> Writers:
    return Writers(remote, tmp_path / "writers", clock)
