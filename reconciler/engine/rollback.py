"""Rollback: propose the commit that pins again what ran before, with a hold on each (rule 18).

Nothing returns by itself. What a person asks for is a commit like any other: its review consents
to it, and the brake counts its downgrades.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from reconciler.core.edit import NewPin, Rebase, Repin
from reconciler.core.manifest import Until
from reconciler.core.plan import make_plan
from reconciler.core.rollback import (
    Return,
    as_it_was,
    moves,
    returns,
    settled_versions,
    was_reached,
)
from reconciler.core.snapshot import snapshot_path
from reconciler.core.text import clean
from reconciler.engine.chronicle import chronicle
from reconciler.engine.compare import find_platform
from reconciler.engine.doors import blocking
from reconciler.engine.edit import Draft, carry, check_until
from reconciler.engine.ground import load_manifests, pick
from reconciler.engine.pin import change
from reconciler.engine.preflight import Preflight
from reconciler.engine.survey import survey
from reconciler.errors import GateClosed, ManifestsInvalid, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.core.edit import Edit
    from reconciler.core.manifest import DesiredState, Pin
    from reconciler.engine.doors import Doors
    from reconciler.engine.edit import Asked, Edited
    from reconciler.engine.survey import Situation

LAST_GOOD = "last-good"
_PLATFORM = "platform:"
SEARCHED = 500
"""Snapshots, and commits that changed pins, among which the last good state is looked for."""
DIGITS = 12


@dataclass(frozen=True, slots=True)
class Wish:
    """Where to: `last-good`, a commit, or a platform version; `excepted` components stay.

    `reason` and `until` go into the holds.
    """

    to: str = LAST_GOOD
    excepted: tuple[str, ...] = ()
    reason: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class WayBack:
    """Which components can return, judged at `commit` with Octopus read at `read_at`.

    `target` says where to, in words. `left` is told: (component, why). `platform`: the platform
    version that becomes the base again, where one was named.
    """

    environment: str
    target: str
    returns: tuple[Return, ...]
    left: tuple[tuple[str, str], ...]
    commit: str
    read_at: datetime
    platform: str = ""

    @property
    def stuck(self) -> tuple[Return, ...]:
        """Those that cannot return though their stack would let them."""
        return tuple(one for one in self.returns if not one.can and not one.stays)


@dataclass(frozen=True, slots=True)
class _Target:
    words: str
    pins: Mapping[str, str]
    platform: str = ""


async def ways_back(doors: Doors, environment: str, wish: Wish) -> WayBack:
    """Tell for each component whether it can return. Changes nothing.

    Raises: UsageError (nothing to return to, an unknown name), ManifestsInvalid, GitTrouble,
    OctopusTrouble and their kin.
    """
    way, _ = await _judged(doors, environment, wish)
    return way


async def rollback(doors: Doors, asked: Asked, environment: str, wish: Wish) -> Edited:
    """Propose the commit that pins everything that can return, with a hold on each.

    Raises: as `ways_back`; GateClosed where a component cannot return and was not excepted;
    EditRefused, PushRejected.
    """
    check_until(doors, Until(wish.reason or "rolled back", wish.until))

    async def draft() -> Draft:
        way, situation = await _judged(doors, environment, wish)
        if way.stuck:
            named = "; ".join(f"{r.component} to {clean(r.back, 60)}: {r.why}" for r in way.stuck)
            excepted = " ".join(f"--except {one.component}" for one in way.stuck)
            raise GateClosed(
                f"{environment} cannot return to {way.target} whole: {named}; nothing was changed",
                hint=f"return the others with {excepted}, or name another state with --to",
            )
        back = [one for one in way.returns if one.can]
        pins = situation.desired.environment.pins
        stays = tuple((one.component, one.why) for one in way.returns if one.stays)
        lines = [f"Back to {way.target}.", *([wish.reason] if wish.reason else [])]
        lines += [f"{one.component}: {change(pins[one.component], one.back)}" for one in back]
        manifests = await load_manifests(doors, way.commit)
        return Draft(
            verb="rollback",
            environment=environment,
            commit=way.commit,
            manifests=manifests,
            edits=_edits(situation.desired, way, back, wish) if back else (),
            subject=f"{environment}: roll back {len(back)} to {way.target}",
            lines=tuple(lines),
            left=tuple(sorted((*way.left, *stays))),
            nothing=f"{environment} pins all of {way.target} already, but for what is left",
            read_at=way.read_at,
        )

    return await carry(doors, asked, draft)


async def _judged(doors: Doors, name: str, wish: Wish) -> tuple[WayBack, Situation]:
    situation = await survey(doors, name)
    desired, commit = situation.desired, situation.commit
    environment = desired.environment
    for one in wish.excepted:
        if one not in environment.pins:
            near = get_close_matches(one, environment.pins, n=3)
            raise UsageError(
                f"{name} pins no '{clean(one, 80)}' at commit {commit[:DIGITS]}; nothing was"
                " changed",
                hint=f"did you mean {' or '.join(near)}?"
                if near
                else f"see `reconciler plan {name}`",
            )
    target = await _target(doors, desired, commit, wish.to)
    versions, left = moves(environment, target.pins, wish.excepted, doors.clock.now())
    judged = await _ahead(doors, situation, versions)
    way = WayBack(
        environment=name,
        target=target.words,
        returns=judged,
        left=left,
        commit=commit,
        read_at=situation.observed.read_at,
        platform=target.platform,
    )
    return way, situation


async def _ahead(
    doors: Doors, situation: Situation, versions: Mapping[str, str]
) -> tuple[Return, ...]:
    """Plan with these versions pinned, and ask Octopus about the changes: nothing is sent."""
    desired = situation.desired
    then = as_it_was(desired, versions)
    plan = make_plan(then, situation.observed, situation.commit)
    octopus = doors.octopus(desired.space)
    preflight = Preflight(doors, octopus, replace(situation, desired=then), (), thorough=True)
    await preflight.ask(plan)
    return returns(desired.environment, versions, plan, preflight.gates)


async def _target(doors: Doors, desired: DesiredState, commit: str, to: str) -> _Target:
    """Return the pins a person's words mean. Raises: UsageError."""
    manifests = await load_manifests(doors, commit)
    if to == LAST_GOOD:
        return await _last_good(doors, desired, commit)
    named = to.removeprefix(_PLATFORM)
    if to.startswith(_PLATFORM) or named in manifests.platforms:
        platform = await find_platform(doors, named, commit)
        pins = {name: captured.version for name, captured in platform.components.items()}
        return _Target(f"platform version {platform.name}", pins, platform.name)
    there = await blocking(doors.repository.resolve, to)
    before = pick(await load_manifests(doors, there), desired.environment.name, there)
    return _Target(f"commit {there[:DIGITS]}", _versions(before.environment.pins))


