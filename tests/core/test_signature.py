from __future__ import annotations

from reconciler.core.gate import GateName
from reconciler.core.signature import Unsigned, unsigned_gate, untold_gate


def test_rule_28_unsigned_commits_are_named_and_many_are_not_all_listed() -> None:
    many = [Unsigned(f"{number:040x}", "has no SSH signature") for number in range(1, 8)]

    assert unsigned_gate([]) is None
    one, all_of_them = unsigned_gate(many[:1]), unsigned_gate(many)
    assert one is not None
    assert all_of_them is not None
    assert one.message == "signed commits are required, and 000000000000 has no SSH signature"
    assert all_of_them.message.count("has no SSH signature") == 5
    assert all_of_them.message.endswith(", and more")


def test_rule_28_the_gate_stands_before_the_whole_plan_also_where_nobody_can_tell() -> None:
    gate = untold_gate("ssh-keygen is missing", "install it")

    assert (gate.cell, gate.name) == ("", GateName.UNSIGNED)
    assert "ssh-keygen is missing" in gate.message
    assert gate.opener == "install it"
