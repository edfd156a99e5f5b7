"""The files of one commit joined: references followed, pins merged, problems laid at doors.

Rule 4 decides everything here: a broken file stops the environments it belongs to and no others;
a broken Stack, Policy, Space or PlatformVersion stops those that refer to it; what cannot be
attributed stops all. A RemoteEnvironment stops nobody, unless it claims what is another's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from reconciler.core.manifest import DesiredState, Invalid, Kind, ManifestSet, Problem
from reconciler.core.policy import Policy
from reconciler.manifests.join import Joined, cells_claimed_twice, join, projects_used_twice
from reconciler.manifests.kinds.environment import EnvironmentDocument
from reconciler.manifests.kinds.lifecycle import LifecycleDocument
from reconciler.manifests.kinds.pins import PinsDocument
from reconciler.manifests.kinds.platformversion import PlatformVersionDocument
from reconciler.manifests.kinds.policy import PolicyDocument
from reconciler.manifests.kinds.remote import RemoteEnvironmentDocument
from reconciler.manifests.kinds.space import SpaceDocument
from reconciler.manifests.kinds.stack import StackDocument
from reconciler.manifests.lifecycles import follow_lifecycles
from reconciler.manifests.remotes import join_remotes
from reconciler.manifests.renames import rename_problems
from reconciler.manifests.sorting import Doors, attribute, sort_in
from reconciler.manifests.uses import Uses, follow_uses
from reconciler.manifests.wording import Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.core.remote import RemoteEnvironment
    from reconciler.core.stack import Stack
    from reconciler.manifests.kinds.common import Reference
    from reconciler.manifests.parse import Claim, ParsedFile

_NOBODY: tuple[Problem, ...] = ()
_MAX_ALIEN = 100  # of the problems that stop everybody, shown beside an environment's own

_Inputs: TypeAlias = "tuple[object, ...]"


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
        self.doors = Doors()
        self.uses = Uses()
        self.claimed = {  # names that exist, if only in a broken file
            (claim.kind, claim.name) for file in files for claim in file.claims
        }
        self.commit = sort_in(files, self.doors)
        for file in files:
            if file.problems:
                attribute(file, earlier.get(file.path, ()), self.claimed, self.doors)

    def result(self, files: Sequence[ParsedFile]) -> ManifestSet:
        """Join every environment and return the whole."""
        self._check_fragments(files)
        self._check_stacks()
        self._check_platforms()
        for name, problem in rename_problems(self.commit.all_of(EnvironmentDocument), self.claimed):
            self.doors.environments[name].append(problem)
        joined: dict[str, DesiredState] = {}
        for document in self.commit.all_of(EnvironmentDocument):
            name, state = document.name, self._join(document)
            if isinstance(state, DesiredState):
                joined[name] = state
            else:
                self.doors.environments[name].extend(state)
        self._add_phases(joined)
        for problem, both in cells_claimed_twice(joined.values()):
            for name in both:
                self.doors.environments[name].append(problem)
        remotes = self._join_remotes()
        problems = _sorted(self.doors.all_problems())
        known = self.commit.by_kind[Kind.ENVIRONMENT]
        names = sorted(known.keys() | self.doors.environments.keys())
        environments: dict[str, DesiredState | Invalid] = {}
        everybody = _sorted(self.doors.everybody)
        for name in names:
            if own := self._stopped_by(name):
                environments[name] = Invalid(name, _sorted((*own, *everybody[:_MAX_ALIEN])))
            elif everybody:
                environments[name] = Invalid(name, everybody)  # one tuple, shared by all
            else:
                environments[name] = joined[name]
        platforms = {
            document.name: document.platform
            for document in self.commit.all_of(PlatformVersionDocument)
            if (Kind.PLATFORM_VERSION, document.name) not in self.doors.others
        }
        return ManifestSet(environments, problems, platforms, remotes)

    def _stopped_by(self, name: str) -> list[Problem]:
        found = list(self.doors.environments.get(name, _NOBODY))
        document = self.commit.by_kind[Kind.ENVIRONMENT].get(name)
        if isinstance(document, EnvironmentDocument) and self.doors.others:
            for kind, reference in _references(document):
                found.extend(self.doors.others.get((kind, reference.name), _NOBODY))
        return found

    # --- checks across files --------------------------------------------------------------------

    def _check_fragments(self, files: Sequence[ParsedFile]) -> None:
        for file in files:
            match file.document:
                case PinsDocument(environment=reference) if (
                    Kind.ENVIRONMENT,
                    reference.name,
                ) not in self.claimed:
                    problem = self._missing(Kind.ENVIRONMENT, reference)
                    self.doors.environments[reference.name].append(problem)
                    for claim in self.earlier.get(file.path, ()):
                        if claim.kind in (Kind.PINS, Kind.ENVIRONMENT):
                            self.doors.environments[claim.name].append(problem)

    def _check_stacks(self) -> None:
        stacks = {each.name: each.stack for each in self.commit.all_of(StackDocument)}
        claimed = {name for kind, name in self.claimed if kind is Kind.STACK}
        self.uses = follow_uses(stacks, claimed - stacks.keys(), self.words)
        for name, problems in self.uses.problems.items():
            self.doors.others[Kind.STACK, name].extend(problems)
        for stack in self.commit.all_of(StackDocument):
            for reference in stack.spaces:
                if (Kind.SPACE, reference.name) not in self.claimed:
                    problem = self._missing(Kind.SPACE, reference)
                    self.doors.others[Kind.STACK, stack.name].append(problem)

    def _check_platforms(self) -> None:
        for platform in self.commit.all_of(PlatformVersionDocument):
            if (Kind.STACK, platform.stack.name) not in self.claimed:
                problem = self._missing(Kind.STACK, platform.stack)
                self.doors.others[Kind.PLATFORM_VERSION, platform.name].append(problem)

    def _add_phases(self, joined: dict[str, DesiredState]) -> None:
        """Tell each environment which phases come before it."""
        found = follow_lifecycles(
            self.commit.all_of(LifecycleDocument),
            tuple(self.commit.all_of(EnvironmentDocument)),
            self.commit.all_of(RemoteEnvironmentDocument),
            [name for kind, name in self.claimed if kind is Kind.SPACE],
            all(
                name in self.commit.by_kind[kind]
                for kind, name in self.claimed
                if kind in (Kind.ENVIRONMENT, Kind.REMOTE_ENVIRONMENT)
            ),
            self.words,
        )
        for name, problems in found.problems.items():
            self.doors.environments[name].extend(problems)
        self.doors.everybody.extend(found.loose)
        for name, phases in found.earlier.items():
            if phases and name in joined:
                joined[name] = replace(joined[name], earlier_phases=phases)

    def _join_remotes(self) -> dict[str, RemoteEnvironment | Invalid]:
        remotes = tuple(self.commit.all_of(RemoteEnvironmentDocument))
        found = join_remotes(
            remotes,
            {each.name: each for each in self.commit.all_of(EnvironmentDocument)},
            {each.name: each.space for each in self.commit.all_of(SpaceDocument)},
            {each.name: each.stack for each in self.commit.all_of(StackDocument)},
            self.words,
        )
        others = self.doors.others
        for name, problems in found.ours.items():
            self.doors.environments[name].extend(problems)
        for name, problems in found.problems.items():
            if problems:
                others[Kind.REMOTE_ENVIRONMENT, name].extend(problems)
        for remote in remotes:
            for kind, reference in remote.references:
                if (kind, reference.name) not in self.claimed:
                    problem = self._missing(kind, reference)
                    others[Kind.REMOTE_ENVIRONMENT, remote.name].append(problem)
        whole: dict[str, RemoteEnvironment | Invalid] = {}
        for remote in remotes:
            doors = ((remote.KIND, remote.name), *((k, r.name) for k, r in remote.references))
            stopped = [problem for door in doors for problem in others.get(door, _NOBODY)]
            if stopped:
                whole[remote.name] = Invalid(remote.name, _sorted(stopped))
            else:
                whole[remote.name] = found.joined[remote.name]
        for kind, name in others:
            if kind is Kind.REMOTE_ENVIRONMENT and name not in whole:  # its file cannot be read
                whole[name] = Invalid(name, _sorted(others[kind, name]))
        return whole

    def _missing(self, kind: Kind, reference: Reference) -> Problem:
        if kind is Kind.ENVIRONMENT and (Kind.REMOTE_ENVIRONMENT, reference.name) in self.claimed:
            meant = ": it is a RemoteEnvironment, whose own manifest says what is expected there"
        else:
            meant = self.words.did_you_mean(reference.name, self.commit.by_kind[kind].keys())
        return Problem(reference.place, f"no {kind} is named '{reference.name}'{meant}")

    def _join(self, document: EnvironmentDocument) -> Joined:
        """Return an environment joined with what it refers to, or the problems of that."""
        commit = self.commit
        stack = commit.find(StackDocument, document.stack)
        space = commit.find(SpaceDocument, document.space)
        policy = commit.find(PolicyDocument, document.policy)
        platform = commit.find(PlatformVersionDocument, document.platform)
        fragments = tuple(commit.fragments.get(document.name, ()))
        ringed = {
            ring.platform.name: commit.find(PlatformVersionDocument, ring.platform)
            for ring in document.rings
            if ring.platform is not None
        }
        optional = ((document.policy, policy), (document.platform, platform))
        absent = None in ringed.values()
        if (
            not stack
            or not space
            or absent
            or any(named and not found for named, found in optional)
        ):
            return tuple(
                self._missing(kind, reference)
                for kind, reference in _references(document)
                if (kind, reference.name) not in self.claimed
            )
        based = [each for each in (platform, *ringed.values()) if each is not None]
        if any((Kind.PLATFORM_VERSION, each.name) in self.doors.others for each in based):
            return ()  # told as its own problem
        links = self.uses.links.get(stack.name, ())
        used = {link.stack.name: link.stack for link in links}
        inputs = (document, stack, space, policy, platform, *based, *used.values(), *fragments)
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
                platform.platform if platform else None,
                {each.name: each.platform for each in based},
                self._twins(stack.stack, space.name),
                tuple(link.precondition(space.name) for link in links),
                self.words,
            )
        self.keep[document.name] = (inputs, joined)
        return joined

    def _twins(self, stack: Stack, space: str) -> tuple[tuple[str, str], ...]:
        if (stack.name, space) not in self.twins:
            self.twins[stack.name, space] = projects_used_twice(stack, space)
        return self.twins[stack.name, space]


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(set(problems)))


def _same(one: _Inputs, other: _Inputs) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def _references(document: EnvironmentDocument) -> Iterable[tuple[Kind, Reference]]:
    yield Kind.SPACE, document.space
    yield Kind.STACK, document.stack
    if document.policy is not None:
        yield Kind.POLICY, document.policy
    for platform in (document.platform, *(ring.platform for ring in document.rings)):
        if platform is not None:
            yield Kind.PLATFORM_VERSION, platform
