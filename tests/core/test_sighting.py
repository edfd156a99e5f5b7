"""What a reading of Octopus proves about a cell, and what it does not."""

from dataclasses import replace
from typing import Any

import pytest
from core_builders import (
    APPLY,
    BOB,
    ENV,
    ENVIRONMENT_ID,
    NOON,
    SERVER,
    VIEWS,
    Octopus,
    component,
    desired,
    may,
    project,
    recorded,
    sees,
    snapshot,
    task,
)
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.policy import OnWarning
from reconciler.core.projects import ProjectIndex
from reconciler.core.sighting import (
    NeverDeployed,
    Settled,
    Sighting,
    Unobserved,
    Unsettled,
    observe,
)
from reconciler.core.snapshot import Reached
from reconciler.core.state import OctopusEnvironment, Server, TaskState

WALLET = "wallet-api"
HOLD = replace(APPLY, on_warning=OnWarning.HOLD)
UNFINISHED = [s for s in TaskState if not s.is_finished]
NO_SUCCESS = [TaskState.FAILED, TaskState.CANCELED, TaskState.TIMED_OUT]


@pytest.fixture
def octopus() -> Octopus:
    return Octopus.with_projects(WALLET, "lobby-ui")


def unread(sighting: Sighting) -> str:
    """Why a cell could not be read."""
    assert isinstance(sighting, Unobserved)
    return sighting.why


# Settled or not.


def test_a_full_success_settles(octopus: Octopus) -> None:
    deployment = octopus.deployed(WALLET, "2.4.1", comment="CHG-7")

    seen = sees(octopus)

    assert seen.sighting == Settled("2.4.1", deployment, "Releases-wallet-api-2.4.1")
    assert (seen.version, seen.newest, seen.newest_is_judged) == ("2.4.1", deployment, True)
    assert (seen.made_by, seen.made_by_id, seen.comment) == ("Bob Builder", BOB, "CHG-7")


def test_an_empty_square_that_was_covered_was_never_deployed_to(octopus: Octopus) -> None:
    seen = sees(octopus)

    assert (seen.sighting, seen.version, seen.newest) == (NeverDeployed(), None, None)
    assert not seen.newest_is_judged


@pytest.mark.parametrize("state", NO_SUCCESS)
def test_an_attempt_that_ended_otherwise_unsettles(octopus: Octopus, state: TaskState) -> None:
    octopus.deployed(WALLET, "2.4.0")
    failed = octopus.deployed(WALLET, "2.4.1", state)

    seen = sees(octopus)

    assert seen.sighting == Unsettled("2.4.0", "2.4.1", failed, state.value.lower())
    assert seen.version == "2.4.0"


def test_a_first_attempt_that_failed_left_no_version(octopus: Octopus) -> None:
    failed = octopus.deployed(WALLET, "2.4.1", TaskState.FAILED)

    assert sees(octopus).sighting == Unsettled(None, "2.4.1", failed, "failed")


def test_warnings_settle_unless_the_policy_holds_on_them(octopus: Octopus) -> None:
    octopus.deployed(WALLET, "2.4.0")
    warned = octopus.deployed(WALLET, "2.4.1", warnings=True)

    assert sees(octopus).version == "2.4.1"
    assert sees(octopus, policy=HOLD).sighting == Unsettled("2.4.0", "2.4.1", warned, "warnings")


@pytest.mark.parametrize("state", UNFINISHED)
def test_rule_17_what_is_not_known_to_be_finished_is_running_and_proves_nothing(
    octopus: Octopus, state: TaskState
) -> None:
    before = octopus.deployed(WALLET, "2.4.0")
    running = octopus.deployed(WALLET, "2.4.1", state)

    seen = sees(octopus)

    assert seen.sighting == Settled("2.4.0", before, "Releases-wallet-api-2.4.0")
    assert (seen.newest, seen.newest_is_judged) == (running, False)
    assert [(t.deployment_id, t.state) for t in seen.running] == [(running, state)]


def test_a_first_deployment_that_still_runs_has_deployed_nothing_yet(octopus: Octopus) -> None:
    octopus.deployed(WALLET, "2.4.1", TaskState.EXECUTING)

    assert sees(octopus).sighting == NeverDeployed()


