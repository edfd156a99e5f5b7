"""A QA set promoted to two production regions, in pins or as a platform version."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from regions import EU, FILES, OLD, SEED, UK, environment
from story import git, story

from reconciler.cli.render.markdown import plan_markdown
from reconciler.cli.render.plan import Page
from reconciler.core.edit import Person
from reconciler.core.gate import GateName
from reconciler.engine.edit import Asked, Edited
from reconciler.engine.pin import pin
from reconciler.engine.promote import Wish, promote_environment
from reconciler.engine.snapshot import snapshot_environment
from reconciler.errors import GateClosed, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from story import Story

    from reconciler.engine.planning import Planned

ASKED = Asked(Person("Ann Author", "ann@example.org"))
NAME = "2026.11.1"
SET = f"platform-versions/{NAME}.yaml"


@pytest.fixture
def regions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """QA runs what production is to get; nothing of it is recorded yet."""
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    with story(tmp_path, SEED, FILES) as told:
        yield told


async def promoted(world: Story, source: str = "qa", target: str = "uk", **wish: Any) -> Edited:
    async with world.doors() as doors:
        return await promote_environment(doors, ASKED, source, target, Wish(**wish))


async def record(world: Story, name: str = "qa") -> None:
    async with world.doors() as doors:
        await snapshot_environment(doors, name)


def merge(world: Story, edited: Edited) -> None:
    git(world.work, "fetch", "-q", "origin")
    git(world.work, "merge", "-q", "--ff-only", f"origin/{edited.branch}")
    git(world.work, "push", "-q", "origin", "HEAD:main")


def page(planned: Planned) -> str:
    """Return a plan as its pull request shows it, without what is new in each run."""
    shown = plan_markdown(Page(planned.plan, planned.gates))
    return re.sub(r"commit `[0-9a-f]{12}`, Octopus read [0-9-]+ [0-9:]+Z", "commit @", shown)


def changed_lines(world: Story, edited: Edited) -> list[str]:
    delta = git(world.remote, "diff", "-U0", f"{edited.branch}^", edited.branch).splitlines()
    return [line for line in delta if line[0] in "+-" and line[:3] not in ("+++", "---")]


async def test_a_qa_set_is_promoted_to_two_regions_and_a_hot_fix_alone_breaks_alignment(
    regions: Story, golden: Callable[[str, str], None]
) -> None:
    await record(regions)
    pages: list[str] = []
    for region in ("uk", "eu"):
        await regions.accept(region)
        edited = await promoted(regions, target=region, excepted=("bot",), platform=NAME)
        merge(regions, edited)
        assert edited.draft.lines[1:] == (
            f"{region} runs platform version {NAME}.",
            "api: 1.0.0 -> 1.1.0 (upgrade)",
            "db: 1.0.0 -> 1.1.0 (upgrade)",
            "web: 1.0.0 -> 1.1.0 (upgrade)",
        )
        delta = "\n".join(changed_lines(regions, edited))
        delta = re.sub(r'commit: "[0-9a-f]{40}", server: [0-9a-f-]+', "commit: @, server: @", delta)
        pages += [f"```diff\n{delta}\n```\n", page(await regions.plan(region))]
        report = await regions.apply(region)
        assert [a.cell for a in report.planned.plan.changes] == ["db", "api", "web"]
        assert not report.failed

    for path in (UK, EU):
        text = (regions.work / path).read_text()
        assert text.endswith(f'  policy: open\n  platformVersion: "{NAME}"\n')
    assert regions.runs("api", "Production EU") == "1.1.0"

    regions.octopus.deploy("api", "1.1.1", "QA", by="alice")
    regions.octopus.advance(60)
    async with regions.doors() as doors:
        merge(regions, await pin(doors, ASKED, "uk", {"api": "1.1.1"}))
    planned = await regions.plan("uk")
    assert [(a.cell, a.note) for a in planned.plan.changes] == [
        ("api", f"breaks alignment with {NAME}, which has 1.1.0")
    ]
    pages.append(page(planned))
    assert not (await regions.plan("eu")).plan.has_work
    golden("qa-set-to-two-regions.md", "\n".join(pages))


async def test_rule_24_pins_follow_one_line_each_and_the_rest_is_told(regions: Story) -> None:
    await record(regions)
    regions.push(
        {
            UK: environment("uk", "Production UK", **{**OLD, "web": "1.2.0"}).replace(
                'api: "1.0.0"', "api: '1.0.0'  # mind"
            )
        }
    )

    edited = await promoted(regions)

    assert changed_lines(regions, edited) == [
        '-    db: "1.0.0"',
        "-    api: '1.0.0'  # mind",
        '+    db: "1.1.0"',
        "+    api: '1.1.0'  # mind",
    ]
    assert edited.branch.startswith("reconciler/promote/")
    assert edited.draft.left == (
        ("bot", "uk does not pin it; --add lets it"),
        ("web", "newer in uk: 1.2.0, and qa runs 1.1.0"),
    )
    assert edited.draft.lines[0].startswith("From snapshot:qa, commit ")


async def test_only_what_is_named_follows_and_what_is_new_with_a_word_only(regions: Story) -> None:
    await record(regions)

    edited = await promoted(regions, only=("db", "bot"), add=True)

    assert changed_lines(regions, edited) == [
        '-    db: "1.0.0"',
        '+    db: "1.1.0"',
        '+    bot: "1.0.0"',
    ]
    assert edited.draft.left == ()
    merge(regions, edited)
    again = await promoted(regions, only=("db", "bot"))
    assert (again.commit, again.draft.nothing) == (None, "uk pins all of that already")


async def test_what_ran_is_promoted_not_what_is_pinned_and_live_reads_it_now(
    regions: Story,
) -> None:
    await record(regions)
    regions.edit("environments/qa.yaml", ('web: "1.1.0"', 'web: "1.2.0"'))
    regions.octopus.deploy("api", "1.1.1", "QA", by="alice")
    regions.octopus.advance(60)

    recorded = await promoted(regions, excepted=("bot",))
    live = await promoted(regions, excepted=("bot",), live=True)

    assert [line.split(" (")[0] for line in recorded.draft.lines[1:]] == [
        "api: 1.0.0 -> 1.1.0",
        "db: 1.0.0 -> 1.1.0",
        "web: 1.0.0 -> 1.1.0",
    ]
    assert live.draft.lines[1].startswith("api: 1.0.0 -> 1.1.1")
    assert live.draft.lines[0].startswith("From live:qa, read ")


async def test_rule_3_cells_that_are_not_settled_are_refused_by_name_unless_excepted(
    regions: Story,
) -> None:
    regions.octopus.fail_next("web", "1.2.0", "QA")
    regions.octopus.deploy("web", "1.2.0", "QA", by="alice")
    regions.octopus.advance(60)
    await record(regions)
    before = git(regions.remote, "for-each-ref")

    with pytest.raises(
        GateClosed, match=r"what runs in qa: web \(unsettled\); nothing was changed"
    ):
        await promoted(regions)

    assert git(regions.remote, "for-each-ref") == before
    edited = await promoted(regions, excepted=("web", "bot"))
    assert [line.split(":")[0] for line in edited.draft.lines[1:]] == ["api", "db"]


async def test_a_newer_pin_of_the_target_stays_on_top_of_the_platform_version(
    regions: Story,
) -> None:
    await record(regions)
    regions.push(
        {
            UK: environment("uk", "Production UK", **{**OLD, "web": "1.2.0"}).replace(
                'api: "1.0.0"', 'api: {version: "1.0.0", redeploy: 1}'
            ),
            "teams/db.yaml": (
                "apiVersion: reconciler/v1\nkind: Pins\nmetadata: {name: db}\n"
                'spec: {environment: uk, components: {db: "1.0.0"}}\n'
            ),
        }
    )
    regions.edit(UK, ('    db: "1.0.0"\n', ""))

    edited = await promoted(regions, excepted=("bot",), platform=NAME)

    merge(regions, edited)
    text = (regions.work / UK).read_text()
    assert text.endswith(
        f'  platformVersion: "{NAME}"\n  components:\n'
        '    api: {version: "1.1.0", redeploy: 1}\n    web: "1.2.0"\n'
    )
    assert '{db: "1.1.0"}' in (regions.work / "teams/db.yaml").read_text()
    assert edited.draft.left == (("web", "newer in uk: 1.2.0, and qa runs 1.1.0"),)


async def test_a_platform_version_is_promoted_by_its_name_and_keeps_what_it_does_not_have(
    regions: Story,
) -> None:
    await record(regions)
    merge(regions, await promoted(regions, only=("api", "web"), platform=NAME))

    edited = await promoted(regions, f"platform:{NAME}", "eu")

    merge(regions, edited)
    assert (
        (regions.work / EU)
        .read_text()
        .endswith(f'  platformVersion: "{NAME}"\n  components:\n    db: "1.0.0"\n')
    )
    assert edited.draft.left == (("db", f"{NAME} does not have it"),)
    second = await promoted(regions, only=("db",), platform="2026.11.2")
    merge(regions, second)
    assert (
        (regions.work / UK)
        .read_text()
        .endswith(
            '  platformVersion: "2026.11.2"\n  components:\n    api: "1.1.0"\n    web: "1.1.0"\n'
        )
    )


async def test_a_release_that_was_made_anew_since_it_was_signed_off_is_held(
    regions: Story,
) -> None:
    await record(regions)
    merge(regions, await promoted(regions, excepted=("bot",), platform=NAME))
    assert GateName.RELEASE_REPLACED not in {gate.name for gate in (await regions.plan("uk")).gates}

    regions.octopus.delete_release("api", "1.1.0")
    regions.octopus.release("api", "1.1.0")
    regions.octopus.deploy("api", "1.1.0", "QA", by="alice")
    regions.octopus.advance(60)

    gates = [g for g in (await regions.plan("uk")).gates if g.name is GateName.RELEASE_REPLACED]
    (gate,) = gates
    assert gate.cell == "api"
    assert f"1.1.0 is not the one that platform version {NAME} has: release Rel" in gate.message


async def test_a_name_that_stands_for_another_set_is_refused(regions: Story) -> None:
    await record(regions)
    merge(regions, await promoted(regions, excepted=("bot",), platform=NAME))
    regions.octopus.deploy("api", "1.1.1", "QA", by="alice")
    regions.octopus.advance(60)
    await record(regions)

    with pytest.raises(UsageError, match=r"another set than what runs now: api differ") as refused:
        await promoted(regions, target="eu", excepted=("bot",), platform=NAME)

    assert f"platform:{NAME}" in refused.value.hint


REFUSED: tuple[tuple[str, str, dict[str, Any], str, str], ...] = (
    ("qa", "qa", {}, "to itself", "two environments"),
    ("qa@HEAD", "uk", {}, "what was pinned, not what ran", "snapshot:qa@COMMIT"),
    ("qa", "uk", {"only": ("apj",)}, "qa has no component 'apj'", "did you mean api?"),
    ("qa", "uk", {"only": ("api",), "excepted": ("api",)}, "nothing of qa is left", "--except"),
    ("qa", "uk", {"platform": NAME}, "uk does not pin bot", "--add"),
    ("qa", "uk", {"platform": "No"}, "cannot be the name", "small letters"),
    ("platform:x", "uk", {"platform": NAME}, "a platform version already", "platform:x"),
    ("snapshot:qa", "uk", {"live": True}, "--live goes with", "ENV"),
    ("qa", "ku", {}, "no environment 'ku'", "uk"),
)


async def test_rule_51_what_cannot_be_promoted_is_refused_with_what_to_do(regions: Story) -> None:
    await record(regions)

    async with regions.doors() as doors:
        for source, target, wish, why, hint in REFUSED:
            with pytest.raises(UsageError) as refused:
                await promote_environment(doors, ASKED, source, target, Wish(**wish))
            assert why in refused.value.message
            assert hint in refused.value.hint

    assert git(regions.remote, "branch", "--list", "reconciler/*") == ""
