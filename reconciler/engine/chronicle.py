"""The history of an environment, from git alone: who pinned what when, and what was deployed.

Commits that touch none of its manifests are passed over without being loaded; the others are
loaded as every commit is, so that fragments and references count. Receipts are read beside.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from reconciler.core.cellkey import component_of
from reconciler.core.chronicle import Deployed, Entry, join, pin_changes, pins_of
from reconciler.core.manifest import DesiredState
from reconciler.core.slug import slug
from reconciler.core.text import clean
from reconciler.engine.deeds import read_receipts
from reconciler.engine.doors import blocking
from reconciler.engine.ground import fetch_audit, load_manifests, pick, read_audit
from reconciler.engine.history import read_history
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from reconciler.core.authorship import Step
    from reconciler.core.chronicle import Pins
    from reconciler.core.manifest import ManifestSet, SourceFile
    from reconciler.engine.doors import Doors
    from reconciler.ports import ChainLink

WALKED = 20_000
"""Commits that are looked at; LOADED of them at most are loaded."""
LOADED = 5_000
RECEIPTS = 1_000
"""Receipts that are read, the newest."""
_AT_ONCE = 64
_KEPT_BYTES = 64 * 1024 * 1024

_KIND = re.compile(rb"""kind["']?\s*:\s*["']?(\w+)""")
_OF_ENVIRONMENTS = frozenset({b"Environment", b"Pins"})


@dataclass(frozen=True, slots=True)
class Chronicle:
    """The newest entries of an environment's history at `commit` (full hash).

    `is_whole` False: older ones were not looked for. `alarms` are clean lines about receipts.
    """

    environment: str
    commit: str
    entries: tuple[Entry, ...]
    is_whole: bool
    alarms: tuple[str, ...]
    read_at: datetime


async def chronicle(
    doors: Doors, environment: str, component: str | None, limit: int, commit: str | None = None
) -> Chronicle:
    """Return the newest `limit` commits that changed pins, with the deployments made for them.

    `component` None: all of them. Raises: UsageError (no such environment or component in all the
    history, or an environment of another space), GitTrouble and its kin.
    """
    if slug(environment) != environment:
        raise UsageError(
            f"'{clean(environment)}' cannot be the name of an environment",
            hint="give the metadata.name of an Environment manifest",
        )
    if commit is None:
        commit = await doors.gathering.fetch(doors.repository)
    await fetch_audit(doors)
    tip = commit
    formers = await _formers(doors, environment, tip)
    walk = _Walk(doors, environment, component, formers)
    told = await blocking(lambda: walk.entries(tip, limit))
    history = await read_history(doors, environment, told.space, formers)
    wanted = [k for k in history.links if component in {None, told.component_of(doors, k)}]
    if not told.entries and not wanted:
        manifests = await load_manifests(doors, commit)
        if environment in manifests.remotes:
            pick(manifests, environment, commit)  # says where it is deployed, and has its history
        what = environment if component is None else f"{component} in {environment}"
        raise UsageError(
            f"nothing ever pinned '{clean(what)}' up to commit {commit[:12]}",
            hint="see that the name is right, and that RECONCILER_ROOT is the manifests' folder",
        )
    deployments = await blocking(_deployments, doors, told, wanted)
    if not told.is_whole and told.entries:  # what belongs to commits that are not shown
        oldest = told.order.get(getattr(told.entries[-1].written, "commit", ""), 0)
        deployments = [d for d in deployments if told.order.get(d.commit, 0) <= oldest]
    return Chronicle(
        environment=environment,
        commit=commit,
        entries=join(told.entries, deployments, told.order),
        is_whole=told.is_whole,
        alarms=history.alarms,
        read_at=doors.clock.now(),
    )


async def _formers(doors: Doors, environment: str, tip: str) -> tuple[str, ...]:
    """Return the names an environment had before."""
    state = (await load_manifests(doors, tip)).environments.get(environment)
    formerly = state.environment.formerly if isinstance(state, DesiredState) else ""
    accepted = (await read_audit(doors, environment, formerly)).state.of(environment, formerly)
    named = (formerly,) if formerly else ()
    return tuple(dict.fromkeys((*named, *(() if accepted is None else accepted.formers))))


@dataclass(slots=True)
class _Told:
    """What the commits tell: entries, each commit's place, and how projects are called."""

    environment: str
    entries: list[Entry]
    order: Mapping[str, int]
    is_whole: bool
    space: str = ""
    projects: dict[str, str] = field(default_factory=dict)  # slug -> component

    def component_of(self, doors: Doors, link: ChainLink) -> str:
        """Return the component a receipt is of; its project's slug where nobody knows."""
        if link.project not in self.projects:
            intents = doors.journal.intents(self.environment)
            self.projects |= {r.project_slug: component_of(r.cell) for r in intents if not r.is_run}
        return self.projects.setdefault(link.project, link.project)


def _deployments(doors: Doors, told: _Told, links: Sequence[ChainLink]) -> list[Deployed]:
    newest = links[-RECEIPTS:]
    receipts = read_receipts(doors, newest)
    return [
        Deployed(
            component=told.component_of(doors, link),
            tenant=link.tenant,
            version=receipt.version,
            outcome=receipt.outcome.value,
            commit=receipt.commit,
            receipt=link.path.rpartition("/")[2].removesuffix(".receipt.json"),
            asked_at=receipt.queued_at,
            ended_at=receipt.completed_at,
        )
        for link in newest
        if (receipt := receipts.get(link.path)) is not None
    ]


class _Mention(Enum):
    """What a file's bytes have to do with one environment."""

    OURS = auto()  # they name it
    SHARED = auto()  # they are of a kind that environments refer to
    NEITHER = auto()


class _Walk:
    """One walk through the history of one environment."""

    def __init__(
        self, doors: Doors, environment: str, component: str | None, formers: tuple[str, ...]
    ) -> None:
        self._doors = doors
        self._name = environment
        self._names = (environment, *formers)
        self._component = component
        self._mentions: dict[str, _Mention] = {}
        self._contents: dict[str, bytes] = {}
        self._kept = 0
        self._loaded: dict[frozenset[tuple[str, str]], DesiredState | str | None] = {}

    def entries(self, tip: str, limit: int) -> _Told:
        """Return the newest entries up to `tip`."""
        steps = self._doors.repository.walk(tip, WALKED)
        told = _Told(
            environment=self._name,
            entries=[],
            order={step.written.commit: number for number, step in enumerate(steps)},
            is_whole=len(steps) < WALKED,
        )
        now = [f for f in self._doors.repository.files(tip) if f.path.endswith(".yaml")]
        changed = [f for s in steps for f in s.files if f.path.endswith(".yaml")]
        blobs = {file.blob for file in now}
        blobs |= {blob for f in changed for blob in (f.before, f.after) if blob is not None}
        self._sift(blobs)
        paths = {f.path for f in now if self._is(f.blob, _Mention.OURS, _Mention.SHARED)}
        paths |= {
            f.path
            for f in changed
            if any(self._is(b, _Mention.OURS, _Mention.SHARED) for b in (f.before, f.after))
        }
        relevant = [step for step in steps if self._touches(step)]
        if len(relevant) > LOADED:
            relevant, told.is_whole = relevant[:LOADED], False
        known = self._state(tuple(f for f in now if f.path in paths))
        if isinstance(known, DesiredState):
            self._learn(told, known)
        for start in range(0, len(relevant), _AT_ONCE):
            for step, before, after in self._pairs(relevant[start : start + _AT_ONCE], paths):
                if isinstance(after, DesiredState) and not told.space:
                    self._learn(told, after)
                entry = self._entry(step, before, after)
                if entry is None:
                    continue
                if len(told.entries) == limit:
                    told.is_whole = False
                    return told
                told.entries.append(entry)
        return told

    def _sift(self, blobs: Collection[str]) -> None:
        """Look at every blob once; keep those that may be loaded, as long as there is room."""
        names = [name.encode() for name in self._names]
        for blob, data in self._doors.repository.peek(blobs):
            if any(name in data for name in names) or b"\\" in data:  # an escape might spell it
                self._mentions[blob] = _Mention.OURS
            elif set(_KIND.findall(data)) - _OF_ENVIRONMENTS:
                self._mentions[blob] = _Mention.SHARED
            else:
                continue
            if self._kept + len(data) <= _KEPT_BYTES:
                self._kept += len(data)
                self._contents[blob] = data

    def _is(self, blob: str | None, *mentions: _Mention) -> bool:
        return self._mentions.get(blob or "", _Mention.NEITHER) in mentions

    def _touches(self, step: Step) -> bool:
        return any(
            self._is(blob, _Mention.OURS) for f in step.files for blob in (f.before, f.after)
        )

    def _pairs(
        self, steps: Sequence[Step], paths: Collection[str]
    ) -> Iterator[tuple[Step, DesiredState | str | None, DesiredState | str | None]]:
        """Yield commits with what they and their first parents ask of the environment."""
        commits = {each for s in steps for each in (s.written.commit, *s.parents[:1])}
        standing = self._doors.repository.standing(sorted(commits), sorted(paths))
        for step in steps:
            after = self._state(standing.get(step.written.commit, ()))
            before = None if not step.parents else self._state(standing.get(step.parents[0], ()))
            yield step, before, after

    def _state(self, files: Sequence[SourceFile]) -> DesiredState | str | None:
        """Return what files ask of the environment; why they are invalid; None: nothing."""
        key = frozenset((file.path, file.blob) for file in files)
        if key not in self._loaded:
            manifests: ManifestSet = self._doors.manifests.load(files, self._read)
            named = (manifests.environments.get(name) for name in self._names)
            found = next((one for one in named if one is not None), None)
            if found is None or isinstance(found, DesiredState):
                self._loaded[key] = found
            else:
                self._loaded[key] = str(found.problems[0]) if found.problems else "invalid"
        return self._loaded[key]

    def _read(self, blobs: Collection[str]) -> Mapping[str, bytes]:
        missing = [blob for blob in blobs if blob not in self._contents]
        more = self._doors.repository.read(missing) if missing else {}
        return {blob: self._contents.get(blob) or more[blob] for blob in blobs}

    def _entry(
        self, step: Step, before: DesiredState | str | None, after: DesiredState | str | None
    ) -> Entry | None:
        """Return what a commit did to the environment's pins, None where that is nothing."""
        is_merge = step.is_merge
        if isinstance(after, str):
            if isinstance(before, str):
                return None
            return Entry(step.written, is_merge, note=f"the manifests are invalid: {clean(after)}")
        if isinstance(before, str):
            before, note = None, "the manifests are valid again; all pins are listed"
        elif before is None and after is not None:
            note = "the environment was added"
        elif before is not None and after is None:
            note = "the environment left the manifests; nothing was undeployed"
        else:
            note = _renaming(before, after)
        changes = pin_changes(_pins(before), _pins(after), self._component)
        if not changes and (not note or self._component is not None):
            return None
        return Entry(step.written, is_merge, changes, note)

    def _learn(self, told: _Told, state: DesiredState) -> None:
        """Learn the space, and how Octopus may call the projects of the components."""
        told.space = state.space.name
        for name, component in state.stack.components.items():
            reference = component.project_in(state.space.name)
            told.projects.setdefault(_octopus_slug(reference), name)


def _renaming(before: DesiredState | None, after: DesiredState | None) -> str:
    if before is None or after is None or before.environment.name == after.environment.name:
        return ""
    return f"the environment was renamed: it was {before.environment.name}"


def _pins(state: DesiredState | None) -> Pins:
    return {} if state is None else pins_of(state.environment)


def _octopus_slug(name: str) -> str:
    """Return what Octopus makes of a project's name: small letters and digits, dashes between."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
