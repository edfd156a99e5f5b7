"""Capture: the observed state of one environment as the next snapshot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.core.cell import Excluded, NeverDeployed, Settled, Unobserved, Unsettled
from reconciler.core.cellkey import component_of
from reconciler.core.expand import cell_pins
from reconciler.core.muster import gaps_after
from reconciler.core.plan import Reason, make_plan
from reconciler.core.snapshot import LEFT, Reached, Snapshot, SnapshotCell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.cellkey import CellKey
    from reconciler.core.manifest import DesiredState
    from reconciler.core.sighting import ObservedCell, ObservedState
    from reconciler.core.state import ReleaseDetail, SpaceState

_AT_ITS_PIN = frozenset({Reason.IN_SYNC, Reason.NEW_MACHINE})


def capture(
    desired: DesiredState,
    observed: ObservedState,
    state: SpaceState | None,
    before: Snapshot | None,
    commit: str,
) -> Snapshot:
    """Return the snapshot of what was just observed.

    A cell that could not be read keeps what was known of it, marked unobserved; a component that
    left the manifests keeps its last line (rule 5), and so does a tenant that left the environment,
    marked left. `reached` moves where the plan says in-sync.
    """
    plan = make_plan(desired, observed, commit)
    in_sync = {a.cell for a in plan.actions if a.reason in _AT_ITS_PIN}
    cells = {} if before is None else dict(before.cells)
    pins = cell_pins(desired, observed)
    if desired.environment.tenants:
        cells = _without_leavers(cells, observed)
    for name, cell in observed.cells.items():
        if _is_apart(desired, cell, is_known=name in cells):
            continue
        pin = pins[name]
        reached = Reached(pin.version, pin.redeploy) if name in in_sync else cell.reached
        captured = _captured(cell, state, reached, cells.get(name))
        if cell.tenant is not None:
            captured = replace(captured, tenant=cell.tenant.id)
        cells[name] = captured
    return Snapshot(
        name=desired.environment.name,
        server=observed.server.installation_id,
        space=observed.space_id,
        environment=observed.environment_id or ("" if before is None else before.environment),
        cells=cells,
        gaps=_gaps(observed, before),
    )


def _gaps(
    observed: ObservedState, before: Snapshot | None
) -> Mapping[str, Mapping[CellKey, str]] | None:
    """Return what machines lack that is left so; None where no policy serves them."""
    muster = observed.muster
    if muster is None:
        return None
    known = None if before is None else before.gaps
    return known if muster.unread else gaps_after(known, muster, observed.cells)


def _without_leavers(
    before: dict[CellKey, SnapshotCell], observed: ObservedState
) -> dict[CellKey, SnapshotCell]:
    """Return the lines before, less those of a tenant's old name, with leavers marked."""
    here = {
        (cell.component, cell.tenant.id): key
        for key, cell in observed.cells.items()
        if cell.tenant is not None
        and not (
            isinstance(cell.sighting, Excluded) and cell.sighting.reason is Reason.NOT_CONNECTED
        )
    }
    kept = {}
    for key, line in before.items():
        if line.tenant is None:
            kept[key] = line
            continue
        now = here.get((component_of(key), line.tenant))
        if now is None:
            kept[key] = replace(line, state=LEFT, reached=None)
        else:
            kept[now] = line
    return kept


def _is_apart(desired: DesiredState, cell: ObservedCell, *, is_known: bool) -> bool:
    """Tell whether a cell changes no line: it is no part of the plan, or nothing says whose it is.

    An environment that names tenants writes no line for a cell it could never tell the tenant of.
    """
    if isinstance(cell.sighting, Excluded):
        return True
    untold = cell.tenant is None or not cell.tenant.id
    return (
        bool(desired.environment.tenants)
        and untold
        and not is_known
        and isinstance(cell.sighting, Unobserved)
    )


def _captured(
    cell: ObservedCell,
    state: SpaceState | None,
    reached: Reached | None,
    before: SnapshotCell | None,
) -> SnapshotCell:
    project = None if cell.project is None else cell.project.id
    match cell.sighting:
        case Unobserved() | Excluded():
            kept = SnapshotCell("unobserved") if before is None else before
            return replace(kept, state="unobserved", reached=reached)
        case NeverDeployed():
            return SnapshotCell("never", reached=reached, project=project)
        case Settled(version=version, deployment_id=deployment_id, release_id=release_id):
            known = SnapshotCell(
                "settled",
                version=version,
                reached=reached,
                project=project,
                deployment=deployment_id,
                release=release_id,
            )
            if state is None:
                return known
            return _as_deployed(_with_release(known, state.releases.get(release_id)), before)
        case Unsettled(version=last, deployment_id=deployment_id):
            return SnapshotCell(
                "unsettled",
                version=last,
                reached=reached,
                project=project,
                deployment=deployment_id,
            )


def _with_release(cell: SnapshotCell, release: ReleaseDetail | None) -> SnapshotCell:
    """Add what identifies the release's content: a version string alone does not."""
    if release is None:
        return cell
    return replace(
        cell,
        assembled=f"{release.assembled:%Y-%m-%dT%H:%M:%SZ}",
        process=release.process_snapshot,
        variables=release.variable_snapshot,
        packages=release.packages,
        libraries=" ".join(release.library_snapshots) or None,
    )


def _as_deployed(cell: SnapshotCell, before: SnapshotCell | None) -> SnapshotCell:
    """Keep what the same deployment ran with: its release may have been refreshed since."""
    if before is None or before.variables is None or cell.deployment != before.deployment:
        return cell
    return replace(cell, variables=before.variables, libraries=before.libraries)
