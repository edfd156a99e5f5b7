"""What the demo says when it does not come true."""

from __future__ import annotations

from reconciler.errors import ReconcilerError

PATIENCE = 120.0
"""Seconds any one step may take before the story is given up."""


def broken(message: str) -> ReconcilerError:
    """Return the error of a step that did not do what the story says."""
    return ReconcilerError(message, hint="what it printed above says why; please report it")
