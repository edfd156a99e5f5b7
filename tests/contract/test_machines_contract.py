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
