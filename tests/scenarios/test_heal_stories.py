"""Healing: what Octopus deploys by itself is put right, and nothing that a person did."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from between import at_octopus, nobody
from story import FILES, SEED, story
from test_day_stories import action
from watching import daemon

from reconciler.core.condition import ConditionType
from reconciler.core.edit import Person
from reconciler.core.gate import GateName
from reconciler.core.plan import Reason
from reconciler.engine.adopt import adopt
from reconciler.engine.edit import Asked
from reconciler.errors import BadAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from story import Story

    from reconciler.engine.planning import Planned

NIGHTLY = "0 0 2 * * *"
DAY = 86_400


def also_deployed_by(world: Story, *names: str) -> None:
    """Commit who else may deploy the environment."""
    listed = ", ".join(f'"{name}"' for name in names)
    path = "environments/test.yaml"
    kept = [
        line
        for line in (world.work / path).read_text().splitlines()
        if "alsoDeployedBy" not in line
    ]
    world.push({path: "\n".join([*kept, f"  alsoDeployedBy: [{listed}]"]) + "\n"}, "Name deployers")


def closed(planned: Planned, component: str) -> list[str]:
    return [g.message for g in planned.gates if g.cell == component]


def turn_a_day(world: Story) -> None:
    world.clock.turn(DAY)
    world.octopus.advance(0)


async def begin(world: Story, mode: str = "heal", **pins: str) -> None:
    """Let the environment run its pins, accepted, under a policy of this mode."""
    world.push({"policies/open.yaml": FILES["policies/open.yaml"].replace("apply", mode)})
    if pins:
        world.pin(**pins)
    await world.accept()
    await world.apply()


def drifts_nightly(world: Story) -> None:
    """Let a schedule bring 1.0.0, which production runs, to the test environment each night."""
    world.octopus.deploy("api", "1.0.0", "Production", by="alice")
    world.octopus.schedule("api", NIGHTLY, to="Test", source="Production", name="Nightly")


def a_hook(world: Story, project: str, what: str, source: str = "") -> None:
    """Add a trigger `Hook` of a project that deploys to the test environment when it is fired."""
    to = {"DestinationEnvironmentId": "Test", "SourceEnvironmentIds": [source]}
    world.octopus.add_trigger(
        project,
        "Hook",
        filter={"FilterType": "WebhookFilter"},
        action={"ActionType": what, **(to if source else {"EnvironmentId": "Test"})},
    )


async def test_rule_11_drift_by_triggers_is_healed_once_all_is_read_and_they_are_named(
    world: Story,
) -> None:
    await begin(world, api="1.1.0", mail="1.1.0")
    drifts_nightly(world)
    world.octopus.deploy("mail", "1.0.0", "Production", by="alice")
    a_hook(world, "mail", "DeployLatestRelease", source="Production")
    turn_a_day(world)
    world.octopus.fire_trigger("mail", "Hook")
    world.octopus.advance(60)
    assert (world.runs("api"), world.runs("mail")) == ("1.0.0", "1.0.0")
    world.pin(web="1.1.0", jobs="1.1.0")

    held = await world.apply()

    assert action(held, "api").reason is action(held, "mail").reason is Reason.DRIFT
    assert closed(held.planned, "api") == ["healing would fight scheduled trigger 'Nightly'"]
    assert closed(held.planned, "mail") == ["healing would fight trigger 'Hook'"]
    assert closed(held.planned, "web") == ["waits for api, which is stopped by a gate"]
    assert world.runs("jobs") == "1.1.0"  # what a commit asks for is not stopped

    also_deployed_by(world, "nightly", "Hook")
    world.octopus.fault("status", path="/projecttriggers", status=403, count=None)
    (why,) = closed(await world.plan(), "api")
    world.octopus.clear_faults()
    healed = await world.apply()

    assert why.startswith("who else deploys it could not be read: triggers: ")
    assert action(healed, "api").note.startswith("by system at ")
    assert {name: world.runs(name) for name in ("api", "web", "mail")} == dict.fromkeys(
        ("api", "web", "mail"), "1.1.0"
    )
    assert len(world.receipts("api")) == 2
    assert not (await world.apply()).planned.plan.has_work


async def test_where_the_policy_applies_drift_is_left_nobody_is_asked_and_a_plan_names_who(
    world: Story,
) -> None:
    await begin(world, "apply", api="1.1.0")
    drifts_nightly(world)
    new = {"FilterType": "MachineFilter", "EnvironmentIds": ["Test"]}
    for name in ("New machines", "Old machines"):
        world.octopus.add_trigger("web", name, filter=new, action={"ActionType": "AutoDeploy"})
    world.octopus.disable_trigger("web", "Old machines")
    turn_a_day(world)
    world.octopus.forget_requests()

    report = await world.apply()
    asked = {seen.path.rpartition("/")[2] for seen in world.octopus.requests}
    others = (await world.plan()).others

    assert action(report, "api").reason is Reason.DRIFT_LEFT
    assert world.runs("api") == "1.0.0"
    assert asked.isdisjoint({"projecttriggers", "deploymentprocesses"})
    assert {name: [d.words for d in one.deployers] for name, one in others.items()} == {
        "api": ["scheduled trigger 'Nightly'"],
        "web": ["deployment target trigger 'New machines'"],
        "db": [], "jobs": [], "mail": [],
    }  # fmt: skip
    assert not any(one.unread for one in others.values())


async def test_what_a_person_deployed_is_held_where_the_policy_heals_though_a_schedule_repeats_it(
    world: Story,
) -> None:
    await begin(world, api="1.1.0")
    also_deployed_by(world, "Again")
    world.octopus.deploy("api", "1.0.0", "Test", by="alice", comments="CHG-7")
    world.octopus.advance(60)
    by_hand = action(await world.apply(), "api")
    world.octopus.schedule("api", NIGHTLY, to="Test", source="Test", name="Again")
    turn_a_day(world)
    newest = max(world.octopus.deployments("api", "Test"), key=lambda one: one.created)
    assert (newest.deployed_by, newest.version) == ("system", "1.0.0")

    repeated = action(await world.apply(), "api")

    assert (by_hand.reason, repeated.reason) == (Reason.HELD_BY_HAND, Reason.HELD_BY_HAND)
    assert by_hand.note == repeated.note
    assert "by alice at" in repeated.note
    assert world.runs("api") == "1.0.0"


async def test_rule_11_drift_is_left_where_nobody_can_tell_who_brought_it(world: Story) -> None:
    await begin(world, api="1.1.0")
    also_deployed_by(world, "Nightly")
    drifts_nightly(world)
    turn_a_day(world)

    async def refused(*_: Any) -> Any:
        raise BadAnswer("only a part of the list", hint="")

    async def endless(real: Any, *of: Any) -> Any:
        return (await real(*of))[:1] * 100

    async def newer(real: Any, *of: Any) -> Any:
        found = await real(*of)
        return (replace(found[0], id="Deployments-999"), *found)

    for answer in (refused, endless, newer):
        at_octopus(world, deployments_of=answer)
        planned = await world.plan()
        assert not planned.plan.has_work
        assert action(planned, "api").reason is Reason.DRIFT_LEFT

    nobody(world)
    assert action(await world.plan(), "api").reason is Reason.DRIFT


AUTOMATIC = SEED.replace(
    "{name: Test, environments: [Test], optional: true}",
    "{name: Production, environments: [Production], optional: true}",
).replace("{name: Production, environments: [Production]}", "{name: Test, automatic: [Test]}")
AUTOMATIC += """\
      - {name: suite, deploys: [jobs], releases: ["1.0.0"]}
