"""What an environment's machines make of its conditions."""

from datetime import UTC, datetime

from core_builders import cell, desired, observed, settled

from reconciler.core.condition import REASONS, ConditionType, conditions_of
from reconciler.core.fleet import Health, Target
from reconciler.core.forget import Fate, Verdict
from reconciler.core.plan import make_plan
from reconciler.core.unwell import machine_conditions

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def a_verdict(number: int, fate: Fate, why: str = "it is so") -> Verdict:
    name, health = f"api-{number}", Health.UNAVAILABLE
    target = Target(
        f"Machines-{number}", name, ("E-1",), ("api",), "AB", "P-1", health, False, False
    )
    return Verdict(target, fate, why)


def test_machines_that_are_well_or_not_looked_at_make_no_condition() -> None:
    assert machine_conditions((), "", NOON) == ()


def test_each_fate_names_its_machines_a_few_of_many() -> None:
    found = [a_verdict(n, Fate.NOT_YET) for n in range(5)]
    (told,) = machine_conditions((a_verdict(7, Fate.DISABLED), *found), "", NOON)

    assert (told.type, told.reason) == (ConditionType.DEGRADED, "MachinesUnwell")
    assert told.message == "disabled: api-7; not-yet: api-0, api-1, api-2 and 2 more"
    assert told.reason in REASONS[told.type]


def test_rule_45_an_outage_is_stalled_because_a_person_is_called() -> None:
    found = (a_verdict(1, Fate.OUTAGE, "3 of 5"), a_verdict(2, Fate.DISABLED))
    alarm, beside = machine_conditions(found, "", NOON)

    assert (alarm.type, alarm.reason) == (ConditionType.STALLED, "MachineOutage")
    assert alarm.message == "3 of 5; none is forgotten: api-1"
    assert (beside.type, beside.message) == (ConditionType.DEGRADED, "disabled: api-2")
    assert alarm.reason in REASONS[alarm.type]


def test_ready_stands_beside_machines_that_are_not_well_and_not_beside_an_outage() -> None:
    one = cell("api", settled("2.0"), reached="2.0")
    plan = make_plan(desired({"api": "2.0"}), observed(one), "4f" * 20)
    unwell = machine_conditions((a_verdict(1, Fate.NOT_YET),), "", NOON)
    outage = machine_conditions((a_verdict(1, Fate.OUTAGE),), "", NOON)
    unread = machine_conditions((), "no answer", NOON)

    def kinds(beside: tuple) -> set[ConditionType]:  # type: ignore[type-arg]
        return {one.type for one in conditions_of(plan, (), (), NOON, beside=beside)}

    assert kinds(unwell) == kinds(unread) == {ConditionType.DEGRADED, ConditionType.READY}
    assert kinds(outage) == {ConditionType.STALLED}
