"""Edits that people ask for: hold, suspend, resume, adopt, from the word to the next pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from story import git

from reconciler.core.edit import Person
from reconciler.core.manifest import Until
from reconciler.core.plan import Kind, Reason
from reconciler.engine.adopt import adopt
from reconciler.engine.apply import Done
from reconciler.engine.edit import Asked, Edited, hold, suspend
from reconciler.engine.planning import Planned
from reconciler.errors import EditRefused, PushRejected, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from story import Story

    from reconciler.core.plan import Action
    from reconciler.engine.doors import Doors
    from reconciler.engine.run import PassReport
    from reconciler.ports import ManifestBranches

ANN = Person("Ann Author", "ann@example.org")
BRANCH, PUSH = Asked(ANN), Asked(ANN, straight=True)
TEST = "environments/test.yaml"


def action(report: PassReport | Planned, component: str) -> Action:
    planned = report if isinstance(report, Planned) else report.planned
    return next(a for a in planned.plan.actions if a.cell == component)


def refs(world: Story) -> dict[str, str]:
    lines = git(world.remote, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return dict(line.split() for line in lines)


def merge(world: Story, edited: Edited) -> None:
    """Fast-forward main to the branch, as a merged pull request would."""
    git(world.work, "fetch", "-q", "origin")
    git(world.work, "merge", "-q", "--ff-only", f"origin/{edited.branch}")
    git(world.work, "push", "-q", "origin", "HEAD:main")


async def do_hold(
    world: Story, component: str, until: Until | None, asked: Asked = BRANCH
) -> Edited:
    async with world.doors() as doors:
        return await hold(doors, asked, "test", component, until)


async def do_suspend(world: Story, until: Until | None, asked: Asked = BRANCH) -> Edited:
    async with world.doors() as doors:
        return await suspend(doors, asked, "test", until)


async def do_adopt(world: Story, *components: str, asked: Asked = BRANCH) -> Edited:
    async with world.doors() as doors:
        return await adopt(doors, asked, "test", components)


async def by_hand(world: Story, component: str, version: str) -> None:
    """Everything is reached, then Alice deploys something else in Octopus."""
    await world.accept()
    await world.apply()
    world.octopus.deploy(component, version, "Test", by="alice", comments="hot fix for CHG-7")
    world.octopus.advance(60)


# --- hold -------------------------------------------------------------------------------------


async def test_a_held_component_is_left_alone_until_the_hold_is_lifted(world: Story) -> None:
    await world.accept()
    await world.apply()
    merge(world, await do_hold(world, "api", Until("CHG-7")))
    world.edit(TEST, ('{version: "1.0.0", hold', '{version: "1.1.0", hold'))

    report = await world.apply()

    assert (action(report, "api").kind, action(report, "api").reason) == (Kind.IGNORE, Reason.HELD)
    assert action(report, "api").note == "CHG-7"
    assert world.runs("api") == "1.0.0"

    merge(world, await do_hold(world, "api", None))
    report = await world.apply()
    assert report.results["api"].done is Done.SUCCEEDED
    assert world.runs("api") == "1.1.0"


async def test_a_hold_with_a_time_ends_by_itself(world: Story) -> None:
    await world.accept()
    end = world.clock.now() + timedelta(hours=1)
    merge(world, await do_hold(world, "api", Until("an hour", end)))
    world.edit(TEST, ('{version: "1.0.0", hold', '{version: "1.1.0", hold'))
    assert action(await world.plan(), "api").reason is Reason.HELD

    world.clock.turn(3700)

    assert action(await world.plan(), "api").reason is Reason.NEW_PIN


async def test_rule_24_a_hold_is_one_line_of_a_new_branch_and_nothing_else(world: Story) -> None:
    world.edit(TEST, ('    api: "1.0.0"\n', "    # mind the db\n    api: '1.0.0'  # pinned\n"))
    before = refs(world)
    tip = before["refs/heads/main"]

    edited = await do_hold(world, "api", Until("CHG-7"))

    after = refs(world)
    assert set(after) - set(before) == {f"refs/heads/{edited.branch}"}
    assert {ref: after[ref] for ref in before} == before
    assert edited.branch.startswith("reconciler/hold/")
    assert edited.watched == "main"
    stat = git(world.remote, "diff", "--numstat", tip, edited.branch)
    assert stat == f"1\t1\t{TEST}"
    shown = git(world.remote, "show", f"{edited.branch}:{TEST}")
    assert (
        "    # mind the db\n"
        "    api: {version: '1.0.0', hold: {reason: \"CHG-7\"}}  # pinned\n" in shown
    )


async def test_the_commit_says_who_asked_and_why(world: Story) -> None:
    until = Until("CHG-7", datetime(2026, 12, 1, tzinfo=UTC))

    edited = await do_hold(world, "api", until)

    form = "--format=%an <%ae>|%cn <%ce>|%B"
    author, committer, message = git(world.remote, "log", "-1", form, edited.branch).split("|")
    assert author == committer == "Ann Author <ann@example.org>"
    assert message == (
        "test: hold api\n\nCHG-7\nUntil 2026-12-01 00:00Z.\n\n"
        "Asked for by Ann Author <ann@example.org> with `reconciler hold`.\n\n"
        "Reconciler-Environment: test\nReconciler-Edit: hold"
    )


async def test_what_is_so_already_pushes_nothing(world: Story) -> None:
    merge(world, await do_hold(world, "api", Until("CHG-7")))
    before = refs(world)

    again = await do_hold(world, "api", Until("CHG-7"))
    lifted = await do_hold(world, "db", None)
    resumed = await do_suspend(world, None)

    assert [e.commit for e in (again, lifted, resumed)] == [None] * 3
    assert [e.draft.nothing for e in (again, lifted, resumed)] == [
        "api is held already, for that reason and time",
        "db is not held",
        "test is not suspended",
    ]
    assert refs(world) == before


async def test_a_pin_of_a_fragment_is_held_in_its_own_file(world: Story) -> None:
    team = (
        "apiVersion: reconciler/v1\nkind: Pins\nmetadata: {name: mail}\n"
        'spec: {environment: test, components: {mail: "1.0.0"}}\n'
    )
    text = (world.work / TEST).read_text().replace('    mail: "1.0.0"\n', "")
    tip = world.push({TEST: text, "teams/mail.yaml": team})

    edited = await do_hold(world, "mail", Until("CHG-7"))

    changed = git(world.remote, "diff", "--name-only", tip, edited.branch)
    assert changed == "teams/mail.yaml"


@pytest.mark.parametrize(
    ("component", "until", "why"),
    [
        ("apj", Until("x"), "pins no 'apj'"),
        ("api", Until("two\nlines"), "one line"),
        ("api", Until(""), "one line"),
        ("api", Until("late", datetime(2026, 11, 1, tzinfo=UTC)), "is over already"),
    ],
)
async def test_rule_51_an_impossible_hold_is_refused_and_changes_nothing(
    world: Story, component: str, until: Until, why: str
) -> None:
    before = refs(world)

    with pytest.raises(UsageError, match=why) as refused:
        await do_hold(world, component, until)

    assert "nothing was changed" in refused.value.message
    assert refused.value.hint
    assert refs(world) == before


# --- suspend and resume -----------------------------------------------------------------------


async def test_a_suspended_environment_is_left_alone_until_it_is_resumed(world: Story) -> None:
    await world.accept()
    await world.apply()
    text = (world.work / TEST).read_text()
    merge(world, await do_suspend(world, Until("release night")))
    world.pin(api="1.1.0")

    report = await world.apply()
    assert {a.reason for a in report.planned.plan.actions} == {Reason.SUSPENDED}
    assert world.runs("api") == "1.0.0"

    merge(world, await do_suspend(world, None))
    assert (world.work / TEST).read_text() == text.replace('api: "1.0.0"', 'api: "1.1.0"')
    await world.apply()
    assert world.runs("api") == "1.1.0"


# --- adopt ------------------------------------------------------------------------------------


async def test_what_a_person_deployed_is_adopted_and_then_in_sync(world: Story) -> None:
    await by_hand(world, "api", "1.1.0")
    tip = refs(world)["refs/heads/main"]

    edited = await do_adopt(world)

    assert git(world.remote, "diff", "-U0", tip, edited.branch).splitlines()[-2:] == [
        '-    api: "1.0.0"',
        '+    api: "1.1.0"',
    ]
    (line,) = edited.draft.lines
    assert line.startswith("api: 1.0.0 -> 1.1.0 (held-by-hand: by alice")
    assert line in git(world.remote, "log", "-1", "--format=%b", edited.branch)
    assert action(await world.apply(), "api").reason is Reason.HELD_BY_HAND  # not merged yet

    merge(world, edited)
    report = await world.apply()

    assert action(report, "api").reason is Reason.IN_SYNC
    assert world.ours("api") == []
    snapshot = world.audit("snapshots/test.yaml")
    (cell,) = (line for line in snapshot.splitlines() if line.startswith("    api:"))
    assert 'reached: {version: "1.1.0", redeploy: 0}' in cell


async def test_after_an_adoption_the_next_hand_deployment_is_drift_again(world: Story) -> None:
    await by_hand(world, "api", "1.1.0")
    merge(world, await do_adopt(world))
    await world.apply()
    world.octopus.deploy("api", "1.0.0", "Test", by="alice")
    world.octopus.advance(60)

    assert action(await world.apply(), "api").reason is Reason.HELD_BY_HAND
    assert world.runs("api") == "1.0.0"


async def test_an_up_only_pin_follows_what_runs_downwards_too(world: Story) -> None:
    world.pin(db="1.1.0")
    await by_hand(world, "db", "1.0.0")

    merge(world, await do_adopt(world, "db"))

    assert action(await world.apply(), "db").reason is Reason.IN_SYNC
    assert world.ours("db") == ["1.1.0"]


async def test_only_the_named_components_are_adopted(world: Story) -> None:
    await by_hand(world, "api", "1.1.0")
    world.octopus.deploy("web", "1.1.0", "Test", by="alice")
    world.octopus.advance(60)

    edited = await do_adopt(world, "web", "jobs")

    assert [line.split(":")[0] for line in edited.draft.lines] == ["web"]
    assert edited.draft.left == (("jobs", "in-sync"),)
    shown = git(world.remote, "show", f"{edited.branch}:{TEST}")
    assert '    api: "1.0.0"\n    web: "1.1.0"\n' in shown


async def test_with_nothing_to_adopt_nothing_is_pushed(world: Story) -> None:
    await world.accept()
    await world.apply()
    before = refs(world)

    edited = await do_adopt(world)

    assert edited.commit is None
    assert edited.draft.nothing == "there is nothing to adopt in test: no component drifted"
    assert refs(world) == before


async def test_a_new_pin_is_never_overwritten_by_what_runs(world: Story) -> None:
    await by_hand(world, "api", "1.1.0")
    world.pin(api="2.0.0")

    edited = await do_adopt(world, "api")

    assert edited.commit is None
    assert edited.draft.left == (("api", "new-pin"),)


async def test_a_failed_or_running_hand_deployment_is_not_adopted(world: Story) -> None:
    await world.accept()
    await world.apply()
    world.octopus.fail_next("api", "1.1.0", "Test")
    world.octopus.deploy("api", "1.1.0", "Test", by="alice")
    world.octopus.advance(60)
    world.octopus.deploy("web", "1.1.0", "Test", by="alice")
    world.octopus.advance(60)
    world.octopus.stick("web", "1.0.0", "Test")
    world.octopus.deploy("web", "1.0.0", "Test", by="alice")
    world.octopus.advance(1)

    edited = await do_adopt(world)

    assert edited.commit is None
    left = dict(edited.draft.left)
    assert "the last attempt, 1.1.0, ended" in left["api"]
    assert left["web"] == "a deployment of it is not finished; adopt it when it is"


async def test_rule_3_what_could_not_be_read_is_not_adopted(world: Story) -> None:
    await by_hand(world, "api", "1.1.0")
    world.octopus.restrict("reconciler", "TaskView", projects=["db", "web", "jobs", "mail"])

    edited = await do_adopt(world)

    assert edited.commit is None
    assert "1 of its components could not be read" in edited.draft.nothing


# --- straight to the watched branch -----------------------------------------------------------


def racing(world: Story, push: Callable[[], object], times: int = 1) -> None:
    """Let somebody else push to main just before our push, so many times."""
    left = [times]

    class Raced:
        def __init__(self, branches: ManifestBranches) -> None:
            self.commit, self.propose = branches.commit, branches.propose
            self.watched, self._advance = branches.watched, branches.advance

        def advance(self, commit: str, parent: str) -> str:
            if left[0]:
                left[0] -= 1
                push()
            return self._advance(commit, parent)

    def wrap(doors: Doors) -> Doors:
        branches = doors.branches
        assert branches is not None

        return replace(doors, branches=Raced(branches))

    world.wrap = wrap


async def test_rule_24_where_settings_allow_it_the_watched_branch_moves_forward(
    world: Story,
) -> None:
    before = refs(world)

    edited = await do_hold(world, "api", Until("CHG-7"), PUSH)

    assert refs(world) == {**before, "refs/heads/main": edited.commit}
    assert git(world.remote, "rev-parse", "main^") == before["refs/heads/main"]
    assert edited.branch == edited.watched == "main"


async def test_rule_25_an_edit_that_was_overtaken_is_made_anew_on_the_new_tip(
    world: Story,
) -> None:
    racing(world, lambda: world.pin(web="1.1.0"))

    edited = await do_hold(world, "api", Until("CHG-7"), PUSH)

    shown = git(world.remote, "show", f"main:{TEST}")
    assert '    web: "1.1.0"\n' in shown
    assert '    api: {version: "1.0.0", hold: {reason: "CHG-7"}}\n' in shown
    assert git(world.remote, "rev-parse", "main^") == edited.draft.commit
    assert len(git(world.remote, "log", "--format=%h", "main").splitlines()) == 3


async def test_an_adoption_that_was_overtaken_by_a_new_pin_gives_way_to_it(world: Story) -> None:
    await by_hand(world, "api", "1.1.0")
    racing(world, lambda: world.pin(api="2.0.0"))

    edited = await do_adopt(world, asked=PUSH)

    assert edited.commit is None
    assert '    api: "2.0.0"\n' in git(world.remote, "show", f"main:{TEST}")


async def test_an_edit_overtaken_every_time_gives_up_and_says_so(world: Story) -> None:
    racing(world, lambda: world.push({}, "Again"), times=99)

    with pytest.raises(PushRejected, match="nothing was pushed") as refused:
        await do_hold(world, "api", Until("CHG-7"), PUSH)

    assert "RECONCILER_EDITS=branch" in refused.value.hint
    assert "hold" not in git(world.remote, "show", f"main:{TEST}")


async def test_rule_24_an_editor_that_changes_more_than_it_is_asked_is_stopped(
    world: Story,
) -> None:
    class Greedy:
        def edit(self, path: str, data: bytes, edits: object) -> bytes:
            del path, edits
            return data.replace(b'web: "1.0.0"', b'web: "1.1.0"')

    world.wrap = lambda doors: replace(doors, editor=Greedy())
    before = refs(world)

    with pytest.raises(EditRefused, match="more than was asked for"):
        await do_hold(world, "api", Until("CHG-7"), PUSH)

    assert refs(world) == before
