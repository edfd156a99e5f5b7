"""The client and machines: deployments to some of them, and where deployments went."""

from collections.abc import AsyncIterator

import pytest
from test_octopus_contract import KEY, NOTHING, Address, connect, remembered

from reconciler.octopus.space import OctopusSpace
from reconciler.ports import DeploymentOrder
from reconciler.simulator import Simulator, SimulatorServer, parse_seed

SEED = """
spaces:
  - name: Farm
    environments: [Dev]
    machines:
      - {name: web-1, environments: [Dev], roles: [web]}
      - {name: web-2, environments: [Dev], roles: [web]}
    projects:
      - {name: site, roles: [web], releases: ["1.0.0", "1.1.0"], deployed: {Dev: "1.0.0"}}
"""


@pytest.fixture
def farm() -> Simulator:
    return Simulator(parse_seed(SEED), service_api_key=KEY)


@pytest.fixture
async def octopus(farm: Simulator) -> AsyncIterator[OctopusSpace]:
    with SimulatorServer(farm) as server:
        async for space in connect(Address(server.url, KEY, "Farm")):
            yield space


async def test_machines_are_read_only_where_asked_for_and_as_the_server_has_them(
    farm: Simulator, octopus: OctopusSpace
) -> None:
    farm.disable_machine("web-1")
    farm.machine_is("web-2", "Unavailable")
    alone = await octopus.look(NOTHING)

    state = await octopus.look(NOTHING, machines=True)

    (dev,) = state.environments
    assert alone.machines is None
    assert [
        (one.id, one.name, one.state, one.roles, one.environments) for one in state.machines or ()
    ] == [
        (farm.machine_id("web-1"), "web-1", "disabled", {"web"}, {dev.id}),
        (farm.machine_id("web-2"), "web-2", "unavailable", {"web"}, {dev.id}),
    ]


async def test_machines_that_the_key_may_not_see_are_told_and_stop_nobody(
    farm: Simulator, octopus: OctopusSpace
) -> None:
    farm.fault("status", path="/machines/all$", status=403)

    state = await octopus.look(NOTHING, machines=True)

    assert state.machines is None
    assert "403" in state.machines_unread
    assert state.gaps == ()


async def test_where_the_steps_of_a_frozen_process_go_is_asked_once(
    farm: Simulator, octopus: OctopusSpace
) -> None:
    state = await octopus.look(NOTHING, machines=True)
    (release,), (dev,) = state.releases.values(), state.environments
    found = await octopus.targets([release.process_snapshot, "deploymentprocess-gone"])
    farm.forget_requests()

    again = await octopus.targets([release.process_snapshot])

    (targets,) = found.values()
    assert again == found
    assert farm.requests == ()
    assert all(
        targets.goes_to(one, dev.id, release.channel_id, None) for one in state.machines or ()
    )
    assert [step.roles for step in targets.steps] == [{"web"}]


async def test_what_became_of_a_cell_before_is_asked_once_for_its_newest_deployment(
    farm: Simulator, octopus: OctopusSpace
) -> None:
    farm.fail_next("site", "1.1.0", "Dev")
    farm.deploy("site", "1.1.0", "Dev")
    farm.advance(60)
    one = farm.deploy("site", "1.0.0", "Dev")
    farm.advance(60)
    newest = (await octopus.look(NOTHING)).deployments[one]

    told = await octopus.attempts(newest)
    farm.forget_requests()
    again = await octopus.attempts(newest)
    nothing_said = farm.requests == ()
    farm.deploy("site", "1.1.0", "Dev")

    assert [state.value for _, state in told] == ["Success", "Failed", "Success"]
    assert told[0][0] == newest
    assert (again, nothing_said) == (told, True)


async def test_a_deployment_to_one_machine_goes_to_no_other_and_says_where_it_went(
    farm: Simulator, octopus: OctopusSpace
) -> None:
    state = await octopus.look(NOTHING)
    (dev,), (project,) = state.environments, state.projects
    (release,) = (await octopus.known_releases([(project.id, "1.0.0")])).values()
    one, two = farm.machines_of("site", "Dev")

    asked, _ = await octopus.deploy(DeploymentOrder(release.id, dev.id, "", machine_ids=(two,)))
    farm.advance(600)

    found = (await octopus.look(remembered(state))).deployments
    (before,) = state.deployments.values()
    assert (before.is_partial, before.machine_ids, before.reached) == (False, (), (one, two))
    assert (found[asked].is_partial, found[asked].is_flawed) == (True, False)
    assert (found[asked].machine_ids, found[asked].reached) == ((two,), (two,))
