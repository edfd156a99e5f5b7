"""What deploys by itself in a space: how many requests, what they become, what fails aloud."""

import asyncio

import pytest
from octopus_answers import (
    Board,
    Json,
    TurnedClock,
    channel,
    deploys,
    lifecycle,
    phase,
    process,
    project,
    release,
    reply,
    trigger,
)
from werkzeug import Response

from reconciler.core.deployers import Automation, DeployerKind, Lifecycle, Parent, Trigger
from reconciler.core.state import SpaceState
from reconciler.octopus.space import OctopusSpace
from reconciler.ports import Known

HERE = "Environments-1"
SCHEDULE = {"FilterType": "OnceDailySchedule", "StartTime": "2026-11-20T09:00:00.000"}
FOUR = [
    "channels/all",
    "deploymentprocesses?ids=deploymentprocess-Projects-1,deploymentprocess-Projects-2"
    "&skip=0&take=2",
    "lifecycles/all",
    "projecttriggers?skip=0&take=1000",
]


async def look(board: Board, space: OctopusSpace) -> SpaceState:
    state = await space.look(Known({}, {}))
    board.asked.clear()
    return state


async def read(board: Board, space: OctopusSpace) -> Automation:
    return await space.automation(await look(board, space))


async def triggers(board: Board, space: OctopusSpace, *said: Json) -> tuple[Trigger, ...]:
    board.triggers = list(said)
    found = await read(board, space)
    assert found.unread == ()
    return found.triggers


async def test_a_reading_is_four_requests_and_kept_for_ten_minutes(
    board: Board, space: OctopusSpace, clock: TurnedClock
) -> None:
    state = await look(board, space)

    first, second = await asyncio.gather(space.automation(state), space.automation(state))
    clock.turn(599)
    third = await space.automation(state)

    assert first is second is third
    assert board.below_space() == FOUR
    clock.turn(2)
    assert await space.automation(state) == first
    assert board.below_space() == sorted([*FOUR, *FOUR])


@pytest.mark.parametrize(("projects", "requests"), [(10, 4), (100, 4), (501, 9)])
async def test_requests_do_not_grow_with_components_but_by_hundreds_of_projects(
    board: Board, space: OctopusSpace, projects: int, requests: int
) -> None:
    board.projects = [project(number) for number in range(1, projects + 1)]
    board.processes = [process(number) for number in range(1, projects + 1)]

    found = await read(board, space)

    assert len(board.asked) == requests
    assert (found.parents, found.unread) == ((), ())


async def test_a_new_project_is_read_at_once(board: Board, space: OctopusSpace) -> None:
    await read(board, space)
    board.projects.append(project(3))
    board.processes.append(process(3, deploys("Projects-1")))

    assert (await read(board, space)).parents == (Parent("Projects-3", "Projects-1"),)


@pytest.mark.parametrize(
    ("action", "waits_for", "kind", "environments"),
    [
        (
            {"ActionType": "DeployLatestRelease", "DestinationEnvironmentId": HERE},
            SCHEDULE,
            DeployerKind.SCHEDULE,
            {HERE},
        ),
        (
            {"ActionType": "DeployNewRelease", "EnvironmentId": HERE},
            {"FilterType": "CronExpressionSchedule"},
            DeployerKind.SCHEDULE,
            {HERE},
        ),
        (
            {"ActionType": "AutoDeploy", "ShouldRedeployWhenMachineHasBeenDeployedTo": True},
            {"FilterType": "MachineFilter", "EnvironmentIds": [HERE, "Environments-2"]},
            DeployerKind.TARGET_TRIGGER,
            {HERE, "Environments-2"},
        ),
        (
            {"ActionType": "AutoDeploy"},
            {"FilterType": "MachineFilter", "EnvironmentIds": []},
            DeployerKind.TARGET_TRIGGER,
            None,
        ),
        (
            {"ActionType": "DeployLatestReleaseToEnvironment", "EnvironmentId": HERE},
            {"FilterType": "WebhookFilter"},
            DeployerKind.TRIGGER,
            {HERE},
        ),
        (
            {"ActionType": "DeployByTelepathy"},
            {"FilterType": "MoonPhase"},
            DeployerKind.TRIGGER,
            None,
        ),
        (
            {"ActionType": "CreateRelease", "ChannelId": "Channels-1"},
            {"FilterType": "FeedFilter"},
            DeployerKind.RELEASE_TRIGGER,
            None,
        ),
    ],
)
async def test_a_trigger_is_told_by_what_it_does_and_waits_for(
    board: Board,
    space: OctopusSpace,
    action: Json,
    waits_for: Json,
    kind: DeployerKind,
    environments: set[str] | None,
) -> None:
    found = await triggers(board, space, trigger(1, action, waits_for))

    ids = None if environments is None else frozenset(environments)
    assert found == (Trigger("ProjectTriggers-1", "T1", kind, "Projects-1", ids),)


