"""The chain of receipts of one (environment, project, tenant): what is missing, what is double.

A break in it is an audit alarm to show; it blocks nothing.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NONE_READ: Mapping[str, str | None] = MappingProxyType({})


class Link(Protocol):
    """The place of one receipt in its chain; `digest` is `sha256:<hex of the payload>`."""

    @property
    def environment(self) -> str: ...  # noqa: D102
    @property
    def project(self) -> str: ...  # noqa: D102
    @property
    def tenant(self) -> str | None: ...  # noqa: D102
    @property
    def sequence(self) -> int: ...  # noqa: D102
    @property
    def digest(self) -> str: ...  # noqa: D102
    @property
    def path(self) -> str: ...  # noqa: D102


def chain_problems(
    links: Iterable[Link], previous: Mapping[str, str | None] = _NONE_READ
) -> tuple[str, ...]:
    """Return every gap, fork and wrong predecessor as one line each, by project and sequence.

    `previous` says, by path, what receipts that were read name as the one before them; links that
    are not in it are judged by their numbers alone.
    """
    chains: dict[tuple[str, str, str], dict[int, dict[str, Link]]] = defaultdict(dict)
    for link in links:
        chain = chains[link.environment, link.project, link.tenant or ""]
        chain.setdefault(link.sequence, {})[link.digest] = link
    problems: list[str] = []
    for key in sorted(chains):
        chain = dict(sorted(chains[key].items()))
        problems += _gaps(_name(*key), chain)
        problems += _forks(_name(*key), chain)
        problems += _wrong_predecessors(_name(*key), chain, previous)
    return tuple(problems)


def _gaps(name: str, chain: Mapping[int, Mapping[str, Link]]) -> list[str]:
    found = []
    for before, after in pairwise((0, *chain)):
        match after - before:
            case 1:
                continue
            case 2:
                found.append(f"gap: receipt {before + 1} of {name} is missing")
            case _:
                found.append(f"gap: receipts {before + 1} to {after - 1} of {name} are missing")
    return found


def _forks(name: str, chain: Mapping[int, Mapping[str, Link]]) -> list[str]:
    found = []
    for sequence, twins in chain.items():
        if len(twins) > 1:
            paths = ", ".join(sorted(clean(link.path) for link in twins.values()))
            found.append(f"fork: {len(twins)} receipts are number {sequence} of {name}: {paths}")
    return found


def _wrong_predecessors(
    name: str, chain: Mapping[int, Mapping[str, Link]], previous: Mapping[str, str | None]
) -> list[str]:
    found = []
    for sequence, twins in chain.items():
        before = chain.get(sequence - 1)
        for link in twins.values():
            if link.path not in previous:
                continue
            named = previous[link.path]
            if (sequence == 1) != (named is None) or (before is not None and named not in before):
                found.append(
                    f"broken: receipt {sequence} of {name} does not follow the one before it: "
                    f"{clean(link.path)}"
                )
    return found


def _name(environment: str, project: str, tenant: str) -> str:
    shown = f"{clean(project, 64)} in {clean(environment, 64)}"
    return f"{shown} for {clean(tenant, 64)}" if tenant else shown
