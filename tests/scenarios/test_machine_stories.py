"""Machines that appear or return get what belongs on them: once, alone, in order."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from story import FILES, SEED, Story, story
from watching import Daemon, daemon

from reconciler.core.gate import GateName
from reconciler.core.plan import Reason
from reconciler.core.roll import roll_of
from reconciler.engine.events import Said

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WEB = SEED.replace(
    "{name: web, lifecycle: Anywhere,", "{name: web, roles: [api], lifecycle: Anywhere,"
)
ARRIVALS = "{mode: apply, machines: {deployOnArrival: true}}"
LATECOMERS = "{mode: apply, machines: {reevaluate: true}}"


def policy(spec: str) -> dict[str, str]:
    text = FILES["policies/open.yaml"].replace("{mode: apply}", spec)
    return {"policies/open.yaml": text}


@pytest.fixture
def farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    with story(tmp_path, WEB, {**FILES, **policy(ARRIVALS)}) as told:
        yield told


async def begin(told: Story) -> None:
    """Accept, and let the first look at the machines be recorded."""
    await told.accept()
    await told.apply()


def arrives(told: Story, name: str, *roles: str) -> str:
    return told.octopus.add_machine(name, environments=["Test"], roles=roles or ["api"])


def deployments(told: Story, project: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return (version, machines it was limited to) of our deployments, oldest first."""
    whose = told.administer("GET", f"projects/{project}")["Id"]
    found = told.administer("GET", f"deployments?take=100&projects={whose}")["Items"]
    ours = [d for d in found if "[reconciler intent=" in (d["Comments"] or "")]
    versions = {r["Id"]: r["Version"] for r in told.administer("GET", "releases?take=100")["Items"]}
    return [(versions[d["ReleaseId"]], tuple(d["SpecificMachineIds"])) for d in reversed(ours)]


async def test_a_machine_that_appears_gets_what_belongs_on_it_alone_in_order_and_once(
    farm: Story,
) -> None:
    await begin(farm)
    new = arrives(farm, "api-2")
    arrives(farm, "db-1", "db")  # no project goes to it

    plan = (await farm.plan()).plan
    report = await farm.apply()
    again = await farm.apply()

    served = [(a.cell, a.reason, a.machines, a.wave) for a in plan.changes]
    assert served == [
        ("api", Reason.NEW_MACHINE, (new,), 1),
        ("web", Reason.NEW_MACHINE, (new,), 2),
    ]
    assert not report.failed
    assert deployments(farm, "api") == deployments(farm, "web") == [("1.0.0", (new,))]
    assert deployments(farm, "db") == []
    assert not again.planned.plan.has_work
    assert len(farm.receipts("api")) == 1


async def test_machines_that_lack_something_at_the_first_look_have_not_arrived(
    farm: Story,
) -> None:
    old = arrives(farm, "api-2")  # after the deployments, before the reconciler

    first = await farm.plan()
    await begin(farm)
    later = await farm.plan()

    muster = later.situation.observed.muster
    assert not first.plan.has_work
    assert not later.plan.has_work
    assert muster is not None
    assert dict(muster.lacking) == {"api": (old,), "web": (old,)}
    assert f"{old}: {{api: Releases-" in farm.audit("snapshots/test.yaml")
    roll = roll_of(later.situation.observed)
    assert roll is not None
    assert roll.without == ("api-2 without api, web",)


async def test_a_machine_that_returns_gets_what_it_missed_and_its_state_is_told_meanwhile(
    farm: Story,
) -> None:
    await begin(farm)
    first = farm.octopus.machine_id("api-1")
    second = arrives(farm, "api-2")
    await farm.apply()
    farm.octopus.disable_machine("api-1")
    farm.octopus.machine_is("api-2", "Unhealthy")
    farm.octopus.machine_is("api-2", "Unavailable")
    project = farm.administer("GET", "projects/api")
    project["ProjectConnectivityPolicy"]["SkipMachineBehavior"] = "SkipUnavailableMachines"
    farm.administer("PUT", f"projects/{project['Id']}", project)
    farm.pin(api="2.0.0")
    await farm.apply()

    away = await farm.plan()
    farm.octopus.enable_machine("api-1")
    farm.octopus.machine_is("api-2", "HasWarnings")
    report = await farm.apply()

    roll = roll_of(away.situation.observed)
    assert roll is not None
    assert roll.absent == ("api-1 (disabled)", "api-2 (unavailable)")
    assert not away.plan.has_work
    assert not report.failed
    assert deployments(farm, "api")[-2:] == [("2.0.0", ()), ("2.0.0", (first, second))]
    assert deployments(farm, "web") == [("1.0.0", (second,))]  # they have it still


@pytest.mark.proof
async def test_rule_12_a_lost_store_and_a_restart_serve_a_machine_once(
    farm: Story,
) -> None:
    await begin(farm)
    new = arrives(farm, "api-2")
    await farm.apply()
    await farm.accept(store="another")
    report = await farm.apply(store="another")

    assert not report.planned.plan.has_work
    assert deployments(farm, "api") == [("1.0.0", (new,))]
    assert len(farm.receipts("api")) == 1


@pytest.mark.proof
async def test_rule_12_a_machine_that_was_not_reached_is_not_tried_again_by_itself(
    farm: Story,
) -> None:
    await begin(farm)
    new = arrives(farm, "api-2")
    farm.octopus.fail_next("api", "1.0.0", "Test")

    failed = await farm.apply()
    again = await farm.apply()

    assert failed.failed
    assert [gate.name for gate in again.planned.gates if gate.cell == "api"] == [
        GateName.NEEDS_RETRY
    ]
    assert deployments(farm, "api") == [("1.0.0", (new,))]


