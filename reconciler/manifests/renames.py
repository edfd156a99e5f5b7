"""Former names: nobody's any more, and one environment's only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.manifest import Kind, Problem
from reconciler.manifests.wording import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from reconciler.manifests.kinds.environment import EnvironmentDocument


def rename_problems(
    documents: Iterable[EnvironmentDocument], claimed: Collection[tuple[Kind, str]]
) -> Iterator[tuple[str, Problem]]:
    """Yield the problems of former names, each with the environment that it stops.

    `claimed` are the kinds and names there are, if only in a broken file.
    """
    first: dict[str, EnvironmentDocument] = {}
    for document in documents:
        former = document.formerly
        if former is None:
            continue
        for kind in (Kind.ENVIRONMENT, Kind.REMOTE_ENVIRONMENT):
            if (kind, former.name) in claimed:
                message = (
                    f"{kind} '{former.name}' is still there: a former name is that of a manifest "
                    "that is gone"
                )
                yield document.name, Problem(former.place, message)
        other = first.setdefault(former.name, document)
        if other is document or other.formerly is None:
            continue
        message = (
            f"Environment '{other.name}' was called '{former.name}' too, by "
            f"{shown(str(other.formerly.place))}"
        )
        for name in (other.name, document.name):
            yield name, Problem(former.place, message)
