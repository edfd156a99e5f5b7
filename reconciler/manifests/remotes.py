"""Remote environments joined with their space and stack, and kept apart from our own."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.manifest import Problem
from reconciler.core.remote import RemoteEnvironment
from reconciler.manifests.pinning import strangers
from reconciler.manifests.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.core.manifest import Space
    from reconciler.core.stack import Stack
    from reconciler.manifests.kinds.environment import EnvironmentDocument
    from reconciler.manifests.kinds.remote import RemoteEnvironmentDocument
    from reconciler.manifests.wording import Words


@dataclass(slots=True)
class Remotes:
    """Remote environments by name, and the problems of each; `ours` stop environments of our own.

    A claim that stands twice stops both: nobody can tell which of them is meant (rule 11).
    """

    joined: dict[str, RemoteEnvironment] = field(default_factory=dict)
    problems: dict[str, list[Problem]] = field(default_factory=lambda: defaultdict(list))
    ours: dict[str, list[Problem]] = field(default_factory=lambda: defaultdict(list))


def join_remotes(
    remotes: Iterable[RemoteEnvironmentDocument],
    environments: Mapping[str, EnvironmentDocument],
    spaces: Mapping[str, Space],
    stacks: Mapping[str, Stack],
    words: Words,
) -> Remotes:
    """Join the remote environments whose space and stack can be read.

    `environments` are those of our own, whose names and places in Octopus no remote one may have.
    Names and places are compared as Octopus does, without regard to case.
    """
    found = Remotes()
    there: dict[tuple[str, str, str], list[EnvironmentDocument | RemoteEnvironmentDocument]]
    there = defaultdict(list)
    for environment in environments.values():
        there[_location(environment, spaces)].append(environment)
    for remote in remotes:
        own = environments.get(remote.name)
        if own is not None:
            message = (
                f"RemoteEnvironment '{remote.name}' has the name of the Environment at "
                f"{shown(str(own.place))}; rename one"
            )
            _blame(found, Problem(remote.place, message), remote, own)
        location = _location(remote, spaces)
        for other in there[location]:
            message = (
                f"Octopus environment '{shown(remote.octopus_environment)}' is already that of "
                f"{other.KIND} '{other.name}' at {shown(str(other.place))}; keep one"
            )
            _blame(found, Problem(remote.octopus_place, message), remote, other)
        there[location].append(remote)
        space, stack = spaces.get(remote.space.name), stacks.get(remote.stack.name)
        if space is None or stack is None:
            continue
        found.problems[remote.name].extend(strangers(remote.pins, stack, words))
        found.joined[remote.name] = RemoteEnvironment(
            remote.name, space, remote.octopus_environment, stack, remote.pins, remote.place
        )
    return found


def _blame(
    found: Remotes,
    problem: Problem,
    remote: RemoteEnvironmentDocument,
    other: EnvironmentDocument | RemoteEnvironmentDocument,
) -> None:
    found.problems[remote.name].append(problem)
    theirs = found.problems if other.KIND is remote.KIND else found.ours
    theirs[other.name].append(problem)


def _location(
    document: EnvironmentDocument | RemoteEnvironmentDocument, spaces: Mapping[str, Space]
) -> tuple[str, str, str]:
    """Return where it is; of a space that cannot be read, by the name of its manifest."""
    space = spaces.get(document.space.name)
    environment = document.octopus_environment.casefold()
    if space is None:
        return "", document.space.name, environment
    return space.server.casefold(), space.octopus_space.casefold(), environment
