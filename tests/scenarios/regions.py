"""A platform in QA and in two production regions, for the stories of a release."""

from __future__ import annotations

import story

SEED = """
server: {slots: 20}
users:
  - {username: alice, displayName: Alice Adams, email: alice@example.com}
spaces:
  - name: Shop
    default: true
    environments: [QA, Production UK, Production EU]
    lifecycles:
      - name: Release
        phases:
          - {name: QA, environments: [QA]}
          - {name: Production, environments: [Production UK, Production EU]}
    projects:
      - {name: db, lifecycle: Release, releases: ["1.0.0", "1.1.0"],
         deployed: {QA: "1.1.0", Production UK: "1.0.0", Production EU: "1.0.0"}}
      - {name: api, lifecycle: Release, releases: ["1.0.0", "1.1.0", "1.1.1"], packages: [Acme.Api],
         deployed: {QA: "1.1.0", Production UK: "1.0.0", Production EU: "1.0.0"}}
      - {name: web, lifecycle: Release, releases: ["1.0.0", "1.1.0", "1.2.0"],
         deployed: {QA: "1.1.0", Production UK: "1.0.0", Production EU: "1.0.0"}}
      - {name: bot, lifecycle: Release, releases: ["1.0.0"], deployed: {QA: "1.0.0"}}
"""
HEAD = "apiVersion: reconciler/v1\nkind: "
STACK = (
    HEAD
    + """Stack
metadata: {name: platform}
spec:
  components:
    db: {direction: up-only}
    api: {after: [db]}
    web: {after: [api]}
    bot: {}
"""
)


def environment(name: str, octopus: str, **pins: str) -> str:
    """Return an Environment manifest of the platform."""
    lines = "".join(f'    {component}: "{version}"\n' for component, version in pins.items())
    return (
        f"{HEAD}Environment\nmetadata: {{name: {name}}}\nspec:\n"
        f"  octopus: {{space: shop, environment: {octopus}}}\n  stack: platform\n  policy: open\n"
        f"  components:\n{lines}"
    )


OLD = {"db": "1.0.0", "api": "1.0.0", "web": "1.0.0"}
UK, EU = "environments/uk.yaml", "environments/eu.yaml"
FILES = {
    "stacks/platform.yaml": STACK,
    **{file: story.FILES[file] for file in ("spaces/shop.yaml", "policies/open.yaml")},
    "environments/qa.yaml": environment("qa", "QA", **dict.fromkeys(OLD, "1.1.0"), bot="1.0.0"),
    UK: environment("uk", "Production UK", **OLD),
    EU: environment("eu", "Production EU", **OLD),
}
