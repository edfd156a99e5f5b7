"""Deployments that wait for a person: told with their form, answered by that person alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from people import question, someone
from story import SEED, story

from reconciler.cli.progress import told
from reconciler.core.act import DONE
from reconciler.core.gate import GateName
from reconciler.core.interruption import Asking
from reconciler.engine.apply import Done
from reconciler.engine.events import Asked
from reconciler.engine.interruptions import list_questions, submit_question, take_question
from reconciler.errors import GateClosed, NotAllowed, UsageError
from reconciler.octopus.space import OctopusSpace
from reconciler.ports import Octopus, OctopusPerson
from reconciler.simulator import Fault, FaultKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from story import Story

    from reconciler.engine.interruptions import Question


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    bob = "users:\n  - {username: bob, displayName: Bob Builder, email: bob@example.com}\n"
    with story(tmp_path, SEED.replace("users:\n", bob)) as told:
        for permission in ("InterruptionSubmit", "InterruptionViewSubmitResponsible"):
            told.octopus.revoke("bob", permission)
        told.octopus.grant("bob", "InterruptionView")
        yield told


async def taken(world: Story, user: str, wanted: str) -> Question:
    async with world.doors() as doors:
        return await take_question(doors, someone(world, user), wanted, None)


async def submitted(
    world: Story, user: str, wanted: str, result: str, notes: str = "", *, sure: bool = False
) -> dict[str, str | None]:
    values = {"notes": notes} if notes else {}
    async with world.doors() as doors:
        who = someone(world, user)
        return (await submit_question(doors, who, wanted, "test", result, values, sure=sure))[1]


def answers(world: Story) -> list[str]:
    """Every request that changed an interruption."""
    seen = world.octopus.requests
    return [r.method for r in seen if "interruptions/" in r.path and r.method != "GET"]


async def test_rule_29_a_pass_tells_what_is_asked_and_goes_on_when_that_person_answers(
    world: Story,
) -> None:
    await world.accept()
    world.octopus.interrupt_next("web", "1.1.0", "Test", title="Approve go live")
    world.pin(web="1.1.0")
    running = asyncio.create_task(world.apply())
    asked = await question(world)

    assert (asked.asking, asked.title) == (Asking.INTERVENTION, "Approve go live")
    (event,) = (event for event in world.events if isinstance(event, Asked))
    lines = told(event)
    assert lines[0].endswith(f"since {asked.since:%Y-%m-%d %H:%M}Z (Proceed | Abort), {asked.id}")
    assert lines[1] == "  | Check before going on."
    assert f"reconciler interruptions take {asked.id}" in lines[2]
    assert answers(world) == []  # nobody answers it by itself
    await taken(world, "alice", asked.id)
    await submitted(world, "alice", asked.id, "Proceed")

    assert (await running).results["web"].done is Done.SUCCEEDED
    assert answers(world) == ["PUT", "POST"]


async def test_an_interruption_is_answered_by_who_took_it_and_by_its_form(world: Story) -> None:
    await world.accept()
    world.pin(web="1.1.0")
    world.octopus.interrupt_next("web", "1.0.0", "Test", title="Approve go live")
    world.octopus.deploy("web", "1.0.0", "Test")
    world.octopus.advance(15)
    (gate,) = (await world.plan()).gates
    assert gate.name is GateName.WAITING_FOR_PERSON
    assert "manual intervention 'Approve go live' waits for a person since" in gate.message
    wanted = gate.opener.split()[-1].strip("`")

    async with world.doors() as doors:
        (listed,) = await list_questions(doors, someone(world, "alice"), "test")
        noted = doors.journal.acts("test")
    assert (listed.project, listed.asked.id, listed.asked.may_take) == ("web", wanted, True)
    assert noted == ()
    with pytest.raises(GateClosed, match="nobody took it yet"):
        await submitted(world, "alice", wanted, "Proceed")
    with pytest.raises(NotAllowed, match=r"405.*responsible.*nothing was taken"):
        await taken(world, "bob", wanted)
    assert not (await taken(world, "alice", wanted)).asked.is_mine
    assert (await taken(world, "alice", wanted)).asked.is_mine  # and is not asked for again
    with pytest.raises(GateClosed, match="was taken by Alice Adams"):
        await taken(world, "bob", wanted)
    with pytest.raises(UsageError, match="Result is one of Proceed, Abort, not 'Maybe'"):
        await submitted(world, "alice", wanted, "Maybe")
    with pytest.raises(UsageError, match="asks twice before Abort"):
        await submitted(world, "alice", wanted, "abort")
    world.octopus.add_fault(Fault(FaultKind.LOST_ANSWER_AFTER, "POST", "/submit$"))
    sent = await submitted(world, "alice", wanted, "proceed", "seen by me")  # is looked up
    assert sent == {"Instructions": None, "Notes": "seen by me", "Result": "Proceed"}
    with pytest.raises(GateClosed, match="was answered already by Alice Adams"):
        await submitted(world, "alice", wanted, "Proceed")
    with pytest.raises(UsageError, match="shown no interruption Interruptions-999"):
        await taken(world, "alice", "Interruptions-999")

    assert answers(world) == ["PUT", "PUT", "POST"]  # bob's try, and what alice did
    async with world.doors() as doors:
        noted = doors.journal.acts("test")
    assert [(a.verb.value, a.name, a.login, a.outcome == DONE) for a in noted] == [
        ("take", "Bob Builder", "bob@desk", False),
        ("take", "Alice Adams", "alice@desk", True),
        ("submit", "Alice Adams", "alice@desk", True),
    ]
    assert noted[-1].detail == "Notes=seen by me, Result=Proceed"


def test_rule_29_the_daemon_has_no_door_through_which_it_could_answer_or_cancel() -> None:
    of_people = {name for name in vars(OctopusPerson) if not name.startswith("_")}
    of_all = {name for name in vars(Octopus) if not name.startswith("_")}

    assert of_people >= {"take", "submit", "cancel"}
    assert not {"take", "submit", "cancel", "interruption"} & {*of_all, *dir(OctopusSpace)}


async def test_rule_30_a_persons_key_is_not_sent_where_nobody_accepted_the_server(
    world: Story,
) -> None:
    await world.accept()
    async with world.doors() as doors:
        assert await list_questions(doors, someone(world, "alice"), None) == ()
    path = "spaces/shop.yaml"
    text = (world.work / path).read_text()
    world.push({path: text.replace(world.server.url, "http://127.0.0.1:1")}, "Move the server")

    for name in (None, "test"):
        async with world.doors() as doors:
            with pytest.raises(UsageError, match="at another address than was accepted"):
                await list_questions(doors, someone(world, "alice"), name)
