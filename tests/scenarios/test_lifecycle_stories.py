"""A version goes to another space only after it succeeded in the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from story import FILES, SEED, git, story

from reconciler.core.gate import GateName
from reconciler.engine.apply import Done
from reconciler.engine.review import review

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

LIVE = """
  - name: Live
    environments: [Production]
    lifecycles: [{name: Straight, phases: [{name: Live, environments: [Production]}]}]
    projects:
      - {name: api, lifecycle: Straight, releases: ["1.0.0", "1.1.0", "2.0.0"],
         deployed: {Production: "1.0.0"}}
"""
MORE = {
    "spaces/live.yaml": FILES["spaces/shop.yaml"]
    .replace("name: shop", "name: live")
    .replace("space: Shop", "space: Live"),
    "environments/live.yaml": """
apiVersion: reconciler/v1
kind: Environment
metadata: {name: live}
spec:
  octopus: {space: live, environment: Production}
  stack: platform
  policy: open
  components: {api: "1.0.0"}
""",
    "lifecycles/wide.yaml": """
apiVersion: reconciler/v1
kind: Lifecycle
metadata: {name: wide}
spec:
  phases:
    - {name: Quality, environments: [{shop: Test}]}
    - {name: Customers, environments: [{live: Production}]}
""",
}


async def test_rule_11_a_version_crosses_spaces_only_after_success_in_the_phase_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    with story(tmp_path, SEED + LIVE, FILES | MORE) as world:
        for name in ("test", "live"):
            await world.accept(name)
        world.edit("environments/live.yaml", ('api: "1.0.0"', 'api: "1.1.0"'))

        (gate,) = (await world.plan("live")).gates
        assert (gate.cell, gate.name) == ("api", GateName.LIFECYCLE)
        assert gate.message == (
            "1.1.0 has succeeded in 0 of 1 environments that phase 'Quality' of lifecycle wide "
            "asks for"
        )
        assert gate.opener == "1.1.0 succeeds in test"

        base = git(world.work, "rev-parse", "HEAD~1")
        world.push({"lifecycles/wide.yaml": ""}, "No more phases")  # cannot loosen its own way
        async with world.doors() as doors:
            checked = await review(doors, base, doors.repository.fetch(), None)
        assert [gate.name for one in checked.environments for gate in one.gates] == [
            GateName.LIFECYCLE
        ]
        for _ in range(2):  # nor by waiting for another pass
            assert (await world.apply("live")).results["api"].done is Done.HELD

        for version in ("1.1.0", "2.0.0"):  # 1.1.0 is known by its receipt alone then
            world.pin(api=version)
            assert (await world.apply("test")).results["api"].done is Done.SUCCEEDED
        assert (await world.apply("live")).results["api"].done is Done.SUCCEEDED
        assert world.octopus.running("api", "Production", space="Live") == "1.1.0"
