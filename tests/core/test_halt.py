"""Maintenance, a stopped queue and freezes stand before changes, and say what ends them."""

from dataclasses import replace

from core_builders import COMMIT, ENVIRONMENT_ID, HOUR, NOON, cell, desired, observed, settled

from reconciler.core.gate import Gate, GateName
from reconciler.core.halt import Freeze, Halts, halt_gates
from reconciler.core.plan import make_plan
from reconciler.core.tenant import Tenant

SALE = Freeze("Sale", NOON + HOUR, frozenset({("Projects-api", ENVIRONMENT_ID, None)}))


def gates(halts: Halts, tenant: Tenant | None = None, runs: str = "1.0") -> tuple[Gate, ...]:
    cells = [replace(cell(name, settled(runs)), tenant=tenant) for name in ("api", "web")]
    seen = observed(*cells)
    return halt_gates(make_plan(desired({"api": "2.0", "web": "2.0"}), seen, COMMIT), seen, halts)


def test_a_freeze_holds_the_cells_it_names_and_says_until_when() -> None:
    assert gates(Halts(freezes=(SALE,))) == (
        Gate(
            cell("api", settled("1.0")).key,
            GateName.FREEZE,
            "deployment freeze 'Sale' is in force until 2026-11-20 13:00Z",
            "by itself, at 2026-11-20 13:00Z; or a person ends it in Octopus",
        ),
    )


def test_a_freeze_that_comes_again_has_no_end_to_tell() -> None:
    (gate,) = gates(Halts(freezes=(replace(SALE, until=None),)))

    assert gate.message.endswith("is in force, and comes again")


def test_a_freeze_of_one_tenant_holds_that_tenant_only() -> None:
    acme, emca = (
        Tenant(f"Tenants-{n}", name, frozenset(), {}) for n, name in enumerate(("acme", "emca"))
    )
    one = replace(SALE, cells=frozenset({("Projects-web", ENVIRONMENT_ID, "Tenants-0")}))

    assert [gate.cell for gate in gates(Halts(freezes=(one,)), acme)] == ["web"]
    assert gates(Halts(freezes=(one,)), emca) == ()
    assert gates(Halts(freezes=(one,))) == ()


def test_maintenance_and_a_stopped_queue_hold_the_whole_plan() -> None:
    both = gates(Halts(in_maintenance=True, queue_stopped=True))

    assert [(gate.cell, gate.name) for gate in both] == [("", GateName.MAINTENANCE)] * 2
    assert "the task queue of the space is stopped" in both[1].message


def test_rule_11_freezes_that_cannot_be_read_hold() -> None:
    (gate,) = gates(Halts(unread="403"))

    assert (gate.cell, gate.name) == ("", GateName.FREEZE)
    assert gate.message == "whether it is frozen cannot be read: 403"


def test_a_server_that_is_halted_holds_no_plan_without_work() -> None:
    assert gates(Halts(in_maintenance=True, freezes=(SALE,)), runs="2.0") == ()
    assert gates(Halts()) == ()
