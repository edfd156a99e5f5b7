"""Commands that edit manifests: what they print, who is the author, where the commit goes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cli_shop import Shop

ANN = "Ann Author <ann@example.org>"


def branches(shop: Shop) -> list[str]:
    found = shop.git("for-each-ref", "--format=%(refname:short)", "refs/heads", at=shop.remote)
    return [name for name in found.splitlines() if name not in {"main", "audit"}]


def test_hold_prints_the_diff_the_branch_and_what_is_next(shop: Shop) -> None:
    arguments = ("hold", "production", "orders", "--reason", "CHG-7", "--as", ANN)

    result = shop.run(*arguments, "--until", "2099-12-01T00:00:00+01:00")

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[:2] == ["--- a/production.yaml", "+++ b/production.yaml"]
    assert '-    orders: "2.3.0"' in lines
    held = 'hold: {reason: "CHG-7", until: "2099-11-30T23:00:00Z"}'
    assert f'+    orders: {{version: "2.3.0", {held}}}' in lines
    (branch,) = branches(shop)
    said = result.stderr.splitlines()
    assert said[:2] == ["CHG-7", "Until 2099-11-30 23:00Z."]
    assert re.fullmatch(
        rf"pushed branch {branch} \(commit [0-9a-f]{{12}}, on commit [0-9a-f]{{12}}\)", said[2]
    )
    assert said[3].startswith("next: open a pull request from it to main; nothing changes before")


def test_pin_prints_the_diff_the_directions_and_what_is_next(shop: Shop) -> None:
    result = shop.run("pin", "production", "orders=2.4.0", "payments=3.0.0", "--as", ANN)

    assert result.exit_code == 0, result.output
    assert '-    orders: "2.3.0"\n+    orders: "2.4.0"\n' in result.stdout
    said = result.stderr.splitlines()
    assert said[:2] == [
        "orders: 2.3.0 -> 2.4.0 (upgrade)",
        "left as it is: payments (pinned at 3.0.0 already)",
    ]
    assert branches(shop)[0].startswith("reconciler/pin/")


def test_snapshot_prints_a_platform_version_or_proposes_it_in_somebodys_name(shop: Shop) -> None:
    wanted = ("snapshot", "production", "--as-platform-version", "2026.11.1")

    printed = shop.run(*wanted, "-o", "yaml")

    assert printed.exit_code == 0, printed.output
    assert printed.stdout.splitlines()[1:3] == [
        "kind: PlatformVersion",
        'metadata: {name: "2026.11.1"}',
    ]
    assert branches(shop) == []
    proposed = shop.run(*wanted, "--as", ANN)
    assert proposed.exit_code == 0, proposed.output
    assert proposed.stdout.splitlines()[:2] == [
        "--- /dev/null",
        "+++ b/platform-versions/2026.11.1.yaml",
    ]
    assert proposed.stderr.startswith("4 components of stack shop.\n")
    assert branches(shop)[0].startswith("reconciler/snapshot/")
    alone = shop.run("snapshot", "production", "-o", "yaml")
    assert (alone.exit_code, "--as-platform-version NAME" in alone.stderr) == (64, True)


def test_the_setting_edits_lets_an_edit_go_to_the_watched_branch(shop: Shop) -> None:
    tip = shop.git("rev-parse", "main", at=shop.remote)

    result = shop.run(
        "suspend",
        "qa",
        "--reason",
        "release night",
        RECONCILER_EDITS="push",
        RECONCILER_AUTHOR=ANN,
    )

    assert result.exit_code == 0, result.output
    assert "pushed to the watched branch main" in result.stderr
    assert result.stderr.endswith("next: reconciler plan qa\n")
    assert branches(shop) == []
    assert shop.git("rev-parse", "main^", at=shop.remote) == tip
    assert shop.git("log", "-1", "--format=%an <%ae>", "main", at=shop.remote) == ANN

    ended = shop.run("resume", "qa", RECONCILER_EDITS="push", RECONCILER_AUTHOR=ANN)
    assert '-  suspend: {reason: "release night"}' in ended.stdout.splitlines()
    assert shop.git("diff", "--stat", tip, "main", at=shop.remote) == ""


def test_adopt_names_who_deployed_what_and_with_nothing_to_do_leaves_with_0(shop: Shop) -> None:
    assert shop.run("accept", "production").exit_code == 0
    quiet = shop.run("adopt", "production", "--as", ANN)
    assert (quiet.exit_code, quiet.stdout) == (0, "")
    assert "there is nothing to adopt in production: no component drifted" in quiet.stderr
    assert "nothing was pushed" in quiet.stderr

    assert shop.run("apply", "production").exit_code == 0
    shop.simulator.deploy("Orders API", "2.4.0", "Production", by="alice", comments="CHG-9")
    shop.simulator.advance(60)
    held = shop.run("plan", "production")
    assert "held-by-hand" in held.stdout

    result = shop.run("adopt", "production", "--as", ANN)

    assert result.exit_code == 0, result.output
    assert '+    orders: "2.4.0"' in result.stdout.splitlines()
    assert "orders: 2.3.0 -> 2.4.0 (held-by-hand: by alice" in result.stderr
    assert branches(shop)[0].startswith("reconciler/adopt/")


def test_without_an_author_nothing_is_changed(shop: Shop) -> None:
    result = shop.run("resume", "qa")

    assert result.exit_code == 64
    assert "nobody is named; nothing was changed" in result.stderr
    assert "hint: give --as 'Name <email>', or set RECONCILER_AUTHOR" in result.stderr


@pytest.mark.parametrize(
    "name",
    ["Ann", "ann@example.org", "<a@b>", "A\nB <a@b>", "A <a b@c>", "A <a@b> x", "\x1b <a@b>"],
)
def test_an_author_that_is_no_person_is_refused(shop: Shop, name: str) -> None:
    result = shop.run("resume", "qa", "--as", name)

    assert result.exit_code == 64
    assert "nothing was changed" in result.stderr
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("hold", "qa", "orders"), "give --reason TEXT, or --lift alone"),
        (("pin", "qa", "orders"), "'orders' is not COMPONENT=VERSION"),
        (("pin", "qa", "orders=1", "orders=2"), "'orders' is named twice"),
        (("pin", "qa", "orders=1 2"), "orders: '1 2' is not a version: take the space out"),
        (("pin", "qa", "orders=1.99999999999"), "a number is larger than 2147483647"),
        (("hold", "qa", "orders", "--lift", "--reason", "x"), "--lift alone"),
        (("hold", "qa", "orders", "--lift", "--until", "2099-01-01T00:00:00Z"), "--lift alone"),
        (("hold", "qa", "orders", "--reason", "x", "--until", "soon"), "'soon' is not a time"),
        (("hold", "qa", "ordres", "--reason", "x", "--as", ANN), "pins no 'ordres'"),
        (("suspend", "nowhere", "--reason", "x", "--as", ANN), "no environment 'nowhere'"),
        (("suspend", "qa", "--as", ANN), "--reason"),
        (("adopt", "qa", "ordres", "--as", ANN), "pins no 'ordres'"),
    ],
)
def test_what_cannot_be_done_is_told_and_pushes_nothing(
    shop: Shop, arguments: tuple[str, ...], why: str
) -> None:
    result = shop.run(*arguments)

    assert result.exit_code == 64
    assert why in result.stderr
    assert branches(shop) == []


def test_a_setting_that_is_no_choice_is_refused(shop: Shop) -> None:
    result = shop.run("resume", "qa", "--as", ANN, RECONCILER_EDITS="force")

    assert result.exit_code == 64
    assert "RECONCILER_EDITS" in result.stderr


def test_a_clone_without_a_remote_is_not_edited(shop: Shop) -> None:
    shop.git("remote", "remove", "origin")

    result = shop.run("resume", "qa", "--as", ANN, "--repo", str(shop.clone))

    assert result.exit_code == 64
    assert "has no remote 'origin'" in result.stderr


def test_an_unsigned_edit_that_would_hold_everything_is_refused_before_it_is_pushed(
    shop: Shop,
) -> None:
    tip = shop.git("rev-parse", "main", at=shop.remote)

    result = shop.run(
        *("suspend", "qa", "--reason", "release night", "--as", ANN),
        RECONCILER_EDITS="push",
        RECONCILER_GIT__ALLOWED_SIGNERS="signers",
    )

    assert result.exit_code == 64
    assert "without a signature, which holds every environment; nothing was" in result.stderr
    assert "set RECONCILER_GIT__SIGNING_KEY" in result.stderr
    assert shop.git("rev-parse", "main", at=shop.remote) == tip


def test_a_diff_ends_where_the_file_ends(shop: Shop) -> None:
    last = shop.git("show", "main:production.yaml", at=shop.remote).splitlines()[-1]
    component = last.split(":")[0].strip()

    result = shop.run("hold", "production", component, "--reason", "CHG-7", "--as", ANN)

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1].startswith(f"+    {component}: ")


def test_promote_prints_what_follows_what_is_left_and_where_it_stands(shop: Shop) -> None:
    assert shop.run("snapshot", "qa").exit_code == 0

    result = shop.run("promote", "qa", "production", "--except", "web", "--as", ANN)

    assert result.exit_code == 0, result.output
    assert '+    orders: "2.4.0"' in result.stdout.splitlines()
    said = result.stderr.splitlines()
    assert said[0].startswith("From snapshot:qa, commit ")
    assert "orders: 2.3.0 -> 2.4.0 (upgrade)" in said
    assert branches(shop)[0].startswith("reconciler/promote/")
    refused = shop.run("promote", "qa", "production", "--only", "ordres", "--as", ANN)
    assert (refused.exit_code, "did you mean orders?" in refused.stderr) == (64, True)


def test_what_is_not_settled_is_not_promoted_and_leaves_with_4(shop: Shop) -> None:
    shop.simulator.fail_next("Orders API", "2.4.0", "Test")
    shop.simulator.deploy("Orders API", "2.4.0", "Test", by="alice")
    shop.simulator.advance(60)

    result = shop.run("promote", "qa", "production", "--live", "--as", ANN)

    assert result.exit_code == 4
    assert "what runs in qa: orders (unsettled" in result.stderr
    assert branches(shop) == []
