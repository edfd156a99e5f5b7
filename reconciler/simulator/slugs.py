"""Slugs: the names that stand in addresses."""

from __future__ import annotations

__all__ = ["slug_of"]


def slug_of(name: str) -> str:
    """Make a slug the way Octopus does: lower case, runs of other characters become one dash."""
    words = "".join(letter if letter.isalnum() else " " for letter in name.lower()).split()
    return "-".join(words) or "item"
