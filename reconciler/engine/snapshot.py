"""Snapshot by command: read one environment, and record what runs there if that is news."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.engine.doors import shared_audit
from reconciler.engine.record import Recorder
from reconciler.engine.run import snapshot_differs, take_lease
from reconciler.engine.survey import survey
from reconciler.errors import RemoteUnreachable

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.core.snapshot import Snapshot
    from reconciler.engine.doors import Doors


@dataclass(frozen=True, slots=True)
class Seen:
    """A snapshot, the commit it was judged at, when Octopus was read, whether it was news."""

    snapshot: Snapshot
    commit: str
    read_at: datetime
    changed: bool


async def snapshot_environment(doors: Doors, name: str) -> Seen:
    """Return the snapshot of what runs in an environment now.

    A changed one is on the audit branch when this returns.

    Raises: everything `survey` raises; LeaseHeld; RemoteUnreachable where it stays unrecorded.
    """
    audit = shared_audit(doors)
    with doors.lock(name):
        situation = await survey(doors, name)
        snapshot = situation.captured()
        changed = snapshot_differs(doors, situation)
        seen = Seen(snapshot, situation.commit, situation.observed.read_at, changed)
        if not changed:
            return seen
        keeper = await take_lease(doors, audit, name)
        try:
            recorded = await Recorder(doors, situation, keeper).publish(
                situation, subject=f"{name}: snapshot"
            )
        finally:
            await keeper.release()
        if not recorded:
            raise RemoteUnreachable(
                f"the snapshot of {name} was taken but not recorded",
                hint="see that the git remote answers, then run it again",
            )
        return seen
