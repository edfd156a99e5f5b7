"""`compare`: every form of its output says the same, and the exit code what was asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ruamel.yaml import YAML

from reconciler.cli.render.comparison import WORDS, comparison_markdown, summary
from reconciler.core.compare import Comparison, Entry, Relation, Row, Side, compare

if TYPE_CHECKING:
    from cli_golden import Golden
    from cli_shop import Shop


def test_compare_shows_what_differs_in_every_form(shop: Shop) -> None:
    both = ("compare", "production", "qa")

    table = shop.run(*both)

    assert table.exit_code == 0, table.output
    said = table.stdout.splitlines()
    assert said[0].startswith("left  production (commit ")
    assert [line.split() for line in said[3:6]] == [
        ["component", "left", "right", "right", "is", "note"],
        ["orders", "2.3.0", "2.4.0", "newer"],
        ["payments", "3.0.0", "3.1.0", "newer"],
    ]
    assert said[-1] == "Of 4: 2 newer, 2 the same."
    assert shop.run(*both, "--detailed-exitcode").exit_code == 2
    assert shop.run("compare", "qa", "qa", "--detailed-exitcode").exit_code == 0
    assert len(shop.run(*both, "--all").stdout.splitlines()) == len(said) + 2

    data = json.loads(shop.run(*both, "-o", "json").stdout)
    assert data["kind"] == "Comparison"
    assert data["spec"]["counts"] == {"newer": 2, "same": 2}
    assert data["spec"]["rows"][0] == {
        "cell": "orders",
        "left": "2.3.0",
        "note": "",
        "relation": "newer",
        "right": "2.4.0",
    }
    assert YAML(typ="safe").load(shop.run(*both, "-o", "yaml").stdout) == data
    marked = shop.run(*both, "-o", "markdown").stdout
    assert "| `orders` | `2.3.0` | `2.4.0` | newer |  |" in marked


def test_hostile_text_stays_in_its_place() -> None:
    note = "`|\n| x | @everyone <img> \x1b[31m"
    left = Side("live:`|`", "now", {})
    comparison = Comparison(left, left, (Row("a|b", Relation.UNKNOWN, "1|2", None, note),))

    page = comparison_markdown(comparison, comparison.rows)

    assert [line.count(" | ") for line in page.splitlines() if line.startswith("| ")] == [4, 4, 4]
    assert "\x1b" not in page
    assert "<img>" not in page


def test_the_sentence_counts_every_relation() -> None:
    side = Side("a", "now", {})
    rows = tuple(Row(each.value, each, "1", "1") for each in Relation)

    assert summary(Comparison(side, side, rows)) == (
        "Of 8: 1 only left, 1 only right, 1 newer, 1 older, 1 cannot be ordered, 1 another release,"
        " 1 not known, 1 the same."
    )
    assert summary(Comparison(side, side)) == "There is nothing on either side."
    one = Side("a", "now", {"api": Entry("1")})
    assert summary(compare(one, one)) == "All 1 are the same."
    assert set(WORDS) == set(Relation)


def test_a_comparison_is_told_the_same_way_every_time(shop: Shop, golden: Golden) -> None:
    result = shop.run("compare", "production", "live:qa", "--all", "-o", "json")

    spec = json.loads(result.stdout)["spec"]
    for side in ("left", "right"):
        spec[side]["at"] = spec[side]["at"].split()[0]
    golden.compare("comparison.json", json.dumps(spec, indent=1) + "\n")
