"""The daemon on a turned clock: it watches, reconciles, and leaves alone what it should."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from between import Between, at_audit, at_octopus
from story import git
from watching import daemon

from reconciler.core.condition import ConditionType
from reconciler.daemon import supervisor
from reconciler.daemon.backoff import Timing, wait_after
from reconciler.engine.accept import accept_environment
from reconciler.engine.events import Launched, Said
from reconciler.errors import Disposition, GitTrouble

if TYPE_CHECKING:
    from story import Story

    from reconciler.core.condition import EnvironmentStatus
    from reconciler.core.manifest import Space
    from reconciler.engine.doors import Doors


def with_production(world: Story) -> None:
    """Push a second environment; it pins nothing."""
    other = (world.work / "environments/test.yaml").read_text()
    other = other.replace("name: test", "name: production").replace(
        "environment: Test", "environment: Production"
    )
    world.push({"environments/production.yaml": other.split("  components:")[0]})


async def test_a_commit_is_applied_by_itself_after_the_environment_was_accepted(
    world: Story,
) -> None:
    await world.accept()
    async with daemon(world) as running:
        await running.settles()
        assert ConditionType.READY in running.conditions()

        world.pin(db="1.1.0", api="1.1.0")
        await running.settles()

        assert world.runs("api") == "1.1.0"
        assert ConditionType.READY in running.conditions()
        assert len(world.receipts()) == 2


async def test_what_runs_is_shown_while_it_runs_and_when_it_is_looked_at_next(
    world: Story,
) -> None:
    await world.accept()
    world.pin(db="1.1.0", jobs="1.1.0")
    told: list[EnvironmentStatus] = []
    async with daemon(world) as running:
        running.supervisor.keep = told.append
        await running.settles(2)

        shown = [[(r.component, r.state) for r in status.running] for status in told]
        assert shown[0] == []
        assert [("db", "Queued"), ("jobs", "Queued")] in shown
        assert [("db", "Executing"), ("jobs", "Executing")] in shown
        assert shown[-1] == []
        first = next(status.running[0] for status in told if status.running)
        assert all(r.since == first.since for s in told for r in s.running if r.task == first.task)
        status = running.supervisor.statuses["test"]
        assert status.looked is not None
        assert status.next_look is not None
        assert (status.next_look - status.looked).total_seconds() == Timing().full_look


async def test_rule_10_the_daemon_only_observes_what_nobody_accepted(world: Story) -> None:
    world.pin(api="1.1.0")
    async with daemon(world) as running:
        await running.settles()
        assert running.conditions() == {ConditionType.STALLED: "accept"}
        assert world.ours("api") == []

        await world.accept()
        await running.settles()
        assert world.runs("api") == "1.1.0"


async def test_an_acceptance_in_the_store_shows_at_the_next_look_though_no_tip_moves(
    world: Story,
) -> None:
    world.pin(api="1.1.0")
    late: list[tuple[Any, Any]] = []

    def keep_back(accept: Any, accepted: Any) -> None:
        late.append((accept, accepted))

    async with daemon(world) as running:
        await running.settles(1)
        world.wrap = lambda doors: replace(doors, journal=Between(doors.journal, accept=keep_back))
        async with world.doors() as beside:
            await accept_environment(beside, "test")  # the remote has it, the store not yet
            await running.settles(2)
            assert world.ours("api") == []
            ((accept, accepted),) = late
            accept(accepted)
            await running.settles(2)

        assert world.ours("api") == ["1.1.0"]


async def test_a_commit_that_comes_while_a_pass_ends_is_not_left_until_the_next_full_look(
    world: Story,
) -> None:
    await world.accept()
    loop = asyncio.get_running_loop()
    pushed: list[str] = []

    def publish(real: Any, entries: Any) -> Any:
        if not pushed:
            pushed.append(world.pin(jobs="1.1.0"))
            world.clock.turn(31.0)
            asyncio.run_coroutine_threadsafe(running.supervisor.tick(), loop).result(60)
        return real(entries)

    at_audit(world, publish=publish)
    async with daemon(world) as running:
        world.octopus.deploy("api", "1.1.0", "Test", by="alice")  # a pass records it, no more
        world.octopus.advance(60)
        await running.settles(2)

    assert world.ours("jobs") == ["1.1.0"]


async def test_a_mirror_that_is_removed_while_the_daemon_runs_is_made_anew(world: Story) -> None:
    await world.accept()
    async with daemon(world) as running:
        await running.settles(2)
        shutil.rmtree(world.folder / "state" / "mirrors")  # as the hint of a damaged one says
        await world.accept(store="other")  # the audit branch moves on
        running.supervisor.wake("test")
        await running.settles(1)
        assert running.conditions() == {ConditionType.STALLED: "GitTrouble"}

        await running.settles(12)
        assert running.conditions() == {ConditionType.READY: "InSync"}


async def test_rule_47_a_server_that_hangs_holds_up_no_environment_of_another_space(
    world: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LATE", 0.05)
    space = (world.work / "spaces/shop.yaml").read_text().replace("name: shop", "name: far")
    world.push({"spaces/far.yaml": space})
    with_production(world)
    world.edit("environments/production.yaml", ("space: shop", "space: far"))
    await world.accept()
    answers = asyncio.Event()

    async def hang(look: Any, *known: Any, **more: Any) -> Any:
        await answers.wait()
        return await look(*known, **more)

    def wrap(doors: Doors) -> Doors:
        def octopus(space: Space) -> Any:
            near = doors.octopus(space)
            return Between(near, look=hang) if space.name == "far" else near

        return replace(doors, octopus=octopus)

    world.wrap = wrap
    async with daemon(world) as running:
        async with asyncio.timeout(30):
            await running.settles(2)
            world.pin(jobs="1.1.0")
            await running.settles(3)
        assert world.ours("jobs") == ["1.1.0"]
        assert "production" not in running.supervisor.statuses

        answers.set()
        await running.settles(3)
        assert ConditionType.READY in running.conditions("production")


async def test_a_look_that_hangs_is_cut_short_by_the_end(
    world: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LATE", 0.05)
    begun, ended = asyncio.Event(), list[str]()

    async def hang(look: Any, *known: Any, **more: Any) -> Any:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cut short")

    at_octopus(world, look=hang)
    async with daemon(world) as running:
        await running.supervisor.tick()
        await begun.wait()
        running.supervisor.stop()
        await asyncio.sleep(0)

        assert ended == ["cut short"]


async def test_idle_days_cost_a_constant_number_of_requests_and_no_commit(world: Story) -> None:
    await world.accept()
    async with daemon(world) as running:
        await running.settles()
        commits = world.audit_commits()
        lease = git(world.remote, "rev-parse", "refs/reconciler/lease/test")
        counts = set()
        for _ in range(20):
            world.octopus.forget_requests()
            running.supervisor.wake("test")
            await running.settles(1)
            counts.add(len(world.octopus.requests))

    assert len(counts) == 1
    assert world.audit_commits() == commits
    assert git(world.remote, "rev-parse", "refs/reconciler/lease/test") == lease


async def test_the_remotes_are_asked_as_often_as_the_timing_says(
    world: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.accept()
    async with daemon(world) as running:
        asked = 0
        repository = running.supervisor.doors.repository
        tip = repository.tip

        def counted() -> str:
            nonlocal asked
            asked += 1
            return tip()

        monkeypatch.setattr(repository, "tip", counted)
        for _ in range(90):
            await running.supervisor.tick()
            while running.tasks:
                await running.tasks.pop()
            world.clock.turn(1.0)

    assert asked == 3


async def test_mirrors_are_packed_beside_the_looks_and_a_failure_stops_nothing(
    world: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.accept()
    async with daemon(world) as running:
        packed: list[str] = []
        doors = running.supervisor.doors

        def fails(*_: object) -> bool:
            packed.append("manifests")
            raise GitTrouble("the mirror could not be packed", hint="make space")

        monkeypatch.setattr(doors.repository, "pack", fails)
        monkeypatch.setattr(doors.audit, "pack", lambda *_: packed.append("audit"))
        await running.settles(6)
        assert packed == ["manifests", "audit"]
        world.clock.turn(3600.0)
        await running.settles(6)

        assert packed == ["manifests", "audit"] * 2
        assert ConditionType.READY in running.conditions()
        said = [event.text for event in world.events if isinstance(event, Said)]
        assert said.count("the mirror could not be packed; it is tried again in a day") == 2


async def test_an_environment_that_git_no_longer_names_is_shown_no_more(world: Story) -> None:
    await world.accept()
    async with daemon(world) as running:
        await running.settles()
        world.octopus.forget_requests()
        git(world.work, "rm", "-q", "environments/test.yaml")
        world.push({})
        await running.settles()

        assert "test" not in running.supervisor.statuses
        assert [seen for seen in world.octopus.requests if seen.method != "GET"] == []


async def test_an_environment_that_another_repository_has_too_is_left_alone(world: Story) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    async with daemon(world) as running:
        running.supervisor.rival = lambda name: "other.git" if name == "test" else ""
        await running.settles()

        assert running.conditions() == {ConditionType.STALLED: "NamedTwice"}
        assert world.ours("api") == []


async def test_drift_by_a_person_is_seen_at_the_next_full_look_and_held(world: Story) -> None:
    await world.accept()
    async with daemon(world) as running:
        await running.settles()
        world.octopus.deploy("api", "1.1.0", "Test", by="alice")
        world.octopus.advance(60)
        world.clock.turn(400.0)
        await running.settles()

        found = running.conditions()
        assert found[ConditionType.HELD] == "HeldByHand"
        assert found[ConditionType.DRIFTED] == "NotAskedFor"
        assert world.runs("api") == "1.1.0"


async def test_rule_4_a_broken_environment_stalls_alone(world: Story) -> None:
    with_production(world)
    await world.accept()
    await world.accept("production")
    async with daemon(world) as running:
        await running.settles()
        world.edit("environments/production.yaml", ("stack: platform", "stack: nowhere"))
        world.pin(api="1.1.0")
        await running.settles()

        assert ConditionType.STALLED in running.conditions("production")
        assert ConditionType.READY in running.conditions("test")
        assert world.runs("api") == "1.1.0"


@pytest.mark.parametrize("meanwhile", [False, True])
async def test_rule_4_a_file_nobody_can_read_keeps_no_commit_from_another_environment(
    world: Story, *, meanwhile: bool
) -> None:
    with_production(world)
    await world.accept()
    await world.accept("production")
    async with daemon(world) as running:
        if not meanwhile:
            await running.settles()
        world.push({"environments/production.yaml": "a: [\n"})
        world.pin(api="1.1.0")
        await running.settles()

        assert world.runs("api") == "1.1.0"
        if not meanwhile:
            assert running.conditions("production") == {ConditionType.STALLED: "Invalid"}


async def test_rule_4_a_file_that_stays_unreadable_stops_its_own_environment_only(
    world: Story,
) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, limits: {parallel: 1}"))
    with_production(world)
    await world.accept()
    await world.accept("production")
    world.push({"environments/production.yaml": "a: [\n"})
    async with daemon(world) as running:
        for version in ("1.1.0", "2.0.0"):
            world.pin(api=version)  # the commit before is accepted by now, and broken as well
            await running.settles()
            assert world.runs("api") == version
    async with daemon(world) as again:
        world.octopus.fail_next("jobs", "1.1.0", "Test")
        world.pin(db="1.1.0", jobs="1.1.0", mail="1.1.0")
        await again.settles()

        assert world.runs("db") == "1.1.0"
        assert world.runs("mail") == "1.0.0"  # rule 18 holds by the commit's own manifests
        assert again.conditions("production") == {ConditionType.STALLED: "Invalid"}


async def test_rule_20_a_server_that_is_down_is_asked_less_and_less_often(world: Story) -> None:
    await world.accept()
    async with daemon(world) as running:
        await running.settles()
        world.octopus.fault("status", path="/api", status=500, count=None)
        running.supervisor.wake("test")
        await running.settles(2)
        assert running.conditions() == {ConditionType.RECONCILING: "Unreachable"}

        world.octopus.clear_faults()
        world.clock.turn(600.0)
        await running.settles()
        assert ConditionType.READY in running.conditions()


async def test_rule_31_a_refused_key_stalls_the_environment_and_says_so(world: Story) -> None:
    await world.accept()
    async with daemon(world) as running:
        world.octopus.fault("status", path="/api", status=401, count=None)
        await running.settles(2)
        assert running.conditions() == {ConditionType.STALLED: "CredentialRefused"}


@pytest.mark.parametrize("refused", [False, True])
async def test_a_failed_deployment_is_one_condition_from_its_pass_on_until_git_asks_anew(
    world: Story, *, refused: bool
) -> None:
    await world.accept()
    told: list[EnvironmentStatus] = []
    async with daemon(world) as running:
        await running.settles(1)
        running.supervisor.keep = told.append
        if refused:
            world.octopus.fault(
                "status", method="POST", path="/deployments$", status=400, count=None
            )
        else:
            world.octopus.fail_next("api", "1.1.0", "Test")
        world.pin(api="1.1.0")
        await running.settles(3)
        for _ in range(2):
            world.clock.turn(400.0)
            await running.settles(1)

        stalls = [
            [(c.reason, c.since) for c in status.conditions if c.type is ConditionType.STALLED]
            for status in told
        ]
        begun = next(n for n, found in enumerate(stalls) if found)
        assert stalls[begun][0][0] == "DeploymentFailed"
        assert len(stalls) > begun + 2
        assert all(found == stalls[begun] for found in stalls[begun:])
        world.octopus.clear_faults()
        world.pin(api="2.0.0")
        await running.settles(3)

        assert running.conditions() == {ConditionType.READY: "InSync"}


async def test_a_remote_that_is_down_is_waited_for(world: Story) -> None:
    await world.accept()
    async with daemon(world) as running:
        await running.settles()
        hidden = world.remote.rename(world.folder / "away.git")
        told: list[object] = []
        running.supervisor.tell_trouble = told.append
        await running.settles(2)
        assert told == [running.supervisor.trouble]
        assert running.supervisor.trouble is not None
        hidden.rename(world.remote)
        world.pin(api="1.1.0")
        world.clock.turn(600.0)
        await running.settles()

        assert running.supervisor.trouble is None
        assert world.runs("api") == "1.1.0"


def test_waits_after_failures_grow_and_are_bounded() -> None:
    timing = Timing()
    waits = [wait_after(timing, Disposition.RETRY, n, lambda: 0.5) for n in range(1, 30)]

    assert waits == sorted(waits)
    assert waits[0] == timing.first_retry
    assert waits[-1] == timing.last_retry
    assert wait_after(timing, None, 0, lambda: 1.0) == timing.full_look * (1 + timing.spread)
    assert wait_after(timing, Disposition.STALL, 1, lambda: 0.0) == timing.full_look * (
        1 - timing.spread
    )


async def test_a_clean_end_finishes_what_runs_and_starts_nothing_new(world: Story) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, limits: {parallel: 1}"))
    await world.accept()
    world.pin(db="1.1.0", api="1.1.0")
    halted: list[str] = []

    def on_launch(event: object) -> None:
        if isinstance(event, Launched):
            halted.append("the daemon is being stopped")

    world.wrap = lambda doors: replace(
        doors, tell=on_launch, halted=lambda: halted[0] if halted else ""
    )
    async with daemon(world) as running:
        await running.settles(1)
        running.supervisor.stop()
        await running.settles()

    assert world.runs("db") == "1.1.0"
    assert len(world.receipts("db")) == 1
    assert world.ours("api") == []


async def test_what_a_killed_daemon_began_is_finished_by_the_next(world: Story) -> None:
    await world.accept()
    world.octopus.fault("lost_answer_after", method="POST", path="/deployments$")
    world.octopus.fault("status", method="GET", path="/deployments$", status=404, count=1)
    world.pin(api="1.1.0")
    async with daemon(world) as first:
        await first.settles(1)
    async with daemon(world) as second:
        await second.settles()
        assert ConditionType.READY in second.conditions()

    assert world.ours("api") == ["1.1.0"]
    assert len(world.receipts("api")) == 1


async def test_rule_10_a_store_lost_while_nothing_runs_is_rebuilt_and_holds_until_accepted(
    world: Story,
) -> None:
    await world.accept()
    async with daemon(world) as before:
        world.pin(api="1.1.0")
        await before.settles(3)
    shutil.rmtree(world.folder / "state")
    world.pin(api="1.1.0", jobs="1.1.0")

    async with daemon(world) as after:
        await after.settles(3)
        assert after.conditions() == {ConditionType.STALLED: "accept"}
        assert world.ours("jobs") == []
        links = after.supervisor.doors.journal.links("test")
        assert [(link.project, link.version) for link in links] == [("api", "1.1.0")]

        await world.accept()
        await after.settles(3)
        assert after.conditions() == {ConditionType.READY: "InSync"}

    assert (world.ours("api"), world.ours("jobs")) == (["1.1.0"], ["1.1.0"])
    assert (len(world.receipts("api")), len(world.receipts("jobs"))) == (1, 1)


async def test_rule_19_two_daemons_on_one_remote_deploy_once(world: Story) -> None:
    await world.accept()
    await world.accept(store="other")
    world.pin(api="1.1.0", jobs="1.1.0")
    async with daemon(world) as one, daemon(world, "other") as other:
        for _ in range(4):
            await asyncio.gather(one.supervisor.tick(), other.supervisor.tick())
            work = [*one.tasks, *other.tasks]
            one.tasks.clear()
            other.tasks.clear()
            await asyncio.gather(*work)
            world.clock.turn(31.0)

    assert world.ours("api") == ["1.1.0"]
    assert world.ours("jobs") == ["1.1.0"]
    assert len(world.receipts()) == 2