"""


@pytest.fixture
def automatic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """The shop, where what succeeds in production deploys itself to the test environment."""
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    with story(tmp_path, AUTOMATIC) as told:
        yield told


async def test_drift_by_a_phase_is_healed_upwards_left_downwards_and_a_parent_is_no_phase(
    automatic: Story,
) -> None:
    world = automatic
    await begin(world, api="2.0.0", jobs="1.1.0")
    also_deployed_by(world, "Anywhere")
    for name in ("api", "web"):
        world.octopus.deploy(name, "1.1.0", "Production", by="alice")
    a_hook(world, "suite", "DeployLatestReleaseToEnvironment")
    world.octopus.fire_trigger("suite", "Hook")
    world.octopus.advance(120)
    assert {name: world.runs(name) for name in ("api", "web", "jobs")} == {
        "api": "1.1.0",
        "web": "1.1.0",
        "jobs": "1.0.0",
    }

    report = await world.apply()

    assert action(report, "api").reason is Reason.DRIFT
    assert action(report, "web").reason is Reason.DRIFT_LEFT
    assert action(report, "web").note == (
        "not healed: 1.1.0 is higher, and no commit asks for a downgrade"
    )
    assert (world.runs("api"), world.runs("web")) == ("2.0.0", "1.1.0")
    assert action(report, "jobs").reason is Reason.DRIFT
    assert closed(report.planned, "jobs") == ["healing would fight parent project 'suite'"]

    async with world.doors() as doors:
        ann = Asked(Person("Ann Author", "ann@example.org"))
        (line,) = (await adopt(doors, ann, "test", ["jobs"])).draft.lines
    assert line.startswith("jobs: 1.1.0 -> 1.0.0 (drift: by system at ")


async def test_the_daemon_heals_at_the_next_full_look_and_waits_for_a_name(world: Story) -> None:
    await begin(world, api="1.1.0")
    drifts_nightly(world)
    async with daemon(world) as running:
        await running.settles()
        turn_a_day(world)
        await running.settles()

        found = running.conditions()
        assert found[ConditionType.STALLED] == GateName.ALSO_DEPLOYED
        assert found[ConditionType.DRIFTED] == "NotAskedFor"

        also_deployed_by(world, "Nightly")
        await running.settles()

        assert world.runs("api") == "1.1.0"
        assert running.conditions() == {ConditionType.READY: "InSync"}
