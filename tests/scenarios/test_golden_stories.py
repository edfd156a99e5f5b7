"""The plans of the great stories, as people and programs read them: one world, told once.

Golden files of `tests/golden/stories`, written anew with `--update-golden` and reviewed. Clocks are
turned; commits, which hold the address of a simulated server, are numbered in the order of pushes.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from story import FILES, git, story

sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
from cli_golden import Golden

from reconciler.cli.render.plan import Page, show_plan
from reconciler.engine.deeds import estimate_of
from reconciler.engine.planning import plan_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from story import Story

FOLDER = Path(__file__).parents[1] / "golden" / "stories"
ENDINGS = {"table": "txt", "json": "json", "yaml": "yaml", "markdown": "md"}
OLD = {"db": "1.0.0", "accounts": "1.4.0", "orders": "1.9.0", "payments": "1.2.0", "web": "1.7.0"}
QA = {"db": "2.0.0", "accounts": "2.1.0", "orders": "2.0.0", "payments": "2.0.0", "web": "2.3.0"}
LATER = {"orders": ("2.1.0",), "payments": ("2.0.1",), "web": ("2.3.1",)}
REGIONS = {"eu": "Production EU", "us": "Production US"}

SEED = """
server: {slots: 20}
users: [{username: alice, displayName: Alice Adams, email: alice@example.com}]
spaces:
  - name: Shop
    default: true
    environments: [QA, Production EU, Production US]
    lifecycles:
      - name: Anywhere
        phases: [{name: All, environments: [QA, Production EU, Production US], optional: true}]
    projects:
""" + "".join(
    f"      - {{name: {name}, lifecycle: Anywhere,"
    f" releases: {[OLD[name], QA[name], *LATER.get(name, ())]},"
    f' deployed: {{QA: "{QA[name]}", Production EU: "{OLD[name]}",'
    f' Production US: "{OLD[name]}"}}}}\n'
    for name in OLD
)
STACK = """
apiVersion: reconciler/v1
kind: Stack
metadata: {name: platform}
spec:
  components:
    db: {direction: up-only}
    accounts: {after: [db]}
    orders: {after: [db]}
    payments: {after: [orders]}
    web: {after: [accounts, payments]}
"""

NIGHTS = """
apiVersion: reconciler/v1
kind: Policy
metadata: {name: open}
spec:
  mode: apply
  windows: {zone: Europe/London, allow: [{days: [fri, sat], from: "22:00", to: "02:00"}]}
"""


def manifest(name: str, octopus: str, pins: Mapping[str, str]) -> dict[str, str]:
    head = FILES["environments/test.yaml"].split("  components:")[0]
    head = head.replace("name: test", f"name: {name}").replace("environment: Test", octopus)
    listed = "".join(f'    {component}: "{version}"\n' for component, version in pins.items())
    return {f"environments/{name}.yaml": f"{head}  components:\n{listed}"}


def region(name: str, **pins: str) -> dict[str, str]:
    return manifest(f"production-{name}", f"environment: {REGIONS[name]}", {**OLD, **pins})


BEGIN = {
    "spaces/shop.yaml": FILES["spaces/shop.yaml"],
    "policies/open.yaml": FILES["policies/open.yaml"],
    "stacks/platform.yaml": STACK,
    **manifest("qa", "environment: QA", QA),
    **region("eu"),
    **region("us"),
}


class Teller:
    """Tells the stories of one world in order, and keeps the plans that are looked at."""

    def __init__(self, world: Story) -> None:
        self.world = world
        self.commits = [git(world.work, "rev-parse", "HEAD")]
        self.pages: dict[tuple[str, str], str] = {}

    def push(self, message: str, *files: dict[str, str]) -> None:
        together = {path: text for some in files for path, text in some.items()}
        self.commits.append(self.world.push(together, message))

    async def look(self, name: str, environment: str) -> None:
        """Plan an environment and keep the plan in every form under this name."""
        async with self.world.doors() as doors:
            planned = await plan_environment(doors, environment)
            estimate = estimate_of(doors, planned)
        page = Page(planned.plan, planned.gates, planned.others, estimate)
        for output in ENDINGS:
            with redirect_stdout(StringIO()) as written:
                show_plan(page, output)
            self.pages[name, output] = self._numbered(written.getvalue())

    def _numbered(self, text: str) -> str:
        for number, commit in enumerate(self.commits, 1):
            stable = f"{number:02}" + "c" * 38
            text = text.replace(commit, stable).replace(commit[:12], stable[:12])
        return text


async def tell(world: Story) -> dict[tuple[str, str], str]:
    told = Teller(world)
    for name in ("production-eu", "production-us"):
        await world.accept(name)

    told.push("Promote what QA signed off", region("eu", **QA), region("us", **QA))
    await told.look("plan-promoted-eu", "production-eu")
    await told.look("plan-promoted-us", "production-us")
    for name in ("production-eu", "production-us"):
        await world.apply(name)

    told.push("Hot-fix payments", region("eu", **QA | {"payments": "2.0.1"}))
    await told.look("plan-hot-fix", "production-eu")
    await world.apply("production-eu")

    told.push("Orders 2.1.0", region("eu", **QA | {"payments": "2.0.1", "orders": "2.1.0"}))
    world.octopus.fail_next("orders", "2.1.0", "Production EU", message="no disk space")
    await world.apply("production-eu")
    told.push("Back to orders 2.0.0", region("eu", **QA | {"payments": "2.0.1"}))
    await told.look("plan-rolled-back", "production-eu")
    await world.apply("production-eu")

    told.push("Merge a branch of last month", region("us"))
    await told.look("plan-bad-merge", "production-us")
    told.push("Revert the merge", region("us", **QA))

    world.clock.turn(14 * 3600)  # it is two in the morning
    world.octopus.deploy(
        *("web", "2.3.1", "Production EU"), by="alice", comments="CHG-77 checkout is down"
    )
    world.octopus.advance(60)
    await told.look("plan-emergency", "production-eu")

    told.push("Change at night only", {"policies/open.yaml": NIGHTS})
    await world.accept("production-us")
    told.push("Web 2.3.1, a little late", region("us", **QA | {"web": "2.3.1"}))
    await told.look("plan-release-night", "production-us")
    return told.pages


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
        with story(tmp_path_factory.mktemp("stories"), SEED, BEGIN) as world:
            return asyncio.run(tell(world))


STORIES = (
    *("promoted-eu", "promoted-us", "hot-fix", "rolled-back", "bad-merge", "emergency"),
    "release-night",
)


@pytest.mark.parametrize("output", sorted(ENDINGS))
@pytest.mark.parametrize("name", STORIES)
def test_the_plan_of_a_great_story_reads_as_it_was_reviewed(
    name: str,
    output: str,
    pages: dict[tuple[str, str], str],
    request: pytest.FixtureRequest,
) -> None:
    golden = Golden(update=bool(request.config.getoption("--update-golden")))

    golden.compare(FOLDER / f"plan-{name}.{ENDINGS[output]}", pages[f"plan-{name}", output])
