"""When a person has to say so first, and what a commit may not do for itself."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from story import git

from reconciler.core.gate import GateName
from reconciler.engine.apply import Done
from reconciler.errors import (
    BranchRewritten,
    GateClosed,
    ManifestsInvalid,
    StalePlan,
    UsageError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from story import Story

    from reconciler.engine.run import PassReport


def stops(report: PassReport) -> set[GateName]:
    return {gate.name for gate in report.planned.stopped}


def refuse_audit(world: Story) -> Path:
    """Let the remote refuse the audit branch; return the hook to take away again."""
    hook = world.remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    refused = "case $ref in refs/heads/audit) exit 1;; esac"
    hook.write_text(f"#!/bin/sh\nwhile read old new ref; do {refused}; done\n")
    hook.chmod(0o755)
    return hook


async def test_rule_10_first_contact_without_work_clears_itself(world: Story) -> None:
    report = await world.apply()
    assert report.recorded

    world.pin(api="1.1.0")
    report = await world.apply()

    assert report.results["api"].done is Done.SUCCEEDED


async def test_rule_10_a_lost_store_is_held_until_accepted(world: Story) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    await world.apply()
    shutil.rmtree(world.folder / "state")
    world.pin(jobs="1.1.0")

    report = await world.apply()
    assert stops(report) == {GateName.ACCEPT}
    assert world.ours("jobs") == []

    await world.accept()
    report = await world.apply()
    assert report.results["jobs"].done is Done.SUCCEEDED
    assert world.ours("api") == ["1.1.0"]
    assert len(world.receipts("api")) == 1


async def test_rule_10_an_older_store_is_held_until_accepted(world: Story) -> None:
    await world.accept()
    shutil.copytree(world.folder / "state", world.folder / "backup")
    world.pin(api="1.1.0")
    await world.apply()
    shutil.rmtree(world.folder / "state")
    (world.folder / "backup").rename(world.folder / "state")
    world.pin(jobs="1.1.0")

    held = await world.apply()
    assert stops(held) == {GateName.ACCEPT}
    held = await world.apply()
    assert stops(held) == {GateName.ACCEPT}

    await world.accept()
    assert (await world.apply()).results["jobs"].done is Done.SUCCEEDED


async def test_rule_10_in_an_older_store_one_environment_speaks_for_no_other(world: Story) -> None:
    other = (world.work / "environments/test.yaml").read_text()
    other = other.replace("name: test", "name: production").replace(
        "environment: Test", "environment: Production"
    )
    world.push({"environments/production.yaml": other.split("  components:")[0]})
    await world.accept()
    await world.accept("production")
    shutil.copytree(world.folder / "state", world.folder / "backup")
    world.pin(api="1.1.0")
    await world.apply()
    shutil.rmtree(world.folder / "state")
    (world.folder / "backup").rename(world.folder / "state")
    world.pin(jobs="1.1.0")

    assert (await world.apply("production")).recorded, "without work it clears itself"

    assert stops(await world.apply()) == {GateName.ACCEPT}
    assert world.ours("jobs") == []
    await world.accept()
    assert (await world.apply()).results["jobs"].done is Done.SUCCEEDED


async def test_a_lost_store_loses_no_receipt(world: Story) -> None:
    await world.accept()
    world.pin(api="1.1.0", db="1.1.0")
    hook = refuse_audit(world)
    report = await world.apply()
    assert not report.recorded
    assert world.receipts() == []
    hook.unlink()
    shutil.rmtree(world.folder / "state")

    await world.apply()

    assert world.ours("api") == ["1.1.0"]
    assert len(world.receipts("api")) == 1
    assert len(world.receipts("db")) == 1


async def test_rule_26_receipts_wait_for_a_remote_that_refuses(world: Story) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    hook = refuse_audit(world)

    report = await world.apply()
    assert report.results["api"].done is Done.SUCCEEDED
    assert not report.recorded
    async with world.doors() as doors:
        pending = {q.path: q.content for q in doors.journal.queued("test")}
    assert any(path.startswith("receipts/test/api/") for path in pending)
    hook.unlink()

    report = await world.apply()
    assert report.recorded
    path = world.receipts("api")[0]
    assert world.audit(path).encode() + b"\n" == pending[path]


async def test_rule_27_a_rewritten_branch_is_frozen_until_its_tip_is_accepted_by_hash(
    world: Story,
) -> None:
    world.pin(jobs="1.1.0")
    await world.accept()
    await world.apply()
    git(world.work, "reset", "-q", "--hard", "HEAD~1")
    tip = world.push({"README.md": "rewritten\n"}, "Another history", force=True)

    report = await world.apply()
    assert stops(report) == {GateName.ACCEPT}
    assert world.runs("jobs") == "1.1.0"

    with pytest.raises(BranchRewritten, match="rewritten"):
        await world.accept()
    await world.accept(rewritten=True)
    report = await world.apply()
    assert report.planned.plan.commit == tip
    assert report.results["jobs"].done is Done.SUCCEEDED
    assert world.runs("jobs") == "1.0.0"


async def test_rule_9_the_brake_is_judged_by_the_policy_accepted_before(world: Story) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, protected: true"))
    world.pin(api="1.1.0")
    await world.accept()
    await world.apply()

    world.edit("policies/open.yaml", ("protected: true", "protected: false"))
    world.pin(api="1.0.0")
    report = await world.apply()
    assert stops(report) == {GateName.BRAKE}
    with pytest.raises(GateClosed, match="does not open gate brake"):
        await world.accept()

    world.pin(api="1.1.0")
    await world.apply()
    world.pin(api="1.0.0")
    report = await world.apply()
    assert report.results["api"].done is Done.SUCCEEDED


async def test_observe_mode_holds_apply_until_a_person_accepts_the_new_policy(
    world: Story,
) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: observe"))
    await world.accept()
    world.pin(api="1.1.0")
    assert stops(await world.apply()) == {GateName.OBSERVE_ONLY}

    world.edit("policies/open.yaml", ("mode: observe", "mode: apply"))
    assert stops(await world.apply()) == {GateName.OBSERVE_ONLY}

    await world.accept()
    assert (await world.apply()).results["api"].done is Done.SUCCEEDED


async def test_a_changed_server_address_is_not_contacted_before_it_is_accepted(
    world: Story,
) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    text = (world.work / "spaces/shop.yaml").read_text()
    moved = text.replace("127.0.0.1", "localhost")
    world.push({"spaces/shop.yaml": moved}, "Move the server")
    world.octopus.forget_requests()

    report = await world.apply()

    assert not report.planned.plan.has_work
    assert world.octopus.requests == ()
    await world.accept()
    assert (await world.apply()).results["api"].done is Done.SUCCEEDED


async def test_rule_4_a_broken_manifest_stops_its_environment_and_says_where(
    world: Story,
) -> None:
    await world.accept()
    world.edit("environments/test.yaml", ('api: "1.0.0"', "api: 1.10"))

    with pytest.raises(ManifestsInvalid) as broken:
        await world.apply()

    assert any(
        "environments/test.yaml:10:" in line and '"1.10"' in line for line in broken.value.lines
    )


async def test_an_environment_that_left_git_is_left_alone(world: Story) -> None:
    await world.accept()
    world.push({"environments/test.yaml": ""}, "Remove the environment")

    with pytest.raises(UsageError, match="no environment 'test'"):
        await world.apply()

    assert world.runs("api") == "1.0.0"


async def test_rule_1_only_the_watched_branch_is_applied(world: Story) -> None:
    await world.accept()
    git(world.work, "checkout", "-q", "-b", "feature")
    path = world.work / "environments/test.yaml"
    path.write_text(path.read_text().replace('api: "1.0.0"', 'api: "2.0.0"'))
    git(world.work, "commit", "-q", "-a", "-m", "Not merged")
    git(world.work, "push", "-q", "origin", "feature")

    report = await world.apply()

    assert not report.planned.plan.has_work
    assert world.ours("api") == []


async def test_what_is_accepted_is_what_was_looked_at_or_nothing(world: Story) -> None:
    world.pin(api="1.1.0")
    looked_at = (await world.plan()).plan.digest
    world.pin(jobs="1.1.0")

    with pytest.raises(StalePlan):
        await world.accept(expect=looked_at)
    assert stops(await world.apply()) == {GateName.ACCEPT}

    await world.accept(expect=(await world.plan()).plan.digest)
    assert (await world.apply()).results["jobs"].done is Done.SUCCEEDED


async def test_a_moved_server_is_a_gate_to_open_not_nothing_to_do(world: Story) -> None:
    await world.accept()
    text = (world.work / "spaces/shop.yaml").read_text()
    world.push({"spaces/shop.yaml": text.replace("127.0.0.1", "localhost")}, "Move the server")

    planned = await world.plan()

    assert planned.plan.is_blind
    assert {gate.name for gate in planned.stopped} == {GateName.ACCEPT}
