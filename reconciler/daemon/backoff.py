"""When to look again: bounded, growing, and spread so that many do not come back at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.errors import Disposition

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations in seconds that the daemon keeps to.

    `poll`: how often the remotes are asked for their tips. `full_look`: how often an environment
    nobody touched is compared with Octopus, which is how drift shows. `first_retry` and
    `last_retry` bound the growing waits after a failure. `spread` is the share by which a wait is
    made longer or shorter by chance.
    """

    poll: float = 30.0
    full_look: float = 300.0
    first_retry: float = 5.0
    last_retry: float = 300.0
    spread: float = 0.2

    @property
    def after_refusal(self) -> float:
        """The least wait before a refused request is sent again; each refusal doubles it.

        It is the shortest time between two full looks, which spread the tries by chance (rule 20).
        """
        return (1.0 - self.spread) * self.full_look

    @property
    def apart(self) -> float:
        """How far chance alone may drive two full looks apart that were once one."""
        return 2.0 * self.spread * self.full_look


def wait_after(
    timing: Timing, disposition: Disposition | None, failures: int, chance: Callable[[], float]
) -> float:
    """Return the seconds until the next look.

    `disposition` None: the last look went well. `failures` counts failed looks in a row, this one
    included. `chance` returns a number from 0 to 1.
    """
    match disposition:
        case Disposition.RETRY:
            wait = min(timing.first_retry * 2.0 ** min(failures - 1, 16), timing.last_retry)
        case Disposition.WAIT:
            wait = timing.poll
        case Disposition.STALL | None:
            wait = timing.full_look
    return wait * (1.0 + timing.spread * (2.0 * chance() - 1.0))
