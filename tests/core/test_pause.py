"""A pause stands before exactly what people named, and says who, since when, why and what now."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from core_builders import COMMIT, ENV, cell, component, desired, observed, settled
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.cellgate import dependency_gates
from reconciler.core.cellkey import cell_key
from reconciler.core.gate import GateName
from reconciler.core.pause import (
    Pause,
    Reach,
    Scope,
    covering,
    every_covering,
    server_name,
    server_names,
)
from reconciler.core.pausegate import pause_gates
from reconciler.core.plan import Plan, make_plan

NINE = datetime(2026, 11, 20, 9, 5, tzinfo=UTC)
ID = "11111111-2222-3333-4444-55555555abcd"
URL = "https://octopus.example"


def paused(scope: Scope, who: str = "ann@desk", after: int = 0) -> Pause:
    return Pause(scope, who, NINE + timedelta(minutes=after), "CHG-7")


ALL = Scope.parse(everything=True)
SERVER = Scope.parse(server=URL)
WHOLE = Scope.parse(ENV)
PART = Scope.parse(ENV, "wallet-api")


@pytest.mark.parametrize(
    ("scope", "arguments", "words"),
    [
        (ALL, "--all", "everything"),
        (SERVER, "--server https://octopus.example", "server https://octopus.example"),
        (WHOLE, ENV, "environment production-uk"),
        (PART, f"{ENV} wallet-api", "component wallet-api in production-uk"),
    ],
)
def test_a_scope_says_itself_to_people_and_to_a_shell(
    scope: Scope, arguments: str, words: str
) -> None:
    assert (scope.arguments, str(scope)) == (arguments, words)


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"environment": ENV, "server": URL},
        {"environment": ENV, "everything": True},
        {"server": URL, "everything": True},
        {"environment": ""},
        {"environment": "-"},
        {"environment": "Production"},
        {"environment": "a/b"},
        {"environment": "a\x1b[31m"},
        {"environment": "x" * 300},
        {"environment": ENV, "component": ""},
        {"environment": ENV, "component": "a b"},
        {"server": ""},
        {"server": "octopus.example"},
        {"server": "ftp://octopus.example"},
        {"server": "https://user:secret@octopus.example"},
        {"server": "https://octopus.example/?a=b"},
        {"server": "https://octopus.example/$(id)"},
        {"server": "https://octopus.example/\n"},
        {"server": "https://octopus.example/" + "x" * 300},
        {"server": ID[:-1]},
    ],
)
def test_words_that_name_no_scope_are_refused_in_one_clean_line(words: dict[str, object]) -> None:
    with pytest.raises(ValueError) as refused:
        Scope.parse(**words)  # type: ignore[arg-type]

    message = str(refused.value)
    assert message.isprintable()
    assert len(message) < 300


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("HTTPS://Octopus.Example:443/", "https://octopus.example"),
        ("https://octopus.example/Octo/", "https://octopus.example/Octo"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:8065", "http://localhost:8065"),
        ("https://[2001:DB8::1]:443/", "https://[2001:db8::1]"),
    ],
)
def test_one_address_of_a_server_has_one_name(written: str, name: str) -> None:
    assert server_name(written) == name
    assert server_name(name) == name
    assert Scope.parse(server=written) == Scope(Reach.SERVER, server=name)


def test_a_server_goes_by_its_id_and_by_every_address_that_was_accepted_with_it() -> None:
    known = [("https://other.example/", ID.upper()), ("https://stranger.example", "another")]

    assert server_names(URL + "/", ID, known) == {URL, ID, "https://other.example"}
    assert server_names(URL, "", [("https://other.example", "")]) == {URL}
    assert Scope.parse(server=ID.upper()).covers("any", "thing", server_names(URL, ID))


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (ALL, {"whole", "part", "sibling", "other-env", "other-server"}),
        (SERVER, {"whole", "part", "sibling", "other-env"}),
        (WHOLE, {"whole", "part", "sibling", "other-server"}),
        (PART, {"part"}),
    ],
)
def test_rule_21_each_scope_covers_what_it_names_and_nothing_else(
    scope: Scope, covered: set[str]
) -> None:
    cells = {
        "whole": (ENV, "", {URL}),
        "part": (ENV, "wallet-api", {URL}),
        "sibling": (ENV, "ledger", {URL}),
        "other-env": ("qa", "wallet-api", {URL}),
        "other-server": (ENV, "", {"https://other.example"}),
    }

    found = {name for name, where in cells.items() if covering([paused(scope)], *where)}

    assert found == covered


def test_the_widest_pause_is_told_first_and_then_the_oldest() -> None:
    pauses = [paused(PART), paused(WHOLE, after=3), paused(SERVER, after=9), paused(ALL, after=9)]

    order = every_covering(pauses, ENV, "wallet-api", {URL})

    assert [pause.scope.reach for pause in order] == list(Reach)
    assert covering(pauses, ENV, "wallet-api", {URL}) == order[0]
    assert covering([], ENV, "wallet-api", {URL}) is None


def test_a_lifted_pause_covers_nothing() -> None:
    lifted = replace(paused(ALL), lifted_by="bob@desk", lifted_at=NINE)

    assert covering([lifted], ENV, "", {URL}) is None


@given(st.text(), st.text())
def test_the_words_of_a_pause_are_one_clean_bounded_line(who: str, reason: str) -> None:
    words = Pause(WHOLE, who, NINE, reason).words

    assert words.isprintable()
    assert len(words) < 400


def test_a_pause_names_who_since_when_why_and_what_lifts_it() -> None:
    pause = paused(PART)

    assert pause.words == (
        "component wallet-api in production-uk is paused by ann@desk since 2026-11-20 09:05Z: CHG-7"
    )
    assert pause.opener == "`reconciler unpause production-uk wallet-api`"


def two_changes() -> Plan:
    """`wallet-api` goes up after `ledger`; a third component is as pinned."""
    pins = {"ledger": "2.0", "wallet-api": "2.0", "wallet-ui": "1.0"}
    cells = [cell(name, settled("1.0")) for name in pins]
    wanted = desired(pins, component("wallet-api", "ledger"))
    return make_plan(wanted, observed(*cells), COMMIT)


def test_rule_21_a_pause_of_the_environment_stands_before_the_whole_plan() -> None:
    plan = two_changes()

    (gate,) = pause_gates(plan, [paused(WHOLE)], {URL})

    assert (gate.cell, gate.name) == ("", GateName.PAUSED)
    assert gate.message == paused(WHOLE).words
    assert gate.opener == "`reconciler unpause production-uk`"


def test_rule_21_a_pause_of_a_component_stands_before_its_change_only() -> None:
    gates = pause_gates(two_changes(), [paused(PART)], {URL})

    assert [(gate.cell, gate.name) for gate in gates] == [("wallet-api", GateName.PAUSED)]


def test_what_waits_for_a_paused_component_is_held_with_it() -> None:
    plan = two_changes()
    gates = pause_gates(plan, [paused(Scope.parse(ENV, "ledger"))], {URL})

    (behind,) = dependency_gates(plan, gates)

    assert (behind.cell, behind.message) == (
        "wallet-api",
        "waits for ledger, which is stopped by a gate",
    )


def test_every_pause_is_shown_since_lifting_one_leaves_the_others() -> None:
    gates = pause_gates(two_changes(), [paused(PART), paused(ALL), paused(WHOLE)], {URL})

    assert sorted((gate.cell, gate.opener) for gate in gates) == [
        ("", "`reconciler unpause --all`"),
        ("", "`reconciler unpause production-uk`"),
        ("wallet-api", "`reconciler unpause production-uk wallet-api`"),
    ]


def test_a_plan_without_work_has_no_pause_to_show() -> None:
    still = make_plan(desired({"a": "1.0"}), observed(cell("a", settled("1.0"))), COMMIT)

    assert pause_gates(still, [paused(ALL)], {URL}) == ()
    assert pause_gates(two_changes(), [paused(Scope.parse("qa"))], {URL}) == ()


def test_rule_21_a_pause_of_a_component_stands_before_each_of_its_tenants() -> None:
    stands = paused(PART)

    for cell_ in ("wallet-api", "wallet-api@Acme"):
        assert covering([stands], ENV, cell_, ()) == stands
    assert covering([stands], ENV, "wallet-api-two@Acme", ()) is None


def test_rule_21_a_pause_of_one_tenants_cell_stands_before_that_alone() -> None:
    stands = paused(Scope.parse(ENV, "wallet-api@Bet Alba"))

    assert covering([stands], ENV, "wallet-api@Bet ALBA", ()) == stands
    assert covering([stands], ENV, "wallet-api@Bet Albany", ()) is None
    assert covering([stands], ENV, "wallet-api", ()) is None
    assert stands.opener == f"`reconciler unpause {ENV} 'wallet-api@Bet Alba'`"
    assert str(stands.scope) == f"component wallet-api@Bet Alba in {ENV}"


@pytest.mark.parametrize(
    "text", ["wallet-api@", "@Acme", "Wallet@Acme", "a@b\nc", "a@" + "x" * 220]
)
def test_what_is_no_cell_cannot_be_paused(text: str) -> None:
    with pytest.raises(ValueError, match="is not the name of"):
        Scope.parse(ENV, text)


def test_rule_21_the_pause_of_a_tenant_that_is_renamed_holds_its_component() -> None:
    stands = paused(Scope.parse(ENV, "wallet-api@Acme"))
    renamed, other = cell_key("wallet-api", "Acme Ltd"), cell_key("ledger", "Acme Ltd")
    known = {renamed.casefold(), other.casefold()}

    assert covering([stands], ENV, renamed, (), known) == stands
    assert covering([stands], ENV, other, (), known) is None
    assert covering([stands], ENV, renamed, (), {*known, "wallet-api@acme"}) is None
