"""The next run of a runbook, as it is to be asked for after a look at those there are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from reconciler.core.intent import RUNBOOK, Intent, IntentRecord, Progress
from reconciler.core.runbook import Moment, Runbook, RunComments, comments_of, served
from reconciler.engine.around import tenant_for
from reconciler.engine.doors import blocking
from reconciler.engine.launch import SEARCHED
from reconciler.ports import RunOrder

if TYPE_CHECKING:
    from reconciler.core.cellkey import CellKey
    from reconciler.core.runbook import FoundRunbook, RunDetail
    from reconciler.engine.doors import Doors
    from reconciler.engine.keeper import LeaseKeeper
    from reconciler.engine.planning import Planned
    from reconciler.engine.survey import Situation
    from reconciler.engine.watch import Watch
    from reconciler.ports import Octopus


class Turn(Enum):
    """What there is to do next, where it is no run."""

    GO = "go"  # nothing stands before the deployment, or is left after it
    WAIT = "wait"  # something runs, or is waited for
    SOAK = "soak"  # only time has to pass, or a run of ours of the same runbook
    OVER = "over"  # another deployment came: nothing is owed any more


@dataclass(frozen=True, slots=True)
class Step:
    """A run to be asked for next: its promise and its request."""

    record: IntentRecord
    order: RunOrder


@dataclass(frozen=True, slots=True)
class Errand:
    """What a run is for: around which cell, when, and for which intents (ids).

    `redeploy` is the pin's counter at the time (rule 12).
    """

    cell: CellKey
    moment: Moment
    runbook: Runbook
    serves: tuple[str, ...]
    redeploy: int


class RunSteps:
    """Makes the steps of one plan. `runs` are those that are known, by intent."""

    def __init__(
        self,
        doors: Doors,
        octopus: Octopus,
        keeper: LeaseKeeper,
        watch: Watch,
        planned: Planned,
        runs: dict[str, IntentRecord],
    ) -> None:
        self._doors = doors
        self._octopus = octopus
        self._keeper = keeper
        self._watch = watch
        self._planned = planned
        self._runs = runs
        self._asking: set[tuple[str, str | None]] = set()

    async def next(self, situation: Situation, errand: Errand) -> Step | Turn:
        """Return a run as it is to be asked for now, or what is waited for.

        One of ours that this store forgot is adopted; while somebody's is not over, it is waited.
        """
        found = self._planned.around.found[errand.cell, errand.runbook.key]
        place = (found.id, tenant_for(situation, errand.cell, found))
        if place in self._asking or place in self._running():
            return Turn.SOAK  # its intent would be the same, until Octopus shows that run
        self._asking.add(place)
        step: Step | Turn = Turn.WAIT
        try:
            step = await self._made(situation, errand, found)
        finally:
            if not isinstance(step, Step):
                self._asking.discard(place)
        return step

    def asked(self, step: Step) -> None:
        """Note that what came of a step is known: the same runbook may be asked for again."""
        self._asking.discard((step.record.intent.version, step.record.intent.tenant))

    def _running(self) -> set[tuple[str, str | None]]:
        """Return the runbooks that run now, with the tenants they run for."""
        running = self._watch.running.values()
        intents = (one.record.intent for one in running if one.record.is_run)
        return {(intent.version, intent.tenant) for intent in intents}

    async def _made(self, situation: Situation, errand: Errand, found: FoundRunbook) -> Step | Turn:
        observed, tenant = situation.observed, tenant_for(situation, errand.cell, found)
        if observed.environment_id is None or found.snapshot is None:
            return Turn.WAIT
        runs = await self._octopus.runs_of(found.id, observed.environment_id, SEARCHED, tenant)
        runs = tuple(sorted(runs, key=lambda run: run.created, reverse=True))  # stable
        plan = self._planned.plan
        record = IntentRecord(
            intent=Intent(
                server=observed.server.installation_id,
                space=observed.space_id,
                environment=observed.environment_id,
                tenant=tenant,
                project=found.project_id,
                version=found.id,
                machines=(),
                after=runs[0].id if runs else None,
                verb=RUNBOOK,
            ),
            environment=plan.environment,
            cell=errand.cell,
            project_slug=self._slug(situation, found),
            commit=plan.commit,
            plan_digest=plan.digest,
            action=errand.moment.value,
            replaces=None,
            redeploy=errand.redeploy,
            promised_at=self._doors.clock.now(),
            approvals=self._planned.approvers,
            serves=errand.serves,
            runbook=errand.runbook.key,
        )
        forgotten = self._forgotten(record, runs, observed.me)
        if forgotten is not None:
            await blocking(self._doors.journal.adopt, forgotten, self._keeper.fence)
            self._runs[forgotten.intent.id] = forgotten
            self._watch.add(forgotten, forgotten.deployment_id or "", forgotten.task_id or "")
            return Turn.WAIT
        known = self._runs.get(record.intent.id)
        if known is not None and known.progress is not Progress.VOID:
            return Turn.WAIT  # Octopus does not show yet what was run here last
        if runs:
            tasks = await self._octopus.tasks([run.task_id for run in runs])
            if any(not task.state.is_finished for task in tasks):
                return Turn.WAIT
        order = RunOrder(
            runbook_id=found.id,
            snapshot_id=found.snapshot,
            environment_id=observed.environment_id,
            comments=comments_of(record),
            tenant_id=tenant,
            guided=situation.desired.policy.guided_failure.wanted,
        )
        return Step(record, order)

    def _forgotten(
        self, asked: IntentRecord, runs: tuple[RunDetail, ...], me: str
    ) -> IntentRecord | None:
        """Return a run of ours for the same that the journal does not know, rebuilt.

        Only a full match is ours: made by our account, said to be for the same, and the intent
        computed from what Octopus shows has the id that the comments carry.
        """
        for number, run in enumerate(runs):
            said = RunComments.read(run.comments)
            if said is None or run.run_by_id != me or said.tag.intent in self._runs:
                continue
            older = runs[number + 1 :]
            intent = replace(asked.intent, after=older[0].id if older else None)
            same = (said.moment, said.runbook) == (asked.action, asked.runbook)
            if same and said.served == served(asked.serves) and intent.id == said.tag.intent:
                return replace(
                    asked,
                    intent=intent,
                    commit=said.tag.commit,
                    plan_digest=said.tag.plan,
                    promised_at=run.created,
                    progress=Progress.LAUNCHED,
                    deployment_id=run.id,
                    task_id=run.task_id,
                    adopted=True,
                    approvals=(),
                )
        return None

    def _slug(self, situation: Situation, found: FoundRunbook) -> str:
        state = situation.space_state
        projects = () if state is None else state.projects
        return next((p.slug for p in projects if p.id == found.project_id), found.project_id)
