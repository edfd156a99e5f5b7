"""What `init` found, as lines: files and counts first, then everything that needs a person."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from reconciler.cli.render.plan import read_at
from reconciler.core.text import clean
from reconciler.manifests.founding import environment_path
from reconciler.manifests.writing import quoted, scalar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from reconciler.core.estate import Estate, FoundEnvironment
    from reconciler.core.estate_news import News
    from reconciler.engine.estate import Surveyed

LINES = 40
"""Lines of one kind; the files have all."""
NAMES = 5
"""Components of one deployer that are named."""


def news_lines(seen: Surveyed) -> Iterator[str]:
    """Yield what differs between a space and its manifests, by what it is about."""
    if not seen.is_known:
        return
    if not seen.news:
        yield f"{_read(seen)}: as the manifests say"
        return
    yield f"{_read(seen)}: {_count(len(seen.news), 'difference')}"
    about = ""
    for one in seen.news:
        if one.about != about:
            about = one.about
            yield clean(about)
        yield f"  {clean(one.says, 300)}{_line(one)}"


def _line(one: News) -> str:
    """Return what to write into a manifest, as YAML, ready to be pasted."""
    if one.component is None:
        return ""
    value = f"{{project: {scalar(one.project)}}}" if one.project else "{}"
    if one.version is not None:
        value = quoted(one.version)
    return f"  # {scalar(one.component)}: {value}"


def report_lines(seen: Surveyed, estate: Estate, made: Collection[str]) -> Iterator[str]:
    """Yield what was written (or would be), and everything in it that needs a person."""
    if not seen.is_known:
        yield _read(seen)
        pins = sum(map(_pins, estate.environments))
        yield (
            f"{_count(len(estate.components), 'component')}, "
            f"{_count(len(estate.environments), 'environment')}, {_count(pins, 'pin')}"
        )
    for path in sorted(made):
        yield f"  {path}{_counts(estate, path)}"
    yield from _section(
        "left without a pin:",
        (
            f"{one.name} {clean(out.component)}: {clean(out.why, 300)}"
            for one in estate.environments
            for out in one.left
        ),
    )
    yield from _section(
        "projects left out:", (f"{clean(name)}: {clean(why)}" for name, why in estate.left)
    )
    yield from _section("also deployed by:", _deployers(estate))
    yield from _section("not known for sure:", _doubts(estate))


def next_lines(estate: Estate, out: Path, made: Collection[str], *, dry_run: bool) -> Iterator[str]:
    """Yield what to do next, ready to be pasted."""
    if dry_run:
        yield "nothing was written (--dry-run)"
    elif not made:
        yield "nothing new was written"
    else:
        where = shlex.quote(clean(str(out)))
        yield "next: look through the files, then"
        yield f"  reconciler validate {where}"
        yield f"  git -C {where} add . && git -C {where} commit -m 'Adopt {estate.space}'"
        yield f"  export {estate.key_variable}=...    # a key that may only look"
        first = f" {estate.environments[0].name}" if estate.environments else " ENV"
        yield f"  reconciler plan{first}"
        yield "  reconciler accept --all    # once the plans have nothing to do"


def _read(seen: Surveyed) -> str:
    space = clean(seen.estate.octopus_space, 80)
    who = clean(seen.me.username, 80)
    return f"space {space} ({seen.estate.space_id}), read {read_at(seen.read_at)} as {who}"


def _counts(estate: Estate, path: str) -> str:
    for one in estate.environments:
        if environment_path(one) == path:
            left = f", {len(one.left)} left" if one.left else ""
            protected = ", protected" if one.is_protected else ""
            tenants = f" for {_count(len(one.tenants), 'tenant')}" if one.tenants else ""
            return f"  {_count(_pins(one), 'pin')}{tenants}{left}{protected}"
    return ""


def _pins(one: FoundEnvironment) -> int:
    return len(one.pins) + sum(len(ring.pins) for ring in one.rings)


def _deployers(estate: Estate) -> Iterator[str]:
    for one in estate.environments:
        for who, names in one.deployers:
            more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
            yield f"{one.name}: {who.words}: {', '.join(names[:NAMES])}{more}"


def _doubts(estate: Estate) -> list[str]:
    unread = {words for one in estate.environments for words in one.unread}
    return [clean(words, 400) for words in (*estate.remarks, *sorted(unread))]


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield title
        yield from (f"  {line}" for line in found[:LINES])
        if len(found) > LINES:
            yield f"  and {len(found) - LINES} more"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
