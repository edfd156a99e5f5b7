"""Which pinned releases retention may remove: those that run nowhere, by their lifecycles.

Source: Octopus' documentation on retention: a release that a dashboard shows as current stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.expand import pin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from reconciler.core.checkup import Keeping
    from reconciler.core.deployers import Automation
    from reconciler.core.manifest import DesiredState
    from reconciler.core.sighting import ObservedState
    from reconciler.core.state import Project


def waiting_releases(
    desired: DesiredState,
    seen: ObservedState,
    current: Collection[tuple[str, str]],
    follows: Callable[[Project], Keeping | None],
) -> Iterator[tuple[str, Keeping | None]]:
    """Yield the cells whose pinned release runs nowhere, with what keeps it."""
    for name, cell in seen.cells.items():
        pin = pin_of(desired.environment, cell)
        if pin is None or cell.project is None or (cell.project.id, pin.version) in current:
            continue
        yield name, follows(cell.project)


def shortest_keeping(
    automation: Automation | None, lifecycles: Mapping[str, Keeping], project: Project
) -> Keeping | None:
    """Return the lifecycle by which releases of a project may go, of its own and its channels'.

    One that keeps them for ever where all do; None where one is not known.
    """
    channels = automation.lifecycles_of.get(project.id) if automation else None
    found = [lifecycles.get(one) for one in sorted(channels or {project.lifecycle_id})]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    return next((one for one in known if one.keeps), known[0])
