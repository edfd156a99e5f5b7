from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from story import Story, story

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A shop with five components in one environment."""
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    with story(tmp_path) as told:
        yield told
