"""Cells that two environments claim, where only Octopus' ids tell that they are in one place.

Manifests compare names; that one environment is meant by its id, and another by its name, is seen
only beside what Octopus shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.cellkey import WHOLE
from reconciler.core.gate import Gate, GateName
from reconciler.core.sighting import environment_in
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.core.manifest import DesiredState
    from reconciler.core.state import SpaceState


def claim_gates(
    desired: DesiredState, others: Iterable[DesiredState], state: SpaceState
) -> tuple[Gate, ...]:
    """Return a gate on the whole plan for each other environment that pins a cell of this one."""
    here = environment_in(desired, state)
    if here is None:
        return ()
    mine = _projects(desired, state)
    gates = []
    for other in others:
        if other.environment.name == desired.environment.name or not _is_near(desired, other):
            continue
        if environment_in(other, state) != here:
            continue
        shared = sorted(mine[project] for project in mine.keys() & _projects(other, state).keys())
        if shared:
            gates.append(
                Gate(
                    WHOLE,
                    GateName.INVALID,
                    f"environment '{other.environment.name}' pins {clean(', '.join(shared[:3]))} "
                    f"too: both mean {clean(here)} in Octopus",
                    "a commit that leaves each component to one of the two",
                )
            )
    return tuple(gates)


def _is_near(one: DesiredState, other: DesiredState) -> bool:
    spaces = {(each.space.server, each.space.octopus_space.casefold()) for each in (one, other)}
    return len(spaces) == 1


def _projects(desired: DesiredState, state: SpaceState) -> dict[str, str]:
    """Return the components that an environment pins, by their projects' ids."""
    found = {}
    for name in desired.environment.pins:
        reference = desired.stack.components[name].project_in(desired.space.name)
        project = state.project_index.find(reference)
        if not isinstance(project, str):
            found[project.id] = name
    return found
