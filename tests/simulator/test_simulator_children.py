"""Deploy-a-release steps: a parent's deployment starts children, waits, and shares their fate."""

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.simulator import Simulator, parse_seed

_START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)

SEED = """
server: {slots: 1}
spaces:
  - name: S
    environments: [Dev, Prod]
    projects:
      - {name: db, releases: ["1.0.0", "1.1.0"]}
      - {name: api, releases: ["1.0.0"]}
      - {name: all, deploys: [db, api], releases: ["1.0.0", "1.1.0"]}
"""


@pytest.fixture
def family() -> Simulator:
    return Simulator(parse_seed(SEED), clock=lambda: _START, task_seconds=10)


def _states(family: Simulator, environment: str = "Dev") -> dict[str, list[str]]:
    return {
        name: [f"{each.version} {each.state}" for each in family.deployments(name, environment)]
        for name in ("all", "db", "api")
    }


def test_children_are_deployed_one_after_another_in_a_single_slot(family: Simulator) -> None:
    family.deploy("all", "1.1.0", "Dev", by="administrator")
    assert _states(family) == {"all": ["1.1.0 Executing"], "db": ["1.1.0 Executing"], "api": []}
    family.advance(14)
    assert _states(family)["db"] == ["1.1.0 Success"]
    assert _states(family)["api"] == []
    family.advance(1)
    assert _states(family)["api"] == ["1.0.0 Executing"]
    family.advance(15)
    assert _states(family)["all"] == ["1.1.0 Success"]
    assert family.deployments("api", "Dev")[0].deployed_by == "administrator"
    assert family.world.engine.running_count() == 0


def test_a_child_that_fails_fails_its_parent(family: Simulator) -> None:
    family.fail_next("db", None, "Dev", message="disk full")
    family.deploy("all", "1.1.0", "Dev")
    family.advance(60)
    assert _states(family) == {"all": ["1.1.0 Failed"], "db": ["1.1.0 Failed"], "api": []}
    parent = family.world.tasks[family.deployments("all", "Dev")[0].task_id]
    assert parent.error_message == "Deploy db release 1.1.0 to Dev: disk full"


def test_a_child_out_of_order_fails_its_parent(family: Simulator) -> None:
    family.deploy("all", "1.1.0", "Prod")
    family.advance(60)
    assert _states(family, "Prod") == {"all": ["1.1.0 Failed"], "db": [], "api": []}


def test_cancelling_a_parent_cancels_its_child(family: Simulator) -> None:
    parent = family.deploy("all", "1.1.0", "Dev")
    family.cancel(parent)
    family.advance(60)
    assert _states(family) == {"all": ["1.1.0 Canceled"], "db": ["1.1.0 Canceled"], "api": []}


@pytest.mark.parametrize(
    ("guidance", "parent", "children"),
    [
        ("Retry", "Success", ["1.1.0 Failed", "1.1.0 Success"]),
        ("Ignore", "Success", ["1.1.0 Failed"]),
        ("Fail", "Failed", ["1.1.0 Failed"]),
    ],
)
async def test_a_person_guides_a_parent_whose_child_failed(
    family: Simulator, service_of: Any, guidance: str, parent: str, children: list[str]
) -> None:
    family.fail_next("db", None, "Dev")
    family.deploy("all", "1.1.0", "Dev", options={"UseGuidedFailure": True})
    family.advance(30)
    api = service_of(family)
    (asked,) = (await api.get("/api/interruptions?pendingOnly=true"))["Items"]
    await api.put(f"/api/interruptions/{asked['Id']}/responsible")
    await api.post(f"/api/interruptions/{asked['Id']}/submit", {"Guidance": guidance}, status=200)
    family.advance(90)
    assert _states(family)["db"] == children
    assert _states(family)["all"] == [f"1.1.0 {parent}"]


@pytest.mark.parametrize(
    ("condition", "version", "again"),
    [
        ("Always", "1.1.0", True),
        ("IfNotCurrentVersion", "1.1.0", False),
        ("IfNotCurrentVersion", "1.0.0", True),
        ("IfNewer", "1.0.0", False),
        ("IfNewer", "1.1.0", False),
    ],
)
async def test_a_condition_decides_whether_a_child_is_deployed(
    family: Simulator, service_of: Any, condition: str, version: str, again: bool
) -> None:
    api = service_of(family)
    api.http.headers["X-Octopus-ApiKey"] = family.api_key
    process = await api.get("/api/projects/all/deploymentprocesses")
    rules = process["Steps"][0]["Actions"][0]["Properties"]
    rules["Octopus.Action.DeployRelease.DeploymentCondition"] = condition
    process["Steps"] = process["Steps"][:1]
    await api.put(process["Links"]["Self"], process)
    chosen = [{"ActionName": "Deploy db", "Version": version}]
    body = {"ProjectId": "Projects-3", "Version": "3.0.0", "SelectedPackages": chosen}
    await api.post("/api/releases", body)
    family.deploy("db", "1.1.0", "Dev")
    family.advance(30)
    family.deploy("all", "3.0.0", "Dev")
    family.advance(60)

    assert _states(family)["all"] == ["3.0.0 Success"]
    assert len(family.deployments("db", "Dev")) == 1 + again


async def test_releases_of_other_projects_are_a_feed_of_their_own(
    family: Simulator, service_of: Any
) -> None:
    api = service_of(family)
    process = await api.get("/api/projects/all/deploymentprocesses")
    template = await api.get(process["Links"]["Template"].split("{")[0])
    package = template["Packages"][0]
    assert (package["FeedName"], package["VersionSelectedLastRelease"]) == (
        "Octopus Server Releases (built-in)",
        "1.1.0",
    )
    versions = await api.get(
        f"/api/feeds/{package['FeedId']}/packages/versions?packageId={package['PackageId']}"
    )
    assert [each["Version"] for each in versions["Items"]] == ["1.1.0", "1.0.0"]
    feeds = await api.get("/api/feeds")
    assert [each["FeedType"] for each in feeds["Items"]] == ["BuiltIn", "OctopusProject"]
