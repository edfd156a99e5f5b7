"""The files of one commit joined: references followed, pins merged, problems laid at doors.

Rule 4 decides everything here: a broken file stops the environments it belongs to and no others;
a broken Stack, Policy or Space stops those that refer to it; what cannot be attributed stops all.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from reconciler.core.manifest import (
    DesiredState,
    Invalid,
    Kind,
    ManifestSet,
    Policy,
    Problem,
)
from reconciler.manifests.documents import (
    EnvironmentDocument,
    PinsDocument,
    PolicyDocument,
    SpaceDocument,
    StackDocument,
)
from reconciler.manifests.join import Joined, cells_claimed_twice, join, projects_used_twice
from reconciler.manifests.parse import claim_of
from reconciler.manifests.wording import Words, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.core.manifest import Stack
    from reconciler.manifests.documents import Document, Reference
    from reconciler.manifests.parse import Claim, ParsedFile

_ALL_STOPPED = "; nothing tells which environment this file belongs to, so all are stopped"
_NOBODY: tuple[Problem, ...] = ()
_MAX_ALIEN = 100  # of the problems that stop everybody, shown beside an environment's own

_Inputs: TypeAlias = "tuple[object, ...]"


@dataclass(slots=True)
class _Doors:
    """Problems by whom they stop."""

    environments: dict[str, list[Problem]] = field(default_factory=lambda: defaultdict(list))
    others: dict[tuple[Kind, str], list[Problem]] = field(default_factory=lambda: defaultdict(list))
    everybody: list[Problem] = field(default_factory=list)

    def all_problems(self) -> Iterable[Problem]:
        for found in (*self.environments.values(), *self.others.values(), self.everybody):
            yield from found


@dataclass(slots=True)
class _Commit:
    """The valid documents of a commit by kind and name; of a name used twice, the first."""

    environments: dict[str, EnvironmentDocument] = field(default_factory=dict)
    stacks: dict[str, StackDocument] = field(default_factory=dict)
    spaces: dict[str, SpaceDocument] = field(default_factory=dict)
    policies: dict[str, PolicyDocument] = field(default_factory=dict)
    fragments: dict[str, list[PinsDocument]] = field(default_factory=lambda: defaultdict(list))


class Resolver:
    """Joins the files of a commit; keeps what it joined, so that the next commit is cheap."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[_Inputs, Joined]] = {}

    def resolve(
        self, files: Sequence[ParsedFile], earlier: Mapping[str, tuple[Claim, ...]]
    ) -> ManifestSet:
        """Return the manifest set of a commit.

        `files` are sorted by path; `earlier` has, for the paths `puzzling` named, what stood there
        in accepted commits.
        """
        run = _Run(files, earlier, self._kept)
        result = run.result(files)
        self._kept = run.keep
        return result


def puzzling(files: Sequence[ParsedFile]) -> tuple[str, ...]:
    """Return the paths whose earlier content helps to tell whom they belong to."""
    known = {claim.name for file in files for claim in file.claims if claim.kind is not Kind.PINS}
    return tuple(
        file.path
        for file in files
        if file.problems
        or (isinstance(file.document, PinsDocument) and file.document.environment.name not in known)
    )


