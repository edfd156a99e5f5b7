"""Gate `release-replaced`: a version that was signed off, or runs, and is another release now.

Releases are deleted and made again, packages replaced, variable snapshots refreshed; a version
string tells none of it, the identity that a platform version keeps does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.core.compare import release_difference
from reconciler.core.expand import pin_of
from reconciler.core.gate import Gate, GateName
from reconciler.core.platform import identity, platforms_of
from reconciler.core.snapshot import line_of
from reconciler.core.text import clean
from reconciler.core.version import is_same_release

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.core.action import Action
    from reconciler.core.cellkey import CellKey
    from reconciler.core.manifest import Environment
    from reconciler.core.plan import Plan
    from reconciler.core.sighting import ObservedState
    from reconciler.core.snapshot import SnapshotCell
    from reconciler.core.state import ReleaseDetail


def replaced_gates(
    plan: Plan,
    environment: Environment,
    observed: ObservedState,
    releases: Mapping[CellKey, ReleaseDetail],
    last: Mapping[CellKey, SnapshotCell],
) -> Iterable[Gate]:
    """Yield a gate for each change whose release is not the one that its version stood for.

    That is the one its platform version has; where the same version runs already, it is the one
    of the cell's line in the last snapshot (`last`).

    `releases` are those that would be deployed, as they are now. Ids and times count on the server
    and in the space they were captured in, packages everywhere. A pin that breaks the alignment
    with its platform version asks for another release, and has no such gate; one that asks for
    fresh variables asks for others than were signed off.
    """
    platforms = {platform.name: platform for platform in platforms_of(environment)}
    for action in plan.changes:
        pin, release = pin_of(environment, observed.cells[action.cell]), releases.get(action.cell)
        if release is None:
            continue
        line = line_of(last, observed.cells[action.cell])
        yield from _made_anew(action, release, line)
        if pin is None or pin.base is None:
            continue
        platform = platforms[pin.base.platform]
        captured = platform.components[action.component]
        if not is_same_release(captured.version, pin.version):
            continue
        now = identity(release, observed.space_id, captured.place)
        if pin.refresh:
            now = replace(now, variables=None)
        source = platform.source
        is_near = source is not None and source.server == observed.server.installation_id
        difference = release_difference(captured, now, is_near=is_near)
        if difference:
            yield Gate(
                action.cell,
                GateName.RELEASE_REPLACED,
                f"release {clean(pin.version, 60)} is not the one that platform version"
                f" {platform.name} has: {difference}",
                "a platform version that signs off what the release is now",
            )


def _made_anew(action: Action, release: ReleaseDetail, line: SnapshotCell | None) -> Iterator[Gate]:
    """Yield a gate where the version that runs was deleted and made again."""
    if line is None or line.release is None or line.version is None:
        return
    if not is_same_release(line.version, release.version):
        return
    assembled = f"{release.assembled:%Y-%m-%dT%H:%M:%SZ}"
    if (line.release, line.assembled or assembled) == (release.id, assembled):
        return
    yield Gate(
        action.cell,
        GateName.RELEASE_REPLACED,
        f"release {clean(release.version, 60)} was made again since it was deployed here: it was"
        f" {clean(line.release)} of {clean(line.assembled or '-')}, and is {clean(release.id)} of"
        f" {assembled}",
        "a commit that pins it under a version of its own, or a person who deploys it in Octopus",
    )
