"""Deploying and following: the deploy credential, releases, tasks, logs."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from octopus_answers import Board, Json, deployment, release, reply, task
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from reconciler.core.logtree import Work
from reconciler.core.state import TaskState
from reconciler.errors import BadAnswer, NotAllowed, OutcomeUnknown, RemoteRejected, Unreachable
from reconciler.octopus.space import OctopusSpace
from reconciler.ports import DeploymentOrder

ORDER = DeploymentOrder("Releases-1", "Environments-1", "Deploy, please [tag]")


def answers(server: HTTPServer, response: Response) -> list[Request]:
    """Answer every POST of a deployment with this; return the requests seen."""
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return response

    server.expect_oneshot_request("/api/Spaces-1/deployments", method="POST").respond_with_handler(
        answer
    )
    return seen


async def test_a_deployment_is_asked_for_with_the_deploy_credential(
    httpserver: HTTPServer, space: OctopusSpace
) -> None:
    seen = answers(httpserver, reply(201, {"Id": "Deployments-5", "TaskId": "ServerTasks-7"}))

    assert await space.deploy(ORDER) == ("Deployments-5", "ServerTasks-7")
    assert seen[0].headers["X-Octopus-ApiKey"] == "API-DEPLOYER"
    assert json.loads(seen[0].get_data()) == {
        "ReleaseId": "Releases-1",
        "EnvironmentId": "Environments-1",
        "Comments": "Deploy, please [tag]",
    }


async def test_a_deployment_to_some_machines_names_them(
    httpserver: HTTPServer, space: OctopusSpace
) -> None:
    seen = answers(httpserver, reply(201, {"Id": "Deployments-5", "TaskId": "ServerTasks-7"}))

    await space.deploy(replace(ORDER, machine_ids=("Machines-1", "Machines-2")))

    said = json.loads(seen[0].get_data())
    assert said["SpecificMachineIds"] == ["Machines-1", "Machines-2"]


async def test_guided_failure_and_installed_packages_are_named_only_where_they_are_meant(
    httpserver: HTTPServer, space: OctopusSpace
) -> None:
    seen = answers(httpserver, reply(201, {"Id": "Deployments-5", "TaskId": "ServerTasks-7"}))

    await space.deploy(replace(ORDER, guided=False, forced=True))

    said = json.loads(seen[0].get_data())
    assert said["UseGuidedFailure"] is False
    assert said["ForcePackageRedeployment"] is True


@pytest.mark.parametrize(
    "said", [{}, {"Id": "Deployments-5"}, {"Id": "Deployments-5", "TaskId": None}, [], {"Id": ""}]
)
async def test_rule_14_a_success_that_names_no_deployment_is_an_unknown_outcome(
    said: Any, httpserver: HTTPServer, space: OctopusSpace
) -> None:
    answers(httpserver, reply(201, said))

    with pytest.raises(OutcomeUnknown, match="names no deployment"):
        await space.deploy(ORDER)


@pytest.mark.parametrize(("status", "trouble"), [(400, RemoteRejected), (403, NotAllowed)])
async def test_a_refusal_is_told_in_octopus_own_words(
    status: int, trouble: type[Exception], httpserver: HTTPServer, space: OctopusSpace
) -> None:
    said = {"ErrorMessage": "There was a problem.", "Errors": ["Not in the lifecycle."]}
    answers(httpserver, reply(status, said))

    with pytest.raises(trouble, match=r"There was a problem\. Not in the lifecycle\."):
        await space.deploy(ORDER)


async def test_rule_29_without_a_deploy_credential_nothing_is_deployed(
    board: Board, make_space: Callable[..., OctopusSpace]
) -> None:
    reading = make_space(deploy=None)

    assert await reading.deployer() is None
    assert await reading.deployer_may() is None
    with pytest.raises(NotAllowed, match="No deploy credential is configured") as error:
        await reading.deploy(ORDER)
    assert "Space manifest" in error.value.hint
    assert "POST" not in {method.method for method, _ in board.server.log}


async def test_rule_29_the_deployer_is_asked_who_it_is_with_its_own_key(
    board: Board, space: OctopusSpace
) -> None:
    user, allowed = await space.deployer(), await space.deployer_may()

    assert user is not None
    assert user.username == "svc"
    assert allowed is not None
    assert "ProjectView" in allowed.grants
    assert board.keys.count("API-DEPLOYER") == 2  # who it is, once, and what it may do


async def test_no_key_ever_shows_in_the_space(space: OctopusSpace) -> None:
    await space.deployer()

    assert "API-" not in repr(vars(space))


async def test_a_release_is_found_by_its_exact_version(board: Board, space: OctopusSpace) -> None:
    path = "/api/Spaces-1/projects/Projects-1/releases/1.4.0+b/7"
    board.odd[path] = reply(200, release(1, Version="1.4.0+b/7"))

    found = await space.find_release("Projects-1", "1.4.0+b/7")

    assert found is not None
    assert found.id == "Releases-1"
    assert await space.find_release("Projects-1", "9.9") is None


@pytest.mark.parametrize("version", ["", ".", ".."])
async def test_rule_23_a_version_that_would_leave_its_place_in_the_address_is_not_asked_for(
    version: str, board: Board, space: OctopusSpace
) -> None:
    assert await space.find_release("Projects-1", version) is None
    assert board.asked == []


async def test_a_release_of_an_equal_but_other_version_text_is_not_the_one(
    board: Board, space: OctopusSpace
) -> None:
    board.odd["/api/Spaces-1/projects/Projects-1/releases/1.4"] = reply(200, release(1))

    assert await space.find_release("Projects-1", "1.4") is None


async def test_rule_48_a_release_of_another_project_is_an_error(
    board: Board, space: OctopusSpace
) -> None:
    board.odd["/api/Spaces-1/projects/Projects-1/releases/1.4.0"] = reply(200, release(2))

    with pytest.raises(BadAnswer, match="ProjectId is Projects-2"):
        await space.find_release("Projects-1", "1.4.0")


async def test_where_a_release_may_go_is_read_from_the_template(
    board: Board, space: OctopusSpace
) -> None:
    said = {"PromoteTo": [{"Id": "Environments-1", "Name": "Test"}], "TenantPromotions": []}
    board.odd["/api/Spaces-1/releases/Releases-1/deployments/template"] = reply(200, said)

    assert await space.promotable("Releases-1") == {"Environments-1"}


async def test_the_newest_deployments_of_a_cell_are_read_in_order(
    board: Board, space: OctopusSpace
) -> None:
    board.deployments = {
        f"Deployments-{n}": deployment(n, ProjectId="Projects-1") for n in range(9, 0, -1)
    }
    board.largest_page = 3

    found = await space.deployments_of("Projects-1", "Environments-1", take=7)

    assert [one.id for one in found] == [f"Deployments-{n}" for n in range(9, 2, -1)]
    everywhere = await space.deployments_of(None, "Environments-1", take=100)
    assert len(everywhere) == 9


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"TotalResults": 3, "Items": [deployment(1)]}, "only a part of the list"),
        ({"TotalResults": 1, "Items": [deployment(2)]}, "that were not asked for"),
        (
            {"TotalResults": 1, "Items": [deployment(1, EnvironmentId="Environments-2")]},
            "that were not asked for",
        ),
    ],
)
async def test_rule_14_a_search_that_may_have_missed_something_is_an_error(
    said: Json, fault: str, board: Board, space: OctopusSpace
) -> None:
    board.odd["/api/Spaces-1/deployments"] = reply(200, said)

    with pytest.raises(BadAnswer, match=fault):
        await space.deployments_of("Projects-1", "Environments-1", take=10)


@pytest.mark.parametrize(("number", "requests"), [(1, 1), (100, 1), (150, 1), (150, 2), (900, 2)])
async def test_tasks_are_read_in_two_requests_at_most_however_many_run(
    board: Board, space: OctopusSpace, number: int, requests: int
) -> None:
    ended = 30 if requests == 2 else 0
    board.tasks = [
        task(n, State="Success" if n <= ended else "Executing") for n in range(1, number + 1)
    ]

    found = await space.tasks([f"ServerTasks-{n}" for n in range(1, number + 1)])

    assert [one.state for one in found].count(TaskState.SUCCESS) == ended
    assert len({one.id for one in found}) == number
    assert len([one for one in board.asked if "/tasks" in one]) == requests


async def test_tasks_the_server_does_not_know_are_missing(
    board: Board, space: OctopusSpace
) -> None:
    board.tasks = [task(n, State="Success") for n in range(1, 151)]

    found = await space.tasks([f"ServerTasks-{n}" for n in range(1, 161)])

    assert len(found) == 150


async def test_no_tasks_are_no_request(board: Board, space: OctopusSpace) -> None:
    assert await space.tasks([]) == ()
    assert board.asked == []


async def test_rule_52_a_tasks_error_is_one_bounded_line(board: Board, space: OctopusSpace) -> None:
    board.tasks = [task(1, State="Failed", ErrorMessage="\x1b]0;boom\x07\nat line 1" + "z" * 9000)]

    (found,) = await space.tasks(["ServerTasks-1"])

    assert found.error.startswith("\\x1b]0;boom\\x07\\nat line 1z")
    assert len(found.error) <= 1000


def line(category: str, at: int, text: str | None) -> Json:
    when = f"2026-11-20T10:00:{at:02}.000+00:00"
    return {"Category": category, "OccurredAt": when, "MessageText": text, "Number": 1}


async def test_a_log_is_a_tree_of_summary_lines(board: Board, space: OctopusSpace) -> None:
    machine = {"Id": "T/A/B", "Name": "web-1", "Status": "New", "ProgressPercentage": 250}
    step: Json = {
        "Id": "T/A",
        "Name": "Step 1",
        "Status": "Failed",
        "Started": "2026-11-20T10:00:01.000+00:00",
        "LogElements": [line("Error", 4, "no disk"), line("Verbose", 5, "stack")],
        "Children": [{**machine, "LogElements": [line("Warning", 2, "slow")]}],
    }
    root = {"Id": "T", "LogElements": [line("Info", 1, "a"), line("Info", 3, None)]}
    said = {"Task": {"Id": "ServerTasks-1"}, "ActivityLogs": [{**root, "Children": [step]}]}
    board.odd["/api/Spaces-1/tasks/ServerTasks-1/details"] = reply(200, said)

    log = await space.task_log("ServerTasks-1", 3)
    verbose = await space.task_log("ServerTasks-1", 3, verbose=True)

    assert [(path, branch.work, branch.percent) for path, branch in log.branches()] == [
        ((), Work.UNKNOWN, 0),
        (("Step 1",), Work.FAILED, 0),
        (("Step 1", "web-1"), Work.UNKNOWN, 100),
    ]
    assert [[line.text for line in branch.lines] for _, branch in log.branches()] == [
        ["a", ""],
        ["no disk"],
        ["slow"],
    ]
    assert [len(branch.lines) for _, branch in verbose.branches()] == [2, 2, 1]


async def test_rule_52_a_log_is_cleaned_and_our_own_keys_are_masked_in_it(
    board: Board, space: OctopusSpace
) -> None:
    hostile = (
        "\x1b]0;boom\x07 \u202e API-DEPLOYER API-OBSERVER API-OTHEROTHEROTHEROTHER1 " + "z" * 9000
    )
    root = {"Id": "T", "Name": hostile, "LogElements": [line("Error", 1, hostile)]}
    board.odd["/api/Spaces-1/tasks/ServerTasks-1/details"] = reply(200, {"ActivityLogs": [root]})

    ((_, branch),) = (await space.task_log("ServerTasks-1", 3)).branches()

    for text, limit in ((branch.name, 200), (branch.lines[0].text, 500)):
        assert text.startswith("\\x1b]0;boom\\x07 \\u202e ")
        assert text.isprintable()
        assert len(text) <= limit
        assert "DEPLOYER" not in text
        assert "OBSERVER" not in text
        assert "OTHER" not in text


async def test_rule_47_a_log_tree_of_any_depth_is_an_answer_or_an_error(
    board: Board, space: OctopusSpace
) -> None:
    tree = '{"Children":[' * 50_000 + "{}" + "]}" * 50_000
    board.odd["/api/Spaces-1/tasks/ServerTasks-1/details"] = Response(
        f'{{"ActivityLogs":[{tree}]}}', content_type="application/json"
    )

    with pytest.raises(BadAnswer, match="nested too deeply"):
        await space.task_log("ServerTasks-1", 3)


async def test_a_server_that_went_away_is_unreachable_for_a_deployment(
    httpserver: HTTPServer, space: OctopusSpace
) -> None:
    await space.identity()
    httpserver.stop()
    try:
        with pytest.raises(Unreachable):
            await space.deploy(ORDER)
    finally:
        httpserver.start()
