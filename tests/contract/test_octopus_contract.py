"""One contract, two servers: the simulator, or a real one where an address is given.

`RECONCILER_CONTRACT_URL` and `RECONCILER_CONTRACT_KEY` (and `RECONCILER_CONTRACT_SPACE`, by default
"Default") point the reading half at a real Octopus server, which must have run a deployment in that
space. Nothing is ever deployed there: what changes something runs on the simulator alone.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fault_page import strike

from reconciler.core.deployers import DeployerKind
from reconciler.core.halt import Halts
from reconciler.core.logtree import Work
from reconciler.core.role import Use
from reconciler.core.slots import Load
from reconciler.core.state import SpaceState, TaskState
from reconciler.credentials import Given
from reconciler.errors import (
    BadAnswer,
    NotAllowed,
    OctopusTrouble,
    OutcomeUnknown,
    RateLimited,
    RemoteRejected,
    Unreachable,
)
from reconciler.octopus.key import ServerKey
from reconciler.octopus.options import ClientOptions
from reconciler.octopus.person import PersonInSpace
from reconciler.octopus.space import OctopusSpace
from reconciler.ports import DeploymentOrder, Known
from reconciler.simulator import Simulator, SimulatorServer, load_seed, parse_seed
from reconciler.simulator.people import Grant

NOTHING = Known({}, {})
KEY = "API-SERVICE"


class ImpatientClock:
    """The real time, on which waiting takes none."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0 * seconds)


@dataclass(frozen=True, slots=True)
class Address:
    url: str
    key: str
    space: str


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(load_seed("small"), service_api_key=KEY)


@pytest.fixture
def simulated(simulator: Simulator) -> Iterator[Address]:
    with SimulatorServer(simulator) as server:
        yield Address(server.url, KEY, "Shop")


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Address:
    url = os.environ.get("RECONCILER_CONTRACT_URL")
    if url is None:
        simulated: Address = request.getfixturevalue("simulated")
        return simulated
    key = os.environ["RECONCILER_CONTRACT_KEY"]
    return Address(url, key, os.environ.get("RECONCILER_CONTRACT_SPACE", "Default"))


async def connect(address: Address) -> AsyncIterator[OctopusSpace]:
    key = ServerKey(Given("test", address.key))
    options = ClientOptions(retries=2, deploy_timeout=timedelta(seconds=5))
    space = OctopusSpace(address.url, address.space, key, key, ImpatientClock(), options)
    yield space
    await space.close()


@pytest.fixture
async def octopus(server: Address) -> AsyncIterator[OctopusSpace]:
    async for space in connect(server):
        yield space


@pytest.fixture
async def shop(simulated: Address) -> AsyncIterator[OctopusSpace]:
    async for space in connect(simulated):
        yield space


def remembered(state: SpaceState) -> Known:
    return Known(state.deployments, state.releases)


def order(state: SpaceState, slug: str, environment: str, comments: str = "") -> DeploymentOrder:
    """Return an order for what the newest attempt in a cell deployed."""
    ids = {one.slug: one.id for one in state.projects}
    places = {one.name: one.id for one in state.environments}
    (item,) = (
        one
        for one in state.items
        if (one.project_id, one.environment_id, one.is_previous)
        == (ids[slug], places[environment], False)
    )
    return DeploymentOrder(item.release_id, places[environment], comments)


# --- both servers -----------------------------------------------------------------------------


async def test_a_space_is_read_whole(octopus: OctopusSpace) -> None:
    state = await octopus.look(NOTHING)

    assert state.server.installation_id
    assert state.me.username
    assert state.gaps == ()
    assert {one.id for one in state.projects} == state.board_projects
    assert {one.id for one in state.environments} >= state.board_environments
    current = [one for one in state.items if not one.is_previous]
    assert {one.deployment_id for one in current} <= state.deployments.keys()
    assert all(state.releases[one.release_id].version == one.version for one in current)
    assert "ProjectView" in state.permissions.grants or state.permissions.administers_system


async def test_a_quiet_space_is_read_in_five_requests_and_a_busy_one_in_six(
    octopus: OctopusSpace,
) -> None:
    known = remembered(await octopus.look(NOTHING))
    before = octopus.sent

    state = await octopus.look(known)

    assert octopus.sent - before == (6 if state.active else 5)


