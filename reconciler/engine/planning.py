"""Plan and gate: the survey judged, the gates asked, the changes checked with Octopus."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.brake import observe_gates
from reconciler.core.cellgate import (
    cell_gates,
    dependency_gates,
    under_way,
    whole_set_gates,
)
from reconciler.core.cellkey import WHOLE
from reconciler.core.deployers import deployer_gates, who_else
from reconciler.core.gate import Gate, GateName
from reconciler.core.halt import halt_gates
from reconciler.core.pausegate import pause_gates
from reconciler.core.plan import Reason
from reconciler.core.precondition import precondition_gates
from reconciler.core.replaced import replaced_gates
from reconciler.core.retry import due_by_rule, stop_gates, tries_of
from reconciler.core.retryword import repeatable, spoken_of
from reconciler.core.windowgate import window_gates
from reconciler.engine.approving import judge_approvals
from reconciler.engine.around import (
    Arranged,
    arrange,
    debt_gates,
    debts_due,
    debts_in,
    failed_debts,
    failed_runs,
    held_behind,
    refused_runs,
)
from reconciler.engine.doors import blocking
from reconciler.engine.healing import plan_of
from reconciler.engine.history import failed_attempts, refused_attempts, usual_durations
from reconciler.engine.pausing import names_of_server
from reconciler.engine.phases import composite_gates, place_gates
from reconciler.engine.preflight import Preflight
from reconciler.engine.refresh import with_config
from reconciler.engine.survey import survey
from reconciler.engine.tending import tend

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import timedelta

    from reconciler.core.cellkey import CellKey
    from reconciler.core.debt import Debt
    from reconciler.core.deployers import Others
    from reconciler.core.plan import Action, Plan
    from reconciler.core.retry import Attempt
    from reconciler.core.state import ReleaseDetail
    from reconciler.engine.doors import Doors
    from reconciler.engine.prompts import Form
    from reconciler.engine.survey import Situation
    from reconciler.engine.tending import Tending


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with everything that stands in its way, and the releases its changes would deploy.

    `others` tells by cell who else deploys it, where that was asked. `tries_again`: a change
    that Octopus refused waits for its next try. `takes`: how long a cell is likely to take,
    of those that were deployed here before. `forms` are the values of prompted variables that
    its changes are deployed with, `approvers` the ids of the users whose approval counts. `tried`
    are attempts that a further one needs a person's word for, given or not; `machines` those that
    Octopus says its changes would go to: names by id.
    `tending` is a look at the machines, None where nobody asked for one. `around` are
    the runbooks it may run, and those that deployments before it still owe. `unasked` are values of
    the stack that nothing asks for, in words.
    """

    situation: Situation
    plan: Plan
    gates: tuple[Gate, ...]
    releases: Mapping[CellKey, ReleaseDetail]
    others: Mapping[CellKey, Others] = field(default_factory=dict)
    tries_again: bool = False
    takes: Mapping[CellKey, timedelta] = field(default_factory=dict)
    forms: Mapping[CellKey, Form] = field(default_factory=dict)
    approvers: tuple[str, ...] = ()
    tried: Mapping[CellKey, tuple[Attempt, ...]] = field(default_factory=dict)
    machines: Mapping[CellKey, Mapping[str, str]] = field(default_factory=dict)
    tending: Tending | None = None
    around: Arranged = field(default_factory=Arranged)
    unasked: tuple[str, ...] = ()

    @property
    def stopped(self) -> tuple[Gate, ...]:
        """The closed gates on the whole plan."""
        return tuple(gate for gate in self.gates if not gate.cell)

    @property
    def due(self) -> tuple[Debt, ...]:
        """The debts with runbooks left that no gate stands before; what all owe comes last."""
        closed = {gate.cell for gate in self.gates if gate.cell}
        if self.stopped:
            return ()
        left = [debt for debt in self.around.debts if debt.runbooks]
        own = any(debt.cell for debt in left)
        return tuple(d for d in left if d.cell not in closed and (d.cell or not own))

    @property
    def runnable(self) -> tuple[Action, ...]:
        """The changes no gate stands before."""
        if self.stopped:
            return ()
        closed = {gate.cell for gate in self.gates}
        return tuple(action for action in self.plan.changes if action.cell not in closed)

    @property
    def in_flight(self) -> dict[CellKey, frozenset[str]]:
        """The changes that only wait for others' tasks to end, with those tasks."""
        closed: dict[CellKey, set[GateName]] = {}
        for gate in self.gates:
            closed.setdefault(gate.cell, set()).add(gate.name)
        cells = self.situation.observed.cells
        return {
            action.cell: under_way(cells[action.cell])
            for action in self.plan.changes
            if closed.get(action.cell) == {GateName.IN_FLIGHT}
        }


async def plan_environment(doors: Doors, name: str, *, commit: str | None = None) -> Planned:
    """Plan one environment at `commit`, or at the watched branch's tip. Changes nothing (rule 2).

    Tells who else deploys there. Raises: UsageError, ManifestsInvalid, GitTrouble and its kin,
    OctopusTrouble and its kin.
    """
    situation = await survey(doors, name, commit=commit)
    return await judge_situation(doors, situation, name_others=True)


