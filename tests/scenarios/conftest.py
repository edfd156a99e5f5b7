from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import spare_keys

sys.path.insert(0, str(Path(__file__).parent))

from story import Story, story

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True)
def _spare_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    spare_keys.lay_out(monkeypatch)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with a reviewed file of golden/stories; with --update-golden, write it."""

    def compare(name: str, text: str) -> None:
        file = Path(__file__).parents[1] / "golden" / "stories" / name
        if request.config.getoption("--update-golden"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8"), f"{file}: review, then --update-golden"

    return compare


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A shop with five components in one environment."""
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    with story(tmp_path) as told:
        yield told
