"""From pins in a commit to deployments in Octopus, receipts and a snapshot in git."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.gate import GateName
from reconciler.engine.apply import Done

if TYPE_CHECKING:
    from story import Story


async def test_rule_10_first_contact_with_work_is_held_until_accepted(world: Story) -> None:
    world.pin(api="1.1.0")

    report = await world.apply()

    assert GateName.ACCEPT in {gate.name for gate in report.planned.gates}
    assert not report.started
    assert world.runs("api") == "1.0.0"

    await world.accept()
    report = await world.apply()

    assert report.results["api"].done is Done.SUCCEEDED
    assert world.runs("api") == "1.1.0"


async def test_pins_end_as_deployments_receipts_and_a_snapshot(world: Story) -> None:
    await world.accept()
    world.pin(db="1.1.0", api="2.0.0", web="1.1.0")

    report = await world.apply()

    assert {n: r.done for n, r in report.results.items()} == dict.fromkeys(
        ("db", "api", "web"), Done.SUCCEEDED
    )
    assert report.recorded
    assert [world.runs(p) for p in ("db", "api", "web", "jobs")] == [
        "1.1.0", "2.0.0", "1.1.0", "1.0.0",
    ]  # fmt: skip
    assert len(world.receipts()) == 3
    assert 'api: {version: "2.0.0"' in world.audit("snapshots/test.yaml")
    assert len(world.audit_files("passes/test")) == 1
    assert not (await world.plan()).plan.has_work
