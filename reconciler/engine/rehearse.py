"""Rehearse: every request a pass would send, in order and with times, and none of them sent.

It rests on the live observation a pass begins with. What only the pass itself can tell, such as the
machines that a runbook names, is told in words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reconciler.core.cellkey import WHOLE
from reconciler.core.estimate import timetable
from reconciler.core.manifest import CredentialSource
from reconciler.core.retry import installs_again
from reconciler.core.runbook import comments_of
from reconciler.core.secret import Secret
from reconciler.core.text import clean
from reconciler.engine.around import tenant_for
from reconciler.engine.deeds import at_once
from reconciler.engine.launch import promise_of
from reconciler.engine.planning import judge_situation
from reconciler.engine.run import check_digest
from reconciler.engine.survey import survey
from reconciler.ports import DeploymentOrder, RunOrder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.core.action import Action
    from reconciler.core.cellkey import CellKey
    from reconciler.core.runbook import Runbook
    from reconciler.engine.doors import Doors
    from reconciler.engine.planning import Planned

_UNTOLD = Secret("")
"""Stands for a secret value, which nobody reads for a rehearsal."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that would be sent, so long after the first; `why` is a clean line.

    `what` is method and path. `fields` are those of its body, without secrets.
    """

    after: timedelta
    what: str
    why: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a pass would send that changes something. `lasts`: how long deployments are likely to.

    `unknown` are cells whose duration nobody knows, which count as over at once.
    """

    planned: Planned
    requests: tuple[Request, ...]
    lasts: timedelta
    unknown: tuple[CellKey, ...]


async def rehearse(doors: Doors, environment: str, *, expect: str | None = None) -> Rehearsal:
    """Plan an environment at the watched tip, and tell what `apply` would send. Sends nothing.

    Raises: as `plan_environment`; StalePlan where `expect` is not the plan's digest.
    """
    planned = await judge_situation(doors, await survey(doors, environment))
    check_digest(planned, expect)
    takes = planned.takes
    times = timetable(planned.runnable, takes, at_once(doors, planned))
    lasts = max((end for _, end in times.values()), default=timedelta())
    told = _Told(doors, planned)
    stack = planned.situation.desired.stack
    if times:
        await told.runs(WHOLE, stack.runbooks.before, timedelta(), "before all changes")
    for action in sorted(planned.runnable, key=lambda a: (times[a.cell][0], a.wave, a.cell)):
        await told.change(action, *times[action.cell])
    for debt in planned.due:
        whom = "all changes" if debt.cell == WHOLE else f"{debt.cell}, which runs already"
        await told.runs(debt.cell, debt.runbooks, timedelta(), f"after {whom}")
    if times:
        await told.runs(WHOLE, stack.runbooks.after, lasts, "after all changes")
    told.machines(lasts)
    requests = tuple(sorted(told.requests, key=lambda each: each.after))  # stable
    unknown = tuple(sorted(name for name in times if name not in takes))
    return Rehearsal(planned, requests, lasts, unknown)


@dataclass(slots=True)
class _Told:
    doors: Doors
    planned: Planned
    requests: list[Request] = field(default_factory=list)

    async def change(self, action: Action, begin: timedelta, end: timedelta) -> None:
        """Add what one change asks for: runs before it, the deployment, runs after it."""
        name, planned = action.cell, self.planned
        component = planned.situation.desired.stack.components[action.component]
        await self.runs(name, component.runbooks.before, begin, f"before {name}")
        release = planned.releases[name]
        if action.refresh:
            why = f"where the variables of {action.component} are others than its release froze"
            what = f"POST releases/{release.id}/snapshot-variables"
            self.requests.append(Request(begin, what, why))
        record = promise_of(planned, planned.situation, action, self.doors)
        naming = [each.key for each in component.runbooks.before if each.machines]
        order = DeploymentOrder(
            release_id=release.id,
            environment_id=record.intent.environment,
            comments=comments_of(record),
            form_values=tuple(
                (element, _UNTOLD if isinstance(value, CredentialSource) else value)
                for element, value in planned.forms.get(name, ())
            ),
            tenant_id=record.intent.tenant,
            machine_ids=record.intent.machines,
            guided=planned.situation.desired.policy.guided_failure.wanted,
            forced=installs_again(action, planned.situation.observed.cells[name]),
        )
        came = clean(action.from_version or "nothing", 60)
        why = f"{action.kind.value} {name} from {came} to {clean(action.to_version or '', 60)}"
        if naming:
            why += f", to the machines that runbook {clean(', '.join(naming), 120)} names"
        await self._add(begin, order, why)
        await self.runs(name, component.runbooks.after, end, f"after {name}")

    async def runs(
        self, cell: CellKey, runbooks: Iterable[Runbook], at: timedelta, moment: str
    ) -> None:
        """Add runs of runbooks, one after the other."""
        situation = self.planned.situation
        for runbook in runbooks:
            found = self.planned.around.found.get((cell, runbook.key))
            if found is None or found.snapshot is None:
                continue  # a gate tells
            order = RunOrder(
                runbook_id=found.id,
                snapshot_id=found.snapshot,
                environment_id=situation.observed.environment_id or "",
                comments="(a sentence, and the tag of its intent)",
                tenant_id=tenant_for(situation, cell, found),
                guided=situation.desired.policy.guided_failure.wanted,
            )
            await self._add(at, order, f"runbook {clean(found.name, 80)}, {moment}")

    def machines(self, at: timedelta) -> None:
        """Add the deletions of lost machines that a pass ends with."""
        tending = self.planned.tending
        if tending is None or tending.unread:
            return
        for verdict in tending.to_forget:
            target = verdict.target
            why = f"forget {clean(target.name, 80)}: {verdict.why}"
            self.requests.append(Request(at, f"DELETE machines/{target.id}", why))

    async def _add(self, at: timedelta, order: DeploymentOrder | RunOrder, why: str) -> None:
        octopus = self.doors.octopus(self.planned.situation.desired.space)
        path, fields = await octopus.rehearse(order)
        self.requests.append(Request(at, f"POST {path}", why, fields))
