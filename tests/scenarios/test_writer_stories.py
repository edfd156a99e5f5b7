"""More than one writer, more than one remote, more than one key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from story import git

from reconciler.bootstrap import open_doors
from reconciler.engine.apply import Done
from reconciler.engine.events import Launched, Said
from reconciler.errors import LeaseHeld
from reconciler.settings import AuditSettings, GitSettings, Settings

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from story import Story

    from reconciler.bootstrap import Writers
    from reconciler.engine.doors import Doors


async def test_rule_19_two_writers_at_once_make_one_deployment(world: Story) -> None:
    await world.accept()
    await world.accept(store="other")
    world.pin(api="1.1.0")
    refused: list[LeaseHeld] = []

    async def meanwhile() -> None:
        with pytest.raises(LeaseHeld) as held:
            await world.apply(store="other")
        refused.append(held.value)

    asked: list[object] = []

    def on_launch(event: object) -> None:
        if isinstance(event, Launched):
            asked.append(event)

    world.wrap = lambda doors: replace(doors, tell=on_launch)
    sleep = world.clock.sleep

    async def sleeping(seconds: float) -> None:
        await sleep(seconds)
        if asked and not refused:
            world.pin(jobs="1.1.0")  # work for the other one
            await meanwhile()

    world.clock.sleep = sleeping  # type: ignore[method-assign]
    report = await world.apply()

    assert len(refused) == 1
    assert "being worked on by process" in refused[0].message
    assert report.results["api"].done is Done.SUCCEEDED
    assert world.ours("api") == ["1.1.0"]


async def test_rule_19_a_lost_lease_starts_nothing_new_and_still_watches(world: Story) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, limits: {parallel: 1}"))
    await world.accept()
    await world.accept(store="other")
    world.pin(db="1.1.0", api="1.1.0")
    taken: list[int] = []

    def on_launch(event: object) -> None:
        world.events.append(event)  # type: ignore[arg-type]
        if isinstance(event, Launched) and not taken:
            # the remote forgets our lease, and another writer takes it
            git(world.remote, "update-ref", "-d", "refs/reconciler/lease/test")
            taken.append(1)

    world.wrap = lambda doors: replace(doors, tell=on_launch)
    sleep = world.clock.sleep

    async def long_sleep(seconds: float) -> None:
        await sleep(seconds * 20)  # each turn takes longer than the lease is renewed in

    world.clock.sleep = long_sleep  # type: ignore[method-assign]
    report = await world.apply()

    assert report.results["db"].done is Done.SUCCEEDED
    assert report.results["api"].done is Done.NOT_STARTED
    assert not report.recorded
    assert world.ours("api") == []


async def test_rule_24_a_receipt_another_writer_made_first_stands(world: Story) -> None:
    await world.accept()
    await world.accept(store="other")
    world.pin(api="1.1.0")
    hook = world.remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    refuse = "case $ref in refs/heads/audit) exit 1;; esac"
    hook.write_text(f"#!/bin/sh\nwhile read old new ref; do {refuse}; done\n")
    hook.chmod(0o755)
    assert not (await world.apply()).recorded
    hook.unlink()

    await world.apply(store="other")
    theirs = world.audit(world.receipts("api")[0])
    report = await world.apply()

    assert report.recorded
    assert len(world.receipts("api")) == 1
    assert world.audit(world.receipts("api")[0]) == theirs
    assert any(isinstance(e, Said) and "another writer" in e.text for e in world.events)


async def test_rule_29_reading_and_deploying_may_be_two_accounts(
    world: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTOPUS_STORY_DEPLOY_KEY", "API-SERVICE")
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-ADMINISTRATOR")
    world.edit(
        "spaces/shop.yaml",
        ("deploy: {env: OCTOPUS_STORY_KEY}", "deploy: {env: OCTOPUS_STORY_DEPLOY_KEY}"),
    )
    await world.accept()
    world.pin(api="1.1.0")

    report = await world.apply()

    assert report.results["api"].done is Done.SUCCEEDED
    deployed = [d for d in world.octopus.deployments("api", "Test") if d.version == "1.1.0"]
    assert [d.deployed_by for d in deployed] == ["reconciler"]
    assert not (await world.plan()).plan.has_work


async def test_history_goes_to_another_remote_where_one_is_set(
    world: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = world.folder / "history.git"
    git(world.folder, "init", "-q", "--bare", str(elsewhere))
    monkeypatch.setattr(world, "audit_remote", str(elsewhere))
    await world.accept()
    world.pin(api="1.1.0")

    await world.apply()

    assert world.audit_commits() == []
    assert "receipts" in git(elsewhere, "log", "--format=", "--name-only", "audit")
    assert git(elsewhere, "for-each-ref", "refs/reconciler/lease/test") != ""
    assert git(world.remote, "for-each-ref", "refs/reconciler") == ""


async def test_repositories_that_share_an_audit_branch_have_one_writer(world: Story) -> None:
    writers: Writers = {}

    def opened(repo: Path, branch: str = "audit") -> AbstractAsyncContextManager[Doors]:
        settings = Settings(
            state_dir=world.folder / "state",
            git=GitSettings(allow_local=True),
            audit=AuditSettings(remote=str(world.remote), branch=branch),
        )
        return open_doors(settings, str(repo), records=True, clock=world.clock, writers=writers)

    other = world.folder / "other.git"
    git(world.folder, "clone", "-q", "--bare", str(world.remote), str(other))
    async with (
        opened(world.remote) as one,
        opened(other) as two,
        opened(other, "history") as three,
    ):
        assert one.audit is two.audit
        assert one.gathering is two.gathering
        assert three.audit is not two.audit
        assert three.gathering is not two.gathering
