"""The gate of windows: nothing is started outside of them, or that would not end inside."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.core.cellkey import WHOLE
from reconciler.core.gate import Gate, GateName

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.core.cellkey import CellKey
    from reconciler.core.plan import Plan
    from reconciler.core.policy import Policy
    from reconciler.core.window import Windows

UNKNOWN = timedelta(minutes=15)
"""What is assumed of a cell that was never deployed with success: long enough for most."""

_OUTSIDE = "outside of the windows of policy '{}'"  # without the time: a refusal is recorded once


def window_gates(
    plan: Plan, policy: Policy, takes: Mapping[CellKey, timedelta], at: datetime
) -> tuple[Gate, ...]:
    """Return the closed gates of a policy's windows at a moment (rule 49).

    `takes`: how long each cell is likely to take; `UNKNOWN` of one that is not there.
    """
    windows = policy.windows
    if windows is None or not plan.has_work:
        return ()
    verdict = windows.verdict(at)
    if not verdict.is_open:
        message = _OUTSIDE.format(policy.name)
        return (Gate(WHOLE, GateName.WINDOW, message, _opener(windows, verdict.opens)),)
    judged = (window_gate(a.cell, policy, takes, at) for a in plan.changes)
    return tuple(gate for gate in judged if gate is not None)


def window_gate(
    cell: CellKey, policy: Policy, takes: Mapping[CellKey, timedelta], at: datetime
) -> Gate | None:
    """Return the closed gate of one cell at a moment; None: it may be started."""
    windows = policy.windows
    if windows is None:
        return None
    known = takes.get(cell)
    verdict = windows.verdict(at, UNKNOWN if known is None else known)
    if verdict.is_open:
        return None
    if verdict.closes is None:
        message = _OUTSIDE.format(policy.name)
    elif known is None:
        message = (
            f"the window closes {windows.shown(verdict.closes)}, and what was never deployed here "
            f"is taken for {_length(UNKNOWN)} long"
        )
    else:
        message = (
            f"the window closes {windows.shown(verdict.closes)}, and it usually takes "
            f"{_length(known)}"
        )
    return Gate(cell, GateName.WINDOW, message, _opener(windows, verdict.opens))


def _opener(windows: Windows, opens: datetime | None) -> str:
    if opens is None:
        return "a commit with windows that are long enough; none is within 400 days"
    return f"by itself, {windows.shown(opens)}"


def _length(duration: timedelta) -> str:
    seconds = int(duration.total_seconds())
    return f"{seconds} s" if seconds < 60 else f"{-(-seconds // 60)} min"