async def test_a_disabled_trigger_and_one_that_runs_a_runbook_deploy_nothing(
    board: Board, space: OctopusSpace
) -> None:
    runbook = {"ActionType": "RunRunbook", "EnvironmentIds": [HERE]}
    found = await triggers(
        board,
        space,
        trigger(1, runbook, SCHEDULE),
        trigger(2, {"ActionType": "AutoDeploy"}, SCHEDULE, IsDisabled=True),
    )

    assert found == ()


async def test_automatic_targets_count_but_not_in_optional_phases(
    board: Board, space: OctopusSpace
) -> None:
    board.lifecycles = [
        lifecycle(1, phase(HERE), phase(), phase("Environments-2", optional=True)),
        lifecycle(2),
    ]

    assert (await read(board, space)).lifecycles == (
        Lifecycle("Lifecycles-1", "L1", frozenset({HERE})),
        Lifecycle("Lifecycles-2", "L2"),
    )


async def test_releases_follow_the_lifecycle_of_their_channel_else_of_the_project(
    board: Board, space: OctopusSpace
) -> None:
    board.channels = [channel(1), channel(1, "Lifecycles-2"), channel(2, "Lifecycles-2")]

    assert (await read(board, space)).lifecycles_of == {
        "Projects-1": {"Lifecycles-1", "Lifecycles-2"},
        "Projects-2": {"Lifecycles-2"},
    }


async def test_a_step_that_deploys_a_release_makes_its_project_a_parent(
    board: Board, space: OctopusSpace
) -> None:
    script = deploys(None, ActionType="Octopus.Script")
    script["Properties"] = {
        "Octopus.Action.Script.ScriptBody": "echo",
        "Secret": {"HasValue": True},
    }
    limited = deploys("p1", Environments=[HERE], ExcludedEnvironments=["Environments-2"])
    board.processes[1] = process(2, script, limited, deploys("Projects-1", IsDisabled=True))

    assert (await read(board, space)).parents == (
        Parent("Projects-2", "p1", frozenset({HERE}), frozenset({"Environments-2"})),
    )


@pytest.mark.parametrize("child", ["#{Child}", "", None, {"IsSensitive": True}])
async def test_rule_11_a_step_that_names_no_project_may_deploy_any(
    board: Board, space: OctopusSpace, child: object
) -> None:
    board.processes[1] = process(2, deploys(child))

    assert (await read(board, space)).parents == (
        Parent("Projects-2", None, doubt="what it deploys is a variable"),
    )


async def test_rule_11_a_process_that_was_not_shown_or_is_kept_elsewhere_may_deploy_any(
    board: Board, space: OctopusSpace
) -> None:
    board.projects += [project(3, DeploymentProcessId=None), project(4)]
    template = process(4)
    template["Steps"] = [{"Id": "s", "Name": "Shared", "Type": "ProcessTemplateUsage"}]
    board.processes = [process(1), template]

    assert {one.project_id: one.doubt for one in (await read(board, space)).parents} == {
        "Projects-2": "its process could not be read",
        "Projects-3": "Octopus does not name its process",
        "Projects-4": "its process uses a template",
    }


async def test_of_a_project_kept_in_git_the_frozen_processes_of_its_releases_are_read(
    board: Board, space: OctopusSpace
) -> None:
    board.projects[1] = project(2, IsVersionControlled=True)
    board.releases["Releases-2"] = release(2)
    board.processes = [process(1), process(2, deploys("Projects-1"), frozen="-s-7-ABCDE")]

    assert (await read(board, space)).parents == (Parent("Projects-2", "Projects-1"),)
    assert FOUR[1].replace("Projects-2", "Projects-2-s-7-ABCDE") in board.below_space()


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("projecttriggers", "triggers"),
        ("lifecycles/all", "lifecycles"),
        ("channels/all", "channels"),
        ("deploymentprocesses", "deployment processes"),
    ],
)
@pytest.mark.parametrize(
    "odd",
    [
        reply(403, {"ErrorMessage": "You lack TriggerView."}),
        reply(404, {"ErrorMessage": "No such route."}),
        reply(200, {"TotalResults": 1, "Items": [{"Id": 7}]}),
    ],
)
async def test_rule_11_a_part_that_cannot_be_read_is_told_asked_again_and_is_not_nobody(
    board: Board, space: OctopusSpace, path: str, what: str, odd: Response
) -> None:
    state = await look(board, space)
    board.odd[f"/api/Spaces-1/{path}"] = odd

    (told,) = (await space.automation(state)).unread
    board.odd.clear()

    assert told.startswith(f"{what}: ")
    assert (await space.automation(state)).unread == ()


async def test_rule_11_a_list_of_triggers_that_ends_too_early_is_told(
    board: Board, space: OctopusSpace
) -> None:
    state = await look(board, space)
    board.odd["/api/Spaces-1/projecttriggers"] = reply(200, {"TotalResults": 9, "Items": []})

    assert (await space.automation(state)).unread == (
        "triggers: their list moved while it was read, or ends too early",
    )
