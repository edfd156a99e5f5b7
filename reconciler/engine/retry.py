"""Retry: a person says with their own key that what did not succeed is tried again (rules 12, 29).

The word is kept in the store, for daemon and `apply` alike, and speaks of nothing that comes later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.retryword import RetryWord, repeatable, spoken_of
from reconciler.core.text import clean
from reconciler.engine.doors import blocking
from reconciler.engine.person import is_meant, see_same_space, whose
from reconciler.engine.planning import judge_situation
from reconciler.engine.survey import survey
from reconciler.errors import GateClosed, NotAllowed, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.cellkey import CellKey
    from reconciler.core.retry import Attempt
    from reconciler.engine.doors import Doors
    from reconciler.engine.person import Someone
    from reconciler.engine.planning import Planned
    from reconciler.engine.survey import Situation
    from reconciler.ports import OctopusPerson


@dataclass(frozen=True, slots=True)
class Retried:
    """The words that were given; `planned` has the gates that stand with them, or still."""

    words: tuple[RetryWord, ...]
    planned: Planned


async def retry(doors: Doors, who: Someone, name: str, component: str | None) -> Retried:
    """Let what did not succeed in an environment, or one component of it, be tried once more.

    Raises: everything `survey` raises; GateClosed (nothing there needs it); NotAllowed (that person
    may not deploy it); UsageError (another server, or no such component).
    """
    situation = await survey(doors, name)
    planned = await judge_situation(doors, situation)
    spoken = spoken_of(await blocking(doors.journal.retries, name))
    said = repeatable(planned.tried, spoken)
    wanted = {
        cell: attempts
        for cell, attempts in planned.tried.items()
        if is_meant(cell, component) and cell not in said
    }
    if not wanted:
        raise _nothing(planned, name, component)
    async with who.open(situation.desired.space) as person:
        words = await _words(doors, who, person, situation, wanted)
    await blocking(doors.journal.retry, words)
    return Retried(words, await judge_situation(doors, situation))


async def _words(
    doors: Doors,
    who: Someone,
    person: OctopusPerson,
    situation: Situation,
    wanted: Mapping[CellKey, tuple[Attempt, ...]],
) -> tuple[RetryWord, ...]:
    """Return the words of whoever the key belongs to, where they may deploy all of it."""
    observed = situation.observed
    place = (observed.server.installation_id, observed.space_id)
    await see_same_space(person, place, "nothing is tried again")
    me = await whose(person)
    for name in sorted(wanted):
        cell = observed.cells.get(name)  # None: it is pinned no more, and owes a runbook
        project, tenant = (None, None) if cell is None else (cell.project, cell.tenant_id)
        where = (observed.space_id, project, observed.environment_id, tenant)
        if not me.permissions.allows("DeploymentCreate", *where):
            raise NotAllowed(
                f"{me.name} lacks DeploymentCreate for {name} in Octopus; nothing is tried again",
                hint="a person who may deploy it says so, with a key of their own",
            )
    return tuple(
        RetryWord(
            environment=situation.desired.environment.name,
            cell=name,
            version=attempts[0].version,
            attempts=frozenset(each.key for each in attempts),
            user=me.user,
            name=me.name,
            login=who.login,
            given=doors.clock.now(),
        )
        for name, attempts in sorted(wanted.items())
    )


def _nothing(planned: Planned, name: str, component: str | None) -> GateClosed | UsageError:
    """Say why there is nothing to try again."""
    if component is not None:
        cells = planned.situation.observed.cells
        if not any(is_meant(cell, component) for cell in cells):
            return UsageError(
                f"{clean(name)} pins no component '{clean(component)}'; nothing is tried again",
                hint=f"`reconciler plan {clean(name)}` lists what it pins",
            )
    what = clean(name) if component is None else f"{clean(component)} of {clean(name)}"
    waits = any(is_meant(cell, component) for cell in planned.tried)
    said = "its retry waits for a pass" if waits else "nothing of it needs a word"
    return GateClosed(
        f"{what}: {said}; nothing was changed",
        hint=f"`reconciler plan {clean(name)}` shows what stands in the way",
    )