def test_what_ran_before_an_unfinished_attempt_is_judged_like_any_success(
    octopus: Octopus,
) -> None:
    warned = octopus.deployed(WALLET, "2.4.0", warnings=True)
    octopus.deployed(WALLET, "2.4.1", TaskState.EXECUTING)

    assert sees(octopus, policy=HOLD).sighting == Unsettled(None, "2.4.0", warned, "warnings")


# Partial successes and newcomers.


def test_a_partial_success_of_another_release_unsettles(octopus: Octopus) -> None:
    octopus.deployed(WALLET, "2.4.0")
    partial = octopus.deployed(WALLET, "2.4.1", partial=True)

    last = recorded(WALLET, "2.4.0")
    assert sees(octopus, last=last).sighting == Unsettled("2.4.0", "2.4.1", partial, "partial")


def test_a_newcomer_served_with_what_the_cell_runs_leaves_it_settled(octopus: Octopus) -> None:
    octopus.deployed(WALLET, "2.4.1")
    octopus.deployed(WALLET, "2.4.1", partial=True)

    assert sees(octopus).version == "2.4.1"
    assert isinstance(sees(octopus).sighting, Settled)


def test_newcomers_one_after_the_other_are_known_by_the_snapshot(octopus: Octopus) -> None:
    octopus.deployed(WALLET, "2.4.1")
    octopus.deployed(WALLET, "2.4.1", partial=True)
    octopus.deployed(WALLET, "2.4.1", partial=True)

    assert isinstance(sees(octopus, last=recorded(WALLET, "2.4.1")).sighting, Settled)
    assert isinstance(sees(octopus).sighting, Unsettled)


def test_two_newcomers_that_we_served_before_a_snapshot_leave_the_cell_settled(
    octopus: Octopus,
) -> None:
    octopus.deployed(WALLET, "2.4.1")
    octopus.deployed(WALLET, "2.4.1", partial=True)
    ours = octopus.deployed(WALLET, "2.4.1", partial=True)
    detail = octopus.deployments[ours]
    last = recorded(WALLET, "2.4.0")

    octopus.deployments[ours] = replace(detail, machine_ids=("Machines-2",))
    assert isinstance(sees(octopus, last=last, receipted=ours).sighting, Settled)
    assert isinstance(sees(octopus, last=last, receipted="Deployments-1").sighting, Unsettled)
    octopus.deployments[ours] = replace(detail, machine_ids=("Machines-2",), is_flawed=True)
    assert isinstance(sees(octopus, last=last, receipted=ours).sighting, Unsettled)


def test_a_partial_return_to_the_recorded_release_is_no_newcomer(octopus: Octopus) -> None:
    octopus.deployed(WALLET, "2.4.1")
    octopus.deployed(WALLET, "2.5.0")
    partial = octopus.deployed(WALLET, "2.4.1", partial=True)

    seen = sees(octopus, last=recorded(WALLET, "2.4.1"))

    assert seen.sighting == Unsettled("2.5.0", "2.4.1", partial, "partial")


def test_a_partial_success_does_not_settle_a_cell_that_was_seen_unsettled(
    octopus: Octopus,
) -> None:
    octopus.deployed(WALLET, "2.4.1")
    octopus.deployed(WALLET, "2.5.0", TaskState.FAILED)
    octopus.deployed(WALLET, "2.4.1", partial=True)

    seen = sees(octopus, last=recorded(WALLET, "2.4.1", "unsettled"))

    assert isinstance(seen.sighting, Unsettled)


def test_a_time_without_sight_does_not_forget_what_the_cell_was_settled_on(
    octopus: Octopus,
) -> None:
    octopus.deployed(WALLET, "2.4.1")
    octopus.deployed(WALLET, "2.4.1", partial=True)
    octopus.deployed(WALLET, "2.4.1", partial=True)
    last = replace(recorded(WALLET, "2.4.1"), state="unobserved")

    assert isinstance(sees(octopus, last=last).sighting, Settled)


def test_a_partial_success_is_never_the_last_full_one(octopus: Octopus) -> None:
    octopus.deployed(WALLET, "2.5.0")
    octopus.deployed(WALLET, "2.4.0", partial=True)
    octopus.deployed(WALLET, "2.4.0", TaskState.FAILED)

    assert sees(octopus, last=recorded(WALLET, "2.5.0")).version == "2.5.0"
    assert sees(octopus).version == "2.4.0", "the best claim, where nothing else is known"