async def judge_situation(
    doors: Doors, situation: Situation, *, name_others: bool = False, ours: Collection[str] = ()
) -> Planned:
    """Make the plan of a surveyed situation, and close its gates.

    Who else deploys is asked where drift is to be healed or a machine served, or with
    `name_others`. `ours` are tasks that the asking pass watches: they close nothing.
    """
    octopus = doors.octopus(situation.desired.space)
    situation, plan = await plan_of(octopus, situation)
    situation, plan = await with_config(doors, octopus, situation, plan)
    desired, observed = situation.desired, situation.observed
    gates: list[Gate] = []
    # without work, too, where history was rewritten: the next commit would rest on it (rule 27)
    frozen = plan.has_work or plan.is_blind or situation.is_rewritten
    if situation.held is not None and frozen:
        gates.append(Gate(WHOLE, GateName.ACCEPT, situation.held, _acceptance(situation)))
    if situation.distrust is not None:
        gates.append(situation.distrust)
    gates += observe_gates(plan, desired.policy)
    held, standing = await judge_approvals(doors, octopus, situation, plan)
    gates += held
    takes = usual_durations(observed, situation.history)
    gates += window_gates(plan, desired.policy, takes, observed.read_at)
    asked, history = situation.tip_state, situation.history
    attempts = await failed_attempts(doors, asked, observed, history)
    refused = await refused_attempts(doors, asked, observed, history, plan)
    debts = debts_in(situation, plan)
    attempts |= await failed_runs(doors, situation, plan)
    refused |= await refused_runs(doors, situation, plan)
    tried = tries_of(plan, observed, attempts, refused)
    owing = await failed_debts(doors, situation, debts)
    tried |= {cell: tried.get(cell, ()) + more for cell, more in owing.items()}
    words = await blocking(doors.journal.retries, plan.environment) if tried else ()
    spoken = spoken_of(words)
    said = repeatable(tried, spoken)
    due = due_by_rule(tried, observed.read_at)
    spoken |= {cell: keys for cell, keys in due.items() if cell not in said}
    to_pay = debts_due(situation, debts, owing, said)
    pauses = await blocking(doors.journal.pauses)
    to_run = tuple(debt.cell for debt in to_pay if debt.runbooks)
    gates += pause_gates(plan, pauses, await names_of_server(doors, situation), to_run)
    asks = (plan.has_work or bool(to_pay)) and situation.space_state is not None
    deployer = await octopus.deployer_may() if asks else None
    gates += cell_gates(plan, observed, deployer, tried, spoken, ours)
    gates += debt_gates(situation, plan, debts, owing, said)
    around, missing = await arrange(octopus, situation, plan, to_pay, deployer)
    gates += missing
    gates += precondition_gates(
        [action.cell for action in plan.changes],
        desired.preconditions,
        situation.space_state,
        observed.environment_id,
    )
    gates += await composite_gates(doors, situation, plan)
    gates += await place_gates(doors, situation, plan)
    if asks and observed.environment_id is not None:
        gates += halt_gates(plan, observed, await octopus.halts(observed.environment_id))
    gates += stop_gates(plan, gates, tried, desired.policy, said, due.keys() - said)
    if deployer is not None and deployer.administers_system:
        gates.append(
            Gate(
                WHOLE,
                GateName.PERMISSION,
                "the deploy credential holds AdministerSystem: it would deploy in maintenance mode",
                "a service account without AdministerSystem",
            )
        )
    unasked = {Reason.DRIFT, Reason.NEW_MACHINE}
    heals = any(action.reason in unasked for action in plan.changes)
    others: Mapping[CellKey, Others] = {}
    if situation.space_state is not None and (heals or name_others):
        automation = await octopus.automation(situation.space_state)
        others = who_else(observed, situation.space_state, automation)
    gates += deployer_gates(plan, others, desired.environment.also_deployed_by)
    denied = {gate.cell for gate in gates if gate.name is GateName.PERMISSION}
    preflight = Preflight(doors, octopus, situation, denied)
    await preflight.ask(plan)
    gates += preflight.gates
    last = {} if situation.audit.snapshot is None else situation.audit.snapshot.cells
    gates += replaced_gates(plan, desired.environment, observed, preflight.releases, last)
    gates += whole_set_gates(plan, gates, desired.policy)
    gates += held_behind(around, gates)
    gates += dependency_gates(plan, gates)
    tries_again = any(attempt.next_try is not None for attempt in refused.values())
    return Planned(
        situation,
        plan,
        tuple(sorted(gates)),
        preflight.releases,
        others,
        tries_again,
        takes,
        preflight.forms,
        approvers=tuple(sorted(standing.all)),
        tried=tried,
        machines=preflight.machines,
        unasked=tuple(sorted(preflight.unasked)),
        tending=await tend(doors, situation),
        around=around,
    )


def _acceptance(situation: Situation) -> str:
    """Return how a person accepts, in words that work when they are pasted (rule 27)."""
    if situation.is_rewritten:
        return (
            "a commit that contains it (git pull, or rebase); or, where the watched branch was "
            f"rewritten, `reconciler accept {situation.commit}` after a look at this plan"
        )
    name = situation.desired.environment.name
    return f"`reconciler accept {name}` after a look at this plan"