class _Run:
    """One resolving: documents are sorted in, problems laid at doors, environments joined."""

    def __init__(
        self,
        files: Sequence[ParsedFile],
        earlier: Mapping[str, tuple[Claim, ...]],
        kept: Mapping[str, tuple[_Inputs, Joined]],
    ) -> None:
        self.earlier = earlier
        self.kept = kept
        self.keep: dict[str, tuple[_Inputs, Joined]] = {}
        self.words = Words()
        self.twins: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {}
        self.doors = _Doors()
        self.commit = _Commit()
        self.claimed = {  # names that exist, if only in a broken file
            (claim.kind, claim.name) for file in files for claim in file.claims
        }
        self._sort_in(files)
        for file in files:
            if file.problems:
                self._attribute(file)

    def result(self, files: Sequence[ParsedFile]) -> ManifestSet:
        """Join every environment and return the whole."""
        self._check_fragments(files)
        self._check_stacks()
        joined: dict[str, DesiredState] = {}
        for name, document in self.commit.environments.items():
            state = self._join(document)
            if isinstance(state, DesiredState):
                joined[name] = state
            else:
                self.doors.environments[name].extend(state)
        for problem, both in cells_claimed_twice(joined.values()):
            for name in both:
                self.doors.environments[name].append(problem)
        problems = _sorted(self.doors.all_problems())
        names = sorted(self.commit.environments.keys() | self.doors.environments.keys())
        environments: dict[str, DesiredState | Invalid] = {}
        everybody = _sorted(self.doors.everybody)
        for name in names:
            if own := self._stopped_by(name):
                environments[name] = Invalid(name, _sorted((*own, *everybody[:_MAX_ALIEN])))
            elif everybody:
                environments[name] = Invalid(name, everybody)  # one tuple, shared by all
            else:
                environments[name] = joined[name]
        return ManifestSet(environments, problems)

    def _stopped_by(self, name: str) -> list[Problem]:
        found = list(self.doors.environments.get(name, _NOBODY))
        if (document := self.commit.environments.get(name)) is not None and self.doors.others:
            for kind, reference in _references(document):
                found.extend(self.doors.others.get((kind, reference.name), _NOBODY))
        return found

    # --- documents ------------------------------------------------------------------------------

    def _sort_in(self, files: Sequence[ParsedFile]) -> None:
        first: dict[tuple[Kind, str], Document] = {}
        for file in files:
            document = file.document
            if document is None:
                continue
            claim = claim_of(document)
            earlier = first.setdefault((claim.kind, document.name), document)
            if earlier is not document:
                self._blame_twins(claim.kind, earlier, document)
            match document:
                case EnvironmentDocument():
                    self.commit.environments.setdefault(document.name, document)
                case PinsDocument():
                    self.commit.fragments[document.environment.name].append(document)
                case StackDocument():
                    self.commit.stacks.setdefault(document.name, document)
                case SpaceDocument():
                    self.commit.spaces.setdefault(document.name, document)
                case PolicyDocument():
                    self.commit.policies.setdefault(document.name, document)

    def _blame_twins(self, kind: Kind, one: Document, other: Document) -> None:
        problem = Problem(
            other.place,
            f"{kind} '{other.name}' exists twice: also at {shown(str(one.place))}; rename one",
        )
        match one, other:
            case PinsDocument(), PinsDocument():
                self.doors.environments[one.environment.name].append(problem)
                self.doors.environments[other.environment.name].append(problem)
            case EnvironmentDocument(), _:
                self.doors.environments[other.name].append(problem)
            case _:
                self.doors.others[kind, other.name].append(problem)

    def _attribute(self, file: ParsedFile) -> None:
        """Lay a broken file's problems at the doors of all it may belong to (rule 4)."""
        problems = file.problems
        found = False
        for claim in (*file.claims, *self.earlier.get(file.path, ())):
            match claim.kind:
                case Kind.ENVIRONMENT:
                    self.doors.environments[claim.name].extend(problems)
                case Kind.PINS:
                    if not claim.certain and (Kind.ENVIRONMENT, claim.name) not in self.claimed:
                        continue
                    self.doors.environments[claim.name].extend(problems)
                case _:
                    self.doors.others[claim.kind, claim.name].extend(problems)
            found = True
        if not found:
            head, *rest = problems
            said = Problem(head.place, head.message + _ALL_STOPPED)
            self.doors.everybody.extend((said, *rest))

    # --- checks across files --------------------------------------------------------------------

    def _check_fragments(self, files: Sequence[ParsedFile]) -> None:
        for file in files:
            match file.document:
                case PinsDocument(environment=reference) if (
                    Kind.ENVIRONMENT,
                    reference.name,
                ) not in self.claimed:
                    problem = self._missing(Kind.ENVIRONMENT, reference, self.commit.environments)
                    self.doors.environments[reference.name].append(problem)
                    for claim in self.earlier.get(file.path, ()):
                        if claim.kind in (Kind.PINS, Kind.ENVIRONMENT):
                            self.doors.environments[claim.name].append(problem)

    def _check_stacks(self) -> None:
        for name, stack in self.commit.stacks.items():
            for reference in stack.spaces:
                if (Kind.SPACE, reference.name) not in self.claimed:
                    problem = self._missing(Kind.SPACE, reference, self.commit.spaces)
                    self.doors.others[Kind.STACK, name].append(problem)

    def _missing(self, kind: Kind, reference: Reference, known: Mapping[str, object]) -> Problem:
        meant = self.words.did_you_mean(reference.name, known.keys())
        return Problem(reference.place, f"no {kind} is named '{reference.name}'{meant}")

    def _join(self, document: EnvironmentDocument) -> Joined:
        """Return an environment joined with what it refers to, or the problems of that."""
        commit = self.commit
        missing = [
            self._missing(kind, reference, known)
            for kind, reference in _references(document)
            if reference.name not in (known := self._known(kind))
            and (kind, reference.name) not in self.claimed
        ]
        stack, space = (
            commit.stacks.get(document.stack.name),
            commit.spaces.get(document.space.name),
        )
        policy = commit.policies.get(document.policy.name) if document.policy else None
        fragments = tuple(commit.fragments.get(document.name, ()))
        if stack is None or space is None or (policy is None and document.policy):
            return tuple(missing)
        inputs = (document, stack, space, policy, *fragments)
        kept = self.kept.get(document.name)
        if kept is not None and _same(kept[0], inputs):
            joined = kept[1]
        else:
            joined = join(
                document,
                fragments,
                stack.stack,
                space.space,
                policy.policy if policy else Policy(),
                self._twins(stack.stack, space.name),
                self.words,
            )
        self.keep[document.name] = (inputs, joined)
        return joined

    def _twins(self, stack: Stack, space: str) -> tuple[tuple[str, str], ...]:
        if (stack.name, space) not in self.twins:
            self.twins[stack.name, space] = projects_used_twice(stack, space)
        return self.twins[stack.name, space]

    def _known(self, kind: Kind) -> Mapping[str, object]:
        match kind:
            case Kind.STACK:
                return self.commit.stacks
            case Kind.SPACE:
                return self.commit.spaces
            case Kind.POLICY:
                return self.commit.policies
            case _:
                return self.commit.environments


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(set(problems)))


def _same(one: _Inputs, other: _Inputs) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def _references(document: EnvironmentDocument) -> Iterable[tuple[Kind, Reference]]:
    yield Kind.SPACE, document.space
    yield Kind.STACK, document.stack
    if document.policy is not None:
        yield Kind.POLICY, document.policy
