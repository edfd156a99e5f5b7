"""Runbooks around deployments: in their order, once for each deployment, and never skipped."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from people import retried
from reaper import Killed, Reaper
from story import story

from reconciler.core.gate import GateName
from reconciler.core.pause import Pause, Scope
from reconciler.engine.apply import Done
from reconciler.engine.events import RunEnded, RunStarted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from story import Story

    from reconciler.engine.run import PassReport

STACK = """
apiVersion: reconciler/v1
kind: Stack
metadata: {name: platform}
spec:
  runbooks:
    before: [{runbook: Announce, project: jobs}]
    after: [{runbook: Tell the end, project: jobs}]
  components:
    db: {direction: up-only}
    api:
      after: [db]
      runbooks:
        before: [{runbook: Drain}]
        after: [{runbook: Join}, {runbook: Smoke test}]
      soak: 5m
    web: {after: [api]}
    jobs: {}
    mail: {}
"""

BOOKS = (
    ("jobs", "Announce"),
    ("api", "Drain"),
    ("api", "Join"),
    ("api", "Smoke test"),
    ("jobs", "Tell the end"),
)


def with_runbooks(world: Story) -> Story:
    """Let the stack of a shop have runbooks around everything, and around `api`."""
    for project, name in BOOKS:
        world.octopus.add_runbook(project, name)
    world.octopus.grant("reconciler", "RunbookRunCreate")
    world.push({"stacks/platform.yaml": STACK}, "Run runbooks")
    return world


@pytest.fixture
def around(world: Story) -> Story:
    return with_runbooks(world)


@asynccontextmanager
async def killed_at(world: Story, point: int) -> AsyncIterator[None]:
    """Apply and die just after one call through a door, then let the process live again."""
    reaper = Reaper(point, after=True)
    world.wrap = reaper.wrap
    with suppress(Killed):
        await world.apply()
    world.wrap = lambda doors: doors
    yield


async def calls_of(world: Story) -> list[str]:
    """Apply whole; return the names of the calls through doors, in order."""
    reaper = Reaper(at=0, after=False)
    world.wrap = reaper.wrap
    await world.apply()
    return reaper.names


async def begin(world: Story) -> None:
    await world.accept()
    world.pin(db="1.1.0", api="1.1.0", web="1.1.0")


async def numbers_of(world: Story) -> dict[str, list[int]]:
    """Return the numbers of the calls of a whole pass by name, of a world like this one."""
    folder = world.folder / "whole"
    folder.mkdir()
    with story(folder) as other:
        await begin(with_runbooks(other))
        names = await calls_of(other)
    return {name: [i for i, one in enumerate(names, 1) if one == name] for name in set(names)}


def ran(world: Story) -> list[str]:
    """Return the runbooks that were run, and the deployments of ours, in the order of time."""
    found = [
        (run["Created"], int(run["Id"].partition("-")[2]), run["Name"].split(" on ")[0][4:])
        for run in world.administer("GET", "runbookRuns?take=100")["Items"]
    ]
    for project in ("db", "api", "web", "jobs"):
        seen = world.octopus.deployments(project, "Test")
        found += [
            (f"{d.created:%Y-%m-%dT%H:%M:%S.000+00:00}", 0, f"{project} {d.version}")
            for d in seen
            if "[reconciler intent=" in (d.comments or "")
        ]
    return [what for _, _, what in sorted(found)]


def runs_of(world: Story, project: str, name: str) -> list[str]:
    return [run.state for run in world.octopus.runs(project, name)]


def last_pass(world: Story) -> dict[str, object]:
    spec: dict[str, object] = json.loads(world.audit(world.audit_files("passes")[-1]))["spec"]
    return spec


def gates(report: PassReport) -> set[tuple[str, GateName]]:
    return {(gate.cell, gate.name) for gate in report.planned.gates}


WHOLE_COURSE = [
    "Announce",
    "db 1.1.0",
    "Drain",
    "api 1.1.0",
    "Join",
    "Smoke test",
    "web 1.1.0",
    "Tell the end",
]


async def test_runbooks_are_run_around_everything_and_around_a_component_in_order(
    around: Story,
) -> None:
    await around.accept()
    around.pin(db="1.1.0", api="1.1.0", web="1.1.0")
    begun = around.clock.monotonic()

    report = await around.apply()

    assert {name: result.done for name, result in report.results.items()} == {
        "db": Done.SUCCEEDED,
        "api": Done.SUCCEEDED,
        "web": Done.SUCCEEDED,
    }
    assert ran(around) == WHOLE_COURSE
    assert around.clock.monotonic() - begun > 300  # web waited until api had soaked
    told = [(e.cell, e.runbook) for e in around.events if isinstance(e, RunStarted)]
    assert told == [(e.cell, e.runbook) for e in around.events if isinstance(e, RunEnded)]
    assert len(told) == len(BOOKS)
    kept = last_pass(around)["runbooks"]
    assert isinstance(kept, list)
    assert kept[1] == {
        "component": "api",
        "moment": "before",
        "runbook": "Drain",
        "outcome": "Success",
        "task": kept[1]["task"],
    }
    assert not (await around.apply()).planned.plan.has_work
    assert ran(around) == WHOLE_COURSE


async def test_rule_18_a_failed_runbook_before_it_keeps_a_deployment_from_being_asked_for(
    around: Story,
) -> None:
    await around.accept()
    around.octopus.fail_next_run("api", "Drain", "Test")
    around.pin(api="1.1.0", web="1.1.0")

    report = await around.apply()
    again = await around.apply()

    assert report.failed
    assert report.results["api"].done is Done.FAILED
    assert report.results["web"].done is Done.NOT_STARTED
    assert ("api", GateName.NEEDS_RETRY) in gates(again)
    assert runs_of(around, "api", "Drain") == ["Failed"]
    assert around.ours("api") == []

    await retried(around)
    third = await around.apply()
    assert third.results["web"].done is Done.SUCCEEDED
    assert runs_of(around, "api", "Drain") == ["Failed", "Success"]
    assert around.ours("api") == ["1.1.0"]


async def test_rule_18_a_failed_runbook_after_it_counts_as_a_failure_for_its_dependants(
    around: Story,
) -> None:
    await around.accept()
    around.octopus.fail_next_run("api", "Smoke test", "Test")
    around.pin(api="1.1.0", web="1.1.0")

    report = await around.apply()
    again = await around.apply()

    assert report.results["api"].done is Done.FAILED
    assert "Smoke test" in report.results["api"].why
    assert report.results["web"].done is Done.NOT_STARTED
    assert ("web", GateName.DEPENDENCY) in gates(again)
    assert ("api", GateName.NEEDS_RETRY) in gates(again)
    assert around.runs("api") == "1.1.0"  # nothing is rolled back
    assert around.ours("web") == []

    await retried(around)
    await around.apply()
    assert runs_of(around, "api", "Join") == ["Success"]
    assert runs_of(around, "api", "Smoke test") == ["Failed", "Success"]
    assert around.ours("api") == ["1.1.0"]
    assert around.ours("web") == ["1.1.0"]


async def test_what_alone_is_owed_is_run_once_a_person_says_so(around: Story) -> None:
    await around.accept()
    around.octopus.fail_next_run("api", "Join", "Test")
    around.pin(api="1.1.0")
    failed = await around.apply()
    assert failed.results["api"].done is Done.FAILED
    assert runs_of(around, "api", "Smoke test") == []

    await retried(around)
    report = await around.apply()

    assert not report.planned.plan.has_work  # nothing else asks for a pass
    assert runs_of(around, "api", "Join") == ["Failed", "Success"]
    assert runs_of(around, "api", "Smoke test") == ["Success"]


async def test_a_deployment_to_a_tenant_takes_nothing_from_what_another_cell_owes(
    around: Story,
) -> None:
    await around.accept()
    acme = around.octopus.add_tenant("Acme", connected={"api": ["Test"]})
    around.pin(api="1.1.0")
    asleep = around.clock.sleep

    async def sleeping(seconds: float) -> None:
        await asleep(seconds)
        if around.ours("api"):
            around.clock.sleep = asleep  # type: ignore[method-assign]
            mine = around.administer("GET", "deployments?take=1")["Items"][0]
            body = {"ReleaseId": mine["ReleaseId"], "EnvironmentId": mine["EnvironmentId"]}
            around.administer("POST", "deployments", {**body, "TenantId": acme})

    around.clock.sleep = sleeping  # type: ignore[method-assign]
    report = await around.apply()

    assert report.results["api"].done is Done.SUCCEEDED
    assert runs_of(around, "api", "Smoke test") == ["Success"]


async def test_a_suspended_environment_is_not_told_that_changes_before_it_ended(
    around: Story,
) -> None:
    await around.accept()
    around.octopus.fail_next_run("jobs", "Tell the end", "Test")
    around.pin(api="1.1.0")
    await around.apply()
    await retried(around)
    around.edit(
        "environments/test.yaml",
        ("  policy: open\n", "  policy: open\n  suspend: {reason: CHG-9}\n"),
    )

    await around.apply()
    assert runs_of(around, "jobs", "Tell the end") == ["Failed"]

    around.edit("environments/test.yaml", ("  suspend: {reason: CHG-9}\n", ""))
    await around.apply()
    assert runs_of(around, "jobs", "Tell the end") == ["Failed", "Success"]


async def test_rule_16_a_run_waits_for_each_of_its_runbook_not_for_the_newest_alone(
    around: Story,
) -> None:
    await around.accept()
    around.octopus.run_runbook("jobs", "Announce", "Test")
    newest = around.octopus.run_runbook("jobs", "Announce", "Test")
    task = around.administer("GET", f"runbookRuns/{newest}")["TaskId"]
    around.administer("POST", f"tasks/{task}/cancel", {})
    around.clock.turn(2.0)
    around.pin(api="1.1.0")

    await around.apply()

    runs = around.administer("GET", "runbookRuns?take=100")["Items"]
    tasks = [
        around.administer("GET", f"tasks/{run['TaskId']}")
        for run in sorted(runs, key=lambda run: int(run["Id"].partition("-")[2]))
        if run["Name"].startswith("Run Announce")
    ]
    assert [task["State"] for task in tasks] == ["Success", "Canceled", "Success"]
    assert tasks[0]["CompletedTime"] <= tasks[2]["QueueTime"]


@pytest.mark.proof
async def test_a_pin_taken_back_owes_nothing_of_what_it_replaces(around: Story) -> None:
    await around.accept()
    around.octopus.fail_next_run("api", "Smoke test", "Test")
    around.pin(api="1.1.0")
    await around.apply()
    around.pin(api="1.0.0")

    report = await around.apply()

    assert report.results["api"].done is Done.SUCCEEDED
    assert around.runs("api") == "1.0.0"
    assert runs_of(around, "api", "Smoke test") == ["Failed", "Success"]


@pytest.mark.proof
async def test_a_runbook_that_is_not_published_holds_what_it_stands_before(around: Story) -> None:
    await around.accept()
    around.octopus.add_runbook("api", "Not ready", publish=False)
    around.edit("stacks/platform.yaml", ("{runbook: Drain}", "{runbook: Not ready}"))
    around.pin(api="1.1.0")

    report = await around.apply()

    assert ("api", GateName.RUNBOOK) in gates(report)
    assert around.ours("api") == []
    assert runs_of(around, "jobs", "Announce") == []


@pytest.mark.proof
async def test_rule_12_a_run_whose_answer_was_never_seen_is_not_asked_for_again(
    around: Story,
) -> None:
    await around.accept()
    around.octopus.fault("lost_answer_after", method="POST", path="/runbookRuns$", count=1)
    around.octopus.fault("lost_answer_before", method="POST", path="/runbookRuns$", count=1)
    around.pin(db="1.1.0", api="1.1.0", web="1.1.0")

    report = await around.apply()

    assert not report.failed
    assert ran(around) == WHOLE_COURSE


@pytest.mark.proof
@pytest.mark.timeout(900)
async def test_rule_12_runs_are_asked_for_once_wherever_a_pass_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    folder = tmp_path / "whole"
    folder.mkdir()
    with story(folder) as world:
        await begin(with_runbooks(world))
        names = await calls_of(world)
    requests = [i for i, name in enumerate(names, 1) if name == "run"]
    ends = [i for i, name in enumerate(names, 1) if name == "finished"]
    points = sorted({i + step for i in requests for step in (-2, -1, 0, 1)} | set(ends))
    for point in points:
        folder = tmp_path / str(point)
        folder.mkdir()
        with story(folder) as world:
            await begin(with_runbooks(world))
            async with killed_at(world, point):
                await world.apply()
            assert ran(world) == WHOLE_COURSE, f"died after call {point}, {names[point - 1]}"
            assert len(world.receipts()) == 3
    assert len(requests) == len(BOOKS)
    assert len(points) > 20


async def test_machines_that_a_runbook_names_are_where_a_deployment_goes(around: Story) -> None:
    around.octopus.add_runbook("api", "Make")
    around.octopus.grant("reconciler", "MachineView")
    first = around.administer("GET", "machines")["Items"][0]
    made = {**first, "Name": "api-2", "Thumbprint": "", "Endpoint": {"CommunicationStyle": "None"}}
    second = around.administer("POST", "machines", {k: v for k, v in made.items() if k != "Id"})
    named = "[{runbook: Make, machines: New}]"
    around.edit("stacks/platform.yaml", ("[{runbook: Drain}]", named))
    await around.accept()
    around.octopus.print_in_next_run("api", "Make", "Test", "made none")
    around.pin(api="1.1.0")

    report = await around.apply()
    assert "no line begins with `New =`" in report.results["api"].why
    assert ("api", GateName.NEEDS_RETRY) in gates(await around.apply())

    around.octopus.print_in_next_run("api", "Make", "Test", "New = API-2")
    await retried(around)
    report = await around.apply()
    assert report.results["api"].done is Done.SUCCEEDED
    (deployed,) = [d for d in around.octopus.deployments("api", "Test") if d.version == "1.1.0"]
    asked = around.administer("GET", f"deployments/{deployed.id}")
    assert asked["SpecificMachineIds"] == [second["Id"]]
    assert not (await around.apply()).planned.plan.has_work  # it went where it was meant to go


@pytest.mark.proof
async def test_rule_21_a_pause_leaves_what_is_owed_to_a_later_pass(around: Story) -> None:
    await around.accept()
    around.pin(api="1.1.0", web="1.1.0")
    scope, asleep = Scope.parse("test", "api"), around.clock.sleep

    async def sleeping(seconds: float) -> None:
        await asleep(seconds)
        if around.ours("api"):
            around.clock.sleep = asleep  # type: ignore[method-assign]
            async with around.doors() as doors:
                doors.journal.pause(Pause(scope, "ann@desk", around.clock.now(), "CHG-7"))

    around.clock.sleep = sleeping  # type: ignore[method-assign]
    report = await around.apply()

    assert report.results["api"].done is Done.HELD
    assert around.runs("api") == "1.1.0"  # what ran was watched to its end
    assert (runs_of(around, "api", "Join"), around.ours("web")) == ([], [])
    assert ("api", GateName.PAUSED) in gates(await around.apply())
    async with around.doors() as doors:
        doors.journal.unpause(scope, "ann@desk")
    await around.apply()
    assert ran(around) == [one for one in WHOLE_COURSE if one != "db 1.1.0"]


@pytest.mark.proof
async def test_a_soak_goes_on_for_a_change_that_comes_later(around: Story) -> None:
    await around.accept()
    around.pin(api="1.1.0")
    await around.apply()
    ended = around.clock.monotonic()
    around.clock.turn(60.0)
    around.pin(web="1.1.0")

    await around.apply()

    assert around.ours("web") == ["1.1.0"]
    waited = around.clock.monotonic() - ended
    assert 300 < waited < 450  # what was left of five minutes, and no five more


@pytest.mark.proof
async def test_rule_12_a_run_that_a_lost_store_knew_is_found_by_its_comments(around: Story) -> None:
    await begin(around)
    before = await numbers_of(around)
    async with killed_at(around, before["run"][1]):
        around.clock.turn(600.0)  # the lease of the store that is lost ends
        await around.accept(store="another")
        await around.apply(store="another")

    assert runs_of(around, "api", "Drain") == ["Success"]
    assert around.ours("api") == ["1.1.0"]
    assert around.runs("web") == "1.1.0"


@pytest.mark.proof
async def test_rule_12_one_runbook_for_several_components_is_one_intent_at_a_time(
    world: Story,
) -> None:
    world.octopus.add_runbook("mail", "Drain")
    world.octopus.grant("reconciler", "RunbookRunCreate")
    shared = "{runbooks: {before: [{runbook: Drain, project: mail}]}}"
    text = (world.work / "stacks/platform.yaml").read_text()
    text = text.replace("jobs: {}", f"jobs: {shared}").replace("mail: {}", f"mail: {shared}")
    world.push({"stacks/platform.yaml": text}, "Share a runbook")
    await world.accept()
    world.pin(jobs="1.1.0", mail="1.1.0")

    report = await world.apply()

    assert {result.done for result in report.results.values()} == {Done.SUCCEEDED}
    assert runs_of(world, "mail", "Drain") == ["Success", "Success"]