async def test_what_deploys_by_itself_is_read_whole_and_then_kept(octopus: OctopusSpace) -> None:
    state = await octopus.look(NOTHING)
    found = await octopus.automation(state)
    before = octopus.sent

    again = await octopus.automation(await octopus.look(remembered(state)))

    assert found.unread == ()
    assert {one.id for one in state.projects} == found.lifecycles_of.keys()
    assert {one for ids in found.lifecycles_of.values() for one in ids} <= {
        one.id for one in found.lifecycles
    }
    assert again is found
    assert octopus.sent - before <= 6


async def test_the_group_of_every_project_has_a_name(octopus: OctopusSpace) -> None:
    state = await octopus.look(NOTHING)

    groups = await octopus.project_groups(state)

    assert {one.group_id for one in state.projects} <= groups.keys()
    assert all(groups.values())


async def test_a_server_and_a_key_tell_of_themselves(octopus: OctopusSpace) -> None:
    checkup = octopus.checkup()
    state = await octopus.look(NOTHING)

    seen = await checkup.server()
    key = await checkup.key(Use.OBSERVE)

    assert seen.server == state.server
    assert seen.ahead is not None
    assert seen.in_maintenance is False
    assert key is not None
    assert key.user == state.me
    assert key.permissions.allows("ProjectView", state.space_id, state.projects[0], None)
    assert {one.lifecycle for one in await checkup.keeping()} >= {
        one.lifecycle_id for one in state.projects
    }


async def test_releases_that_are_still_there_are_told_from_those_that_are_not(
    octopus: OctopusSpace,
) -> None:
    state = await octopus.look(NOTHING)
    known = next(iter(state.releases))

    assert await octopus.checkup().still_there((known, "Releases-999999")) == {known}


async def test_what_the_board_names_is_found_again_by_other_roads(octopus: OctopusSpace) -> None:
    state = await octopus.look(NOTHING)
    item = next(one for one in state.items if one.state.is_finished and not one.is_previous)

    release = await octopus.find_release(item.project_id, item.version)
    (task,) = await octopus.tasks([item.task_id, "ServerTasks-999999999"])
    newest = await octopus.deployments_of(item.project_id, item.environment_id, take=1)

    assert release == state.releases[item.release_id]
    assert (task.id, task.state) == (item.task_id, item.state)
    assert [one.id for one in newest] == [item.deployment_id]
    log = await octopus.task_log(item.task_id, tail=5, verbose=True)
    assert all(len(branch.lines) <= 5 for _, branch in log.branches())
    places = {one.id for one in state.environments}
    assert await octopus.promotable(item.release_id) <= places
    form = (await octopus.preview(item.release_id, item.environment_id)).form
    assert len({element.id for element in form}) == len(form)


async def test_a_version_nobody_released_is_none(octopus: OctopusSpace) -> None:
    state = await octopus.look(NOTHING)

    assert await octopus.find_release(state.projects[0].id, "987.654.321-nobody") is None


async def test_rule_31_a_wrong_key_is_refused(server: Address) -> None:
    async for space in connect(Address(server.url, "API-WRONGWRONG", server.space)):
        with pytest.raises(NotAllowed) as error:
            await space.look(NOTHING)

        assert "401" in error.value.message
        assert "API-" not in error.value.message


async def test_the_deployer_is_the_keys_own_user(octopus: OctopusSpace) -> None:
    state = await octopus.look(NOTHING)

    assert await octopus.deployer() == state.me
    assert await octopus.deployer_may() == state.permissions


# --- the simulator alone ----------------------------------------------------------------------


AUTOMATIC = """
spaces:
  - name: Shop
    default: true
    environments: [Dev, QA]
    lifecycles:
      - {name: Follows, phases: [{name: One, environments: [Dev]}, {name: Two, automatic: [QA]}]}
    projects:
      - name: web
        lifecycle: Follows
        releases: ["1.0.0"]
        triggers: [{name: Nightly, cron: "0 0 2 * * *", from: Dev, to: QA}]
      - {name: suite, deploys: [web], releases: ["1.0.0"]}
"""


async def test_an_approver_is_told_as_of_now(octopus: OctopusSpace) -> None:
    own = await octopus.approver()

    assert own is not None
    assert own.is_active
    assert await octopus.approver(own.user) == own


