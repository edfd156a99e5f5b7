"""The client and runbooks: which there are, a run asked for, and runs found again."""

from collections.abc import AsyncIterator

import pytest
from test_octopus_contract import KEY, Address, connect

from reconciler.errors import NotAllowed, RemoteRejected
from reconciler.octopus.space import OctopusSpace
from reconciler.ports import RunOrder
from reconciler.simulator import Simulator, SimulatorServer, parse_seed

SEED = """
spaces:
  - name: Farm
    environments: [Dev, Prod]
    projects:
      - {name: site, releases: ["1.0.0"], deployed: {Dev: "1.0.0"}}
      - {name: office, releases: ["1.0.0"]}
"""


@pytest.fixture
def farm() -> Simulator:
    made = Simulator(parse_seed(SEED), service_api_key=KEY)
    made.add_runbook("site", "Drain it")
    made.add_runbook("site", "Half done", publish=False)
    made.add_runbook("office", "Tell")
    return made


@pytest.fixture
async def octopus(farm: Simulator) -> AsyncIterator[OctopusSpace]:
    with SimulatorServer(farm) as server:
        async for space in connect(Address(server.url, KEY, "Farm")):
            yield space


async def ids(octopus: OctopusSpace) -> tuple[str, dict[str, str]]:
    """Return the ids of the project `site` and of the environments, by name."""
    from reconciler.ports import Known

    state = await octopus.look(Known({}, {}))
    (site,) = [one.id for one in state.projects if one.name == "site"]
    return site, {one.name: one.id for one in state.environments}


async def test_runbooks_of_a_project_are_as_the_server_has_them(octopus: OctopusSpace) -> None:
    site, _ = await ids(octopus)

    drain, half = sorted(await octopus.runbooks([site]), key=lambda one: one.name)

    assert (drain.name, drain.slug, drain.project_id) == ("Drain it", "drain-it", site)
    assert (drain.environments, drain.tenancy) == (None, "Untenanted")
    assert drain.snapshot is not None
    assert half.snapshot is None
    assert await octopus.runbooks([]) == ()


async def test_a_run_is_asked_for_and_found_again_by_cell_and_by_id(
    farm: Simulator, octopus: OctopusSpace
) -> None:
    farm.grant("reconciler", "RunbookRunCreate")
    site, where = await ids(octopus)
    drain = next(one for one in await octopus.runbooks([site]) if one.snapshot is not None)
    order = RunOrder(drain.id, drain.snapshot or "", where["Dev"], "For Ann [tag]")

    run_id, task_id = await octopus.run(order)
    again, _ = await octopus.run(order)

    found = await octopus.runs_of(drain.id, where["Dev"], 100, None)
    assert [one.id for one in found] == [again, run_id]
    assert [(one.id, one.task_id) for one in await octopus.runs([run_id])] == [(run_id, task_id)]
    assert (found[1].comments, found[1].project_id) == ("For Ann [tag]", site)
    assert await octopus.runs_of(drain.id, where["Prod"], 100, None) == ()
    assert await octopus.runs([]) == ()


async def test_rule_31_a_run_that_is_not_allowed_is_refused_by_the_server(
    octopus: OctopusSpace,
) -> None:
    site, where = await ids(octopus)
    drain = next(one for one in await octopus.runbooks([site]) if one.snapshot is not None)

    with pytest.raises(NotAllowed, match="RunbookRunCreate"):
        await octopus.run(RunOrder(drain.id, drain.snapshot or "", where["Dev"], "x"))
    with pytest.raises(RemoteRejected):
        await octopus.run(RunOrder("Runbooks-999", "RunbookSnapshots-999", where["Dev"], "x"))
