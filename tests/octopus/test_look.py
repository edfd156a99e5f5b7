"""One reading of a space: how many requests, what they become, what is noticed as missing."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from octopus_answers import (
    Board,
    Json,
    TurnedClock,
    deployment,
    fixed,
    item,
    permissions,
    project,
    release,
    reply,
    task,
)
from werkzeug import Response

from reconciler.core.state import BoardItem, SpaceState, TaskState
from reconciler.errors import BadAnswer, NotAllowed, RemoteRejected, Unreachable
from reconciler.octopus.pages import together
from reconciler.octopus.space import OctopusSpace
from reconciler.ports import Known

NOTHING = Known({}, {})
FIVE = [
    "dashboard/dynamic?includePrevious=true",
    "environments/all",
    "projects/all",
    "tasks?active=true&skip=0&take=1000",
    "users/Users-1/permissions?spaces=Spaces-1&includeSystem=true",
]


def remembered(state: SpaceState) -> Known:
    return Known(state.deployments, state.releases)


async def test_the_first_look_adds_one_request_for_new_deployments_and_one_for_releases(
    board: Board, space: OctopusSpace
) -> None:
    await space.look(NOTHING)

    assert board.below_space() == sorted(
        [
            *FIVE,
            "deployments?ids=Deployments-1,Deployments-2&skip=0&take=2",
            "releases?ids=Releases-1,Releases-2&skip=0&take=2",
        ]
    )
    assert [one.partition("?")[0] for one in board.asked[:3]] == [
        "/api",
        "/api/users/me",
        "/api/spaces",
    ]


async def test_every_further_look_is_five_requests(board: Board, space: OctopusSpace) -> None:
    known = remembered(await space.look(NOTHING))
    board.asked.clear()
    sent = space.sent

    state = await space.look(known)

    assert sorted(board.below_space()) == FIVE
    assert space.sent - sent == len(board.asked) == 5
    assert state.deployments.keys() == {"Deployments-1", "Deployments-2"}


async def test_a_sixth_request_asks_for_interruptions_only_while_a_task_is_active(
    board: Board, space: OctopusSpace
) -> None:
    known = remembered(await space.look(NOTHING))
    board.tasks = [task(1, State="Executing")]
    board.asked.clear()

    await space.look(known)

    assert "interruptions?pendingOnly=true&skip=0&take=1000" in board.below_space()
    assert len(board.asked) == 6


async def test_new_deployments_are_asked_for_a_hundred_at_a_time(
    board: Board, space: OctopusSpace
) -> None:
    board.items = [item(n) for n in range(1, 251)]
    board.deployments = {f"Deployments-{n}": deployment(n) for n in range(1, 251)}
    board.releases = {f"Releases-{n}": release(n) for n in range(1, 251)}

    state = await space.look(NOTHING)

    batches = [one for one in board.below_space() if one.startswith(("deployments?", "releases?"))]
    assert sorted(one.rpartition("take=")[2] for one in batches) == ["100"] * 4 + ["50"] * 2
    assert len(state.deployments) == len(state.releases) == 250


async def test_an_empty_space_is_never_asked_for_no_ids(board: Board, space: OctopusSpace) -> None:
    board.items = []

    state = await space.look(NOTHING)

    assert sorted(board.below_space()) == FIVE
    assert not [one for one in board.asked if "ids=" in one]
    assert state.items == ()


async def test_a_look_becomes_values_of_the_core(
    board: Board, space: OctopusSpace, clock: TurnedClock
) -> None:
    before = clock.now()

    state = await space.look(NOTHING)

    assert state.read_at == before
    assert (state.server.installation_id, state.server.version) == ("1111", "2026.3.1")
    assert (state.space_id, state.space_name) == ("Spaces-1", "Default")
    assert (state.me.id, state.me.is_service) == ("Users-1", True)
    assert state.board_projects == {"Projects-1", "Projects-2"}
    assert state.board_environments == {"Environments-1"}
    assert state.gaps == ()
    assert state.items[0] == BoardItem(
        deployment_id="Deployments-1",
        project_id="Projects-1",
        environment_id="Environments-1",
        tenant_id=None,
        release_id="Releases-1",
        version="1.4.0",
        task_id="ServerTasks-1",
        state=TaskState.SUCCESS,
        created=datetime(2026, 11, 20, 9, 59, tzinfo=UTC),
        completed=datetime(2026, 11, 20, 10, 0, tzinfo=UTC),
        has_warnings=False,
        is_previous=False,
    )
    detail = state.deployments["Deployments-1"]
    assert (detail.deployed_by, detail.comments) == ("Ann", "night shift")
    assert detail.machine_ids == ()  # those it reached are no part of what was asked for
    assert state.releases["Releases-1"].packages == (("Web", "1.4.0"), ("Web:tool", "3.0"))


async def test_rule_3_is_filtered_alone_is_no_gap(board: Board, space: OctopusSpace) -> None:
    board.projects.append(project(3))
    board.limit = None

    state = await space.look(NOTHING)

    assert state.gaps == ()
    assert "Projects-3" in state.board_projects


@pytest.mark.parametrize(("limit", "rounds"), [(50, 4), (150, 1), (200, 1)])
async def test_rule_3_a_limited_dashboard_is_asked_again_for_what_it_left_out(
    limit: int, rounds: int, board: Board, space: OctopusSpace
) -> None:
    board.projects = [project(n) for n in range(1, 251)]
    board.items = [item(1), item(250)]
    board.limit = limit

    state = await space.look(Known({}, {}))

    again = [one for one in board.asked if "projects=" in one]
    assert len(again) == rounds
    assert all(len(one) < 8000 for one in again)
    assert len(state.board_projects) == 250
    assert state.gaps == ()


async def test_rule_3_what_a_limited_dashboard_never_shows_is_not_covered(
    board: Board, space: OctopusSpace
) -> None:
    board.projects = [project(n) for n in range(1, 11)]
    board.limit = 0

    state = await space.look(NOTHING)

    assert state.board_projects == frozenset()
    assert state.gaps == ()


async def test_a_complete_limited_dashboard_is_not_asked_again(
    board: Board, space: OctopusSpace
) -> None:
    board.limit = 2

    state = await space.look(NOTHING)

    assert not [one for one in board.asked if "projects=" in one]
    assert state.gaps == ()


async def test_rule_3_tasks_and_interruptions_beyond_a_page_are_read_too(
    board: Board, space: OctopusSpace
) -> None:
    board.tasks = [task(n, Name="Health", Arguments={}) for n in range(1, 96)]
    board.interruptions = [
        {"Id": f"Interruptions-{n}", "IsPending": True, "TaskId": f"ServerTasks-{n}"}
        for n in range(1, 61)
    ]
    board.largest_page = 30

    state = await space.look(NOTHING)

    assert len(state.active) == 95
    assert len(state.waiting_for_person) == 60
    assert state.gaps == ()


async def test_rule_3_a_task_list_that_ends_too_early_is_a_gap(
    board: Board, space: OctopusSpace
) -> None:
    board.odd["/api/Spaces-1/tasks"] = reply(200, {"TotalResults": 5, "Items": [task(1)]})

    state = await space.look(NOTHING)

    assert state.gaps == ("the list of active tasks moved while it was read, or ends too early",)


async def test_previous_successes_are_read_from_both_places_and_counted_once(
    board: Board, space: OctopusSpace
) -> None:
    failed = item(2, State="Failed", IsCurrent=True)
    before = item(3, ProjectId="Projects-2", IsCurrent=False, IsPrevious=True)
    old_style = {**before, "IsPrevious": False}
    board.items, board.previous = [failed, before], [old_style]

    state = await space.look(NOTHING)

    assert [(one.deployment_id, one.is_previous) for one in state.items] == [
        ("Deployments-2", False),
        ("Deployments-3", True),
    ]
    assert state.releases.keys() == {"Releases-2", "Releases-3"}  # both: the newest is no success


async def test_a_previous_success_is_not_read_where_the_newest_is_one(
    board: Board, space: OctopusSpace
) -> None:
    board.items = [item(1), item(3, ProjectId="Projects-1", IsPrevious=True)]

    state = await space.look(NOTHING)

    assert state.deployments.keys() == {"Deployments-1"}


async def test_a_previous_success_is_read_where_the_newest_is_partial(
    board: Board, space: OctopusSpace
) -> None:
    board.items = [item(1), item(3, ProjectId="Projects-1", IsPrevious=True)]
    board.deployments["Deployments-1"]["SpecificMachineIds"] = ["Machines-1"]

    state = await space.look(NOTHING)

    assert state.deployments.keys() == {"Deployments-1", "Deployments-3"}


async def test_two_current_items_and_unknown_projects_are_all_handed_on(
    board: Board, space: OctopusSpace
) -> None:
    board.items = [item(1), item(4, ProjectId="Projects-1"), item(5, ProjectId="Projects-99")]

    state = await space.look(NOTHING)

    assert [one.deployment_id for one in state.items] == [
        "Deployments-1",
        "Deployments-4",
        "Deployments-5",
    ]


@pytest.mark.parametrize(
    "partial",
    [
        {"SpecificMachineIds": ["Machines-1"]},
        {"ExcludedMachineIds": ["Machines-1"]},
        {"SkipActions": ["a1"]},
        {"SpecificTargetTagIds": ["TagSets-1/Tags-2"]},
        {"ExcludedTargetTagIds": ["TagSets-1/Tags-2"]},
        {"FailureEncountered": True},
    ],
)
async def test_a_deployment_that_left_something_out_is_partial(
    partial: Json, board: Board, space: OctopusSpace
) -> None:
    board.deployments["Deployments-1"].update(partial)
    board.deployments["Deployments-2"].update(SpecificMachineIds=None, SkipActions=None)

    state = await space.look(NOTHING)

    assert state.deployments["Deployments-1"].is_partial
    assert not state.deployments["Deployments-2"].is_partial


@pytest.mark.parametrize(
    "field", ["SpecificMachineIds", "ExcludedMachineIds", "SkipActions", "FailureEncountered"]
)
async def test_rule_48_a_deployment_that_does_not_say_whether_it_is_partial_is_an_error(
    field: str, board: Board, space: OctopusSpace
) -> None:
    del board.deployments["Deployments-1"][field]

    with pytest.raises(BadAnswer, match=f"missing required field '{field}' - at '.\\.Items"):
        await space.look(NOTHING)


async def test_a_deployment_read_while_it_ran_is_read_again_after_it_ended(
    board: Board, space: OctopusSpace
) -> None:
    board.items = [item(1, State="Executing")]
    board.tasks = [task(1)]
    known = remembered(await space.look(NOTHING))
    assert not known.deployments["Deployments-1"].is_partial

    board.items, board.tasks = [item(1)], []
    board.deployments["Deployments-1"]["FailureEncountered"] = True  # guided failure: excluded
    state = await space.look(known)

    assert state.deployments["Deployments-1"].is_partial


async def test_a_deployment_that_octopus_no_longer_has_is_missing_not_an_error(
    board: Board, space: OctopusSpace
) -> None:
    del board.deployments["Deployments-1"]

    state = await space.look(NOTHING)

    assert state.deployments.keys() == {"Deployments-2"}


async def test_answers_that_say_the_same_are_the_same_reading_of_a_later_time(
    board: Board, space: OctopusSpace, clock: TurnedClock
) -> None:
    first = await space.look(NOTHING)
    clock.turn(300.0)
    board.asked.clear()

    second = await space.look(remembered(first))

    assert sorted(board.below_space()) == FIVE
    assert second == first.at(clock.now())
    assert second.read_at > first.read_at
    assert second.items is first.items


async def test_rule_3_every_answer_that_says_something_else_is_another_reading(
    board: Board, space: OctopusSpace
) -> None:
    first = await space.look(NOTHING)

    board.items[0]["ReleaseVersion"] = "1.4.1"
    second = await space.look(remembered(first))
    board.projects.append(project(9))
    third = await space.look(remembered(first))
    board.tasks = [task(1, State="Executing")]
    fourth = await space.look(remembered(first))
    board.tasks = []
    last = await space.look(remembered(first))

    assert [one.items[0].version for one in (first, second)] == ["1.4.0", "1.4.1"]
    assert len(third.projects) == len(second.projects) + 1
    assert [len(one.active) for one in (third, fourth, last)] == [0, 1, 0]


async def test_rule_3_what_could_not_be_found_is_asked_for_again_at_the_next_look(
    board: Board, space: OctopusSpace
) -> None:
    detail = board.deployments.pop("Deployments-1")
    first = await space.look(NOTHING)
    board.deployments["Deployments-1"] = detail

    second = await space.look(remembered(first))

    assert "Deployments-1" not in first.deployments
    assert "Deployments-1" in second.deployments


async def test_an_active_deployment_tells_its_cell_by_its_deployment(
    board: Board, space: OctopusSpace
) -> None:
    board.deployments["Deployments-3"]["TenantId"] = "Tenants-1"
    board.tasks = [
        task(3),
        task(4, Name="RunbookRun", Arguments={"RunbookRunId": "RunbookRuns-1"}),
        task(5, Arguments={"DeploymentId": "Deployments-999"}),
        task(6, Name="Health", Arguments=None, ProjectId=None),
    ]

    active = {one.id: one for one in (await space.look(NOTHING)).active}

    cells = {
        key: (one.project_id, one.environment_id, one.tenant_id) for key, one in active.items()
    }
    assert cells == {
        "ServerTasks-3": ("Projects-3", "Environments-1", "Tenants-1"),
        "ServerTasks-4": ("Projects-4", None, None),
        "ServerTasks-5": ("Projects-5", None, None),
        "ServerTasks-6": (None, None, None),
    }
    assert active["ServerTasks-5"].deployment_id == "Deployments-999"


async def test_a_queued_task_for_later_tells_until_when(board: Board, space: OctopusSpace) -> None:
    later = "2026-11-21T02:00:00.000+02:00"
    board.tasks = [
        task(3, State="Queued", QueueTime=later),
        task(4, State="Queued"),
        task(5, State="Executing", QueueTime=later),
    ]

    active = (await space.look(NOTHING)).active

    assert [one.queued_until for one in active] == [
        datetime(2026, 11, 21, 0, 0, tzinfo=UTC),
        None,
        None,
    ]


@pytest.mark.parametrize("word", ["Paused", "queued", "", "Interrupted"])
async def test_rule_17_a_state_we_do_not_know_is_still_running(
    word: str, board: Board, space: OctopusSpace
) -> None:
    board.items = [item(1, State=word)]
    board.tasks = [task(2, State=word)]

    state = await space.look(NOTHING)

    assert state.items[0].state is state.active[0].state is TaskState.UNKNOWN
    assert not state.items[0].state.is_finished


async def test_rule_17_waiting_for_a_person_is_read_from_interruptions(
    board: Board, space: OctopusSpace
) -> None:
    board.tasks = [task(3, State="Queued"), task(4, HasPendingInterruptions=True), task(5)]
    board.interruptions = [
        {"Id": "Interruptions-1", "IsPending": True, "TaskId": "ServerTasks-3"},
        {"Id": "Interruptions-2", "IsPending": False, "TaskId": "ServerTasks-5"},
        {"Id": "Interruptions-3", "IsPending": True, "TaskId": None},
    ]

    state = await space.look(NOTHING)

    assert state.waiting_for_person == {"ServerTasks-3", "ServerTasks-4"}


@pytest.mark.parametrize(
    ("path", "response", "trouble"),
    [
        ("dashboard/dynamic", Response("<html>", content_type="text/html"), BadAnswer),
        ("dashboard/dynamic", reply(200, []), BadAnswer),
        ("projects/all", reply(200, [project(1, IsDisabled="no")]), BadAnswer),
        ("environments/all", reply(200, [{"Id": "", "Name": "x"}]), BadAnswer),
        ("environments/all", reply(403, {"ErrorMessage": "EnvironmentView"}), NotAllowed),
        ("tasks", Response(status=500), Unreachable),
        ("releases", Response('{"TotalResults":1', content_type="application/json"), BadAnswer),
        ("deployments", reply(404, {"ErrorMessage": "no route"}), RemoteRejected),
    ],
)
async def test_rule_3_one_answer_that_cannot_be_used_ends_the_look(
    path: str, response: Response, trouble: type[Exception], board: Board, space: OctopusSpace
) -> None:
    board.odd[f"/api/Spaces-1/{path}"] = response

    with pytest.raises(trouble) as error:
        await space.look(NOTHING)

    assert path in str(error.value)


async def failing(*errors: Exception) -> None:
    async def fail(error: Exception) -> None:
        raise error

    async with together() as group:
        for error in errors:
            group.create_task(fail(error))


async def test_rule_31_a_refused_key_is_told_before_what_else_went_wrong() -> None:
    with pytest.raises(NotAllowed):
        await failing(Unreachable("down", hint="wait"), NotAllowed("no", hint="ask"))


async def test_a_bug_among_the_requests_stays_a_bug() -> None:
    with pytest.raises(ExceptionGroup):
        await failing(Unreachable("down", hint="wait"), KeyError("a bug"))


async def test_a_look_may_be_repeated_after_a_failed_start(
    board: Board, space: OctopusSpace
) -> None:
    board.odd["/api"] = reply(404, {"ErrorMessage": "no"})
    with pytest.raises(RemoteRejected):
        await space.look(NOTHING)
    board.odd.clear()

    assert (await space.look(NOTHING)).space_id == "Spaces-1"


@pytest.mark.parametrize("name", ["Default", "Spaces-1"])
async def test_a_space_is_found_by_its_name_or_id(
    name: str, make_space: Callable[..., OctopusSpace]
) -> None:
    server, space_id = await make_space(name).identity()

    assert (server.installation_id, space_id) == ("1111", "Spaces-1")


async def test_a_space_that_is_not_there_is_refused_by_name(
    make_space: Callable[..., OctopusSpace],
) -> None:
    with pytest.raises(RemoteRejected, match="shows this key no space Def"):
        await make_space("Def").look(NOTHING)


async def test_rule_29_looking_never_uses_the_deploy_credential(
    board: Board, make_space: Callable[..., OctopusSpace]
) -> None:
    await make_space(deploy=fixed("API-DEPLOYER")).look(NOTHING)

    assert set(board.keys) == {"API-OBSERVER"}


@pytest.mark.parametrize("broken", ["0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00"])
async def test_rule_47_a_time_at_the_edge_of_the_calendar_breaks_nothing(
    broken: str, board: Board, space: OctopusSpace
) -> None:
    board.items = [item(1, Created=broken)]

    created = (await space.look(NOTHING)).items[0].created

    assert created is not None
    assert created.tzinfo is UTC


async def test_permissions_come_with_the_look(board: Board, space: OctopusSpace) -> None:
    board.allowed = permissions(SystemPermissions=["AdministerSystem"], IsPermissionsComplete=False)

    state = await space.look(NOTHING)

    assert state.permissions.administers_system
    assert not state.permissions.complete
