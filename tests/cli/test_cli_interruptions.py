"""Interruptions by command: listed, taken and answered with one's own key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli_shop import Shop


def test_rule_29_what_waits_for_a_person_is_answered_with_ones_own_key(shop: Shop) -> None:
    shop.simulator.interrupt_next("web-shop", "1.1.0", "Test", title="Look \x1b[31mfirst")
    shop.simulator.deploy("web-shop", "1.1.0", "Test")
    shop.simulator.advance(60)
    keyless = shop.run("interruptions", "list")
    assert keyless.exit_code == 64
    assert "RECONCILER_USER_API_KEY is not set" in keyless.stderr

    own = {"RECONCILER_USER_API_KEY": shop.simulator.api_key}
    (asked,) = json.loads(shop.run("interruptions", "list", "-o", "json", **own).stdout)
    assert (asked["asks"], asked["environment"], asked["isMine"]) == (
        "manual intervention",
        "qa",
        False,
    )
    table = shop.run("interruptions", "list", "qa", **own).stdout
    assert "Proceed | Abort" in table
    assert "\x1b" not in table
    assert "nothing waits" in shop.run("interruptions", "list", "production", **own).stdout

    service = {"RECONCILER_USER_API_KEY": shop.simulator.service_api_key}
    refused = shop.run("interruptions", "take", asked["id"], **service)
    assert "is a service account" in refused.stderr
    taken = shop.run("interruptions", "take", asked["id"], **own)
    assert taken.exit_code == 0, taken.output
    assert f"next: reconciler interruptions submit {asked['id']} --result Proceed" in taken.stderr
    assert shop.run("interruptions", "submit", asked["id"], **own).exit_code == 64
    wrong = shop.run("interruptions", "submit", asked["id"], "--set", "Notes", **own)
    assert "--set takes NAME=VALUE" in wrong.stderr
    done = shop.run("interruptions", "submit", asked["id"], "--result", "Proceed", **own)
    assert done.stdout.endswith("in qa was answered with Proceed\n")
    acts = json.loads(shop.run("interruptions", "list", "--acts", "-o", "json").stdout)
    assert [(act["did"], act["to"], act["outcome"]) for act in acts] == [
        ("take", asked["id"], "done"),
        ("submit", asked["id"], "done"),
    ]
    assert "Result=Proceed" in shop.run("interruptions", "list", "--acts").stdout
