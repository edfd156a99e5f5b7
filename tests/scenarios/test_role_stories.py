"""The least Octopus roles are enough: two service accounts with nothing else plan and apply."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from story import FILES, story

from reconciler.core.role import ROLE, Use
from reconciler.errors import OctopusTrouble
from reconciler.simulator.permissions import SPACE_PERMISSIONS, SYSTEM_PERMISSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from story import Story

    from reconciler.core.role import Need

USERS = {Use.OBSERVE: "reconciler", Use.DEPLOY: "alice"}
TWO_KEYS = FILES | {
    "spaces/shop.yaml": FILES["spaces/shop.yaml"].replace(
        "deploy: {env: OCTOPUS_STORY_KEY}", "deploy: {env: OCTOPUS_DEPLOY_KEY}"
    )
}


@pytest.fixture
def poor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A story whose two accounts hold the least roles, and nothing of the system."""
    with story(tmp_path, files=TWO_KEYS) as told:
        for use, user in USERS.items():
            for permission in (*SPACE_PERMISSIONS, *SYSTEM_PERMISSIONS):
                told.octopus.revoke(user, permission)
            for need in ROLE:
                if need.use is use:
                    told.octopus.grant(user, need.permission)
        monkeypatch.setenv("OCTOPUS_STORY_KEY", told.octopus.service_api_key)
        monkeypatch.setenv("OCTOPUS_DEPLOY_KEY", told.octopus.key_of("alice"))
        yield told


async def test_the_least_roles_plan_apply_and_tell_a_failure(poor: Story) -> None:
    await poor.accept()
    poor.octopus.fail_next("web", "1.1.0", "Test")
    poor.pin(api="1.1.0", web="1.1.0")

    planned = await poor.plan()
    report = await poor.apply()

    assert planned.gates == ()
    assert not any(one.unread for one in planned.others.values())
    assert (poor.runs("api"), poor.runs("web")) == ("1.1.0", "1.0.0")
    assert len(poor.receipts()) == 2
    assert report.failed


@pytest.mark.proof
@pytest.mark.parametrize(
    "need",
    [
        one
        for one in ROLE
        if one.is_vital and one.use in USERS and "Interruption" not in one.permission
    ],
    ids=lambda one: f"{one.use}-{one.permission}",
)
async def test_without_any_vital_permission_nothing_is_deployed(poor: Story, need: Need) -> None:
    poor.octopus.revoke(USERS[need.use], need.permission)

    with suppress(OctopusTrouble):
        await poor.accept()
        poor.pin(api="1.1.0")
        await poor.apply()

    assert poor.runs("api") == "1.0.0"
