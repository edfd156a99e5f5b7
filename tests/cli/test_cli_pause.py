"""Pauses by command: written beside whatever runs, read by everyone, lifted by name (rule 21)."""

from __future__ import annotations

import getpass
import json
import socket
from typing import IO, TYPE_CHECKING

import pytest
from click.testing import CliRunner
from test_cli_bad_input import one_failure
from test_cli_flows import accepted

from reconciler.cli import cli

if TYPE_CHECKING:
    from cli_shop import Shop


def test_rule_21_pausing_holds_plan_and_apply_until_it_is_lifted(shop: Shop) -> None:
    accepted(shop)
    shop.pin(orders="2.4.0")

    paused = shop.run("pause", "production", "--reason", "CHG-7: month's end")
    assert paused.exit_code == 0
    assert paused.stdout.startswith("environment production is paused by ")
    assert paused.stdout.endswith("Z: CHG-7: month's end\n")
    assert "what runs is watched to its end; kept in " in paused.stderr
    assert "next: to lift it, reconciler unpause production\n" in paused.stderr
    assert "note:" not in paused.stderr

    (gate,) = [each for each in shop.plan()["gates"] if each["gate"] == "paused"]
    assert gate["component"] is None
    assert gate["message"] == paused.stdout.strip()
    assert gate["opener"] == "`reconciler unpause production`"

    held = shop.run("apply", "production")
    assert held.exit_code == 4
    assert "paused on the whole plan: environment production is paused by" in held.stdout
    assert "opened by: `reconciler unpause production`" in held.stdout
    assert "next: `reconciler pause --list` shows what to lift" in held.stderr
    assert shop.simulator.running("Orders API", "Production") == "2.3.0"

    lifted = shop.run("unpause", "production")
    assert lifted.exit_code == 0
    assert lifted.stdout.startswith("environment production goes on; lifted: environment ")
    assert shop.run("apply", "production").exit_code == 0
    assert shop.simulator.running("Orders API", "Production") == "2.4.0"


def wait_for(words: str, stream: IO[str]) -> None:
    """Read lines until one holds the words."""
    while words not in (line := stream.readline()):
        assert line, f"it ended before {words!r}"


def test_rule_21_a_pause_reaches_an_apply_that_runs_in_another_process(shop: Shop) -> None:
    accepted(shop)
    shop.pin(orders="2.4.0", web="1.1.0")
    shop.simulator.stick("Orders API", "2.4.0", "Production")
    running = shop.start("apply", "production")
    try:
        assert running.stderr is not None
        wait_for("Executing", running.stderr)
        assert shop.run("pause", "production", "--reason", "stop").exit_code == 0
        wait_for("is paused by", running.stderr)
        shop.simulator.finish("Orders API", "Production")
        out, err = running.communicate(timeout=60)
    finally:
        running.kill()

    assert running.returncode == 1, out + err
    rows = [line.split() for line in out.splitlines()]
    assert ["orders", "upgrade", "2.3.0", "->", "2.4.0", "succeeded"] in [row[:6] for row in rows]
    assert ["web", "upgrade", "1.0.0", "->", "1.1.0", "held"] in [row[:6] for row in rows]
    assert out.count("paused while it was carried out: environment production is paused") == 1
    assert "1 succeeded, 1 held; recorded" in out
    assert shop.simulator.running("Orders API", "Production") == "2.4.0"
    assert shop.simulator.running("Web Shop", "Production") == "1.0.0"


def test_who_paused_is_the_login_of_the_machine_and_not_a_variable(shop: Shop) -> None:
    shop.run("pause", "--all", "--reason", "x", LOGNAME="mallory", USER="mallory")

    (pause,) = json.loads(shop.run("pause", "--list", "-o", "json").stdout)

    assert "mallory" not in pause["who"]
    assert pause["who"].endswith(f"@{socket.gethostname()}")
    assert getpass.getuser() in pause["who"] or pause["who"].startswith("uid-")


def test_rule_21_pausing_needs_no_git_no_octopus_and_no_network(shop: Shop) -> None:
    nothing = {"RECONCILER_REPO": "https://127.0.0.1:1/x.git", "PATH": "", "OCTOPUS_SHOP_KEY": None}

    assert shop.run("pause", "--all", "--reason", "fire", **nothing).exit_code == 0
    assert shop.run("pause", "--list", **nothing).exit_code == 0
    assert shop.run("unpause", "--all", **nothing).exit_code == 0
    assert shop.simulator.requests == ()


def test_the_list_shows_every_scope_and_keeps_who_lifted_what(shop: Shop) -> None:
    assert shop.run("pause", "--list").stdout == "no pauses\n"
    scopes = (["--all"], ["--server", shop.url], ["qa"], ["qa", "web"])
    for scope in scopes:
        assert shop.run("pause", *scope, "--reason", "CHG-7").exit_code == 0

    listed = shop.run("pause", "--list").stdout.splitlines()
    assert [line.split("  ")[0] for line in listed[1:]] == [
        "everything",
        f"server {shop.url}",
        "environment qa",
        "component web in qa",
    ]

    lifted = shop.run("unpause", "--all")
    assert lifted.stderr.count("still: ") == 3
    for scope in scopes[1:]:
        assert shop.run("unpause", *scope).exit_code == 0
    assert shop.run("pause", "--list").stdout == "no pauses\n"
    told = json.loads(shop.run("pause", "--list", "--lifted", "-o", "json").stdout)
    assert [each["scope"] for each in told] == ["all", "server", "environment", "component"]
    assert all(each["liftedBy"] and each["liftedAt"] for each in told)


