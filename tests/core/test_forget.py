"""Which lost machines are forgotten: rules 44 and 45, over values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.fleet import Cleanup, Fleet, Health, Sickness, Target, after_look
from reconciler.core.forget import Circumstances, Fate, to_forget, verdicts
from reconciler.core.policy import Forget, Machines

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = 24 * HOUR
HERE = "Environments-1"
RULES = Machines(forget=Forget.DELETE, grace_hours=24, per_pass=2, per_day=5)


def a_target(number: int = 1, health: Health = Health.UNAVAILABLE, **fields: object) -> Target:
    made = Target(
        id=f"Machines-{number}",
        name=f"api-{number}",
        environments=(HERE,),
        roles=("api",),
        thumbprint=f"AB{number}",
        policy_id="MachinePolicies-1",
        health=health,
        is_disabled=False,
        is_busy=False,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def well(*numbers: int) -> tuple[Target, ...]:
    return tuple(a_target(number, Health.HEALTHY) for number in numbers)


def sick(target: Target, lasted: timedelta = DAY) -> Sickness:
    """A machine that looks and checks have found lost for so long, until noon."""
    since = NOON - lasted
    return Sickness(target.id, target.thumbprint, since, NOON, since, NOON)


def a_fleet(*targets: Target, **fields: object) -> Fleet:
    cleanups = {"MachinePolicies-1": Cleanup.LEAVES}
    checked = {one.id: NOON for one in targets}
    return replace(Fleet(NOON, targets, checked=checked, cleanups=cleanups), **fields)  # type: ignore[arg-type]


def around(*ill: Sickness, **fields: object) -> Circumstances:
    made = Circumstances(HERE, RULES, {one.machine: one for one in ill}, agreeing=frozenset({HERE}))
    return replace(made, **fields)  # type: ignore[arg-type]


LOST = a_target(1)
FLEET = a_fleet(LOST, *well(2, 3, 4))


def fate(fleet: Fleet = FLEET, circumstances: Circumstances | None = None) -> Fate:
    """Return what becomes of machine 1."""
    found = verdicts(fleet, circumstances or around(sick(LOST)))
    return next(one.fate for one in found if one.target.id == LOST.id)


def test_rule_44_a_machine_lost_for_the_whole_grace_by_two_checks_is_forgotten() -> None:
    assert fate() is Fate.FORGET
    assert [one.target.name for one in to_forget(verdicts(FLEET, around(sick(LOST))))] == ["api-1"]


@pytest.mark.parametrize(
    ("circumstances", "expected"),
    [
        (around(), Fate.UNSEEN),
        (around(sick(LOST, DAY - timedelta(seconds=1))), Fate.NOT_YET),
        (around(replace(sick(LOST), last_check=NOON - DAY)), Fate.NOT_YET),
        (around(replace(sick(LOST), last_check=NOON - HOUR)), Fate.NOT_YET),
        (around(replace(sick(LOST), thumbprint="another")), Fate.UNSEEN),
        (around(sick(LOST), busy=frozenset({HERE})), Fate.BUSY),
        (around(sick(LOST), agreeing=frozenset()), Fate.SHARED),
        (around(sick(LOST), held="paused"), Fate.HELD),
        (around(sick(LOST), removed_today=5), Fate.OVER_LIMIT),
        (around(sick(LOST), rules=replace(RULES, forget=Forget.REPORT)), Fate.REPORTED),
        (around(sick(LOST), rules=replace(RULES, protected_roles=("API",))), Fate.PROTECTED),
        (around(sick(LOST), rules=replace(RULES, protected_machines=("Api-1",))), Fate.PROTECTED),
        (around(sick(LOST), rules=replace(RULES, protected_machines=("machines-1",))),
         Fate.PROTECTED),
    ],
)  # fmt: skip
def test_rule_44_each_thing_that_is_not_so_keeps_the_machine(
    circumstances: Circumstances, expected: Fate
) -> None:
    assert fate(circumstances=circumstances) is expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"health": Health.UNHEALTHY}, Fate.UNHEALTHY),
        ({"is_disabled": True}, Fate.DISABLED),
        ({"is_busy": True}, Fate.BUSY),
        ({"environments": (HERE, "Environments-2")}, Fate.SHARED),
        ({"policy_id": "MachinePolicies-2"}, Fate.CLEANED_BY_OCTOPUS),
    ],
)
def test_rule_44_what_octopus_says_of_the_machine_keeps_it(
    fields: dict[str, object], expected: Fate
) -> None:
    machine = a_target(1, **fields)  # type: ignore[arg-type]
    assert fate(a_fleet(machine, *well(2, 3, 4))) is expected


def test_what_its_machine_policy_deletes_by_itself_is_left_to_octopus() -> None:
    deletes = {"MachinePolicies-1": Cleanup.DELETES}
    assert fate(replace(FLEET, cleanups=deletes)) is Fate.CLEANED_BY_OCTOPUS
    assert fate(replace(FLEET, cleanups={})) is Fate.CLEANED_BY_OCTOPUS  # it cannot be told


def test_rule_44_what_was_not_read_whole_or_without_a_time_keeps_the_machine() -> None:
    assert fate(replace(FLEET, is_whole=False)) is Fate.UNSEEN
    assert fate(replace(FLEET, at=None)) is Fate.UNSEEN


@pytest.mark.parametrize(
    ("dead", "of_all", "is_outage"),
    [(2, 2, False), (2, 3, False), (3, 3, True), (3, 14, True), (3, 15, False), (4, 15, True),
     (4, 20, False), (5, 20, True), (20, 100, False), (21, 100, True)],
)  # fmt: skip
def test_rule_45_more_than_a_fifth_and_more_than_two_dead_machines_are_an_outage(
    dead: int, of_all: int, *, is_outage: bool
) -> None:
    ill = [a_target(number) for number in range(1, dead + 1)]
    fleet = a_fleet(*ill, *well(*range(dead + 1, of_all + 1)))
    found = verdicts(fleet, around(*map(sick, ill)))

    assert fleet.is_outage(HERE) is is_outage
    assert any(one.fate is Fate.FORGET for one in found) is not is_outage
    assert all(one.fate.is_alarm for one in found) is is_outage


def test_rule_45_an_outage_in_any_environment_of_the_machine_keeps_it() -> None:
    shared = a_target(1, environments=(HERE, "Environments-2"))
    dead = [a_target(n, Health.UNHEALTHY, environments=("Environments-2",)) for n in (5, 6)]
    both = around(sick(shared), agreeing=frozenset({HERE, "Environments-2"}))

    assert fate(a_fleet(shared, *well(2, 3)), both) is Fate.FORGET
    assert fate(a_fleet(shared, *well(2, 3), *dead), both) is Fate.OUTAGE


def test_rule_45_disabled_machines_are_neither_dead_nor_counted() -> None:
    disabled = [a_target(number, is_disabled=True) for number in range(2, 9)]
    found = verdicts(a_fleet(LOST, *disabled), around(sick(LOST)))

    assert {one.fate for one in found} == {Fate.FORGET, Fate.DISABLED}


def test_rule_44_the_limits_let_those_go_first_that_were_lost_longest() -> None:
    ill = [a_target(number) for number in (1, 2, 3)]
    lost = [sick(one, DAY + one_more * HOUR) for one_more, one in enumerate(ill)]
    fleet = a_fleet(*ill, *well(*range(4, 20)))

    assert [v.target.id for v in to_forget(verdicts(fleet, around(*lost)))] == [
        "Machines-3",
        "Machines-2",
    ]
    assert fate(fleet, around(*lost)) is Fate.OVER_LIMIT
    one_left = around(*lost, removed_today=4)
    assert [v.target.id for v in to_forget(verdicts(fleet, one_left))] == ["Machines-3"]


# --- looks in a row -----------------------------------------------------------------------------


def look(
    before: tuple[Sickness, ...],
    hours: float,
    health: Health = Health.UNAVAILABLE,
    **fields: object,
) -> tuple[Sickness, ...]:
    """Look at machine 1, so many hours after noon; Octopus has just checked it."""
    at = NOON + hours * HOUR
    machine = a_target(1, health, **fields)
    return after_look(before, Fleet(at, (machine,), checked={machine.id: at}), DAY)


def test_rule_44_a_machine_that_was_well_at_one_look_is_counted_anew() -> None:
    (ill,) = look(look(look((), 0), 12), 24)
    assert ill.lasted(DAY)

    assert look((ill,), 25, Health.HEALTHY) == ()
    (again,) = look(look((ill,), 25, Health.HEALTHY), 26)
    assert again.since == NOON + 26 * HOUR
    assert not again.lasted(DAY)


@pytest.mark.parametrize(
    ("hours", "fields"),
    [(24.1, {}), (-1, {}), (12, {"thumbprint": "another"})],
)
def test_rule_44_looks_that_are_no_row_begin_the_count_anew(
    hours: float, fields: dict[str, object]
) -> None:
    (ill,) = look(look((), 0), hours, **fields)  # type: ignore[arg-type]
    assert ill.since == NOON + hours * HOUR


def test_rule_44_many_looks_at_one_health_check_are_one_check() -> None:
    ill: tuple[Sickness, ...] = ()
    for hours in range(0, 40, 4):
        fleet = Fleet(NOON + hours * HOUR, (LOST,), checked={LOST.id: NOON})
        ill = after_look(ill, fleet, DAY)

    assert not ill[0].checks_differ
    assert not ill[0].lasted(DAY)


def test_rule_44_a_look_without_time_or_end_leaves_what_was_known() -> None:
    known = look((), 0)
    assert after_look(known, Fleet(None, ()), DAY) == known
    assert after_look(known, Fleet(NOON, (), is_whole=False), DAY) == known


def test_rule_44_a_check_that_is_made_while_we_look_is_not_counted_and_ends_no_row() -> None:
    fleet = Fleet(NOON, (LOST,), checked={LOST.id: NOON + timedelta(milliseconds=500)})
    assert after_look((), fleet, DAY) == ()

    (known,) = look((), -1)
    assert after_look((known,), fleet, DAY) == (known,)


HEALTHS = st.sampled_from(Health)
TARGETS = st.lists(
    st.builds(
        a_target,
        st.integers(1, 12),
        HEALTHS,
        is_disabled=st.booleans(),
        is_busy=st.booleans(),
        policy_id=st.sampled_from(["MachinePolicies-1", "MachinePolicies-2"]),
        environments=st.sampled_from([(HERE,), (HERE, "Environments-2"), ("Environments-2",)]),
    ),
    unique_by=lambda one: one.id,
    max_size=12,
)


@settings(max_examples=50, deadline=None)
@given(TARGETS, st.sets(st.integers(1, 12)), st.integers(0, 6), st.sampled_from(Forget))
def test_rule_44_whatever_a_look_shows_only_lost_machines_within_all_limits_are_forgotten(
    targets: list[Target], ill: set[int], today: int, forget: Forget
) -> None:
    fleet = a_fleet(*targets)
    lost = [sick(one) for one in targets if one.id in {f"Machines-{number}" for number in ill}]
    rules = replace(RULES, forget=forget)
    found = verdicts(fleet, around(*lost, removed_today=today, rules=rules))
    chosen = [one.target for one in found if one.fate is Fate.FORGET]

    unwell = [t for t in fleet.of(HERE) if t.is_disabled or t.health.looks_dead]
    assert sorted(one.target.id for one in found) == sorted(one.id for one in unwell)
    assert len(chosen) <= min(rules.per_pass, max(rules.per_day - today, 0))
    assert not chosen or forget is Forget.DELETE
    assert not chosen or not fleet.is_outage(HERE)
    assert {one.id for one in chosen} <= {one.machine for one in lost}
    for one in chosen:
        assert (one.health, one.is_disabled, one.is_busy) == (Health.UNAVAILABLE, False, False)
        assert (one.environments, one.policy_id) == ((HERE,), "MachinePolicies-1")