async def test_what_a_release_lacks_is_read(octopus: OctopusSpace) -> None:
    state = await octopus.look(NOTHING)
    item = state.items[0]

    found = await octopus.known_releases([(item.project_id, item.version), ("Projects-0", "1")])

    release = found[item.project_id, item.version]
    assert release.id == item.release_id
    assert len(found) == 1
    assert await octopus.missing_packages(release.id) == ()
    assert await octopus.defect(release.id) is None
    assert release.channel_id in await octopus.channel_names([release.channel_id])


async def test_the_versions_of_a_channel_are_read_by_its_name(octopus: OctopusSpace) -> None:
    state = await octopus.look(NOTHING)
    release = next(iter(state.releases.values()))
    (name,) = (await octopus.channel_names([release.channel_id])).values()

    assert release.version in (await octopus.channel_versions(release.project_id, name) or ())
    assert await octopus.channel_versions(release.project_id, f"{name} not") is None


async def test_whether_variables_are_others_than_a_release_froze_is_read(
    octopus: OctopusSpace,
) -> None:
    state = await octopus.look(NOTHING)
    known = next(iter(state.releases.values()))

    assert await octopus.release(known.id) == known
    assert await octopus.release("Releases-987654321") is None
    assert await octopus.variables_modified(known.id) in {True, False}


async def test_variables_frozen_anew_are_those_of_today(
    simulator: Simulator, simulated: Address
) -> None:
    async def now() -> None:
        simulator.forget_requests()

    inner = simulator.world
    inner.grant(inner.keys[KEY], Grant("ReleaseEdit"))
    async for octopus in connect(simulated):
        release = next(iter((await octopus.look(NOTHING)).releases.values()))
        space = inner.spaces["Spaces-1"]
        space.variables[space.projects[release.project_id].variable_set_id].version += 1
        assert await octopus.variables_modified(release.id)

        await octopus.refresh_variables(release.id, 10.0, now)

        assert not await octopus.variables_modified(release.id)
        refreshed = await octopus.release(release.id)
        assert refreshed is not None
        assert refreshed.variable_snapshot != release.variable_snapshot
        (asked,) = [each for each in simulator.requests if each.method == "POST"]
        assert asked.path.endswith(f"/releases/{release.id}/snapshot-variables")


async def test_what_keeps_a_server_from_deploying_is_read(octopus: OctopusSpace) -> None:
    state = await octopus.look(NOTHING)

    halts = await octopus.halts(state.environments[0].id)

    assert halts.unread == ""


async def test_what_a_server_runs_at_once_and_runs_now_is_read(octopus: OctopusSpace) -> None:
    load = await octopus.load()

    assert load is None or (load.cap >= 0 and load.running >= 0)


async def test_a_load_counts_what_runs_and_leaves_out_a_node_that_drains(
    simulator: Simulator, shop: OctopusSpace
) -> None:
    before = await shop.load()
    simulator.deploy("web-shop", "1.2.0", "Test")
    simulator.advance(1)
    after = await shop.load()
    simulator.is_draining = True
    draining = await shop.load()
    simulator.fault("status", path="/octopusservernodes/summary", status=403)

    assert (before, after) == (Load(5, 0), Load(5, 1))
    assert draining == Load(0, 1)
    assert await shop.load() is None


async def test_deployments_are_read_by_id(octopus: OctopusSpace) -> None:
    item = next(iter((await octopus.look(NOTHING)).items))

    (found,) = await octopus.deployments([item.deployment_id, "Deployments-999999999"])

    assert found.release_id == item.release_id
    assert await octopus.deployments([]) == ()


async def test_freezes_maintenance_and_a_stopped_queue_are_told_as_the_server_has_them(
    simulator: Simulator, simulated: Address
) -> None:
    async for octopus in connect(simulated):
        state = await octopus.look(NOTHING)
        ids = {one.name: one.id for one in state.environments}
        assert await octopus.halts(ids["Production"]) == Halts()

        simulator.freeze("Sale", "Web Shop", "Production", hours=2)
        simulator.is_in_maintenance = True
        halts = await octopus.halts(ids["Production"])
        (freeze,) = halts.freezes
        project = next(one for one in state.projects if one.name == "Web Shop")
        assert halts.in_maintenance
        assert freeze.name == "Sale"
        assert freeze.covers(project.id, ids["Production"], None)
        assert not freeze.covers(project.id, ids["Test"], None)
        assert freeze.until is not None
        assert not (await octopus.halts(ids["Test"])).freezes
        simulator.fault("status", path="/deploymentfreezes", status=404)
        assert (await octopus.halts(ids["Production"])).freezes == ()  # an old server has none
        simulator.fault("status", path="/deploymentfreezes", status=403)
        assert "403" in (await octopus.halts(ids["Production"])).unread


