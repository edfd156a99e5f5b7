"""Dashboards and progressions: what is current, what is shown, what is left out."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from reconciler.simulator import Simulator, seed_estate


def _cell(board: Any, project: str, environment: str) -> list[tuple[str, str, bool]]:
    return [
        (each["ReleaseVersion"], each["State"], each["IsCurrent"])
        for each in board["Items"]
        if (each["ProjectId"], each["EnvironmentId"]) == (project, environment)
    ]


async def test_a_capped_board_says_its_limit_and_is_completed_by_ids(
    simulator: Simulator, api: Any
) -> None:
    simulator.project_limit = 2
    board = await api.get("/api/dashboard/dynamic")
    assert [each["Name"] for each in board["Projects"]] == ["Newsletter", "Orders API"]
    assert board["ProjectLimit"] == 2
    assert {each["ProjectId"] for each in board["Items"]} == {"Projects-2"}
    rest = await api.get("/api/dashboard/dynamic?projects=Projects-1,Projects-3")
    assert {each["ProjectId"] for each in rest["Items"]} == {"Projects-1", "Projects-3"}


async def test_filters_match_ids_only_and_a_name_gives_an_empty_board(api: Any) -> None:
    board = await api.get("/api/dashboard/dynamic?projects=Projects-1&environments=Environments-2")
    assert _cell(board, "Projects-1", "Environments-2") == [("1.1.0", "Success", True)]
    assert len(board["Items"]) == 1
    assert board["IsFiltered"] is True
    empty = await api.get("/api/dashboard/dynamic?projects=Web%20Shop")
    assert (empty["Items"], empty["Projects"]) == ([], [])


async def test_current_is_what_was_created_last_not_what_ran_last(
    simulator: Simulator, api: Any
) -> None:
    simulator.deploy("Web Shop", "1.2.0", "Test", at=simulator.now + timedelta(hours=1))
    simulator.advance(60)
    simulator.deploy("Web Shop", "1.1.0", "Test", comments="meanwhile")
    simulator.advance(7200)

    board = await api.get("/api/dashboard/dynamic?includePrevious=true")

    assert _cell(board, "Projects-1", "Environments-2") == [
        ("1.1.0", "Success", True),
        ("1.2.0", "Success", False),
    ]


async def test_the_static_board_has_no_previous_items(simulator: Simulator, api: Any) -> None:
    simulator.deploy("Web Shop", "1.0.0", "Test")
    board = await api.get("/api/Spaces-1/dashboard?showAll=true")
    assert _cell(board, "Projects-1", "Environments-2") == [("1.0.0", "Executing", True)]
    highest = await api.get("/api/dashboard?highestLatestVersionPerProjectAndEnvironment=true")
    assert _cell(highest, "Projects-1", "Environments-2") == [("1.1.0", "Success", True)]
    one = await api.get("/api/dashboard?projectId=Projects-2")
    assert [each["Name"] for each in one["Projects"]] == ["Orders API"]
    assert [each["Name"] for each in one["Environments"]] == ["Dev", "Test", "Production"]


async def test_a_deleted_release_leaves_the_board(simulator: Simulator, api: Any) -> None:
    simulator.delete_release("Web Shop", "1.1.0")
    board = await api.get("/api/dashboard/dynamic?includePrevious=true")
    assert _cell(board, "Projects-1", "Environments-2") == []
    assert simulator.running("Web Shop", "Test") is None
    await api.get("/api/projects/web-shop/releases/1.1.0", status=404)


async def test_discrete_channels_have_one_current_release_each(
    simulator: Simulator, api: Any
) -> None:
    space = simulator.world.spaces["Spaces-1"]
    project = space.projects["Projects-1"]
    simulator.world.add_channel(space, project, "Hotfix")
    project.has_discrete_channels = True
    simulator.release("Web Shop", "1.2.1", channel="Hotfix")
    simulator.deploy("Web Shop", "1.2.1", "Dev")
    simulator.advance(10)
    board = await api.get("/api/dashboard/dynamic")
    assert _cell(board, "Projects-1", "Environments-1") == [
        ("1.2.0", "Success", True),
        ("1.2.1", "Success", True),
    ]


async def test_the_progression_of_a_release_hides_deployments_that_one_may_not_see(
    simulator: Simulator, api: Any
) -> None:
    simulator.deploy("Web Shop", "1.1.0", "Dev")
    (release,) = (await api.get("/api/projects/web-shop/releases?searchByVersion=1.1.0"))["Items"]

    async def places() -> set[str]:
        progress = await api.get(release["Links"]["Progression"])
        cells = [
            each["Deployment"] for phase in progress["Phases"] for each in phase["Deployments"]
        ]
        return {each["EnvironmentId"] for each in cells}

    assert await places() == {"Environments-1", "Environments-2"}
    simulator.restrict("reconciler", "DeploymentView", environments=["Test"])
    assert await places() == {"Environments-2"}


async def test_the_progression_of_a_project_shows_its_newest_releases(api: Any) -> None:
    shown = await api.get("/api/projects/web-shop/progression?releaseHistoryCount=2")
    assert [each["Release"]["Version"] for each in shown["Releases"]] == ["1.2.0", "1.1.0"]
    newest = shown["Releases"][0]
    assert list(newest["Deployments"]) == ["Environments-1"]
    assert newest["NextDeployments"] == ["Environments-2"]
    assert [each["Name"] for each in shown["Environments"]] == ["Dev", "Test", "Production"]


async def test_a_board_of_a_thousand_projects_is_one_answer(
    service_of: Callable[[Simulator], Any],
) -> None:
    big = service_of(Simulator(seed_estate(1000, 3)))
    board = await big.get("/api/dashboard/dynamic?includePrevious=true")
    assert (len(board["Projects"]), len(board["Items"])) == (1000, 3000)
    assert len(await big.get("/api/projects/all")) == 1000
    assert (await big.get("/api/projects?take=300&skip=900"))["ItemsPerPage"] == 300
