"""Edits of manifests that people ask for: hold, suspend, resume; how all are carried out (rule 24).

An edit is made on the watched tip, judged by loading the commit that would be pushed, and pushed
to a branch of its own, or to the watched branch where the settings allow that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from reconciler.core.edit import Edit, Hold, NewPin, Rebase, Repin, Suspend, Unpin
from reconciler.core.manifest import DesiredState, Environment, Invalid, Pin, Place, Until
from reconciler.core.platform import PlatformVersion
from reconciler.core.text import clean
from reconciler.engine.doors import blocking
from reconciler.engine.ground import load_manifests, pick
from reconciler.errors import EditRefused, PushRejected, UsageError
from reconciler.ports import ManifestCommit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from reconciler.core.edit import Person
    from reconciler.core.manifest import ManifestSet
    from reconciler.engine.doors import Doors
    from reconciler.ports import ManifestBranches

TRIES = 5  # edits of one ask, each overtaken by another push to the watched branch
_LONGEST_SUBJECT = 72
_NOWHERE = Place("", 0, 0)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for an edit, and whether it may go straight to the watched branch."""

    person: Person
    straight: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """An edit on paper: what is to change at `commit`, where it stands, and why.

    `edits` are (file, edit). `subject` and `lines` go into the commit's message. `left` says what
    was asked for and is left as it is: (component, why). `nothing` says so where nothing is to do.
    `read_at` is when Octopus was read, None where it was not asked. `platform` is a platform
    version that gets a file of its own, at its place. `id` is that of the branch, where it matters.
    """

    verb: str
    environment: str
    commit: str
    manifests: ManifestSet
    edits: tuple[tuple[str, Edit], ...]
    subject: str
    lines: tuple[str, ...]
    left: tuple[tuple[str, str], ...] = ()
    nothing: str = ""
    read_at: datetime | None = None
    platform: PlatformVersion | None = None
    id: str = ""


@dataclass(frozen=True, slots=True)
class Edited:
    """What became of an edit: the files before and after, and where the commit was pushed.

    A file that is new has no bytes before. `commit` None: there was nothing to change, and nothing
    was pushed. `branch` is where the commit is; `watched` where it is to go, or went at once if
    they are the same.
    """

    draft: Draft
    files: tuple[tuple[str, bytes | None, bytes], ...] = ()
    commit: str | None = None
    branch: str = ""
    watched: str = ""


async def hold(
    doors: Doors, asked: Asked, environment: str, component: str, until: Until | None
) -> Edited:
    """Hold one pin, or lift its hold (`until` None).

    Raises: UsageError, ManifestsInvalid, EditRefused, GitTrouble and its kin.
    """
    check_until(doors, until)

    async def draft() -> Draft:
        commit, manifests, desired = await at_tip(doors, environment)
        pin = pinned(desired, component, commit)
        return Draft(
            verb="hold",
            environment=environment,
            commit=commit,
            manifests=manifests,
            edits=() if pin.hold == until else (_held(desired, component, pin, until),),
            subject=f"{environment}: {'lift the hold of' if until is None else 'hold'} {component}",
            lines=_why(until, pin.hold),
            nothing=f"{component} is {_already('held', until)}",
        )

    return await carry(doors, asked, draft)


async def suspend(doors: Doors, asked: Asked, environment: str, until: Until | None) -> Edited:
    """Suspend an environment, or resume it (`until` None).

    Raises: UsageError, ManifestsInvalid, EditRefused, GitTrouble and its kin.
    """
    check_until(doors, until)

    async def draft() -> Draft:
        commit, manifests, desired = await at_tip(doors, environment)
        before, path = desired.environment.suspend, desired.environment.place.file
        verb = "resume" if until is None else "suspend"
        return Draft(
            verb=verb,
            environment=environment,
            commit=commit,
            manifests=manifests,
            edits=() if before == until else ((path, Suspend(until)),),
            subject=f"{environment}: {verb}",
            lines=_why(until, before),
            nothing=f"{environment} is {_already('suspended', until)}",
        )

    return await carry(doors, asked, draft)


def repinned(desired: DesiredState, component: str, version: str) -> tuple[str, Repin | NewPin]:
    """Return the file and the edit that pin a component at another version.

    What a platform version alone pins gets a pin of its own, in the environment's file.
    """
    pin = desired.environment.pins.get(component)
    if pin is None or not pin.is_own:
        return desired.environment.place.file, NewPin(component, version)
    return pin.place.file, Repin(component, version)


