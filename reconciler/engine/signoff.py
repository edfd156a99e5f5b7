"""Sign-off: propose the platform version that says what runs in an environment now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.manifest import Place
from reconciler.core.platform import (
    PlatformVersion,
    Source,
    capture_releases,
    digest_path,
    name_trouble,
)
from reconciler.core.text import clean
from reconciler.engine.afresh import survey_afresh
from reconciler.engine.doors import blocking
from reconciler.engine.edit import Draft, carry
from reconciler.engine.ground import load_manifests
from reconciler.errors import GateClosed, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.core.manifest import ManifestSet
    from reconciler.engine.doors import Doors
    from reconciler.engine.edit import Asked, Edited
    from reconciler.engine.survey import Situation

FOLDER = "platform-versions"
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class SignedOff:
    """A platform version of what runs, and what it was read from."""

    platform: PlatformVersion
    situation: Situation
    manifests: ManifestSet

    def lines(self) -> tuple[str, ...]:
        """Return what is worth a look: components that do not run what is pinned."""
        pins = self.situation.desired.environment.pins
        return tuple(
            f"{name}: runs {clean(one.version, 60)}, pinned {clean(pins[name].version, 60)}"
            for name, one in sorted(self.platform.components.items())
            if name in pins and one.version != pins[name].version
        )


async def sign_off(doors: Doors, environment: str, name: str) -> SignedOff:
    """Return the platform version of what runs in an environment now; nothing is written.

    The environment is read live, and each release that runs is asked for anew: what is kept of it
    may be older than its snapshot of variables.

    Raises: UsageError (the name is taken, or is none), GateClosed (cells of which it is not known
    what runs, each named); everything `survey` raises.
    """
    situation = await survey_afresh(doors, environment)
    manifests = await load_manifests(doors, situation.commit)
    await check_free(doors, manifests, name)
    observed, state = situation.observed, situation.space_state
    place = Place(path_of(manifests, doors.repository.root, name), 1, 1)
    releases = {} if state is None else state.releases
    components, unknown = capture_releases(observed, releases, place)
    if unknown or not components:
        raise GateClosed(
            f"it is not known for certain what runs in {environment}: {listed(unknown)}; no"
            " platform version was made",
            hint=f"see `reconciler plan {environment}`, and try again once all of it is settled",
        )
    source = Source(environment, situation.commit, observed.server.installation_id)
    stack = situation.desired.stack.name
    platform = PlatformVersion(name, stack, components, place, source)
    return SignedOff(platform, situation, manifests)


async def propose_platform(doors: Doors, asked: Asked, environment: str, name: str) -> Edited:
    """Propose the commit that adds the platform version of what runs in an environment now.

    Raises: everything `sign_off` raises; EditRefused, GitTrouble and its kin.
    """

    async def draft() -> Draft:
        signed = await sign_off(doors, environment, name)
        count = len(signed.platform.components)
        many = "1 component" if count == 1 else f"{count} components"
        return Draft(
            verb="snapshot",
            environment=environment,
            commit=signed.situation.commit,
            manifests=signed.manifests,
            edits=(),
            subject=f"Platform version {name}, as it runs in {environment}",
            lines=(f"{many} of stack {signed.platform.stack}.", *signed.lines()),
            read_at=signed.situation.observed.read_at,
            platform=signed.platform,
        )

    return await carry(doors, asked, draft)


async def check_free(doors: Doors, manifests: ManifestSet, name: str) -> None:
    """Raise UsageError where a name is none, or stands for a set already, or did once."""
    if trouble := name_trouble(name):
        raise UsageError(
            f"{trouble}; nothing was changed",
            hint="use small letters, digits, '.', '_' and '-', such as 2026.11.1",
        )
    there = manifests.platforms.get(name)
    path, audit = digest_path(name), doors.audit
    if there is not None:
        where = f"at {there.place}"
    elif audit is not None and await blocking(audit.read, path) is not None:
        where = f"once; {path} on the audit branch keeps its digest"
    else:
        return
    raise UsageError(
        f"platform version {name} is there {where}; nothing was changed",
        hint="a platform version never changes: give the new one another name",
    )


def path_of(manifests: ManifestSet, root: str, name: str) -> str:
    """Return where the file goes: beside the others there are, else in a folder of its own."""
    places = sorted(one.place.file for one in manifests.platforms.values())
    above = f"{root}/{FOLDER}" if root else FOLDER
    folder = places[-1].rpartition("/")[0] if places else above
    return f"{folder}/{name}.yaml" if folder else f"{name}.yaml"


def listed(unknown: Sequence[tuple[str, str]]) -> str:
    """Return cells of which it is not known what runs, each with the reason; a few of many."""
    named = [f"{cell} ({clean(why, 200)})" for cell, why in unknown[:_MOST_NAMED]]
    more = len(unknown) - len(named)
    if more:
        named.append(f"and {more} more")
    return "; ".join(named) if named else "it has no pins"
