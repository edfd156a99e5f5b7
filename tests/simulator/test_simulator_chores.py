"""Tasks that people queue themselves: health checks, upgrades, scripts, housekeeping."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.simulator import Simulator

HEALTH = {"Name": "Health", "Description": "Check"}


async def _run(simulator: Simulator, admin: Any, body: dict[str, Any]) -> Any:
    made = await admin.post("/api/Spaces-1/tasks", body)
    simulator.advance(5)
    return await admin.get(made["Links"]["Self"])


async def test_a_health_check_finds_what_machines_are_like(
    simulator: Simulator, admin: Any
) -> None:
    for name in ("web-1", "web-2"):
        simulator.add_machine(name, environments=["Dev"], roles=["web"])
    simulator.machine_dies("web-2")
    task = await _run(simulator, admin, HEALTH)
    assert (task["State"], task["ErrorMessage"]) == ("Failed", "Could not be contacted: web-2.")
    found = await admin.get("/api/machines")
    assert [each["HealthStatus"] for each in found["Items"]] == ["Healthy", "Unavailable"]
    details = await admin.get(task["Links"]["Details"].split("{")[0])
    assert [each["Name"] for each in details["ActivityLogs"][0]["Children"]] == [
        "Check health: web-1",
        "Check health: web-2",
    ]


async def test_a_machine_that_may_be_offline_is_a_warning_only(
    simulator: Simulator, admin: Any
) -> None:
    relaxed = {"MachineConnectivityBehavior": "MayBeOfflineAndCanBeSkipped"}
    body = {"Name": "Relaxed", "MachineConnectivityPolicy": relaxed}
    policy = await admin.post("/api/machinepolicies", body)
    simulator.add_machine("web-1", environments=["Dev"], roles=["web"])
    machine = await admin.get("/api/machines/web-1")
    await admin.put("/api/machines/web-1", {**machine, "MachinePolicyId": policy["Id"]})
    simulator.machine_dies("web-1")
    task = await _run(
        simulator, admin, {**HEALTH, "Arguments": {"EnvironmentId": "Environments-1"}}
    )
    assert (task["State"], task["HasWarningsOrErrors"]) == ("Success", True)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({}, ["db-1", "web-1", "worker-1"]),
        ({"EnvironmentId": "Environments-2"}, ["db-1"]),
        ({"environmentid": "Environments-1"}, ["web-1"]),
        ({"MachineIds": ["Machines-1", "Workers-1"]}, ["web-1", "worker-1"]),
        ({"WorkerpoolId": "WorkerPools-1"}, ["worker-1"]),
        ({"RestrictedTo": "Workers"}, ["worker-1"]),
        ({"RestrictedTo": "DeploymentTargets"}, ["db-1", "web-1"]),
        ({"EnvironmentIds": ["Environments-1", "Environments-2"], "TargetRoles": ["DB"]}, ["db-1"]),
        ({"TargetType": "OctopusServer"}, []),
    ],
)
async def test_the_arguments_of_a_task_name_its_machines(
    simulator: Simulator, admin: Any, arguments: dict[str, Any], names: list[str]
) -> None:
    simulator.add_machine("web-1", environments=["Dev"], roles=["web"])
    simulator.add_machine("db-1", environments=["Test"], roles=["db"])
    simulator.add_machine("off-1", environments=["Dev", "Test"], roles=["web", "db"])
    simulator.disable_machine("off-1")
    simulator.add_worker("worker-1")
    made = await admin.post(
        "/api/tasks",
        {
            "name": "AdHocScript",
            "description": "Look",
            "arguments": {"ScriptBody": "ls", "Syntax": "Bash", **arguments},
        },
    )
    machines = simulator.world.tasks[made["Id"]].machines
    space = simulator.world.spaces["Spaces-1"]
    known = {**space.machines, **space.workers}
    assert sorted(known[each].name for each in machines) == names


@pytest.mark.parametrize("name", ["Upgrade", "UpdateCalamari"])
async def test_an_upgrade_reaches_the_machines_that_answer(
    simulator: Simulator, admin: Any, name: str
) -> None:
    simulator.add_machine("web-1", environments=["Dev"], roles=["web"])
    simulator.world.spaces["Spaces-1"].machines["Machines-1"].has_calamari = False
    summary = await admin.get("/api/environments/summary")
    assert summary["MachineIdsForCalamariUpgrade"] == ["Machines-1"]
    task = await _run(simulator, admin, {"Name": name, "Description": "Up"})
    assert task["FinishedSuccessfully"] is True
    assert (await admin.get("/api/machines/web-1"))["HasLatestCalamari"] is True


async def test_a_finished_chore_is_run_again_and_a_deployment_is_not(
    simulator: Simulator, admin: Any
) -> None:
    task = await _run(simulator, admin, {"Name": "Retention", "Description": "Clean up"})
    assert task["CanRerun"] is True
    again = await admin.post(task["Links"]["Rerun"], status=200)
    assert (again["Id"] != task["Id"], again["Description"]) == (True, "Clean up")
    refused = await admin.post(again["Links"]["Rerun"], status=400)
    assert refused["ErrorMessage"] == "This task cannot be re-run."
    await admin.post("/api/tasks/rerun/ServerTasks-1", status=400)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("AdHocScript", {"ActionTemplateId": "ActionTemplates-1", "TargetType": "Machines"}),
        ("ConfigureLetsEncrypt", {"DnsName": "octopus.example.com"}),
        ("SynchronizeBuiltInPackageRepositoryIndex", {}),
        ("TestAccount", {"AccountId": "Accounts-1"}),
    ],
)
async def test_tasks_of_older_clients_are_known(
    simulator: Simulator, admin: Any, name: str, arguments: dict[str, Any]
) -> None:
    body = {"Name": name, "Description": "x", "Arguments": arguments}
    made = await admin.post("/api/tasks", body)
    simulator.advance(5)
    assert (await admin.get(made["Links"]["Self"]))["State"] == "Success"


async def test_tasks_of_the_server_belong_to_no_space(
    simulator: Simulator, admin: Any, api: Any
) -> None:
    body = {"Name": "TestEmail", "Description": "Hi", "Arguments": {"EmailAddress": "a@b.c"}}
    made = await admin.post("/api/tasks", body)
    assert (made["SpaceId"], made["Name"]) == (None, "TestEmail")
    await api.post("/api/tasks", body, status=403)
    simulator.advance(5)
    assert (await admin.get(made["Links"]["Self"]))["State"] == "Success"
    await api.get(made["Links"]["Self"], status=403)


@pytest.mark.parametrize(
    ("body", "status", "part"),
    [
        ({"Name": "Dance", "Description": "x"}, 400, "is not known"),
        ({"Name": "Deploy", "Description": "x"}, 400, "by the server only"),
        ({"Name": "Health"}, 400, "Description"),
        ({"Name": "AdHocScript", "Description": "x"}, 400, "ScriptBody"),
        ({**HEALTH, "Arguments": []}, 400, "Arguments"),
        ({**HEALTH, "Arguments": {"EnvironmentId": "Environments-9"}}, 404, "Environment"),
        ({**HEALTH, "Arguments": {"MachineIds": ["Machines-9"]}}, 404, "Machine"),
        ({**HEALTH, "Arguments": {"WorkerpoolId": "WorkerPools-9"}}, 404, "Worker Pool"),
        ({**HEALTH, "SpaceId": "Spaces-9"}, 404, "Space"),
    ],
)
async def test_a_task_that_makes_no_sense_is_refused(
    admin: Any, body: dict[str, Any], status: int, part: str
) -> None:
    refused = await admin.post("/api/tasks", body, status=status)
    assert part in " ".join([refused["ErrorMessage"], *refused.get("Errors", ())])


async def test_queueing_a_task_needs_its_permission_where_it_works(
    simulator: Simulator, as_user: Callable[[str], Any]
) -> None:
    bob = as_user("bob")
    await bob.post("/api/tasks", HEALTH, status=403)
    simulator.grant("bob", "TaskCreate", environments=["Dev"])
    await bob.post("/api/tasks", {**HEALTH, "Arguments": {"EnvironmentId": "Environments-1"}})
    body = {**HEALTH, "Arguments": {"EnvironmentId": "Environments-2"}}
    await bob.post("/api/tasks", body, status=403)


async def test_the_kinds_of_tasks_are_told(admin: Any) -> None:
    kinds = {each["Id"] for each in await admin.get("/api/tasks/tasktypes")}
    assert {"Deploy", "RunbookRun", "Health", "AdHocScript", "Upgrade", "Retention"} <= kinds
