"""Interruptions by command: shown to a person, taken and answered by that person (rules 29, 31)."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.act import ActVerb
from reconciler.core.interruption import FormRefused, filled, graveness
from reconciler.core.text import clean
from reconciler.engine.person import act_of, by_space, environments, noted, whose
from reconciler.errors import GateClosed, NotAllowed, OutcomeUnknown, RemoteRejected, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from reconciler.core.act import Act
    from reconciler.core.interruption import Interruption
    from reconciler.core.manifest import DesiredState
    from reconciler.engine.doors import Doors
    from reconciler.engine.person import Someone
    from reconciler.ports import OctopusPerson


@dataclass(frozen=True, slots=True)
class Question:
    """What waits for a person in an environment of the manifests, in the names people know.

    `teams` are those responsible, `responsible` is who took it (empty: nobody).
    """

    environment: str
    project: str
    asked: Interruption
    teams: tuple[str, ...] = ()
    responsible: str = ""


async def list_questions(doors: Doors, who: Someone, name: str | None) -> tuple[Question, ...]:
    """Return what waits for a person in one environment, or in all, as that person may see it.

    Raises: UsageError, ManifestsInvalid, GitTrouble, OctopusTrouble and their kin.
    """
    found: list[Question] = []
    for space, here in by_space(await environments(doors, name)):
        async with who.open(space) as person:
            places, projects = await person.names()
            asked = await person.interruptions()
            for desired in here:
                mine = [one for one in asked if one.related & _ids_of(desired, places)]
                found += [await _told(person, desired, one, projects) for one in mine]
    return tuple(sorted(found, key=lambda each: each.environment))


async def take_question(doors: Doors, who: Someone, wanted: str, name: str | None) -> Question:
    """Let a person take the responsibility for a question.

    Raises: GateClosed (answered, or taken by another); NotAllowed; and as `list_questions`.
    """
    async with _found(doors, who, wanted, name) as (person, question):
        asked = question.asked
        _see_pending(question)
        if asked.is_mine:
            return question
        if asked.responsible is not None:
            raise GateClosed(
                f"{asked.id} was taken by {_other(question)}; nothing was changed",
                hint="ask them to answer it, or take it over from them in Octopus",
            )
        act = await _act(doors, who, person, question, ActVerb.TAKE, asked.title)
        async with noted(doors, act):
            try:
                await person.take(asked.id)
            except NotAllowed as error:
                teams = ", ".join(question.teams) or "whoever may answer it in Octopus"
                raise NotAllowed(
                    f"{error.message.rstrip('.')}; nothing was taken",
                    hint=f"responsible: {teams}",
                ) from error
            except OutcomeUnknown:
                again = await person.interruption(asked.id)
                if again is None or not again.is_mine:
                    raise
        return question


async def submit_question(
    doors: Doors,
    who: Someone,
    wanted: str,
    name: str | None,
    result: str | None,
    values: Mapping[str, str],
    *,
    sure: bool,
) -> tuple[Question, dict[str, str | None]]:
    """Let a person answer a question they took; return it with the values that were sent.

    `result` answers the form's choice. `sure`: their word for an answer that Octopus asks people
    twice about, such as Abort.

    Raises: GateClosed (answered, not taken, or by another); UsageError (the form asks otherwise);
    NotAllowed; and as `list_questions`.
    """
    async with _found(doors, who, wanted, name) as (person, question):
        asked = question.asked
        _see_pending(question)
        if not asked.is_mine:
            nobody = asked.responsible is None
            why = "nobody took it yet" if nobody else f"{_other(question)} took it"
            raise GateClosed(
                f"{asked.id} is answered by who took it, and {why}; nothing was changed",
                hint=f"`reconciler interruptions take {asked.id}`" if nobody else "ask them",
            )
        try:
            sent = filled(asked, result, values)
        except FormRefused as refused:
            raise UsageError(
                f"{asked.id}: {clean(str(refused))}; nothing was changed",
                hint="`reconciler interruptions list -o json` shows the form",
            ) from refused
        grave = graveness(asked, sent)
        if grave and not sure:
            raise UsageError(
                f"Octopus asks twice before {clean(grave, 80)}; nothing was changed",
                hint="add --yes if that is what you want",
            )
        said = ", ".join(f"{key}={value}" for key, value in sent.items() if value is not None)
        act = await _act(doors, who, person, question, ActVerb.SUBMIT, said)
        async with noted(doors, act):
            try:
                await person.submit(asked.id, sent)
            except OutcomeUnknown:
                again = await person.interruption(asked.id)
                choice = "" if asked.choice is None else asked.choice.name
                mine = again is not None and again.is_mine and not again.is_pending
                if again is None or not mine or dict(again.given).get(choice) != sent.get(choice):
                    raise
            except RemoteRejected as error:
                raise RemoteRejected(
                    f"{error.message.rstrip('.')}; nothing was changed",
                    hint=f"look again: `reconciler interruptions list {question.environment}`",
                    status=error.status,
                ) from error
        return question, sent


@asynccontextmanager
async def _found(
    doors: Doors, who: Someone, wanted: str, name: str | None
) -> AsyncIterator[tuple[OctopusPerson, Question]]:
    """Find a question by its id where the manifests deploy to. Raises: UsageError."""
    for space, here in by_space(await environments(doors, name)):
        async with who.open(space) as person:
            asked = await person.interruption(wanted)
            if asked is None:
                continue
            places, projects = await person.names()
            for desired in here:
                if asked.related & _ids_of(desired, places):
                    yield person, await _told(person, desired, asked, projects)
                    return
    where = "any environment of these manifests" if name is None else clean(name)
    raise UsageError(
        f"your key is shown no interruption {clean(wanted, 80)} in {where}; nothing was changed",
        hint="`reconciler interruptions list` shows what waits",
    )


async def _told(
    person: OctopusPerson, desired: DesiredState, asked: Interruption, projects: Mapping[str, str]
) -> Question:
    teams = await person.team_names(asked.teams) if asked.teams else {}
    taken = "" if asked.responsible is None else await person.responsible(asked.id)
    about = sorted(asked.related & projects.keys())
    return Question(
        environment=desired.environment.name,
        project=clean(projects[about[0]], 80) if about else "",
        asked=asked,
        teams=tuple(teams.get(team, team) for team in asked.teams),
        responsible=taken or asked.responsible or "",
    )


def _ids_of(desired: DesiredState, names: Mapping[str, str]) -> frozenset[str]:
    """Return the id of an environment in Octopus, by its id or its name."""
    meant = desired.environment.octopus_environment
    return frozenset(
        one for one, name in names.items() if one == meant or name.casefold() == meant.casefold()
    )


def _see_pending(question: Question) -> None:
    if question.asked.is_pending:
        return
    by = f" by {question.responsible}" if question.responsible else ""
    raise GateClosed(
        f"{question.asked.id} was answered already{by}; nothing was changed",
        hint="there is nothing to do",
    )


def _other(question: Question) -> str:
    return question.responsible or "somebody else"


async def _act(
    doors: Doors,
    who: Someone,
    person: OctopusPerson,
    question: Question,
    verb: ActVerb,
    detail: str,
) -> Act:
    server, space_id = await person.identity()
    me, place = await whose(person), (server.installation_id, space_id)
    return act_of(doors, who, me, place, question.environment, verb, question.asked.id, detail)