async def _last_good(doors: Doors, desired: DesiredState, commit: str) -> _Target:
    """Find the newest other pins that all ran, settled, as snapshots of the audit branch tell."""
    name, audit = desired.environment.name, doors.audit
    kept = () if audit is None else await blocking(audit.past, snapshot_path(name), SEARCHED)
    read = [settled_versions(doors.read_snapshot(content)) for _, content in kept]
    good = [ran for ran in read if ran is not None]
    now = _versions(desired.environment.pins)
    told = await chronicle(doors, name, None, SEARCHED, commit) if good else None
    for entry in () if told is None else told.entries:
        if entry.written is None:
            continue
        there = entry.written.commit
        try:
            then = _versions(pick(await load_manifests(doors, there), name, there).environment.pins)
        except (UsageError, ManifestsInvalid):  # it was not there yet, or not valid
            continue
        if then and then != now and was_reached(then, good):
            return _Target(f"commit {there[:DIGITS]}, which was the last to run whole", then)
    raise UsageError(
        f"no snapshot of {name} tells of other pins that all ran; nothing was changed",
        hint=f"`reconciler history {name}` shows commits; name one with --to COMMIT",
    )


def _versions(pins: Mapping[str, Pin]) -> dict[str, str]:
    return {name: pin.version for name, pin in pins.items()}


def _edits(
    desired: DesiredState, way: WayBack, back: list[Return], wish: Wish
) -> tuple[tuple[str, Edit], ...]:
    """Return the edits: each pin at its earlier version, held there; and the base, if named."""
    environment = desired.environment
    edits: list[tuple[str, Edit]] = []
    base = environment.platform
    if way.platform and (base is None or base.name != way.platform):
        edits.append((environment.place.file, Rebase(way.platform)))
    for one in back:
        pin = environment.pins[one.component]
        why = wish.reason or f"rolled back from {clean(one.now, 60)}"
        hold = Until(why, wish.until, at=one.back)
        if pin.is_own:
            edits.append((pin.place.file, Repin(one.component, one.back, hold)))
        else:
            edits.append((environment.place.file, NewPin(one.component, one.back, hold)))
    return tuple(edits)