# Rule 3: what could not be read.


def test_rule_3_a_gap_in_the_answer_leaves_every_cell_unread(octopus: Octopus) -> None:
    octopus.deployed(WALLET, "2.4.1")

    seen = sees(octopus, gaps=("half a page\x1b[0m", "a moved list"))

    assert unread(seen.sighting) == "half a page\\x1b[0m; a moved list"
    assert seen.version is None


def test_rule_3_a_square_the_dashboard_left_out_is_not_empty(octopus: Octopus) -> None:
    why = "the dashboard did not cover this project and environment"
    assert unread(sees(octopus, board_projects=frozenset()).sighting) == why
    assert unread(sees(octopus, board_environments=frozenset({"Environments-4"})).sighting) == why


def test_rule_3_a_filtered_answer_is_whole_where_it_holds_what_is_pinned(
    octopus: Octopus,
) -> None:
    octopus.deployed(WALLET, "2.4.1")

    seen = sees(
        octopus,
        board_projects=frozenset({"Projects-wallet-api"}),
        board_environments=frozenset({ENVIRONMENT_ID}),
    )

    assert isinstance(seen.sighting, Settled)


@pytest.mark.parametrize("view", VIEWS)
def test_rule_3_a_missing_permission_leaves_the_cell_unread(octopus: Octopus, view: str) -> None:
    octopus.deployed(WALLET, "2.4.1")
    rest = may(*(name for name in VIEWS if name != view))

    assert unread(sees(octopus, permissions=rest).sighting) == (
        f"the observing key lacks {view} here"
    )


@pytest.mark.parametrize(
    "limit",
    [
        {"projects": frozenset({"Projects-lobby-ui"})},
        {"environments": frozenset({"Environments-4"})},
        {"tenants": frozenset({"Tenants-1"})},
        {"project_groups": frozenset({"ProjectGroups-9"})},
    ],
)
def test_rule_3_a_permission_for_something_else_leaves_the_cell_unread(
    octopus: Octopus, limit: dict[str, Any]
) -> None:
    assert "lacks" in unread(sees(octopus, permissions=may(*VIEWS, **limit)).sighting)


def test_rule_3_one_cell_without_permission_leaves_the_others_readable(octopus: Octopus) -> None:
    octopus.deployed(WALLET, "2.4.1")
    only = may(*VIEWS, projects=frozenset({"Projects-wallet-api"}))
    pins = {WALLET: "2.4.1", "lobby-ui": "1.0"}

    cells = observe(desired(pins), octopus.state(permissions=only), None).cells

    assert isinstance(cells[WALLET].sighting, Settled)
    assert isinstance(cells["lobby-ui"].sighting, Unobserved)


@pytest.mark.parametrize("state", [TaskState.SUCCESS, *NO_SUCCESS])
def test_rule_3_a_deployment_that_could_not_be_read_proves_nothing(
    octopus: Octopus, state: TaskState
) -> None:
    newest = octopus.deployed(WALLET, "2.4.1", state)

    assert unread(sees(octopus, deployments={}).sighting) == f"{newest} could not be read"


def test_rule_3_a_release_that_could_not_be_read_proves_nothing(octopus: Octopus) -> None:
    octopus.deployed(WALLET, "2.4.1")

    assert unread(sees(octopus, releases={}).sighting) == (
        "Releases-wallet-api-2.4.1 could not be read"
    )


@pytest.mark.parametrize(
    ("state", "partial"),
    [(TaskState.FAILED, False), (TaskState.EXECUTING, False), (TaskState.SUCCESS, True)],
)
def test_rule_3_a_last_success_that_could_not_be_read_proves_nothing(
    octopus: Octopus, state: TaskState, partial: bool
) -> None:
    before = octopus.deployed(WALLET, "2.4.0")
    newest = octopus.deployed(WALLET, "2.4.1", state, partial=partial)
    known = {newest: octopus.deployments[newest]}

    assert unread(sees(octopus, deployments=known).sighting) == f"{before} could not be read"


