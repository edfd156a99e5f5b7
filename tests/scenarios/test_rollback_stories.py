"""Rollbacks that people ask for: what can return, the commit with its holds, and what then runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from story import SEED, git, story

from reconciler.core.action import Kind, Reason
from reconciler.core.edit import Person
from reconciler.engine.edit import Asked, Edited
from reconciler.engine.rollback import WayBack, Wish, rollback, ways_back
from reconciler.errors import GateClosed, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from story import Story

ASKED = Asked(Person("Ann Author", "ann@example.org"), straight=True)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    with story(tmp_path, SEED) as told:
        yield told


async def roll_back(world: Story, to: str = "last-good", **wish: object) -> Edited:
    async with world.doors() as doors:
        return await rollback(doors, ASKED, "test", Wish(to, **wish))  # type: ignore[arg-type]


async def look_back(world: Story, to: str = "last-good", **wish: object) -> WayBack:
    async with world.doors() as doors:
        return await ways_back(doors, "test", Wish(to, **wish))  # type: ignore[arg-type]


async def release_night(world: Story) -> str:
    """Everything runs at 1.0.0; then a commit brings web, api and db forward. Return the first."""
    first = git(world.remote, "rev-parse", "main").strip()
    await world.accept()
    await world.apply()
    world.pin(db="1.1.0", api="2.0.0", web="1.1.0")
    await world.apply()
    assert (world.runs("db"), world.runs("api"), world.runs("web")) == ("1.1.0", "2.0.0", "1.1.0")
    return first


async def test_what_ran_before_runs_again_and_stays_there(world: Story) -> None:
    first = await release_night(world)

    edited = await roll_back(world, reason="CHG-7 checkout broken")

    text = (git(world.remote, "show", "main:environments/test.yaml")).splitlines()
    assert [line for line in text if "hold" in line] == [
        '    api: {version: "1.0.0", hold: {reason: "CHG-7 checkout broken", at: "1.0.0"}}',
        '    web: {version: "1.0.0", hold: {reason: "CHG-7 checkout broken", at: "1.0.0"}}',
    ]
    assert edited.draft.lines == (
        f"Back to commit {first[:12]}, which was the last to run whole.",
        "CHG-7 checkout broken",
        "api: 2.0.0 -> 1.0.0 (downgrade)",
        "web: 1.1.0 -> 1.0.0 (downgrade)",
    )
    assert edited.draft.left == (("db", "up-only: 1.1.0 is higher"),)
    await world.apply()
    assert (world.runs("db"), world.runs("api"), world.runs("web")) == ("1.1.0", "1.0.0", "1.0.0")

    planned = await world.plan()  # it got there: from now on it is left alone
    assert {a.cell: a.reason for a in planned.plan.actions if a.cell in {"api", "web"}} == {
        "api": Reason.HELD,
        "web": Reason.HELD,
    }
    git(world.work, "pull", "-q", str(world.remote), "main")
    world.edit("environments/test.yaml", ('api: {version: "1.0.0"', 'api: {version: "2.0.0"'))
    planned = await world.plan()  # whoever moves the pin does not move what is held
    assert [a.kind for a in planned.plan.actions if a.cell == "api"] == [Kind.IGNORE]


async def test_a_component_that_cannot_return_keeps_the_others_until_it_is_excepted(
    world: Story,
) -> None:
    first = await release_night(world)
    release = world.administer("GET", "projects/web/releases/1.0.0")["Id"]
    world.administer("DELETE", f"releases/{release}")
    world.administer("DELETE", "packages/packages-Acme.Api.1.0.0")
    before = git(world.remote, "rev-parse", "main")

    way = await look_back(world, first)
    with pytest.raises(GateClosed, match="cannot return") as refused:
        await roll_back(world, first)

    assert {one.component: one.why for one in way.returns} == {
        "api": "the built-in feed does not have Acme.Api 1.0.0 any more",
        "db": "up-only: 1.1.0 is higher",
        "web": "there is no release 1.0.0 in project 'web'",
    }
    assert [one.component for one in way.stuck] == ["api", "web"]
    assert "nothing was changed" in refused.value.message
    assert refused.value.hint == (
        "return the others with --except api --except web, or name another state with --to"
    )
    assert git(world.remote, "rev-parse", "main") == before


async def test_a_held_component_and_one_that_is_new_are_left_and_told(world: Story) -> None:
    first = await release_night(world)
    world.pin(web='{version: "1.1.0", hold: {reason: CHG-1}}')

    edited = await roll_back(world, first, until=datetime(2026, 12, 1, tzinfo=UTC))

    assert ("web", "it is held: CHG-1") in edited.draft.left
    text = git(world.remote, "show", "main:environments/test.yaml")
    until = 'until: "2026-12-01T00:00:00Z"'
    assert f'api: {{version: "1.0.0", hold: {{reason: "rolled back from 2.0.0", {until}' in text


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"reason": "CHG-7\n\nReconciler-Edit: pin"}, "one line"),
        ({"until": datetime(2026, 11, 1, tzinfo=UTC)}, "is over already"),
    ],
)
async def test_a_hold_that_could_not_stand_is_refused_before_anything_is_asked(
    world: Story, wish: dict[str, object], why: str
) -> None:
    world.octopus.forget_requests()

    with pytest.raises(UsageError, match=f"{why}.*; nothing was changed"):
        await roll_back(world, **wish)

    assert world.octopus.requests == ()


async def test_where_nothing_else_ever_ran_whole_there_is_no_last_good(world: Story) -> None:
    await world.accept()
    await world.apply()

    with pytest.raises(UsageError, match="no snapshot of test tells of other pins"):
        await look_back(world)
    with pytest.raises(UsageError, match=r"pins no 'wb'.*nothing was changed"):
        await look_back(world, "main", excepted=("wb",))


async def test_a_failed_release_returns_to_what_ran_whole_and_not_to_the_half(
    world: Story,
) -> None:
    first = git(world.remote, "rev-parse", "main").strip()
    await world.accept()
    await world.apply()
    world.pin(jobs="1.1.0", api="1.1.0", web="9.9.9")  # web never comes
    await world.apply()
    assert (world.runs("jobs"), world.runs("web")) == ("1.1.0", "1.0.0")

    way = await look_back(world)

    assert way.target == f"commit {first[:12]}, which was the last to run whole"
    assert [(one.component, one.can) for one in way.returns] == [
        ("api", True),
        ("jobs", True),
        ("web", True),
    ]


async def test_a_platform_version_becomes_the_base_again(world: Story) -> None:
    await world.accept()
    await world.apply()
    kind = "apiVersion: reconciler/v1\nkind: PlatformVersion\nmetadata: {name: v7}\n"
    spec = 'spec: {stack: platform, components: {api: {version: "1.0.0"}, web: {version: "1.0.0"}}}'
    world.push({"v7.yaml": f"{kind}{spec}\n"})
    world.pin(api="1.1.0", web="1.1.0", mail="1.1.0")
    await world.apply()

    edited = await roll_back(world, "v7")

    assert edited.draft.lines[0] == "Back to platform version v7."
    assert edited.draft.left == tuple((name, "it was not pinned then") for name in REST)
    await world.apply()
    assert (world.runs("api"), world.runs("web"), world.runs("mail")) == ("1.0.0", "1.0.0", "1.1.0")
    planned = await world.plan()
    assert (planned.plan.platform, planned.plan.broken) == ("v7", ())


REST = ("db", "jobs", "mail")
