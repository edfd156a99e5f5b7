"""The main job by command, on a real git remote and a simulated Octopus."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cli_shop import Shop


def accepted(shop: Shop) -> None:
    assert shop.run("accept", "--all").exit_code == 0


def test_one_accept_over_several_repositories(shop: Shop) -> None:
    other = shop.folder / "other.git"
    shop.git("clone", "-q", "--bare", str(shop.remote), str(other), at=shop.folder)
    clone = shop.folder / "other"
    shop.git("clone", "-q", str(other), str(clone), at=shop.folder)
    shop.git("mv", "production.yaml", "live.yaml", at=clone)
    text = (clone / "live.yaml").read_text()
    (clone / "live.yaml").write_text(text.replace("name: production", "name: live"))
    shop.git("rm", "-q", "qa.yaml", at=clone)
    shop.git("commit", "-q", "-a", "-m", "Another", at=clone)
    shop.git("push", "-q", "origin", "main", at=clone)
    tip = shop.git("rev-parse", "HEAD", at=clone)
    both = ("--repo", str(shop.remote), "--repo", str(other))

    one = shop.run("accept", "live", *both)
    assert (one.exit_code, one.stdout.count("accepted live at commit")) == (0, 1)
    nobody = shop.run("accept", "nowhere", *both)
    assert nobody.exit_code == 64
    assert nobody.stderr.startswith("error: none of these repositories has nowhere; nothing was")
    done = shop.run("accept", "--all", *both)
    words = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("accepted")]
    assert (done.exit_code, words) == (0, ["production", "qa", "live"])
    by_hash = shop.run("accept", tip, *both)
    assert (by_hash.exit_code, by_hash.stdout) == (0, "")
    assert by_hash.stderr.startswith("no environment lost its accepted commit")

    shop.remote.rename(shop.folder / "away.git")
    rest = shop.run("accept", "--all", *both)
    assert rest.exit_code != 0
    assert rest.stderr.splitlines()[0] == f"{shop.remote}:"
    assert "accepted live at commit" in rest.stdout


def test_rule_10_first_contact_plans_and_applies_nothing_until_accepted(shop: Shop) -> None:
    shop.pin(orders="2.4.0", web="1.1.0")

    held = shop.run("apply", "production")
    assert held.exit_code == 4
    assert "accept on the whole plan: first contact with this environment" in held.stdout
    assert "next: look at `reconciler plan production`, then" in held.stderr
    assert shop.simulator.running("Orders API", "Production") == "2.3.0"

    agreed = shop.run("accept", "production")
    assert agreed.exit_code == 0
    assert "accepted production at commit" in agreed.stdout
    assert "2 upgrades in 2 waves, not held" in agreed.stdout
    digest = str(shop.plan()["digest"])

    done = shop.run("apply", "production", "--plan", digest)
    assert done.exit_code == 0, done.output
    assert shop.simulator.running("Orders API", "Production") == "2.4.0"
    assert shop.simulator.running("Web Shop", "Production") == "1.1.0"
    assert "2 succeeded; recorded" in done.stdout
    assert 'orders: {version: "2.4.0", state: settled' in shop.audit("snapshots/production.yaml")


def test_progress_without_a_terminal_is_one_line_for_each_fact(shop: Shop) -> None:
    accepted(shop)
    shop.pin(orders="2.4.0")

    lines = shop.run("apply", "production").stderr.splitlines()

    assert lines[0].startswith("production: 1 upgrade in 1 wave, not held; digest ")
    assert lines[1].startswith("orders: upgrade from 2.3.0 to 2.4.0 started, ServerTasks-")
    assert any(line.startswith("orders: 2.4.0 ended Success after ") for line in lines)
    assert lines[-1].startswith("recorded: 1 receipt, the snapshot changed, audit commit ")
    assert len(lines) == len(set(lines))


def test_nothing_to_do_is_said_and_leaves_with_0(shop: Shop) -> None:
    accepted(shop)

    result = shop.run("apply", "production")

    assert result.exit_code == 0
    assert result.stdout.startswith("production: nothing to do; ")


def test_a_failed_deployment_is_5_and_its_dependants_are_not_started(shop: Shop) -> None:
    accepted(shop)
    shop.pin(orders="2.4.0", web="1.1.0")
    shop.simulator.fail_next("Orders API", "2.4.0", "Production", message="disk \x1b[31mfull")

    result = shop.run("apply", "production")

    assert result.exit_code == 5
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["orders", "upgrade", "2.3.0", "->", "2.4.0", "failed"] in [row[:6] for row in rows]
    assert ["web", "upgrade", "1.0.0", "->", "1.1.0", "not-started"] in [row[:6] for row in rows]
    assert "\x1b" not in result.output
    assert "`reconciler retry production`" in result.stderr
    assert shop.simulator.running("Web Shop", "Production") == "1.0.0"

    again = shop.run("apply", "production")
    assert again.exit_code == 4
    assert "ended Failed" in again.output

    assert shop.run("retry", "production").exit_code == 64  # rule 29: no key but one's own
    own = {"RECONCILER_USER_API_KEY": shop.simulator.api_key}
    said = shop.run("retry", "production", "orders", **own)
    assert said.stdout.startswith("orders 2.4.0 is tried once more\nnow: "), said.output
    assert shop.run("retry", "production", "orders", **own).exit_code == 4
    assert "not yet" in shop.run("retry", "--list").stdout
    retried = shop.run("apply", "production")
    assert retried.exit_code == 0, retried.output
    (word,) = json.loads(shop.run("retry", "--list", "-o", "json").stdout)
    assert (word["cell"], word["intent"] is None) == ("orders", False)
    assert shop.simulator.running("Web Shop", "Production") == "1.1.0"


def test_a_plan_that_is_not_the_reviewed_one_is_6_and_applies_nothing(shop: Shop) -> None:
    accepted(shop)
    shop.pin(orders="2.4.0")
    digest = str(shop.plan()["digest"]).removeprefix("sha256:")
    shop.pin(orders="2.4.0", payments="3.1.0")

    result = shop.run("apply", "production", "--plan", digest[:12])

    assert result.exit_code == 6
    assert "nothing was applied" in result.stderr
    assert shop.simulator.running("Orders API", "Production") == "2.3.0"


@pytest.mark.parametrize("written", ["{}", "sha256:{}"])
def test_the_digest_is_taken_as_plan_writes_it(shop: Shop, written: str) -> None:
    accepted(shop)
    shop.pin(orders="2.4.0")
    digest = str(shop.plan()["digest"]).removeprefix("sha256:")

    assert shop.run("apply", "production", "--plan", written.format(digest)).exit_code == 0


def test_rule_4_broken_manifests_are_3_with_every_place(shop: Shop) -> None:
    accepted(shop)
    pins = (shop.clone / "production.yaml").read_text()
    shop.push({"production.yaml": pins.replace('"2.3.0"', "2.40").replace('"1.0.0"', "1.10")})

    for arguments in (("plan", "production"), ("apply", "production"), ("snapshot", "production")):
        result = shop.run(*arguments)
        assert result.exit_code == 3
        assert result.stdout == ""
        first, second, error, hint = result.stderr.splitlines()
        assert first.startswith("production.yaml:10:")
        assert second.startswith("production.yaml:12:")
        assert error.startswith("error: the manifests of production")
        assert hint.startswith("hint: ")
    assert shop.run("plan", "qa").exit_code == 0


def test_plan_has_an_exit_code_for_changes(shop: Shop) -> None:
    assert shop.run("plan", "production", "--detailed-exitcode").exit_code == 0
    shop.pin(orders="2.4.0")

    assert shop.run("plan", "production", "--detailed-exitcode").exit_code == 2
    assert shop.run("plan", "production").exit_code == 0


def test_plan_reads_any_commit_and_changes_nothing(shop: Shop) -> None:
    before = shop.git("rev-parse", "HEAD")
    shop.pin(orders="2.4.0")
    refs = shop.git("for-each-ref", at=shop.remote)

    at = shop.run("plan", "production", "--at", before, "-o", "json")
    branch = shop.run("plan", "production", "--at", "main", "-o", "json")
    local = shop.run("plan", "production", "--at", "HEAD~1", "--repo", str(shop.clone))

    assert json.loads(at.stdout)["spec"]["hasWork"] is False
    assert json.loads(branch.stdout)["spec"]["hasWork"] is True
    assert "Nothing to do" in local.stdout
    assert shop.git("for-each-ref", at=shop.remote) == refs
    assert [r for r in shop.simulator.requests if r.method != "GET"] == []


def test_snapshot_is_yaml_on_stdout_and_recorded_once(shop: Shop) -> None:
    first = shop.run("snapshot", "production")
    second = shop.run("snapshot", "production")

    assert first.exit_code == second.exit_code == 0
    assert first.stdout == second.stdout == shop.audit("snapshots/production.yaml") + "\n"
    assert first.stderr.endswith("; recorded on the audit branch\n")
    assert second.stderr.endswith("; as last recorded, nothing written\n")
    assert f"commit {shop.git('rev-parse', 'HEAD')[:12]}" in second.stderr


def test_rule_27_a_rewritten_branch_is_accepted_by_its_full_hash_only(shop: Shop) -> None:
    accepted(shop)
    shop.git("checkout", "-q", "--orphan", "other")
    shop.git("commit", "-q", "-m", "another history")
    shop.git("branch", "-q", "-f", "main", "HEAD")
    shop.git("checkout", "-q", "main")
    tip = shop.pin(orders="2.4.0")

    held = shop.run("apply", "production")
    assert held.exit_code == 4
    assert held.stderr.splitlines()[-1].endswith(f"then `reconciler accept {tip}`")
    assert f"`reconciler accept {tip}`" in shop.run("plan", "production").stdout
    refused = shop.run("accept", "--all")
    assert refused.exit_code == 1
    assert refused.stderr.count("error: ") == 2
    assert f"`reconciler accept {tip}`" in refused.stderr
    assert shop.run("accept", tip[:-1] + ("0" if tip[-1] != "0" else "1")).exit_code == 6

    done = shop.run("accept", tip)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith(f"accepted qa at commit {tip[:12]}, read")]
    assert [
        line for line in lines if line.startswith(f"accepted production at commit {tip[:12]}, ")
    ]
    assert shop.run("apply", "production").exit_code == 0
    assert shop.run("accept", tip).exit_code == 0


def test_a_plan_of_an_older_commit_does_not_say_that_history_was_rewritten(shop: Shop) -> None:
    older = shop.pin(orders="2.4.0")
    shop.pin()
    accepted(shop)

    plan = shop.run("plan", "production", "--at", older).stdout

    assert "does not contain the last accepted one" in plan
    assert "it is older, on another branch, or" in plan
    assert "git pull" in plan


def test_accepting_does_not_advise_to_apply_what_gates_hold(shop: Shop) -> None:
    shop.pin(orders="99.0.0")

    told = shop.run("accept", "production").stderr

    assert told == "next: open the gates that `reconciler plan production` shows, then apply\n"


def test_nothing_to_do_where_nothing_was_seen_says_so(shop: Shop) -> None:
    accepted(shop)
    text = (shop.clone / "production.yaml").read_text()
    shop.push({"production.yaml": text.replace("environment: Production", "environment: Prod")})

    plan, apply = shop.run("plan", "production"), shop.run("apply", "production")

    assert ", 4 of 4 unobserved; digest" in plan.stdout.splitlines()[-1]
    assert "nothing to do, 4 of 4 unobserved; " in apply.stdout.splitlines()[-1]


def test_a_second_writer_is_refused_by_name(shop: Shop) -> None:
    accepted(shop)
    shop.pin(orders="2.4.0")
    shop.simulator.stick("Orders API", "2.4.0", "Production")
    first = shop.start("apply", "production")
    try:
        assert first.stderr is not None
        while "Executing" not in (line := first.stderr.readline()):
            assert line, "the first apply ended early"

        here = shop.run("apply", "production")
        elsewhere = shop.run(
            "apply", "production", RECONCILER_STATE_DIR=str(shop.folder / "another")
        )
    finally:
        first.kill()
        first.communicate()

    assert here.exit_code == elsewhere.exit_code == 4
    assert f"process {first.pid} on this machine" in here.stderr
    assert "production" in elsewhere.stderr
    assert f"{first.pid}" in elsewhere.stderr


@pytest.mark.proof  # a process that is waited for
def test_rule_29_what_runs_is_cancelled_as_oneself_and_confirmed(shop: Shop) -> None:
    accepted(shop)
    shop.simulator.stick("Orders API", "2.4.0", "Production")
    shop.pin(orders="2.4.0")
    applying = shop.start("apply", "production")
    own = {"RECONCILER_USER_API_KEY": shop.simulator.api_key}
    assert any("2.4.0 started" in line for line in applying.stderr or ())

    unsure = shop.run("cancel", "production", "--running", **own)
    assert unsure.exit_code == 64
    assert "add --yes" in unsure.stderr
    sure = shop.run("cancel", "production", "orders", "--running", "--yes", **own)
    assert sure.exit_code == 0, sure.output
    assert "cancel asked for: orders 2.4.0, ServerTasks-" in sure.stdout

    _, errors = applying.communicate(timeout=60)
    assert applying.returncode == 5, errors
    assert "ended Canceled" in errors
