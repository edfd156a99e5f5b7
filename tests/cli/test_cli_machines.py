"""Machines by command: listed, and registered again with one's own key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli_shop import Shop


def test_machines_are_listed_with_what_becomes_of_them(shop: Shop) -> None:
    shop.simulator.add_machine("old \x1b[31mbox", environments=["Test"], roles=["web"])
    shop.simulator.machine_is("old \x1b[31mbox", "Unavailable")
    shop.simulator.add_machine("idle", environments=["Test"], roles=["web"])
    shop.simulator.disable_machine("idle")
    shop.simulator.advance(5)  # a check of this very second is told of by the next look only

    table = shop.run("machines", "list", "qa")
    data = json.loads(shop.run("machines", "list", "qa", "-o", "json").stdout)

    assert table.exit_code == 0, table.output
    assert "what becomes of it" in table.stdout
    assert "disabled: it is disabled: Octopus deploys nothing to it" in " ".join(
        table.stdout.split()
    )
    assert "\x1b" not in table.stdout
    found = {one["name"]: (one["health"], one["fate"]) for one in data["machines"]}
    assert found["idle"] == ("Healthy", "disabled")
    assert found["old \\x1b[31mbox"] == ("Unavailable", "not-yet")
    assert data["removed"] == []
    assert data["unread"] == ""


def test_rule_29_a_machine_comes_back_with_ones_own_key_only(shop: Shop) -> None:
    keyless = shop.run("machines", "restore", "qa", "gone")
    assert keyless.exit_code == 64
    assert "RECONCILER_USER_API_KEY is not set" in keyless.stderr

    own = {"RECONCILER_USER_API_KEY": shop.simulator.api_key}
    never = shop.run("machines", "restore", "qa", "gone", **own)
    assert never.exit_code == 64
    assert "no removed machine of qa is called gone; nothing was changed" in never.stderr
