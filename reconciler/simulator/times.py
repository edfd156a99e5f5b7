"""Time as Octopus writes it: stamps with milliseconds and offset, and text for people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reconciler.simulator.answers import Refused

__all__ = ["duration_text", "parse_time", "person_time", "stamp", "utcnow"]


def utcnow() -> datetime:
    """Return the real time, in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime | None) -> str | None:
    """Write a moment the way responses carry it: `2026-11-20T10:00:00.000+00:00`."""
    return None if moment is None else moment.isoformat(timespec="milliseconds")


def parse_time(text: str, *, name: str) -> datetime:
    """Read an ISO 8601 moment with `Z` or an offset; without either it counts as UTC.

    Raises:
        Refused: 400 when the text is no moment.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Refused(400, f"The value {text!r} is not valid for {name}.") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def person_time(moment: datetime) -> str:
    """Write a moment for people, as the `Completed` text of a task: `Friday, 20 November 2026`."""
    hour = moment.hour % 12 or 12
    half = "AM" if moment.hour < 12 else "PM"
    return f"{moment:%A}, {moment.day:02d} {moment:%B %Y} {hour}:{moment:%M} {half}"


def duration_text(span: timedelta) -> str:
    """Write a span for people: `58 seconds`, `1 minute`, `3 hours`."""
    seconds = max(0, round(span.total_seconds()))
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return "1 second" if seconds == 1 else f"{seconds} seconds"