@pytest.mark.parametrize("newest", [None, TaskState.FAILED, TaskState.EXECUTING])
def test_rule_3_a_success_that_is_known_and_not_shown_is_lost_not_absent(
    octopus: Octopus, newest: TaskState | None
) -> None:
    if newest is not None:
        octopus.deployed(WALLET, "2.4.1", newest)

    by_receipt = sees(octopus, receipted="Deployments-1")
    by_snapshot = sees(octopus, last=recorded(WALLET, "2.4.0"))

    assert "deleted by retention" in unread(by_receipt.sighting)
    assert "deleted by retention" in unread(by_snapshot.sighting)
    assert by_snapshot.reached == Reached("2.4.0")


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("wallet-api", "Octopus shows no project 'wallet-api' in this space"),
        ("x\x1b[2J", "Octopus shows no project 'x\\x1b[2J' in this space"),
    ],
)
def test_rule_3_a_project_that_is_not_shown_is_not_an_empty_cell(reference: str, why: str) -> None:
    assert unread(sees(Octopus(), name=reference).sighting) == why


def test_rule_3_an_environment_that_is_not_shown_leaves_every_cell_unread(
    octopus: Octopus,
) -> None:
    octopus.deployed(WALLET, "2.4.1")

    seen = sees(octopus, environments=(), last=recorded(WALLET, "2.4.1"))

    assert unread(seen.sighting) == "Octopus shows no environment 'Production UK' in this space"
    assert seen.reached == Reached("2.4.1")


def test_a_project_made_anew_under_an_old_name_is_held(octopus: Octopus) -> None:
    octopus.deployed(WALLET, "2.4.1")
    last = replace(recorded(WALLET, "2.4.1"), project="Projects-1")

    assert unread(sees(octopus, last=last).sighting).startswith(
        "project 'Wallet Api' was Projects-1 and is now Projects-wallet-api"
    )


def test_a_project_deployed_per_tenant_is_not_judged(octopus: Octopus) -> None:
    octopus.projects[WALLET] = project(WALLET, tenanted_mode="Tenanted")

    assert "names none under" in unread(sees(octopus).sighting)


def test_deployments_of_tenants_are_another_cell(octopus: Octopus) -> None:
    octopus.projects[WALLET] = project(WALLET, tenanted_mode="TenantedOrUntenanted")
    octopus.deployed(WALLET, "2.4.1")
    octopus.deployed(WALLET, "9.9", tenant="Tenants-1")
    octopus.active.append(task(WALLET, tenant_id="Tenants-1"))

    seen = sees(octopus)

    assert (seen.version, seen.running) == ("2.4.1", ())


def test_deployments_to_another_environment_are_another_cell(octopus: Octopus) -> None:
    octopus.deployed(WALLET, "9.9", environment="Environments-4")

    assert sees(octopus).sighting == NeverDeployed()


def test_rule_11_several_current_releases_are_not_judged(octopus: Octopus) -> None:
    octopus.deployed(WALLET, "2.4.1")
    octopus.deployed(WALLET, "2.5.0")
    both = tuple(replace(item, is_previous=False) for item in octopus.board())

    assert "discrete channels" in unread(sees(octopus, items=both).sighting)


def test_rule_11_a_project_with_discrete_channels_is_not_judged(octopus: Octopus) -> None:
    octopus.projects[WALLET] = project(WALLET, discrete_channels=True)
    octopus.deployed(WALLET, "2.4.1")

    assert "discrete channels" in unread(sees(octopus).sighting)


def test_an_item_the_board_repeats_counts_once(octopus: Octopus) -> None:
    octopus.deployed(WALLET, "2.4.0")
    octopus.deployed(WALLET, "2.4.1", TaskState.FAILED)
    board = octopus.board()
    also = tuple(replace(item, is_previous=True) for item in board)

    assert sees(octopus, items=(*board, *also)).version == "2.4.0"


def test_of_several_successes_before_the_latest_counts(octopus: Octopus) -> None:
    octopus.deployed(WALLET, "2.3.0")
    octopus.deployed(WALLET, "2.4.0")
    octopus.deployed(WALLET, "2.4.1", TaskState.FAILED)
    (newest,) = (item for item in octopus.board() if not item.is_previous)
    older = [replace(i, is_previous=True) for i in octopus.attempts[WALLET, ENVIRONMENT_ID, None]]

    assert sees(octopus, items=(newest, *older)).version == "2.4.0"
    assert sees(octopus, items=(newest, *reversed(older))).version == "2.4.0"
    # ids are no clock: as texts, 99 comes after 101
    early = replace(older[0], deployment_id="Deployments-99")
    known = {**octopus.deployments, "Deployments-99": octopus.deployments["Deployments-100"]}
    assert sees(octopus, items=(newest, early, older[1]), deployments=known).version == "2.4.0"
    undated = [replace(item, created=None) for item in older]
    assert sees(octopus, items=(newest, *undated)).version == "2.4.0"


