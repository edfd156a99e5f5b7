"""Promote: propose the commit that pins in one environment what runs in another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from reconciler.core.compare import release_difference
from reconciler.core.edit import NewPin, Rebase, Repin, Unpin
from reconciler.core.manifest import Place
from reconciler.core.platform import Captured, PlatformVersion, Source, identity
from reconciler.core.promotion import promote, whole
from reconciler.core.text import clean
from reconciler.engine.compare import Form, Named, find_platform, platform_side, side_of
from reconciler.engine.doors import blocking
from reconciler.engine.edit import Draft, at_tip, carry, repinned
from reconciler.engine.ground import pick
from reconciler.engine.pin import change
from reconciler.engine.signoff import check_free, listed, path_of
from reconciler.errors import GateClosed, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.core.compare import Entry, Side
    from reconciler.core.edit import Edit
    from reconciler.core.manifest import DesiredState, ManifestSet
    from reconciler.core.promotion import Promotion
    from reconciler.engine.doors import Doors
    from reconciler.engine.edit import Asked, Edited


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be promoted: `only` these components (empty: all), without `excepted`.

    `live`: read what runs now, not what the last snapshot says. `add`: also what the target does
    not pin yet. `platform`: the name under which all of it becomes the target's platform version.
    """

    only: tuple[str, ...] = ()
    excepted: tuple[str, ...] = ()
    live: bool = False
    add: bool = False
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class _Ground:
    """What one try rests on: the tip, the target as it stands there, and what the source runs."""

    commit: str
    manifests: ManifestSet
    desired: DesiredState
    side: Side
    entries: Mapping[str, Entry]
    has: Sequence[str]


async def promote_environment(
    doors: Doors, asked: Asked, source: str, target: str, wish: Wish
) -> Edited:
    """Propose the pins of what runs in `source` for the environment `target`.

    `source` is an environment (its last snapshot), `snapshot:ENV@COMMIT`, `live:ENV`, or
    `platform:NAME`, which becomes the target's platform version.

    Raises: UsageError; GateClosed (cells of the source of which it is not known what runs, each
    named); EditRefused; GitTrouble and its kin; what `survey` raises where it is read live.
    """
    named = _source(source, target, wish)

    async def draft() -> Draft:
        ground = await _ground(doors, named, target, wish)
        desired, environment = ground.desired, ground.desired.environment
        versions = {name: entry.version or "" for name, entry in ground.entries.items()}
        known = desired.stack.components.keys()
        plan = promote(versions, ground.has, named.name, environment, known, add=wish.add)
        base, is_new = await _base(doors, named, wish, ground)
        lines = [f"From {ground.side.name}, {ground.side.at}."]
        edits: list[tuple[str, Edit]] = []
        if base is None:
            edits += (repinned(desired, name, version) for name, version in plan.moves)
        else:
            edits += _on_base(desired, base, plan)
            lines.append(f"{target} runs platform version {base.name}.")
        pins = environment.pins
        lines += [f"{name}: {change(pins.get(name), version)}" for name, version in plan.moves]
        as_set = "" if base is None else f" as {base.name}"
        return Draft(
            verb="promote",
            environment=target,
            commit=ground.commit,
            manifests=ground.manifests,
            edits=tuple(edits),
            subject=f"{target}: promote {named.name}{as_set} ({len(plan.moves)} moved)",
            lines=tuple(lines),
            left=plan.left,
            nothing="no pin follows" if plan.left else f"{target} pins all of that already",
            platform=base if is_new else None,
        )

    return await carry(doors, asked, draft)


def _source(source: str, target: str, wish: Wish) -> Named:
    """Return what is promoted. Raises: UsageError where that cannot be."""
    named = Named.parse(source)
    if named.form is Form.MANIFEST:
        if named.revision:
            raise UsageError(
                f"'{clean(source, 80)}' is what was pinned, not what ran; nothing was changed",
                hint=f"give {named.name}, or snapshot:{named.name}@COMMIT of the audit branch",
            )
        named = Named(Form.LIVE if wish.live else Form.SNAPSHOT, named.name)
    elif wish.live:
        raise UsageError("--live goes with the name of an environment", hint="give FROM as ENV")
    if named.form is Form.PLATFORM and (wish.platform is not None or named.revision):
        raise UsageError(
            f"'{clean(source, 80)}' is a platform version already, and never changes; nothing was"
            " changed",
            hint=f"give platform:{named.name}, without --as-platform-version",
        )
    if named.form is not Form.PLATFORM and named.name == target:
        raise UsageError(
            f"{clean(target, 80)} cannot be promoted to itself; nothing was changed",
            hint="name two environments",
        )
    return named


async def _ground(doors: Doors, named: Named, target: str, wish: Wish) -> _Ground:
    commit, manifests, desired = await at_tip(doors, target)
    if named.form is Form.PLATFORM:
        platform = await find_platform(doors, named.name, commit)
        side, has = platform_side(platform, commit), sorted(platform.components)
    else:
        has = sorted(pick(manifests, named.name, commit).environment.pins)
        side = await side_of(doors, named)
    entries, unknown = whole(side.entries, _selected(has, named.name, wish))
    if unknown:
        raise GateClosed(
            f"it is not known for certain what runs in {named.name}: {listed(unknown)}; nothing was"
            " changed",
            hint="let it settle, or give --except for each of them",
        )
    return _Ground(commit, manifests, desired, side, entries, has)


