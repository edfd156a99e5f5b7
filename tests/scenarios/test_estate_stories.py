"""Fifty environments side by side: a day of commits, and a remote that is slow."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from http_remote import HttpRemote
from many import COMPONENTS, VERSIONS, SharedClock, files_of, manifest, names_of, path_of, seed_of
from story import git, story

from reconciler.core.condition import ConditionType
from reconciler.daemon.backoff import Timing
from reconciler.daemon.service import Service
from reconciler.daemon.supervisor import Supervisor
from reconciler.errors import RemoteUnreachable
from reconciler.git.audit import GitAudit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from story import Story

    from reconciler.core.condition import EnvironmentStatus

DAY = 86_400.0
PUSHES = 40
TIMING = Timing(poll=300.0, full_look=3600.0)


class People:
    """Who commits pins, and what they have pinned in each cell, in order."""

    def __init__(self, world: Story, names: tuple[str, ...]) -> None:
        self.world = world
        self.names = names
        self.chance = random.Random(20261120)
        self.pins = {name: dict.fromkeys(COMPONENTS, 0) for name in names}
        self.asked: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.commits = 0
        self._deck: list[str] = []

    def push(self) -> None:
        """Push one to three commits at once, each of which moves one or two environments."""
        touched: set[str] = set()
        for _ in range(self.chance.randint(1, 3)):
            for name in self._some(touched):
                for component in self.chance.sample(COMPONENTS, self.chance.randint(1, 2)):
                    self.pins[name][component] += 1
                    self.asked[name, component].append(VERSIONS[self.pins[name][component]])
                versions = {c: VERSIONS[n] for c, n in self.pins[name].items()}
                text = manifest(name, versions).lstrip()
                (self.world.work / path_of(name)).write_text(text)
            git(self.world.work, "commit", "-q", "--all", "-m", "Pin")
            self.commits += 1
        git(self.world.work, "push", "-q", "origin", "HEAD:main")

    def _some(self, touched: set[str]) -> list[str]:
        if len(self._deck) < 10:
            self._deck += self.chance.sample(self.names, len(self.names))
        some = [n for n in dict.fromkeys(self._deck) if n not in touched]
        some = some[: self.chance.randint(1, 2)]
        for name in some:
            self._deck.remove(name)
            touched.add(name)
        return some


@pytest.mark.proof
@pytest.mark.timeout(900)
async def test_a_day_of_commits_to_fifty_environments_deploys_every_pin_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    names, clock = names_of(50), SharedClock()
    with story(tmp_path, seed_of(names), files_of(names), clock) as world:
        world.wrap = clock.stands_for(monkeypatch)
        passes: set[asyncio.Task[None]] = set()
        began = 0

        def start(work: object) -> None:
            nonlocal began
            began += 1
            task = asyncio.ensure_future(work)  # type: ignore[call-overload]
            passes.add(task)
            task.add_done_callback(passes.discard)

        people = People(world, names)
        async with world.doors() as doors:
            supervisor = Supervisor(doors, TIMING, start=start)
            turning = asyncio.create_task(clock.turns())
            end = clock.monotonic() + DAY
            moments = sorted(people.chance.uniform(1200.0, DAY - 3600.0) for _ in range(PUSHES))
            first = 0
            while clock.monotonic() < end:
                await supervisor.tick()
                await clock.sleep(15.0)
                if not first and clock.monotonic() > end - DAY + 1000.0:
                    first, began = len(world.audit_commits()), 0
                    world.octopus.forget_requests()
                while moments and end - DAY + moments[0] <= clock.monotonic():
                    people.push()
                    moments.pop(0)
            await asyncio.gather(*passes)
            turning.cancel()
            statuses = supervisor.statuses

        made = 0
        for name in names:
            assert statuses[name].has(ConditionType.READY), statuses[name]
            for component in COMPONENTS:
                asked = people.asked[name, component]
                made += len(asked)
                assert world.ours(component, name) == asked
                assert len(world.receipts(component, name)) == len(asked)
        refs = git(world.remote, "for-each-ref", "--format=%(refname)").splitlines()
        requests = world.octopus.requests
        assert set(refs) == {
            "refs/heads/main",
            "refs/heads/audit",
            *(f"refs/reconciler/lease/{name}" for name in names),
        }
        assert sum(seen.method != "GET" for seen in requests) == made
        assert len(world.audit_commits()) - first <= 2 * began
        assert len(requests) <= 6 * 24 * len(names) + 60 * made  # hourly looks, and passes
    assert people.commits > 60
    assert made > 100


@dataclass
class Estate:
    """Some environments, and their daemon on a clock that many sleep on."""

    world: Story
    clock: SharedClock
    supervisor: Supervisor
    names: tuple[str, ...]
    passes: list[asyncio.Task[None]]

    def pin_api(self, number: int) -> None:
        """Pin one version in all environments, by one commit."""
        pins = {"db": VERSIONS[0], "api": VERSIONS[number], "web": VERSIONS[0]}
        self.world.push({path_of(name): manifest(name, pins) for name in self.names})

    async def settles(self) -> int:
        """Look, and wait for the passes; return how many commits that was recorded in."""
        before = len(self.world.audit_commits())
        await self.supervisor.tick()
        while self.passes:
            await self.passes.pop()
        await self.clock.sleep(1.3 * TIMING.full_look)
        return len(self.world.audit_commits()) - before

    def are_ready(self) -> bool:
        return all(s.has(ConditionType.READY) for s in self.supervisor.statuses.values())


@asynccontextmanager
async def estate(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> AsyncIterator[Estate]:
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    names, clock = names_of(number), SharedClock()
    passes: list[asyncio.Task[None]] = []
    with story(folder, seed_of(names), files_of(names), clock) as world:
        world.wrap = clock.stands_for(monkeypatch)
        async with world.doors() as doors:
            supervisor = Supervisor(
                doors, TIMING, start=lambda work: passes.append(asyncio.ensure_future(work))
            )
            turning = asyncio.create_task(clock.turns())
            yield Estate(world, clock, supervisor, names, passes)
            turning.cancel()


@pytest.mark.parametrize("number", [6, pytest.param(20, marks=pytest.mark.proof)])
async def test_a_commit_to_many_environments_is_recorded_in_a_few_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    async with estate(tmp_path, monkeypatch, number) as many:
        accepted = await many.settles()
        many.pin_api(1)
        moved = await many.settles()
        idle = await many.settles() + await many.settles()

        assert {len(many.world.receipts("api", name)) for name in many.names} == {1}
        assert many.are_ready()
        assert (accepted <= 3, moved <= 3, idle) == (True, True, 0), (accepted, moved)
        assert many.world.audit_commits()[0].endswith(" environments [skip ci]")
        assert many.world.audit("state.json").count('"accepted"') == number


async def test_environments_share_the_servers_slots_and_a_slow_one_starves_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with estate(tmp_path, monkeypatch, 4) as many:
        await many.settles()
        octopus, engine = many.world.octopus, many.world.octopus.world.engine
        engine.slots = 3  # one of them for people
        octopus.stick("api", VERSIONS[1], "e01")
        many.pin_api(1)
        await many.supervisor.tick()
        at_once = 0
        while any(octopus.running("api", name) != VERSIONS[1] for name in many.names[1:]):
            at_once = max(at_once, len(engine.active))
            await many.clock.sleep(2.0)
        assert octopus.running("api", "e01") == VERSIONS[0]
        octopus.finish("api", "e01")
        for each in many.passes:
            await each

    assert at_once == 2
    assert octopus.running("api", "e01") == VERSIONS[1]


async def test_rule_26_what_many_passes_could_not_push_is_pushed_together_without_new_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = RemoteUnreachable("the remote did not answer", hint="look at the network")
    async with estate(tmp_path, monkeypatch, 6) as many:
        await many.settles()
        many.pin_api(1)
        with monkeypatch.context() as patched:
            patched.setattr(GitAudit, "publish", lambda _, entries: (away,) * len(entries))
            assert await many.settles() == 0
            journal, statuses = many.supervisor.doors.journal, many.supervisor.statuses
            kept = {q.path: q.content for name in many.names for q in journal.queued(name)}
            queued = [len(journal.queued(name)) for name in many.names]
            assert [statuses[name].pending for name in many.names] == queued
            assert sum(path.startswith("receipts/") for path in kept) == 6
            assert not many.are_ready()
        asked = [seen for seen in many.world.octopus.requests if seen.method == "POST"]

        assert await many.settles() < 6
        assert {p: many.world.audit(p).encode() for p in kept} == {
            path: content.rstrip() for path, content in kept.items()
        }
        assert [statuses[name].pending for name in many.names] == [0] * 6
        assert many.are_ready()
        assert asked == [seen for seen in many.world.octopus.requests if seen.method == "POST"]
        assert len(asked) == 6


async def test_rule_47_a_remote_that_hangs_holds_up_no_other_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    names, state = names_of(12), str(tmp_path / "state")
    for folder in ("slow", "other"):
        (tmp_path / folder).mkdir()
    with (
        story(tmp_path / "slow", seed_of(names), files_of(names)) as slow,
        story(tmp_path / "other") as other,
    ):
        await other.accept(store=state)
        commit = other.pin(api="1.1.0")
        git(slow.remote, "config", "http.receivepack", "true")
        remote = HttpRemote(slow.folder)
        slow.address = f"{remote.url}/remote.git"
        remote.manners.hang, remote.manners.at = threading.Event(), "git-receive-pack"
        service, done = Service(slow.clock), asyncio.Event()

        def keep(status: EnvironmentStatus) -> None:
            if status.commit == commit and status.has(ConditionType.READY):
                done.set()

        async with slow.doors(state) as one, other.doors(state) as two:
            service.supervisors["slow"] = Supervisor(one, Timing(), service.start)
            service.supervisors["other"] = Supervisor(two, Timing(), service.start, keep)
            running = asyncio.create_task(service.run())
            try:
                await asyncio.wait_for(done.wait(), 20)
                hung = service.supervisors["slow"].passing
            finally:
                remote.manners.status = 503  # or each of them would go on now
                remote.manners.hang.set()
                service.stop()
                await running
                remote.close()

        assert hung == set(names)
        assert other.ours("api") == ["1.1.0"]
