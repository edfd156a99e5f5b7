"""An environment that names tenants has a cell for each of them, and pins go by tenant and ring."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from core_builders import (
    COMMIT,
    ENV,
    ENVIRONMENT_ID,
    NOON,
    PLACE,
    SERVER,
    SPACE_ID,
    VIEWS,
    Octopus,
    component,
    desired,
    may,
    pin,
    project,
    task,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.capture import capture
from reconciler.core.cell import NeverDeployed, ObservedState, Settled, Unobserved
from reconciler.core.intent import intent_of
from reconciler.core.manifest import DesiredState, Until
from reconciler.core.plan import Action, Kind, Plan, Reason, make_plan
from reconciler.core.sighting import observe
from reconciler.core.snapshot import LEFT, Reached, Snapshot, SnapshotCell
from reconciler.core.stack import Component
from reconciler.core.state import SpaceState, TaskState
from reconciler.core.tenant import NOBODY, Ring, Selection, Tenant

API, DB, SITE = "wallet-api", "wallet-db", "site"
ALL = {f"Projects-{name}": frozenset({ENVIRONMENT_ID}) for name in (API, DB, SITE)}
EVERYONE = Selection(tags=("Kind/Customer",))
PILOT = Selection(tags=("Ring/Pilot",))


def tenant(name: str, *tags: str, **fields: Any) -> Tenant:
    made = Tenant(f"Tenants-{name}", name, frozenset({"Kind/Customer", *tags}), ALL)
    return replace(made, **fields)


ACME, BETA = tenant("Acme"), tenant("Beta", "Ring/Pilot")


def ring(name: str, whom: Selection, **pins: str) -> Ring:
    return Ring(name, whom, {n.replace("_", "-"): pin(v) for n, v in pins.items()}, PLACE)


def serving(
    pins: Mapping[str, Any],
    *components: Component,
    tenants: Selection = EVERYONE,
    rings: tuple[Ring, ...] = (),
) -> DesiredState:
    """An environment that names tenants."""
    asked = desired(pins, *components)
    environment = replace(asked.environment, tenants=tenants, rings=rings)
    stack = asked.stack.components
    more = {name: component(name) for one in rings for name in one.pins if name not in stack}
    return replace(
        asked, environment=environment, stack=replace(asked.stack, components={**stack, **more})
    )


@dataclass
class Estate:
    """A space with tenants, and the reading of it."""

    octopus: Octopus
    tenants: tuple[Tenant, ...] = (ACME, BETA)

    @classmethod
    def of(cls, *tenants: Tenant, shared: tuple[str, ...] = ()) -> "Estate":
        names = (API, DB, SITE)
        modes = {name: "Untenanted" if name in shared else "Tenanted" for name in names}
        projects = {name: project(name, tenanted_mode=modes[name]) for name in names}
        return cls(Octopus(projects), tenants or (ACME, BETA))

    def runs(self, name: str, version: str, whom: Tenant | None = None, **more: Any) -> str:
        return self.octopus.deployed(name, version, tenant=whom and whom.id, **more)

    def state(self, **fields: Any) -> SpaceState:
        ids = frozenset(one.id for one in self.tenants)
        known = {
            "tenants": self.tenants,
            "board_tenants": ids,
            "permissions": may(*VIEWS, "TenantView"),
        }
        return self.octopus.state(**{**known, **fields})

    def sees(self, asked: DesiredState, last: Snapshot | None = None, **more: Any) -> ObservedState:
        state = self.state(**more.pop("fields", {}))
        seen = observe(asked, state, last, **more)
        part = state.only(ENVIRONMENT_ID, tenanted=True)
        assert observe(asked, part, last, **more) == seen  # the rest of the space says nothing
        return seen

    def plan(self, asked: DesiredState, last: Snapshot | None = None, **more: Any) -> Plan:
        return make_plan(asked, self.sees(asked, last, **more), COMMIT)


def line(whom: Tenant, version: str = "1.0", name: str = API, **fields: Any) -> SnapshotCell:
    made = SnapshotCell("settled", version, Reached(version), f"Projects-{name}", tenant=whom.id)
    return replace(made, **fields)


def last(**cells: SnapshotCell) -> Snapshot:
    """A snapshot; `wallet_api__Acme` stands for `wallet-api@Acme`."""
    named = {key.replace("__", "@").replace("_", "-"): one for key, one in cells.items()}
    return Snapshot(ENV, SERVER.installation_id, SPACE_ID, ENVIRONMENT_ID, named)


def told(plan: Plan) -> dict[str, tuple[str, str | None]]:
    return {a.cell: (a.reason.value, a.to_version) for a in plan.actions}


def only(plan: Plan, cell: str) -> Action:
    return next(action for action in plan.actions if action.cell == cell)


# Cells.


def test_a_tenanted_project_has_a_cell_for_each_tenant_that_is_meant() -> None:
    estate = Estate.of(ACME, BETA, tenant("Gamma", tags=frozenset()))
    estate.runs(API, "1.0", ACME)

    plan = estate.plan(serving({API: "1.0"}))

    assert told(plan) == {
        "wallet-api@Acme": ("in-sync", "1.0"),
        "wallet-api@Beta": ("not-deployed", "1.0"),
    }


def test_a_project_without_tenants_has_one_cell_whoever_the_environment_serves() -> None:
    estate = Estate.of(shared=(DB,))
    estate.runs(DB, "1.0")

    assert told(estate.plan(serving({DB: "1.0"}))) == {"wallet-db": ("in-sync", "1.0")}


def test_a_project_that_may_be_either_is_deployed_per_tenant_where_tenants_are_named() -> None:
    estate = Estate.of()
    estate.octopus.projects[API] = project(API, tenanted_mode="TenantedOrUntenanted")
    estate.runs(API, "1.0")
    asked = serving({API: "1.0"})

    assert set(told(estate.plan(asked))) == {"wallet-api@Acme", "wallet-api@Beta"}
    alone = replace(asked, environment=replace(asked.environment, tenants=NOBODY))
    assert told(estate.plan(alone)) == {"wallet-api": ("in-sync", "1.0")}


def test_rule_3_tenants_that_go_by_one_name_are_unobserved() -> None:
    nameless = replace(ACME, name="\u202eAcme")
    estate = Estate.of(nameless, BETA, tenant(nameless.id))

    plan = estate.plan(serving({API: "1.0"}))

    assert told(plan) == {
        "wallet-api@Beta": ("not-deployed", "1.0"),
        f"wallet-api@{nameless.id}": ("unobserved", "1.0"),
    }


def test_a_tenanted_project_in_an_environment_without_tenants_is_unobserved() -> None:
    estate = Estate.of()

    action = only(estate.plan(desired({API: "1.0"})), API)

    assert action.reason is Reason.UNOBSERVED
    assert "octopus.tenants" in action.note


@pytest.mark.parametrize(
    ("whom", "note"),
    [
        (tenant("Acme", connected={}), "is not connected to 'Wallet Api' in Production UK"),
        (tenant("Acme", connected={"Projects-wallet-api": frozenset({"Environments-4"})}), "not"),
        (tenant("Acme", is_disabled=True), "the tenant is disabled in Octopus"),
    ],
)
def test_a_tenant_that_octopus_cannot_serve_is_left_out(whom: Tenant, note: str) -> None:
    plan = Estate.of(whom).plan(serving({API: "1.0"}))

    assert only(plan, "wallet-api@Acme").reason is Reason.NOT_CONNECTED
    assert note in only(plan, "wallet-api@Acme").note
    assert not plan.has_work


def test_tags_of_one_set_are_alternatives_and_each_set_must_be_met() -> None:
    whom = Selection(tags=("Ring/Pilot", "ring/early", "Region/EU"))

    assert whom.means(tenant("A", "Ring/Early", "Region/EU"))
    assert not whom.means(tenant("B", "Ring/Pilot"))
    assert not NOBODY.means(ACME)


def test_a_tenant_is_named_by_name_or_id_and_an_unknown_one_is_told_with_its_new_name() -> None:
    asked = serving({API: "1.0"}, tenants=Selection(names=("acme", "Tenants-Beta", "Gone", "Old")))
    known = last(wallet_api__Old=line(tenant("New")))
    estate = Estate.of(ACME, BETA, tenant("New"))

    plan = estate.plan(asked, known)

    assert only(plan, "wallet-api@Acme").is_change
    assert only(plan, "wallet-api@Beta").is_change
    assert only(plan, "wallet-api@Gone").note == "Octopus shows no tenant 'Gone'"
    assert "Tenants-New is called 'New' now" in only(plan, "wallet-api@Old").note


def test_a_name_that_is_no_clean_line_gives_way_to_the_id() -> None:
    odd = tenant("\u202eAcme\n", id="Tenants-9")

    assert set(told(Estate.of(odd).plan(serving({API: "1.0"})))) == {"wallet-api@Tenants-9"}


# Pins.


def test_pins_are_looked_for_with_the_tenant_then_the_ring_then_the_environment() -> None:
    named = ring("acme", Selection(names=("Acme",)), wallet_api="3.0")
    pilot = ring("pilot", Selection(tags=("Kind/Customer",)), wallet_api="2.0", wallet_db="2.0")
    asked = serving({API: "1.0", DB: "1.0", SITE: "1.0"}, rings=(pilot, named))

    plan = Estate.of(ACME).plan(asked)

    assert [a.to_version for a in plan.actions] == ["1.0", "3.0", "2.0"]  # site, api, db


def test_a_component_that_only_a_ring_pins_has_cells_for_that_ring_alone() -> None:
    plan = Estate.of().plan(serving({API: "1.0"}, rings=(ring("pilot", PILOT, wallet_db="2.0"),)))

    assert set(told(plan)) == {"wallet-api@Acme", "wallet-api@Beta", "wallet-db@Beta"}


def test_rings_of_one_rank_that_differ_hold_the_cell_and_what_needs_it_and_both_are_named() -> None:
    one, two = ring("pilot", PILOT, wallet_db="2.0"), ring("all", EVERYONE, wallet_db="3.0")
    asked = serving({API: "1.0", DB: "1.0"}, component(API, DB), rings=(one, two))

    plan = Estate.of().plan(asked)

    torn = only(plan, "wallet-db@Beta")
    assert torn.reason is Reason.RING_CONFLICT
    assert "ring 'pilot' pins 2.0" in torn.note
    assert "ring 'all' pins 3.0" in torn.note
    assert only(plan, "wallet-db@Acme").to_version == "3.0"
    assert only(plan, "wallet-api@Beta").note == (
        "depends on wallet-db@Beta, which is held (ring-conflict)"
    )
    same = serving({DB: "1.0"}, rings=(one, ring("all", EVERYONE, wallet_db="2.0")))
    assert only(Estate.of().plan(same), "wallet-db@Beta").is_change


def test_a_ring_that_pins_what_serves_nobody_apart_is_told() -> None:
    asked = serving({DB: "1.0"}, rings=(ring("pilot", PILOT, wallet_db="2.0"),))

    action = only(Estate.of(shared=(DB,)).plan(asked), "wallet-db")

    assert action.reason is Reason.RING_CONFLICT
    assert "ring 'pilot'" in action.note


# Who joins and leaves.


def test_rule_5_a_tenant_that_comes_to_be_meant_without_a_commit_is_held_and_named() -> None:
    asked = serving({API: "2.0"})
    known = last(wallet_api__Acme=line(ACME))
    estate = Estate.of()
    estate.runs(API, "1.0", ACME)

    unasked = estate.plan(asked, known, joinable=False)
    by_commit = estate.plan(asked, known, joinable=True)

    assert only(unasked, "wallet-api@Acme").is_change
    assert only(unasked, "wallet-api@Beta").reason is Reason.NEW_TENANT
    assert only(by_commit, "wallet-api@Beta").is_change


def test_one_that_left_and_comes_back_is_new_again_and_its_last_line_stays() -> None:
    asked = serving({API: "1.0"})
    estate = Estate.of(ACME, tenant("Beta", connected={}))
    estate.runs(API, "1.0", ACME)
    known = last(wallet_api__Acme=line(ACME), wallet_api__Beta=line(BETA))

    after = capture(asked, estate.sees(asked, known), estate.state(), known, COMMIT)

    assert after.cells["wallet-api@Acme"].state == "settled"
    assert after.cells["wallet-api@Beta"] == line(BETA, state=LEFT, reached=None)
    back = Estate.of()
    assert only(back.plan(asked, after, joinable=False), "wallet-api@Beta").reason is (
        Reason.NEW_TENANT
    )


def test_a_tenant_that_is_not_meant_any_more_is_reported_and_never_touched() -> None:
    asked = serving({API: "1.0"}, tenants=Selection(names=("Acme",)))
    known = last(wallet_api__Acme=line(ACME), wallet_api__Beta=line(BETA))

    plan = Estate.of().plan(asked, known)

    assert only(plan, "wallet-api@Beta").reason is Reason.UNMANAGED


def test_a_renamed_tenant_keeps_what_was_reached_and_has_one_line() -> None:
    asked = serving({API: "1.0"})
    estate = Estate.of(tenant("Fresh", id=ACME.id))
    estate.runs(API, "1.0", ACME)

    seen = estate.sees(asked, last(wallet_api__Acme=line(ACME)), joinable=False)
    after = capture(asked, seen, estate.state(), last(wallet_api__Acme=line(ACME)), COMMIT)

    assert seen.cells["wallet-api@Fresh"].reached == Reached("1.0")
    assert list(after.cells) == ["wallet-api@Fresh"]


def test_rule_3_tenants_that_cannot_be_read_are_unobserved_and_stay_members() -> None:
    asked = serving({API: "1.0", DB: "1.0"})
    known = last(wallet_api__Acme=line(ACME))
    estate = Estate.of()

    seen = estate.sees(asked, known, fields={"tenants": None, "tenants_unread": "no permission"})
    after = capture(asked, seen, estate.state(), known, COMMIT)

    why = Unobserved("the tenants could not be read: no permission")
    assert {key: cell.sighting for key, cell in seen.cells.items()} == {
        "wallet-api@Acme": why,
        "wallet-db": why,
    }
    assert after.cells == {"wallet-api@Acme": line(ACME, state="unobserved")}


def test_rule_3_a_tenant_the_key_may_not_see_any_more_is_unobserved_not_gone() -> None:
    asked = serving({API: "1.0"})
    known = last(wallet_api__Acme=line(ACME), wallet_api__Beta=line(BETA))
    estate = Estate.of(ACME)

    partly = estate.sees(asked, known, fields={"permissions": may(*VIEWS)})

    assert isinstance(partly.cells["wallet-api@Beta"].sighting, Unobserved)
    assert "wallet-api@Beta" not in estate.sees(asked, known).cells


def test_rule_3_an_empty_square_of_a_tenant_the_dashboard_left_out_proves_nothing() -> None:
    estate = Estate.of()
    asked = serving({API: "1.0"})

    seen = estate.sees(asked, fields={"board_tenants": frozenset({ACME.id})})

    assert seen.cells["wallet-api@Acme"].sighting == NeverDeployed()
    assert seen.cells["wallet-api@Beta"].sighting == Unobserved(
        "the dashboard did not cover this tenant"
    )


def test_rule_3_a_key_limited_to_one_tenant_reads_that_one() -> None:
    estate = Estate.of()
    estate.runs(API, "1.0", ACME)
    limited = may(*VIEWS, tenants=frozenset({ACME.id}))

    seen = estate.sees(serving({API: "1.0"}), fields={"permissions": limited})

    assert isinstance(seen.cells["wallet-api@Acme"].sighting, Settled)
    assert isinstance(seen.cells["wallet-api@Beta"].sighting, Unobserved)


# Apart from each other.


def test_rule_16_only_tasks_of_the_same_tenant_stand_before_its_cell() -> None:
    estate = Estate.of()
    estate.octopus.active = [
        task(API, 70, tenant_id=ACME.id),
        task(API, 71, environment_id=None),
        task(API, 72),
    ]

    seen = estate.sees(serving({API: "1.0"}))

    running = {key: [one.id for one in cell.running] for key, cell in seen.cells.items()}
    assert running == {
        "wallet-api@Acme": ["ServerTasks-70", "ServerTasks-71"],
        "wallet-api@Beta": ["ServerTasks-71"],
    }


def test_an_intent_is_of_one_tenant_and_its_newest_deployment() -> None:
    estate = Estate.of()
    estate.runs(API, "0.9", BETA)
    newest = estate.runs(API, "1.0", ACME, state=TaskState.FAILED)
    asked = serving({API: "1.1"})
    seen = estate.sees(asked)

    intents = [intent_of(seen, action) for action in make_plan(asked, seen, COMMIT).changes]

    assert [(one.tenant, one.after) for one in intents if one is not None] == [
        (ACME.id, newest),
        (BETA.id, "Deployments-100"),
    ]


def test_waves_follow_the_tenant_and_what_serves_all_of_them() -> None:
    estate = Estate.of(shared=(SITE,))
    components = (component(DB), component(API, DB, SITE), component(SITE, DB))
    asked = serving({API: "1.0", DB: "1.0", SITE: "1.0"}, *components)

    waits = {a.cell: set(a.waits_for) for a in estate.plan(asked).changes}

    assert waits == {
        "wallet-db@Acme": set(),
        "wallet-db@Beta": set(),
        "site": {"wallet-db@Acme", "wallet-db@Beta"},
        "wallet-api@Acme": {"wallet-db@Acme", "site"},
        "wallet-api@Beta": {"wallet-db@Beta", "site"},
    }


def test_a_dependency_that_is_not_connected_or_not_pinned_is_looked_through() -> None:
    only_ends = {f"Projects-{n}": frozenset({ENVIRONMENT_ID}) for n in (DB, SITE)}
    estate = Estate.of(tenant("Acme", connected=only_ends), BETA)
    components = (component(DB), component(API, DB), component(SITE, API))
    connected = serving({API: "1.0", DB: "1.0", SITE: "1.0"}, *components)
    unpinned = serving({DB: "1.0", SITE: "1.0"}, *components)

    for asked in (connected, unpinned):
        assert only(estate.plan(asked), "site@Acme").waits_for == ("wallet-db@Acme",)


# Whatever the situation.

versions = st.sampled_from(["1.0", "1.1", "2.0"])
names = st.sampled_from([API, DB, SITE])


@st.composite
def situations(draw: st.DrawFn) -> tuple[DesiredState, Estate]:
    """An environment with rings, and a space in which some of it was deployed somehow."""
    shared = tuple(draw(st.sets(names, max_size=1)))
    estate = Estate.of(ACME, BETA, tenant("Gamma", "Ring/Pilot"), shared=shared)
    for name in draw(st.sets(names)):
        whom = (None,) if name in shared else [t for t in estate.tenants if draw(st.booleans())]
        for each in whom:
            state = draw(st.sampled_from([TaskState.SUCCESS, TaskState.FAILED]))
            estate.runs(name, draw(versions), each, state=state)
    components = (component(DB), component(API, DB), component(SITE, API))
    pins = {name: pin(draw(versions)) for name in sorted(draw(st.sets(names, min_size=1)))}
    if draw(st.booleans()):
        first = min(pins)
        pins[first] = replace(pins[first], hold=Until("CHG-7"))
    tenanted = [name for name in pins if name not in shared]
    pilot = {name.replace("-", "_"): draw(versions) for name in tenanted if draw(st.booleans())}
    asked = serving(pins, *components, rings=(ring("pilot", PILOT, **pilot),))
    return asked, estate


@settings(max_examples=40, deadline=None)
@given(situations())
def test_carrying_out_a_plan_for_tenants_leaves_nothing_to_do(
    case: tuple[DesiredState, Estate],
) -> None:
    asked, estate = case
    plan = estate.plan(asked)
    by_key = {one.key: one for one in estate.tenants}

    for action in plan.changes:
        whom = by_key.get(action.cell.partition("@")[2])
        estate.runs(action.component, action.to_version or "", whom)

    assert estate.plan(asked).changes == ()


@settings(max_examples=40, deadline=None)
@given(situations(), st.randoms())
def test_rule_2_no_order_of_pins_rings_tenants_or_squares_changes_a_plan(
    case: tuple[DesiredState, Estate], random: Any
) -> None:
    asked, estate = case
    first = estate.plan(asked)

    def mixed(values: Mapping[str, Any]) -> dict[str, Any]:
        return {key: values[key] for key in random.sample(sorted(values), len(values))}

    environment = asked.environment
    rings = tuple(replace(one, pins=mixed(one.pins)) for one in environment.rings)
    turned = replace(
        asked,
        environment=replace(environment, pins=mixed(environment.pins), rings=rings[::-1]),
        stack=replace(asked.stack, components=mixed(asked.stack.components)),
    )
    estate.tenants = tuple(random.sample(estate.tenants, len(estate.tenants)))
    octopus = estate.octopus
    octopus.attempts = {key: octopus.attempts[key] for key in reversed(octopus.attempts)}

    assert estate.plan(turned) == first
    assert estate.plan(turned).digest == first.digest


@settings(max_examples=40, deadline=None)
@given(situations(), st.builds(lambda first: ACME if first else BETA, st.booleans()))
def test_rule_3_a_plan_never_acts_for_a_tenant_it_has_not_seen(
    case: tuple[DesiredState, Estate], unseen: Tenant
) -> None:
    asked, estate = case
    seen = frozenset(one.id for one in estate.tenants) - {unseen.id}

    plan = estate.plan(asked, fields={"board_tenants": seen})

    assert not [a for a in plan.changes if a.cell.endswith(f"@{unseen.key}")]
    assert all(a.kind is not Kind.IGNORE for a in plan.changes)
    assert plan.read_at == NOON
