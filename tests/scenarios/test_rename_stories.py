"""A renamed environment is the one it was: accepted, with its receipts and its history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from reaper import Killed, Reaper

from reconciler.core.gate import GateName
from reconciler.core.pause import Pause, Reach, Scope
from reconciler.engine.apply import Done
from reconciler.engine.chronicle import chronicle
from reconciler.engine.receipts import list_receipts, verify_receipts
from reconciler.errors import LeaseHeld

if TYPE_CHECKING:
    from story import Story

    from reconciler.core.chronicle import Chronicle


def rename(world: Story, new: str = "qa", old: str = "test") -> None:
    """Commit the environment under another name, in the same file."""
    path = "environments/test.yaml"
    text = (world.work / path).read_text().replace(f"formerly: {new}\n  ", "")
    text = text.replace(f"metadata: {{name: {old}}}", f"metadata: {{name: {new}}}")
    world.push({path: text.replace("spec:\n", f"spec:\n  formerly: {old}\n", 1)}, "Rename")


async def history(world: Story, name: str) -> Chronicle:
    async with world.doors() as doors:
        return await chronicle(doors, name, None, 20)


@pytest.mark.parametrize("store", ["state", pytest.param("lost", marks=pytest.mark.proof)])
async def test_rule_24_a_renamed_environment_goes_on_and_its_old_folders_stay(
    world: Story, store: str
) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    await world.apply()
    kept = {path: world.audit(path) for path in world.audit_files(".") if path != "state.json"}
    rename(world)
    if store == "lost":
        await world.accept("qa", store=store)

    world.pin(api="2.0.0")
    report = await world.apply("qa", store=store)

    assert report.results["api"].done is Done.SUCCEEDED
    assert report.planned.situation.held is None
    assert {path: world.audit(path) for path in kept} == kept
    assert len(world.receipts("api", environment="qa")) == 1
    assert 'api: {version: "2.0.0"' in world.audit("snapshots/qa.yaml")
    assert '"formerly": [\n    "test"' in world.audit("state.json")
    async with world.doors(store) as doors:
        (verdict,) = await verify_receipts(doors, None, {})
        listed = await list_receipts(doors, "qa", "api", {})
    assert (verdict.environment, verdict.receipts, verdict.problems) == ("qa", 2, ())
    assert [each.link.sequence for each in listed.receipts] == [1, 2]
    told = await history(world, "qa")
    assert [e.note for e in told.entries if e.note] == [
        "the environment was renamed: it was test",
        "the environment was added",
    ]
    assert [d.version for e in told.entries for d in e.deployments] == ["2.0.0", "1.1.0"]
    assert not (await world.plan("qa", store=store)).plan.has_work


async def test_rule_12_what_was_begun_under_the_old_name_is_finished_under_the_new_one(
    world: Story,
) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    reaper = Reaper(36, after=True)
    world.wrap = reaper.wrap
    with pytest.raises(Killed):
        await world.apply()
    world.wrap = lambda doors: doors
    rename(world)

    await world.apply("qa")

    assert world.ours("api") == ["1.1.0"]
    receipts = world.receipts("api") + world.receipts("api", environment="qa")
    assert len(receipts) == 1


async def test_rule_19_a_pass_under_the_old_name_keeps_one_under_the_new_name_out(
    world: Story,
) -> None:
    await world.accept()
    async with world.doors() as doors, world.doors("other") as other:
        audit, elsewhere = doors.audit, other.audit
        assert audit is not None
        assert elsewhere is not None
        rename(world)
        held = elsewhere.take_lease("test", may_take_over=None, above=0)
        world.pin(api="1.1.0")
        with pytest.raises(LeaseHeld, match="test"):
            await world.apply("qa")
        elsewhere.release_lease(held)

    assert world.ours("api") == []
    assert (await world.apply("qa")).results["api"].done is Done.SUCCEEDED


@pytest.mark.proof
async def test_rule_21_a_pause_of_the_old_name_holds_under_the_new_one(world: Story) -> None:
    await world.accept()
    async with world.doors() as doors:
        scope = Scope(Reach.ENVIRONMENT, environment="test")
        doors.journal.pause(Pause(scope, "ann", world.clock.now(), "not now"))
    rename(world)
    world.pin(api="1.1.0")

    held = await world.apply("qa")

    assert {gate.name for gate in held.planned.gates} == {GateName.PAUSED}
    assert world.ours("api") == []
