"""Debts: runbooks that a deployment of ours still owes, and how long nothing may rest on it yet.

What is owed was promised with the deployment, in the journal, so an interrupted pass is finished by
the next one, and a runbook that a stack names only later is owed by nothing that ran before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.core.cellkey import WHOLE, component_of
from reconciler.core.intent import Progress
from reconciler.core.runbook import Moment, Runbook
from reconciler.core.sighting import Settled

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from reconciler.core.cellkey import CellKey
    from reconciler.core.intent import IntentRecord
    from reconciler.core.manifest import DesiredState
    from reconciler.core.sighting import ObservedState
    from reconciler.core.stack import Stack

OF_STACK = "*"
"""Before the key of a runbook that is owed once for all changes of a pass."""


@dataclass(frozen=True, slots=True)
class Debt:
    """What is still to be run after deployments of ours, in order, and how long it is waited then.

    `cell` WHOLE: after all changes. `failed`: the newest run of the first runbook, where it ended
    otherwise than with success. `since`: when the last thing that is done ended. `soak`: how long
    after that dependants wait.
    """

    cell: CellKey
    deployments: tuple[IntentRecord, ...]
    runbooks: tuple[Runbook, ...]
    failed: IntentRecord | None = None
    since: datetime | None = None
    soak: timedelta = timedelta()

    @property
    def serves(self) -> tuple[str, ...]:
        """The ids of the intents its runs serve."""
        return tuple(sorted(record.intent.id for record in self.deployments))

    def soak_left(self, now: datetime) -> timedelta:
        """Return what is left to wait by the clock on the wall: never more than all of it."""
        if self.since is None:
            return self.soak
        return min(max(self.soak - (now - self.since), timedelta()), self.soak)


def owed_by(stack: Stack, component: str) -> tuple[str, ...]:
    """Return what a deployment of a component promises to run after it."""
    own = tuple(each.key for each in stack.components[component].runbooks.after)
    return (*own, *(OF_STACK + each.key for each in stack.runbooks.after))


def run_of(
    intents: Iterable[IntentRecord],
    cell: CellKey,
    moment: Moment,
    runbook: Runbook,
    serves: Collection[str],
) -> IntentRecord | None:
    """Return the newest run that served all of these, unless it was proved absent."""
    wanted = set(serves)
    found = [
        record
        for record in intents
        if record.is_run
        and record.progress is not Progress.VOID
        and (record.cell, record.action, record.runbook) == (cell, moment.value, runbook.key)
        and wanted <= set(record.serves)
    ]
    return found[-1] if found else None


def is_done(run: IntentRecord | None) -> bool:
    """Tell whether a run succeeded."""
    return run is not None and run.settled is True


def is_failed(run: IntentRecord | None) -> bool:
    """Tell whether a run ended otherwise than with success."""
    return run is not None and run.settled is False


def debts_of(
    desired: DesiredState, observed: ObservedState, intents: Sequence[IntentRecord]
) -> tuple[Debt, ...]:
    """Return what is owed for deployments of ours that settled a cell and are the newest in it."""
    stack = desired.stack
    each = stack.components.values()
    if not (stack.runbooks.after or any(one.runbooks.after or one.soak for one in each)):
        return ()
    standing = dict(_standing(desired, observed, intents))
    found = []
    for cell, record in sorted(standing.items()):
        component = stack.components[component_of(cell)]
        debt = debt_after(cell, (record,), component.runbooks.after, intents, component.soak)
        soaks = debt.since is not None and bool(debt.soak_left(observed.read_at))
        if debt.runbooks or soaks:
            found.append(debt)
    together = stack_debt(stack, tuple(standing.values()), intents)
    return (*found, together) if together.runbooks else tuple(found)


def stack_debt(
    stack: Stack, deployed: tuple[IntentRecord, ...], intents: Sequence[IntentRecord]
) -> Debt:
    """Return what is owed once for all of these deployments that it was not run for yet."""
    after = stack.runbooks.after
    owing = tuple(one for one in deployed if debt_after(WHOLE, (one,), after, intents).runbooks)
    return debt_after(WHOLE, owing, after, intents)


def debt_after(
    cell: CellKey,
    deployments: tuple[IntentRecord, ...],
    runbooks: tuple[Runbook, ...],
    intents: Sequence[IntentRecord],
    soak: timedelta = timedelta(),
) -> Debt:
    """Return what is left of those runbooks that these deployments promised."""
    serves = [record.intent.id for record in deployments]
    promised = {key for record in deployments for key in record.owes}
    mark = "" if cell else OF_STACK
    since = max((r.ended for r in deployments if r.ended is not None), default=None)
    left: list[Runbook] = []
    failed = None
    for runbook in runbooks:
        if mark + runbook.key not in promised:
            continue
        run = run_of(intents, cell, Moment.AFTER, runbook, serves)
        if run is not None and run.settled:
            since = run.ended or since
            continue
        if not left and is_failed(run):
            failed = run
        left.append(runbook)
    return Debt(cell, deployments, tuple(left), failed, since, soak)


def _standing(
    desired: DesiredState, observed: ObservedState, intents: Sequence[IntentRecord]
) -> Iterator[tuple[CellKey, IntentRecord]]:
    for record in intents:
        cell = observed.cells.get(record.cell)
        if cell is None or record.is_run or not record.settled:
            continue
        known = component_of(record.cell) in desired.stack.components
        is_newest = cell.newest == record.deployment_id
        if known and is_newest and isinstance(cell.sighting, Settled):
            yield record.cell, record
