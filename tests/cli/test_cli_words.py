"""The commands that tell about a plan, on one shop that all tests here share and none changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cli_shop import Shop, opened

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop whose production is to change one component, accepted before that."""
    with opened(tmp_path_factory.mktemp("words")) as shop:
        assert shop.run("accept", "production").exit_code == 0
        shop.pin(orders="2.4.0")
        yield shop


def test_explain_writes_the_chain_in_every_form(told: Shop) -> None:
    table = told.run("explain", "production", "orders")
    data = told.run("explain", "production", "orders", "-o", "json")
    yaml = told.run("explain", "production", "orders", "-o", "yaml", "--at", "main")
    unknown = told.run("explain", "production", "ordres")

    assert (table.exit_code, data.exit_code, yaml.exit_code) == (0, 0, 0)
    assert "pinned    2.4.0 at production.yaml:10\nby        Ann <ann@" in table.stdout
    document = json.loads(data.stdout)
    assert (document["kind"], document["spec"]["compared"]["action"]) == ("Explanation", "upgrade")
    assert '    action: "upgrade"\n' in yaml.stdout
    assert unknown.exit_code == 64
    assert "hint: did you mean orders?" in unknown.stderr
