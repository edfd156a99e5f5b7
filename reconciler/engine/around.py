"""Around: the runbooks of a plan as Octopus has them, what is owed, and what failed before.

Two questions at planning: what the journal says of runs (no request), and whether the runbooks that
a pass would run can be (one request for each hundred projects, however many changes).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.core.cellkey import WHOLE, component_of
from reconciler.core.debt import Debt, debts_of, is_failed, run_of
from reconciler.core.expand import cell_order
from reconciler.core.gate import Gate, GateName
from reconciler.core.intent import intent_of
from reconciler.core.plan import Reason
from reconciler.core.policy import Mode
from reconciler.core.retry import Attempt
from reconciler.core.runbook import FoundRunbook, Moment, Runbook
from reconciler.core.text import clean
from reconciler.core.wave import dependants
from reconciler.engine.history import asked_at
from reconciler.errors import CredentialRefused, NotAllowed, RemoteRejected

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterator, Mapping

    from reconciler.core.cellkey import CellKey
    from reconciler.core.intent import IntentRecord
    from reconciler.core.plan import Plan
    from reconciler.core.state import Permissions
    from reconciler.engine.doors import Doors
    from reconciler.engine.survey import Situation
    from reconciler.ports import Octopus

UNTENANTED, TENANTED = "Untenanted", "Tenanted"


@dataclass(frozen=True, slots=True)
class Arranged:
    """The runbooks that a pass may run, by cell and key, and the debts it is to pay.

    `behind`: for each debt, the changes that wait for it.
    """

    found: Mapping[tuple[CellKey, str], FoundRunbook] = field(default_factory=dict)
    debts: tuple[Debt, ...] = ()
    behind: Mapping[CellKey, tuple[CellKey, ...]] = field(default_factory=dict)


def debts_in(situation: Situation, plan: Plan) -> tuple[Debt, ...]:
    """Return what is owed by cells that run what git asks for, and by all of them together."""
    steady = {action.cell for action in plan.actions if action.reason is Reason.IN_SYNC}
    intents = tuple(situation.history.intents.values())
    owed = debts_of(situation.desired, situation.observed, intents)
    return tuple(debt for debt in owed if debt.cell in steady or debt.cell == WHOLE)


def debts_due(
    situation: Situation,
    debts: tuple[Debt, ...],
    owing: Mapping[CellKey, tuple[Attempt, ...]],
    said: Container[CellKey],
) -> tuple[Debt, ...]:
    """Return the debts that a pass is to pay: nothing that failed, unless a person spoke of it.

    Where a person has to accept first, a commit is not signed as it should be, the environment is
    suspended or the policy only observes, none is.
    """
    suspend, at = situation.desired.environment.suspend, situation.observed.read_at
    if situation.held is not None or situation.distrust is not None:
        return ()
    if suspend is not None and suspend.in_force(at):
        return ()
    if situation.desired.policy.mode is Mode.OBSERVE:
        return ()
    return tuple(d for d in debts if debtor(d) not in owing or debtor(d) in said)


def debtor(debt: Debt) -> CellKey:
    """Return the cell at which a debt is told: the first one, of what is owed by all together."""
    return debt.cell or min(record.cell for record in debt.deployments)


def behind_debts(
    situation: Situation, plan: Plan, debts: tuple[Debt, ...]
) -> dict[CellKey, tuple[CellKey, ...]]:
    """Return the changes that rest on each cell that owes something."""
    order = cell_order(situation.desired, situation.observed)
    changing = {action.cell for action in plan.changes}
    return {
        debt.cell: tuple(sorted(changing & dependants(order, [debt.cell]).keys()))
        for debt in debts
        if debt.cell != WHOLE
    }


async def failed_runs(doors: Doors, situation: Situation, plan: Plan) -> dict[CellKey, Attempt]:
    """Return the changes before which a runbook failed: their own, or one of all changes."""
    found: dict[CellKey, Attempt] = {}
    stack, runs = situation.desired.stack, _runs(situation)
    for action in plan.changes:
        own = stack.components[action.component].runbooks.before
        asked = [(WHOLE, each) for each in stack.runbooks.before]
        asked += [(action.cell, each) for each in own]
        intent = intent_of(situation.observed, action) if asked else None
        serves = [] if intent is None else [intent.id]
        for cell, runbook in asked if serves else ():
            run = run_of(runs, cell, Moment.BEFORE, runbook, serves)
            if run is not None and is_failed(run):
                found[action.cell] = await _attempt(doors, situation, run, action.to_version or "")
    return found


async def failed_debts(
    doors: Doors, situation: Situation, debts: tuple[Debt, ...]
) -> dict[CellKey, tuple[Attempt, ...]]:
    """Return the cells that owe a run which failed, or which Octopus refused and is not asked."""
    found: dict[CellKey, tuple[Attempt, ...]] = {}
    for debt in debts:
        version = debt.deployments[-1].intent.version
        tried = []
        if debt.failed is not None:
            tried.append(await _attempt(doors, situation, debt.failed, version))
        for record in _refused(situation):
            if record.action == Moment.AFTER and set(debt.serves) <= set(record.serves):
                refused = await _refused_attempt(doors, situation, record, version)
                tried += [] if refused is None else [refused]
        if tried:
            cell = debtor(debt)
            found[cell] = found.get(cell, ()) + tuple(tried)
    return found


async def refused_runs(doors: Doors, situation: Situation, plan: Plan) -> dict[CellKey, Attempt]:
    """Return the changes before which Octopus refused a run that is not to be asked for now."""
    found: dict[CellKey, Attempt] = {}
    refused = [(each, each.serves) for each in _refused(situation)]
    refused = [pair for pair in refused if pair[0].action == Moment.BEFORE]
    refused += [(each, (_planned_id(each),)) for each in _refused_with_machines(situation)]
    for action in plan.changes if refused else ():
        intent = intent_of(situation.observed, action)
        for record, serves in refused:
            if intent is not None and intent.id in serves:
                version = action.to_version or ""
                tried = await _refused_attempt(doors, situation, record, version)
                found |= {} if tried is None else {action.cell: tried}
    return found


def debt_gates(
    situation: Situation,
    plan: Plan,
    debts: tuple[Debt, ...],
    owing: Mapping[CellKey, tuple[Attempt, ...]],
    said: Container[CellKey],
) -> list[Gate]:
    """Close where a runbook failed after a deployment, before all that rests on it (rule 18)."""
    gates = []
    behind = behind_debts(situation, plan, debts)
    for debt in debts:
        cell = debtor(debt)
        attempts = owing.get(cell, ())
        if not attempts or cell in said:
            continue
        version, how = clean(attempts[0].version, 60), attempts[0].outcome
        what = f"{version} runs here, and what is run after it ended {how}"
        opener = f"`reconciler retry {plan.environment} {cell}`, after a look at the run's log"
        gates.append(Gate(cell, GateName.NEEDS_RETRY, what, opener))
        for name in behind.get(debt.cell, ()):
            why = f"waits for {cell}: what is run after it ended {how}"
            gates.append(Gate(name, GateName.DEPENDENCY, why, f"the gate on {cell} opens"))
    return gates


def held_behind(around: Arranged, gates: Collection[Gate]) -> list[Gate]:
    """Close for what rests on a cell whose runbooks are still to be run, and are held."""
    closed = {gate.cell for gate in gates}
    return [
        Gate(
            name,
            GateName.DEPENDENCY,
            f"waits for {debt.cell}: what is to be run after it is stopped by a gate",
            f"the gate on {debt.cell} opens",
        )
        for debt in around.debts
        if debt.runbooks and debt.cell in closed
        for name in around.behind.get(debt.cell, ())
        if name not in closed
    ]


async def arrange(
    octopus: Octopus,
    situation: Situation,
    plan: Plan,
    debts: tuple[Debt, ...],
    deployer: Permissions | None,
) -> tuple[Arranged, list[Gate]]:
    """Find the runbooks that a pass may run, and close where one cannot be run."""
    behind = behind_debts(situation, plan, debts)
    wanted = list(_wanted(situation, plan, debts))
    state = situation.space_state
    if not wanted or state is None:
        return Arranged({}, debts, behind), []
    gates: list[Gate] = []
    projects: dict[tuple[CellKey, str], str] = {}
    for cell, runbook in wanted:
        project = state.project_index.find(_project(situation, cell, runbook))
        if isinstance(project, str):
            gates.append(_gate(cell, runbook, project))
        else:
            projects[cell, runbook.key] = project.id
    try:
        known = await octopus.runbooks(frozenset(projects.values()))
    except CredentialRefused:
        raise
    except (NotAllowed, RemoteRejected) as error:
        cells = {cell for cell, key in projects}
        opener = "an Octopus administrator gives the observing key RunbookView and RunbookRunView"
        return Arranged({}, debts, behind), [
            *gates,
            *(Gate(cell, GateName.PERMISSION, error.message, opener) for cell in sorted(cells)),
        ]
    found: dict[tuple[CellKey, str], FoundRunbook] = {}
    for cell, runbook in wanted:
        project_id = projects.get((cell, runbook.key))
        if project_id is None:
            continue
        meant = [r for r in known if r.project_id == project_id and r.is_called(runbook.name)]
        if len(meant) != 1:
            why = "means several there" if meant else "is not there"
            gates.append(_gate(cell, runbook, why))
            continue
        found[cell, runbook.key] = meant[0]
        gates += _obstacles(situation, cell, runbook, meant[0], deployer)
    return Arranged(found, debts, behind), gates


def _runs(situation: Situation) -> tuple[IntentRecord, ...]:
    return tuple(r for r in situation.history.intents.values() if r.is_run)


def _refused(situation: Situation) -> list[IntentRecord]:
    """Return the runs that Octopus refused when they were asked for last."""
    refusals, intents = situation.history.refusals, situation.history.intents
    found = (intents[id_] for id_ in refusals if id_ in intents)
    return [record for record in found if record.is_run]


def _refused_with_machines(situation: Situation) -> list[IntentRecord]:
    """Return the deployments to machines a runbook named that Octopus refused."""
    history = situation.history
    found = (history.intents[id_] for id_ in history.refusals if id_ in history.intents)
    return [r for r in found if not r.is_run and r.runbook and r.intent.machines]


def _planned_id(record: IntentRecord) -> str:
    """Return the id of an intent as it was planned, before a runbook named its machines."""
    return replace(record.intent, machines=()).id


async def _attempt(doors: Doors, situation: Situation, run: IntentRecord, version: str) -> Attempt:
    then = await asked_at(doors, run.commit, situation.tip_state)
    ended = "Unknown" if run.outcome is None else run.outcome.value
    return Attempt(
        version=version,
        outcome=f"{ended} in runbook {clean(run.runbook)}",
        redeploy=run.redeploy,
        key=f"run:{run.intent.id}",
        is_current=then == situation.tip_state,
    )


async def _refused_attempt(
    doors: Doors, situation: Situation, run: IntentRecord, version: str
) -> Attempt | None:
    """Return a run that was refused, None where it may be asked for again by now (rule 20)."""
    refusal, limits = situation.history.refusals[run.intent.id], doors.pace.refused
    if not refusal.forbids(situation.observed.read_at, limits):
        return None
    return replace(
        await _attempt(doors, situation, run, version),
        outcome=f"refused in runbook {clean(run.runbook)}",
        key=f"refused:{run.intent.id}:{refusal.times}:{refusal.last:%Y%m%dT%H%M%S.%f}",
        refusal=refusal,
        next_try=refusal.next_try(limits),
    )


def _wanted(
    situation: Situation, plan: Plan, debts: tuple[Debt, ...]
) -> Iterator[tuple[CellKey, Runbook]]:
    """Yield each runbook that a pass may run, with its cell."""
    stack = situation.desired.stack
    seen: set[tuple[CellKey, str]] = set()
    asked: list[tuple[CellKey, tuple[Runbook, ...]]] = [
        (action.cell, stack.components[action.component].runbooks.all) for action in plan.changes
    ]
    asked += [(debt.cell, debt.runbooks) for debt in debts]
    if plan.has_work:
        asked.append((WHOLE, stack.runbooks.all))
    for cell, runbooks in asked:
        for runbook in runbooks:
            if (cell, runbook.key) not in seen:
                seen.add((cell, runbook.key))
                yield cell, runbook


def _project(situation: Situation, cell: CellKey, runbook: Runbook) -> str:
    """Return how the project of a runbook is named; of one around all changes it always is."""
    if runbook.project is not None or not cell:
        return runbook.project or ""
    component = situation.desired.stack.components[component_of(cell)]
    return component.project_in(situation.desired.space.name)


def _gate(cell: CellKey, runbook: Runbook, why: str) -> Gate:
    return Gate(
        cell,
        GateName.RUNBOOK,
        f"runbook {clean(runbook.key)} {clean(why)}",
        "it is made or published in Octopus, or a commit takes it out of the stack",
    )


def _obstacles(
    situation: Situation,
    cell: CellKey,
    runbook: Runbook,
    found: FoundRunbook,
    deployer: Permissions | None,
) -> list[Gate]:
    """Return why a runbook that is there cannot be run around a cell."""
    observed, gates = situation.observed, []
    tenant = tenant_for(situation, cell, found)
    if found.snapshot is None:
        gates.append(_gate(cell, runbook, "has no published snapshot"))
    if found.environments is not None and observed.environment_id not in found.environments:
        gates.append(_gate(cell, runbook, "is not for this environment"))
    if found.tenancy == TENANTED and tenant is None:
        gates.append(_gate(cell, runbook, "is run per tenant only"))
    state = situation.space_state
    project = None
    if state is not None:
        project = next((p for p in state.projects if p.id == found.project_id), None)
    allowed = deployer is not None and deployer.allows(
        "RunbookRunCreate", observed.space_id, project, observed.environment_id, tenant
    )
    if not allowed and deployer is not None:
        gates.append(
            Gate(
                cell,
                GateName.PERMISSION,
                f"the deploy credential lacks RunbookRunCreate for runbook {clean(runbook.key)}",
                "an Octopus administrator grants it",
            )
        )
    return gates


def tenant_for(situation: Situation, cell: CellKey, found: FoundRunbook) -> str | None:
    """Return the id of the tenant that a runbook is run for around a cell, None for none."""
    there = situation.observed.cells.get(cell)
    return None if there is None or found.tenancy == UNTENANTED else there.tenant_id
