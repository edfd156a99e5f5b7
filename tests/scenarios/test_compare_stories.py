"""Comparing what was pinned, what ran, what runs and what was signed off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from story import FILES, git

from reconciler.core.compare import Comparison, Relation
from reconciler.core.edit import Person
from reconciler.engine.compare import compare_named
from reconciler.engine.edit import Asked
from reconciler.engine.signoff import propose_platform
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from story import Story

ASKED = Asked(Person("Ann Author", "ann@example.org"))


async def compared(world: Story, left: str, right: str) -> Comparison:
    async with world.doors() as doors:
        return await compare_named(doors, left, right)


def differing(comparison: Comparison) -> dict[str, Relation]:
    return {r.cell: r.relation for r in comparison.rows if r.relation is not Relation.SAME}


async def test_any_two_states_of_one_environment_are_compared(world: Story) -> None:
    await world.accept()
    await world.apply()
    first = git(world.work, "rev-parse", "HEAD")
    world.pin(api="1.1.0")
    await world.apply()
    world.pin(api="2.0.0", web="1.1.0")
    world.octopus.deploy("jobs", "1.1.0", "Test", by="alice")
    world.octopus.fail_next("mail", "1.1.0", "Test")
    world.octopus.deploy("mail", "1.1.0", "Test", by="alice")
    world.octopus.advance(60)

    pinned = await compared(world, f"test@{first}", "test")
    ran = await compared(world, "snapshot:test@~1", "snapshot:test")
    now = await compared(world, "snapshot:test", "live:test")
    open_ = await compared(world, "live:test", "test")

    assert differing(pinned) == {"api": Relation.NEWER, "web": Relation.NEWER}
    assert pinned.left.at == f"commit {first[:12]}"
    assert differing(ran) == {"api": Relation.NEWER}
    assert differing(now) == {"jobs": Relation.NEWER, "mail": Relation.UNKNOWN}
    mail = next(row for row in now.rows if row.cell == "mail")
    assert mail.note.startswith("right: unsettled: the last attempt, 1.1.0, ended")
    assert differing(open_) == {
        "api": Relation.NEWER,
        "web": Relation.NEWER,
        "jobs": Relation.OLDER,
        "mail": Relation.UNKNOWN,
    }


async def test_what_a_ring_pins_for_whom_it_means_by_tags_is_compared_too(world: Story) -> None:
    text = FILES["environments/test.yaml"].replace(
        "environment: Test", "environment: Test, tenants: [Acme]"
    )
    rings = '  rings: {pilot: {tenantTags: [Ring/Pilot], components: {api: "1.1.0"}}}\n'
    text = text.rstrip("\n") + "\n"
    commits = [world.push({"environments/test.yaml": text + more}) for more in ("", rings)]

    found = await compared(world, f"test@{commits[0]}", f"test@{commits[1]}")

    assert differing(found) == {"api@(ring pilot)": Relation.NEWER}


async def test_a_release_that_was_made_anew_is_another_one_than_was_signed_off(
    world: Story,
) -> None:
    async with world.doors() as doors:
        edited = await propose_platform(doors, ASKED, "test", "2026.11.1")
    side = f"platform:2026.11.1@{edited.branch}"
    assert not (await compared(world, side, "live:test")).differs

    world.octopus.delete_release("api", "1.0.0")
    world.octopus.release("api", "1.0.0")
    world.octopus.deploy("api", "1.0.0", "Test", by="alice")
    world.octopus.advance(60)
    found = await compared(world, side, "live:test")

    assert differing(found) == {"api": Relation.OTHER_RELEASE}
    api = next(row for row in found.rows if row.cell == "api")
    assert api.note.startswith("release Releases-")


REFUSED = (
    ("live:test@HEAD", "what runs now has no commit", "snapshot:ENV@COMMIT"),
    ("lives:test", "cannot be compared", "live:ENV"),
    ("test@", "cannot be compared", "give ENV"),
    ("tets", "no environment 'tets'", "did you mean test?"),
    ("platform:2026.11.1", "no platform version '2026.11.1'", "platform versions there: none"),
    ("snapshot:test", "there is no audit branch", "reconciler snapshot test"),
    ("test@nowhere", "nowhere", ""),
)


async def test_rule_51_a_side_that_is_none_is_refused_with_what_to_do(world: Story) -> None:
    async with world.doors() as doors:
        for side, why, hint in REFUSED:
            with pytest.raises(UsageError) as refused:
                await compare_named(doors, "test", side)
            assert why in refused.value.message
            assert hint in refused.value.hint


async def test_a_commit_that_is_none_of_the_audit_branch_is_refused(world: Story) -> None:
    await world.accept()

    async with world.doors() as doors:
        for words in ("~9", "ffff", "main", "~1^{tree}", "--all"):
            with pytest.raises(UsageError, match="names no commit of the audit branch"):
                await compare_named(doors, "test", f"snapshot:test@{words}")
        with pytest.raises(UsageError, match="there is no snapshot of other"):
            await compare_named(doors, "test", "snapshot:other")
