"""Platform versions: named sets of pins with the identity of each release, "what QA signed off".

A name stands for one content for ever. The version of a release does not identify what was tested:
releases are deleted and made again, packages replaced, variable snapshots refreshed. So each pin
keeps what identified its release when the set was captured.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.core.canonical import digest_hex
from reconciler.core.manifest import API_VERSION
from reconciler.core.slug import slug
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.manifest import Environment, Place

KIND = "PlatformVersionDigest"


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


@dataclass(frozen=True, slots=True)
class PlatformVersion:
    """One platform version; `source` is None where a person wrote it."""

    name: str
    stack: str
    components: Mapping[str, Captured]
    place: Place
    source: Source | None = None

    @property
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


@dataclass(frozen=True, slots=True)
class Broken:
    """A pin of the environment's own that is another than its platform version's."""

    component: str
    version: str
    platform: str
    expected: str


def broken_alignment(environment: Environment) -> tuple[Broken, ...]:
    """Return the pins that break the alignment with a platform version, by component."""
    return tuple(
        Broken(name, pin.version, pin.base.platform, pin.base.version)
        for name, pin in sorted(environment.pins.items())
        if pin.base is not None and pin.base.version != pin.version
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
