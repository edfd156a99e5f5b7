"""Why a component is planned as it is: every link of the chain, and hostile words in each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from document_schemas import check
from story import git

from reconciler.cli.render.data import as_json
from reconciler.cli.render.explain import explanation_data, print_explanation
from reconciler.engine.explain import explain
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from story import Story


async def chain(
    world: Story, component: str, capsys: pytest.CaptureFixture[str]
) -> tuple[str, Any]:
    async with world.doors() as doors:
        found = await explain(doors, "test", component)
    print_explanation(found)
    out = capsys.readouterr().out
    return out, check(explanation_data(found))["spec"]


async def test_explain_tells_the_chain_from_the_line_in_git_to_what_opens_the_gate(
    world: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.accept()
    pinned = world.pin(api="1.1.0")
    await world.apply()
    world.octopus.deploy("web", "1.1.0", "Test", by="alice", comments="hot\x1b[31m fix\nCHG-7")
    world.clock.turn(60)
    world.pin(jobs="9.9.9", mail='{version: "1.0.0", hold: {reason: later}}')

    ours, data = await chain(world, "api", capsys)
    assert "pinned    1.1.0 at environments/test.yaml:10\nby        Ann Author <ann@" in ours
    assert f"in commit {pinned[:12]}, 2" in ours
    assert ": Pin\n" in ours
    assert data["pinned"]["written"]["commit"] == pinned
    assert (data["seen"]["state"], data["seen"]["version"]) == ("settled", "1.1.0")
    assert "deployed  by the reconciler as " in ours
    assert f", for commit {pinned[:12]}, receipt dr-" in ours
    assert data["deployed"]["commit"] == pinned
    assert data["deployed"]["receipt"] in world.receipts("api")[0]
    assert "compared  ignore, in-sync: the pinned version runs\n          1.1.0 is what" in ours
    assert "the pin reached last is 1.1.0, redeploy 0: no commit asks for another" in ours
    assert "stopped" not in ours

    hers, data = await chain(world, "web", capsys)
    assert "ignore, held-by-hand: a person deployed something else" in hers
    assert "deployed  by alice at 2026-11-20 12:00:20Z: hot" in hers
    assert r"hot\x1b[31m fix\nCHG-7" in hers
    assert "1.0.0 is lower than 1.1.0" in hers
    assert data["deployed"]["commit"] is None
    assert data["compared"]["direction"] == "down"
    assert "to do     `reconciler adopt test` proposes" in hers

    wrong, data = await chain(world, "jobs", capsys)
    assert "stopped by  release-missing on jobs: there is no release 9.9.9" in wrong
    assert "opened by" in wrong
    assert "to do" not in wrong
    assert data["compared"]["isNew"] is True
    assert [gate["gate"] for gate in data["gates"]] == ["release-missing"]

    held, data = await chain(world, "mail", capsys)
    assert "held      until it is taken away: later" in held
    assert "to do     `reconciler hold test mail --lift` proposes" in held
    assert data["pinned"]["hold"] == {"reason": "later", "until": None}
    assert as_json(data) == as_json((await chain(world, "mail", capsys))[1])
    assert {r.method for r in world.octopus.requests[-20:]} == {"GET"}


async def test_explain_tells_what_runs_unpinned_and_names_what_was_meant(
    world: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    world.edit("environments/test.yaml", ('    mail: "1.0.0"\n', ""))

    alone, data = await chain(world, "mail", capsys)

    assert "pinned    nowhere at commit" in alone
    assert "seen      1.0.0 runs" in alone
    assert (data["pinned"], data["seen"], data["deployed"]) == (None, None, None)
    with pytest.raises(UsageError, match="neither pins nor runs 'wep'") as refused:
        await chain(world, "wep", capsys)
    assert refused.value.hint == "did you mean web?"


async def test_explain_names_the_platform_version_that_a_pin_breaks(
    world: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    version = "apiVersion: reconciler/v1\nkind: PlatformVersion\nmetadata: {name: v7}\n"
    spec = 'spec: {stack: platform, components: {api: {version: "1.1.0"}, web: {version: "1.0.0"}}}'
    text = (world.work / "environments/test.yaml").read_text()
    text = text.replace("  components:\n", "  platformVersion: v7\n  components:\n")
    text = text.replace('    web: "1.0.0"\n', "")
    world.push({"v7.yaml": f"{version}{spec}\n", "environments/test.yaml": text}, "Align")

    broken, data = await chain(world, "api", capsys)
    aligned, other = await chain(world, "web", capsys)

    assert "version v7 has 1.1.0, which this pin breaks\n" in broken
    assert data["pinned"]["platform"] == {"name": "v7", "version": "1.1.0"}
    assert "1.0.0 at v7.yaml:4\n" in aligned
    assert "version v7 has 1.0.0\n" in aligned
    assert other["pinned"]["written"]["subject"] == "Align"


async def test_rule_52_a_hostile_author_reaches_no_terminal(
    world: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (world.work / "environments/test.yaml").read_text()
    (world.work / "environments/test.yaml").write_text(text.replace('"1.0.0"', '"1.1.0"'))
    who = "--author=\x1b]0;own\x07 \u202etxt <a\x1b@b>"
    git(world.work, "commit", "-qam", "subject \x1b[2J [red]x[/red]", who)
    git(world.work, "push", "-q", "origin", "HEAD:main")

    told, data = await chain(world, "api", capsys)

    assert all(char.isprintable() or char == "\n" for char in told)
    assert "[red]x[/red]" in told
    assert all(ord(char) >= 32 for char in str(data["pinned"]["written"]))
