"""Golden files: what is written is what was reviewed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "golden" / "cli"


@dataclass(frozen=True)
class Golden:
    """Compares text with a file of the repository; `update` writes the file instead."""

    update: bool

    def compare(self, path: str | Path, text: str) -> None:
        """Fail where the file says something else. A name alone is one of tests/golden/cli."""
        file = FOLDER / path
        if self.update:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.exists(), f"no {file}: run with --update-golden, and review it"
        assert text == file.read_text(encoding="utf-8"), f"{file}: review, then --update-golden"
