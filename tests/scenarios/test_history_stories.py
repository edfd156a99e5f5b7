"""Who pinned what when, and what was deployed for it: told by git alone."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from document_schemas import check
from story import git

from reconciler.cli.render.history import history_data, print_history
from reconciler.engine.chronicle import chronicle
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from story import Story

TEST = "environments/test.yaml"


async def told(world: Story, component: str | None = None, limit: int = 50) -> list[Any]:
    async with world.doors("another") as doors:  # a machine that knows git and nothing else
        found = await chronicle(doors, "test", component, limit)
    listed = check(history_data(found))["spec"]["entries"]
    assert isinstance(listed, list)
    return listed


def moves(entry: Any) -> dict[str, tuple[str | None, str | None]]:
    return {
        each["component"]: (
            None if each["from"] is None else each["from"]["version"],
            None if each["to"] is None else each["to"]["version"],
        )
        for each in entry["changes"]
    }


async def test_history_tells_pins_merges_deletions_and_what_was_deployed_for_each(
    world: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.accept()
    first = git(world.work, "rev-parse", "HEAD")
    pinned = world.pin(api="1.1.0")
    await world.apply()
    git(world.work, "checkout", "-q", "-b", "side", first)
    (world.work / "teams").mkdir()
    fragment = "apiVersion: reconciler/v1\nkind: Pins\nmetadata: {name: mail}\n"
    (world.work / "teams/mail.yaml").write_text(
        fragment + 'spec: {environment: test, components: {mail: "1.1.0"}}\n'
    )
    text = (world.work / TEST).read_text()
    (world.work / TEST).write_text(text.replace('    mail: "1.0.0"\n', ""))
    git(world.work, "add", "--all")
    git(world.work, "commit", "-qm", "Mail by its team", "--author=Wendy <wendy@example.org>")
    git(world.work, "checkout", "-q", "-B", "main", pinned)
    git(world.work, "merge", "-q", "--no-ff", "-m", "Merge side", "side")
    git(world.work, "push", "-q", "origin", "HEAD:main")
    await world.apply()
    world.push({"README.md": "nothing of this environment"}, "Words")
    world.edit(TEST, ('    web: "1.0.0"\n', ""))

    gone, merge, *others, began = await told(world)

    assert moves(gone) == {"web": ("1.0.0", None)}
    assert gone["written"]["subject"] == f"Edit {TEST}"
    assert (merge["isMerge"], moves(merge)) == (True, {"mail": ("1.0.0", "1.1.0")})
    by_subject = {entry["written"]["subject"]: entry for entry in others}
    assert set(by_subject) == {"Pin", "Mail by its team"}
    team, pin = by_subject["Mail by its team"], by_subject["Pin"]
    assert (team["written"]["author"], moves(team)) == ("Wendy", {"mail": ("1.0.0", "1.1.0")})
    assert (pin["written"]["commit"], moves(pin)) == (pinned, {"api": ("1.0.0", "1.1.0")})
    assert [d["outcome"] for d in pin["deployments"]] == ["Success"]
    assert pin["deployments"][0]["receipt"] in world.receipts("api")[0]
    assert [d["component"] for d in merge["deployments"]] == ["mail"]
    assert began["note"] == "the environment was added"
    assert len(began["changes"]) == 5
    assert moves((await told(world, "api"))[0]) == moves(pin)

    async with world.doors("another") as doors:
        print_history(await chronicle(doors, "test", "mail", 1))
    out = capsys.readouterr().out
    assert "1.0.0 -> 1.1.0  Success 2026-11-20 12:0" in out
    assert "older ones are not shown: raise --limit" in out


async def test_history_tells_what_was_invalid_and_what_came_and_went(world: Story) -> None:
    text = (world.work / TEST).read_text()
    world.edit(TEST, ('api: "1.0.0"', "api: 1.0"))
    world.push({TEST: text.replace('api: "1.0.0"', 'api: "1.1.0"')}, "Mend")
    world.push({TEST: ""}, "Remove")
    (world.work / "moved").mkdir()
    world.push({"moved/test.yaml": text}, "Back again")

    back, removed, mended, broken, began = await told(world)

    assert back["note"] == "the environment was added"
    assert removed["note"] == "the environment left the manifests; nothing was undeployed"
    assert moves(removed)["api"] == ("1.1.0", None)
    assert mended["note"] == "the manifests are valid again; all pins are listed"
    assert broken["note"].startswith(f"the manifests are invalid: {TEST}:10:")
    assert began["written"]["subject"] == "The beginning"


async def test_what_another_platform_version_brings_is_told_pin_by_pin(world: Story) -> None:
    text = (world.work / TEST).read_text()
    jobs = text.replace("  components:\n", '  platformVersion: "1"\n  components:\n')
    jobs = jobs.replace('    jobs: "1.0.0"\n', "").replace('    mail: "1.0.0"\n', "")
    version = "apiVersion: reconciler/v1\nkind: PlatformVersion\nmetadata: {name: @}\nspec:\n"
    version += '  stack: platform\n  components:\n    jobs: {version: "1.0.0"}\n'
    first = version + '    mail: {version: "1.0.0"}\n'
    world.push({"one.yaml": first.replace("@", '"1"'), TEST: jobs}, "Name a platform version")
    second = first.replace("@", '"2"').replace('mail: {version: "1.0.0"}', 'mail: {version: "1.1"}')
    world.push({"two.yaml": second, TEST: jobs.replace('"1"\n', '"2"\n')}, "Take the next")

    newest, *_ = entries = await told(world)

    assert (newest["written"]["subject"], moves(newest)) == (
        *("Take the next",),
        {"mail": ("1.0.0", "1.1")},
    )
    assert [entry["written"]["subject"] for entry in entries[1:]] == ["The beginning"]


async def test_what_nothing_ever_pinned_has_no_history(world: Story) -> None:
    for name in ("none", "../x", "Test"):
        async with world.doors() as doors:
            with pytest.raises(UsageError):
                await chronicle(doors, name, None, 5)
    with pytest.raises(UsageError, match="nothing ever pinned 'nobody in test'"):
        await told(world, "nobody")


async def test_a_thousand_commits_are_told_within_two_seconds(world: Story) -> None:
    text = (world.work / TEST).read_text()
    script = [f"reset refs/heads/main\nfrom {git(world.work, 'rev-parse', 'HEAD')}\n"]
    for number in range(1, 1001):
        changed = text.replace('jobs: "1.0.0"', f'jobs: "1.0.{number}"')
        script += [
            f"commit refs/heads/main\ncommitter Ann <a@b> {1795000000 + number} +0000\n",
            f"data 3\nPin\nM 100644 inline {TEST}\ndata {len(changed)}\n{changed}\n",
        ]
    subprocess.run(
        ["git", "fast-import", "--quiet"],
        cwd=world.remote,
        input="".join(script).encode(),
        check=True,
    )

    begun = os.times()
    entries = await told(world, "jobs", limit=1500)
    ended = os.times()

    assert len(entries) == 1001
    assert moves(entries[0]) == {"jobs": ("1.0.999", "1.0.1000")}
    # the time of this process and of the gits it ran, whoever else uses the machine
    assert sum(ended[:4]) - sum(begun[:4]) < 2.0
