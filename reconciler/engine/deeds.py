"""What receipts tell beside their place in the chain: when a deployment was asked for, and ended.

Nothing of a receipt is read before its signature is verified (rule 37); one that cannot be read is
left out here, and told as an alarm where receipts are verified.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.core.estimate import estimate
from reconciler.core.receipt import parse_receipt
from reconciler.engine.certificates import known_certificates
from reconciler.engine.events import PlanMade
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.core.estimate import Estimate
    from reconciler.core.receipt import Receipt
    from reconciler.engine.doors import Doors
    from reconciler.engine.planning import Planned
    from reconciler.ports import ChainLink

SOON = timedelta(days=1)
"""Until when the end of an open window is told."""


def estimate_of(doors: Doors, planned: Planned) -> Estimate:
    """Estimate what carrying out a plan would take, from the receipts of its components."""
    poll = timedelta(seconds=doors.pace.poll)
    return estimate(planned.plan, planned.takes, at_once(doors, planned), poll)


def at_once(doors: Doors, planned: Planned) -> int:
    """Return how many changes of a plan may run together."""
    limit = planned.situation.desired.policy.limits.parallel
    slots = doors.slots.of(planned.situation.observed.server.installation_id).at_once
    return slots if limit is None else min(slots, limit)


def plan_made(doors: Doors, planned: Planned) -> PlanMade:
    """Return a plan as a fact for whoever listens, with what its progress is told by."""
    windows, now = planned.situation.desired.policy.windows, doors.clock.now()
    closes = None if windows is None else windows.verdict(now).closes
    if closes is not None and closes - now > SOON:
        closes = None
    return PlanMade(planned.plan, planned.gates, planned.takes, at_once(doors, planned), closes)


def read_receipts(doors: Doors, links: Iterable[ChainLink]) -> dict[str, Receipt]:
    """Return the receipts of these links that can be read and verified, by path."""
    wanted = {link.path: link.environment for link in links}
    if doors.audit is None or not wanted:
        return {}
    folders = sorted({"/".join(path.split("/")[:2]) for path in wanted})  # one of an environment
    blobs = {
        file.path: file.blob
        for folder in folders
        for file in doors.audit.list(folder)
        if file.path in wanted
    }
    contents = doors.audit.read_blobs(set(blobs.values()))
    files = {path: contents[blob] for path, blob in blobs.items()}
    for environment in sorted(set(wanted.values())):  # those the remote does not have yet (rule 26)
        queued = {record.path: record.content for record in doors.journal.queued(environment)}
        files |= {path: queued[path] for path in wanted if path in queued}
    certificates = tuple(known_certificates(doors.audit, {}).pem.values())
    found = {}
    for path, content in files.items():
        try:
            found[path] = parse_receipt(doors.open_receipt(content, certificates))
        except ReconcilerError:
            continue
    return found
