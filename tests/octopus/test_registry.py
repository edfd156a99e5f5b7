"""Machines as a server tells of them, in the words of Octopus' public API description."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from octopus_answers import page

from reconciler.core.fleet import Cleanup, Health
from reconciler.errors import BadAnswer, NotAllowed
from reconciler.octopus.registry import SpaceRegistry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pytest_httpserver import HTTPServer

    from reconciler.octopus.client import OctopusHttp

MACHINE = {
    "Id": "Machines-1",
    "Name": "web\x1b[31m-1",
    "EnvironmentIds": ["Environments-1"],
    "Roles": ["web"],
    "TenantedDeploymentParticipation": "Tenanted",
    "TenantIds": ["Tenants-1"],
    "TenantTags": ["Ring/Pilot"],
    "Thumbprint": "AB12",
    "Uri": "https://me:hunter2@web-1:10933/",
    "IsDisabled": False,
    "MachinePolicyId": "MachinePolicies-1",
    "HealthStatus": "Unavailable",
    "IsInProcess": False,
    "Endpoint": {
        "CommunicationStyle": "OfflineDrop",
        "SensitiveVariablesEncryptionPassword": {"HasValue": True, "NewValue": "hunter2"},
        "Destination": {"DropFolderPath": "https://me:hunter2@files/drop"},
        "Port": 22.0,
        "Links": {"Self": "/x"},
    },
}


@pytest.fixture
async def registry(http: OctopusHttp) -> AsyncIterator[SpaceRegistry]:
    async def space_id() -> str:
        return "Spaces-1"

    return SpaceRegistry(http, None, space_id)


def serve(httpserver: HTTPServer, path: str, answer: Any, status: int = 200) -> None:
    where = f"/api/Spaces-1/{path}"
    httpserver.expect_request(where).respond_with_json(answer, status=status)


async def test_rule_30_no_secret_of_an_endpoint_is_recorded(
    registry: SpaceRegistry, httpserver: HTTPServer
) -> None:
    serve(httpserver, "machines/Machines-1", MACHINE)

    found = await registry.whole("Machines-1")

    assert found is not None
    target, whole = found
    assert "hunter2" not in repr(whole)
    assert json.loads(whole.endpoint) == {
        "CommunicationStyle": "OfflineDrop",
        "SensitiveVariablesEncryptionPassword": {"HasValue": True, "NewValue": None},
        "Destination": {"DropFolderPath": "https://files/drop"},
        "Port": 22,
    }
    assert (whole.name, whole.uri) == ("web\x1b[31m-1", "https://web-1:10933/")
    assert (target.name, target.health) == (r"web\x1b[31m-1", Health.UNAVAILABLE)


async def test_rule_11_a_word_that_is_not_known_is_neither_lost_nor_left_alone_by_octopus(
    registry: SpaceRegistry, httpserver: HTTPServer
) -> None:
    serve(httpserver, "machines/Machines-1", {**MACHINE, "HealthStatus": "Vanished"})
    policies = [
        {"Id": "MachinePolicies-1", "MachineCleanupPolicy": {"DeleteMachinesBehavior": "Bury"}},
        {"Id": "MachinePolicies-2"},
    ]
    serve(httpserver, "machinepolicies/all", policies)

    found = await registry.whole("Machines-1")

    assert found is not None
    assert not found[0].is_lost
    assert await registry.cleanups() == {
        "MachinePolicies-1": Cleanup.UNKNOWN,
        "MachinePolicies-2": Cleanup.UNKNOWN,
    }


async def test_machine_policies_that_may_not_be_seen_are_told_as_none(
    registry: SpaceRegistry, httpserver: HTTPServer
) -> None:
    serve(httpserver, "machinepolicies/all", {"ErrorMessage": "no"}, status=403)

    assert await registry.cleanups() == {}


async def test_rule_48_machines_without_a_health_are_a_bad_answer_with_the_field(
    registry: SpaceRegistry, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/api").respond_with_json({})
    odd = {key: value for key, value in MACHINE.items() if key != "HealthStatus"}
    serve(httpserver, "machines", page([odd]))

    with pytest.raises(BadAnswer, match="HealthStatus"):
        await registry.fleet(["Environments-1"])


async def test_rule_17_a_machine_with_more_tasks_than_are_read_counts_as_worked_on(
    registry: SpaceRegistry, httpserver: HTTPServer
) -> None:
    done = [{"Id": f"ServerTasks-{n}", "State": "Success"} for n in range(3)]
    serve(httpserver, "machines/Machines-1/tasks", page(done))
    serve(httpserver, "machines/Machines-2/tasks", page(done, total=9))
    serve(httpserver, "machines/Machines-3/tasks", page([{"Id": "ServerTasks-1", "State": "New"}]))

    assert [await registry.is_worked_on(f"Machines-{n}") for n in (1, 2, 3)] == [False, True, True]


async def test_rule_29_there_is_no_changing_without_a_credential_of_its_own(
    registry: SpaceRegistry, httpserver: HTTPServer
) -> None:
    serve(httpserver, "machines/Machines-1", MACHINE)
    found = await registry.whole("Machines-1")
    assert found is not None

    with pytest.raises(NotAllowed, match="No credential for machines is configured"):
        await registry.register(found[1])
    assert len(httpserver.log) == 1
