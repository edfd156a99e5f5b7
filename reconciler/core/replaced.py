"""Gate `release-replaced`: a version that was signed off, and a release that is another one now.

Releases are deleted and made again, packages replaced, variable snapshots refreshed; a version
string tells none of it, the identity that a platform version keeps does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.compare import release_difference
from reconciler.core.expand import pin_of
from reconciler.core.gate import Gate, GateName
from reconciler.core.platform import identity, platforms_of
from reconciler.core.text import clean
from reconciler.core.version import is_same_release

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.core.cellkey import CellKey
    from reconciler.core.manifest import Environment
    from reconciler.core.plan import Plan
    from reconciler.core.sighting import ObservedState
    from reconciler.core.state import ReleaseDetail


def replaced_gates(
    plan: Plan,
    environment: Environment,
    observed: ObservedState,
    releases: Mapping[CellKey, ReleaseDetail],
) -> Iterable[Gate]:
    """Yield a gate for each change whose release is not the one its platform version has.

    `releases` are those that would be deployed, as they are now. Ids and times count on the server
    and in the space they were captured in, packages everywhere. A pin that breaks the alignment
    with its platform version asks for another release, and has no such gate.
    """
    platforms = {platform.name: platform for platform in platforms_of(environment)}
    for action in plan.changes if platforms else ():
        pin, release = pin_of(environment, observed.cells[action.cell]), releases.get(action.cell)
        if pin is None or pin.base is None or release is None:
            continue
        platform = platforms[pin.base.platform]
        captured = platform.components[action.component]
        if not is_same_release(captured.version, pin.version):
            continue
        now = identity(release, observed.space_id, captured.place)
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
