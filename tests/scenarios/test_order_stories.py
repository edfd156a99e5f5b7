"""Who starts when: side by side as far as the order, others' tasks and the slots allow."""

from collections.abc import Callable
from dataclasses import replace

from story import Story

from reconciler.bootstrap import Spaces
from reconciler.core.gate import GateName
from reconciler.engine.apply import Done
from reconciler.engine.events import Ended, Event, Launched
from reconciler.settings import OctopusSettings, Settings

DOES = ("starts", "ends")


def listen(world: Story, hear: Callable[[Event], None]) -> None:
    """Let somebody else act on what a pass tells."""

    def tell(event: Event) -> None:
        world.events.append(event)
        hear(event)

    world.wrap = lambda doors: replace(doors, tell=tell)


def told(world: Story) -> list[str]:
    """Return what started and ended, in order."""
    lines = []
    for event in world.events:
        match event:
            case Launched(action=action):
                lines.append(f"{action.cell} starts")
            case Ended(cell=cell):
                lines.append(f"{cell} ends")
    return lines


async def test_rule_16_a_foreign_deployment_is_waited_for_while_others_go_on(world: Story) -> None:
    await world.accept()
    world.octopus.deploy("api", "1.0.0", "Test", by="alice")
    world.pin(api="1.1.0", web="1.1.0", jobs="1.1.0")

    report = await world.apply()

    assert told(world)[0] == "jobs starts"
    assert told(world)[-4:] == ["api starts", "api ends", "web starts", "web ends"]
    assert world.ours("api") == ["1.1.0"]
    assert {one.done for one in report.results.values()} == {Done.SUCCEEDED}
    assert report.planned.gates == ()


async def test_rule_16_one_that_begins_in_the_middle_is_not_raced(world: Story) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, limits: {parallel: 1}"))
    await world.accept()
    world.pin(jobs="1.1.0", mail="1.1.0", db="1.1.0")
    world.octopus.stick("jobs", "1.0.0", "Test")
    raced: list[str] = []

    def hear(event: Event) -> None:
        match event:
            case Launched() if not raced:
                raced.append(world.octopus.deploy("jobs", "1.0.0", "Test", by="alice"))
            case Ended(cell="mail"):
                world.octopus.finish("jobs", "Test")

    listen(world, hear)
    report = await world.apply()

    assert told(world) == [f"{name} {what}" for name in ("db", "mail", "jobs") for what in DOES]
    assert world.runs("jobs") == "1.1.0"
    assert not report.failed


async def test_rule_16_one_that_never_ends_is_given_up_in_time(world: Story) -> None:
    await world.accept()
    world.octopus.stick("api", "2.0.0", "Test")
    world.octopus.deploy("api", "2.0.0", "Test", by="alice")
    world.pin(api="1.1.0", jobs="1.1.0")
    world.wrap = lambda doors: replace(doors, pace=replace(doors.pace, patience=40.0))

    report = await world.apply()

    assert report.results["jobs"].done is Done.SUCCEEDED
    assert report.results["api"].done is Done.HELD
    assert [gate.name for gate in report.planned.gates] == [GateName.IN_FLIGHT]


async def test_a_commit_in_the_middle_is_begun_while_the_old_work_still_runs(world: Story) -> None:
    await world.accept()
    world.octopus.stick("jobs", "1.1.0", "Test")
    world.pin(db="1.1.0", jobs="1.1.0", api="1.1.0")

    def hear(event: Event) -> None:
        match event:
            case Launched(action=action) if action.cell == "db":
                world.pin(mail="1.1.0")
            case Launched(action=action) if action.cell == "mail":
                world.octopus.finish("jobs", "Test")

    listen(world, hear)
    report = await world.apply()

    assert told(world).index("mail starts") < told(world).index("jobs ends")
    assert not report.failed
    assert [world.runs(name) for name in ("db", "api", "jobs", "mail")] == ["1.1.0"] * 4
    assert [len(world.receipts(name)) for name in ("db", "api", "jobs", "mail")] == [1] * 4


async def test_slots_of_the_server_bound_what_starts_and_others_tasks_count(world: Story) -> None:
    world.octopus.world.engine.slots = 4
    await world.accept()
    world.octopus.stick("web", "1.0.0", "Test")
    world.octopus.deploy("web", "1.0.0", "Test", by="alice")
    world.octopus.advance(1)
    world.pin(db="1.1.0", jobs="1.1.0", mail="1.1.0")

    await world.apply()

    assert [line.split()[1] for line in told(world)] == ["starts"] * 2 + ["ends"] * 2 + [*DOES]


async def test_rule_20_an_apply_keeps_to_the_request_budget_and_ends(world: Story) -> None:
    settings = Settings(
        state_dir=world.folder / "state", octopus=OctopusSettings(requests_per_minute=60)
    )
    await world.accept()
    world.spaces = Spaces(settings, world.clock, world.events.append)
    world.pin(db="1.1.0", api="1.1.0", jobs="1.1.0", mail="1.1.0")
    world.octopus.forget_requests()
    began = world.clock.monotonic()

    report = await world.apply()
    await world.spaces.close()

    minutes = (world.clock.monotonic() - began) / 60
    assert not report.failed
    assert [world.runs(name) for name in ("db", "api", "jobs", "mail")] == ["1.1.0"] * 4
    assert len(world.octopus.requests) <= 30 * (minutes + 1)


async def test_rule_14_a_lost_answer_holds_up_only_what_waits_for_it(world: Story) -> None:
    await world.accept()
    world.octopus.fault("lost_answer_before", method="POST", path="/deployments$", count=1)
    world.pin(api="1.1.0", web="1.1.0", jobs="1.1.0", mail="1.1.0")

    report = await world.apply()

    lines = told(world)
    first = ("api", "jobs", "mail")
    lost = max(first, key=lambda name: lines.index(f"{name} starts"))
    assert not report.failed
    assert all(
        lines.index(f"{name} ends") < lines.index(f"{lost} starts")
        for name in first
        if name != lost
    )
    assert [world.ours(name) for name in (*first, "web")] == [["1.1.0"]] * 4
