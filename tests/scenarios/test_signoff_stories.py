"""Signing off what runs as a platform version, from the live look to a manifest on a branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from story import git

from reconciler.core.edit import Person
from reconciler.engine.edit import Asked, Edited
from reconciler.engine.ground import load_manifests
from reconciler.engine.signoff import propose_platform, sign_off
from reconciler.errors import GateClosed, UsageError

if TYPE_CHECKING:
    from story import Story

    from reconciler.core.platform import PlatformVersion

ASKED = Asked(Person("Ann Author", "ann@example.org"))
TEST = "environments/test.yaml"


async def propose(world: Story, name: str = "2026.11.1") -> Edited:
    async with world.doors() as doors:
        return await propose_platform(doors, ASKED, "test", name)


async def signed(world: Story, name: str = "2026.11.1") -> PlatformVersion:
    async with world.doors() as doors:
        return (await sign_off(doors, "test", name)).platform


async def test_what_runs_becomes_a_manifest_on_a_branch_of_its_own(world: Story) -> None:
    tip = git(world.work, "rev-parse", "HEAD")
    before = git(world.remote, "for-each-ref", "refs/heads")

    edited = await propose(world)

    assert edited.branch.startswith("reconciler/snapshot/")
    changed = git(world.remote, "diff", "--name-status", tip, edited.branch)
    assert changed == "A\tplatform-versions/2026.11.1.yaml"
    shown = git(world.remote, "show", f"{edited.branch}:platform-versions/2026.11.1.yaml")
    lines = shown.splitlines()
    assert lines[:5] == [
        "apiVersion: reconciler/v1",
        "kind: PlatformVersion",
        'metadata: {name: "2026.11.1"}',
        "spec:",
        "  stack: platform",
    ]
    assert lines[5].startswith(f'  source: {{environment: test, commit: "{tip}", server: ')
    api = next(line for line in lines if line.startswith("    api: "))
    state = await world.plan()
    release = state.situation.observed.cells["api"].sighting
    assert f"release: {release.release_id}, channel: Channels-" in api  # type: ignore[union-attr]
    assert api.startswith('    api: {version: "1.0.0", space: Spaces-')
    assert 'assembled: "20' in api
    assert "process: " in api
    assert "variables: " in api
    assert "packages: {" in api
    assert set(git(world.remote, "for-each-ref", "refs/heads").splitlines()) > set(
        before.splitlines()
    )


async def test_the_manifest_says_what_was_captured_and_is_loaded_as_such(world: Story) -> None:
    edited = await propose(world)
    platform = edited.draft.platform
    assert platform is not None
    assert edited.commit is not None

    async with world.doors() as doors:
        found = (await load_manifests(doors, edited.commit)).platforms

    assert {name: one.digest for name, one in found.items()} == {"2026.11.1": platform.digest}


async def test_a_refreshed_snapshot_of_variables_is_another_platform_version(world: Story) -> None:
    await world.accept()
    first = await signed(world)

    release = first.components["api"].release
    space = f"{world.server.url}/api/{first.components['api'].space}"
    async with httpx.AsyncClient(headers={"X-Octopus-ApiKey": world.octopus.api_key}) as client:
        project = (await client.get(f"{space}/projects/api")).json()
        variables = (await client.get(f"{space}/variables/{project['VariableSetId']}")).json()
        variables["Variables"] = [{"Name": "Url", "Value": "https://example.org"}]
        for done in (
            await client.put(f"{space}/variables/{project['VariableSetId']}", json=variables),
            await client.post(f"{space}/releases/{release}/snapshot-variables"),
        ):
            done.raise_for_status()
    second = await signed(world)

    assert second.components["api"].release == release
    assert second.components["api"].variables != first.components["api"].variables
    assert second.components["db"] == first.components["db"]


async def test_rule_3_cells_of_which_it_is_not_known_what_runs_are_refused_each_by_name(
    world: Story,
) -> None:
    world.octopus.fail_next("api", "1.1.0", "Test")
    world.octopus.deploy("api", "1.1.0", "Test", by="alice")
    world.octopus.advance(60)
    world.octopus.stick("web", "1.1.0", "Test")
    world.octopus.deploy("web", "1.1.0", "Test", by="alice")
    world.octopus.advance(1)
    before = git(world.remote, "for-each-ref")

    with pytest.raises(GateClosed) as refused:
        await propose(world)

    assert refused.value.message.startswith("it is not known for certain what runs in test: ")
    assert "api (unsettled: the last attempt, 1.1.0, ended" in refused.value.message
    assert "web (a deployment of it is not finished)" in refused.value.message
    assert "mail" not in refused.value.message
    assert "no platform version was made" in refused.value.message
    assert git(world.remote, "for-each-ref") == before


async def test_what_runs_by_hand_is_signed_off_as_it_runs_and_told(world: Story) -> None:
    world.octopus.deploy("api", "1.1.0", "Test", by="alice")
    world.octopus.advance(60)

    edited = await propose(world)

    assert edited.draft.lines == (
        "5 components of stack platform.",
        "api: runs 1.1.0, pinned 1.0.0",
    )


async def test_rule_51_a_name_that_is_taken_or_none_is_refused(world: Story) -> None:
    edited = await propose(world)
    git(world.work, "fetch", "-q", "origin")
    git(world.work, "merge", "-q", "--ff-only", f"origin/{edited.branch}")
    git(world.work, "push", "-q", "origin", "HEAD:main")

    with pytest.raises(UsageError, match=r"2026\.11\.1 is there at platform-versions/2026\.11\.1"):
        await propose(world)
    for name in ("A", "a..b", "a.lock", "../x", ""):
        with pytest.raises(UsageError, match="cannot be the name of a platform version"):
            await propose(world, name)

    world.edit(TEST, ("  policy: open\n", '  policy: open\n  platformVersion: "2026.11.1"\n'))
    await world.accept()
    world.edit(TEST, ('  platformVersion: "2026.11.1"\n', ""))
    world.push({"platform-versions/2026.11.1.yaml": ""})
    with pytest.raises(UsageError, match="keeps its digest"):
        await propose(world)


async def test_the_next_one_stands_beside_those_there_are(world: Story) -> None:
    edited = await propose(world)
    shown = git(world.remote, "show", f"{edited.branch}:platform-versions/2026.11.1.yaml")
    world.push({"signed/off/2026.11.1.yaml": shown + "\n"})

    again = await propose(world, "2026.11.2")

    assert again.files[0][:2] == ("signed/off/2026.11.2.yaml", None)
