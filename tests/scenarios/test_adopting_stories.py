"""What `init` writes down is what runs: a plan of it has nothing to do, with tenants or without."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from story import Story, git, story

from reconciler.cli import cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CUSTOMERS = """
apiVersion: reconciler/v1
kind: Environment
metadata: {name: customers}
spec:
  octopus: {space: shop, environment: Production, tenants: [Acme, Beta, Cold]}
  stack: platform
  policy: open
  components: {api: "1.1.0"}
  rings:
    pilot: {tenants: [Beta], components: {api: "2.0.0", web: "1.1.0"}}
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A shop that serves customers, one of which got nothing yet."""
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    with story(tmp_path) as told:
        connected = {"api": ["Production", "Test"], "web": ["Production"]}
        for name in ("Acme", "Beta"):
            told.octopus.add_tenant(name, connected=connected)
        told.octopus.add_tenant("Cold", connected={"web": ["Production"]})
        yield told


def written_down(world: Story, folder: Path) -> Story:
    """Write down the world of another story by command, and begin one of it in a new remote."""
    again = Story(folder, world.clock, world.octopus, world.server)
    again.folder.mkdir()
    git(folder, "init", "-q", "--bare", "-b", "main", str(again.remote))
    git(folder, "clone", "-q", str(again.remote), str(again.work))
    asked = ["init", "--server", world.server.url, "--space", "Shop", "--key", "OCTOPUS_STORY_KEY"]
    told = [CliRunner().invoke(cli, [*asked, "--out", str(again.work)]).output for _ in range(2)]
    assert "5 components, 2 environments" in told[0]
    assert told[1].endswith(": as the manifests say\n")
    again.push({}, "Adopt")
    return again


def test_a_plan_of_what_was_written_down_has_nothing_to_do(world: Story, tmp_path: Path) -> None:
    world.push({"environments/customers.yaml": CUSTOMERS})
    asyncio.run(world.accept("customers"))
    assert not asyncio.run(world.apply("customers")).failed
    world.octopus.fail_next("mail", "1.1.0", "Test")
    world.octopus.deploy("mail", "1.1.0", "Test")
    world.clock.turn(60)

    again = written_down(world, tmp_path / "again")
    planned = {name: asyncio.run(again.plan(name)).plan for name in ("test", "production")}

    assert {name: plan.has_work for name, plan in planned.items()} == dict.fromkeys(planned, False)
    pinned = {
        name: {a.cell: a.to_version for a in plan.actions if a.to_version is not None}
        for name, plan in planned.items()
    }
    assert pinned == {
        "test": {"db": "1.0.0", "api": "1.0.0", "web": "1.0.0", "jobs": "1.0.0"},
        "production": {"api@Acme": "1.1.0", "api@Beta": "2.0.0", "web@Beta": "1.1.0"},
    }
    for name in planned:
        assert not asyncio.run(again.accept(name)).planned.plan.has_work
