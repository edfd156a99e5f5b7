"""Compare: any two of a manifest, a snapshot, a live environment and a platform version."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.core.cellkey import cell_key
from reconciler.core.compare import Comparison, Entry, Side, compare
from reconciler.core.manifest import Place
from reconciler.core.platform import Captured, capture_cell
from reconciler.core.sighting import NeverDeployed
from reconciler.core.snapshot import snapshot_path
from reconciler.core.text import clean
from reconciler.engine.afresh import survey_afresh
from reconciler.engine.doors import blocking
from reconciler.engine.ground import fetch_audit, load_manifests, pick
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.core.manifest import DesiredState, Pin
    from reconciler.core.platform import PlatformVersion
    from reconciler.core.snapshot import Snapshot, SnapshotCell
    from reconciler.engine.doors import Doors

DIGITS = 12
FORMS = "ENV[@COMMIT], snapshot:ENV[@COMMIT], live:ENV or platform:NAME[@COMMIT]"
_NOWHERE = Place("", 0, 0)


class Form(StrEnum):
    """What one side of a comparison is taken from."""

    MANIFEST = "manifest"
    SNAPSHOT = "snapshot"
    LIVE = "live"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Named:
    """A side as it is asked for: `revision` is empty where none is named."""

    form: Form
    name: str
    revision: str = ""

    @classmethod
    def parse(cls, text: str) -> Named:
        """Read one of `FORMS`. Raises: UsageError."""
        before, colon, behind = text.partition(":")
        form = before if colon else Form.MANIFEST
        name, at, revision = (behind if colon else text).partition("@")
        if form not in tuple(Form) or not name or (at and not revision):
            raise UsageError(f"'{clean(text, 80)}' cannot be compared", hint=f"give {FORMS}")
        if form == Form.LIVE and at:
            raise UsageError(
                f"'{clean(text, 80)}': what runs now has no commit",
                hint="take the commit away, or give snapshot:ENV@COMMIT",
            )
        return cls(Form(form), name, revision)


async def compare_named(doors: Doors, left: str, right: str) -> Comparison:
    """Compare two sides, each one of `FORMS`. Changes nothing.

    Raises: UsageError, ManifestsInvalid, GitTrouble and its kin; where a side is live,
    OctopusTrouble and its kin.
    """
    named = Named.parse(left), Named.parse(right)
    sides = [await side_of(doors, one) for one in named]
    return compare(*sides)


async def side_of(doors: Doors, named: Named) -> Side:
    """Read one side. Raises: as `compare_named`."""
    match named.form:
        case Form.MANIFEST:
            return await _manifest(doors, named)
        case Form.SNAPSHOT:
            return await _snapshot(doors, named)
        case Form.LIVE:
            return await _live(doors, named.name)
        case Form.PLATFORM:
            commit = await commit_of(doors, named.revision)
            platform = await find_platform(doors, named.name, commit)
            return platform_side(platform, commit)


async def commit_of(doors: Doors, revision: str) -> str:
    """Return the full hash of what a person named, or of the watched branch's tip."""
    if revision:
        return await blocking(doors.repository.resolve, revision)
    return await doors.gathering.fetch(doors.repository)


async def find_platform(doors: Doors, name: str, commit: str) -> PlatformVersion:
    """Return a platform version of a commit. Raises: UsageError with the nearest names."""
    known = (await load_manifests(doors, commit)).platforms
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=3)
    there = ", ".join(sorted(known)[-20:]) or "none"
    raise UsageError(
        f"no platform version '{clean(name, 80)}' at commit {commit[:DIGITS]}",
        hint=f"did you mean {' or '.join(near)}?" if near else f"platform versions there: {there}",
    )


def platform_side(platform: PlatformVersion, commit: str) -> Side:
    """Return a platform version of a commit as a side."""
    return Side(
        name=f"platform:{platform.name}",
        at=f"commit {commit[:DIGITS]}",
        entries={
            name: Entry(captured.version, captured)
            for name, captured in platform.components.items()
        },
        server="" if platform.source is None else platform.source.server,
    )


