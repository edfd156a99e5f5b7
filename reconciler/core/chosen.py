"""Machines that a run of a runbook names for the deployment it is run before.

Octopus shows the output variables of a run to nobody but its own steps, and its log to whoever may
see it. So the script that sets the variable says it in the log, too: `NewMachines = web-7, web-8`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.core.logtree import Branch, TaskLog

LONGEST = 500
"""Machines that one run may name."""


def named_in(log: TaskLog, variable: str) -> tuple[str, ...]:
    """Return what the lines of a log give a variable, in order, each once; empty: nothing.

    Lines of several steps, or machines, add up.
    """
    line = re.compile(rf"\s*{re.escape(variable)}\s*=(.*)", re.IGNORECASE)
    said = (line.fullmatch(text) for text in _texts(log.roots))
    words = (word.strip() for found in said if found for word in found[1].split(","))
    return tuple(dict.fromkeys(word for word in words if word))[:LONGEST]


def chosen(wanted: Iterable[str], names: Mapping[str, str]) -> tuple[str, ...] | str:
    """Return the ids of machines that are named by name or id, sorted, or which one is not there.

    `names` are those of the environment's machines, by id.
    """
    by_name: dict[str, list[str]] = {}
    for id_, name in names.items():
        by_name.setdefault(name.casefold(), []).append(id_)
    found = set()
    for each in wanted:
        ids = [each] if each in names else by_name.get(each.casefold(), [])
        if len(ids) != 1:
            fault = "means several machines" if ids else "is no machine"
            return f"'{clean(each, 80)}' {fault} of this environment"
        found.add(ids[0])
    return tuple(sorted(found))


def _texts(branches: Iterable[Branch]) -> Iterator[str]:
    for branch in branches:
        yield from (line.text for line in branch.lines)
        yield from _texts(branch.children)
