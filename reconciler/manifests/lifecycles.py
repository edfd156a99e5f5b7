"""Lifecycles followed: which phases each environment has before it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.manifest import Problem
from reconciler.core.phase import Phase
from reconciler.manifests.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.core.manifest import Place
    from reconciler.manifests.kinds.environment import EnvironmentDocument
    from reconciler.manifests.kinds.lifecycle import LifecycleDocument, PhaseDraft
    from reconciler.manifests.kinds.remote import RemoteEnvironmentDocument
    from reconciler.manifests.wording import Words

_At = tuple[str, str]


@dataclass(slots=True)
class Lifecycles:
    """By Environment manifest: the phases before it, and the problems that stop it.

    `loose` are problems of lifecycles that name no environment we know: they stop everybody, since
    nobody can tell whom the lifecycle was to restrain.
    """

    earlier: dict[str, tuple[Phase, ...]] = field(default_factory=dict)
    problems: dict[str, list[Problem]] = field(default_factory=lambda: defaultdict(list))
    loose: list[Problem] = field(default_factory=list)


def follow_lifecycles(
    lifecycles: Iterable[LifecycleDocument],
    environments: Sequence[EnvironmentDocument],
    remotes: Iterable[RemoteEnvironmentDocument],
    spaces: Iterable[str],
    all_known: bool,
    words: Words,
) -> Lifecycles:
    """Follow every lifecycle; `spaces` are the names of all Space manifests.

    A phase may be in one of the `remotes`: others wait for it, and it waits for nothing here.
    `all_known` False: an Environment manifest cannot be read, and may be the one that is missed;
    then a phase waits for it, and stops nobody (rule 4).
    """
    there: dict[_At, list[str]] = defaultdict(list)
    written: dict[_At, str] = {}
    own = {document.name for document in environments}
    all_of_them: list[EnvironmentDocument | RemoteEnvironmentDocument] = [*environments, *remotes]
    for document in all_of_them:
        at = (document.space.name, document.octopus_environment.casefold())
        there[at].append(document.name)
        written[at] = document.octopus_environment
    found = Lifecycles()
    taken: dict[_At, Place] = {}
    known = set(spaces)
    for lifecycle in lifecycles:
        problems: list[Problem] = []
        names: set[str] = set()
        phases: list[Phase] = []
        for draft in lifecycle.phases:
            places = _places(draft, there, written, known, all_known, words, taken, problems)
            problems.extend(_wrong(draft, phases_before=lifecycle.phases))
            here = sorted(own & {name for place in places for name in place})
            names.update(here)
            for name in here:
                found.earlier[name] = tuple(phases)
            if not draft.is_optional:
                minimum = draft.minimum or len(draft.environments)
                phases.append(Phase(lifecycle.name, draft.name, tuple(places), minimum))
        for name in names:
            found.problems[name].extend(problems)
        if not names:
            found.loose.extend(problems)
    return found


def _places(
    draft: PhaseDraft,
    there: Mapping[_At, list[str]],
    written: Mapping[_At, str],
    spaces: set[str],
    all_known: bool,
    words: Words,
    taken: dict[_At, Place],
    problems: list[Problem],
) -> list[tuple[str, ...]]:
    """Return the Environment manifests at each place of a phase; say what is wrong with it."""
    places = []
    for space, environment in draft.environments:
        at = (space.name, environment.name.casefold())
        first = taken.setdefault(at, environment.place)
        said = f"'{shown(environment.name)}' of space '{space.name}'"
        if first is not environment.place:
            message = f"{said} is in a phase already, at {shown(str(first))}; keep one"
            problems.append(Problem(environment.place, message))
        elif space.name not in spaces:
            meant = words.did_you_mean(space.name, spaces)
            problems.append(Problem(space.place, f"no Space is named '{space.name}'{meant}"))
        elif at not in there and all_known:
            others = [name for (where, _), name in written.items() if where == space.name]
            meant = words.did_you_mean(environment.name, others)
            problems.append(Problem(environment.place, f"no Environment manifest is {said}{meant}"))
        places.append(tuple(sorted(there.get(at, ()))))
    return places


def _wrong(draft: PhaseDraft, phases_before: Iterable[PhaseDraft]) -> Iterable[Problem]:
    same = next((each for each in phases_before if each.name == draft.name), draft)
    if same is not draft:
        message = f"phase '{shown(draft.name)}' is written twice: also at {shown(str(same.place))}"
        yield Problem(draft.place, message)
    count = len(draft.environments)
    if draft.minimum is not None and draft.minimum > count:
        message = f"phase '{shown(draft.name)}' has {count} environments, fewer than its minimum"
        yield Problem(draft.place, message)