# What runs, whoever started it.


def test_rule_16_a_task_of_anybody_counts_while_it_runs(octopus: Octopus) -> None:
    octopus.deployed(WALLET, "2.4.1")
    mine = task(WALLET, 71)
    octopus.active += [mine, task("lobby-ui", 72), task(WALLET, 73, environment_id="E-4")]

    assert sees(octopus).running == (mine,)


def test_rule_16_a_task_without_an_environment_counts_against_every_cell_of_its_project(
    octopus: Octopus,
) -> None:
    runbook = task(WALLET, 71, name="RunbookRun", environment_id=None, deployment_id=None)
    octopus.active.append(runbook)

    assert sees(octopus).running == (runbook,)


def test_a_task_that_list_and_board_both_show_counts_once(octopus: Octopus) -> None:
    octopus.deployed(WALLET, "2.4.1", TaskState.EXECUTING)
    listed = task(WALLET, 100)
    octopus.active.append(listed)

    assert sees(octopus).running == (listed,)


def test_rule_17_waiting_for_a_person_is_read_per_task(octopus: Octopus) -> None:
    octopus.active += [task(WALLET, 71), task(WALLET, 72)]

    seen = sees(octopus, waiting_for_person=frozenset({"ServerTasks-72", "ServerTasks-99"}))

    assert seen.waiting == frozenset({"ServerTasks-72"})
    assert sees(octopus).waiting == frozenset()


# Which project, which environment.


def test_a_project_is_found_by_id_slug_or_name(octopus: Octopus) -> None:
    wanted = octopus.projects[WALLET]
    for reference in ("Projects-wallet-api", "wallet-api", "Wallet API", "WALLET-API"):
        assert ProjectIndex(octopus.projects.values()).find(reference) is wanted


def test_an_id_is_meant_before_any_name() -> None:
    plain, confusing = project("a", id="Projects-1"), project("b", name="Projects-1")

    assert ProjectIndex([confusing, plain]).find("Projects-1") is plain


def test_a_name_that_could_mean_two_projects_means_none() -> None:
    both = ProjectIndex([project("a", name="Wallet"), project("b", slug="wallet")])

    assert both.find("Wallet") == (
        "'Wallet' could mean any of Projects-a, Projects-b; write the project's id"
    )


def test_an_environment_is_found_by_id_before_any_name(octopus: Octopus) -> None:
    state = desired({WALLET: "2.4.1"})
    confusing = (
        OctopusEnvironment("Environments-4", ENVIRONMENT_ID),
        OctopusEnvironment(ENVIRONMENT_ID, "Production UK"),
        OctopusEnvironment("Environments-5", "PRODUCTION UK"),
    )
    by_id = replace(state.environment, octopus_environment=ENVIRONMENT_ID)
    reading = octopus.state(environments=confusing)

    found = observe(replace(state, environment=by_id), reading, None)
    torn = observe(state, reading, None)

    assert found.environment_id == ENVIRONMENT_ID
    assert torn.environment_id is None
    assert unread(torn.cells[WALLET].sighting) == (
        "'Production UK' could mean any of Environments-3, Environments-5; "
        "write the environment's id"
    )


@pytest.mark.parametrize(
    "elsewhere",
    [{"server": "9" * 8}, {"space": "Spaces-9"}, {"environment": "Environments-9"}],
)
def test_a_snapshot_of_another_octopus_says_nothing_about_this_one(
    octopus: Octopus, elsewhere: dict[str, Any]
) -> None:
    last = replace(snapshot(wallet_api=recorded(WALLET, "2.4.1"), gone=recorded("gone", "1")),
                   **elsewhere)  # fmt: skip

    seen = observe(desired({WALLET: "2.4.1"}), octopus.state(), last)

    assert seen.cells[WALLET].sighting == NeverDeployed()
    assert seen.cells[WALLET].reached is None
    assert seen.unmanaged == ()


