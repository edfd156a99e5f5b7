"""Tenants and rings of an environment: read as written, and refused where they contradict."""

import pytest
from manifest_world import QA, changed, lines, load, state

from reconciler.core.tenant import NOBODY, Selection

SERVED = (
    QA.replace("environment: QA}", "environment: QA, tenantTags: [Kind/Customer]}")
    + """\
  rings:
    pilot: {tenantTags: [Ring/Pilot, Ring/Early], components: {wallet-api: "2.6.0"}}
    acme: {tenants: [Acme], platformVersion: "2026.11.1", components: {wallet-api: "2.5.1"}}
"""
)
NAMED = SERVED.replace("tenantTags: [Kind/Customer]", "tenants: [Acme, Beta]")


def test_tenants_and_rings_are_read_and_a_ring_stands_on_its_own_platform_version() -> None:
    environment = state(load(changed(qa=SERVED)), "qa").environment

    assert environment.tenants == Selection(tags=("Kind/Customer",))
    pilot, acme = environment.rings
    assert (pilot.name, pilot.whom) == ("pilot", Selection(tags=("Ring/Pilot", "Ring/Early")))
    assert str(pilot.place) == "environments/qa.yaml:9:5"
    assert {name: pin.version for name, pin in pilot.pins.items()} == {"wallet-api": "2.6.0"}
    said = {name: (pin.version, pin.is_own) for name, pin in acme.pins.items()}
    assert said == {"wallet-api": ("2.5.1", True), "wallet-db": ("1.9.0", False)}
    assert environment.pins.keys() == {"wallet-api"}


def test_an_environment_that_names_no_tenants_serves_nobody_apart() -> None:
    environment = state(load(changed()), "qa").environment

    assert (environment.tenants, environment.rings) == (NOBODY, ())


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (", tenantTags: [Kind/Customer]", "", "ring 'pilot' has no tenants to choose from"),
        ("{tenantTags: [Ring/Pilot, Ring/Early], ", "{", "ring 'pilot' means nobody"),
        ("Ring/Early", "Early", "'Early' must be a canonical tag, Set/Tag"),
        ('"2.6.0"}', '"2.6.0", wallet-apu: "1"}', "'wallet-apu' is not a component of stack"),
        ('"2026.11.1"', '"2026.11.2"', "no PlatformVersion is named '2026.11.2', did you mean"),
    ],
)
def test_what_is_wrong_with_a_ring_is_told_at_its_place(old: str, new: str, line: str) -> None:
    found = lines(load(changed(qa=SERVED.replace(old, new))))

    assert any(line in each for each in found), found
    assert all(each.startswith("environments/qa.yaml:") for each in found)


def test_a_ring_chooses_among_the_tenants_that_the_environment_names() -> None:
    found = lines(load(changed(qa=NAMED.replace("tenants: [Acme],", "tenants: [Acne],"))))

    assert found == [
        "environments/qa.yaml:10:5: ring 'acme': tenant 'Acne' is not one of the environment's, "
        "did you mean 'Acme'?"
    ]


def test_two_rings_that_pin_unlike_for_one_tenant_are_both_named() -> None:
    third = '    more: {tenants: [acme], components: {wallet-api: "2.5.2"}}\n'
    same = '    more: {tenants: [acme], components: {wallet-api: "2.5.1"}}\n'

    assert lines(load(changed(qa=SERVED + third))) == [
        "environments/qa.yaml:11:42: 'wallet-api' is pinned twice for tenant 'acme': by ring "
        "'more', and by ring 'acme' at environments/qa.yaml:10:72; keep one"
    ]
    assert lines(load(changed(qa=SERVED + same))) == []


def test_a_cell_that_two_environments_claim_by_their_rings_alone_names_both() -> None:
    head, rings = SERVED.split("  rings:")
    alone = head.partition("  components:")[0] + "  rings:" + rings
    twin = alone.replace("name: qa}", "name: qa-2}")

    found = lines(load(changed(twin=twin, qa=alone)))

    assert [each for each in found if "'wallet-api' in Octopus environment 'QA' is already" in each]
    assert state(load(changed(qa=alone)), "qa").environment.pins == {}


def test_rings_claim_no_cell_of_an_environment_that_names_no_tenants() -> None:
    head, rings = SERVED.split("  rings:")
    alone = head.partition("  components:")[0] + "  rings:" + rings

    twin = QA.replace("name: qa}", "name: qa-2}")

    assert lines(load(changed(twin=twin, qa=alone))) == []
