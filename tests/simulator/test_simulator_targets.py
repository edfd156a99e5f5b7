"""Deployment target triggers: what comes or recovers gets what its counterparts run."""

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.simulator import Simulator, parse_seed

_START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)

SEED = """
spaces:
  - name: S
    environments: [Dev, Prod]
    machines: [{name: web-1, environments: [Dev, Prod], roles: [web]}]
    projects:
      - {name: site, roles: [web], releases: ["1.0.0", "1.1.0"], deployed: {Dev: "1.0.0"}}
"""


def _farm(*, always: bool = False, **more: Any) -> Simulator:
    farm = Simulator(parse_seed(SEED), clock=lambda: _START, task_seconds=10)
    farm.add_trigger(
        "site",
        "Targets",
        filter={
            "FilterType": "MachineFilter",
            "EventGroups": ["MachineAvailableForDeployment"],
            **more,
        },
        action={"ActionType": "AutoDeploy", "ShouldRedeployWhenMachineHasBeenDeployedTo": always},
    )
    return farm


def _seen(farm: Simulator, environment: str = "Dev") -> list[tuple[str, str, str]]:
    return [
        (each.version, each.state, each.deployed_by)
        for each in farm.deployments("site", environment)[1:]
    ]


def test_a_new_machine_gets_what_the_others_run_within_half_a_minute() -> None:
    farm = _farm()
    new = farm.add_machine("web-2", environments=["Dev", "Prod"], roles=["Web"])
    farm.advance(29)
    assert _seen(farm) == []
    farm.add_machine("web-3", environments=["Dev"], roles=["web"])
    farm.advance(60)
    assert _seen(farm) == [("1.0.0", "Success", "system")]
    last = farm.world.spaces["Spaces-1"].deployments[farm.deployments("site", "Dev")[-1].id]
    assert last.options["SpecificMachineIds"] == [new, "Machines-3"]
    assert last.task.machines == (new, "Machines-3")
    assert farm.deployments("site", "Prod") == ()


def test_a_machine_that_runs_the_release_already_is_left_alone() -> None:
    farm = _farm()
    farm.disable_machine("web-1")
    farm.enable_machine("web-1")
    farm.advance(60)
    assert _seen(farm) == []


def test_a_trigger_may_deploy_to_it_all_the_same() -> None:
    farm = _farm(always=True)
    farm.enable_machine("web-1")
    farm.advance(60)
    assert _seen(farm) == [("1.0.0", "Success", "system")]


def test_the_release_that_failed_last_is_not_the_one_that_runs() -> None:
    farm = _farm()
    farm.fail_next("site", "1.1.0", "Dev")
    farm.deploy("site", "1.1.0", "Dev")
    farm.advance(20)
    farm.add_machine("web-2", environments=["Dev"], roles=["web"])
    farm.advance(60)
    assert _seen(farm)[1:] == [("1.0.0", "Success", "system")]


@pytest.mark.parametrize(
    "more",
    [
        {"EnvironmentIds": ["Prod"]},
        {"Roles": ["cache"]},
        {"EventGroups": ["MachineCritical"]},
        {"EventGroups": [], "EventCategories": ["MachineDisabled"]},
    ],
)
def test_events_that_a_filter_does_not_name_fire_nothing(more: dict[str, Any]) -> None:
    farm = _farm(**more)
    farm.add_machine("web-2", environments=["Dev"], roles=["web"])
    farm.advance(60)
    assert _seen(farm) == []


def test_a_machine_of_no_role_of_the_release_gets_nothing() -> None:
    farm = _farm()
    farm.add_machine("db-1", environments=["Dev"], roles=["db"])
    farm.advance(60)
    assert _seen(farm) == []


async def test_an_override_names_another_release(service_of: Any) -> None:
    farm = _farm()
    api = service_of(farm)
    api.http.headers["X-Octopus-ApiKey"] = farm.api_key
    project = await api.get("/api/projects/site")
    project["AutoDeployReleaseOverrides"] = [
        {"EnvironmentId": "Environments-1", "TenantId": None, "ReleaseId": "Releases-2"}
    ]
    await api.put("/api/projects/site", project)
    farm.add_machine("web-2", environments=["Dev"], roles=["web"])
    farm.advance(60)
    assert _seen(farm) == [("1.1.0", "Success", "system")]


def test_a_recovered_machine_is_found_again_by_its_health_check() -> None:
    farm = _farm()
    farm.machine_dies("web-1")
    farm.deploy("site", "1.1.0", "Dev", options={"SpecificMachineIds": ["Machines-1"]})
    farm.advance(20)
    farm.machine_is("web-1", "Unavailable")
    farm.machine_is("web-1", "Healthy")
    farm.advance(60)
    assert _seen(farm) == [("1.1.0", "Failed", "administrator")]
