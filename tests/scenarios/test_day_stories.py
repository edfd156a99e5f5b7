"""An ordinary week: drift, people, other deployers, commits that arrive in the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from story import git

from reconciler.core.gate import GateName
from reconciler.core.plan import Kind, Reason
from reconciler.engine.apply import Done
from reconciler.engine.events import Launched

if TYPE_CHECKING:
    from story import Story

    from reconciler.core.plan import Action
    from reconciler.engine.planning import Planned
    from reconciler.engine.run import PassReport


def action(report: PassReport | Planned, component: str) -> Action:
    plan = getattr(report, "planned", report).plan
    return next(a for a in plan.actions if a.cell == component)


async def test_a_pass_without_news_takes_no_lease_and_commits_nothing(world: Story) -> None:
    await world.accept()
    await world.apply()
    commits = world.audit_commits()
    lease = git(world.remote, "rev-parse", "refs/reconciler/lease/test")
    world.octopus.forget_requests()

    for _ in range(3):
        report = await world.apply()
        assert not report.planned.plan.has_work

    assert world.audit_commits() == commits
    assert git(world.remote, "rev-parse", "refs/reconciler/lease/test") == lease
    assert {r.method for r in world.octopus.requests} == {"GET"}


async def test_what_a_person_deployed_by_hand_is_held_and_named(world: Story) -> None:
    await world.accept()
    await world.apply()
    world.octopus.deploy("api", "1.1.0", "Test", by="alice", comments="hot fix for CHG-7")
    world.octopus.advance(60)

    report = await world.apply()

    held = action(report, "api")
    assert (held.kind, held.reason) == (Kind.IGNORE, Reason.HELD_BY_HAND)
    assert "by alice" in held.note
    assert "CHG-7" in held.note
    assert world.runs("api") == "1.1.0"


async def test_rule_9_a_new_commit_may_lower_what_a_person_raised(world: Story) -> None:
    await world.accept()
    await world.apply()
    world.octopus.deploy("api", "2.0.0", "Test", by="alice")
    world.octopus.advance(60)
    world.pin(api="1.1.0")

    report = await world.apply()

    assert action(report, "api").kind is Kind.DOWNGRADE
    assert world.runs("api") == "1.1.0"


async def test_an_up_only_component_is_never_lowered(world: Story) -> None:
    world.pin(db="1.1.0")
    await world.accept()
    await world.apply()
    world.pin(db="1.0.0")

    report = await world.apply()

    assert action(report, "db").reason is Reason.UP_ONLY
    assert world.runs("db") == "1.1.0"


async def test_rule_15_a_commit_in_the_middle_drops_the_rest_and_plans_anew(world: Story) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, limits: {parallel: 1}"))
    await world.accept()
    world.pin(db="1.1.0", api="1.1.0", web="1.1.0")
    changed: list[str] = []

    def on_launch(event: object) -> None:
        world.events.append(event)  # type: ignore[arg-type]
        if isinstance(event, Launched) and not changed:
            changed.append(world.pin(api="2.0.0"))

    from dataclasses import replace

    world.wrap = lambda doors: replace(doors, tell=on_launch)
    report = await world.apply()

    assert report.results["api"].done is Done.SUCCEEDED
    assert world.ours("api") == ["2.0.0"]
    assert world.ours("db") == ["1.1.0"]
    assert world.runs("web") == "1.1.0"


async def test_rule_15_a_hand_deployment_in_the_middle_is_not_overrun(world: Story) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, limits: {parallel: 1}"))
    await world.accept()
    world.pin(db="1.1.0", api="1.1.0")
    raced: list[str] = []

    def on_launch(event: object) -> None:
        if isinstance(event, Launched) and not raced:
            world.octopus.stick("api", "2.0.0", "Test")
            raced.append(world.octopus.deploy("api", "2.0.0", "Test", by="alice"))

    from dataclasses import replace

    world.wrap = lambda doors: replace(doors, tell=on_launch)
    report = await world.apply()

    assert world.ours("api") == []
    assert GateName.IN_FLIGHT in {g.name for g in report.planned.gates if g.cell == "api"}


async def test_rule_17_a_task_being_cancelled_still_counts_as_running(world: Story) -> None:
    await world.accept()
    world.octopus.stick("api", "1.1.0", "Test", state="Cancelling")
    deployment = world.octopus.deploy("api", "1.1.0", "Test", by="alice")
    world.octopus.advance(1)
    world.octopus.cancel(deployment)
    world.pin(api="2.0.0")

    report = await world.apply()

    assert GateName.IN_FLIGHT in {g.name for g in report.planned.gates if g.cell == "api"}
    assert world.ours("api") == []


async def test_a_deployment_scheduled_by_a_person_is_shown_and_waited_for(world: Story) -> None:
    from datetime import timedelta

    await world.accept()
    later = world.clock.now() + timedelta(hours=8)
    world.octopus.deploy("api", "2.0.0", "Test", by="alice", at=later)
    world.pin(api="1.1.0")

    report = await world.apply()

    gates = {g.name for g in report.planned.gates if g.cell == "api"}
    assert gates == {GateName.SCHEDULED_ELSEWHERE}
    assert world.ours("api") == []


async def test_rule_3_what_the_key_may_not_see_is_unobserved_not_undeployed(world: Story) -> None:
    await world.accept()
    world.pin(db="1.1.0", api="1.1.0", jobs="1.1.0")
    world.octopus.restrict("reconciler", "TaskView", projects=["api", "web", "jobs", "mail"])

    report = await world.apply()

    assert action(report, "db").reason is Reason.UNOBSERVED
    assert action(report, "api").reason is Reason.UNOBSERVED
    assert report.results["jobs"].done is Done.SUCCEEDED


async def test_rule_5_a_pin_that_disappears_touches_nothing(world: Story) -> None:
    await world.accept()
    await world.apply()
    world.edit("environments/test.yaml", ('    mail: "1.0.0"\n', ""))

    report = await world.apply()

    assert action(report, "mail").reason is Reason.UNMANAGED
    assert world.runs("mail") == "1.0.0"


async def test_a_redeploy_counter_redeploys_once(world: Story) -> None:
    await world.accept()
    await world.apply()
    world.pin(api='{version: "1.0.0", redeploy: 1}')

    report = await world.apply()
    assert action(report, "api").kind is Kind.REDEPLOY
    assert report.results["api"].done is Done.SUCCEEDED

    assert not (await world.apply()).planned.plan.has_work
    assert world.ours("api") == ["1.0.0"]
    assert world.administer("GET", "deployments")["Items"][0]["ForcePackageRedeployment"]


async def test_a_release_that_does_not_exist_holds_it_and_its_dependants(world: Story) -> None:
    await world.accept()
    world.pin(db="9.9.9", api="1.1.0", jobs="1.1.0")

    report = await world.apply()

    gates = {g.cell: g.name for g in report.planned.gates}
    assert gates == {"db": GateName.RELEASE_MISSING, "api": GateName.DEPENDENCY}
    assert report.results["jobs"].done is Done.SUCCEEDED


async def test_a_service_key_that_administers_the_system_is_refused(
    world: Story, monkeypatch: object
) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-ADMINISTRATOR")  # type: ignore[attr-defined]

    report = await world.apply()

    assert GateName.PERMISSION in {g.name for g in report.planned.stopped}
    assert world.ours("api") == []
