"""Snapshot by command: read one environment, and record what runs there if that is news."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.capture import capture
from reconciler.engine.doors import shared_audit
from reconciler.engine.record import Recorder
from reconciler.engine.run import snapshot_differs, take_lease
from reconciler.engine.survey import survey
from reconciler.errors import RemoteUnreachable

if TYPE_CHECKING:
    from reconciler.core.snapshot import Snapshot
    from reconciler.engine.doors import Doors


async def snapshot_environment(doors: Doors, name: str) -> tuple[Snapshot, bool]:
    """Return the snapshot of what runs in an environment now, and whether it had changed.

    A changed one is on the audit branch when this returns.

    Raises: everything `survey` raises; LeaseHeld; RemoteUnreachable where it stays unrecorded.
    """
    audit = shared_audit(doors)
    with doors.lock(name):
        situation = await survey(doors, name)
        snapshot = capture(
            situation.desired,
            situation.observed,
            situation.space_state,
            situation.audit.snapshot,
            situation.commit,
        )
        if not snapshot_differs(doors, situation):
            return snapshot, False
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
        return snapshot, True
