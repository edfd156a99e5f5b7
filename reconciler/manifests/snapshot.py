"""Snapshots on disk: `snapshots/<environment>.yaml`, one line per cell, the same bytes every time.

The format is docs/formats.md, "Snapshots". Writing quotes whatever some YAML could read as
anything but text; reading is as strict as reading manifests and takes only what writing makes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.cellkey import CellKey
from reconciler.core.manifest import API_VERSION
from reconciler.core.snapshot import LEFT, Reached, Snapshot, SnapshotCell
from reconciler.manifests.fields import record_fields
from reconciler.manifests.writing import flow, key, quoted, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.manifests.fields import Fields

MAX_BYTES = 16 * 1024 * 1024  # some 40,000 cells

_STATES = ("settled", "unsettled", "never", "unobserved", LEFT)
_TEXTS = ("project", "deployment", "release", "assembled", "process", "variables", "libraries")


# --- writing ----------------------------------------------------------------------------------


def render_snapshot(snapshot: Snapshot) -> bytes:
    """Return the file of a snapshot: cells sorted by component, equal values equal bytes."""
    octopus = (
        ("server", scalar(snapshot.server)),
        ("space", scalar(snapshot.space)),
        ("environment", scalar(snapshot.environment)),
    )
    lines = [
        f"apiVersion: {API_VERSION}",
        "kind: Snapshot",
        f"metadata: {flow([('name', scalar(snapshot.name))])}",
        "spec:",
        f"  octopus: {flow(octopus)}",
        "  cells:" if snapshot.cells else "  cells: {}",
    ]
    lines.extend(
        f"    {key(name)}: {flow(_fields(snapshot.cells[name]))}" for name in sorted(snapshot.cells)
    )
    if snapshot.gaps is not None:
        lines.append("  gaps:" if snapshot.gaps else "  gaps: {}")
        lines.extend(
            f"    {key(machine)}: {flow([(key(c), scalar(r)) for c, r in sorted(gaps.items())])}"
            for machine, gaps in sorted(snapshot.gaps.items())
        )
    return ("\n".join(lines) + "\n").encode()


def _fields(cell: SnapshotCell) -> Iterator[tuple[str, str]]:
    if cell.version is not None:
        yield "version", quoted(cell.version)
    yield "state", scalar(cell.state)
    if cell.reached is not None:
        reached = (
            ("version", quoted(cell.reached.version)),
            ("redeploy", str(cell.reached.redeploy)),
        )
        yield "reached", flow(reached)
    if cell.tenant is not None:
        yield "tenant", scalar(cell.tenant)
    for name in _TEXTS:
        if (value := getattr(cell, name)) is not None:
            yield name, scalar(value)
    if cell.packages:
        packages = {key(name): quoted(version) for name, version in sorted(cell.packages)}
        yield "packages", flow(packages.items())


# --- reading ----------------------------------------------------------------------------------


def parse_snapshot(data: bytes, path: str = "snapshot") -> Snapshot:
    """Read the file of a snapshot; `path` is what places in messages name.

    Raises:
        ManifestsInvalid: it is not exactly what `render_snapshot` writes; says where.
    """
    top = record_fields(path, data, "Snapshot", MAX_BYTES)
    spec = top.fields("spec", ("octopus", "cells", "gaps"))
    octopus = spec.fields("octopus", ("server", "space", "environment"))
    cells = spec.fields("cells", None)
    return Snapshot(
        name=top.fields("metadata", ("name",)).text("name"),
        server=octopus.text("server"),
        space=octopus.text("space"),
        environment=octopus.text("environment"),
        cells={CellKey(name): _cell(cells, name) for name in cells.branch.value},
        gaps=_gaps(spec) if "gaps" in spec.branch.value else None,
    )


def _gaps(spec: Fields) -> dict[str, dict[CellKey, str]]:
    machines = spec.fields("gaps", None)
    found = {}
    for machine in machines.branch.value:
        lacks = machines.fields(machine, None)
        found[machine] = {CellKey(cell): lacks.text(cell) for cell in lacks.branch.value}
    return found


def _cell(cells: Fields, name: str) -> SnapshotCell:
    fields = cells.fields(name, ("version", "state", "reached", "tenant", *_TEXTS, "packages"))
    if fields.text("state") not in _STATES:
        raise fields.wrong("state", f"must be one of {', '.join(_STATES)}")
    reached = None
    if "reached" in fields.branch.value:
        said = fields.fields("reached", ("version", "redeploy"))
        reached = Reached(said.text("version"), said.number("redeploy"))
    packages: tuple[tuple[str, str], ...] = ()
    if "packages" in fields.branch.value:
        held = fields.fields("packages", None)
        packages = tuple((package, held.text(package)) for package in held.branch.value)
    return SnapshotCell(
        state=fields.text("state"),
        version=fields.optional("version"),
        reached=reached,
        project=fields.optional("project"),
        deployment=fields.optional("deployment"),
        release=fields.optional("release"),
        assembled=fields.optional("assembled"),
        process=fields.optional("process"),
        variables=fields.optional("variables"),
        packages=packages,
        tenant=fields.optional("tenant"),
        libraries=fields.optional("libraries"),
    )