def test_a_snapshot_that_could_not_tell_where_it_was_taken_is_remembered(
    octopus: Octopus,
) -> None:
    octopus.deployed(WALLET, "2.4.1")
    last = replace(snapshot(wallet_api=recorded(WALLET, "2.4.1")), environment="", server="")

    assert observe(desired({WALLET: "2.4.1"}), octopus.state(), last).cells[
        WALLET
    ].reached == Reached("2.4.1")


# What is pinned nowhere.


def test_rule_5_what_runs_and_is_pinned_nowhere_is_named_by_its_last_success(
    octopus: Octopus,
) -> None:
    octopus.deployed(WALLET, "2.4.0")
    octopus.deployed(WALLET, "2.4.1", TaskState.FAILED)
    octopus.deployed("lobby-ui", "3.0", TaskState.FAILED)
    state = desired({}, component(WALLET), component("lobby-ui"), component("never"))

    seen = observe(state, octopus.state(), snapshot(gone=recorded("gone", "1.0")))

    assert seen.unmanaged == (("gone", "1.0"), (WALLET, "2.4.0"))
    assert seen.cells == {}


def test_the_state_names_where_and_when_it_was_seen(octopus: Octopus) -> None:
    seen = observe(desired({WALLET: "1"}), octopus.state(server=Server("s", "v")), None)

    assert (seen.read_at, seen.server, seen.space_id) == (NOON, Server("s", "v"), "Spaces-2")
    assert (seen.environment_id, seen.me) == (ENVIRONMENT_ID, "Users-7")
    assert SERVER.installation_id != "s"
    assert ENV not in seen.cells


# Whatever Octopus shows.

attempts = st.lists(
    st.tuples(
        st.sampled_from(["wallet-api", "lobby-ui"]),
        st.sampled_from(["1.0", "2.0"]),
        st.sampled_from(TaskState),
        st.booleans(),
    ),
    max_size=6,
)
memories = st.sampled_from([None, "settled", "unsettled", "unobserved"])


@given(attempts, memories, st.booleans())
def test_settled_means_a_full_success_that_could_be_read(
    done: list[tuple[str, str, TaskState, bool]], memory: str | None, receipted: bool
) -> None:
    octopus = Octopus.with_projects(WALLET, "lobby-ui")
    for name, version, state, partial in done:
        octopus.deployed(name, version, state, partial=partial)
    mine = [(v, s, p) for n, v, s, p in done if n == WALLET]
    finished = [one for one in mine if one[1].is_finished]
    last = None if memory is None else recorded(WALLET, "1.0", memory)

    seen = sees(octopus, last=last, receipted="Deployments-1" if receipted else "")

    match seen.sighting:
        case Settled(version=version):
            # a later failure may hide behind an attempt that still runs
            shown = finished if mine[-1][1].is_finished else [
                one for one in finished if one[1] is TaskState.SUCCESS
            ]  # fmt: skip
            assert shown[-1][:2] == (version, TaskState.SUCCESS)
            assert not shown[-1][2] or memory != "unsettled"
        case NeverDeployed():
            assert not receipted
            assert memory is None
            assert not any(state is TaskState.SUCCESS for _, state, _ in mine)
        case Unsettled(attempted=attempted):
            assert attempted in {version for version, _, _ in finished}
        case Unobserved():
            assert receipted or memory is not None
    assert bool(seen.running) == any(not s.is_finished for _, s, _ in mine[-1:])


@given(attempts, st.permutations(range(4)))
def test_rule_2_the_order_of_an_answer_never_matters(
    done: list[tuple[str, str, TaskState, bool]], turn: list[int]
) -> None:
    octopus = Octopus.with_projects(WALLET, "lobby-ui")
    for name, version, ended, partial in done:
        octopus.deployed(name, version, ended, partial=partial)
    octopus.active += [task(WALLET, 71), task("lobby-ui", 72), task(WALLET, 73)]
    board = octopus.board()
    shuffled = tuple(board[i] for i in turn if i < len(board))
    state = desired({WALLET: "1.0", "lobby-ui": "2.0"})

    turned = octopus.state(
        items=shuffled,
        projects=tuple(reversed(octopus.projects.values())),
        active=tuple(reversed(octopus.active)),
    )

    assert observe(state, turned, None) == observe(state, octopus.state(), None)
