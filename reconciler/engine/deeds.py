"""What receipts tell beside their place in the chain: when a deployment was asked for, and ended.

Nothing of a receipt is read before its signature is verified (rule 37); one that cannot be read is
left out here, and told as an alarm where receipts are verified.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.core.estimate import USUAL, estimate, usual_duration
from reconciler.core.intent import SUCCEEDED
from reconciler.core.receipt import parse_receipt
from reconciler.engine.certificates import known_certificates
from reconciler.engine.doors import blocking
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.core.cellkey import CellKey
    from reconciler.core.estimate import Estimate
    from reconciler.core.receipt import Receipt
    from reconciler.engine.doors import Doors
    from reconciler.engine.planning import Planned
    from reconciler.ports import ChainLink


async def estimate_of(doors: Doors, planned: Planned) -> Estimate:
    """Estimate what carrying out a plan would take, from the receipts of its components."""
    plan, cells = planned.plan, planned.situation.observed.cells
    slugs: dict[str, list[CellKey]] = {}
    for action in plan.changes:
        cell = cells.get(action.cell)
        if cell is not None and cell.project is not None:
            slugs.setdefault(cell.project.slug, []).append(action.cell)
    chains: dict[str, list[ChainLink]] = {}
    for link in planned.situation.history.links:  # in chain order
        if link.project in slugs and link.outcome in SUCCEEDED:
            chains.setdefault(link.project, []).append(link)
    newest = [link for chain in chains.values() for link in chain[-USUAL:]]
    receipts = await blocking(read_receipts, doors, newest)
    durations: dict[CellKey, timedelta] = {}
    for project, chain in chains.items():
        took = [
            receipt.completed_at - receipt.queued_at
            for link in chain[-USUAL:]
            if (receipt := receipts.get(link.path)) is not None and receipt.completed_at is not None
        ]
        usual = usual_duration(took)
        if usual is not None:
            durations |= dict.fromkeys(slugs[project], usual)
    limit = planned.situation.desired.policy.limits.parallel
    slots = doors.pace.slots
    at_once = slots if limit is None else min(slots, limit)
    return estimate(plan, durations, at_once, timedelta(seconds=doors.pace.poll))


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
