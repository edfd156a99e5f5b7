"""A pin that asks for fresh variables has them: refreshed once, and deployed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from reaper import Killed, Reaper

from reconciler.core.plan import Kind, Reason
from reconciler.core.refresh import Stage
from reconciler.engine.apply import Done
from reconciler.simulator import Fault, FaultKind
from reconciler.simulator.people import Grant

if TYPE_CHECKING:
    from story import Story

FRESH = '{version: "1.0.0", refreshVariables: true}'
ASKED = r"/snapshot-variables$"


def sets(world: Story, project: str, value: str) -> None:
    """Let a person change a variable of a project."""
    path = f"variables/{world.administer('GET', f'projects/{project}')['VariableSetId']}"
    variable = {"Id": "u", "Name": "Url", "Value": value}
    world.administer("PUT", path, {**world.administer("GET", path), "Variables": [variable]})


def may_refresh(world: Story) -> None:
    """Let the service account edit releases."""
    inner = world.octopus.world
    inner.grant(inner.user_named("reconciler"), Grant("ReleaseEdit"))


def snapshot(world: Story, project: str) -> str:
    """Return what a project's release 1.0.0 has frozen."""
    release = world.administer("GET", f"projects/{project}/releases/1.0.0")
    return str(release["ProjectVariableSetSnapshotId"])


def refreshes(world: Story) -> list[int]:
    """Return the statuses of the answers to requests that snapshot variables anew."""
    return [r.status for r in world.octopus.requests if r.path.endswith("/snapshot-variables")]


async def begin(world: Story) -> None:
    may_refresh(world)
    await world.accept()
    world.pin(jobs=FRESH)
    await world.apply()
    sets(world, "jobs", "http://new")
    world.octopus.forget_requests()


async def test_changed_variables_are_frozen_anew_and_the_same_version_is_deployed(
    world: Story,
) -> None:
    await world.accept()
    world.pin(jobs=FRESH)
    assert not (await world.plan()).plan.has_work  # nothing changed yet
    old = snapshot(world, "jobs")
    sets(world, "jobs", "http://new")
    sets(world, "mail", "http://new")  # whose pin does not ask

    (action,) = (await world.plan()).plan.changes
    assert (action.cell, action.kind) == ("jobs", Kind.REDEPLOY)
    assert (action.reason, action.refresh) == (Reason.CONFIG_CHANGED, True)
    assert action.note == "variables changed since release 1.0.0 froze them"
    (gate,) = (await world.plan()).gates
    assert (
        gate.message == "the deploy credential lacks ReleaseEdit here, which fresh variables need"
    )
    may_refresh(world)
    world.octopus.forget_requests()

    report = await world.apply()

    assert report.results["jobs"].done is Done.SUCCEEDED
    assert (world.ours("jobs"), refreshes(world)) == (["1.0.0"], [200])
    new = snapshot(world, "jobs")
    assert new != old
    assert new in world.audit("snapshots/test.yaml")
    assert not (await world.plan()).plan.has_work


async def test_rule_14_a_refresh_whose_answer_was_lost_is_found_in_the_release(
    world: Story,
) -> None:
    await begin(world)
    world.octopus.add_fault(Fault(FaultKind.LOST_ANSWER_AFTER, "POST", ASKED))

    report = await world.apply()

    assert report.results["jobs"].done is Done.SUCCEEDED
    assert (world.ours("jobs"), len(refreshes(world))) == (["1.0.0"], 1)


@pytest.mark.proof
async def test_rule_14_a_refresh_lost_before_its_effect_is_asked_again_once_proved_absent(
    world: Story,
) -> None:
    await begin(world)
    world.octopus.add_fault(Fault(FaultKind.LOST_ANSWER_BEFORE, "POST", ASKED))
    before = world.clock.monotonic()

    report = await world.apply()

    assert report.results["jobs"].done is Done.SUCCEEDED
    assert len(world.ours("jobs")) == 1
    assert world.clock.monotonic() - before >= 10.0  # the settling time was waited


async def test_a_release_that_somebody_refreshed_is_deployed_without_another_refresh(
    world: Story,
) -> None:
    await begin(world)
    release = world.administer("GET", "projects/jobs/releases/1.0.0")["Id"]
    world.administer("POST", f"releases/{release}/snapshot-variables", {})
    world.octopus.forget_requests()

    (action,) = (await world.plan()).plan.changes
    assert action.note == "the variables of release 1.0.0 were refreshed since it was deployed here"
    report = await world.apply()

    assert report.results["jobs"].done is Done.SUCCEEDED
    assert (world.ours("jobs"), refreshes(world)) == (["1.0.0"], [])
    assert not (await world.plan()).plan.has_work


@pytest.mark.proof
async def test_a_refused_refresh_deploys_nothing_and_is_counted(world: Story) -> None:
    await begin(world)
    world.octopus.add_fault(Fault(FaultKind.STATUS, "POST", ASKED, status=400, count=None))

    report = await world.apply()

    assert report.results["jobs"].done is Done.REFUSED
    assert (world.ours("jobs"), refreshes(world)) == ([], [400])
    async with world.doors() as doors:
        (refusal,) = doors.journal.refusals("test").values()
        (refresh,) = doors.journal.refreshes("test")
    assert (refusal.times, refresh.stage) == (1, Stage.VOID)


@pytest.mark.proof
@pytest.mark.parametrize("change", ["an upgrade", "a raised counter"])
async def test_every_deployment_under_such_a_pin_is_with_fresh_variables(
    world: Story, change: str
) -> None:
    await begin(world)
    more = 'version: "1.1.0"' if change == "an upgrade" else 'version: "1.0.0", redeploy: 1'
    world.pin(jobs=f"{{{more}, refreshVariables: true}}")

    report = await world.apply()

    assert report.results["jobs"].done is Done.SUCCEEDED
    assert refreshes(world) == [200]
    assert not (await world.plan()).plan.has_work


@dataclass
class NamedReaper(Reaper):
    """Kills at the first call of this name."""

    call: str = ""

    def begin(self, name: str) -> int:
        if name == self.call and not self.at:
            self.at = self.calls + 1
        return super().begin(name)


@pytest.mark.proof
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "call", ["promise_refresh", "refresh_variables", "settle_refresh", "deploy"]
)
async def test_rule_12_a_pass_killed_around_a_refresh_refreshes_and_deploys_once(
    world: Story, call: str, after: bool
) -> None:
    await begin(world)
    world.wrap = NamedReaper(0, after, call=call).wrap

    with pytest.raises(Killed):
        await world.apply()
    world.wrap = lambda doors: doors
    await world.apply()

    assert world.ours("jobs") == ["1.0.0"]
    assert len(world.receipts("jobs")) == 1
    assert refreshes(world) == [200]
    assert snapshot(world, "jobs") in world.audit("snapshots/test.yaml")
