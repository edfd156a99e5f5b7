"""Credentials that are refused, replaced, half written: asked with once, and taken up again."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any

import pytest
from between import at_octopus
from http_remote import HttpRemote
from story import git
from watching import daemon

from reconciler.bootstrap import Spaces
from reconciler.core.condition import ConditionType
from reconciler.core.gate import GateName
from reconciler.engine.apply import Done
from reconciler.engine.events import Said
from reconciler.errors import CredentialRefused, UsageError
from reconciler.settings import Settings
from reconciler.simulator.people import Grant
from reconciler.simulator.permissions import DEPLOYER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from story import Story

OLD, NEW = "API-SERVICE", "API-NEXT"


def put(path: Path, text: str) -> None:
    """Replace a file at one stroke by one that was written long ago."""
    made = path.with_suffix(".new")
    made.write_text(text)
    os.utime(made, (1_800_000_000, 1_800_000_000))
    made.replace(path)


@pytest.fixture
def key(world: Story) -> Path:
    """Let the Space name files; return the one that it observes with."""
    world.secrets = world.folder / "secrets"
    world.secrets.mkdir()
    for name in ("observe.key", "deploy.key"):
        put(world.secrets / name, f"{OLD}\n")
    old = "{observe: {env: OCTOPUS_STORY_KEY}, deploy: {env: OCTOPUS_STORY_KEY}}"
    new = "{observe: {file: observe.key}, deploy: {file: deploy.key}}"
    world.edit("spaces/shop.yaml", (old, new))
    return world.secrets / "observe.key"


def rotate(world: Story) -> None:
    """Let the old key of the service account open nothing any more, and a new one instead."""
    keys = world.octopus.world.keys
    keys[NEW] = keys.pop(OLD)


def refused(world: Story) -> int:
    return sum(seen.status == 401 for seen in world.octopus.requests)


async def test_rule_31_a_refused_key_is_not_used_again_until_its_file_has_another(
    world: Story, key: Path
) -> None:
    await world.accept()
    async with daemon(world) as running:
        await running.settles()
        rotate(world)
        world.octopus.forget_requests()
        world.pin(api="1.1.0")
        for _ in range(10):
            await running.settles(5)
        assert running.conditions() == {ConditionType.STALLED: "CredentialRefused"}
        (stalled,) = running.supervisor.statuses["test"].conditions
        assert str(key) in stalled.message
        first = len(world.octopus.requests)
        assert 0 < first <= 5  # one look, whose requests leave side by side
        put(key, f"{OLD}\n")
        await running.settles(5)
        assert len(world.octopus.requests) == first

        for name in ("observe.key", "deploy.key"):
            put(key.with_name(name), f"{NEW}\n")
        await running.settles(8)

        assert ConditionType.READY in running.conditions()
        assert world.runs("api") == "1.1.0"


async def test_rule_31_a_refused_deploy_key_is_not_used_again_either(
    world: Story, key: Path
) -> None:
    await world.accept()
    async with daemon(world) as running:
        await running.settles()
        rotate(world)
        put(key, f"{NEW}\n")
        world.octopus.forget_requests()
        await running.settles(5)
        assert refused(world) == 0  # nothing is to be deployed, so nobody asks with it
        world.pin(api="1.1.0")
        for _ in range(10):
            await running.settles(5)

        assert running.conditions() == {ConditionType.STALLED: "CredentialRefused"}
        assert refused(world) == 1
        put(key.with_name("deploy.key"), f"{NEW}\n")
        await running.settles(8)
        assert ConditionType.READY in running.conditions()
        assert world.runs("api") == "1.1.0"


async def test_rule_31_who_asks_again_by_command_is_asked_for_again(
    world: Story, key: Path
) -> None:
    await world.accept()
    rotate(world)
    world.octopus.forget_requests()
    for number in (1, 2):
        with pytest.raises(CredentialRefused):
            await world.plan()
        assert refused(world) == number


async def test_rule_29_two_keys_in_a_deep_folder_are_not_taken_for_one(
    world: Story, key: Path
) -> None:
    deep = world.folder / ("deep" * 30)  # a name for people is cut off before the file's own
    key.parent.rename(deep)
    world.secrets = deep
    await world.accept()
    put(deep / "deploy.key", "API-NOBODYS\n")
    world.pin(api="1.1.0")

    with pytest.raises(CredentialRefused):
        await world.apply()

    assert world.ours("api") == []


async def test_a_running_deployment_is_watched_on_through_a_change_of_the_key(
    world: Story, key: Path
) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    looks = 0

    async def tasks(real: Callable[..., Any], ids: list[str]) -> Any:
        nonlocal looks
        looks += 1
        if looks == 2:
            rotate(world)
            world.octopus.forget_requests()
        if looks == 5:
            put(key, f"{NEW}\n")
        return await real(ids)

    at_octopus(world, tasks=tasks)
    put(key.with_name("deploy.key"), f"{OLD}\n")
    report = await world.apply()

    assert report.results["api"].done is Done.SUCCEEDED
    assert len(world.receipts("api")) == 1
    assert refused(world) == 1  # the old observe key: nothing more was deployed
    assert any("still watching" in e.text for e in world.events if isinstance(e, Said))


async def test_a_half_written_key_is_told_and_the_old_one_is_used_on(
    world: Story, key: Path
) -> None:
    await world.accept()
    async with daemon(world) as running:
        await running.settles()
        put(key, "")
        world.pin(api="1.1.0")
        await running.settles()

        assert ConditionType.READY in running.conditions()
        assert world.runs("api") == "1.1.0"
        said = [e.text for e in world.events if isinstance(e, Said)]
        assert sum("it is empty" in text for text in said) == 1


async def test_rule_20_all_repositories_of_one_process_share_clients_and_budgets(
    world: Story, key: Path
) -> None:
    settings = Settings(secrets_dir=world.secrets, state_dir=world.folder / "state")
    world.spaces = Spaces(settings, world.clock, world.events.append)
    async with world.doors("one") as one, world.doors("two") as two:
        commit = one.repository.fetch()
        two.repository.fetch()
        found = []
        for doors in (one, two):
            loaded = doors.manifests.load(doors.repository.files(commit), doors.repository.read)
            space = getattr(loaded.environments["test"], "space", None)
            assert space is not None
            found.append(doors.octopus(space))
        assert found[0] is found[1]

    assert (await found[0].identity())[0].installation_id  # whoever made it closes it
    await world.spaces.close()


async def test_rule_31_a_key_that_may_only_look_is_enough_to_observe_with(
    world: Story, key: Path
) -> None:
    inner = world.octopus.world
    watcher = inner.add_user("watcher", "Watcher", is_service=True)
    watcher.system_permissions.add("SpaceView")
    inner.grant(watcher, *(Grant(each) for each in DEPLOYER if each != "DeploymentCreate"))
    inner.keys["API-WATCHER"] = watcher
    put(key, "API-WATCHER\n")
    await world.accept()
    world.pin(api="1.1.0")

    report = await world.apply()

    assert report.results["api"].done is Done.SUCCEEDED
    asked = [seen.username for seen in world.octopus.requests if seen.path.endswith("/template")]
    assert set(asked) == {inner.keys[OLD].username}


@pytest.mark.parametrize("status", [401, 403])
async def test_rule_31_a_refusal_to_say_where_a_release_may_go_ends_that_question_or_the_key(
    world: Story, key: Path, status: int
) -> None:
    await world.accept()
    world.pin(api="1.1.0", jobs="1.1.0")
    # both questions of the plan before the lease, and one of two under it
    world.octopus.fault("status", path="/template$", status=status, count=3)
    if status == 401:
        with pytest.raises(CredentialRefused):
            await world.apply()
        assert world.ours("api") == world.ours("jobs") == []
        return

    report = await world.apply()

    stopped = {gate.cell for gate in report.planned.gates if gate.name is GateName.PERMISSION}
    assert len(stopped) == 1
    assert [r.done for n, r in report.results.items() if n not in stopped] == [Done.SUCCEEDED]


# --- the token of the git remote ------------------------------------------------------------------


def header(token: str) -> str:
    return "Basic " + base64.b64encode(f"x-access-token:{token}".encode()).decode()


@pytest.fixture
def remote(world: Story) -> Iterator[HttpRemote]:
    """The world's remote over smart HTTP, for whoever has the token."""
    git(world.remote, "config", "http.receivepack", "true")
    server = HttpRemote(world.folder)
    world.address = f"{server.url}/remote.git"
    yield server
    server.close()


async def test_a_git_token_is_read_again_when_its_file_changes(
    world: Story, remote: HttpRemote
) -> None:
    world.token_file = world.folder / "token"
    put(world.token_file, "first-token\n")
    remote.manners.authorization = header("first-token")
    await world.accept()
    async with daemon(world) as running:
        await running.settles()
        remote.manners.authorization = header("second-token")
        world.pin(api="1.1.0")
        await running.settles(2)
        assert running.supervisor.trouble is not None
        assert world.ours("api") == []

        put(world.token_file, "second-token\n")
        world.clock.turn(300.0)
        await running.settles()

        assert running.supervisor.trouble is None
        assert world.runs("api") == "1.1.0"


async def test_a_token_and_a_file_of_it_are_one_too_many(world: Story) -> None:
    world.token_file = world.folder / "token"
    world.token = "s3cret"

    with pytest.raises(UsageError, match="token_file"):
        await world.plan()
