"""Lost machines over days: told, recorded, deleted, and registered again (rules 44 to 46)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from between import Between
from people import someone
from story import FILES, SEED, Story, git, story
from watching import daemon

from reconciler.core.act import DONE, ActVerb
from reconciler.core.condition import ConditionType
from reconciler.core.forget import Fate
from reconciler.core.pause import Pause, Scope
from reconciler.engine.returning import list_machines, restore_machine
from reconciler.errors import GateClosed, NotAllowed, RemoteUnreachable, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from reconciler.core.removed import Removed

HOUR = 3600.0
POLICY = FILES["policies/open.yaml"].replace(
    "{mode: apply}", "{mode: apply, machines: {forget: delete, graceHours: 24}}"
)
SPACE = FILES["spaces/shop.yaml"].replace(
    "deploy: {env: OCTOPUS_STORY_KEY}",
    "deploy: {env: OCTOPUS_STORY_KEY}, machines: {env: OCTOPUS_JANITOR_KEY}",
)
FLEET = ("api-1", "api-2", "api-3", "api-4", "api-5")


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """Five machines, a policy that forgets them after a day, and a key for just that."""
    seed = SEED.replace("users:\n", "users:\n  - {username: janitor, displayName: The Janitor}\n")
    files = {**FILES, "policies/open.yaml": POLICY, "spaces/shop.yaml": SPACE}
    with story(tmp_path, seed, files) as told:
        monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
        monkeypatch.setenv("OCTOPUS_JANITOR_KEY", told.octopus.key_of("janitor"))
        for permission in ("MachineView", "MachinePolicyView"):
            told.octopus.grant("reconciler", permission)
        for permission in ("MachineView", "MachineDelete"):
            told.octopus.grant("janitor", permission)
        for name in FLEET[1:]:
            told.octopus.add_machine(name, environments=["Test"], roles=["api"])
        yield told


def checked(world: Story, name: str, health: str = "Unavailable", hours: float = 0.0) -> None:
    """Let time pass, then let Octopus check a machine."""
    world.clock.turn(hours * HOUR)
    world.octopus.machine_is(name, health)


def machines(world: Story) -> set[str]:
    return {one["Name"] for one in world.administer("GET", "machines/all")}


async def fates(world: Story) -> dict[str, Fate]:
    """Look once, and return what becomes of each machine that is not well."""
    tending = (await world.plan()).tending
    assert tending is not None
    return {one.target.name: one.fate for one in tending.verdicts}


class Killed(BaseException):
    """The process is gone."""


async def lose(world: Story, *names: str, looks: tuple[float, ...] = (0, 23, 2)) -> None:
    """Let machines be lost for longer than the grace period, as looks and checks tell."""
    for hours in looks:
        world.clock.turn(hours * HOUR)
        for name in names:
            world.octopus.machine_is(name, "Unavailable")
        await fates(world)


async def test_rule_44_a_lost_machine_is_deleted_after_the_grace_and_a_second_check(
    fleet: Story,
) -> None:
    await fleet.accept()
    checked(fleet, "api-3")
    assert await fates(fleet) == {"api-3": Fate.NOT_YET}
    fleet.clock.turn(23 * HOUR)
    assert await fates(fleet) == {"api-3": Fate.NOT_YET}
    fleet.clock.turn(2 * HOUR)
    assert await fates(fleet) == {"api-3": Fate.NOT_YET}  # nobody has checked it again
    checked(fleet, "api-3")

    report = await fleet.apply()

    assert report.forgotten == 1
    assert machines(fleet) == {*FLEET} - {"api-3"}
    (asked,) = (one for one in fleet.octopus.requests if one.method == "DELETE")
    assert asked.username == "janitor"
    listed = fleet.audit("machines/test.yaml")
    assert 'name: "api-3", stage: removed' in listed
    assert 'roles: ["api"]' in listed
    assert fleet.octopus.running("api", "Test") == "1.0.0"
    assert (await fleet.apply()).forgotten == 0


@pytest.mark.proof
async def test_rule_44_a_machine_that_flaps_is_never_lost_for_long_enough(fleet: Story) -> None:
    await fleet.accept()
    for _ in range(3):
        await lose(fleet, "api-3", looks=(0, 20))
        checked(fleet, "api-3", "Healthy", hours=1)
        assert await fates(fleet) == {}
    checked(fleet, "api-3", hours=1)

    assert (await fleet.apply()).forgotten == 0
    assert machines(fleet) == {*FLEET}


@pytest.mark.proof
async def test_rule_44_a_store_that_is_lost_starts_the_count_over(fleet: Story) -> None:
    await fleet.accept()
    await lose(fleet, "api-3")
    assert await fates(fleet) == {"api-3": Fate.FORGET}

    tending = (await fleet.plan(store="another")).tending
    assert tending is not None
    assert [one.fate for one in tending.verdicts] == [Fate.NOT_YET]


@pytest.mark.proof
async def test_rule_44_a_machine_is_left_while_anything_is_deployed_in_its_environment(
    fleet: Story,
) -> None:
    await fleet.accept()
    await lose(fleet, "api-3")
    fleet.octopus.deploy("mail", "1.1.0", "Test", by="alice")

    assert await fates(fleet) == {"api-3": Fate.BUSY}
    assert (await fleet.apply()).forgotten == 0


@pytest.mark.proof
async def test_rule_44_a_task_that_begins_on_the_machine_meanwhile_keeps_it(fleet: Story) -> None:
    await fleet.accept()
    await lose(fleet, "api-3")
    busy = fleet.octopus.machine_id("api-3")
    health = {"Name": "Health", "Description": "x", "SpaceId": "Spaces-1"}

    def check(_: Any) -> None:
        fleet.administer("POST", "tasks", {**health, "Arguments": {"MachineIds": [busy]}})

    assert await applied_with(fleet, before=check) == 0
    assert machines(fleet) == {*FLEET}
    assert "api-3" not in fleet.audit("machines/test.yaml")  # it was not removed after all


async def test_rule_45_a_third_of_the_fleet_down_deletes_nothing_and_calls_a_person(
    fleet: Story,
) -> None:
    await fleet.accept()
    await lose(fleet, "api-2", "api-3", "api-4")
    async with daemon(fleet) as running:
        await running.settles(3)

        assert running.conditions() == {ConditionType.STALLED: "MachineOutage"}
        (told,) = running.supervisor.statuses["test"].conditions
        assert told.message.startswith("3 of 5 machines look dead at once: that is an outage")
    assert machines(fleet) == {*FLEET}
    assert fleet.audit_files("machines") == []


@pytest.mark.proof
async def test_rule_45_the_count_begins_anew_after_an_outage(fleet: Story) -> None:
    await fleet.accept()
    await lose(fleet, "api-2", "api-3", "api-4")
    checked(fleet, "api-2", "Healthy", hours=1)
    checked(fleet, "api-3", "Healthy")

    assert await fates(fleet) == {"api-4": Fate.NOT_YET}


@pytest.mark.proof
async def test_rule_45_an_outage_that_begins_between_record_and_request_stops_it(
    fleet: Story,
) -> None:
    await fleet.accept()
    await lose(fleet, "api-3")

    def dies(_: Any) -> None:
        for name in ("api-1", "api-2"):
            fleet.octopus.machine_is(name, "Unavailable")

    assert await applied_with(fleet, before=dies) == 0
    assert machines(fleet) == {*FLEET}


def unreachable(_: Any, entries: Any) -> Any:
    return tuple(RemoteUnreachable("the remote is away", hint="wait") for _ in entries)


async def applied_with(world: Story, before: Any) -> int:
    """Apply, letting something happen once the deletion is recorded and before it is sent."""
    calls: list[str] = []

    def publish(real: Any, entries: Any) -> Any:
        done = real(entries)
        if any("machines to forget" in entry.change.subject for entry in entries) and not calls:
            calls.append("recorded")
            before(done)
        return done

    world.wrap = lambda doors: _replaced(doors, publish)
    report = await world.apply()
    assert calls == ["recorded"]
    world.wrap = lambda doors: doors
    return report.forgotten


def _replaced(doors: Any, publish: Any) -> Any:
    return replace(doors, audit=Between(doors.audit, publish=publish))


async def test_rule_46_a_crash_between_record_and_request_is_taken_up_by_the_next_pass(
    fleet: Story,
) -> None:
    await fleet.accept()
    await lose(fleet, "api-3")

    def dies(_: Any) -> None:
        raise Killed

    with pytest.raises(Killed):
        await applied_with(fleet, before=dies)
    fleet.wrap = lambda doors: doors
    listed = fleet.audit("machines/test.yaml")
    assert 'name: "api-3", stage: asked' in listed  # on the remote before anything was asked
    assert machines(fleet) == {*FLEET}

    fleet.clock.turn(200)
    assert (await fleet.apply()).forgotten == 1
    assert machines(fleet) == {*FLEET} - {"api-3"}
    assert fleet.audit("machines/test.yaml").count("api-3") == listed.count("api-3")


@pytest.mark.proof
async def test_rule_46_a_deletion_whose_answer_is_lost_is_found_out_by_looking(
    fleet: Story,
) -> None:
    await fleet.accept()
    await lose(fleet, "api-3", "api-4")
    fleet.octopus.fault("lost_answer_after", method="DELETE", path="/machines/")

    assert (await fleet.apply()).forgotten == 2
    assert machines(fleet) == {*FLEET} - {"api-3", "api-4"}
    assert fleet.audit("machines/test.yaml").count("stage: removed") == 2
    deletes = [one for one in fleet.octopus.requests if one.method == "DELETE"]
    assert len(deletes) == 2


@pytest.mark.proof
async def test_rule_46_nothing_is_deleted_while_it_cannot_be_recorded(fleet: Story) -> None:
    await fleet.accept()
    await lose(fleet, "api-3")
    fleet.wrap = lambda doors: _replaced(doors, unreachable)

    report = await fleet.apply()

    assert report.forgotten == 0
    assert machines(fleet) == {*FLEET}


@pytest.mark.proof
async def test_rule_21_a_pause_between_record_and_request_keeps_the_machine(fleet: Story) -> None:
    await fleet.accept()
    await lose(fleet, "api-3")
    async with fleet.doors() as doors:
        pause = Pause(Scope.parse("test"), "ann@desk", fleet.clock.now(), "audit")
        assert await applied_with(fleet, before=lambda _: doors.journal.pause(pause)) == 0
        assert machines(fleet) == {*FLEET}
        assert await fates(fleet) == {"api-3": Fate.HELD}
        doors.journal.unpause(pause.scope, "ann@desk")
    assert (await fleet.apply()).forgotten == 1


@pytest.mark.proof
async def test_rule_29_without_a_credential_of_its_own_machines_are_only_told(
    fleet: Story,
) -> None:
    fleet.push({"spaces/shop.yaml": FILES["spaces/shop.yaml"]})
    await fleet.accept()
    await lose(fleet, "api-3")
    tending = (await fleet.plan()).tending

    assert tending is not None
    assert tending.verdicts[0].why == "no credential `machines` is there for Space shop"
    assert (await fleet.apply()).forgotten == 0


@pytest.mark.proof
async def test_a_policy_that_reports_names_lost_machines_and_leaves_them(fleet: Story) -> None:
    fleet.edit("policies/open.yaml", ("forget: delete", "forget: report"))
    await fleet.accept()
    await lose(fleet, "api-3")
    fleet.octopus.disable_machine("api-1")
    async with daemon(fleet) as running:
        await running.settles(3)

        assert running.conditions()[ConditionType.DEGRADED] == "MachinesUnwell"
        assert ConditionType.READY in running.conditions()
        told = running.supervisor.statuses["test"].conditions
        message = next(c.message for c in told if c.type is ConditionType.DEGRADED)
        assert message == "disabled: api-1; reported: api-3"


@pytest.mark.proof
async def test_where_no_policy_asks_for_it_no_machine_is_read(world: Story) -> None:
    await world.accept()
    await world.apply()

    assert not [one for one in world.octopus.requests if "/machines" in one.path]


@pytest.mark.proof
async def test_the_daemon_forgets_a_machine_though_nothing_else_changes(fleet: Story) -> None:
    await fleet.accept()
    async with daemon(fleet) as running:
        for _ in range(3):
            checked(fleet, "api-3", hours=12.5)
            await running.settles(2)
        assert machines(fleet) == {*FLEET} - {"api-3"}
        assert running.conditions() == {ConditionType.READY: "InSync"}


@pytest.mark.proof
async def test_what_octopus_deletes_by_its_own_policy_is_left_to_it(fleet: Story) -> None:
    await fleet.accept()
    (policy,) = fleet.administer("GET", "machinepolicies/all")
    policy["MachineCleanupPolicy"]["DeleteMachinesBehavior"] = "DeleteUnavailableMachines"
    fleet.administer("PUT", f"machinepolicies/{policy['Id']}", policy)
    await lose(fleet, "api-3")

    assert await fates(fleet) == {"api-3": Fate.CLEANED_BY_OCTOPUS}
    assert (await fleet.apply()).forgotten == 0


@pytest.mark.proof
async def test_rule_44_a_machine_of_two_environments_needs_the_word_of_both(fleet: Story) -> None:
    other = fleet.work / "environments/test.yaml"
    text = other.read_text().split("  components:")[0]
    text = text.replace("name: test", "name: production").replace(": Test", ": Production")
    fleet.octopus.add_machine("both", environments=["Test", "Production"], roles=["api"])
    await fleet.accept()
    await lose(fleet, "both")
    assert await fates(fleet) == {"both": Fate.SHARED}

    fleet.push({"environments/production.yaml": text})
    assert await fates(fleet) == {"both": Fate.SHARED}  # nobody has accepted it there

    await fleet.accept("production")
    assert await fates(fleet) == {"both": Fate.FORGET}


@pytest.mark.proof
@pytest.mark.parametrize(
    ("subject", "after", "is_there"),
    [
        ("machines to forget", False, True),
        ("machines to forget", True, True),
        ("machines forgotten", False, False),
        ("machines forgotten", True, False),
    ],
)
async def test_rule_46_wherever_a_removal_is_killed_it_is_recorded_first_and_done_once(
    fleet: Story, subject: str, *, after: bool, is_there: bool
) -> None:
    await fleet.accept()
    await lose(fleet, "api-3")

    def publish(real: Any, entries: Any) -> Any:
        meant = any(entry.change.subject.endswith(subject) for entry in entries)
        if meant and not after:
            raise Killed
        done = real(entries)
        if meant:
            raise Killed
        return done

    fleet.wrap = lambda doors: _replaced(doors, publish)
    with pytest.raises(Killed):
        await fleet.apply()
    fleet.wrap = lambda doors: doors
    listed = fleet.audit("machines/test.yaml") if fleet.audit_files("machines") else ""
    assert ("api-3" in machines(fleet)) is is_there
    assert is_there or "api-3" in listed  # what is gone was recorded before

    fleet.clock.turn(200)
    await fleet.apply()
    assert "api-3" not in machines(fleet)
    assert 'name: "api-3", stage: removed' in fleet.audit("machines/test.yaml")
    assert [one.method for one in fleet.octopus.requests].count("DELETE") == 1


@pytest.mark.proof
async def test_a_pass_that_was_reviewed_or_in_which_something_failed_forgets_nothing(
    fleet: Story,
) -> None:
    await fleet.accept()
    await lose(fleet, "api-3")
    digest = (await fleet.plan()).plan.digest
    assert (await fleet.apply(expect=digest)).forgotten == 0

    fleet.octopus.fail_next("mail", "1.1.0", "Test")
    fleet.pin(mail="1.1.0")
    report = await fleet.apply()
    assert (report.failed, report.forgotten) == (True, 0)
    assert machines(fleet) == {*FLEET}


@pytest.mark.proof
async def test_rule_46_nothing_is_deleted_while_the_list_cannot_be_read(fleet: Story) -> None:
    await forgotten(fleet)
    await lose(fleet, "api-4")
    clone = fleet.folder / "audit"
    git(fleet.folder, "clone", "-q", "-b", "audit", str(fleet.remote), str(clone))
    (clone / "machines/test.yaml").write_text("kind: RemovedMachines\n")
    git(clone, "commit", "-qam", "Break it")
    git(clone, "push", "-q")

    tending = (await fleet.plan()).tending
    assert tending is not None
    assert tending.unread.startswith("A RemovedMachines file on the audit branch cannot be read")
    assert (await fleet.apply()).forgotten == 0
    assert "api-4" in machines(fleet)


@pytest.mark.proof
async def test_rule_44_a_renamed_environment_keeps_its_list_and_its_limits(fleet: Story) -> None:
    fleet.edit("policies/open.yaml", ("graceHours: 24", "graceHours: 24, perDay: 1"))
    await forgotten(fleet)
    text = (fleet.work / "environments/test.yaml").read_text()
    renamed = text.replace("{name: test}", "{name: qa}").replace("spec:", "spec:\n  formerly: test")
    fleet.push({"environments/test.yaml": "", "environments/qa.yaml": renamed})
    for hours in (0, 12, 11.9):
        checked(fleet, "api-4", hours=hours)
        seen = (await fleet.plan("qa")).tending

    assert seen is not None
    assert [one.machine.name for one in seen.removed.machines] == ["api-3"]
    assert seen.removed.in_a_day(seen.removed.machines[0].at) == 1


# --- what people do -----------------------------------------------------------------------------


async def restored(world: Story, wanted: str, user: str = "alice") -> Removed:
    async with world.doors() as doors:
        return await restore_machine(doors, someone(world, user), "test", wanted)


async def forgotten(world: Story, name: str = "api-3") -> dict[str, Any]:
    """Let a machine be forgotten; return what Octopus had of it."""
    await world.accept()
    await lose(world, name)
    before = world.administer("GET", f"machines/{world.octopus.machine_id(name)}")
    assert (await world.apply()).forgotten == 1
    return before  # type: ignore[no-any-return]


async def test_rule_29_a_person_registers_a_machine_again_with_all_it_had(fleet: Story) -> None:
    fleet.octopus.grant("alice", "MachineCreate")
    before = await forgotten(fleet)
    posts = [one for one in fleet.octopus.requests if one.method == "POST"]

    done = await restored(fleet, "API-3")

    after = fleet.administer("GET", f"machines/{done.became}")
    same = ("Name", "EnvironmentIds", "Roles", "Thumbprint", "Uri", "MachinePolicyId", "Endpoint")
    assert {key: after[key] for key in same} == {key: before[key] for key in same}
    assert after["Id"] != before["Id"]
    made = [one for one in fleet.octopus.requests if one.method == "POST"][len(posts) :]
    assert [(one.username, one.path.rpartition("/")[2]) for one in made] == [("alice", "machines")]
    listed = fleet.audit("machines/test.yaml")
    assert "stage: returned" in listed
    assert 'who: "Alice Adams"' in listed
    async with fleet.doors() as doors:
        (act,) = doors.journal.acts("test")
        found = await list_machines(doors, "test")
    assert (act.verb, act.subject, act.outcome) == (ActVerb.RESTORE, before["Id"], DONE)
    assert found.tending.removed.machines[0].became == done.became
    with pytest.raises(GateClosed, match="was registered again as"):
        await restored(fleet, "api-3")


@pytest.mark.proof
async def test_rule_29_octopus_says_whether_that_person_may_register_it(fleet: Story) -> None:
    await forgotten(fleet)
    fleet.octopus.revoke("alice", "MachineCreate")

    with pytest.raises(NotAllowed):
        await restored(fleet, "api-3")
    assert "api-3" not in machines(fleet)
    assert "stage: removed" in fleet.audit("machines/test.yaml")
    with pytest.raises(NotAllowed, match="is a service account"):
        await restored(fleet, "api-3", "reconciler")


@pytest.mark.proof
async def test_rule_14_a_return_whose_answer_is_lost_is_found_and_asked_for_once(
    fleet: Story,
) -> None:
    fleet.octopus.grant("alice", "MachineCreate")
    await forgotten(fleet)
    fleet.octopus.fault("lost_answer_after", method="POST", path="/machines$")

    done = await restored(fleet, "api-3")

    assert done.became == fleet.octopus.machine_id("api-3")
    posts = [o for o in fleet.octopus.requests if (o.method, o.path[-9:]) == ("POST", "/machines")]
    assert len(posts) == 1


@pytest.mark.proof
async def test_a_name_that_is_taken_or_was_never_removed_is_refused(fleet: Story) -> None:
    await forgotten(fleet)
    fleet.octopus.add_machine("api-3", environments=["Test"], roles=["api"])

    with pytest.raises(GateClosed, match="is registered already"):
        await restored(fleet, "api-3")
    with pytest.raises(UsageError, match="no removed machine of test is called api-1"):
        await restored(fleet, "api-1")


@pytest.mark.proof
async def test_a_list_tells_of_machines_whatever_the_policy_says(world: Story) -> None:
    world.octopus.machine_is("api-1", "Unavailable")
    async with world.doors() as doors:
        found = await list_machines(doors, "test")

    (told,) = found.tending.verdicts
    assert (told.target.name, told.fate) == ("api-1", Fate.NOT_YET)
