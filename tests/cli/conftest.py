"""What the tests of the command line share: golden files, a shop, and nothing of the machine's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import spare_keys
from cli_golden import Golden
from cli_shop import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli_shop import Shop


@pytest.fixture(autouse=True)
def _spare_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    spare_keys.lay_out(monkeypatch)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(update=bool(request.config.getoption("--update-golden")))


@pytest.fixture(autouse=True)
def _no_settings_of_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing around the tests is read: no variables, no reconciler.toml, no repository."""
    for name in [name for name in os.environ if name.startswith(("RECONCILER_", "OCTOPUS_"))]:
        monkeypatch.delenv(name)
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.chdir(nowhere)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with opened(tmp_path) as made:
        yield made
