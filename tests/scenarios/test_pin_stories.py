"""Pins that people ask for by command: one line of a new branch, or a refusal with a way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from story import git

from reconciler.core.edit import Person
from reconciler.engine.edit import Asked, Edited
from reconciler.engine.pin import pin
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from story import Story

ASKED = Asked(Person("Ann Author", "ann@example.org"))
TEST = "environments/test.yaml"
TEAM = """
apiVersion: reconciler/v1
kind: Pins
metadata: {name: mail}
spec: {environment: test, components: {mail: '1.0.0'}}  # ours
"""


async def do_pin(world: Story, *, add: bool = False, **versions: str) -> Edited:
    async with world.doors() as doors:
        return await pin(doors, ASKED, "test", versions, add=add)


async def test_rule_24_each_pin_changes_in_its_own_file_and_one_pin_is_one_line(
    world: Story,
) -> None:
    text = (world.work / TEST).read_text()
    text = text.replace('    mail: "1.0.0"\n', "").replace(
        'api: "1.0.0"', "api: '1.0.0'  # mind the db"
    )
    tip = world.push({TEST: text.replace('    jobs: "1.0.0"\n', ""), "teams/mail.yaml": TEAM})

    edited = await do_pin(world, add=True, api="2.0.0", mail="1.1.0", web="1.0.0", jobs="1.0.0")

    assert edited.branch.startswith("reconciler/pin/")
    delta = git(world.remote, "diff", "-U0", tip, edited.branch).splitlines()
    assert [line for line in delta if line[0] in "+-" and line[:3] not in ("+++", "---")] == [
        "-    api: '1.0.0'  # mind the db",
        "+    api: '2.0.0'  # mind the db",
        '+    jobs: "1.0.0"',
        "-spec: {environment: test, components: {mail: '1.0.0'}}  # ours",
        "+spec: {environment: test, components: {mail: '1.1.0'}}  # ours",
    ]
    assert edited.draft.left == (("web", "pinned at 1.0.0 already"),)
    assert edited.draft.lines == (
        "api: 1.0.0 -> 2.0.0 (upgrade)",
        "mail: 1.0.0 -> 1.1.0 (upgrade)",
        "jobs: 1.0.0 (new here)",
    )


async def test_the_direction_of_each_pin_is_told(world: Story) -> None:
    edited = await do_pin(world, api="0.9", web="1.0.0-rc.1", jobs="1.0.0.0", mail="1.0.1beta")

    assert [line.partition(" (")[2].rstrip(")") for line in edited.draft.lines] == [
        "downgrade",
        "downgrade, by its prerelease part alone",
        "another release of an equal version",
        "of unknown direction, which is handled like a downgrade",
    ]


async def test_what_is_pinned_so_already_pushes_nothing(world: Story) -> None:
    edited = await do_pin(world, api="1.0.0")

    assert (edited.commit, edited.draft.nothing) == (None, "all of that is pinned in test already")


async def test_rule_51_an_unknown_component_is_refused_with_the_nearest_names(
    world: Story,
) -> None:
    before = git(world.remote, "for-each-ref")
    world.edit(TEST, ('    mail: "1.0.0"\n', ""))

    with pytest.raises(UsageError, match=r"no component 'apj' .* nothing was changed") as unknown:
        await do_pin(world, web="1.1.0", apj="2.0.0")
    with pytest.raises(UsageError, match="test does not pin mail yet") as new:
        await do_pin(world, mail="1.1.0")

    assert unknown.value.hint == "did you mean api?"
    assert "--add" in new.value.hint
    assert git(world.remote, "branch", "--list", "reconciler/*") == ""
    assert before.count("\n") == git(world.remote, "for-each-ref").count("\n")
