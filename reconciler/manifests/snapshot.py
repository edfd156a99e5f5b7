"""Snapshots on disk: `snapshots/<environment>.yaml`, one line per cell, the same bytes every time.

The format is docs/formats.md, "Snapshots". Writing quotes whatever some YAML could read as
anything but text; reading is as strict as reading manifests and takes only what writing makes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.core.cellkey import CellKey
from reconciler.core.manifest import API_VERSION, Problem
from reconciler.core.snapshot import LEFT, Reached, Snapshot, SnapshotCell
from reconciler.errors import ManifestsInvalid
from reconciler.manifests.tree import Branch, Reader, read_tree
from reconciler.manifests.wording import shown
from reconciler.manifests.writing import flow, key, quoted, scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
    reader, _ = read_tree(path, data, MAX_BYTES)
    if reader.problems or reader.root is None:
        raise _invalid(reader.problems)
    top = _Fields(reader, reader.root, ("apiVersion", "kind", "metadata", "spec"))
    if top.text("apiVersion") != API_VERSION:
        raise top.wrong("apiVersion", f"must be '{API_VERSION}'")
    if top.text("kind") != "Snapshot":
        raise top.wrong("kind", "must be 'Snapshot'")
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


def _gaps(spec: _Fields) -> dict[str, dict[CellKey, str]]:
    machines = spec.fields("gaps", None)
    found = {}
    for machine in machines.branch.value:
        lacks = machines.fields(machine, None)
        found[machine] = {CellKey(cell): lacks.text(cell) for cell in lacks.branch.value}
    return found


def _cell(cells: _Fields, name: str) -> SnapshotCell:
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


@dataclass(frozen=True, slots=True)
class _Fields:
    """A mapping whose fields are asked for by type; anything unexpected is an error."""

    reader: Reader
    branch: Branch
    known: tuple[str, ...] | None  # None: any key

    def __post_init__(self) -> None:
        for name in self.branch.value if self.known is not None else ():
            if name not in (self.known or ()):
                raise self._error(self.branch.key_mark(name), f"unknown field '{shown(name)}'")

    def fields(self, name: str, known: tuple[str, ...] | None) -> _Fields:
        """Return the mapping at a field."""
        below = self.branch.below(name)
        if below is None or not isinstance(below.value, dict):
            raise self.wrong(name, "expected a mapping")
        return _Fields(self.reader, below, known)

    def text(self, name: str) -> str:
        """Return the text at a field."""
        value = self.branch.value.get(name)
        if not isinstance(value, str):
            raise self.wrong(name, "expected text")
        return value

    def optional(self, name: str) -> str | None:
        """Return the text at a field, or None where there is no such field."""
        return self.text(name) if name in self.branch.value else None

    def number(self, name: str) -> int:
        """Return the whole number at a field."""
        value = self.branch.value.get(name)
        if type(value) is not int:
            raise self.wrong(name, "expected a whole number")
        return value

    def wrong(self, name: str, message: str) -> ManifestsInvalid:
        """Return the error that names a field."""
        if name not in self.branch.value:
            return self._error(self.branch.mark, f"missing field '{shown(name)}'")
        return self._error(self.branch.value_mark(name), f"'{shown(name)}': {message}")

    def _error(self, mark: Any, message: str) -> ManifestsInvalid:
        return _invalid([Problem(self.reader.place(mark), message)])


def _invalid(problems: Iterable[Problem]) -> ManifestsInvalid:
    return ManifestsInvalid(
        "A snapshot on the audit branch cannot be read; nothing was changed.",
        lines=[str(problem) for problem in problems],
        hint="Restore the file from the history of the audit branch, or remove it there.",
    )
