"""How environments stand, as lines: what the daemon wrote down, cleaned once more."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from reconciler.cli.render.plan import DIGITS
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LONGEST = 300


def standing_lines(name: str, one: Mapping[str, Any]) -> Iterator[str]:
    """Yield how one environment stands: commit and times, conditions, and what runs."""
    pending = one["pending"]
    what = f", {pending} record{'' if pending == 1 else 's'} pending" if pending else ""
    yield f"{clean(name)} at {_commit(one)}, looked at {_time(one['looked'])}{what}"
    attempted = "none known" if one["attempted"] is None else _time(one["attempted"])
    yield (
        f"  attempted {attempted}, reached {_time(one['reached'])}, "
        f"next look {_time(one['next_look'])}"
    )
    for c in one["conditions"]:
        kind, reason = clean(str(c["type"])), clean(str(c["reason"]))
        yield f"  {kind:<11} {reason:<16} {_said(c['message'])} (since {_time(c['since'])})"
    progress = one.get("progress")
    if progress is not None:
        yield f"  pass        {_pass(progress)}"
    waves = {} if progress is None else {wave["wave"]: wave for wave in progress["waves"]}
    running = sorted(one["running"], key=lambda r: str(r.get("wave", 0)).zfill(9))
    for number, mine in groupby(running, key=lambda r: r.get("wave", 0)):
        if number in waves:
            wave = waves[number]
            yield f"  wave {clean(str(number)):<6} {_count(wave)}"
        for r in mine:
            task = f"{clean(str(r['task']))} is {clean(str(r['state']))}"
            name = clean(str(r["component"]))
            yield f"  runs        {name:<16} {task} (since {_time(r['since'])})"
    if progress is not None and progress["next"]:
        yield f"  next        {', '.join(clean(str(name)) for name in progress['next'])}"


def _pass(progress: Mapping[str, Any]) -> str:
    """Return how a pass stands, and when it is likely to end beside the end of the window."""
    facts = [_count(progress)]
    facts += [f"{clean(str(progress['failed']))} failed"] if progress["failed"] else []
    asking = clean(str(progress["asking"]))
    facts += [f"{asking} wait{'s' if asking == '1' else ''} for a person"] if asking != "0" else []
    facts.append(f"{clean(str(progress['percent']))}%")
    if progress["ends"] is not None:
        about = "not before" if progress["not_before"] else "about"
        facts.append(f"ends {about} {_time(progress['ends'])}")
    if progress["window_closes"] is not None:
        facts.append(f"the window closes {_time(progress['window_closes'])}")
    return ", ".join(facts)


def _count(one: Mapping[str, Any]) -> str:
    return f"{clean(str(one['done']))} of {clean(str(one['of']))} done"


def news_line(name: str, one: Mapping[str, Any]) -> str:
    """Return how one environment stands in one line, without the times that every look moves."""
    facts = [
        f"{clean(str(c['type']))} {clean(str(c['reason']))} ({_said(c['message'])})"
        for c in one["conditions"]
    ]
    facts += [
        f"runs {clean(str(r['component']))} {clean(str(r['task']))} ({clean(str(r['state']))})"
        for r in one["running"]
    ]
    return f"{clean(name)} at {_commit(one)}: {', '.join(facts) or 'not looked at yet'}"


def trouble_line(name: str, trouble: object) -> str:
    """Return why a repository cannot be read."""
    return f"{clean(name)}: {_said(trouble)}"


def _commit(one: Mapping[str, Any]) -> str:
    return clean(str(one["commit"]))[:DIGITS] or "no commit"


def _time(moment: object) -> str:
    return "never" if moment is None else clean(str(moment))


def _said(message: object) -> str:
    return clean(str(message), _LONGEST)
