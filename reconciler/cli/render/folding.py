"""Pages that must not grow beyond what a forge takes: their sections fold, the largest first."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT = 65_536
"""Characters of a comment on GitHub; counted in bytes here, which are never fewer."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page in its forms, each meant to be shorter than the one before; never empty."""

    forms: tuple[str, ...]


def fold(sections: Sequence[Section], room: int) -> list[str]:
    """Return each section in the fullest form with which all fit into so many bytes.

    All sections give up the first thing, the largest first, before any gives up the second. The
    caller's last forms are small enough, or empty.
    """
    levels = [0] * len(sections)
    sizes = [_size(section.forms[0]) for section in sections]
    total = sum(sizes)
    queue = [(0, -size, number) for number, size in enumerate(sizes)]
    heapq.heapify(queue)
    while total > room and queue:
        level, _, number = heapq.heappop(queue)
        forms = sections[number].forms
        if level + 1 >= len(forms):
            continue
        levels[number] = level + 1
        size = _size(forms[level + 1])
        total += size - sizes[number]
        sizes[number] = size
        heapq.heappush(queue, (level + 1, -size, number))
    return [section.forms[level] for section, level in zip(sections, levels, strict=True)]


def _size(text: str) -> int:
    return len(text.encode("utf-8"))
