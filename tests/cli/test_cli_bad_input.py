"""What goes wrong is one line and a hint with the right exit code, and never a traceback."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from cli_shop import SPACE, program

if TYPE_CHECKING:
    from pathlib import Path

    from cli_shop import Shop
    from click.testing import Result


def one_failure(result: Result, code: int) -> str:
    """Check the shape of a failure, and return its two lines."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    error, hint = result.stderr.splitlines()[-2:]
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    assert "Traceback" not in result.stderr
    assert "\x1b" not in result.stderr
    return f"{error}\n{hint}"


@pytest.mark.parametrize("verb", ["plan", "apply", "accept", "snapshot"])
@pytest.mark.parametrize("name", ["prodution", "../x", "", "-", "a\x1b[31mb", "x" * 300])
def test_an_unknown_environment_is_64(shop: Shop, verb: str, name: str) -> None:
    told = one_failure(shop.run(verb, "--", name), 64)

    if name == "prodution":
        assert "did you mean production?" in told


def test_an_environment_is_found_again_in_capitals(shop: Shop) -> None:
    assert "did you mean qa?" in one_failure(shop.run("plan", "QA"), 64)


def test_a_root_without_manifests_is_named(shop: Shop) -> None:
    result = shop.run("plan", "production", RECONCILER_ROOT="nowhere")

    assert "RECONCILER_ROOT" in one_failure(result, 64)


def test_a_state_directory_may_be_named_from_the_current_folder(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert shop.run("plan", "production", RECONCILER_STATE_DIR="state").exit_code == 0
    assert (tmp_path / "state" / "mirrors").is_dir()


def test_a_folder_that_is_no_repository_is_64(shop: Shop, tmp_path: Path) -> None:
    result = shop.run("plan", "production", RECONCILER_REPO=None)

    assert "in no git repository" in one_failure(result, 64)


@pytest.mark.parametrize("verb", ["apply", "accept", "snapshot"])
def test_a_clone_without_origin_is_64_where_something_is_recorded(shop: Shop, verb: str) -> None:
    shop.git("remote", "remove", "origin")
    result = shop.run(verb, "production", "--repo", str(shop.clone))

    assert "'origin'" in one_failure(result, 64)


@pytest.mark.parametrize("address", ["ext::sh -c id", "ftp://a/b", "-upload-pack=x"])
def test_rule_23_an_address_that_is_not_allowed_is_64(shop: Shop, address: str) -> None:
    one_failure(shop.run("plan", "production", "--repo", address), 64)


def test_a_remote_that_is_down_is_1(shop: Shop) -> None:
    shop.run("plan", "production")
    shop.remote.rename(shop.folder / "gone.git")
    address = f"file://{shop.remote}"

    for verb in ("plan", "apply", "snapshot"):
        one_failure(shop.run(verb, "production", RECONCILER_REPO=address), 64)
    unused = f"http://127.0.0.1:{closed_port()}/shop.git"
    for verb in ("plan", "apply", "accept", "snapshot"):
        one_failure(shop.run(verb, "production", RECONCILER_REPO=unused), 1)


def test_an_empty_remote_is_1(shop: Shop) -> None:
    shop.git("init", "-q", "--bare", "empty.git", at=shop.folder)
    result = shop.run("apply", "production", "--repo", str(shop.folder / "empty.git"))

    assert "has no commit yet" in one_failure(result, 1)


def test_an_unset_credential_is_64_and_names_the_variable(shop: Shop) -> None:
    result = shop.run("plan", "production", OCTOPUS_SHOP_KEY=None)

    assert "export OCTOPUS_SHOP_KEY=" in one_failure(result, 64)
    assert shop.simulator.requests == ()


def test_a_wrong_key_is_1_and_is_not_shown(shop: Shop) -> None:
    result = shop.run("apply", "production", OCTOPUS_SHOP_KEY="API-WRONGWRONGWRONG")

    told = one_failure(result, 1)
    assert "401" in told
    assert "WRONGWRONG" not in told


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_an_octopus_that_is_down_is_1(shop: Shop) -> None:
    shop.push({"space.yaml": SPACE.replace("@URL@", f"http://127.0.0.1:{closed_port()}")})
    one_failure(shop.run("apply", "production"), 1)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("html", {}),
        ("truncate", {}),
        ("redirect", {}),
        ("status", {"status": 403}),
        ("status", {"status": 500}),
        ("wrong_type", {"field": "Id"}),
    ],
)
def test_rule_48_an_octopus_that_answers_nonsense_is_1_and_nothing_is_applied(
    shop: Shop, kind: str, more: dict[str, object]
) -> None:
    assert shop.run("accept", "--all").exit_code == 0
    shop.pin(orders="2.4.0")
    shop.simulator.fault(kind, path="dashboard|users/me", count=None, **more)

    one_failure(shop.run("apply", "production"), 1)
    assert not [r for r in shop.simulator.requests if r.method == "POST"]


@pytest.mark.parametrize("place", ["/proc/nowhere", "/dev/null", "/dev/null/x"])
def test_an_unwritable_state_directory_is_1(shop: Shop, place: str) -> None:
    result = shop.run("plan", "production", RECONCILER_STATE_DIR=place)

    assert "RECONCILER_STATE_DIR" in one_failure(result, 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RECONCILER_OCTOPUS__SLOTS", "many"),
        ("RECONCILER_OCTOPUS__POLL", "0"),
        ("RECONCILER_GIT__ALLOW_LOCAL", "perhaps"),
        ("RECONCILER_SIGNING", "{"),
        ("RECONCILER_BRANCH", "a..b"),
        ("RECONCILER_ROOT", "../.."),
    ],
)
def test_a_setting_that_cannot_be_used_is_64(shop: Shop, name: str, value: str) -> None:
    one_failure(shop.run("snapshot", "production", **{name: value}), 64)


def test_a_settings_file_that_is_no_toml_is_64(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "nowhere" / "reconciler.toml").write_text("repo = [")

    assert "reconciler.toml" in one_failure(shop.run("plan", "production"), 64)


def test_a_missing_git_is_1(shop: Shop) -> None:
    result = shop.run("plan", "production", PATH="")

    assert "git was not found" in one_failure(result, 1)


def test_a_used_port_is_1_for_the_simulator(shop: Shop) -> None:
    port = shop.url.rpartition(":")[2]

    assert "--port 0" in one_failure(shop.run("simulator", "--port", port), 1)


@pytest.mark.parametrize(
    "arguments", [["--seed", "nope"], ["--seed", "/dev/null"], ["--api-key", "private-word"]]
)
def test_a_seed_or_key_that_cannot_be_used_is_64(shop: Shop, arguments: list[str]) -> None:
    assert "private-word" not in one_failure(shop.run("simulator", "--port", "0", *arguments), 64)


def test_without_home_and_variables_it_is_still_one_line() -> None:
    process = program("plan", "production", HOME="", PATH="/usr/bin:/bin")
    out, err = process.communicate()

    assert process.returncode == 64
    assert out == ""
    assert [line.partition(":")[0] for line in err.splitlines()] == ["error", "hint"]
