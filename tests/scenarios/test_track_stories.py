"""Pins that track a channel: the daemon, or a person, proposes its newest release once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from story import git
from watching import daemon

from reconciler.core.edit import Person
from reconciler.daemon.backoff import Timing
from reconciler.daemon.tracking import Tracker
from reconciler.engine.edit import Asked, shared_branches
from reconciler.engine.track import track_asked
from reconciler.errors import GitTrouble

if TYPE_CHECKING:
    from story import Story
    from watching import Daemon

    from reconciler.engine.edit import Edited

ASKED = Asked(Person("Ann Author", "ann@example.org"))
TEST = "environments/test.yaml"
TRACKED = "api: {version: '1.0.0', track: Default}"


def branches(world: Story) -> list[str]:
    found = git(world.remote, "for-each-ref", "--format=%(refname:short)", "refs/heads/reconciler")
    return [name for name in found.split() if name.startswith("reconciler/track/")]


async def ask(world: Story) -> Edited:
    async with world.doors() as doors:
        return await track_asked(doors, ASKED, "test")


def follows(running: Daemon, *, straight: bool = False) -> None:
    """Let a daemon follow channels at each of its looks."""
    supervisor = running.supervisor
    asked = Asked(ASKED.person, straight=straight)
    apart = Timing().full_look / 2
    supervisor.looked = Tracker(supervisor.doors, asked, apart, supervisor.start).looked


async def looks(world: Story, running: Daemon) -> None:
    await running.settles(2)
    world.clock.turn(Timing().full_look * 2)
    await running.settles(2)


async def test_rule_24_the_daemon_proposes_one_pin_once_and_a_person_may_ask_again(
    world: Story,
) -> None:
    tip = world.edit(TEST, ('api: "1.0.0"', TRACKED), ('db: "1.0.0"', TRACKED.replace("api", "db")))
    await world.accept()
    async with daemon(world) as running:
        follows(running)
        await looks(world, running)
        await looks(world, running)

        (branch,) = branches(world)  # db has one too, and waits for its turn
        delta = git(world.remote, "diff", "-U0", tip, branch).splitlines()
        assert [line for line in delta if line[0] in "+-" and line[:3] not in ("+++", "---")] == [
            f"-    {TRACKED}",
            f"+    {TRACKED.replace('1.0.0', '2.0.0')}",
        ]
        assert git(world.remote, "log", "-1", "--format=%an", branch).strip() == "Ann Author"

        git(world.remote, "branch", "-D", branch)  # turned down
        await looks(world, running)
        (other,) = branches(world)
        git(world.remote, "branch", "-D", other)
        await looks(world, running)
        assert branches(world) == []

    assert (await ask(world)).branch == branch


async def test_rule_1_the_daemon_follows_nothing_that_nobody_accepted(world: Story) -> None:
    world.edit(TEST, ('api: "1.0.0"', TRACKED), ('jobs: "1.0.0"', 'jobs: "1.1.0"'))
    async with daemon(world) as running:
        follows(running)
        await looks(world, running)
        assert branches(world) == []


async def test_rule_24_where_settings_allow_it_the_daemon_moves_the_watched_branch(
    world: Story,
) -> None:
    world.edit(TEST, ('api: "1.0.0"', TRACKED))
    await world.accept()
    async with daemon(world) as running:
        follows(running, straight=True)
        await looks(world, running)
        assert branches(world) == []
        assert world.runs("api") == "2.0.0"


@pytest.mark.parametrize(
    ("pin", "environment", "why"),
    [
        ("api: {version: '1.0.0', track: Other}", "", "shows no channel 'Other'"),
        ("api: {version: '1.0.0', track: Default, hold: {reason: x}}", "", "held: x"),
        ("api: {version: '2.0.0', track: Default}", "", "no pin of test has a newer release"),
        (TRACKED, "  suspend: {reason: x}\n", "test is suspended: x"),
        ('api: "1.0.0"', "", "no pin of test tracks a channel"),
    ],
)
async def test_what_is_not_followed_is_told(
    world: Story, pin: str, environment: str, why: str
) -> None:
    world.edit(TEST, ('api: "1.0.0"', pin), ("  components:\n", f"{environment}  components:\n"))

    edited = await ask(world)

    assert edited.commit is None
    assert any(why in line for line in (edited.draft.nothing, *(w for _, w in edited.draft.left)))


async def test_a_lost_store_does_not_propose_what_a_branch_holds_already(world: Story) -> None:
    world.edit(TEST, ('api: "1.0.0"', TRACKED))
    first = await ask(world)
    async with world.doors("another-store") as doors:
        second = await track_asked(doors, ASKED, "test")
        edits, id_ = shared_branches(doors), first.branch.rpartition("/")[2]
        with pytest.raises(GitTrouble, match="takes no new branch"):
            edits.propose(first.draft.commit, "track", id_)

    assert (second.commit, second.draft.nothing) == (None, "api 2.0.0 is proposed already")
    assert branches(world) == [first.branch]
