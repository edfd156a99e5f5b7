"""Signing keys for tests: a new RSA key takes 0.15 s of a core, and no story needs one of its own.

Within a test all keys differ, as they would; the next test gets the same ones.
"""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING

from reconciler.signing import keys

if TYPE_CHECKING:
    import pytest

_make = keys._new_key


@functools.cache
def _spare(number: int) -> bytes:
    return _make()


def lay_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the signing keys that a test makes be spare ones."""
    numbers = itertools.count()
    monkeypatch.setattr(keys, "_new_key", lambda: _spare(next(numbers)))
