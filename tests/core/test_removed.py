"""The list of removed machines: what it promises, and what Octopus tells of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.removed import KEPT, Registration, Removed, RemovedList, Stage, removed_path
from reconciler.errors import ManifestsInvalid
from reconciler.manifests.removed import parse_removed, render_removed

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def a_machine(number: int = 1, name: str = "api-1") -> Registration:
    return Registration(
        id=f"Machines-{number}",
        name=name,
        thumbprint="AB12",
        uri="https://api-1:10933/",
        environments=("Environments-1", "Environments-2"),
        roles=("api", "no"),
        participation="TenantedOrUntenanted",
        tenants=("Tenants-1",),
        tenant_tags=("Ring/Pilot",),
        policy="MachinePolicies-1",
        is_disabled=False,
        endpoint='{"CommunicationStyle":"TentaclePassive","Uri":"https://api-1:10933/"}',
    )


def a_removal(number: int = 1, stage: Stage = Stage.ASKED, hours: int = 0) -> Removed:
    at = NOON - timedelta(hours=hours)
    return Removed(a_machine(number), stage, at - timedelta(days=1), at, "4f" * 20)


RETURNED = replace(a_removal(2, Stage.RETURNED), who="bob", became="Machines-9")
LISTED = RemovedList("test", "1111", "Spaces-1", (a_removal(1), RETURNED))


def test_rule_46_the_list_is_read_as_it_was_written() -> None:
    assert parse_removed(render_removed(LISTED)) == LISTED
    empty = replace(LISTED, machines=())
    assert parse_removed(render_removed(empty)) == empty


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60), st.text(max_size=20), st.lists(st.text(max_size=10), max_size=3))
def test_rule_46_any_name_role_and_endpoint_comes_back_as_it_was(
    name: str, role: str, tags: list[str]
) -> None:
    encodable = [text.encode("utf-8", "replace").decode() for text in (name, role, *tags)]
    machine = replace(
        a_machine(), name=encodable[0], roles=(encodable[1],), tenant_tags=tuple(encodable[2:])
    )
    listed = replace(LISTED, machines=(replace(a_removal(), machine=machine),))

    assert parse_removed(render_removed(listed)) == listed


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("stage: asked", "stage: gone", "must be one of"),
        ('at: "2026-11-20T12:00:00Z"', 'at: "noon"', "expected a time"),
        ("disabled: false", "disabled: 0", "expected true or false"),
        ('roles: ["api", "no"]', 'roles: "api"', "expected a list of texts"),
        ("kind: RemovedMachines", "kind: Snapshot", "must be 'RemovedMachines'"),
        ("thumbprint:", "thumb:", "unknown field 'thumb'"),
    ],
)
def test_a_damaged_list_says_where(old: str, new: str, told: str) -> None:
    text = render_removed(LISTED).decode()
    assert old in text

    with pytest.raises(ManifestsInvalid) as refused:
        parse_removed(text.replace(old, new, 1).encode(), "machines/test.yaml")
    assert told in refused.value.lines[0]
    assert "machines/test.yaml" in refused.value.lines[0]


def test_what_octopus_tells_settles_only_what_was_asked_for() -> None:
    listed = replace(LISTED, machines=(a_removal(1), a_removal(2), a_removal(3)))
    told = listed.told({"Machines-1"}, {"Machines-2"})

    assert [(one.machine.id, one.stage) for one in told.machines] == [
        ("Machines-1", Stage.REMOVED),
        ("Machines-3", Stage.ASKED),
    ]
    assert [one.machine.id for one in told.unsettled] == ["Machines-3"]
    assert told.told(set(), {"Machines-1"}) == told


def test_rule_44_the_last_24_hours_are_counted_whatever_became_of_the_machine() -> None:
    machines = (a_removal(1, Stage.REMOVED, 24), a_removal(2, Stage.RETURNED, 23), a_removal(3))
    listed = replace(LISTED, machines=machines)

    assert listed.in_a_day(NOON) == 2
    assert listed.in_a_day(NOON - timedelta(hours=30)) == 3  # the clock ran back


def test_the_list_keeps_the_newest_and_each_machine_once() -> None:
    listed = replace(LISTED, machines=tuple(a_removal(n, Stage.REMOVED, 30) for n in range(KEPT)))
    more = listed.asked([a_removal(7), a_removal(KEPT)])

    assert len(more.machines) == KEPT
    assert [one.machine.id for one in more.machines[-2:]] == ["Machines-7", f"Machines-{KEPT}"]
    assert sum(one.machine.id == "Machines-7" for one in more.machines) == 1


def test_rule_44_a_limit_above_what_the_list_keeps_is_counted_all_the_same() -> None:
    day = tuple(a_removal(number, Stage.REMOVED, number % 20) for number in range(KEPT + 50))
    earlier = a_removal(9000, Stage.REMOVED, 30)
    asked = a_removal(9001, Stage.ASKED, 30)

    listed = RemovedList("test", "s", "Spaces-1", (earlier, asked)).asked(day)

    assert listed.in_a_day(NOON) == len(day)
    assert listed.machines == (asked, *day)


def test_a_machine_is_found_by_name_or_id_the_newest_first() -> None:
    listed = replace(LISTED, machines=(a_removal(1), a_removal(2)))

    assert [one.machine.id for one in listed.find("API-1")] == ["Machines-2", "Machines-1"]
    assert [one.machine.id for one in listed.find("machines-1")] == ["Machines-1"]
    assert listed.find("other") == ()


def test_each_environment_has_a_file_of_its_own() -> None:
    assert removed_path("production-uk") == "machines/production-uk.yaml"
