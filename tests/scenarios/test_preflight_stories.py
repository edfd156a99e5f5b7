"""Preflight: what would stop a change is told before anything begins, in three requests a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from story import FILES, SEED, story

from reconciler.core.gate import GateName
from reconciler.engine.planning import plan_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from story import Story

    from reconciler.engine.planning import Planned

MORE = """
      - {name: stuck, lifecycle: Production first, releases: ["1.0.0"],
         deployed: {Production: "1.0.0"}}
      - {name: far, lifecycle: Production first, releases: ["1.0.0"]}
      - {name: bare, lifecycle: Anywhere, releases: ["1.0.0"], roles: [nobody]}
"""
LIFECYCLES = """
      - name: Production first
        phases:
          - {name: Production, environments: [Production]}
          - {name: Test, environments: [Test]}
    projects:
"""
NEW = "    stuck: {}\n    far: {}\n    bare: {}\n"
PINS = '    stuck: "1.0.0"\n    far: "1.0.0"\n    bare: "1.0.0"\n'


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """The shop, with a project behind a lifecycle and one whose role no machine has."""
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    seed = SEED.replace("\n    projects:\n", LIFECYCLES) + MORE.lstrip("\n")
    stack = FILES["stacks/platform.yaml"].replace("mail: {}", "mail: {channels: [Stable]}")
    more = {"stacks/platform.yaml": stack + NEW}
    with story(tmp_path, seed, FILES | more) as told:
        yield told


def closed(planned: Planned) -> dict[str, GateName]:
    return {gate.cell: gate.name for gate in planned.gates}


async def test_what_stops_a_change_is_told_before_anything_begins(world: Story) -> None:
    await world.accept()
    text = (world.work / "environments/test.yaml").read_text()
    world.push({"environments/test.yaml": text + PINS})
    world.pin(api="1.1.0", web="9.9.9", jobs="1.1.0", mail="1.1.0")
    world.block("stuck", "1.0.0")
    world.administer("DELETE", "packages/packages-Acme.Api.1.1.0")
    world.needs_machines("bare")

    async with world.doors() as doors:
        await plan_environment(doors, "test")
        world.octopus.forget_requests()
        planned = await plan_environment(doors, "test")
        asked = [request.path for request in world.octopus.requests]

    assert closed(planned) == {
        "api": GateName.PACKAGE_MISSING,
        "web": GateName.RELEASE_MISSING,
        "mail": GateName.CHANNEL,
        "stuck": GateName.RELEASE_BLOCKED,
        "far": GateName.LIFECYCLE,
        "bare": GateName.NO_MACHINES,
    }
    messages = {str(gate.cell): gate.message for gate in planned.gates}
    assert messages["stuck"] == "somebody blocked release 1.0.0 with a defect: leaks"
    assert messages["api"] == "the built-in feed does not have Acme.Api 1.1.0 any more"
    about = [
        path for path in asked if "/releases/" in path or path.endswith(("/releases", "/channels"))
    ]
    assert len(about) <= 3 * len(planned.plan.changes)
    assert len(about) >= 2 * len(planned.plan.changes)


@pytest.mark.proof
async def test_a_whole_set_waits_for_its_slowest_part_and_a_set_of_parts_does_not(
    world: Story,
) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, preflight: whole-set"))
    await world.accept()
    world.pin(api="1.1.0", jobs="9.9.9")

    report = await world.apply()
    assert world.ours("api") == []
    whole = [gate for gate in report.planned.gates if not gate.cell]
    assert [gate.name for gate in whole] == [GateName.RELEASE_MISSING]
    assert whole[0].message.startswith(
        "1 of 2 changes held, and policy 'open' says preflight: whole-set; jobs: there is no "
    )

    world.edit("policies/open.yaml", (", preflight: whole-set", ""))
    await world.apply()
    assert world.ours("api") == []  # it would loosen the rule it waits for
    await world.accept()
    await world.apply()
    assert world.ours("api") == ["1.1.0"]
