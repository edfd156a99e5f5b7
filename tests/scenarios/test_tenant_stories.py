"""An environment served tenant by tenant: rings ahead of others, who joins, what a crash leaves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from story import FILES, git, story

from reconciler.engine.apply import Done

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from story import Story

    from reconciler.engine.planning import Planned

SERVED = """
apiVersion: reconciler/v1
kind: Environment
metadata: {name: test}
spec:
  octopus: {space: shop, environment: Test, tenantTags: [Kind/Customer]}
  stack: platform
  policy: open
  components: {db: "1.1.0", api: "1.1.0", web: "1.1.0"}
  rings:
    pilot: {tenantTags: [Ring/Pilot], components: {api: "2.0.0"}}
    acme: {tenants: [Acme], components: {web: "1.0.0"}}
"""
CONNECTED = {"api": ["Test"], "web": ["Test"]}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A shop with a database for all, and two components for each of three customers."""
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    with story(tmp_path, files=FILES | {"environments/test.yaml": SERVED}) as told:
        octopus = told.octopus
        octopus.add_tag_set("Kind", ["Customer"])
        octopus.add_tag_set("Ring", ["Pilot"])
        octopus.add_tenant("Acme", connected=CONNECTED, tags=["Kind/Customer"])
        octopus.add_tenant("Beta", connected=CONNECTED, tags=["Kind/Customer", "Ring/Pilot"])
        octopus.add_tenant("Cold", connected={"web": ["Test"]}, tags=["Kind/Customer"])
        yield told


def runs(world: Story) -> dict[str, list[str]]:
    """What Octopus was asked to deploy, by component and tenant, oldest first."""
    space = next(iter(world.octopus.world.spaces.values()))
    names = {each.id: each.name for each in space.tenants.values()}
    return {
        f"{space.projects[project].name}@{names[tenant]}": [d.release.version for d in made]
        for (project, _, tenant), made in space.cells.items()
        if tenant is not None
    }


def told(planned: Planned) -> dict[str, str]:
    return {action.cell: action.reason.value for action in planned.plan.actions}


async def test_each_tenant_gets_its_rings_versions_and_who_is_not_connected_gets_nothing(
    world: Story,
) -> None:
    await world.accept()
    world.octopus.forget_requests()

    report = await world.apply()

    looks = [each.path.rpartition("/")[2] for each in world.octopus.requests]
    asked = [each.path for each in world.octopus.requests if each.path.endswith("/tenants/all")]
    assert len(asked) == looks.count("dynamic")
    assert {name: r.done for name, r in report.results.items()} == dict.fromkeys(
        ["db", "api@Acme", "api@Beta", "web@Acme", "web@Beta", "web@Cold"], Done.SUCCEEDED
    )
    assert runs(world) == {
        "api@Acme": ["1.1.0"],
        "api@Beta": ["2.0.0"],
        "web@Acme": ["1.0.0"],
        "web@Beta": ["1.1.0"],
        "web@Cold": ["1.1.0"],
    }
    waves = {action.cell: action.wave for action in report.planned.plan.changes}
    assert (waves["db"], waves["api@Beta"], waves["web@Beta"], waves["web@Cold"]) == (1, 2, 3, 2)

    world.push({"environments/test.yaml": SERVED.replace('{api: "2.0.0"}', '{api: "1.1.0"}')})
    lowered = await world.apply()

    assert told(lowered.planned)["api@Cold"] == "not-connected"
    assert runs(world)["api@Beta"] == ["2.0.0", "1.1.0"]
    assert len(world.receipts("api")) == 3  # two of Beta's chain, one of Acme's
    (change,) = json.loads(world.audit(world.audit_files("passes/test")[-1]))["spec"]["changes"]
    assert (change["component"], change["tenant"], change["to"]) == ("api", "Beta", "1.1.0")
    lines = [line.strip() for line in world.audit("snapshots/test.yaml").splitlines()]
    (beta,) = [line for line in lines if line.startswith('"api@Beta": {version: "1.1.0"')]
    assert "tenant: Tenants-" in beta
    assert not [line for line in lines if "api@Cold" in line]
    assert not (await world.plan()).plan.has_work


async def test_a_tenant_that_joins_without_a_commit_waits_for_a_word(world: Story) -> None:
    await world.accept()
    await world.apply()
    world.octopus.add_tenant("Dawn", connected=CONNECTED, tags=["Kind/Customer"])

    held = await world.apply()

    assert told(held.planned)["api@Dawn"] == "new-tenant"
    assert "api@Dawn" not in runs(world)
    await world.accept()
    await world.apply()
    assert runs(world)["api@Dawn"] == ["1.1.0"]


async def test_rule_12_a_store_that_is_lost_finds_the_deployments_of_each_tenant(
    world: Story,
) -> None:
    await world.accept()
    await world.apply()
    before, receipts = runs(world), world.receipts()
    git(world.remote, "update-ref", "refs/heads/audit", "audit~1")  # receipts of the pass are gone

    await world.accept(store="another")
    report = await world.apply(store="another")

    assert runs(world) == before
    assert not report.planned.plan.has_work
    assert world.receipts() == receipts


async def test_rule_15_a_tenant_that_is_renamed_in_the_middle_of_a_pass_is_planned_anew(
    world: Story,
) -> None:
    await world.accept()
    tenants = next(iter(world.octopus.world.spaces.values())).tenants.values()
    beta = next(each for each in tenants if each.name == "Beta")

    def rename() -> None:
        beta.name = "Gamma"

    world.octopus.later(10, rename)  # the database runs; nothing of Beta was begun

    report = await world.apply()

    made = runs(world)
    assert report.results["api@Gamma"].done is Done.SUCCEEDED
    assert (made["api@Gamma"], made["web@Gamma"]) == (["2.0.0"], ["1.1.0"])
    assert made["api@Acme"] == ["1.1.0"]
