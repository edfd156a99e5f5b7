"""Platform versions over several passes: the base set, hot-fixes on it, names that never change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from story import FILES, git, story

from reconciler.core.edit import Person
from reconciler.core.manifest import Until
from reconciler.core.plan import Kind, Reason
from reconciler.engine.adopt import adopt
from reconciler.engine.edit import Asked, Edited, hold
from reconciler.engine.pin import pin
from reconciler.errors import GitTrouble, ManifestsInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from story import Story

    from reconciler.core.plan import Action
    from reconciler.engine.planning import Planned

ASKED = Asked(Person("Ann Author", "ann@example.org"))
TEST = "environments/test.yaml"
SET = "platform-versions/2026.11.1.yaml"
PLATFORM = """
apiVersion: reconciler/v1
kind: PlatformVersion
metadata: {name: "2026.11.1"}
spec:
  stack: platform
  components:
    db: {version: "1.0.0"}
    api: {version: "1.0.0"}
    web: {version: "1.0.0"}
    jobs: {version: "1.0.0"}
    mail: {version: "1.0.0"}
"""
ENVIRONMENT = """
apiVersion: reconciler/v1
kind: Environment
metadata: {name: test}
spec:
  octopus: {space: shop, environment: Test}
  stack: platform
  policy: open
  platformVersion: "2026.11.1"  # signed off
"""


@pytest.fixture
def based(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A shop whose environment `test` runs a platform version and pins nothing of its own."""
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    with story(tmp_path, files={**FILES, SET: PLATFORM, TEST: ENVIRONMENT}) as told:
        yield told


def action(planned: Planned, component: str) -> Action:
    return next(a for a in planned.plan.actions if a.cell == component)


def merge(world: Story, edited: Edited) -> None:
    git(world.work, "fetch", "-q", "origin")
    git(world.work, "merge", "-q", "--ff-only", f"origin/{edited.branch}")
    git(world.work, "push", "-q", "origin", "HEAD:main")


async def test_a_hot_fix_alone_breaks_the_alignment_and_says_so(based: Story) -> None:
    await based.accept()
    assert not (await based.apply()).planned.plan.has_work

    async with based.doors() as doors:
        edited = await pin(doors, ASKED, "test", {"api": "1.1.0"})

    assert edited.draft.lines == (
        "api: 1.0.0 -> 1.1.0 (upgrade); breaks alignment with 2026.11.1, which has 1.0.0",
    )
    merge(based, edited)
    assert (based.work / TEST).read_text() == ENVIRONMENT.lstrip() + (
        '  components:\n    api: "1.1.0"\n'
    )
    planned = await based.plan()
    assert [a.cell for a in planned.plan.changes] == ["api"]
    assert action(planned, "api").note == "breaks alignment with 2026.11.1, which has 1.0.0"
    await based.apply()
    assert based.runs("api") == "1.1.0"


async def test_what_a_platform_version_pins_is_held_and_adopted_in_the_environments_file(
    based: Story,
) -> None:
    await based.accept()
    await based.apply()
    based.octopus.deploy("api", "1.1.0", "Test", by="alice", comments="night fix")
    based.octopus.advance(60)

    async with based.doors() as doors:
        merge(based, await adopt(doors, ASKED, "test", ()))
        merge(based, await hold(doors, ASKED, "test", "web", Until("CHG-7")))

    assert (based.work / TEST).read_text() == ENVIRONMENT.lstrip() + (
        '  components:\n    api: "1.1.0"\n    web: {version: "1.0.0", hold: {reason: "CHG-7"}}\n'
    )
    planned = await based.plan()
    assert (action(planned, "api").kind, action(planned, "web").reason) == (
        Kind.IGNORE,
        Reason.HELD,
    )


async def test_the_digest_is_recorded_when_an_environment_that_names_it_is_accepted(
    based: Story,
) -> None:
    await based.accept()

    found = json.loads(based.audit("platform-versions/2026.11.1.json"))

    assert found["metadata"] == {"name": "2026.11.1"}
    assert found["spec"]["commit"] == git(based.work, "rev-parse", "HEAD")
    assert found["spec"]["digest"].startswith("sha256:")
    before = based.audit("platform-versions/2026.11.1.json")
    based.push({}, "Again")
    await based.apply()
    assert based.audit("platform-versions/2026.11.1.json") == before


async def test_a_platform_version_that_was_accepted_is_never_edited(based: Story) -> None:
    await based.accept()
    await based.apply()
    based.edit(SET, ('api: {version: "1.0.0"}', 'api: {version: "1.1.0"}'))

    with pytest.raises(ManifestsInvalid, match="a platform version never changes") as refused:
        await based.plan()
    with pytest.raises(ManifestsInvalid):
        await based.apply()

    assert refused.value.lines == (f"{SET}:3:18: '2026.11.1' was edited after it was accepted",)
    assert "a name of its own" in refused.value.hint
    assert based.runs("api") == "1.0.0"

    based.edit(SET, ('api: {version: "1.1.0"}', 'api: {version: "1.0.0"}  # a comment is no edit'))
    assert not (await based.plan()).plan.has_work


async def test_a_name_that_was_used_once_is_not_given_to_another_set_after_it_was_away(
    based: Story,
) -> None:
    await based.accept()
    based.push(
        {SET: "", TEST: ENVIRONMENT.replace('  platformVersion: "2026.11.1"  # signed off\n', "")}
    )
    await based.apply()

    based.push(
        {
            SET: PLATFORM.replace('api: {version: "1.0.0"}', 'api: {version: "1.1.0"}'),
            TEST: ENVIRONMENT,
        }
    )

    with pytest.raises(ManifestsInvalid, match="by the audit branch"):
        await based.plan()


async def test_rule_11_a_damaged_digest_holds_and_says_where(based: Story) -> None:
    await based.accept()
    clone = based.folder / "audit"
    git(based.folder, "clone", "-q", "-b", "audit", str(based.remote), str(clone))
    (clone / "platform-versions/2026.11.1.json").write_text("{}")
    git(clone, "commit", "-qam", "Damage")
    git(clone, "push", "-q", "origin", "HEAD:audit")

    with pytest.raises(GitTrouble, match="the recorded digest is damaged") as refused:
        await based.apply()

    assert "git log -- platform-versions/2026.11.1.json" in refused.value.hint


async def test_a_platform_version_of_its_own_moves_a_whole_environment(based: Story) -> None:
    await based.accept()
    based.push(
        {
            "platform-versions/2026.11.2.yaml": PLATFORM.replace("2026.11.1", "2026.11.2").replace(
                '"1.0.0"', '"1.1.0"'
            )
        }
    )
    based.edit(TEST, ("2026.11.1", "2026.11.2"))

    planned = await based.plan()

    assert {a.cell: a.to_version for a in planned.plan.changes} == dict.fromkeys(
        ("db", "api", "web", "jobs", "mail"), "1.1.0"
    )
    assert {a.note for a in planned.plan.changes} == {""}
