"""Requests that Octopus refused: nothing happened there, so only the journal remembers them.

A refused request is sent again by itself a few times, less and less often, and then only when a
person, or a commit that asks for something else, says so (rule 20).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

MOST = 4
"""Requests for one intent that are refused before no further one is sent by itself."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """How often one intent was refused, since when, and when last (UTC) with which words.

    `redeploy` is the pin's counter then: a raised one starts the count anew.
    """

    redeploy: int
    times: int
    since: datetime
    last: datetime
    why: str

    def next_try(self, first: float) -> datetime | None:
        """Return when it may be sent again by itself, None: not any more.

        `first`: seconds after the first refusal; each further one doubles them.
        """
        if self.times >= MOST:
            return None
        return self.last + timedelta(seconds=first * 2.0 ** (self.times - 1))

    def forbids(self, now: datetime, first: float) -> bool:
        """Tell whether nothing is to be sent now; a clock that was set back forbids nothing."""
        again = self.next_try(first)
        return again is None or self.last <= now < again
