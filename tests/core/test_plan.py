"""Every cell gets one action with a reason; what is planned is what a commit asks for."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import pytest
import rfc8785
from core_builders import (
    APPLY,
    BLIND,
    BOB,
    COMMIT,
    ENV,
    HEAL,
    HOUR,
    ME,
    NOON,
    SYSTEM,
    TAG,
    carried_out,
    cell,
    component,
    desired,
    observed,
    pin,
    settled,
    unsettled,
)
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.manifest import DesiredState, Pin, Until
from reconciler.core.plan import Action, Kind, Plan, Reason, make_plan
from reconciler.core.sighting import (
    NeverDeployed,
    ObservedCell,
    ObservedState,
    Sighting,
    Unobserved,
    Unsettled,
)
from reconciler.core.snapshot import Reached
from reconciler.core.version import Direction, direction

T = TypeVar("T")

OURS = {"made_by_id": ME, "comment": f"Reconciler: upgrade db. {TAG}"}


def choose(
    wanted: str | Pin, seen: ObservedCell, *, up_only: bool = False, suspend: Until | None = None
) -> Action:
    """The action for one cell."""
    name = seen.component
    state = desired({name: wanted}, component(name, up_only=up_only), suspend=suspend)
    (action,) = make_plan(state, observed(seen), COMMIT).actions
    return action


def planned(state: DesiredState, *cells: ObservedCell) -> dict[str, Action]:
    return {a.cell: a for a in make_plan(state, observed(*cells), COMMIT).actions}


# What a commit asks for.


def test_a_higher_pin_is_an_upgrade() -> None:
    action = choose("2.0", cell("db", settled("1.0"), "1.0"))

    assert (action.kind, action.reason) == (Kind.UPGRADE, Reason.NEW_PIN)
    assert (action.from_version, action.to_version, action.wave) == ("1.0", "2.0", 1)


def test_a_lower_pin_is_a_downgrade() -> None:
    action = choose("1.0", cell("db", settled("2.0"), "2.0"))

    assert (action.kind, action.reason, action.note) == (Kind.DOWNGRADE, Reason.NEW_PIN, "")


def test_a_downgrade_by_the_prerelease_alone_says_so() -> None:
    action = choose("2.0-rc.1", cell("db", settled("2.0"), "2.0"))

    assert action.kind is Kind.DOWNGRADE
    assert action.note == "only the prerelease part makes it lower"


def test_rule_8_versions_that_cannot_be_ordered_are_handled_like_a_downgrade() -> None:
    action = choose("2.0", cell("db", settled("not a\nversion!"), "1.0"))

    assert (action.kind, action.unknown_direction) == (Kind.DOWNGRADE, True)
    assert action.note == (
        "change of unknown direction: not a\\nversion! is no version we can order"
    )


def test_a_cell_that_runs_its_pin_is_in_sync() -> None:
    action = choose("2.0", cell("db", settled("2.0"), "2.0"))

    assert (action.kind, action.reason, action.wave) == (Kind.IGNORE, Reason.IN_SYNC, 0)


@pytest.mark.parametrize(("wanted", "runs"), [("1.0", "1.0.0.0"), ("v2.1", "2.1"), ("1-A", "1-a")])
def test_a_version_written_another_way_is_the_same_version(wanted: str, runs: str) -> None:
    assert choose(wanted, cell("db", settled(runs), runs)).reason is Reason.IN_SYNC


def test_another_build_of_an_equal_version_is_another_release() -> None:
    action = choose("1.2.0+8", cell("db", settled("1.2.0+7"), "1.2.0+7"))

    assert (action.kind, action.reason) == (Kind.REDEPLOY, Reason.NEW_PIN)
    assert action.note == "another release of an equal version"


def test_a_cell_that_never_ran_anything_is_deployed() -> None:
    action = choose("2.0", cell("db", NeverDeployed()))

    assert (action.kind, action.reason) == (Kind.UPGRADE, Reason.NOT_DEPLOYED)
    assert action.from_version is None


def test_a_raised_redeploy_counter_redeploys() -> None:
    action = choose(pin("2.0", redeploy=1), cell("db", settled("2.0"), "2.0"))

    assert (action.kind, action.reason) == (Kind.REDEPLOY, Reason.REDEPLOY)
    assert (action.from_version, action.to_version, action.redeploy) == ("2.0", "2.0", 1)


@pytest.mark.parametrize("reached", [None, Reached("2.0", 3), Reached("2.0", 2)])
def test_a_counter_that_was_not_raised_redeploys_nothing(reached: Reached | None) -> None:
    action = choose(pin("2.0", redeploy=2), cell("db", settled("2.0"), reached))

    assert action.reason is Reason.IN_SYNC


def test_a_raised_counter_asks_for_the_pin_over_what_a_person_deployed() -> None:
    action = choose(pin("2.0", redeploy=1), cell("db", settled("1.0"), "2.0"))

    assert (action.kind, action.reason) == (Kind.UPGRADE, Reason.NEW_PIN)


def test_a_pin_never_reached_is_new_however_long_it_stands() -> None:
    assert choose("2.0", cell("db", settled("1.0"))).reason is Reason.NEW_PIN


# What did not settle.


def test_an_unsettled_cell_is_redeployed_where_the_pin_is_its_last_success() -> None:
    action = choose("1.0", cell("db", unsettled("1.0", "2.0"), "2.0"))

    assert (action.kind, action.reason) == (Kind.REDEPLOY, Reason.UNSETTLED)
    assert action.note == "the last attempt, 2.0, ended failed"


def test_our_own_failed_attempt_is_undone_by_the_commit_that_takes_its_pin_back() -> None:
    action = choose("1.0", cell("db", unsettled("1.0", "2.0"), "1.0", **OURS))

    assert (action.kind, action.reason) == (Kind.REDEPLOY, Reason.UNSETTLED)


@pytest.mark.parametrize(
    ("wanted", "kind"), [("2.0", Kind.UPGRADE), ("0.9", Kind.DOWNGRADE), ("1.0", Kind.REDEPLOY)]
)
def test_an_unsettled_cell_moves_from_its_last_success(wanted: str, kind: Kind) -> None:
    action = choose(wanted, cell("db", unsettled("1.0", "2.0"), "0.5"))

    assert (action.kind, action.reason, action.from_version) == (kind, Reason.UNSETTLED, "1.0")


def test_a_cell_whose_first_attempt_failed_is_deployed_from_nothing() -> None:
    action = choose("2.0", cell("db", unsettled(None, "2.0")))

    assert (action.kind, action.reason) == (Kind.UPGRADE, Reason.UNSETTLED)
    assert action.from_version is None


@pytest.mark.parametrize(
    "made", [{"made_by_id": BOB}, {**OURS, "made_by_id": BOB}, {"made_by_id": BOB, "comment": TAG}]
)
def test_an_attempt_of_a_person_that_failed_is_not_fought(made: dict[str, str]) -> None:
    action = choose("1.0", cell("db", unsettled("1.0", "2.0"), "1.0", **made))

    assert (action.kind, action.reason) == (Kind.IGNORE, Reason.HELD_BY_HAND)


def test_an_attempt_of_our_account_without_the_tag_is_not_the_reconcilers() -> None:
    seen = cell("db", unsettled("1.0", "2.0"), "1.0", made_by_id=ME, comment="by script")

    assert choose("1.0", seen).reason is Reason.DRIFT_LEFT


# What nobody asked for.


def test_drift_by_a_person_is_held_and_says_who_when_and_why() -> None:
    seen = cell("db", settled("1.9"), "2.0", comment="hotfix for \x1b[31mCHG-7\nsee chat")

    action = choose("2.0", seen)

    assert (action.kind, action.reason) == (Kind.IGNORE, Reason.HELD_BY_HAND)
    assert action.note == (
        "by Bob Builder at 2026-11-20 11:00Z: hotfix for \\x1b[31mCHG-7\\nsee chat"
    )


def test_drift_by_a_person_ends_with_the_next_commit() -> None:
    action = choose("2.1", cell("db", settled("1.9"), "2.0"))

    assert (action.kind, action.reason) == (Kind.UPGRADE, Reason.NEW_PIN)


@pytest.mark.parametrize(
    "made", [OURS, {"made_by_id": SYSTEM}, {"made_by": "", "made_by_id": ""}, {"newest": "D-2"}]
)
def test_drift_that_no_person_made_is_left_and_names_nobody(made: dict[str, str]) -> None:
    action = choose("2.0", cell("db", settled("1.9"), "2.0", **made))

    assert (action.kind, action.reason) == (Kind.IGNORE, Reason.DRIFT_LEFT)
    assert action.note == "no commit asks for it"


@pytest.mark.parametrize("runs", ["2.5", "not a version!"])
@pytest.mark.parametrize("made", [OURS, {"made_by_id": SYSTEM}, {"made_by_id": BOB}])
def test_rule_9_a_downgrade_that_no_new_commit_asks_for_is_never_made(
    runs: str, made: dict[str, str]
) -> None:
    assert not choose("2.0", cell("db", settled(runs), "2.0", **made)).is_change


# What is healed.

BY_OCTOPUS = {"made_by": "System", "made_by_id": SYSTEM}


def heal(wanted: str, seen: ObservedCell, *, up_only: bool = False) -> Action:
    """The action for one cell where the policy heals."""
    name = seen.component
    state = desired({name: wanted}, component(name, up_only=up_only), policy=HEAL)
    (action,) = make_plan(state, observed(seen), COMMIT).actions
    return action


@pytest.mark.parametrize("up_only", [False, True])
@pytest.mark.parametrize(
    ("runs", "kind"),
    [
        (settled("1.9"), Kind.UPGRADE),
        (settled("2.0+7"), Kind.REDEPLOY),
        (unsettled("2.0", "1.9"), Kind.REDEPLOY),
        (unsettled("2.0", "2.0", "partial"), Kind.REDEPLOY),
        (unsettled("1.8", "1.9"), Kind.UPGRADE),
        (unsettled(None, "1.9"), Kind.UPGRADE),
    ],
)
def test_drift_that_octopus_made_is_healed_and_says_when(
    runs: Sighting, kind: Kind, *, up_only: bool
) -> None:
    action = heal("2.0", cell("db", runs, "2.0", **BY_OCTOPUS), up_only=up_only)

    assert (action.kind, action.reason, action.to_version) == (kind, Reason.DRIFT, "2.0")
    assert action.note == "by System at 2026-11-20 11:00Z"


def test_drift_by_a_person_is_held_where_other_drift_is_healed() -> None:
    action = heal("2.0", cell("db", settled("1.9"), "2.0"))

    assert (action.kind, action.reason) == (Kind.IGNORE, Reason.HELD_BY_HAND)


@pytest.mark.parametrize(
    "made", [OURS, {"made_by": "", "made_by_id": ""}, {**BY_OCTOPUS, "newest": "D-2"}]
)
def test_rule_11_drift_is_left_where_nothing_shows_who_brought_it(made: dict[str, str]) -> None:
    action = heal("2.0", cell("db", settled("1.9"), "2.0", **made))

    assert (action.kind, action.reason) == (Kind.IGNORE, Reason.DRIFT_LEFT)
    assert action.note == "not healed: nothing shows that Octopus brought it by itself"


@pytest.mark.parametrize(
    ("runs", "why"),
    [
        (settled("2.5"), "2.5 is higher, and no commit asks for a downgrade"),
        (unsettled("2.0", "2.5"), "2.5 is higher, and no commit asks for a downgrade"),
        (unsettled("2.5", "2.0"), "2.5 is higher, and no commit asks for a downgrade"),
        (
            settled("2.0-rc.2"),
            "2.0-rc.2 is higher (by its prerelease part), and no commit asks for a downgrade",
        ),
        (settled("not a version!"), "not a version! cannot be compared with 2.0-rc.1"),
        (unsettled("2.0-rc.1", "what?"), "what? cannot be compared with 2.0-rc.1"),
    ],
)
def test_rule_9_drift_upwards_or_of_unknown_direction_is_left_and_says_why(
    runs: Sighting, why: str
) -> None:
    wanted = "2.0-rc.1" if "rc.1" in why or "rc.2" in why else "2.0"
    action = heal(wanted, cell("db", runs, wanted, **BY_OCTOPUS))

    assert (action.kind, action.reason) == (Kind.IGNORE, Reason.DRIFT_LEFT)
    assert action.note == f"not healed: {why}"


def test_a_raised_pin_is_new_and_no_drift_where_drift_is_healed() -> None:
    action = heal("2.1", cell("db", settled("1.9"), "2.0", **BY_OCTOPUS))

    assert (action.kind, action.reason) == (Kind.UPGRADE, Reason.NEW_PIN)


def test_rule_5_what_left_the_manifests_is_named_and_left_alone() -> None:
    state = desired({"api": "1.0"})
    now = observed(cell("api", settled("1.0"), "1.0"), unmanaged=(("db", "3.0"),))

    plan = make_plan(state, now, COMMIT)

    gone = plan.actions[1]
    assert (gone.cell, gone.kind, gone.reason) == ("db", Kind.IGNORE, Reason.UNMANAGED)
    assert (gone.from_version, gone.to_version) == ("3.0", None)
    assert not plan.has_work


def test_rule_5_an_emptied_environment_changes_nothing() -> None:
    plan = make_plan(desired({}), observed(unmanaged=(("api", "1.0"), ("db", "3.0"))), COMMIT)

    assert [a.reason for a in plan.actions] == [Reason.UNMANAGED, Reason.UNMANAGED]
    assert plan.changes == ()


# Up-only, held, suspended.


def test_an_up_only_component_never_goes_down() -> None:
    action = choose("1.0", cell("db", settled("2.0"), "2.0"), up_only=True)

    assert (action.kind, action.reason) == (Kind.IGNORE, Reason.UP_ONLY)
    assert action.note == "up-only: 2.0 is higher"


@pytest.mark.parametrize("wanted", ["1.0", "1.5"])
@pytest.mark.parametrize("last", ["1.0", None])
def test_an_up_only_component_stays_above_an_attempt_that_failed(
    wanted: str, last: str | None
) -> None:
    action = choose(wanted, cell("db", unsettled(last, "2.0"), "0.9"), up_only=True)

    assert (action.kind, action.reason) == (Kind.IGNORE, Reason.UP_ONLY)


def test_an_up_only_component_goes_up() -> None:
    assert choose("2.0", cell("db", settled("1.0"), "1.0"), up_only=True).kind is Kind.UPGRADE


def test_an_up_only_component_is_tried_again_at_the_version_that_failed() -> None:
    action = choose("2.0", cell("db", unsettled("1.0", "2.0"), "1.0"), up_only=True)

    assert (action.kind, action.reason) == (Kind.UPGRADE, Reason.UNSETTLED)


def test_rule_8_an_up_only_component_does_not_move_in_an_unknown_direction() -> None:
    action = choose("2.0", cell("db", settled("not a version!"), "1.0"), up_only=True)

    assert (action.kind, action.reason) == (Kind.IGNORE, Reason.UNKNOWN_DIRECTION)
    assert action.note == "up-only, and not a version! cannot be compared with 2.0"


def test_a_held_pin_is_left_alone_and_says_why() -> None:
    held = pin("2.0", hold=Until("CHG-1301\nwait", NOON + HOUR))

    action = choose(held, cell("db", settled("1.0"), "1.0"))

    assert (action.kind, action.reason, action.note) == (
        Kind.IGNORE, Reason.HELD, "CHG-1301\\nwait",
    )  # fmt: skip


@pytest.mark.parametrize("until", [NOON, NOON - HOUR])
def test_rule_2_a_hold_ends_at_its_time_judged_by_the_time_of_reading(until: datetime) -> None:
    held = pin("2.0", hold=Until("CHG-1301", until))

    assert choose(held, cell("db", settled("1.0"), "1.0")).kind is Kind.UPGRADE


def test_a_suspended_environment_changes_nothing() -> None:
    suspend = Until("year-end", NOON + HOUR)

    action = choose("2.0", cell("db", NeverDeployed()), suspend=suspend)

    assert (action.reason, action.note) == (Reason.SUSPENDED, "year-end")


def test_a_suspension_without_an_end_stands_and_one_that_has_ended_does_not() -> None:
    seen = cell("db", NeverDeployed())

    assert choose("2.0", seen, suspend=Until("", None)).reason is Reason.SUSPENDED
    assert choose("2.0", seen, suspend=Until("", NOON)).is_change


# What could not be read.


def test_rule_3_a_cell_that_could_not_be_read_is_not_deployed_to() -> None:
    action = choose("2.0", cell("db", Unobserved("403 for ever")))

    assert (action.kind, action.reason, action.note) == (
        Kind.IGNORE, Reason.UNOBSERVED, "403 for ever",
    )  # fmt: skip


def test_rule_3_what_depends_on_an_unread_cell_waits_through_the_unchanged() -> None:
    stack = (component("db"), component("api", "db"), component("ui", "api"), component("other"))
    state = desired({"db": "2.0", "api": "1.0", "ui": "2.0", "other": "2.0"}, *stack)

    actions = planned(
        state,
        cell("db", BLIND),
        cell("api", settled("1.0"), "1.0"),
        cell("ui", settled("1.0"), "1.0"),
        cell("other", settled("1.0"), "1.0"),
    )

    assert actions["ui"].reason is Reason.UNOBSERVED
    assert actions["ui"].note == "depends on db, which could not be read"
    assert actions["other"].kind is Kind.UPGRADE


def test_rule_3_what_an_unread_cell_needs_goes_up_but_not_down() -> None:
    stack = (component("db"), component("api", "db"))

    def db(version: str) -> Action:
        state = desired({"db": version, "api": "1.0"}, *stack)
        return planned(state, cell("db", settled("2.0"), "2.0"), cell("api", BLIND))["db"]

    assert db("3.0").kind is Kind.UPGRADE
    assert (db("1.0").reason, db("1.0").note) == (
        Reason.UNOBSERVED, "goes down, and api, which depends on it, could not be read",
    )  # fmt: skip


# Order.


def test_changes_wait_for_what_they_need() -> None:
    stack = (component("db"), component("api", "db"), component("ui", "api"))
    state = desired({"db": "2.0", "api": "1.0", "ui": "2.0"}, *stack)
    cells = [cell(name, settled("1.0"), "1.0") for name in ("db", "api", "ui")]

    plan = make_plan(state, observed(*cells), COMMIT)

    assert [(a.cell, a.wave, a.waits_for) for a in plan.changes] == [
        ("db", 1, ()),
        ("ui", 2, ("db",)),
    ]


def test_downgrades_go_in_reverse_and_mixed_directions_are_named() -> None:
    stack = (component("db"), component("api", "db"), component("ui", "api"))
    cells = [cell(name, settled("2.0"), "2.0") for name in ("db", "api", "ui")]

    def plan(**pins: str) -> Plan:
        return make_plan(desired(pins, *stack), observed(*cells), COMMIT)

    down, both = plan(db="1", api="1", ui="1"), plan(db="1", api="2.0", ui="3")

    assert [a.cell for a in down.changes] == ["ui", "api", "db"]
    assert both.mixed == {"db", "ui"}


# The digest.


def test_the_digest_covers_what_changes_and_nothing_else() -> None:
    state = desired({"db": "2.0", "api": pin("1.0", redeploy=1), "ui": "1.0"})
    cells = [cell(name, settled("1.0"), "1.0") for name in ("db", "api", "ui")]

    plan = make_plan(state, observed(*cells), COMMIT)

    changes: Any = [
        {"cell": f"{ENV}/api", "from": "1.0", "to": "1.0", "redeploy": 1, "machines": []},
        {"cell": f"{ENV}/db", "from": "1.0", "to": "2.0", "redeploy": 0, "machines": []},
    ]
    assert plan.digest == hashlib.sha256(rfc8785.dumps(changes)).hexdigest()


def test_the_digest_covers_the_machines_that_a_change_goes_to() -> None:
    state = desired({"ui": pin("1.0", redeploy=1)})
    plan = make_plan(state, observed(cell("ui", settled("1.0"), "1.0")), COMMIT)
    (action,) = plan.changes

    one = replace(plan, actions=(action._replace(machines=("Machines-1",)),))
    both = replace(plan, actions=(action._replace(machines=("Machines-1", "Machines-2")),))

    assert len({plan.digest, one.digest, both.digest}) == 3


def test_the_digest_of_a_plan_without_work_is_that_of_nothing() -> None:
    plan = make_plan(desired({"ui": "1.0"}), observed(cell("ui", settled("1.0"))), COMMIT)

    assert plan.digest == hashlib.sha256(b"[]").hexdigest()


# Whatever the situation.

NAMES = [f"c{n}" for n in range(6)]
# Few versions, so that equal and crossing ones are drawn often; the last two only Octopus shows.
PINNED = ["1.0", "1.0.0", "1.5", "2.0-rc.1", "2.0", "2.0+8"]
SEEN = [*PINNED, "not a version!", "1.0.1beta"]

reached = st.none() | st.builds(Reached, st.sampled_from(PINNED), st.integers(0, 2))
sightings = st.one_of(
    st.just(NeverDeployed()),
    st.just(BLIND),
    st.builds(settled, st.sampled_from(SEEN)),
    st.builds(
        unsettled,
        st.none() | st.sampled_from(SEEN),
        st.sampled_from(SEEN),
        st.sampled_from(["failed", "canceled", "partial"]),
    ),
)
makers = st.sampled_from([{"made_by_id": BOB}, OURS, {"made_by_id": SYSTEM}, {"newest": "D-2"}])
untils = st.none() | st.builds(Until, st.just("why"), st.sampled_from([None, NOON, NOON + HOUR]))
pins = st.builds(pin, st.sampled_from(PINNED), st.integers(0, 2), untils)
Situation = tuple[DesiredState, ObservedState]


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """An environment in any state, with an order of its components that has no cycle."""
    count = draw(st.integers(1, len(NAMES)))
    stack = [
        component(
            name,
            *sorted(draw(st.sets(st.sampled_from(NAMES[:n]), max_size=2)) if n else ()),
            up_only=draw(st.booleans()),
        )
        for n, name in enumerate(NAMES[:count])
    ]
    cells = [cell(name, draw(sightings), draw(reached), **draw(makers)) for name in NAMES[:count]]
    suspend = draw(st.sampled_from([None, None, None, Until("stop", NOON + HOUR)]))
    wanted = {name: draw(pins) for name in NAMES[:count]}
    policy = draw(st.sampled_from([APPLY, HEAL]))
    return desired(wanted, *stack, suspend=suspend, policy=policy), observed(*cells)


def ancestors(state: DesiredState, name: str) -> set[str]:
    found = set(state.stack.components[name].after)
    return found.union(*(ancestors(state, before) for before in found))


@given(situations())
def test_carrying_out_a_plan_leaves_nothing_to_do(now: Situation) -> None:
    state, seen = now
    plan = make_plan(state, seen, COMMIT)

    after = make_plan(state, carried_out(seen, plan), COMMIT)

    assert not after.has_work
    in_sync = {a.cell for a in after.actions if a.reason is Reason.IN_SYNC}
    assert {a.cell for a in plan.changes} <= in_sync


@given(situations())
def test_every_pinned_cell_gets_exactly_one_action(now: Situation) -> None:
    state, seen = now
    plan = make_plan(state, seen, COMMIT)

    assert [a.cell for a in plan.actions] == sorted(state.environment.pins)
    for action in plan.actions:
        assert action.is_change == (action.wave > 0)
        assert action.is_change == (action.reason in CHANGING)
        assert action.is_change or not action.waits_for
        assert list(action.waits_for) == sorted(action.waits_for)


CHANGING = {
    Reason.NEW_PIN, Reason.NOT_DEPLOYED, Reason.DRIFT, Reason.REDEPLOY, Reason.UNSETTLED,
}  # fmt: skip


def turned(named: Mapping[str, T]) -> dict[str, T]:
    return dict(reversed(list(named.items())))


@given(situations())
def test_rule_2_the_order_in_which_things_are_named_never_matters(now: Situation) -> None:
    state, seen = now
    plan = make_plan(state, seen, COMMIT)

    other = make_plan(
        replace(
            state,
            environment=replace(state.environment, pins=turned(state.environment.pins)),
            stack=replace(state.stack, components=turned(state.stack.components)),
        ),
        replace(seen, cells=turned(seen.cells)),
        COMMIT,
    )

    assert repr(other.actions).encode() == repr(plan.actions).encode()
    assert (other, other.digest) == (plan, plan.digest)


@given(situations())
def test_rule_3_neither_an_unread_cell_nor_what_depends_on_it_changes(now: Situation) -> None:
    state, seen = now
    blind = {n for n, c in seen.cells.items() if isinstance(c.sighting, Unobserved)}

    for action in make_plan(state, seen, COMMIT).changes:
        assert not ({action.cell} | ancestors(state, action.cell)) & blind
        if action.kind is Kind.DOWNGRADE:
            assert not any(action.cell in ancestors(state, name) for name in blind)


@given(situations())
def test_rule_9_whatever_goes_down_was_asked_for_by_a_commit(now: Situation) -> None:
    state, seen = now
    for action in make_plan(state, seen, COMMIT).changes:
        wanted, before = state.environment.pins[action.cell], seen.cells[action.cell]
        asked = before.reached is None or before.reached != Reached(wanted.version, wanted.redeploy)
        ours = before.made_by_id == ME and before.reached is not None
        healed = action.reason is Reason.DRIFT and action.kind is not Kind.DOWNGRADE
        assert asked or ours or healed or isinstance(before.sighting, NeverDeployed)


@given(situations())
def test_rule_9_healing_puts_nothing_below_what_runs_or_may_partly_run(now: Situation) -> None:
    state, seen = now
    for action in make_plan(state, seen, COMMIT).changes:
        if action.reason is Reason.DRIFT:
            runs = seen.cells[action.cell].sighting
            attempted = [runs.attempted] if isinstance(runs, Unsettled) else []
            for version in (action.from_version, *attempted):
                way = direction(version or action.to_version, action.to_version)
                assert way in {Direction.UP, Direction.SAME}


@given(situations())
def test_healing_adds_what_octopus_brought_by_itself_and_nothing_else(now: Situation) -> None:
    state, seen = now
    left = make_plan(replace(state, policy=APPLY), seen, COMMIT)
    healed = make_plan(replace(state, policy=HEAL), seen, COMMIT)

    before = {a.cell: a for a in left.actions}
    for action in healed.actions:
        was = before[action.cell]
        if action.reason is Reason.DRIFT:
            assert was.reason is Reason.DRIFT_LEFT
            assert seen.cells[action.cell].made_by_id == SYSTEM
        elif was.reason is not Reason.DRIFT_LEFT:
            assert (action.kind, action.reason) == (was.kind, was.reason)


@given(situations())
def test_no_up_only_component_ever_goes_down(now: Situation) -> None:
    state, seen = now
    for action in make_plan(state, seen, COMMIT).changes:
        if state.stack.components[action.cell].up_only:
            assert action.kind is not Kind.DOWNGRADE


@given(situations())
def test_a_held_or_suspended_cell_never_changes(now: Situation) -> None:
    state, seen = now
    for action in make_plan(state, seen, COMMIT).changes:
        hold = state.environment.pins[action.cell].hold
        assert hold is None or not hold.in_force(seen.read_at)
        assert state.environment.suspend is None


def covered(plan: Plan) -> set[tuple[str, str | None, str | None, int]]:
    return {(a.cell, a.from_version, a.to_version, a.redeploy) for a in plan.changes}


@given(situations(), situations())
def test_equal_digests_mean_equal_changes(one: Situation, other: Situation) -> None:
    plan, second = make_plan(*one, COMMIT), make_plan(*other, COMMIT)

    assert (plan.digest == second.digest) == (covered(plan) == covered(second))


@given(situations())
def test_the_digest_outlives_the_commit_and_the_time_of_reading(now: Situation) -> None:
    state, seen = now
    plan = make_plan(state, seen, COMMIT)

    assert replace(plan, commit="5e" * 20, read_at=NOON - HOUR).digest == plan.digest
    assert replace(plan, actions=plan.changes, mixed=frozenset()).digest == plan.digest
    stricter = replace(state, policy=replace(state.policy, protected=True))
    assert make_plan(stricter, seen, "x").digest == plan.digest