async def test_other_people_are_told_to_who_may_look_at_them(
    simulator: Simulator, simulated: Address
) -> None:
    async for octopus in connect(simulated):
        with pytest.raises(NotAllowed):
            await octopus.known_people()
        assert await octopus.approver() is not None  # a refusal of that request ends it alone
        simulator.grant("reconciler", "UserView")
        known = await octopus.known_people()
        person = await octopus.approver(known["administrator@example.com"])

        assert person is not None
        assert person.permissions.administers_system
        assert await octopus.approver("Users-99999") is None


async def test_triggers_phases_and_parents_are_told_as_the_server_means_them() -> None:
    with SimulatorServer(Simulator(parse_seed(AUTOMATIC), service_api_key=KEY)) as server:
        async for space in connect(Address(server.url, KEY, "Shop")):
            state = await space.look(NOTHING)
            found = await space.automation(state)

    ids = {one.name: one.id for one in (*state.projects, *state.environments)}
    (nightly,) = found.triggers
    (parent,) = found.parents
    automatic = {one.name: one.automatic for one in found.lifecycles}
    assert (nightly.name, nightly.kind) == ("Nightly", DeployerKind.SCHEDULE)
    assert (nightly.project_id, nightly.environments) == (ids["web"], {ids["QA"]})
    assert automatic == {"Default Lifecycle": frozenset(), "Follows": {ids["QA"]}}
    assert (parent.project_id, parent.child) == (ids["suite"], ids["web"])
    assert found.unread == ()


async def test_a_deployment_is_asked_for_followed_and_found(
    simulator: Simulator, shop: OctopusSpace
) -> None:
    before = await shop.look(NOTHING)
    wish = order(before, "web-shop", "Production", "please [reconciler intent=1]")

    deployment_id, task_id = await shop.deploy(wish)
    running = await shop.look(remembered(before))
    simulator.advance(3600)
    after = await shop.look(remembered(running))

    (task,) = running.active
    assert (task.id, task.deployment_id) == (task_id, deployment_id)
    assert task.environment_id == wish.environment_id
    assert running.deployments[deployment_id].comments == wish.comments
    (ended,) = await shop.tasks([task_id])
    assert ended.state is TaskState.SUCCESS
    assert after.active == ()
    log = await shop.task_log(task_id, tail=20)
    assert [root.work for root in log.roots] == [Work.SUCCESS]
    assert [path for path, _ in log.branches() if len(path) == 1]
    assert (await shop.task_page(task_id)).endswith(f"/app#/Spaces-1/tasks/{task_id}")
    found = await shop.deployments_of(None, wish.environment_id, take=50)
    assert wish.comments in [one.comments for one in found]


@pytest.mark.parametrize("kind", ["lost_answer_after", "reset", "truncate", "wrong_type"])
async def test_rule_14_a_deployment_whose_answer_is_lost_is_unknown_and_can_be_found(
    kind: str, simulator: Simulator, shop: OctopusSpace
) -> None:
    wish = order(await shop.look(NOTHING), "web-shop", "Test", f"by {kind}")
    simulator.fault(kind, method="POST", path="/deployments$", field="TaskId")

    with pytest.raises(OutcomeUnknown):
        await shop.deploy(wish)

    found = await shop.deployments_of(None, wish.environment_id, take=10)
    assert [one.comments for one in found].count(wish.comments) == 1