async def _manifest(doors: Doors, named: Named) -> Side:
    commit = await commit_of(doors, named.revision)
    desired = pick(await load_manifests(doors, commit), named.name, commit)
    platform = desired.environment.platform
    return Side(
        name=named.name,
        at=f"commit {commit[:DIGITS]}",
        entries={
            **{
                name: Entry(pin.version, _base_release(desired, name, pin))
                for name, pin in desired.environment.pins.items()
            },
            **_of_rings(desired),
        },
        server="" if platform is None or platform.source is None else platform.source.server,
    )


def _of_rings(desired: DesiredState) -> dict[str, Entry]:
    """Return what rings pin: for the tenants they name, and for whom they mean by tags.

    Who has a tag, only Octopus can tell; so these stand together, as `component@(ring NAME)`.
    """
    return {
        str(cell_key(component, tenant)): Entry(pin.version)
        for ring in desired.environment.rings
        for tenant in (*ring.whom.names, *((f"(ring {ring.name})",) if ring.whom.tags else ()))
        for component, pin in ring.pins.items()
    }


def _base_release(desired: DesiredState, component: str, pin: Pin) -> Captured | None:
    """Return the release a pin means, where a platform version tells."""
    platform = desired.environment.platform
    if platform is None or pin.base is None or pin.base.version != pin.version:
        return None
    return platform.components[component]


async def _snapshot(doors: Doors, named: Named) -> Side:
    audit, path = doors.audit, snapshot_path(named.name)
    if audit is None or await fetch_audit(doors) is None:
        raise UsageError(
            f"there is no audit branch, so there is no snapshot of {clean(named.name, 80)}",
            hint=f"`reconciler snapshot {clean(named.name, 80)}` takes one",
        )
    commit, content = await blocking(audit.read_at, named.revision, path)
    if content is None:
        raise UsageError(
            f"there is no snapshot of {clean(named.name, 80)} at commit {commit[:DIGITS]} of the"
            " audit branch",
            hint=f"`reconciler snapshot {clean(named.name, 80)}` takes one; a snapshot of an"
            " earlier commit needs a hash of the audit branch",
        )
    return snapshot_side(doors.read_snapshot(content), commit)


def snapshot_side(snapshot: Snapshot, commit: str) -> Side:
    """Return a snapshot of a commit of the audit branch as a side."""
    entries = {
        str(cell): _recorded(snapshot, one)
        for cell, one in snapshot.cells.items()
        if one.state != "never"
    }
    at = f"commit {commit[:DIGITS]} of the audit branch"
    return Side(f"snapshot:{snapshot.name}", at, entries, snapshot.server)


def _recorded(snapshot: Snapshot, cell: SnapshotCell) -> Entry:
    if cell.state != "settled" or cell.version is None:
        why = "it could not be read" if cell.state == "unobserved" else cell.state
        return Entry(cell.version, unknown=why)
    release = Captured(
        version=cell.version,
        place=_NOWHERE,
        space=snapshot.space,
        release=cell.release,
        assembled=cell.assembled,
        process=cell.process or None,
        variables=cell.variables or None,
        packages=cell.packages,
    )
    return Entry(cell.version, release)


async def _live(doors: Doors, environment: str) -> Side:
    situation = await survey_afresh(doors, environment)
    observed, state = situation.observed, situation.space_state
    releases = {} if state is None else state.releases
    entries = {str(cell): Entry(version) for cell, version in observed.unmanaged}
    for key, cell in observed.cells.items():
        if isinstance(cell.sighting, NeverDeployed) and not cell.running:
            continue
        found = capture_cell(cell, observed.space_id, releases, _NOWHERE)
        entries[str(key)] = (
            Entry(cell.version, unknown=found)
            if isinstance(found, str)
            else Entry(found.version, found)
        )
    at = f"read {observed.read_at:%Y-%m-%d %H:%M:%S}Z"
    return Side(f"live:{environment}", at, entries, observed.server.installation_id)
