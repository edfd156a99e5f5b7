"""Lifecycles, channels, defects and both ways to create releases and deployments."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from reconciler.simulator import Simulator, load_seed, parse_seed
from reconciler.simulator.progress import promotable

SEED = """
spaces:
  - name: Space
    environments: [Dev, Test A, Test B, Canary, Live]
    lifecycles:
      - name: Web
        phases:
          - {name: Dev, automatic: [Dev]}
          - {name: Test, environments: [Test A, Test B], minimum: 1}
          - {name: Canary, environments: [Canary], optional: true}
          - {name: Live, environments: [Live]}
      - name: Short
        phases: [{name: Only, environments: [Dev]}]
    projects:
      - {name: Web, lifecycle: Web, packages: [A, B], steps: [First, Second]}
      - {name: Tool, lifecycle: Short, releases: ["1"]}
      - {name: Other, releases: ["1.0"]}
"""


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(
        parse_seed(SEED), clock=lambda: datetime(2026, 11, 20, tzinfo=UTC), task_seconds=10
    )


async def _promote_to(api: Any, release: str) -> list[str]:
    template = await api.get(f"/api/releases/{release}/deployments/template")
    return [each["Name"] for each in template["PromoteTo"]]


async def test_a_release_moves_phase_by_phase(simulator: Simulator, api: Any) -> None:
    release = simulator.release("Web", "1.0.0")
    assert await _promote_to(api, release) == ["Dev"]

    simulator.deploy("Web", "1.0.0", "Dev")
    assert await _promote_to(api, release) == ["Dev"]
    simulator.advance(10)
    assert await _promote_to(api, release) == ["Dev", "Test A", "Test B"]
    simulator.deploy("Web", "1.0.0", "Test B")
    simulator.advance(10)
    assert await _promote_to(api, release) == ["Dev", "Test A", "Test B", "Canary", "Live"]

    progress = await api.get(f"/api/releases/{release}/progression")
    told = [(each["Name"], each["Progress"]) for each in progress["Phases"]]
    assert told == [
        ("Dev", "Complete"),
        ("Test", "Complete"),
        ("Canary", "Current"),
        ("Live", "Pending"),
    ]
    names = [simulator.world.spaces["Spaces-1"].environments[each].name
             for each in progress["NextDeployments"]]  # fmt: skip
    assert names == ["Test A", "Canary", "Live"]


async def test_a_failed_deployment_opens_no_phase(simulator: Simulator, api: Any) -> None:
    release = simulator.release("Web", "1.0.0")
    simulator.fail_next("Web", "1.0.0", "Dev")
    simulator.deploy("Web", "1.0.0", "Dev")
    simulator.advance(10)
    assert await _promote_to(api, release) == ["Dev"]


async def test_an_automatic_phase_deploys_by_itself(simulator: Simulator, api: Any) -> None:
    made = await api.post(
        "/api/Spaces-1/releases/create/v1",
        {"spaceIdOrName": "Space", "projectName": "Web", "releaseVersion": "2.0.0"},
    )
    (seen,) = simulator.deployments("Web", "Dev")
    assert (seen.version, seen.deployed_by) == ("2.0.0", "system")
    release = await api.get(f"/api/releases/{made['ReleaseId']}")
    packages = release["SelectedPackages"]
    told = [(each["PackageReferenceName"], each["Version"]) for each in packages]
    assert told == [("", "2.0.0"), ("B", "2.0.0")]


async def test_an_environment_outside_of_the_lifecycle_is_refused(api: Any) -> None:
    tool = (await api.get("/api/projects/tool/releases/1"))["Id"]
    refused = await api.post(
        "/api/deployments", {"ReleaseId": tool, "EnvironmentId": "Environments-5"}, status=400
    )
    assert refused["ErrorMessage"] == "Deployment creation failed."
    assert "not part of lifecycle 'Short'" in refused["Errors"][0]


async def test_a_defect_blocks_the_following_phases(
    simulator: Simulator, api: Any, admin: Any
) -> None:
    release = simulator.release("Web", "1.0.0")
    simulator.deploy("Web", "1.0.0", "Dev")
    simulator.advance(10)
    await api.post(f"/api/releases/{release}/defects", {"Description": "bad"}, status=403)
    await admin.post(f"/api/releases/{release}/defects", {"Description": "bad"}, status=200)

    assert await _promote_to(api, release) == ["Dev"]
    refused = await api.post(
        "/api/deployments", {"ReleaseId": release, "EnvironmentId": "Environments-2"}, status=400
    )
    assert "defect" in refused["Errors"][0]
    progress = await api.get(f"/api/releases/{release}/progression")
    assert [each["Blocked"] for each in progress["Phases"]] == [False, True, True, True]

    await admin.post(f"/api/releases/{release}/defects/resolve", status=200)
    assert len(await _promote_to(api, release)) == 3


async def test_a_disabled_project_takes_neither_release_nor_deployment(
    simulator: Simulator, api: Any
) -> None:
    simulator.disable("Tool")
    body = {"ProjectId": "Projects-2", "Version": "2"}
    refused = await api.post("/api/releases", body, status=400)
    assert refused["ErrorMessage"] == "The project is disabled, so releases cannot be created"
    body = {"ReleaseId": "Releases-1", "EnvironmentId": "Environments-1"}
    await api.post("/api/deployments", body, status=400)
    simulator.enable("Tool")
    await api.post("/api/deployments", body)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"Version": "1.0.0"}, "Release '1.0.0' already exists for this project."),
        ({"Version": "1"}, "Release '1' already exists for this project."),
        ({"Version": "one"}, "The release number 'one' does not appear to be a valid version"),
        ({"Version": "2", "ChannelId": "Channels-1"}, "The channel Default specified"),
    ],
)
async def test_a_bad_release_is_refused_in_the_server_s_words(
    api: Any, more: dict[str, str], sentence: str
) -> None:
    refused = await api.post("/api/releases", {"ProjectId": "Projects-3", **more}, status=400)
    assert refused["ErrorMessage"].startswith(sentence)


async def test_every_package_needs_a_version(api: Any) -> None:
    body = {"ProjectId": "Projects-1", "Version": "5"}
    refused = await api.post("/api/releases", body, status=400)
    assert refused["ErrorMessage"] == "A version must be specified for every included package."
    refused = await api.post("/api/releases", {"Version": "5"}, status=400)
    assert refused["ErrorMessage"] == "No project ID was specified."


async def test_the_executions_api_takes_names_in_either_case(
    simulator: Simulator, api: Any
) -> None:
    done = await api.post(
        "/api/Spaces-1/deployments/create/untenanted/v1",
        {
            "SpaceId": "Spaces-1",
            "SpaceIdOrName": "space",
            "ProjectName": "TOOL",
            "ReleaseVersion": "1.0.0",
            "EnvironmentNames": ["dev"],
            "comments": "by the executions API",
            "skipStepNames": ["Deploy Tool"],
        },
    )
    (task,) = done["DeploymentServerTasks"]
    deployment = await api.get(f"/api/deployments/{task['DeploymentId']}")
    assert deployment["TaskId"] == task["ServerTaskId"]
    assert deployment["Comments"] == "by the executions API"
    assert len(deployment["SkipActions"]) == 1
    assert simulator.deployments("Tool", "Dev")[-1].version == "1"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"projectName": "Nothing"}, "Nothing"),
        ({"releaseVersion": "7"}, "'7'"),
        ({"environmentNames": ["Dev", "Mars"]}, "Mars"),
        ({"environmentNames": []}, "environmentNames"),
        ({"spaceIdOrName": "Elsewhere"}, "Elsewhere"),
        ({"specificMachineNames": ["web01"]}, "web01"),
    ],
)
async def test_the_executions_api_names_what_it_does_not_know(
    simulator: Simulator, api: Any, change: dict[str, Any], named: str
) -> None:
    body = {
        "spaceIdOrName": "Space",
        "projectName": "Tool",
        "releaseVersion": "1",
        "environmentNames": ["Dev"],
    }
    path = "/api/Spaces-1/deployments/create/untenanted/v1"
    refused = await api.post(path, {**body, **change}, status=400)
    assert named in refused["Errors"][0]
    assert simulator.deployments("Tool", "Dev") == ()


async def test_an_existing_release_can_be_asked_for_again(api: Any) -> None:
    body = {"spaceIdOrName": "Space", "projectName": "Tool", "releaseVersion": "1.0"}
    path = "/api/Spaces-1/releases/create/v1"
    await api.post(path, body, status=400)
    again = await api.post(path, {**body, "ignoreIfAlreadyExists": True}, status=200)
    assert again == {"ReleaseId": "Releases-1", "ReleaseVersion": "1"}


async def test_the_template_of_a_new_release_names_its_packages(api: Any) -> None:
    process = await api.get("/api/deploymentprocesses/deploymentprocess-Projects-1")
    path = httpx.URL(process["Links"]["Template"].split("{")[0])
    template = await api.get(str(path))
    assert [each["PackageId"] for each in template["Packages"]] == ["A", "B"]
    assert template["LastReleaseVersion"] is None


async def test_phases_are_filled_in_by_the_preview(api: Any) -> None:
    default = next(each for each in await api.get("/api/lifecycles/all")
                   if each["Name"] == "Default Lifecycle")  # fmt: skip
    assert default["Phases"] == []
    preview = await api.get(default["Links"]["Preview"])
    assert [each["Name"] for each in preview["Phases"]] == [
        "Dev", "Test A", "Test B", "Canary", "Live",
    ]  # fmt: skip


async def test_what_was_seeded_can_be_promoted_and_rolled_back() -> None:
    small = Simulator(load_seed("small"))
    space = small.world.spaces["Spaces-1"]
    shop = space.projects["Projects-1"]
    names = {
        release.version: [
            space.environments[each].name for each in promotable(space, shop, release)
        ]
        for release in shop.releases
    }
    assert names == {
        "1.0.0": ["Dev", "Test", "Production"],
        "1.1.0": ["Dev", "Test", "Production"],
        "1.2.0": ["Dev", "Test"],
    }
