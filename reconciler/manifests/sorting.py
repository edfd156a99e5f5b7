"""The documents of a commit by kind and name, and whose door a broken file's problems are laid at.

Rule 4 decides here: what cannot be attributed stops all.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from reconciler.core.manifest import Kind, Problem
from reconciler.manifests.kinds.environment import EnvironmentDocument
from reconciler.manifests.kinds.lifecycle import LifecycleDocument
from reconciler.manifests.kinds.pins import PinsDocument
from reconciler.manifests.kinds.platformversion import PlatformVersionDocument
from reconciler.manifests.kinds.policy import PolicyDocument
from reconciler.manifests.kinds.remote import RemoteEnvironmentDocument
from reconciler.manifests.kinds.space import SpaceDocument
from reconciler.manifests.kinds.stack import StackDocument
from reconciler.manifests.parse import claim_of
from reconciler.manifests.wording import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from reconciler.manifests.documents import Document
    from reconciler.manifests.kinds.common import Reference
    from reconciler.manifests.parse import Claim, ParsedFile

_ALL_STOPPED = "; nothing tells which environment this file belongs to, so all are stopped"

_D = TypeVar(
    "_D",
    EnvironmentDocument,
    StackDocument,
    SpaceDocument,
    PolicyDocument,
    PlatformVersionDocument,
    LifecycleDocument,
    RemoteEnvironmentDocument,
)


@dataclass(slots=True)
class Doors:
    """Problems by whom they stop."""

    environments: dict[str, list[Problem]] = field(default_factory=lambda: defaultdict(list))
    others: dict[tuple[Kind, str], list[Problem]] = field(default_factory=lambda: defaultdict(list))
    everybody: list[Problem] = field(default_factory=list)

    def all_problems(self) -> Iterable[Problem]:
        """Yield every problem, whomever it stops."""
        for found in (*self.environments.values(), *self.others.values(), self.everybody):
            yield from found


@dataclass(slots=True)
class Commit:
    """The valid documents of a commit by kind and name; of a name used twice, the first.

    Fragments of pins are kept by the environment they belong to, each of them.
    """

    by_kind: dict[Kind, dict[str, Document]] = field(default_factory=lambda: defaultdict(dict))
    fragments: dict[str, list[PinsDocument]] = field(default_factory=lambda: defaultdict(list))

    def all_of(self, wanted: type[_D]) -> Iterable[_D]:
        """Return the documents of one kind."""
        for document in self.by_kind[wanted.KIND].values():
            if isinstance(document, wanted):
                yield document

    def find(self, wanted: type[_D], reference: Reference | None) -> _D | None:
        """Return the document that is referred to; None where there is none of this kind."""
        found = self.by_kind[wanted.KIND].get(reference.name) if reference else None
        return found if isinstance(found, wanted) else None


def puzzling(files: Sequence[ParsedFile]) -> tuple[str, ...]:
    """Return the paths whose earlier content helps to tell whom they belong to."""
    known = {claim.name for file in files for claim in file.claims if claim.kind is not Kind.PINS}
    return tuple(
        file.path
        for file in files
        if file.problems
        or (isinstance(file.document, PinsDocument) and file.document.environment.name not in known)
    )


def sort_in(files: Sequence[ParsedFile], doors: Doors) -> Commit:
    """Return the documents of a commit; what stands twice is laid at the doors of both."""
    commit = Commit()
    first: dict[tuple[Kind, str], Document] = {}
    for file in files:
        document = file.document
        if document is None:
            continue
        claim = claim_of(document)
        earlier = first.setdefault((claim.kind, document.name), document)
        if earlier is not document:
            _blame_twins(claim.kind, earlier, document, doors)
        if isinstance(document, PinsDocument):
            commit.fragments[document.environment.name].append(document)
        else:
            commit.by_kind[document.KIND].setdefault(document.name, document)
    return commit


def _blame_twins(kind: Kind, one: Document, other: Document, doors: Doors) -> None:
    problem = Problem(
        other.place,
        f"{kind} '{other.name}' exists twice: also at {shown(str(one.place))}; rename one",
    )
    match one, other:
        case PinsDocument(), PinsDocument():
            doors.environments[one.environment.name].append(problem)
            doors.environments[other.environment.name].append(problem)
        case EnvironmentDocument(), _:
            doors.environments[other.name].append(problem)
        case LifecycleDocument(), _:
            doors.everybody.append(problem)
        case _:
            doors.others[kind, other.name].append(problem)


def attribute(
    file: ParsedFile,
    earlier: Sequence[Claim],
    claimed: Collection[tuple[Kind, str]],
    doors: Doors,
) -> None:
    """Lay a broken file's problems at the doors of all it may belong to (rule 4).

    `earlier` is what stood there in accepted commits, `claimed` what exists, if only in a broken
    file.
    """
    problems = file.problems
    found = False
    for claim in (*file.claims, *earlier):
        match claim.kind:
            case Kind.ENVIRONMENT:
                doors.environments[claim.name].extend(problems)
            case Kind.PINS:
                if not claim.certain and (Kind.ENVIRONMENT, claim.name) not in claimed:
                    continue
                doors.environments[claim.name].extend(problems)
            case Kind.LIFECYCLE:  # whom it restrains is in what cannot be read
                doors.everybody.extend(problems)
            case _:
                doors.others[claim.kind, claim.name].extend(problems)
        found = True
    if not found:
        head, *rest = problems
        said = Problem(head.place, head.message + _ALL_STOPPED)
        doors.everybody.extend((said, *rest))
