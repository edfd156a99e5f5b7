"""Recover: find and finish the work of a pass that was interrupted, before planning anything new.

The journal says what was promised; where the store was lost, the comments of our own deployments
do. Both lead to the same receipts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.cellkey import cell_key
from reconciler.core.debt import owed_by
from reconciler.core.expand import cell_pins
from reconciler.core.intent import Comments, Intent, IntentRecord, Progress
from reconciler.core.version import Direction, direction
from reconciler.engine.doors import blocking
from reconciler.engine.events import Resumed
from reconciler.engine.launch import SEARCHED, Taken, Unknown, resolve
from reconciler.errors import OutcomeUnknown

if TYPE_CHECKING:
    from reconciler.core.cellkey import CellKey
    from reconciler.core.stack import Component
    from reconciler.core.state import DeploymentDetail
    from reconciler.engine.doors import Doors
    from reconciler.engine.keeper import LeaseKeeper
    from reconciler.engine.survey import Situation
    from reconciler.engine.watch import Watch
    from reconciler.ports import Octopus

SWEPT = 300
"""Newest deployments of an environment looked through for ours that no receipt tells of."""

UNFINISHED = frozenset({Progress.PROMISED, Progress.LAUNCHED, Progress.FINISHED})


def unfinished(situation: Situation) -> tuple[IntentRecord, ...]:
    """Return the intents whose end is not told yet, in the server and space that were read.

    Ids mean nothing on another server, and one that nobody accepted is not asked.
    """
    here = (situation.observed.server.installation_id, situation.observed.space_id)
    return tuple(
        record
        for record in situation.history.intents.values()
        if is_unfinished(record) and (record.intent.server, record.intent.space) == here
    )


def is_unfinished(record: IntentRecord) -> bool:
    """Tell whether the end of an intent is still to be noted, or the receipt of a deployment."""
    told = record.is_run and record.progress is Progress.FINISHED
    return record.progress in UNFINISHED and not told


def left_elsewhere(situation: Situation) -> tuple[IntentRecord, ...]:
    """Return the journal's intents whose end is not told yet in another server or space."""
    here = unfinished(situation)
    intents = situation.history.intents.values()
    return tuple(r for r in intents if is_unfinished(r) and r not in here)


def untold(situation: Situation) -> bool:
    """Tell whether Octopus shows a deployment of ours that neither journal nor receipts know."""
    told = {link.intent for link in situation.history.links} | set(situation.history.intents)
    return any(
        said is not None
        and said.tag.intent not in told
        and cell.made_by_id == situation.observed.me
        for cell in situation.observed.cells.values()
        for said in [Comments.read(cell.comment)]
    )


async def recover(
    doors: Doors, octopus: Octopus, keeper: LeaseKeeper, situation: Situation, watch: Watch
) -> None:
    """Put every unfinished deployment of ours under watch.

    Raises: OutcomeUnknown where a promise can be neither found nor proved absent.
    """
    found = []
    for record in unfinished(situation):
        if record.progress is Progress.PROMISED:
            result = await resolve(doors, octopus, keeper, record, "the pass was interrupted")
            match result:
                case Taken(deployment_id=deployment_id, task_id=task_id):
                    watch.add(record, deployment_id, task_id)
                    found.append((record.cell, task_id))
                case Unknown(why=why):
                    raise OutcomeUnknown(
                        f"{record.cell}: {why}; nothing new was started",
                        hint="run apply again when Octopus answers",
                    )
                case _:
                    found.append((record.cell, ""))
        elif record.deployment_id is not None and record.task_id is not None:
            watch.add(record, record.deployment_id, record.task_id)
            found.append((record.cell, record.task_id))
    if untold(situation):
        for record in await _adoptable(octopus, situation):
            await blocking(doors.journal.adopt, record, keeper.fence)
            if record.deployment_id is not None and record.task_id is not None:
                watch.add(record, record.deployment_id, record.task_id)
                found.append((record.cell, record.task_id))
    if found:
        doors.tell(Resumed(tuple(found)))


async def _adoptable(octopus: Octopus, situation: Situation) -> list[IntentRecord]:
    """Rebuild the intents of our own deployments that nobody remembers, oldest first.

    Only a full match is ours: made by our own account, and the intent computed from what Octopus
    shows has the id that the comments carry.
    """
    environment = situation.observed.environment_id
    if environment is None:
        return []
    told = {link.intent for link in situation.history.links} | set(situation.history.intents)
    newest = await octopus.deployments_of(None, environment, SWEPT)
    adopted = []
    for detail in newest:
        said = Comments.read(detail.comments)
        if (
            said is None
            or said.tag.intent in told
            or detail.deployed_by_id != situation.observed.me
        ):
            continue
        record = await _rebuild(octopus, situation, detail, said, newest)
        if record is not None:
            adopted.append(record)
    return adopted[::-1]


async def _rebuild(
    octopus: Octopus,
    situation: Situation,
    detail: DeploymentDetail,
    said: Comments,
    newest: tuple[DeploymentDetail, ...],
) -> IntentRecord | None:
    desired, observed, state = situation.desired, situation.observed, situation.space_state
    component = desired.stack.components.get(said.component)
    called = (desired.environment.name, *situation.formers)
    if state is None or component is None or said.environment not in called:
        return None
    tenant = detail.tenant_id
    known: dict[str | None, str] = {one.id: one.key for one in state.tenants or ()}
    known[None] = ""
    if tenant not in known:
        return None
    cell = cell_key(said.component, known[tenant])
    project = state.project_index.find(component.project_in(desired.space.name))
    if isinstance(project, str) or project.id != detail.project_id:
        return None
    same_cell = [d for d in newest if d.project_id == project.id and d.tenant_id == tenant]
    older = [d for d in same_cell if d.created < detail.created]
    if not older:
        shown = await octopus.deployments_of(project.id, detail.environment_id, SEARCHED, tenant)
        older = [d for d in shown if d.created < detail.created and d.tenant_id == tenant]
    intent = Intent(
        server=observed.server.installation_id,
        space=observed.space_id,
        environment=detail.environment_id,
        tenant=detail.tenant_id,
        project=project.id,
        version=said.version,
        machines=detail.machine_ids,
        after=older[0].id if older else None,
    )
    if intent.id != said.tag.intent:
        return None
    return IntentRecord(
        intent=intent,
        environment=desired.environment.name,
        cell=cell,
        project_slug=project.slug,
        commit=said.tag.commit,
        plan_digest=said.tag.plan,
        action=said.action,
        replaces=said.replaces,
        redeploy=_counter(situation, said, cell),
        promised_at=detail.created,
        progress=Progress.LAUNCHED,
        deployment_id=detail.id,
        task_id=detail.task_id,
        adopted=True,
        owes=owed_by(desired.stack, said.component),
        runbook=_naming(component) if detail.machine_ids else "",
    )


def _naming(component: Component) -> str:
    """Return the runbook that names the machines of a component's deployments, empty if none."""
    return next((each.key for each in component.runbooks.before if each.machines), "")


def _counter(situation: Situation, said: Comments, cell: CellKey) -> int:
    """Return the redeploy counter to remember: today's, if the pin still is the same version.

    Too high rather than too low: a retry then asks for a raise or a person (rule 12).
    """
    pin = cell_pins(situation.desired, situation.observed).get(cell)
    same = pin is not None and direction(pin.version, said.version) is Direction.SAME
    return pin.redeploy if pin is not None and same else 0
