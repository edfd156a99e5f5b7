"""Approving by command: with one's own key, of a plan that was looked at, until it is revoked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from test_cli_flows import accepted

if TYPE_CHECKING:
    from cli_shop import Shop

MANUAL = """\
apiVersion: reconciler/v1
kind: Policy
metadata: {name: open}
spec: {mode: apply, start: manual, approvals: {hours: 4}}
"""


def test_rule_29_a_plan_is_approved_with_ones_own_key_and_no_other(shop: Shop) -> None:
    accepted(shop)
    shop.push({"policy.yaml": MANUAL})
    assert shop.run("apply", "production").exit_code == 0  # nothing to do: the policy is in force
    shop.pin(orders="2.4.0")
    held = shop.plan()
    assert [gate["gate"] for gate in held["gates"]] == ["start"]
    how = ("approve", "production", "--plan", held["digest"].removeprefix("sha256:"))

    keyless = shop.run(*how)
    assert keyless.exit_code == 64
    assert "RECONCILER_USER_API_KEY is not set" in keyless.stderr
    service = shop.run(*how, RECONCILER_USER_API_KEY=shop.simulator.service_api_key)
    assert service.exit_code == 1
    assert "is a service account, and approving is a person's; nothing was approved" in (
        service.stderr
    )
    own = {"RECONCILER_USER_API_KEY": shop.simulator.api_key}
    longer = shop.run(*how, "--expires", "5h", **own)
    assert longer.exit_code == 64
    assert "lets an approval stand for 4 hours at most" in longer.stderr
    assert shop.run("approve", "--list").stdout == "no approvals\n"

    shop.simulator.grant("reconciler", "UserView")
    done = shop.run(*how, "--expires", "2h", **own)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"approved plan {how[3][:12]} of production as Administrator, ")
    assert shop.plan()["gates"] == []
    (listed,) = json.loads(shop.run("approve", "--list", "-o", "json").stdout)
    assert (listed["stands"], listed["environment"]) == (True, "production")
    assert [change["to"] for change in listed["changes"]] == ["2.4.0"]

    revoked = shop.run("approve", "production", "--revoke")
    assert revoked.stdout.startswith(f"revoked: plan {how[3][:12]} of production, approved by ")
    assert [gate["gate"] for gate in shop.plan()["gates"]] == ["start"]
    assert "no: revoked " in shop.run("approve", "--list").stdout
    assert shop.run("approve", "production", "--revoke").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name an environment"),
        (("production",), "say which plan: --plan DIGEST"),
        (("production", "--plan", "12"), "at least 12 digits"),
        (("production", "--plan", "ab" * 32, "--expires", "soon"), "such as 8h or 2d"),
        (("production", "--revoke", "--expires", "2h"), "--revoke takes no --expires"),
        (("--list", "--revoke"), "--list takes an environment at most"),
        (("production", "-o", "json"), "--output goes with --list"),
    ],
)
def test_wrong_words_approve_nothing(shop: Shop, arguments: tuple[str, ...], words: str) -> None:
    result = shop.run("approve", *arguments)

    assert result.exit_code == 64
    assert words in result.stderr