async def test_rule_14_an_answer_that_drips_for_too_long_leaves_the_outcome_unknown(
    simulator: Simulator, simulated: Address
) -> None:
    key = ServerKey(Given("test", simulated.key))
    options = ClientOptions(
        retries=0,
        deploy_timeout=timedelta(seconds=1),
        silence_timeout=timedelta(seconds=1),
        exchange_timeout=timedelta(seconds=1),
    )
    space = OctopusSpace(simulated.url, simulated.space, key, key, ImpatientClock(), options)
    wish = order(await space.look(NOTHING), "web-shop", "Test", "by drips")
    strike(simulator, "slow drip")

    with pytest.raises(OutcomeUnknown):
        await space.deploy(wish)
    with pytest.raises(Unreachable):
        await space.look(NOTHING)
    await space.close()

    assert simulator.deployments("Web Shop", "Test")[-1].comments == "by drips"


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        ({"kind": "status", "status": 500}, OutcomeUnknown),
        ({"kind": "status", "status": 503}, OutcomeUnknown),
        ({"kind": "lost_answer_before"}, OutcomeUnknown),
        ({"kind": "html"}, OutcomeUnknown),
        ({"kind": "redirect"}, OutcomeUnknown),
        ({"kind": "status", "status": 400}, RemoteRejected),
        ({"kind": "status", "status": 403}, NotAllowed),
        ({"kind": "status", "status": 429, "retry_after": "5"}, RateLimited),
    ],
)
async def test_rule_14_a_deployment_is_asked_for_once_whatever_comes_back(
    fault: dict[str, Any], trouble: type[OctopusTrouble], simulator: Simulator, shop: OctopusSpace
) -> None:
    wish = order(await shop.look(NOTHING), "web-shop", "Test", "once")
    simulator.fault(**fault, method="POST", path="/deployments$")
    simulator.forget_requests()

    with pytest.raises(trouble):
        await shop.deploy(wish)

    assert [one.method for one in simulator.requests] == ["POST"]


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        ({"kind": "status", "status": 500}, Unreachable),
        ({"kind": "status", "status": 503}, Unreachable),
        ({"kind": "lost_answer_before"}, Unreachable),
        ({"kind": "reset"}, Unreachable),
        ({"kind": "html"}, BadAnswer),
        ({"kind": "redirect"}, BadAnswer),
        ({"kind": "truncate"}, BadAnswer),
        ({"kind": "wrong_type", "field": "ProjectId"}, BadAnswer),
        ({"kind": "status", "status": 401}, NotAllowed),
        ({"kind": "status", "status": 403}, NotAllowed),
        ({"kind": "status", "status": 429, "retry_after": "3600"}, RateLimited),
    ],
)
async def test_rule_3_a_look_that_goes_wrong_is_one_clear_error(
    fault: dict[str, Any], trouble: type[OctopusTrouble], simulator: Simulator, shop: OctopusSpace
) -> None:
    await shop.identity()
    simulator.fault(**fault, count=None, path="/dashboard/dynamic")

    with pytest.raises(trouble, match=r"/dashboard/dynamic") as error:
        await shop.look(NOTHING)

    assert "includePrevious" not in error.value.message


async def test_rule_20_a_server_that_asks_for_patience_gets_it(
    simulator: Simulator, shop: OctopusSpace
) -> None:
    strike(simulator, "5xx and 429 in turn")

    assert (await shop.look(NOTHING)).gaps == ()


async def test_rule_3_a_dashboard_with_a_limit_is_completed(
    simulator: Simulator, shop: OctopusSpace
) -> None:
    whole = await shop.look(NOTHING)
    simulator.project_limit = 2

    limited = await shop.look(remembered(whole))

    assert limited.gaps == ()
    assert limited.board_projects == whole.board_projects
    assert set(limited.items) == set(whole.items)


async def test_rule_17_a_deployment_that_waits_for_a_person_says_so(
    simulator: Simulator, shop: OctopusSpace
) -> None:
    simulator.waiting_shows_queued = True
    before = await shop.look(NOTHING)
    _, task_id = await shop.deploy(order(before, "web-shop", "Test"))
    simulator.advance(3)
    simulator.raise_interruption("web-shop", "Test")

    state = await shop.look(remembered(before))

    assert state.waiting_for_person == {task_id}


async def test_a_partial_deployment_and_one_for_later_are_told(
    simulator: Simulator, shop: OctopusSpace
) -> None:
    known = remembered(await shop.look(NOTHING))
    later = simulator.now + timedelta(days=1)
    partly = simulator.deploy("web-shop", "1.2.0", "Dev", options={"SkipActions": ["a1"]})
    simulator.deploy("orders-api", "2.4.1", "Dev", at=later)
    simulator.advance(60)

    state = await shop.look(known)

    assert state.deployments[partly].is_partial
    (waiting,) = state.active
    assert waiting.queued_until is not None
    assert abs(waiting.queued_until - later) < timedelta(seconds=1)


