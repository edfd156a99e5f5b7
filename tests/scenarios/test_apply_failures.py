"""What happens to the rest when something does not work out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from between import at_octopus
from people import retried

from reconciler.core.gate import GateName
from reconciler.engine.apply import Done
from reconciler.engine.events import Ended, Said
from reconciler.errors import LeaseHeld, StalePlan, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from story import Story


def gates_of(report: object, component: str) -> set[GateName]:
    return {g.name for g in report.planned.gates if g.cell == component}  # type: ignore[attr-defined]


async def test_rule_18_a_failure_stops_its_dependants_and_the_rest(world: Story) -> None:
    await world.accept()
    world.octopus.fail_next("db", "1.1.0", "Test", message="no disk\x1b[2J")
    world.pin(db="1.1.0", api="1.1.0", web="1.1.0")

    report = await world.apply()

    assert report.results["db"].done is Done.FAILED
    assert report.results["api"].done is Done.NOT_STARTED
    assert report.results["web"].done is Done.NOT_STARTED
    assert report.results["api"].why == "waits for db, which failed: Failed"
    assert report.results["web"].why == "waits for api, and so for db, which failed: Failed"
    assert world.runs("api") == "1.0.0"
    assert len(world.receipts("db")) == 1
    (ended,) = (event for event in world.events if isinstance(event, Ended))
    (error,) = ended.lines
    assert error.endswith(": no disk\\x1b[2J")
    assert ended.link == f"{world.server.url}/app#/Spaces-1/tasks/{ended.task_id}"


async def test_rule_18_finish_started_ends_the_wave_and_begins_no_later_one(world: Story) -> None:
    world.edit(
        "policies/open.yaml",
        ("mode: apply", "mode: apply, onFailure: finish-started, limits: {parallel: 1}"),
    )
    await world.accept()
    world.octopus.fail_next("db", "1.1.0", "Test")
    world.edit("stacks/platform.yaml", ("jobs: {}", "jobs: {after: [mail]}"))
    world.pin(db="1.1.0", mail="1.1.0", jobs="1.1.0")

    report = await world.apply()

    assert report.results["db"].done is Done.FAILED
    assert report.results["mail"].done is Done.SUCCEEDED
    assert report.results["jobs"].done is Done.NOT_STARTED
    assert report.results["jobs"].why == "a change of its wave, or before, failed"
    again = (await world.apply()).planned.stopped
    assert [gate.message for gate in again] == [
        "db 1.1.0 ended Failed, and policy 'open' says onFailure: finish-started"
    ]


async def test_rule_18_continue_goes_on_with_what_does_not_depend_on_the_failure(
    world: Story,
) -> None:
    world.edit(
        "policies/open.yaml",
        ("mode: apply", "mode: apply, onFailure: continue, limits: {parallel: 1}"),
    )
    await world.accept()
    world.octopus.fail_next("db", "1.1.0", "Test")
    world.pin(db="1.1.0", api="1.1.0", mail="1.1.0", jobs="1.1.0")

    report = await world.apply()

    assert report.results["api"].why == "waits for db, which failed: Failed"
    assert report.results["jobs"].done is Done.SUCCEEDED
    assert report.results["mail"].done is Done.SUCCEEDED


async def test_rule_18_a_commit_does_not_loosen_the_stop_that_its_own_failure_calls_for(
    world: Story,
) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, limits: {parallel: 1}"))
    await world.accept()
    world.octopus.fail_next("db", "1.1.0", "Test")
    policy = (world.work / "policies/open.yaml").read_text()
    loose = policy.replace("mode: apply", "mode: apply, onFailure: continue")
    (world.work / "policies/open.yaml").write_text(loose)
    world.pin(db="1.1.0", jobs="1.1.0")

    first = await world.apply()
    again = await world.apply()

    assert first.results["jobs"].done is Done.NOT_STARTED
    assert {gate.name for gate in again.planned.stopped} == {GateName.NEEDS_RETRY}
    assert world.runs("jobs") == "1.0.0"


async def test_rule_12_a_failed_version_needs_a_person_or_a_raised_counter(world: Story) -> None:
    where = world.administer("GET", "environments/all")[0]  # it would ask a person instead
    world.administer("PUT", f"environments/{where['Id']}", {**where, "UseGuidedFailure": True})
    world.edit("policies/open.yaml", ("mode: apply", 'mode: apply, guidedFailure: "off"'))
    await world.accept()
    world.octopus.fail_next("api", "1.1.0", "Test")
    world.pin(api="1.1.0")
    await world.apply()

    again = await world.apply()
    assert gates_of(again, "api") == {GateName.NEEDS_RETRY}
    assert world.ours("api") == ["1.1.0"]

    world.octopus.fail_next("api", "1.1.0", "Test")
    await retried(world)
    repeated = await world.apply()
    assert repeated.results["api"].done is Done.FAILED
    assert world.ours("api") == ["1.1.0", "1.1.0"]

    world.pin(api='{version: "1.1.0", redeploy: 1}')
    raised = await world.apply()
    assert raised.results["api"].done is Done.SUCCEEDED
    assert world.ours("api") == ["1.1.0"] * 3
    assert len(world.receipts("api")) == 3

    asked = world.administer("GET", "deployments")["Items"][:3]  # newest first
    assert [each["ForcePackageRedeployment"] for each in asked] == [True, True, False]
    assert not any(each["UseGuidedFailure"] for each in asked)


async def test_rule_14_an_unknown_outcome_waits_in_the_journal_until_octopus_answers(
    world: Story,
) -> None:
    await world.accept()
    world.octopus.fault("lost_answer_after", method="POST", path="/deployments$")
    world.octopus.fault("status", method="GET", path="/deployments$", status=404, count=1)
    world.pin(api="1.1.0")

    report = await world.apply()
    assert report.results["api"].done is Done.UNKNOWN

    again = await world.apply()
    assert len(again.resumed) == 1
    assert world.ours("api") == ["1.1.0"]
    assert len(world.receipts("api")) == 1


async def test_rule_16_a_deployment_of_somebody_else_is_waited_for(world: Story) -> None:
    await world.accept()
    world.octopus.stick("api", "2.0.0", "Test")
    world.octopus.deploy("api", "2.0.0", "Test", by="alice")
    world.pin(api="1.1.0")

    report = await world.apply()

    assert GateName.IN_FLIGHT in gates_of(report, "api")
    assert world.ours("api") == []


async def test_rule_19_a_second_writer_is_refused_naming_the_holder(world: Story) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    async with world.doors("state") as doors:
        assert doors.audit is not None
        doors.audit.take_lease("test", may_take_over=None)

    with pytest.raises(LeaseHeld) as refused:
        await world.apply(store="elsewhere")

    assert "lease" in str(refused.value)
    assert world.ours("api") == []


async def test_rule_31_a_refused_key_ends_the_action_and_changes_nothing(world: Story) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    world.octopus.revoke("reconciler", "DeploymentCreate")

    report = await world.apply()

    assert gates_of(report, "api") == {GateName.PERMISSION}
    assert world.ours("api") == []


async def test_a_reviewed_plan_is_carried_out_or_nothing(world: Story) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    digest = (await world.plan()).plan.digest
    world.pin(jobs="1.1.0")

    with pytest.raises(StalePlan):
        await world.apply(expect=digest)
    assert world.ours("api") == []

    await world.apply(expect=(await world.plan()).plan.digest)
    assert world.ours("api") == ["1.1.0"]


async def test_a_deployment_that_an_interrupted_pass_left_behind_may_fail_too(
    world: Story,
) -> None:
    await world.accept()
    world.octopus.fail_next("api", "1.1.0", "Test")
    world.octopus.fault("lost_answer_after", method="POST", path="/deployments$")
    world.octopus.fault("status", method="GET", path="/deployments$", status=404, count=1)
    world.pin(api="1.1.0")
    await world.apply()

    report = await world.apply()

    assert [finished.outcome.value for finished in report.resumed] == ["Failed"]
    assert report.failed
    assert gates_of(report, "api") == {GateName.NEEDS_RETRY}


async def test_rule_18_a_stop_stands_until_a_person_or_another_commit(world: Story) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, limits: {parallel: 1}"))
    await world.accept()
    world.octopus.fail_next("db", "1.1.0", "Test")
    world.pin(db="1.1.0", jobs="1.1.0")
    await world.apply()

    again = await world.apply()
    assert GateName.NEEDS_RETRY in {gate.name for gate in again.planned.stopped}
    assert world.ours("jobs") == []

    world.push({"README.md": "of no concern\n"})
    await world.apply()
    assert world.ours("jobs") == []

    world.pin(mail="1.1.0")
    await world.apply()
    assert world.ours("jobs") == ["1.1.0"]
    assert world.ours("mail") == ["1.1.0"]
    assert world.ours("db") == ["1.1.0"]


async def test_octopus_that_does_not_answer_is_told_once_and_again_when_it_says_another_thing(
    world: Story,
) -> None:
    await world.accept()
    world.pin(db="1.1.0", api="1.1.0")
    answers = iter(["no answer"] * 3 + ["error 502"] * 2 + [""] + ["no answer"] * 2)

    async def tasks(real: Callable[..., Any], ids: list[str]) -> Any:
        why = next(answers, "")
        if why:
            raise Unreachable(why, hint="wait")
        return await real(ids)

    at_octopus(world, tasks=tasks)
    await world.apply()

    said = [event.text for event in world.events if isinstance(event, Said)]
    assert said == [
        "still watching: no answer",
        "still watching: error 502",
        "still watching: no answer",
    ]
    assert world.runs("api") == "1.1.0"
