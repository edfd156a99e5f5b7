"""A stack that uses another's component waits for it, and goes on by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from story import FILES

from reconciler.core.gate import GateName
from reconciler.engine.apply import Done

if TYPE_CHECKING:
    from story import Story

POST = """
apiVersion: reconciler/v1
kind: Stack
metadata: {name: post}
spec:
  components: {mail: {}}
"""
POST_TEST = """
apiVersion: reconciler/v1
kind: Environment
metadata: {name: post-test}
spec:
  octopus: {space: shop, environment: Test}
  stack: post
  policy: open
  components:
    mail: "1.0.0"
"""
PLATFORM = FILES["stacks/platform.yaml"].replace("    mail: {}\n", "")
TEST = FILES["environments/test.yaml"].replace('    mail: "1.0.0"\n', "")


async def test_a_change_waits_for_what_it_uses_of_another_stack(world: Story) -> None:
    uses = PLATFORM.replace("web: {after: [api]}", 'web: {after: [api], uses: {mail: ">=1.1"}}')
    world.push(
        {
            "stacks/post.yaml": POST,
            "stacks/platform.yaml": uses,
            "environments/post.yaml": POST_TEST,
            "environments/test.yaml": TEST,
        }
    )
    await world.accept()
    await world.accept("post-test")
    world.pin(web="1.1.0", jobs="1.1.0")

    first = await world.apply()

    assert {name: result.done for name, result in first.results.items()} == {
        "jobs": Done.SUCCEEDED,
        "web": Done.HELD,
    }
    (gate,) = first.planned.gates
    assert (gate.cell, gate.name) == ("web", GateName.PRECONDITION)
    assert gate.message == "uses post/mail >=1.1, which runs 1.0.0"

    world.edit("environments/post.yaml", ('mail: "1.0.0"', 'mail: "1.1.0"'))
    await world.apply("post-test")
    second = await world.apply()

    assert second.results["web"].done is Done.SUCCEEDED
    assert (world.runs("mail"), world.runs("web")) == ("1.1.0", "1.1.0")
