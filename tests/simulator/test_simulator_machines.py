"""Deployment targets: written, listed, deployed to, left out, and lost on the way."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.simulator import Simulator, parse_seed

_START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)

SEED = """
spaces:
  - name: S
    environments: [Dev, Prod]
    machines:
      - {name: web-1, environments: [Dev], roles: [web]}
      - {name: web-2, environments: [Dev, Prod], roles: [Web, cache]}
      - {name: db-1, environments: [Dev], roles: [db]}
    projects:
      - {name: site, roles: [web], releases: ["1.0.0", "1.1.0"], deployed: {Dev: "1.0.0"}}
"""


@pytest.fixture
def farm() -> Simulator:
    return Simulator(parse_seed(SEED), clock=lambda: _START, task_seconds=10)


@pytest.fixture
def calls(farm: Simulator, service_of: Callable[[Simulator], Any]) -> Any:
    made = service_of(farm)
    made.http.headers["X-Octopus-ApiKey"] = farm.api_key
    return made


def _machine(**more: Any) -> dict[str, Any]:
    endpoint = {"communicationStyle": "TentaclePassive", "uri": "https://web-3:10933/"}
    return {
        "Name": "web-3",
        "EnvironmentIds": ["Environments-1"],
        "Roles": ["web"],
        "Endpoint": {**endpoint, "Thumbprint": "AB12"},
        **more,
    }


def _last(farm: Simulator, environment: str = "Dev") -> Any:
    return farm.deployments("site", environment)[-1]


async def test_a_machine_is_made_checked_changed_and_deleted(farm: Simulator, calls: Any) -> None:
    made = await calls.post("/api/machines", _machine())
    assert (made["HealthStatus"], made["Status"], made["Uri"]) == (
        "Unknown",
        "Unknown",
        "https://web-3:10933/",
    )
    assert (made["Slug"], made["MachinePolicyId"]) == ("web-3", "MachinePolicies-1")
    assert made["Endpoint"]["TentacleVersionDetails"]["UpgradeRequired"] is False
    farm.advance(5)
    checked = await calls.get(made["Links"]["Self"])
    assert (checked["HealthStatus"], checked["Status"], checked["HasLatestCalamari"]) == (
        "Healthy",
        "Online",
        True,
    )
    connection = await calls.get(made["Links"]["Connection"])
    assert (connection["Status"], connection["CurrentTentacleVersion"]) == ("Online", "8.2.3")
    tasks = await calls.get(made["Links"]["TasksTemplate"].split("{")[0] + "?type=health")
    assert [each["Description"] for each in tasks["Items"]] == ["Check health of web-3"]

    off = await calls.put(made["Links"]["Self"], {**checked, "IsDisabled": True, "Roles": ["x"]})
    assert (off["IsDisabled"], off["HealthStatus"], off["Status"]) == (True, "Healthy", "Disabled")
    events = await calls.get(f"/api/events?regarding={made['Id']}")
    assert [each["Category"] for each in events["Items"]] == [
        "MachineDisabled",
        "MachineDeploymentRelatedPropertyWasUpdated",
        "MachineHealthy",
        "MachineAdded",
    ]
    assert (await calls.http.delete(made["Links"]["Self"])).status_code == 200
    gone = await calls.get(made["Links"]["Self"], status=404)
    assert gone["ErrorMessage"] == "The Machine doesn't exist."


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Name": "WEB-1"}, 400),
        ({"EnvironmentIds": []}, 400),
        ({"EnvironmentIds": ["Environments-9"]}, 404),
        ({"Roles": [" "]}, 400),
        ({"MachinePolicyId": "MachinePolicies-9"}, 404),
        ({"Endpoint": None}, 400),
        ({"Endpoint": {"CommunicationStyle": "Telepathy"}}, 400),
        ({"Endpoint": {"CommunicationStyle": "TentaclePassive"}}, 400),
        ({"TenantedDeploymentParticipation": "Sometimes"}, 400),
    ],
)
async def test_a_machine_that_makes_no_sense_is_refused(
    calls: Any, change: dict[str, Any], status: int
) -> None:
    await calls.post("/api/machines", _machine(**change), status=status)
    assert (await calls.get("/api/machines"))["TotalResults"] == 3


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["db-1", "web-1", "web-2"]),
        ("?roles=web", ["web-1", "web-2"]),
        ("?roles=cache,DB", ["db-1", "web-2"]),
        ("?environmentIds=Environments-2", ["web-2"]),
        ("?healthStatuses=unavailable", ["web-1"]),
        ("?isDisabled=true", ["web-2"]),
        ("?isDisabled=false&partialName=WEB", ["web-1"]),
        ("?commStyles=Ssh", []),
        ("?name=db-1", ["db-1"]),
        ("?thumbprint=FFFF", []),
        ("?shellNames=Bash&deploymentTargetTypes=TentaclePassive&take=1", ["db-1"]),
        ("?deploymentId=Deployments-1", ["web-1", "web-2"]),
        ("?deploymentId=Deployments-99", []),
    ],
)
async def test_lists_of_machines_are_filtered(
    farm: Simulator, calls: Any, query: str, names: list[str]
) -> None:
    farm.machine_is("web-1", "Unavailable")
    farm.disable_machine("web-2")
    listed = await calls.get(f"/api/machines{query}")
    assert [each["Name"] for each in listed["Items"]] == names


async def test_machines_are_found_by_environment_and_counted(farm: Simulator, calls: Any) -> None:
    farm.disable_machine("db-1")
    inside = await calls.get("/api/environments/prod/machines")
    assert [each["Name"] for each in inside["Items"]] == ["web-2"]
    assert await calls.get("/api/machineroles/all") == ["cache", "db", "Web", "web"]
    summary = await calls.get("/api/environments/summary?partialName=d&roles=web,db")
    assert (summary["TotalMachines"], summary["TotalDisabledMachines"]) == (3, 1)
    dev = summary["EnvironmentSummaries"][0]
    assert dev["MachineHealthStatusSummaries"] == {"Healthy": 3}
    assert dev["MachineEndpointSummaries"] == {"TentaclePassive": 3}
    few = await calls.get("/api/environments/summary?hideEmptyEnvironments=true&roles=db")
    assert [each["Environment"]["Name"] for each in few["EnvironmentSummaries"]] == ["Dev"]


async def test_machines_are_seen_by_environment(
    farm: Simulator, service_of: Callable[[Simulator], Any]
) -> None:
    api = service_of(farm)
    farm.restrict("reconciler", "MachineView", environments=["Prod"])
    listed = await api.get("/api/machines")
    assert [each["Name"] for each in listed["Items"]] == ["web-2"]
    await api.get("/api/machines/Machines-1", status=403)
    answer = await api.http.delete("/api/machines/Machines-2")
    assert (answer.status_code, "MachineDelete" in answer.text) == (403, True)


async def test_a_step_goes_to_the_machines_of_its_roles(farm: Simulator, calls: Any) -> None:
    release = (await calls.get("/api/projects/site/releases/1.1.0"))["Id"]
    path = f"/api/releases/{release}/deployments/preview/Environments-1"
    (step,) = (await calls.get(path))["StepsToExecute"]
    assert (step["Roles"], step["MachineNames"]) == (["web"], ["web-1", "web-2"])

    farm.deploy("site", "1.1.0", "Dev")
    farm.advance(3)
    details = await calls.get(f"/api/tasks/{_last(farm).task_id}/details")
    (parent,) = details["ActivityLogs"][0]["Children"]
    assert [(each["Name"], each["Status"]) for each in parent["Children"]] == [
        ("web-1", "Running"),
        ("web-2", "Running"),
    ]
    assert (await calls.get("/api/machines/web-1"))["IsInProcess"] is True
    refused = await calls.http.delete("/api/machines/Machines-1")
    assert refused.json()["ErrorMessage"] == (
        "The Machine has dependent resources and cannot be deleted."
    )
    shown = await calls.get(f"/api/deployments/{_last(farm).id}")
    assert shown["DeployedToMachineIds"] == ["Machines-1", "Machines-2"]


@pytest.mark.parametrize(
    ("options", "reached"),
    [
        ({"SpecificMachineIds": ["Machines-2", "Machines-3"]}, ["Machines-2"]),
        ({"ExcludedMachineIds": ["Machines-2"]}, ["Machines-1"]),
        ({"SpecificMachineIds": []}, ["Machines-1", "Machines-2"]),
    ],
)
async def test_a_deployment_goes_to_some_machines_only(
    farm: Simulator, calls: Any, options: dict[str, Any], reached: list[str]
) -> None:
    release = (await calls.get("/api/projects/site/releases/1.1.0"))["Id"]
    body = {"ReleaseId": release, "EnvironmentId": "Environments-1", **options}
    made = await calls.post("/api/deployments", body)
    farm.advance(20)
    shown = await calls.get(made["Links"]["Self"])
    assert shown["DeployedToMachineIds"] == reached
    assert _last(farm).state == "Success"


async def test_machines_of_a_command_are_named_and_must_be_there(calls: Any) -> None:
    body = {
        "spaceIdOrName": "S",
        "projectName": "site",
        "releaseVersion": "1.1.0",
        "environmentNames": ["Dev"],
    }
    path = "/api/Spaces-1/deployments/create/untenanted/v1"
    made = await calls.post(path, {**body, "excludedMachineNames": ["WEB-2"]})
    (deployed,) = made["DeploymentServerTasks"]
    shown = await calls.get(f"/api/deployments/{deployed['DeploymentId']}")
    assert shown["ExcludedMachineIds"] == ["Machines-2"]
    refused = await calls.post(path, {**body, "specificMachineNames": ["web-9"]}, status=400)
    assert refused["ErrorMessage"] == "Machine 'web-9' was not found."
    classic = {"ReleaseId": "Releases-2", "EnvironmentId": "Environments-1"}
    unknown = {**classic, "SpecificMachineIds": ["Machines-9"]}
    await calls.post("/api/deployments", unknown, status=404)


async def test_a_machine_that_dies_on_the_way_fails_the_deployment(
    farm: Simulator, calls: Any
) -> None:
    farm.deploy("site", "1.1.0", "Dev")
    farm.advance(3)
    farm.machine_dies("web-2")
    farm.advance(10)
    task = await calls.get(f"/api/tasks/{_last(farm).task_id}")
    assert (task["State"], task["ErrorMessage"]) == (
        "Failed",
        "The machine web-2 could not be contacted.",
    )
    assert (await calls.get("/api/machines/web-2"))["HealthStatus"] == "Healthy"


@pytest.mark.parametrize(
    ("behavior", "state", "reached"),
    [("None", "Failed", ["Machines-1", "Machines-2"]),
     ("SkipUnavailableMachines", "Success", ["Machines-1"])],
)  # fmt: skip
async def test_a_machine_known_to_be_gone_is_skipped_where_the_project_says_so(
    farm: Simulator, calls: Any, behavior: str, state: str, reached: list[str]
) -> None:
    project = await calls.get("/api/projects/site")
    project["ProjectConnectivityPolicy"]["SkipMachineBehavior"] = behavior
    await calls.put("/api/projects/site", project)
    farm.machine_is("web-2", "Unavailable")
    farm.deploy("site", "1.1.0", "Dev")
    farm.advance(20)
    shown = await calls.get(f"/api/deployments/{_last(farm).id}")
    assert (_last(farm).state, shown["DeployedToMachineIds"]) == (state, reached)


@pytest.mark.parametrize(("allows", "state"), [(True, "Success"), (False, "Failed")])
async def test_a_deployment_without_any_machine_does_what_the_project_says(
    farm: Simulator, calls: Any, allows: bool, state: str
) -> None:
    project = await calls.get("/api/projects/site")
    project["ProjectConnectivityPolicy"]["AllowDeploymentsToNoTargets"] = allows
    await calls.put("/api/projects/site", project)
    farm.disable_machine("web-1")
    farm.disable_machine("web-2")
    farm.deploy("site", "1.1.0", "Dev")
    farm.advance(20)
    assert _last(farm).state == state


async def test_what_answers_at_a_host_is_discovered(calls: Any) -> None:
    found = await calls.get("/api/machines/discover?host=web-9&port=10943")
    assert found["Endpoint"]["Uri"] == "https://web-9:10943/"
    again = await calls.get("/api/workers/discover?host=WEB-9")
    assert again["Thumbprint"] == found["Thumbprint"]
    await calls.get("/api/machines/discover?host=web.invalid", status=400)
    refused = await calls.get("/api/machines/discover", status=400)
    assert "named 'host'" in refused["ErrorMessage"]


async def test_an_environment_with_machines_is_not_deleted(farm: Simulator, calls: Any) -> None:
    made = await calls.post("/api/environments", {"Name": "Spare"})
    farm.add_machine("spare-1", environments=["Spare"], roles=["x"])
    assert (await calls.http.delete(made["Links"]["Self"])).status_code == 400
    await calls.http.delete("/api/machines/spare-1")
    assert (await calls.http.delete(made["Links"]["Self"])).status_code == 200