async def test_rule_31_a_narrowed_key_is_narrowed_in_the_reading_too(
    simulator: Simulator, shop: OctopusSpace
) -> None:
    whole = await shop.look(NOTHING)
    simulator.restrict(whole.me.username, "DeploymentCreate", environments=["Dev"])

    state = await shop.look(remembered(whole))

    places = {one.name: one.id for one in state.environments}
    web = next(one for one in state.projects if one.slug == "web-shop")
    may = {
        name: state.permissions.allows("DeploymentCreate", state.space_id, web, place)
        for name, place in places.items()
    }
    assert may == {"Dev": True, "Test": False, "Production": False}
    with pytest.raises(NotAllowed, match="DeploymentCreate"):
        await shop.deploy(order(whole, "web-shop", "Test"))


async def test_tenants_are_read_only_where_asked_for_and_deployed_to_one_by_one(
    simulator: Simulator, shop: OctopusSpace
) -> None:
    simulator.add_tag_set("Ring", ["Pilot"])
    connected = {"web-shop": ["Dev"]}
    acme = simulator.add_tenant("Acme", connected=connected, tags=["Ring/Pilot"])
    beta = simulator.add_tenant("Beta", connected=connected)
    alone = await shop.look(NOTHING)

    state = await shop.look(NOTHING, tenants=True)
    fresh = simulator.release("web-shop", "9.9.9")
    dev = next(one.id for one in state.environments if one.name == "Dev")
    project = next(one.id for one in state.projects if one.slug == "web-shop")
    deployment_id, _ = await shop.deploy(DeploymentOrder(fresh, dev, "for Acme", tenant_id=acme))
    after = await shop.look(NOTHING, tenants=True)

    assert alone.tenants is None
    assert [(one.id, one.name, one.tags) for one in state.tenants or ()] == [
        (acme, "Acme", frozenset({"Ring/Pilot"})),
        (beta, "Beta", frozenset()),
    ]
    assert {dev} in [
        set(places) for one in state.tenants or () for places in one.connected.values()
    ]
    assert state.board_tenants == {acme, beta}
    assert [one.tenant_id for one in after.items if one.deployment_id == deployment_id] == [acme]
    assert await shop.promotable(fresh, acme) == {dev}
    found = [await shop.deployments_of(project, dev, 9, whom) for whom in (acme, beta)]
    assert [[one.id for one in each] for each in found] == [[deployment_id], []]


async def test_tenants_that_the_key_may_not_see_are_told_and_stop_nobody(
    simulator: Simulator, shop: OctopusSpace
) -> None:
    simulator.fault("status", path="/tenants/all$", status=403)

    state = await shop.look(NOTHING, tenants=True)

    assert state.tenants is None
    assert "403" in state.tenants_unread
    assert state.gaps == ()


async def test_a_release_may_go_where_its_lifecycle_lets_it(
    simulator: Simulator, shop: OctopusSpace
) -> None:
    state = await shop.look(NOTHING)
    places = {one.id: one.name for one in state.environments}
    fresh = simulator.release("web-shop", "9.9.9")

    assert {places[one] for one in await shop.promotable(fresh)} == {"Dev"}
    with pytest.raises(RemoteRejected):
        await shop.deploy(
            DeploymentOrder(fresh, next(i for i, n in places.items() if n == "Production"), "")
        )


