"""Which release a pin that tracks a channel follows to, and under which name it is proposed."""

from __future__ import annotations

from reconciler.core.tracking import newest_above, proposal_id


def test_rule_8_the_highest_version_in_octopus_order_is_followed_wherever_it_is_listed() -> None:
    assert newest_above("1.2.0", ["1.9.0", "1.10.0", "1.10.0-rc.1", "0.9"]).version == "1.10.0"


def test_a_pin_at_or_above_everything_in_its_channel_stays() -> None:
    assert newest_above("2.0.0", ["2.0.0.0", "1.9.0", "2.0.0+build"]).version is None
    assert newest_above("2.0.0", []).version is None


def test_rule_11_a_version_of_unknown_order_stops_the_rest_and_is_named() -> None:
    for listed in (["1.1.0", "1.1.1beta"], ["1.1.1beta", "1.1.0"]):
        found = newest_above("1.0.0", listed)

        assert found.version is None
        assert "is unknown" in found.doubt


def test_a_proposal_has_one_name_and_no_other_shares_it() -> None:
    names = {proposal_id(*each) for each in (("a", "b", "1"), ("a", "b", "2"), ("ab", "", "1"))}

    assert len(names) == 3
    assert proposal_id("a", "b", "1") in names
