"""Platform versions: named sets of pins with the identity of each release, "what QA signed off".

A name stands for one content for ever. The version of a release does not identify what was tested:
releases are deleted and made again, packages replaced, variable snapshots refreshed. So each pin
keeps what identified its release when the set was captured.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reconciler.core.canonical import digest_hex
from reconciler.core.cell import Excluded, NeverDeployed, Settled, Unobserved, Unsettled
from reconciler.core.manifest import API_VERSION, Base, Pin
from reconciler.core.slug import slug
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.cell import ObservedCell, ObservedState
    from reconciler.core.manifest import Environment, Place
    from reconciler.core.state import ReleaseDetail

KIND = "PlatformVersionDigest"
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Captured:
    """The pin of one component, and its release as it was captured; what is unknown is None.

    Ids are Octopus' own; `assembled` is the release's time as `YYYY-MM-DDTHH:MM:SSZ`; `packages`
    are (action or package reference, version), sorted.
    """

    version: str
    place: Place
    space: str | None = None
    release: str | None = None
    channel: str | None = None
    assembled: str | None = None
    process: str | None = None
    variables: str | None = None
    packages: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a set was captured: environment, commit (full hash), server (installation id)."""

    environment: str
    commit: str
    server: str


@dataclass(frozen=True)
class PlatformVersion:
    """One platform version; `source` is None where a person wrote it."""

    name: str
    stack: str
    components: Mapping[str, Captured]
    place: Place
    source: Source | None = None

    @cached_property
    def pins(self) -> Mapping[str, Pin]:
        """Its pins, one object each for all environments that run on it."""
        return {
            name: Pin(
                captured.version,
                captured.place,
                base=Base(self.name, captured.version),
                is_own=False,
            )
            for name, captured in self.components.items()
        }

    @cached_property
    def digest(self) -> str:
        """64 hex digits over all it says, and nothing of where and how that is written."""
        source = self.source
        return digest_hex(
            {
                "name": self.name,
                "stack": self.stack,
                "source": None
                if source is None
                else [source.environment, source.commit, source.server],
                "components": [
                    [
                        name,
                        one.version,
                        one.space,
                        one.release,
                        one.channel,
                        one.assembled,
                        one.process,
                        one.variables,
                        sorted(one.packages),
                    ]
                    for name, one in sorted(self.components.items())
                ],
            }
        )


def platforms_of(environment: Environment) -> tuple[PlatformVersion, ...]:
    """Return the platform versions that an environment and its rings run on, each once."""
    named = (environment.platform, *(ring.platform for ring in environment.rings))
    return tuple({one.name: one for one in named if one is not None}.values())


@dataclass(frozen=True, slots=True)
class Broken:
    """A pin of the environment's own that is another than its platform version's."""

    component: str
    version: str
    platform: str
    expected: str


def broken_alignment(environment: Environment) -> tuple[Broken, ...]:
    """Return the pins that break the alignment with the environment's platform version, by name."""
    if environment.platform is None:
        return ()
    return tuple(
        Broken(name, pin.version, pin.base.platform, pin.base.version)
        for name, pin in sorted(environment.pins.items())
        if pin.base is not None and pin.base.version != pin.version
    )


# --- capturing --------------------------------------------------------------------------------


def name_trouble(name: str) -> str | None:
    """Say why a text cannot be the name of a platform version, None: it can."""
    if _NAME.fullmatch(name) and ".." not in name and not name.endswith(".lock"):
        return None
    return f"'{clean(name, 80)}' cannot be the name of a platform version"


def capture_releases(
    observed: ObservedState, releases: Mapping[str, ReleaseDetail], place: Place
) -> tuple[Mapping[str, Captured], tuple[tuple[str, str], ...]]:
    """Return the release that runs of each component, and each cell of which that is not known.

    Such a cell, with the reason, is one that could not be read, was never deployed, is unsettled,
    or has a deployment that is not finished; and one that runs another release than the cells of
    the same component beside it.
    """
    found: dict[str, Captured] = {}
    unknown: list[tuple[str, str]] = []
    for key, cell in sorted(observed.cells.items()):
        captured = capture_cell(cell, observed.space_id, releases, place)
        if isinstance(captured, str):
            unknown.append((str(key), captured))
        elif found.setdefault(cell.component, captured) != captured:
            other = found[cell.component].version
            why = f"runs {clean(captured.version, 60)}, and another cell of it {clean(other, 60)}"
            unknown.append((str(key), why))
    return found, tuple(unknown)


def capture_cell(
    cell: ObservedCell, space: str, releases: Mapping[str, ReleaseDetail], place: Place
) -> Captured | str:
    """Return the release that runs in a cell, or say why that is not known for certain."""
    if cell.running:
        return "a deployment of it is not finished"
    match cell.sighting:
        case Unobserved(why=why):
            return f"it could not be read: {why}"
        case Excluded(why=why):
            return f"it is no part of the plan: {why}"
        case NeverDeployed():
            return "it was never deployed there"
        case Unsettled(attempted=attempted, why=why):
            return f"unsettled: the last attempt, {clean(attempted, 60)}, ended {why}"
        case Settled(version=version, release_id=release_id):
            release = releases.get(release_id)
            if release is None:
                return f"its release {clean(version, 60)} could not be read"
            return identity(release, space, place)


def identity(release: ReleaseDetail, space: str, place: Place) -> Captured:
    """Return what identifies the content of a release; `space` is its id."""
    return Captured(
        version=release.version,
        place=place,
        space=space,
        release=release.id,
        channel=release.channel_id or None,
        assembled=f"{release.assembled:%Y-%m-%dT%H:%M:%SZ}",
        process=release.process_snapshot or None,
        variables=release.variable_snapshot or None,
        packages=tuple(
            sorted({clean(name): clean(version) for name, version in release.packages}.items())
        ),
    )


# --- the digest on the audit branch -----------------------------------------------------------


def digest_path(name: str) -> str:
    """Return the place of a platform version's digest on the audit branch."""
    return f"platform-versions/{slug(name)}.json"


def render_digest(version: PlatformVersion, commit: str) -> bytes:
    """Return the file that says what a name stands for; `commit` has the manifest (full hash)."""
    root = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": version.name},
        "spec": {"commit": commit, "digest": f"sha256:{version.digest}", "stack": version.stack},
    }
    return (json.dumps(root, indent=1, sort_keys=True) + "\n").encode()


def parse_digest(content: bytes) -> str:
    """Return the 64 hex digits that were recorded. Raises: ValueError where it is damaged."""
    try:
        root: Any = json.loads(content)
        digest = {KIND: root["spec"]["digest"]}[root["kind"]].removeprefix("sha256:")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = clean(f"{type(error).__name__}: {error}")
        raise ValueError(f"the recorded digest is damaged: {what}") from error
    return str(digest)