def _selected(pinned: Sequence[str], source: str, wish: Wish) -> tuple[str, ...]:
    """Return the components that were asked for. Raises: UsageError (an unknown name, or none)."""
    for name in (*wish.only, *wish.excepted):
        if name not in pinned:
            near = get_close_matches(name, pinned, n=3)
            raise UsageError(
                f"{source} has no component '{clean(name, 80)}'; nothing was changed",
                hint=f"did you mean {' or '.join(near)}?" if near else "see `reconciler compare`",
            )
    only = wish.only or pinned
    chosen = tuple(name for name in pinned if name in only and name not in wish.excepted)
    if pinned and not chosen:
        raise UsageError(
            f"nothing of {source} is left to promote; nothing was changed",
            hint="name a component with --only that --except does not name",
        )
    return chosen


async def _base(
    doors: Doors, named: Named, wish: Wish, ground: _Ground
) -> tuple[PlatformVersion | None, bool]:
    """Return the platform version the target gets, None where it gets pins, and if it is new.

    A part of a platform version is promoted as pins. Raises: UsageError.
    """
    in_part = named.form is Form.PLATFORM and (wish.only or wish.excepted)
    name = named.name if named.form is Form.PLATFORM else wish.platform
    if name is None or in_part:
        return None, False
    base = ground.manifests.platforms.get(name)
    is_new = base is None
    if base is None:
        await check_free(doors, ground.manifests, name)
        place = Place(path_of(ground.manifests, doors.repository.root, name), 1, 1)
        source = Source(named.name, ground.commit, ground.side.server)
        components = {
            component: entry.release or Captured(entry.version or "", place)
            for component, entry in ground.entries.items()
        }
        components = await _with_channels(doors, ground.side.server, components)
        base = PlatformVersion(name, ground.desired.stack.name, components, place, source)
    elif named.form is not Form.PLATFORM:
        _check_is(base, ground.entries, ground.side)
    _check_fits(base, ground.desired, add=wish.add)
    return base, is_new


async def _with_channels(
    doors: Doors, server: str, components: Mapping[str, Captured]
) -> dict[str, Captured]:
    """Add the channel of each release that this machine has seen; a snapshot does not have it."""
    found = dict(components)
    for space in {one.space for one in components.values() if one.space and not one.channel}:
        seen = (await blocking(doors.journal.known, server, space)).releases
        for name, one in components.items():
            release = seen.get(one.release or "")
            if one.space == space and not one.channel and release is not None:
                known = identity(release, space, one.place)
                if (known.assembled, known.version) == (one.assembled, one.version):
                    found[name] = replace(one, channel=known.channel)
    return found


def _check_fits(base: PlatformVersion, desired: DesiredState, *, add: bool) -> None:
    """Raise UsageError where a platform version would bring an environment what it has not."""
    environment, stack = desired.environment, desired.stack
    strange = sorted(base.components.keys() - stack.components.keys())
    absent = sorted(base.components.keys() - environment.pins.keys())
    if base.stack != stack.name or strange:
        what = f"has {', '.join(strange[:20])}" if strange else f"is of stack {base.stack}"
        raise UsageError(
            f"platform version {base.name} {what}, and {environment.name} is of stack {stack.name},"
            " which does not have that; nothing was changed",
            hint="promote the pins alone, without a platform version",
        )
    if absent and not add:
        raise UsageError(
            f"{environment.name} does not pin {', '.join(absent[:20])}, which platform version"
            f" {base.name} would bring; nothing was changed",
            hint="give --add to let it, or --except for each of them under another name",
        )


def _check_is(platform: PlatformVersion, entries: Mapping[str, Entry], side: Side) -> None:
    """Raise UsageError where a platform version is not what is to be promoted under its name."""
    near = platform.source is not None and platform.source.server == side.server
    wrong = sorted(platform.components.keys() ^ entries.keys())
    for name in sorted(platform.components.keys() & entries.keys()):
        captured, entry = platform.components[name], entries[name]
        other = release_difference(captured, entry.release, is_near=near)
        if captured.version != entry.version or other:
            wrong.append(name)
    if wrong:
        raise UsageError(
            f"platform version {platform.name} is there and is another set than what runs now:"
            f" {', '.join(wrong[:20])} differ; nothing was changed",
            hint=f"promote platform:{platform.name}, or give what runs now a name of its own",
        )


def _on_base(
    desired: DesiredState, base: PlatformVersion, plan: Promotion
) -> list[tuple[str, Edit]]:
    """Return the edits that put an environment on a platform version.

    Own pins that say no more than the set does go; what is kept at another version stays a pin.
    """
    environment = desired.environment
    edits: list[tuple[str, Edit]] = []
    if environment.platform is None or environment.platform.name != base.name:
        edits.append((environment.place.file, Rebase(base.name)))
    for name, pin in sorted(environment.pins.items()):
        if name in plan.kept:
            if not pin.is_own:
                edits.append((environment.place.file, NewPin(name, pin.version)))
        elif pin.is_own:
            version = base.components[name].version
            plain = pin.hold is None and not pin.redeploy and not pin.refresh
            if plain and pin.place.file == environment.place.file:
                edits.append((pin.place.file, Unpin(name)))
            elif pin.version != version:
                edits.append((pin.place.file, Repin(name, version)))
    return edits
