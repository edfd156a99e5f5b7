"""Approvals: a bad merge that lowers all is braked, and another person lets it go on."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from story import FILES, SEED, git, story
from watching import daemon

from reconciler.bootstrap import open_space
from reconciler.core.cellkey import CellKey
from reconciler.core.condition import ConditionType
from reconciler.core.edit import Person
from reconciler.core.gate import GateName
from reconciler.credentials import Given
from reconciler.engine.apply import Done
from reconciler.engine.approve import Approved, approve
from reconciler.engine.edit import Asked
from reconciler.engine.pin import pin
from reconciler.errors import GateClosed, NotAllowed, StalePlan
from reconciler.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from story import Story

    from reconciler.core.manifest import Space
    from reconciler.engine.planning import Planned
    from reconciler.ports import Octopus

PEOPLE = """users:
  - {username: ann, displayName: Ann Author, email: Ann@example.org}
  - {username: bob, displayName: Bob Builder, email: bob@example.org}
"""
PROTECTED = """
apiVersion: reconciler/v1
kind: Policy
metadata: {name: open}
spec: {mode: apply, protected: true, approvals: {forges: [noreply@github.com]}}
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A protected shop; Ann writes the commits, and the service account may look at users."""
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    seed = SEED.partition("users:")[0] + PEOPLE + "spaces:" + SEED.partition("spaces:")[2]
    seed = seed.replace('deployed: {Test: "1.0.0"}', 'deployed: {Test: "1.1.0"}')
    pins = FILES["environments/test.yaml"].replace('"1.0.0"', '"1.1.0"')
    files = {"policies/open.yaml": PROTECTED, "environments/test.yaml": pins}
    with story(tmp_path, seed, FILES | files) as told:
        told.octopus.grant("reconciler", "UserView")
        yield told


async def approved(world: Story, user: str, digest: str) -> Approved:
    key = Given("the test", world.octopus.key_of(user))

    def own(space: Space) -> AbstractAsyncContextManager[Octopus]:
        return open_space(Settings(), space.server, space.octopus_space, key, world.clock)

    async with world.doors() as doors:
        return await approve(doors, "test", digest, own)


def closed(planned: Planned) -> list[GateName]:
    return [gate.name for gate in planned.gates]


def approvers_in(world: Story, project: str) -> list[str]:
    """Whose approval a receipt names."""
    (path,) = world.receipts(project)
    payload = json.loads(base64.b64decode(json.loads(world.audit(path))["payload"]))
    found: list[str] = payload["predicate"]["intent"]["approvals"]
    return found


async def test_rule_9_a_bad_merge_is_braked_and_goes_on_only_when_another_person_says_so(
    world: Story,
) -> None:
    await world.accept()
    world.pin(api="1.0.0", web="1.0.0", jobs="1.0.0", mail="1.0.0")
    braked = (await world.apply()).planned
    assert closed(braked) == [GateName.BRAKE]
    assert world.ours("api") == []
    digest = braked.plan.digest
    with pytest.raises(GateClosed, match="accepting does not open gate brake"):
        await world.accept()
    with pytest.raises(StalePlan, match="nothing was approved"):
        await approved(world, "bob", "0" * 12)

    ann = await approved(world, "ann", digest)  # rule 32: the author is not a second person
    assert closed(ann.planned) == [GateName.BRAKE]
    bob = await approved(world, "bob", digest)
    assert closed(bob.planned) == []

    report = await world.apply()
    assert {result.done for result in report.results.values()} == {Done.SUCCEEDED}
    assert [world.runs(name) for name in ("api", "web", "jobs", "mail")] == ["1.0.0"] * 4
    assert approvers_in(world, "jobs") == sorted([ann.approval.user, bob.approval.user])


async def test_rule_32_the_approval_of_who_may_not_deploy_any_more_opens_nothing(
    world: Story,
) -> None:
    await world.accept()
    world.pin(api="1.0.0", web="1.0.0")
    digest = (await world.plan()).plan.digest
    world.octopus.revoke("ann", "DeploymentCreate")
    with pytest.raises(NotAllowed, match="Ann Author lacks DeploymentCreate for web"):
        await approved(world, "ann", digest)

    assert closed((await approved(world, "bob", digest)).planned) == []
    world.octopus.revoke("reconciler", "UserView")
    (gate,) = (await world.plan()).gates  # rule 11: nobody can check it
    assert gate.name is GateName.BRAKE
    world.octopus.grant("reconciler", "UserView")

    world.octopus.later(10, lambda: world.octopus.revoke("bob", "DeploymentCreate"))
    report = await world.apply()  # rule 15: web ends, and api is looked at again before it begins
    assert (world.runs("web"), world.runs("api")) == ("1.0.0", "1.1.0")
    assert closed(report.planned) == [GateName.BRAKE]
    assert report.results[CellKey("web")].done is Done.SUCCEEDED


async def test_rule_32_what_was_pinned_by_command_is_approved_by_another_person(
    world: Story,
) -> None:
    await world.accept()
    asked = Asked(Person("Ann Author", "ann@example.org"))
    async with world.doors() as doors:
        edited = await pin(doors, asked, "test", {"jobs": "1.0.0"})
    git(world.remote, "update-ref", "refs/heads/main", edited.commit or "")
    digest = (await world.plan()).plan.digest

    ann = await approved(world, "ann", digest)
    assert closed(ann.planned) == [GateName.BRAKE]
    bob = await approved(world, "bob", digest)
    assert closed(bob.planned) == []


async def test_rule_32_a_hold_that_ends_makes_nobody_another_than_who_wrote_the_pin(
    world: Story,
) -> None:
    world.pin(jobs='{version: "1.0.0", hold: {reason: wait, until: "2026-11-20T13:00:00Z"}}')
    await world.accept()
    world.clock.turn(7200)
    (world.work / "README.md").write_text("Bob was here")
    git(world.work, "add", "--all")
    who = ("-c", "user.name=Bob", "-c", "user.email=bob@example.org")
    git(world.work, *who, "commit", "-q", "-m", "Say so")
    git(world.work, "push", "-q", "origin", "HEAD:main")

    ann = await approved(world, "ann", (await world.plan()).plan.digest)

    (gate,) = ann.planned.gates
    assert gate.name is GateName.BRAKE
    assert ann.planned.approvers == (ann.approval.user,)  # she may, but is no other person


@pytest.mark.proof
async def test_the_daemon_takes_an_approval_up_at_its_next_look(world: Story) -> None:
    await world.accept()
    async with daemon(world) as running:
        world.pin(jobs="1.0.0")
        await running.settles(1)
        (stalled,) = running.supervisor.statuses["test"].conditions
        assert (stalled.type, stalled.reason) == (ConditionType.STALLED, "brake")

        await approved(world, "bob", (await world.plan()).plan.digest)
        world.clock.turn(60)
        await running.settles(2)

        assert world.runs("jobs") == "1.0.0"
        assert running.supervisor.statuses["test"].has(ConditionType.READY)
