"""Signed commits are required: what the daemon, a pass and a person who accepts make of them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from story import git
from watching import daemon

from reconciler.core.condition import ConditionType
from reconciler.core.gate import GateName
from reconciler.errors import GateClosed

if TYPE_CHECKING:
    from pathlib import Path

    from story import Story


@pytest.fixture
def signing(world: Story) -> Path:
    """Let Ann sign, and require it; return her key. What is pushed already is not signed."""
    key = world.folder / "ann"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]
    subprocess.run(command, check=True, capture_output=True)
    signers = world.folder / "signers"
    signers.write_text(f"ann@example.org {key.with_suffix('.pub').read_text()}")
    world.allowed_signers = signers
    git(world.work, "config", "gpg.format", "ssh")
    git(world.work, "config", "user.signingkey", str(key))
    sign(world)
    return key


def sign(world: Story, *, on: bool = True) -> None:
    git(world.work, "config", "commit.gpgsign", str(on).lower())


async def test_rule_28_the_daemon_applies_signed_commits_and_stops_at_an_unsigned_one(
    world: Story, signing: Path
) -> None:
    world.push({}, "Signed")
    await world.accept()
    async with daemon(world) as running:
        world.pin(api="1.1.0")
        await running.settles()
        assert world.runs("api") == "1.1.0"
        accepted = git(world.work, "rev-parse", "HEAD")

        sign(world, on=False)
        unsigned = world.pin(jobs="1.1.0")
        sign(world)
        world.pin(mail="1.1.0")
        await running.settles()

        assert running.conditions() == {ConditionType.STALLED: "unsigned"}
        (blocked,) = running.supervisor.statuses["test"].conditions
        assert unsigned[:12] in blocked.message
        assert world.ours("jobs") == world.ours("mail") == []

        git(world.work, "rebase", "-q", "--exec", "git commit -q --amend --no-edit -S", accepted)
        world.push({}, "Signed again", force=True)
        await running.settles()

        assert ConditionType.READY in running.conditions()
        assert world.runs("jobs") == world.runs("mail") == "1.1.0"


async def test_rule_28_no_person_accepts_past_an_unsigned_commit(
    world: Story, signing: Path
) -> None:
    with pytest.raises(GateClosed, match="has no SSH signature"):
        await world.accept()

    tip = world.push({}, "Signed")
    await world.accept()
    sign(world, on=False)
    git(world.work, "commit", "-q", "--amend", "--allow-empty", "-m", "Rewritten")
    world.push({}, "Another", force=True)
    with pytest.raises(GateClosed, match="nothing was accepted"):
        await world.accept(rewritten=True)

    assert tip in world.audit("state.json")


async def test_rule_28_an_unsigned_commit_without_work_is_not_accepted_by_itself(
    world: Story, signing: Path
) -> None:
    tip = world.push({}, "Signed")
    await world.accept()
    sign(world, on=False)
    world.push({"README.md": "Nothing to deploy here."})
    sign(world)
    world.push({"README.md": "Nothing here either."})

    report = await world.apply()

    assert [gate.name for gate in report.planned.stopped] == [GateName.UNSIGNED]
    assert tip in world.audit("state.json")


async def test_rule_11_signers_that_cannot_be_read_hold_everything_until_they_can(
    world: Story, signing: Path
) -> None:
    world.push({}, "Signed")
    await world.accept()
    signers = world.folder / "signers"
    content = signers.read_text()
    async with daemon(world) as running:
        signers.unlink()
        world.pin(api="1.1.0")
        await running.settles()
        assert running.conditions() == {ConditionType.STALLED: "unsigned"}
        assert world.ours("api") == []

        signers.write_text(content)
        await running.settles()
        assert world.runs("api") == "1.1.0"