def _held(desired: DesiredState, component: str, pin: Pin, until: Until | None) -> tuple[str, Edit]:
    if pin.is_own:
        return pin.place.file, Hold(component, until)
    return desired.environment.place.file, NewPin(component, pin.version, until)


def pinned(desired: DesiredState, component: str, commit: str) -> Pin:
    """Return the pin of a component a person named. Raises: UsageError."""
    pins = desired.environment.pins
    if component in pins:
        return pins[component]
    near = get_close_matches(component, pins, n=1)
    more = f" and {len(pins) - 20} more" if len(pins) > 20 else ""
    hint = f"did you mean {near[0]}?" if near else f"pinned: {', '.join(sorted(pins)[:20])}{more}"
    raise UsageError(
        f"{desired.environment.name} pins no '{clean(component, 80)}' at commit {commit[:12]};"
        " nothing was changed",
        hint=hint,
    )


async def carry(doors: Doors, asked: Asked, make: Callable[[], Awaitable[Draft]]) -> Edited:
    """Carry a draft out; one that was overtaken on the watched branch is drafted anew there.

    Raises: EditRefused, PushRejected (overtaken every time), GitTrouble and its kin.
    """
    branches = shared_branches(doors)
    overtaken: PushRejected | None = None
    for _ in range(TRIES):
        draft = await make()
        files = await blocking(_edited_files, doors, draft)
        if not files:
            return Edited(draft)
        change = _commit_of(draft, asked, files)
        commit = await blocking(branches.commit, change)
        await _check_meaning(doors, draft, commit)
        watched = await blocking(branches.watched)
        if not asked.straight:
            branch = await blocking(branches.propose, commit, draft.verb, draft.id)
            return Edited(draft, files, commit, branch, watched)
        try:
            branch = await blocking(branches.advance, commit, draft.commit)
        except PushRejected as error:
            overtaken = error
        else:
            return Edited(draft, files, commit, branch, watched)
    raise PushRejected(
        f"{TRIES} edits were each overtaken by another push; nothing was pushed",
        hint="run it again, or set RECONCILER_EDITS=branch and open a pull request",
    ) from overtaken


def shared_branches(doors: Doors) -> ManifestBranches:
    """Return where edits go. Raises: UsageError where there is no remote."""
    if doors.branches is None:
        raise UsageError(
            "there is no remote to push an edit to; nothing was changed",
            hint="give --repo a bare repository, a URL, or a clone whose origin is the remote",
        )
    return doors.branches


async def at_tip(doors: Doors, environment: str) -> tuple[str, ManifestSet, DesiredState]:
    """Return the watched branch's tip, its manifests, and one environment of them.

    Raises: UsageError, ManifestsInvalid, GitTrouble and its kin.
    """
    commit = await blocking(doors.repository.fetch)
    manifests = await load_manifests(doors, commit)
    return commit, manifests, pick(manifests, environment, commit)


def check_until(doors: Doors, until: Until | None) -> None:
    """Return if this reason and time may be written. Raises: UsageError."""
    if until is None:
        return
    reason = until.reason
    if not reason or clean(reason) != reason or reason.strip() != reason:
        raise UsageError(
            "the reason must be one line of at most 200 plain characters; nothing was changed",
            hint="say why in a few words: --reason 'CHG0042, waits for the vendor'",
        )
    if until.until is not None and until.until <= doors.clock.now():
        raise UsageError(
            f"{until.until:%Y-%m-%dT%H:%M:%SZ} is over already; nothing was changed",
            hint="give --until a time to come, or leave it out",
        )


def _why(wanted: Until | None, before: Until | None) -> tuple[str, ...]:
    if wanted is None:
        return () if before is None else (f"It said: {clean(before.reason)}",)
    until = () if wanted.until is None else (f"Until {wanted.until:%Y-%m-%d %H:%M}Z.",)
    return (wanted.reason, *until)


def _already(word: str, wanted: Until | None) -> str:
    return f"not {word}" if wanted is None else f"{word} already, for that reason and time"