@pytest.mark.proof
async def test_a_target_trigger_that_does_the_same_is_not_competed_with(farm: Story) -> None:
    await begin(farm)
    api = farm.administer("GET", "projects/api")["Id"]
    farm.administer(
        "POST",
        "projecttriggers",
        {
            "Name": "Newcomers",
            "ProjectId": api,
            "Filter": {
                "FilterType": "MachineFilter",
                "EventGroups": ["MachineAvailableForDeployment"],
                "EnvironmentIds": [],
                "Roles": [],
                "EventCategories": [],
            },
            "Action": {
                "ActionType": "AutoDeploy",
                "ShouldRedeployWhenMachineHasBeenDeployedTo": False,
            },
        },
    )
    arrives(farm, "api-2")

    planned = await farm.plan()

    gates = {gate.cell: gate for gate in planned.gates}
    assert gates["api"].name is GateName.ALSO_DEPLOYED
    assert "'Newcomers' serves machines that arrive here" in gates["api"].message
    assert gates["web"].name is GateName.DEPENDENCY  # in order, or not at all


async def test_a_machine_that_gets_ready_during_a_pass_gets_what_it_missed_before_the_end(
    farm: Story,
) -> None:
    await begin(farm)
    farm.push(policy(LATECOMERS))
    await farm.apply()
    farm.pin(api="1.1.0", mail="1.1.0")
    farm.octopus.later(10, lambda: (arrives(farm, "api-2"), None)[1])

    report = await farm.apply()

    new = farm.octopus.machine_id("api-2")
    assert not report.failed
    assert deployments(farm, "api") == [("1.1.0", ()), ("1.1.0", (new,))]
    assert deployments(farm, "web") == []  # not what this pass deployed
    assert not (await farm.apply()).planned.plan.has_work


async def test_a_machine_that_a_deployment_of_ours_did_not_reach_is_told(farm: Story) -> None:
    await begin(farm)
    arrives(farm, "api-2")
    await farm.apply()
    farm.pin(api="2.0.0")
    planned = await farm.plan()
    farm.octopus.slots = 1
    farm.octopus.deploy("mail", "1.1.0", "Production")  # ours waits behind it
    farm.octopus.later(5, lambda: farm.octopus.disable_machine("api-2"))

    await farm.apply()

    told = [event.text for event in farm.events if isinstance(event, Said)]
    assert set(planned.machines["api"].values()) == {"api-1", "api-2"}
    assert "api 2.0.0 did not reach api-2: Octopus left them out" in told


async def test_an_idle_look_costs_one_request_more_where_a_policy_serves_machines(
    farm: Story,
) -> None:
    async def look(running: Daemon) -> list[str]:
        farm.octopus.forget_requests()
        running.supervisor.wake("test")
        await running.settles(1)
        return sorted(one.path.removeprefix("/api/Spaces-1/") for one in farm.octopus.requests)

    await begin(farm)
    arrives(farm, "api-2")
    await farm.apply()  # behind a newcomer stands what was deployed before
    async with daemon(farm) as running:
        await look(running)
        serving = await look(running)
    farm.push(policy("{mode: apply}"))
    await farm.apply()
    async with daemon(farm) as running:
        await look(running)
        plain = await look(running)

    assert len(plain) == 5
    assert serving == sorted([*plain, "machines/all"])


@pytest.mark.proof
async def test_rule_14_a_machine_is_not_served_twice_where_the_answer_was_lost(
    farm: Story,
) -> None:
    await begin(farm)
    new = arrives(farm, "api-2")
    farm.octopus.fault("lost_answer_after", method="POST", path="/deployments$")

    report = await farm.apply()
    again = await farm.apply()

    assert not report.failed
    assert not again.planned.plan.has_work
    assert deployments(farm, "api") == deployments(farm, "web") == [("1.0.0", (new,))]


async def test_rule_12_a_store_that_was_lost_finds_and_receipts_what_a_machine_got(
    farm: Story,
) -> None:
    await begin(farm)
    new = arrives(farm, "api-2")
    hook = farm.remote / "hooks" / "update"
    hook.write_text('#!/bin/sh\ntest "$1" != refs/heads/audit\n')
    hook.chmod(0o755)
    report = await farm.apply()
    hook.unlink()
    shutil.rmtree(farm.folder / "state")

    await farm.apply()
    again = await farm.apply()

    assert not report.recorded
    assert not again.planned.plan.has_work
    assert deployments(farm, "api") == deployments(farm, "web") == [("1.0.0", (new,))]
    assert [len(farm.receipts(name)) for name in ("api", "web")] == [1, 1]


@pytest.mark.proof
async def test_a_machine_of_one_tenant_gets_what_runs_for_that_one_and_no_other(
    farm: Story,
) -> None:
    acme, _ = (farm.octopus.add_tenant(n, connected={"web": ["Test"]}) for n in ("Acme", "Beta"))
    head = FILES["environments/test.yaml"].partition("  components:")[0]
    served = head.replace("environment: Test", "environment: Test, tenants: [Acme, Beta]")
    farm.push({"environments/test.yaml": f'{served}  components: {{web: "1.0.0"}}\n'})
    await begin(farm)
    new = arrives(farm, "web-2")
    machine = farm.administer("GET", f"machines/{new}")
    own = {"TenantedDeploymentParticipation": "Tenanted", "TenantIds": [acme]}
    farm.administer("PUT", f"machines/{new}", machine | own)

    report = await farm.apply()

    changes = report.planned.plan.changes
    assert [(a.cell, a.machines) for a in changes] == [("web@Acme", (new,))]
    assert not report.failed
    assert not (await farm.apply()).planned.plan.has_work
