"""The daemon beside a git remote over smart HTTP that refuses, rewrites, vanishes and is slow."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from http_remote import HttpRemote
from story import git
from test_pause_stories import pause, unpause
from watching import daemon

from reconciler.core.condition import ConditionType
from reconciler.engine.accept import environments_rewritten
from reconciler.engine.events import Ended, Launched, Said
from reconciler.errors import StalePlan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from story import Story

TOKEN = "s3cret-t0ken"
HEADER = "Basic eC1hY2Nlc3MtdG9rZW46czNjcmV0LXQwa2Vu"

REFUSE_AUDIT = """#!/bin/sh
while read old new ref; do case $ref in refs/heads/audit) exit 1;; esac; done
"""


@pytest.fixture
def remote(world: Story) -> Iterator[HttpRemote]:
    """The world's remote over smart HTTP, for whoever has the token."""
    git(world.remote, "config", "http.receivepack", "true")
    server = HttpRemote(world.folder)
    server.manners.authorization = HEADER
    world.address, world.token = f"{server.url}/remote.git", TOKEN
    yield server
    server.close()


async def test_a_refused_token_is_told_and_asked_again_seldom_until_it_is_let_in(
    world: Story, remote: HttpRemote
) -> None:
    await world.accept()
    async with daemon(world) as running:
        await running.settles(2)
        told: list[object] = []
        running.supervisor.tell_trouble = told.append
        remote.manners.authorization = "Basic another"
        remote.manners.seen.clear()
        commit = world.pin(api="1.1.0")
        for _ in range(60):  # an hour
            await running.settles(2)

        assert len(remote.manners.seen) <= 13  # once in five minutes
        assert len(told) == 1
        assert running.supervisor.trouble is not None
        assert "refused our credential" in running.supervisor.trouble.message
        assert TOKEN not in running.supervisor.trouble.message
        assert world.ours("api") == []

        remote.manners.authorization = HEADER
        world.clock.turn(300.0)
        await running.settles(3)
        assert told[-1] is None
        assert world.runs("api") == "1.1.0"
        assert running.supervisor.statuses["test"].commit == commit


async def test_rule_26_records_a_hook_refuses_are_shown_pending_and_pushed_later_as_they_are(
    world: Story, remote: HttpRemote
) -> None:
    await world.accept()
    hook = world.remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    async with daemon(world) as running:
        await running.settles(2)
        hook.write_text(REFUSE_AUDIT)
        hook.chmod(0o755)
        world.pin(api="1.1.0")
        await running.settles(3)

        assert world.runs("api") == "1.1.0"
        assert world.receipts() == []
        queued = {q.path: q.content for q in running.supervisor.doors.journal.queued("test")}
        assert any(path.startswith("receipts/test/api/") for path in queued)
        assert running.supervisor.statuses["test"].pending == len(queued)
        assert any(isinstance(e, Said) and e.text.startswith("pending") for e in world.events)
        assert ConditionType.READY not in running.conditions()

        hook.unlink()
        world.clock.turn(300.0)
        await running.settles(3)
        (path,) = world.receipts("api")
        assert world.audit(path).encode() == queued[path].rstrip()
        assert world.ours("api") == ["1.1.0"]
        assert ConditionType.READY in running.conditions()
        assert running.supervisor.statuses["test"].pending == 0


async def test_rule_27_a_forced_push_freezes_until_its_full_hash_is_accepted(
    world: Story, remote: HttpRemote
) -> None:
    await world.accept()
    async with daemon(world) as running:
        await running.settles(2)
        git(world.work, "commit", "--amend", "-q", "-m", "Another beginning")
        git(world.work, "push", "-q", "--force", "origin", "HEAD:main")
        seen = git(world.work, "rev-parse", "HEAD")
        await running.settles(2)
        assert running.conditions() == {ConditionType.STALLED: "accept"}  # before it asks for any

        tip = world.pin(api="1.1.0", jobs="1.1.0")  # a commit on top opens nothing
        await running.settles(3)
        assert running.conditions() == {ConditionType.STALLED: "accept"}
        assert world.ours("jobs") == world.ours("api") == []

        doors = running.supervisor.doors
        with pytest.raises(StalePlan):
            await environments_rewritten(doors, seen)
        assert await environments_rewritten(doors, tip) == ("test",)
        await world.accept(rewritten=True)
        await running.settles(3)
        assert ConditionType.READY in running.conditions()
        assert world.ours("jobs") == world.ours("api") == ["1.1.0"]


