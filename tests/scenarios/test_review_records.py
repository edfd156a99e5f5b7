"""Attempts on what is kept: receipts, state and snapshot, leases, policies, secrets."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from between import Between, at_audit, at_octopus, nobody
from story import git

from reconciler.core.acceptance import AuditState
from reconciler.core.gate import GateName
from reconciler.core.plan import Reason
from reconciler.engine.apply import Done
from reconciler.engine.events import Launched, Said
from reconciler.engine.receipts import verify_receipts
from reconciler.engine.snapshot import snapshot_environment
from reconciler.errors import GitTrouble, ManifestsInvalid

if TYPE_CHECKING:
    from story import Story

HOSTILE = "\x1b[2J\x1b]0;owned\x07\r\nSigned-off-by: Mallory\n\u202eevil <script>"


def refuse(world: Story, *refs: str) -> None:
    """Let the remote refuse pushes to these refs; none: let it take everything again."""
    hook = world.remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    cases = "".join(f"case $ref in {ref}) exit 1;; esac; " for ref in refs)
    hook.write_text(f"#!/bin/sh\nwhile read old new ref; do {cases}:; done\n")
    hook.chmod(0o755)


def write_audit(world: Story, files: dict[str, bytes], drop: tuple[str, ...] = ()) -> None:
    """Commit files to the audit branch, as somebody with the right to push there could."""
    clone = world.folder / "auditor"
    shutil.rmtree(clone, ignore_errors=True)
    git(world.folder, "clone", "-q", "-b", "audit", str(world.remote), str(clone))
    for name, content in files.items():
        path = clone / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for name in drop:
        (clone / name).unlink()
    git(clone, "add", "--all")
    git(clone, "commit", "-q", "-m", "By hand")
    git(clone, "push", "-q", "origin", "audit")


async def problems(world: Story, store: str = "state") -> list[str]:
    async with world.doors(store) as doors:
        (verdict,) = await verify_receipts(doors, "test", {})
    return list(verdict.problems)


async def test_rule_24_a_chain_goes_on_after_another_writers_receipt(world: Story) -> None:
    await world.accept()
    await world.accept(store="other")
    world.pin(api="1.1.0")
    refuse(world, "refs/heads/audit")
    assert not (await world.apply()).recorded
    refuse(world)
    await world.apply(store="other")

    world.pin(api="2.0.0")
    await world.apply()
    world.pin(api="1.1.0")
    await world.apply(store="other")

    assert len(world.receipts("api")) == 3
    assert await problems(world) == []
    assert await problems(world, "other") == []


async def test_rule_24_work_that_another_writer_finished_is_told_once(
    world: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    await world.accept()
    await world.accept(store="other")
    world.pin(api="1.1.0")

    class Killed(BaseException):
        pass

    async def die(real: Any, ids: Any) -> Any:
        raise Killed

    at_octopus(world, tasks=die)
    with monkeypatch.context() as patch:
        patch.setattr("reconciler.engine.keeper.LeaseKeeper.release", nothing)
        with pytest.raises(Killed):
            await world.apply()
    nobody(world)
    world.clock.turn(300)
    await world.apply(store="other")
    assert len(world.receipts("api")) == 1

    world.pin(api="2.0.0")
    report = await world.apply()

    assert report.results["api"].done is Done.SUCCEEDED
    assert world.ours("api") == ["1.1.0", "2.0.0"]
    assert await problems(world) == []


async def nothing(_: object) -> None:
    """Do what a dead process does."""


async def test_rule_26_a_lost_store_loses_no_receipt_of_a_cell_deployed_twice(
    world: Story,
) -> None:
    await world.accept()
    refuse(world, "refs/heads/audit")
    world.octopus.fail_next("api", "1.1.0", "Test")
    world.pin(api="1.1.0")
    await world.apply()
    world.pin(api="2.0.0")
    await world.apply()
    refuse(world)
    shutil.rmtree(world.folder / "state")

    report = await world.apply()

    assert len(report.resumed) == 2
    assert await chain_of_api(world) == [(1, "1.1.0"), (2, "2.0.0")]
    assert await problems(world) == []


async def chain_of_api(world: Story) -> list[tuple[int, str]]:
    async with world.doors() as doors:
        links = doors.journal.links("test")
    return [(link.sequence, link.version) for link in links if link.project == "api"]


async def test_rule_47_alien_files_among_receipts_are_told_and_change_nothing(
    world: Story,
) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    await world.apply()
    real = world.receipts("api")[0]
    content = git(world.remote, "show", f"audit:{real}").encode() + b"\n"
    name = real.rpartition("/")[2]
    year = real.split("/")[3]
    write_audit(
        world,
        {
            "receipts/test/api/huge.receipt.json": b"x" * (2 * 1024 * 1024),
            "receipts/test/api/notes.txt": HOSTILE.encode(),
            f"receipts/test/jobs/{year}/{name}": content,  # a real one, at another's place
        },
    )
    world.pin(jobs="1.1.0")

    report = await world.apply()

    assert report.results["jobs"].done is Done.SUCCEEDED
    said = [event.text for event in world.events if isinstance(event, Said)]
    for part in ("huge.receipt.json", "notes.txt", f"jobs/{year}/{name}"):
        assert any(part in text for text in said), part
    assert all(text.isprintable() for text in said)
    assert await chain_of_api(world) == [(1, "1.1.0")]


async def test_rule_11_a_damaged_state_holds_everything_and_says_how_to_go_on(
    world: Story,
) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    good = world.audit("state.json").encode()
    write_audit(world, {"state.json": b'{"apiVersion": "reconciler/v1", "kind": "State"'})

    with pytest.raises(GitTrouble, match=r"state\.json") as damaged:
        await world.apply()
    assert "restore" in damaged.value.hint
    assert world.ours("api") == []

    write_audit(world, {"state.json": good + b"\n"})
    assert (await world.apply()).results["api"].done is Done.SUCCEEDED


async def test_rule_26_a_state_damaged_in_the_middle_leaves_records_pending(world: Story) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    good = world.audit("state.json").encode()

    def publish(real: Any, entries: Any) -> Any:
        write_audit(world, {"state.json": b"[]"})
        return real(entries)

    at_audit(world, publish=publish)
    report = await world.apply()
    assert report.results["api"].done is Done.SUCCEEDED
    assert not report.recorded
    nobody(world)

    write_audit(world, {"state.json": good + b"\n"})
    assert (await world.apply()).recorded
    assert len(world.receipts("api")) == 1


async def test_rule_10_two_passes_of_one_store_at_once_do_not_make_it_look_older(
    world: Story,
) -> None:
    await world.accept()
    world.octopus.deploy("api", "1.1.0", "Test", by="alice")
    world.octopus.advance(60)
    async with world.doors() as beside:
        journal = beside.journal

        def publish(real: Any, entries: Any) -> Any:
            # another pass of this store is faster, with a number drawn after this one began
            state = AuditState.parse(world.audit("state.json").encode())
            state = state.written_by(journal.store_id, journal.next_write())
            write_audit(world, {"state.json": state.render()})
            return real(entries)

        at_audit(world, publish=publish)
        async with world.doors() as doors:
            assert (await snapshot_environment(doors, "test")).changed
    nobody(world)

    assert (await world.plan()).situation.held is None


async def test_rule_3_a_damaged_snapshot_is_no_empty_one(world: Story) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    write_audit(world, {"snapshots/test.yaml": b"kind: Snapshot\ncells: &a [*a]\n"})

    with pytest.raises(ManifestsInvalid, match="Snapshot"):
        await world.apply()

    assert world.ours("api") == []


async def test_rule_26_a_remote_that_goes_away_stops_requests_and_not_watching(
    world: Story,
) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, limits: {parallel: 1}"))
    await world.accept()
    world.pin(db="1.1.0", api="1.1.0")
    away = world.folder / "away.git"

    def tell(event: object) -> None:
        if isinstance(event, Launched) and world.remote.exists():
            world.remote.rename(away)

    world.wrap = lambda doors: replace(doors, tell=tell)
    report = await world.apply()
    nobody(world)
    away.rename(world.remote)

    assert report.results["db"].done is Done.SUCCEEDED
    assert report.results["api"].done is Done.NOT_STARTED
    assert not report.recorded
    again = await world.apply()
    assert again.recorded
    assert again.results["api"].done is Done.SUCCEEDED
    assert len(world.receipts("db")) == 1


async def test_rule_19_a_deleted_lease_ref_locks_nobody_out(world: Story) -> None:
    await world.accept()
    for version in ("1.1.0", "2.0.0"):
        world.pin(api=version)
        await world.apply()
    git(world.remote, "update-ref", "-d", "refs/reconciler/lease/test")
    world.pin(jobs="1.1.0")

    assert (await world.apply()).results["jobs"].done is Done.SUCCEEDED


async def test_rule_19_a_machine_that_slept_sends_nothing_on_a_lease_that_is_gone(
    world: Story,
) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, limits: {parallel: 1}"))
    await world.accept()
    await world.accept(store="other")
    world.pin(db="1.1.0", api="1.1.0")
    slept = timedelta()
    now = world.clock.now
    world.clock.now = lambda: now() + slept  # type: ignore[method-assign]

    async def tasks(real: Any, ids: Any) -> Any:
        nonlocal slept
        found = await real(ids)
        if not slept and all(task.state.is_finished for task in found):
            slept = timedelta(hours=1)  # only the wall clock went on
            async with world.doors("other") as doors:
                assert doors.audit is not None
                doors.audit.take_lease("test", may_take_over=None, above=0)
        return found

    def wrap(doors: Any) -> Any:
        return replace(doors, octopus=lambda space: Between(doors.octopus(space), tasks=tasks))

    world.wrap = wrap
    report = await world.apply()

    assert report.results["api"].done is Done.NOT_STARTED
    assert world.ours("api") == []


async def test_rule_9_a_commit_does_not_loosen_its_own_brake_by_waiting(world: Story) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, protected: true"))
    world.pin(api="1.1.0", jobs="1.1.0")
    await world.accept()
    await world.apply()
    until = f"{world.clock.now() + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    world.edit("policies/open.yaml", ("protected: true", "protected: false"))
    hold = f"hold: {{reason: later, until: {until}}}"
    world.pin(api=f'{{version: "1.0.0", {hold}}}')
    await world.apply()  # nothing to do yet

    world.clock.turn(7200)
    report = await world.apply()

    assert {gate.name for gate in report.planned.stopped} == {GateName.BRAKE}
    assert world.runs("api") == "1.1.0"


async def test_rule_9_a_reading_with_gaps_accepts_no_new_policy(world: Story) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, protected: true"))
    world.pin(api="1.1.0")
    await world.accept()
    await world.apply()
    world.edit("policies/open.yaml", ("protected: true", "protected: false"))
    world.pin(api="1.0.0")

    async def look(real: Any, known: Any, **more: Any) -> Any:
        return replace(await real(known, **more), gaps=("the list ended early",))

    at_octopus(world, look=look)
    blind = await world.apply()
    nobody(world)
    assert {a.reason for a in blind.planned.plan.actions} == {Reason.UNOBSERVED}

    report = await world.apply()
    assert {gate.name for gate in report.planned.stopped} == {GateName.BRAKE}
    assert world.runs("api") == "1.1.0"


async def test_rule_52_hostile_words_of_people_reach_nobodys_terminal_or_commit(
    world: Story,
) -> None:
    await world.accept()
    await world.apply()
    world.octopus.deploy("api", "1.1.0", "Test", by="alice", comments=HOSTILE)
    world.octopus.advance(60)
    world.octopus.fail_next("jobs", "1.1.0", "Test", message=HOSTILE)
    world.pin(jobs="1.1.0")

    report = await world.apply()

    shown = [a.note for a in report.planned.plan.actions]
    shown += [text for g in report.planned.gates for text in (g.message, g.opener)]
    shown += [line for e in world.events for line in getattr(e, "lines", ())]
    assert any("owned" in text for text in shown)
    assert all(text.isprintable() for text in shown)
    log = git(world.remote, "log", "--format=%B", "audit")
    assert "Mallory" not in log
    assert all(line.isprintable() for line in log.splitlines())


async def test_rule_30_a_key_is_in_no_file_record_event_or_url(
    world: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.octopus.fault(
        "status",
        method="GET",
        path="/deployments/template$",
        status=400,
        body={"ErrorMessage": "bad key API-SERVICE in X-Octopus-ApiKey"},
    )
    await world.accept()
    world.pin(api="1.1.0", jobs="1.1.0")
    report = await world.apply()

    kept = (
        b"".join(path.read_bytes() for path in world.folder.rglob("*") if path.is_file())
        + git(world.remote, "log", "-p", "--all").encode()
    )
    assert b"API-SERVICE" not in kept
    assert "API-SERVICE" not in repr(world.events) + repr(report)
    assert not any("API-SERVICE" in request.path for request in world.octopus.requests)