def test_a_pause_over_another_says_whose_place_it_takes(shop: Shop) -> None:
    shop.run("pause", "qa", "--reason", "first")

    again = shop.run("pause", "qa", "--reason", "second")

    assert "it takes the place of a pause by " in again.stderr
    assert again.stderr.splitlines()[1].endswith(": first")


def test_a_slip_of_the_pen_is_pointed_out_and_paused_all_the_same(shop: Shop) -> None:
    fresh = shop.run("pause", "prodution", "--reason", "x")
    accepted(shop)
    slip = shop.run("pause", "prodution", "--reason", "x")
    server = shop.run("pause", "--server", "https://octopus.elsewhere", "--reason", "x")
    right = shop.run("pause", "--server", shop.url + "/", "--reason", "x")

    assert "note: there was no store here before" in fresh.stderr
    assert "note: nobody accepted an environment prodution here" in slip.stderr
    assert "note: no environment accepted here is on https://octopus.elsewhere" in server.stderr
    assert "note:" not in right.stderr


def test_hostile_words_are_kept_as_one_clean_line(shop: Shop) -> None:
    shop.run("pause", "qa", "--reason", "a\x1b[31m\nb\u202e" + "x" * 5000)

    line = shop.run("pause", "--list").stdout.splitlines()[1]

    assert line.isprintable()
    assert "a\\x1b[31m\\nb\\u202exxx" in line
    assert len(line) < 500


def test_lifting_what_is_not_paused_is_64_and_changes_nothing(shop: Shop) -> None:
    shop.run("pause", "qa", "--reason", "x")

    for scope in (["production"], ["qa", "web"], ["--all"]):
        told = one_failure(shop.run("unpause", *scope), 64)
        assert "nothing was changed" in told
    assert len(shop.run("pause", "--list").stdout.splitlines()) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["pause"],
        ["pause", "qa"],
        ["pause", "qa", "--reason", "  "],
        ["pause", "--reason", "x"],
        ["pause", "qa", "--all", "--reason", "x"],
        ["pause", "qa", "--server", "https://a.example", "--reason", "x"],
        ["pause", "--server", "a.example", "--reason", "x"],
        ["pause", "QA", "--reason", "x"],
        ["pause", "qa/web", "--reason", "x"],
        ["pause", "qa", "a\x1b[31m", "--reason", "x"],
        ["pause", "qa", "web", "more", "--reason", "x"],
        ["pause", "--list", "qa"],
        ["pause", "--list", "--reason", "x"],
        ["pause", "qa", "--lifted", "--reason", "x"],
        ["pause", "qa", "-o", "json", "--reason", "x"],
        ["unpause"],
        ["unpause", "--all", "qa"],
    ],
)
def test_words_that_name_no_pause_are_64_and_write_nothing(
    arguments: list[str], shop: Shop
) -> None:
    told = one_failure(shop.run(*arguments), 64)

    assert told.isprintable() or "\n" in told
    assert not (shop.folder / "state").exists()


@pytest.mark.parametrize("place", ["/proc/nowhere", "/dev/null/x"])
def test_a_store_that_cannot_be_written_is_1_and_nothing_is_said_to_be_paused(place: str) -> None:
    environment = {"RECONCILER_STATE_DIR": place}
    result = CliRunner().invoke(cli, ["pause", "--all", "--reason", "x"], env=environment)

    assert "RECONCILER_STATE_DIR" in one_failure(result, 1)


def test_rule_21_a_cancel_is_a_pause_and_cancels_what_runs_only_when_told(shop: Shop) -> None:
    done = shop.run("cancel", "production", "--reason", "the shop is down")
    assert done.exit_code == 0, done.output
    assert "environment production is paused by " in done.stdout
    assert "next: to go on, reconciler unpause production" in done.stderr
    again = shop.run("cancel", "production", "--running")
    assert again.exit_code == 64  # rule 29: no key but one's own
    assert "the shop is down" in again.stdout  # the pause that stands, stands
    assert "next: to go on, reconciler unpause production" in again.stderr
    slip = shop.run("cancel", "production", "ordrs")
    assert "note: nobody accepted an environment production here" in slip.stderr
    assert shop.run("unpause", "production", "ordrs").exit_code == 0
    own = {"RECONCILER_USER_API_KEY": shop.simulator.api_key}
    nothing = shop.run("cancel", "production", "--running", "--yes", **own)
    assert "nothing that was started from here runs there" in nothing.stderr
    assert shop.run("cancel", "production", "--yes").exit_code == 64
    assert shop.run("unpause", "production").exit_code == 0
