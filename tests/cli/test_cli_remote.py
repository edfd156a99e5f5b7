"""A RemoteEnvironment at the command line: shown in one line, and never acted on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cli_shop import Shop

FAR = """\
apiVersion: reconciler/v1
kind: Space
metadata: {name: far}
spec: {server: "https://far.example.com", space: Far, connected: false}
"""
CLINIC = """\
apiVersion: reconciler/v1
kind: RemoteEnvironment
metadata: {name: clinic}
spec:
  octopus: {space: far, environment: PROD}
  stack: shop
  components: {web: "1.1.0"}
"""
SAID = "clinic is a RemoteEnvironment: it is deployed where its space"


def test_the_plan_of_a_remote_environment_says_what_is_expected_and_reads_nothing(
    shop: Shop,
) -> None:
    shop.push({"far.yaml": FAR, "clinic.yaml": CLINIC})

    table = shop.run("plan", "clinic", "--detailed-exitcode")
    data = shop.run("plan", "clinic", "-o", "json")

    assert table.exit_code == 0, table.output
    assert "not read" in table.stdout
    assert "remote" in table.stdout
    assert table.stderr.startswith(SAID)
    spec = json.loads(data.stdout)["spec"]
    assert not spec["hasWork"]
    (cell,) = spec["ignored"]
    assert (cell["component"], cell["to"], cell["reason"]) == ("web", "1.1.0", "remote")


@pytest.mark.parametrize(
    "command",
    [
        ("apply", "clinic"),
        ("accept", "clinic"),
        ("pin", "clinic", "web=1.2.0", "--as", "Ann <ann@example.org>"),
        ("explain", "clinic", "web"),
        ("history", "clinic"),
    ],
)
def test_a_remote_environment_is_never_acted_on_and_the_refusal_says_why(
    shop: Shop, command: tuple[str, ...]
) -> None:
    shop.push({"far.yaml": FAR, "clinic.yaml": CLINIC})

    refused = shop.run(*command)

    assert refused.exit_code == 64, refused.output
    assert f"error: {SAID} far is; nothing was done" in refused.stderr
