"""How a problem is worded: foreign text made safe, the fix beside it, the nearest word."""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING

from reconciler.core.text import clean
from reconciler.manifests.scalars import reading

if TYPE_CHECKING:
    from collections.abc import Collection

_KEY_SHAPE = re.compile(r"API-[A-Za-z0-9]{6,}")  # Octopus API keys, pasted where they do not belong


def shown(text: str, limit: int = 80) -> str:
    """Return foreign text as one bounded line, API keys left out by their shape (rule 52)."""
    return _KEY_SHAPE.sub("API-***", clean(text, limit))


def quote_it(text: str) -> str:
    """Word the refusal of an unquoted scalar where text is expected, with the fix (rule 6)."""
    what = reading(text)
    quoted = json.dumps(shown(text), ensure_ascii=False)
    return f"{shown(text)} is {what} to YAML, not text; quote it: {quoted}"


class Words:
    """Finds the word somebody meant, within a budget of comparisons (rule 47).

    One object serves one load: hostile manifests with a hundred thousand misspelt names get their
    problems without suggestions once the budget is used up.
    """

    def __init__(self, budget: int = 20_000) -> None:
        self._budget = budget

    def nearest(self, word: str, known: Collection[str]) -> str | None:
        """Return the most similar of the known words, or None if none is similar enough."""
        if len(word) > 64 or self._budget < len(known):
            return None
        self._budget -= len(known)
        by_folded = {name.casefold(): name for name in sorted(known)}
        found = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
        return by_folded[found[0]] if found else None

    def did_you_mean(self, word: str, known: Collection[str]) -> str:
        """Return `, did you mean 'x'?`, or an empty text."""
        found = self.nearest(word, known)
        return f", did you mean '{shown(found)}'?" if found else ""
