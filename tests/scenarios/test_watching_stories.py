"""What a pass tells whoever looks at it, while it runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.core.livetree import LiveTree, Stage
from reconciler.engine.events import Grown, Watched
from reconciler.engine.growth import grown

if TYPE_CHECKING:
    from story import Story

STACK = """
apiVersion: reconciler/v1
kind: Stack
metadata: {name: platform}
spec:
  runbooks: {before: [{runbook: Announce, project: jobs}]}
  components:
    db: {}
    api: {after: [db], runbooks: {before: [{runbook: Drain}], after: [{runbook: Join}]}}
    web: {after: [api]}
    jobs: {}
    mail: {}
"""


def looked_at(world: Story, branches: int) -> None:
    """Let a person look at the passes of a story."""
    world.wrap = lambda doors: replace(doors, pace=replace(doors.pace, branches=branches))


def details(world: Story) -> int:
    return sum(seen.path.endswith("/details") for seen in world.octopus.requests)


async def test_every_branch_grows_while_somebody_looks_and_the_end_of_a_failure_is_told(
    world: Story,
) -> None:
    await world.accept()
    world.octopus.fail_next("mail", "1.1.0", "Test", message="no disk\x1b[2J")
    world.pin(api="1.1.0", jobs="1.1.0", mail="1.1.0")
    looked_at(world, 2)

    await world.apply()

    looks = sum(isinstance(event, Watched) for event in world.events)
    assert looks > 3
    assert 3 < details(world) <= 2 * looks + 1  # and once more for the failure
    logs = [event for event in world.events if isinstance(event, Grown)]
    assert {event.cell for event in logs} == {"api", "jobs", "mail"}
    paths = {path for event in logs if event.cell == "api" for path, _ in event.log.branches()}
    assert any(path[-1:] == ("api-1",) for path in paths)
    tree = LiveTree()
    for event in world.events:
        tree = grown(tree, event, 0.0)
    assert {name: part.stage for name, part in tree.parts.items()} == {
        "api": Stage.SUCCEEDED,
        "jobs": Stage.SUCCEEDED,
        "mail": Stage.FAILED,
    }
    assert tree.parts["mail"].lines[-1].endswith("no disk\\x1b[2J")
    assert tree.is_over


async def test_where_nobody_looks_no_log_is_asked_for(world: Story) -> None:
    await world.accept()
    world.pin(api="1.1.0")

    await world.apply()

    assert details(world) == 0


async def test_runbooks_are_branches_of_the_changes_they_are_run_for(world: Story) -> None:
    for project, name in (("jobs", "Announce"), ("api", "Drain"), ("api", "Join")):
        world.octopus.add_runbook(project, name)
    world.octopus.grant("reconciler", "RunbookRunCreate")
    world.push({"stacks/platform.yaml": STACK}, "Run runbooks")
    await world.accept()
    world.pin(api="1.1.0")
    looked_at(world, 1)

    await world.apply()

    tree, seen = LiveTree(), list[tuple[str, str, Stage]]()
    for event in world.events:
        tree = grown(tree, event, 0.0)
        seen += [(part.cell, part.doing, part.stage) for part in tree.parts.values()]
    running = [(cell, doing) for cell, doing, stage in seen if stage is Stage.RUNNING]
    assert list(dict.fromkeys(running)) == [
        ("", "runbook jobs/Announce before"),
        ("api", "runbook Drain before"),
        ("api", ""),
        ("api", "runbook Join after"),
    ]
    assert {name: part.stage for name, part in tree.parts.items()} == {"api": Stage.SUCCEEDED}
    logs = {event.cell for event in world.events if isinstance(event, Grown)}
    assert logs == {"", "api"}
