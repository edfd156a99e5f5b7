"""The session in the docs is what the program shows today."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

DOCS = Path(__file__).parents[2] / "docs"


def test_the_recorded_session_is_what_apply_shows(request: pytest.FixtureRequest) -> None:
    again = runpy.run_path(str(DOCS / "record_session.py"))["record"]()
    page = DOCS / "session.md"
    if request.config.getoption("--update-golden"):
        page.write_text(again, encoding="utf-8")

    assert page.read_text(encoding="utf-8") == again, "review, then python docs/record_session.py"
