"""Watching a daemon: what is news, how it is shown, and when a script has waited long enough."""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import click
from rich.live import Live
from rich.text import Text

from reconciler.cli.leaving import Exit
from reconciler.cli.render.console import stdout
from reconciler.cli.render.standing import news_line, standing_lines, trouble_line
from reconciler.cli.session import say
from reconciler.cli.standing import NoDaemon, Standing
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

BEAT = 0.5
"""Seconds between two looks at the status file."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a script waits for: all these environments (none named: all) in one condition.

    `commit`: the beginning of the commit they were looked at at, or empty. `timeout`: seconds.
    """

    condition: str
    commit: str
    names: frozenset[str]
    timeout: float | None

    def missing(self, standing: Standing) -> list[str]:
        """Return who is not there yet; what an earlier daemon saw does not count."""
        seen = standing.environments if standing.is_current else {}
        wanted = self.names or frozenset(standing.environments)
        return sorted(name for name in wanted if not self._is_met(seen.get(name)))

    def _is_met(self, one: Mapping[str, Any] | None) -> bool:
        return (
            one is not None
            and any(c["type"] == self.condition for c in one["conditions"])
            and str(one["commit"]).startswith(self.commit)
        )


class Show(Protocol):
    """Whoever shows it: told at each look."""

    def __call__(self, standing: Standing) -> None:
        """Show what is new."""


def watch(
    state_dir: Path,
    names: tuple[str, ...],
    show: Show,
    goal: Goal | None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Exit:
    """Show what changes until the goal is reached, or for ever.

    Raises: NoDaemon where none runs at the beginning; StoreTrouble.
    """
    begun = clock()
    standing = Standing.read(state_dir, names)
    if standing is None or not standing.is_served:
        raise NoDaemon(state_dir, "no daemon runs for")
    for name in sorted(set(names) - standing.environments.keys()) if standing.is_current else ():
        say(f"the daemon knows no environment '{clean(name)}' yet")
    while True:
        show(standing)
        if goal is not None:
            missing = goal.missing(standing)
            if standing.environments and not missing:
                return Exit.OK
            if goal.timeout is not None and clock() - begun >= goal.timeout:
                say(_too_long(goal, missing))
                say("hint: `reconciler status` tells why; --timeout with more seconds waits longer")
                return Exit.FAILED
        sleep(BEAT)
        before, standing = standing, Standing.read(state_dir, names) or standing
        if standing.is_served is not before.is_served:
            ended = "the daemon has ended; waiting for the next one"
            say("a daemon runs again" if standing.is_served else ended)


def _too_long(goal: Goal, missing: list[str]) -> str:
    who = ", ".join(clean(name) for name in missing[:5]) or "no environment"
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    at = f" at {clean(goal.commit, 64)}" if goal.commit else ""
    return f"error: {who}{more} not {goal.condition}{at} within {goal.timeout:g} s"


@contextmanager
def screen(*, as_json: bool) -> Iterator[Show]:
    """Return who shows it: a page that is painted anew on a terminal, else lines."""
    if as_json:
        yield JsonLines()
    elif sys.stdout.isatty():
        with Live(console=stdout(), auto_refresh=False) as live:
            yield Page(live)
    else:
        yield Lines()


class Lines:
    """One line for each environment that changed, with the time it was noticed."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def __call__(self, standing: Standing) -> None:
        """Write what changed; times that move with every look are no change."""
        lines = {name: news_line(name, one) for name, one in standing.environments.items()}
        lines |= {f" {n}": trouble_line(n, why) for n, why in standing.troubles.items()}
        for name in sorted(self._told.keys() - lines.keys()):
            over = "is read again" if name.startswith(" ") else "is watched no more"
            self._write(f"{clean(name.strip())} {over}")
        for name, line in sorted(lines.items()):
            if self._told.get(name) != line:
                self._write(line)
        self._told = lines

    def _write(self, line: str) -> None:
        click.echo(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}")
        sys.stdout.flush()


class JsonLines:
    """One JSON object for each environment or repository that changed."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], str] = {}

    def __call__(self, standing: Standing) -> None:
        """Write what changed; times that move with every look are no change."""
        news = {("environment", n): news_line(n, one) for n, one in standing.environments.items()}
        news |= {("repository", n): why for n, why in standing.troubles.items()}
        for kind, name in sorted(self._told.keys() - news.keys()):
            over = {"gone": True} if kind == "environment" else {"trouble": None}
            self._write({kind: name, **over})
        for (kind, name), line in sorted(news.items()):
            if self._told.get((kind, name)) != line:
                facts = standing.environments[name] if kind == "environment" else {"trouble": line}
                self._write({kind: name, **facts})
        self._told = news

    def _write(self, facts: Mapping[str, Any]) -> None:
        click.echo(json.dumps(facts, sort_keys=True))
        sys.stdout.flush()


class Page:
    """All environments on a terminal, painted anew when something changed."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._painted: list[str] = []

    def __call__(self, standing: Standing) -> None:
        """Paint the page, if it is another one."""
        lines = [trouble_line(name, why) for name, why in sorted(standing.troubles.items())]
        for name, one in sorted(standing.environments.items()):
            lines += standing_lines(name, one)
        if not lines:
            lines = ["the daemon has looked at nothing yet"]
        if lines != self._painted:
            self._painted = lines
            self._live.update(Text("\n".join(lines)), refresh=True)
