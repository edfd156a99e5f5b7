"""Runbooks: processes of a project that are run, not deployed, from snapshots of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.simulator.records import Task, User

__all__ = ["Runbook", "RunbookRun", "RunbookSnapshot"]


@dataclass(slots=True, eq=False)
class Runbook:
    """A runbook with its snapshots in order of assembly."""

    id: str
    project_id: str
    name: str
    slug: str
    process_id: str
    description: str = ""
    published_id: str | None = None
    scope: str = "All"
    environments: tuple[str, ...] = ()
    snapshots: list[RunbookSnapshot] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    """Further fields as a client set them."""


@dataclass(slots=True, eq=False)
class RunbookSnapshot:
    """What a run of a runbook uses: frozen process, variables and package versions, named."""

    id: str
    runbook: Runbook
    name: str
    assembled: datetime
    process_snapshot_id: str
    variable_snapshot_id: str
    library_snapshot_ids: tuple[str, ...] = ()
    packages: tuple[tuple[str, str, str], ...] = ()
    notes: str | None = None
    runs: list[RunbookRun] = field(default_factory=list)

    @property
    def variable_sets(self) -> tuple[str, ...]:
        """Return the ids of its frozen variable sets, the project's first."""
        return (self.variable_snapshot_id, *self.library_snapshot_ids)


@dataclass(slots=True, eq=False)
class RunbookRun:
    """A run of a runbook in an environment; its state is its task's."""

    id: str
    space_id: str
    snapshot: RunbookSnapshot
    environment_id: str
    tenant_id: str | None
    task: Task
    created: datetime
    run_by: User
    comments: str | None = None
    queue_time: datetime | None = None
    queue_expiry: datetime | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def runbook(self) -> Runbook:
        """Return whose run it is."""
        return self.snapshot.runbook
