"""Who lacks what is found out from what Octopus says, asked no more than is needed."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))

from core_builders import APPLY, ENVIRONMENT_ID, NOON, Octopus, component, desired

from reconciler.core.cellkey import CellKey
from reconciler.core.intent import Intent, IntentRecord, Outcome
from reconciler.core.machine import Machine, ProcessTargets, StepTargets
from reconciler.core.policy import Machines
from reconciler.core.runbook import Around, Runbook
from reconciler.core.sighting import observe
from reconciler.core.snapshot import Snapshot
from reconciler.core.state import DeploymentDetail, SpaceState, TaskState
from reconciler.engine.arrivals import left_out_of, with_arrivals
from reconciler.engine.watch import Finished
from reconciler.errors import NotAllowed, OctopusTrouble, Unreachable

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.core.muster import Muster
    from reconciler.core.sighting import ObservedState
    from reconciler.ports import Octopus as Door

SERVING = replace(APPLY, machines=Machines(deploy_on_arrival=True))
KNOWN = Snapshot("env", "", "", "", gaps={})
API = CellKey("api")
GOES = ProcessTargets((StepTargets(frozenset({"web"})),))
ONE, TWO = (
    Machine(f"Machines-{n}", f"web-{n}", frozenset({ENVIRONMENT_ID}), frozenset({"web"}), False, h)
    for n, h in ((1, "Healthy"), (2, "HasWarnings"))
)


@dataclass
class Asked:
    """The door, as far as it is asked; what was asked stays."""

    found: dict[str, ProcessTargets] = field(default_factory=lambda: {"p-1": GOES})
    behind: tuple[tuple[DeploymentDetail, TaskState], ...] = ()
    fails: OctopusTrouble | None = None
    asked: list[str] = field(default_factory=list)

    async def targets(self, ids: Collection[str]) -> dict[str, ProcessTargets]:
        self.asked += ids
        if self.fails is not None:
            raise self.fails
        return self.found

    async def attempts(self, newest: DeploymentDetail) -> object:
        self.asked.append(newest.id)
        return self.behind


def farm(*reached: str, **detail: Any) -> Octopus:
    """A component in sync, whose deployment went to these machines."""
    octopus = Octopus.with_projects("api", "web")
    told = octopus.deployed("api", "1.0.0")
    octopus.deployments[told] = replace(octopus.deployments[told], reached=reached, **detail)
    return octopus


async def mustered(
    octopus: Octopus,
    door: Asked,
    *,
    policy: Any = SERVING,
    runbooks: Around | None = None,
    state: SpaceState | None = None,
    last: Snapshot | None = KNOWN,
) -> ObservedState:
    api = component("api")
    stack = api if runbooks is None else replace(api, runbooks=runbooks)
    wanted = desired({"api": "1.0.0"}, stack, policy=policy)
    reading = state or octopus.state(machines=(ONE, TWO))
    seen = observe(wanted, reading, None)
    return await with_arrivals(cast("Door", door), wanted, seen, reading, last)


def muster_of(found: ObservedState) -> Muster:
    assert found.muster is not None
    return found.muster


async def test_a_ready_machine_that_the_deployment_did_not_go_to_has_missed_it() -> None:
    found = await mustered(farm("Machines-1"), door := Asked())

    assert found.cells[API].missed == ("Machines-2",)
    assert muster_of(found).judged == {API}
    assert door.asked == ["p-1"]


async def test_at_the_first_look_nobody_has_missed_anything() -> None:
    found = await mustered(farm("Machines-1"), Asked(), last=None)

    assert found.cells[API].missed == ()
    assert muster_of(found).lacking == {API: ("Machines-2",)}


async def test_nothing_is_asked_where_everybody_has_it_or_nobody_is_served() -> None:
    everybody = await mustered(farm("Machines-1", "Machines-2"), door := Asked())
    nobody = await mustered(farm(), door, policy=APPLY)

    assert muster_of(everybody).lacking == {}
    assert nobody.muster is None
    assert door.asked == []


async def test_a_release_whose_steps_go_elsewhere_is_missed_by_nobody() -> None:
    elsewhere = ProcessTargets((StepTargets(frozenset({"db"})),))

    found = await mustered(farm(), Asked({"p-1": elsewhere}))

    assert (muster_of(found).lacking, muster_of(found).judged) == ({}, {API})


@pytest.mark.parametrize(
    ("known", "why"),
    [({}, "its process could not be read"),
     ({"p-1": ProcessTargets(doubt="its process uses a template")}, "its process uses a template")],
)  # fmt: skip
async def test_rule_11_a_process_that_does_not_tell_serves_nobody(
    known: dict[str, ProcessTargets], why: str
) -> None:
    found = await mustered(farm(), Asked(known))

    assert found.cells[API].missed == ()
    assert muster_of(found).doubts == {API: why}


async def test_rule_11_a_deployment_that_does_not_say_where_it_went_serves_nobody() -> None:
    silent = Octopus.with_projects("api")
    silent.deployed("api", "1.0.0")

    found = await mustered(silent, Asked())

    assert muster_of(found).doubts == {API: "Octopus does not say which machines it went to"}


async def test_behind_a_newcomer_stands_who_was_served_before() -> None:
    octopus = farm("Machines-1", "Machines-9")
    full = next(iter(octopus.deployments.values()))
    newest = octopus.deployed("api", "1.0.0", partial=True)
    detail = replace(octopus.deployments[newest], reached=("Machines-8",), machine_ids=())
    octopus.deployments[newest] = detail
    told = ((detail, TaskState.SUCCESS), (full, TaskState.SUCCESS))

    found = await mustered(octopus, door := Asked(behind=told))
    blind = await mustered(octopus, Asked())

    assert found.cells[API].missed == ("Machines-2",)
    assert door.asked == ["p-1", newest]
    assert blind.cells[API].missed == ()
    assert "any more" in muster_of(blind).doubts[API]


async def test_a_component_whose_machines_a_runbook_names_is_left_out() -> None:
    named = Around(before=(Runbook("Make", machines="New"),))

    found = await mustered(farm("Machines-1"), door := Asked(), runbooks=named)

    assert (muster_of(found).lacking, muster_of(found).doubts, door.asked) == ({}, {}, [])


async def test_what_the_key_may_not_see_is_told_and_other_trouble_is_that_of_the_look() -> None:
    hidden = farm().state(machines=None, machines_unread="403: MachineView")
    refused = await mustered(farm(), Asked(fails=NotAllowed("403: ProcessView", hint="")))

    assert muster_of(await mustered(farm(), Asked(), state=hidden)).unread == "403: MachineView"
    assert muster_of(refused).unread == "403: ProcessView"
    with pytest.raises(Unreachable):
        await mustered(farm(), Asked(fails=Unreachable("no answer", hint="")))


@pytest.mark.parametrize(
    ("reached", "machines", "outcome", "said"),
    [(("Machines-1",), (), Outcome.SUCCESS, "api 1.0.0 did not reach web-2: Octopus left them out"),
     (("Machines-1", "Machines-2"), (), Outcome.SUCCESS, ""),
     (("Machines-1",), ("Machines-1",), Outcome.SUCCESS, ""),
     (("Machines-1",), (), Outcome.FAILED, ""), (None, (), Outcome.SUCCESS, "")],
)  # fmt: skip
def test_who_was_foreseen_and_not_reached_is_told(
    reached: tuple[str, ...] | None, machines: tuple[str, ...], outcome: Outcome, said: str
) -> None:
    intent = Intent("s", "sp", "e", None, "p", "1.0.0", machines, None)
    fields: dict[str, Any] = {"project_slug": "api", "commit": "c", "plan_digest": "d"}
    record = IntentRecord(
        intent, "env", API, action="upgrade", replaces=None, redeploy=0, promised_at=NOON, **fields
    )
    finished = Finished(record, outcome, settled=True, task_id="ServerTasks-1", reached=reached)

    assert left_out_of(finished, {"Machines-1": "web-1", "Machines-2": "web-2"}) == said