async def test_rule_29_a_person_takes_answers_and_cancels_with_their_own_key(
    simulator: Simulator, simulated: Address, shop: OctopusSpace
) -> None:
    before = await shop.look(NOTHING)
    _, task_id = await shop.deploy(order(before, "web-shop", "Test"))
    simulator.advance(3)
    wanted = simulator.raise_interruption("web-shop", "Test", title="Go live?")
    (seen,) = await shop.interruptions()
    assert (seen.id, seen.task_id, seen.title, seen.is_mine) == (wanted, task_id, "Go live?", False)
    assert seen.choice is not None
    assert [one.value for one in seen.choice.options] == ["Proceed", "Abort"]

    key = ServerKey(Given("test", simulator.api_key))
    person = PersonInSpace(simulated.url, "Shop", key, None, ImpatientClock())
    assert await person.interruption("Interruptions-999") is None
    assert await person.responsible(wanted) == ""
    with pytest.raises(RemoteRejected, match="must take responsibility"):
        await person.submit(wanted, {"Result": "Proceed"})
    await person.take(wanted)
    assert (await person.responsible(wanted)).startswith("Admin")
    with pytest.raises(RemoteRejected, match="errors with the form"):
        await person.submit(wanted, {"Result": "Perhaps"})
    await person.submit(wanted, {"Instructions": None, "Notes": "ok", "Result": "Proceed"})
    answered = await person.interruption(wanted)
    assert answered is not None
    assert (answered.is_pending, dict(answered.given)["Notes"]) == (False, "ok")
    with pytest.raises(RemoteRejected, match="already been submitted"):
        await person.take(wanted)
    assert await shop.interruptions() == ()

    await person.cancel(task_id)
    simulator.advance(60)
    (task,) = await person.tasks([task_id])
    assert task.state is TaskState.CANCELED
    await person.cancel(task_id)  # one that has ended stays as it is
    await person.close()


async def test_machines_are_read_with_the_servers_time_and_their_policies(
    simulator: Simulator, shop: OctopusSpace
) -> None:
    simulator.add_machine("Web 1", environments=["Test"], roles=["web"])
    state, registry = await shop.look(NOTHING), shop.registry()

    fleet = await registry.fleet([one.id for one in state.environments])

    assert fleet.is_whole
    assert fleet.at is not None
    assert fleet.targets
    machine = fleet.targets[0]
    assert set(machine.environments) <= {one.id for one in state.environments}
    assert machine.policy_id in await registry.cleanups()
    assert set(await registry.checked([machine.id])) <= {machine.id}
    found = await registry.whole(machine.id)
    assert found is not None
    assert found[0] == machine
    assert "CommunicationStyle" in found[1].endpoint
    assert await registry.named(machine.name.upper()) == (machine,)
    assert await registry.whole("Machines-999999") is None
    assert await registry.is_worked_on(machine.id) is False


async def test_rule_46_a_machine_is_deleted_and_registered_again_as_it_was(
    simulator: Simulator, simulated: Address
) -> None:
    key = ServerKey(Given("test", simulator.api_key))
    space = PersonInSpace(simulated.url, "Shop", key, None, ImpatientClock(), machines=key)
    registry = space.registry()
    machine_id = simulator.add_machine("old", environments=["Test"], roles=["web", "db"])
    before = await registry.whole(machine_id)
    assert before is not None

    async def nothing_holds() -> None:
        return

    await registry.remove(machine_id, 10, nothing_holds)
    assert await registry.whole(machine_id) is None
    with pytest.raises(RemoteRejected) as gone:
        await registry.remove(machine_id, 10, nothing_holds)
    assert gone.value.status == 404
    made = await registry.register(before[1])
    after = await registry.whole(made)

    assert after is not None
    assert replace(after[1], id=machine_id) == before[1]
    assert simulator.requests[-1].user_agent.startswith("reconciler/")
    await space.close()


async def test_rule_29_without_a_credential_for_machines_nothing_is_sent(
    simulator: Simulator, shop: OctopusSpace
) -> None:
    machine_id = simulator.add_machine("old", environments=["Test"], roles=["web"])
    registry = shop.registry()

    async def nothing_holds() -> None:
        return

    assert registry.may_change is False
    with pytest.raises(NotAllowed, match="No credential for machines is configured"):
        await registry.remove(machine_id, 10, nothing_holds)
    assert [one.method for one in simulator.requests if one.method == "DELETE"] == []


async def test_a_task_that_waits_for_a_change_request_says_so(
    simulator: Simulator, shop: OctopusSpace
) -> None:
    before = await shop.look(NOTHING)
    _, task_id = await shop.deploy(order(before, "web-shop", "Test"))
    (task,) = await shop.tasks([task_id])
    assert not task.has_pending_preconditions

    simulator.fault("value", path="/tasks$", field="HasPendingPreconditions", value=True)

    (task,) = await shop.tasks([task_id])
    assert task.has_pending_preconditions
