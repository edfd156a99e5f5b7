from __future__ import annotations

from reconciler.core.gate import GateName
from reconciler.core.signature import Unsigned, distrust, unsigned_gate


def test_rule_28_unsigned_commits_are_named_and_many_are_not_all_listed() -> None:
    many = [Unsigned(f"{number:040x}", "has no SSH signature") for number in range(1, 8)]

    assert distrust([]) is None
    assert distrust(many[:1]) == (
        "signed commits are required, and 000000000000 has no SSH signature"
    )
    words = distrust(many) or ""
    assert words.count("has no SSH signature") == 5
    assert words.endswith(", and more")


def test_rule_28_the_gate_stands_before_the_whole_plan() -> None:
    gate = unsigned_gate("because")

    assert (gate.component, gate.name, gate.message) == ("", GateName.UNSIGNED, "because")
