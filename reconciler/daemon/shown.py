"""How an environment stands, as JSON values: what is shown, and what the next daemon begins with.

Times are UTC text, `2026-11-20T12:00:00Z`.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from reconciler.core.condition import Condition, ConditionType, EnvironmentStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.livetree import Summary


def as_json(status: EnvironmentStatus) -> dict[str, Any]:
    """Return one status as JSON values."""
    return {
        "commit": status.commit,
        "looked": _text(status.looked),
        "attempted": _text(status.attempted),
        "reached": _text(status.reached),
        "next_look": _text(status.next_look),
        "failures": status.failures,
        "pending": status.pending,
        "running": [
            {
                "component": r.component,
                "task": r.task,
                "state": r.state,
                "since": _text(r.since),
                "wave": r.wave,
            }
            for r in status.running
        ],
        "progress": None if status.progress is None else _progress(status.progress),
        "conditions": [
            {
                "type": c.type.value,
                "reason": c.reason,
                "message": c.message,
                "since": _text(c.since),
            }
            for c in status.conditions
        ],
    }


def _progress(summary: Summary) -> dict[str, Any]:
    return {
        "done": summary.done,
        "of": summary.of,
        "failed": summary.failed,
        "asking": summary.asking,
        "percent": summary.percent,
        "waves": [{"wave": n, "done": done, "of": of} for n, done, of in summary.waves],
        "next": list(summary.next_up),
        "ends": _text(summary.ends),
        "not_before": summary.is_bound,
        "window_closes": _text(summary.closes),
    }


def remembered(told: Mapping[str, Any] | None, repository: str) -> dict[str, EnvironmentStatus]:
    """Return how the environments of a repository stood, as an earlier daemon wrote it.

    So that a condition which goes on keeps the time it began over a restart. What runs, waits or
    failed then is found out anew. What cannot be read is left out: nothing rests on it.
    """
    try:
        environments = (told or {})["repositories"][repository]["environments"]
        return {name: _status(name, one) for name, one in environments.items()}
    except (AttributeError, KeyError, TypeError, ValueError):
        return {}


def _status(name: str, one: Mapping[str, Any]) -> EnvironmentStatus:
    return EnvironmentStatus(
        environment=name,
        commit=one["commit"],
        conditions=tuple(
            Condition(ConditionType(c["type"]), c["reason"], c["message"], _time(c["since"]))
            for c in one["conditions"]
        ),
        looked=_time_or_none(one["looked"]),
        attempted=_time_or_none(one["attempted"]),
        reached=_time_or_none(one["reached"]),
    )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")


def _time_or_none(text: str | None) -> datetime | None:
    return None if text is None else _time(text)