def _edited_files(doors: Doors, draft: Draft) -> tuple[tuple[str, bytes | None, bytes], ...]:
    """Return (path, before, after) of each file that changes; before None: it is new."""
    wanted: dict[str, list[Edit]] = {}
    for path, edit in draft.edits:
        wanted.setdefault(path, []).append(edit)
    there = {f.path: f for f in doors.repository.files(draft.commit) if f.path in wanted}
    for path in wanted.keys() - there.keys():  # a place shows a hostile name cleaned
        raise EditRefused(
            f"the file {clean(path, 120)} has a name that is not edited here; nothing was changed",
            hint="give it a plain name, or make this edit by hand",
        )
    contents = doors.repository.read({file.blob for file in there.values()})
    found: list[tuple[str, bytes | None, bytes]] = []
    if draft.platform is not None:
        found.append((draft.platform.place.file, None, doors.write_platform(draft.platform)))
    for path, file in sorted(there.items()):
        before = contents[file.blob]
        after = doors.editor.edit(path, before, wanted[path])
        if after != before:
            found.append((path, before, after))
    return tuple(found)


def _commit_of(
    draft: Draft, asked: Asked, files: Sequence[tuple[str, bytes | None, bytes]]
) -> ManifestCommit:
    lines = (*draft.lines, "", f"Asked for by {asked.person} with `reconciler {draft.verb}`.")
    return ManifestCommit(
        parent=draft.commit,
        files={path: after for path, _, after in files},
        author=asked.person,
        subject=clean(draft.subject, _LONGEST_SUBJECT),
        body="\n".join(lines),
        trailers=(
            ("Reconciler-Environment", draft.environment),
            ("Reconciler-Edit", draft.verb),
        ),
        new=frozenset(path for path, before, _ in files if before is None),
    )


async def _check_meaning(doors: Doors, draft: Draft, commit: str) -> None:
    """Load the commit as every reader will, and refuse it if it says more than was asked for."""
    after = await load_manifests(doors, commit, draft.commit)
    edits = [edit for _, edit in draft.edits]
    expected = {name: _said(state) for name, state in draft.manifests.environments.items()}
    known = dict(draft.manifests.platforms)
    if draft.platform is not None:
        known[draft.platform.name] = draft.platform
    expected[draft.environment] = _as_edited(expected[draft.environment], edits, known)
    platforms = {name: one.digest for name, one in known.items()}
    said = {name: _said(state) for name, state in after.environments.items()}
    told = {name: one.digest for name, one in after.platforms.items()}
    if said != expected or told != platforms:
        raise EditRefused(
            f"the edit of {draft.environment} would change more than was asked for; nothing was"
            " pushed",
            hint="make this edit by hand, with a commit",
        )


def _said(state: DesiredState | Invalid) -> DesiredState | str:
    """Return what the files of an environment say, wherever in them it is written."""
    if isinstance(state, Invalid):
        return state.name
    environment = state.environment
    rings = tuple(
        replace(ring, pins=_own(ring.pins), platform=_named_only(ring.platform), place=_NOWHERE)
        for ring in environment.rings
    )
    said = replace(
        environment,
        pins=_own(environment.pins),
        rings=rings,
        platform=_named_only(environment.platform),
        place=_NOWHERE,
    )
    return replace(state, environment=said)


def _own(pins: Mapping[str, Pin]) -> dict[str, Pin]:
    """Return the pins of its own files: the others follow from the platform version."""
    own = {name: pin for name, pin in pins.items() if pin.is_own}
    return {name: replace(pin, place=_NOWHERE, base=None) for name, pin in own.items()}


def _named_only(platform: PlatformVersion | None) -> PlatformVersion | None:
    """Return a platform version by its name alone: what it says is compared by its digest."""
    if platform is None:
        return None
    return PlatformVersion(platform.name, platform.stack, {}, _NOWHERE)


def _as_edited(
    state: DesiredState | str, edits: Sequence[Edit], platforms: Mapping[str, PlatformVersion]
) -> DesiredState | str:
    if isinstance(state, str):
        return state
    environment: Environment = state.environment
    pins = dict(environment.pins)
    for edit in edits:
        match edit:
            case Repin(component, version, hold_):
                pin = pins[component]
                pins[component] = replace(pin, version=version, hold=hold_ or pin.hold)
            case NewPin(component, version, hold_):
                pins[component] = Pin(version, _NOWHERE, hold=hold_)
            case Unpin(component):
                del pins[component]
            case Rebase(platform):
                environment = replace(environment, platform=_named_only(platforms[platform]))
            case Hold(component, hold_):
                pins[component] = replace(pins[component], hold=hold_)
            case Suspend(until):
                environment = replace(environment, suspend=until)
    return replace(state, environment=replace(environment, pins=pins))