async def test_rule_20_a_remote_that_takes_no_push_is_tried_less_and_less_often(
    world: Story, remote: HttpRemote
) -> None:
    await world.accept()
    async with daemon(world) as running:
        await running.settles(2)
        remote.manners.status, remote.manners.at = 503, "git-receive-pack"
        remote.manners.seen.clear()
        world.pin(api="1.1.0")
        await running.settles(6)
        failures = running.supervisor.statuses["test"].failures
        pushes = [path for _, path, _ in remote.manners.seen if "receive-pack" in path]
        assert failures == 5  # in three minutes: after 5, 10, 20, 40 s and so on
        assert len(pushes) <= 2 * failures
        assert running.conditions() == {ConditionType.RECONCILING: "RemoteUnreachable"}
        assert world.ours("api") == []

        remote.manners.status = None
        world.clock.turn(300.0)
        await running.settles(3)
        assert world.runs("api") == "1.1.0"
        assert running.supervisor.statuses["test"].failures == 0


@pytest.mark.parametrize(
    "is_refused", [True, pytest.param(False, marks=pytest.mark.proof)], ids=["refused", "404"]
)
async def test_rule_19_a_remote_that_vanishes_in_a_pass_ends_the_lease_and_not_the_watching(
    world: Story, remote: HttpRemote, *, is_refused: bool
) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, limits: {parallel: 1}"))
    await world.accept()
    world.octopus.world.task_seconds = 150.0
    told: list[object] = []

    def tell(event: object) -> None:
        told.append(event)
        if isinstance(event, Launched) and event.action.cell == "db":
            if is_refused:
                remote.close()
            else:
                remote.manners.status = 404
            world.clock.turn(140.0)  # most of the task's time, and more than the lease's

    world.wrap = lambda doors: replace(doors, tell=tell)
    async with daemon(world) as running:
        await running.settles(1)
        world.pin(db="1.1.0", api="1.1.0", jobs="1.1.0")
        await running.settles(4)

        assert [e.action.cell for e in told if isinstance(e, Launched)] == ["db"]
        assert [e.cell for e in told if isinstance(e, Ended)] == ["db"]
        assert world.runs("db") == "1.1.0"
        assert running.supervisor.trouble is not None
        assert running.conditions()[ConditionType.RECONCILING] == "RecordsPending"
        assert world.receipts() == []
        queued = {q.path: q.content for q in running.supervisor.doors.journal.queued("test")}

        world.octopus.world.task_seconds = 20.0
        if is_refused:
            remote.open()
        remote.manners.status = None
        await running.settles(4)
        world.clock.turn(300.0)
        await running.settles(3)
        assert running.supervisor.trouble is None
        assert ConditionType.READY in running.conditions()
    for component in ("db", "api", "jobs"):
        assert world.ours(component) == ["1.1.0"]
        assert len(world.receipts(component)) == 1
    (path,) = world.receipts("db")
    assert world.audit(path).encode() == queued[path].rstrip()


class Meanwhile(threading.Event):
    """What happens while the remote takes its time over a request, each time it does."""

    def __init__(self, happens: Callable[[], None]) -> None:
        super().__init__()
        self._happens = happens

    def wait(self, timeout: float | None = None) -> bool:
        self._happens()
        return True


async def test_rule_21_a_pause_that_comes_during_a_slow_push_is_heard_before_the_next_request(
    world: Story, remote: HttpRemote
) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, limits: {parallel: 1}"))
    await world.accept()
    world.octopus.world.task_seconds = 40.0
    pushes: list[int] = []

    def ann_pauses() -> None:
        if world.ours("db") and not pushes:
            pushes.append(len(world.ours("db")))
            pause(world)

    remote.manners.hang, remote.manners.at = Meanwhile(ann_pauses), "/git-receive-pack"
    async with daemon(world) as running:
        await running.settles(1)
        world.pin(db="1.1.0", api="1.1.0", jobs="1.1.0")
        await running.settles(2)
        assert pushes == [1]
        assert world.ours("api") == world.ours("jobs") == []
        assert len(world.receipts("db")) == 1
        assert running.conditions() == {ConditionType.STALLED: "paused"}

        unpause(world)
        world.octopus.world.task_seconds = 2.0
        await running.settles(4)
        assert ConditionType.READY in running.conditions()
    for component in ("db", "api", "jobs"):
        assert world.ours(component) == ["1.1.0"]
        assert len(world.receipts(component)) == 1


async def test_rule_24_an_audit_branch_from_a_backup_is_told_and_nothing_starts_until_it_is_whole(
    world: Story,
) -> None:
    await world.accept()
    async with daemon(world) as running:
        world.pin(api="1.1.0")
        await running.settles(3)
        receipts, tip = world.receipts(), git(world.remote, "rev-parse", "audit")
        git(world.remote, "update-ref", "refs/heads/audit", "audit~1")
        world.pin(jobs="1.1.0")
        await running.settles(2)
        assert running.supervisor.trouble is not None
        assert tip[:12] in running.supervisor.trouble.message
        assert world.ours("jobs") == []

        words = running.supervisor.trouble.hint.partition("put it back: git ")[2].partition(" (")
        git(world.folder, *words[0].split())
        world.clock.turn(300.0)
        await running.settles(3)
        assert running.supervisor.trouble is None
        assert world.ours("jobs") == ["1.1.0"]
        assert set(receipts) < set(world.receipts())
