"""The commands that tell about a plan, on one shop that all tests here share and none changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
from cli_shop import POLICY, Shop, opened, pins

from reconciler.store.lock import daemon_lock
from reconciler.store.statusfile import NAME, write_status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result


SCHEMA = json.loads((Path(__file__).parents[2] / "schema" / "plan.schema.json").read_text())


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop whose production is to change one component, accepted before that."""
    with opened(tmp_path_factory.mktemp("words")) as shop:
        assert shop.run("accept", "production").exit_code == 0
        shop.pin(orders="2.4.0")
        yield shop


@pytest.fixture(scope="module")
def changed(told: Shop) -> tuple[str, str]:
    """A change in the clone that nobody pushed: (base, head)."""
    base = told.git("rev-parse", "HEAD")
    told.git("checkout", "-q", "-b", "change")
    wanted = {"orders": "2.4.0", "payments": "3.1.0"}
    (told.clone / "production.yaml").write_text(pins("production", "Production", wanted))
    (told.clone / "policy.yaml").write_text(POLICY.replace("apply", "heal"))
    told.git("commit", "-qam", "Change two things")
    head = told.git("rev-parse", "HEAD")
    told.git("checkout", "-q", "main")
    return base, head


def check(told: Shop, *arguments: str, **environment: str | None) -> Result:
    return told.run("plan", "--repo", str(told.clone), *arguments, **environment)


def test_rule_36_a_check_plans_what_a_change_touches_by_the_policy_of_its_base(
    told: Shop, changed: tuple[str, str]
) -> None:
    base, head = changed
    told.simulator.forget_requests()

    fresh = {"RECONCILER_STATE_DIR": str(told.folder / "ci")}  # as a machine of CI begins
    live = check(told, "--base", base, "--head", "change", "--detailed-exitcode", **fresh)

    assert live.exit_code == 2
    assert "| `payments` | upgrade | `3.0.0` | `3.1.0` | 1 | new-pin |  |" in live.stdout
    assert "policy `open` (of `production`, `qa`): `mode` `apply` → `heal`" in live.stdout
    assert f"`{base[:12]}` to the head `{head[:12]}`" in live.stdout
    assert "1 wave, not held, 2 tasks" in live.stdout
    assert {request.method for request in told.simulator.requests} == {"GET"}
    data = json.loads(check(told, "--base", base, "--head", head, "-o", "json").stdout)
    plan = data["spec"]["environments"][0]["plan"]
    assert [c["component"] for c in plan["spec"]["changes"]] == ["orders", "payments"]
    jsonschema.Draft202012Validator(SCHEMA).validate(plan)
    assert 'kind: "Review"' in check(told, "--base", base, "--head", head, "-o", "yaml").stdout


def test_rule_36_a_check_without_a_key_asks_nobody_and_takes_the_snapshot(
    told: Shop, changed: tuple[str, str]
) -> None:
    base, head = changed
    told.simulator.forget_requests()

    for how in ((), ("--observed", "snapshot")):
        result = check(told, "--base", base, "--head", head, *how, OCTOPUS_SHOP_KEY=None)

        assert result.exit_code == 0, result.output
        assert "| `payments` | upgrade | `3.0.0` | `3.1.0` | 1 | new-pin |  |" in result.stdout
        assert "As the audit branch has it since 20" in result.stdout
    live = check(told, "--base", base, "--head", head, "--observed", "live", OCTOPUS_SHOP_KEY=None)
    assert live.exit_code == 64
    assert told.simulator.requests == ()


def test_rule_36_a_change_sends_no_key_elsewhere_and_brings_no_settings(
    told: Shop, changed: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    base, _ = changed
    told.git("checkout", "-q", "-b", "evil", base)
    space = (told.clone / "space.yaml").read_text()
    stolen = space.replace(told.url, "https://evil.example").replace("SHOP_KEY", "OTHER_KEY")
    (told.clone / "space.yaml").write_text(stolen)
    new = pins("new", "Staging").replace("space: shop", "space: own")
    (told.clone / "new.yaml").write_text(new)
    (told.clone / "own.yaml").write_text(stolen.replace("{name: shop}", "{name: own}"))
    (told.clone / "reconciler.toml").write_text('root = "nowhere"\n')
    told.git("add", "--all")
    told.git("commit", "-qm", "Evil")
    monkeypatch.chdir(told.clone)

    result = check(told, "--base", base, "--head", "HEAD", OCTOPUS_OTHER_KEY="API-STOLEN")
    refused = told.run("plan", "production")
    told.git("checkout", "-q", "main")

    assert result.exit_code == 0, result.output
    assert f"`server` `{told.url}` → `https://evil.example`" in result.stdout
    assert "### `new` (new)" in result.stdout
    assert "no snapshot of it, and Octopus was not asked" in result.stdout.split("`new` (new)")[1]
    assert "| `orders` | upgrade | `2.3.0` | `2.4.0` | 1 |" in result.stdout
    assert refused.exit_code != 0


def test_a_check_of_broken_manifests_names_their_places_and_plans_the_others(
    told: Shop, changed: tuple[str, str]
) -> None:
    base, _ = changed
    told.git("checkout", "-q", "-b", "broken", base)
    (told.clone / "production.yaml").write_text(pins("production", "Production") + "  what: 1\n")
    told.git("commit", "-qam", "Broken")
    told.git("checkout", "-q", "main")

    result = check(told, "--base", base, "--head", "broken")

    assert result.exit_code == 3
    assert "Nothing is applied to `production` before they are mended." in result.stdout
    assert "- `production.yaml:13:3`: `" in result.stdout
    assert "Untouched: `qa`." in result.stdout


def test_a_server_that_refuses_the_key_is_told_and_leaves_with_1(
    told: Shop, changed: tuple[str, str]
) -> None:
    base, head = changed

    result = check(told, "--base", base, "--head", head, OCTOPUS_SHOP_KEY="API-WRONG")

    assert result.exit_code == 1
    assert result.stdout.count("Could not be planned: `") == 2
    assert "2 environments could not be planned; 0 environments untouched." in result.stdout
    assert "API-WRONG" not in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("--base", "main"),
        ("--base", "main", "--head", "main", "production"),
        ("--base", "main", "--head", "main", "-o", "table"),
        ("--base", "main", "--head", "none"),
        ("production", "--observed", "live"),
        (),
    ],
)
def test_a_check_takes_two_commits_and_nothing_of_a_plan(
    told: Shop, arguments: tuple[str, ...]
) -> None:
    result = check(told, *arguments)

    assert (result.exit_code, result.stdout) == (64, "")
    assert result.stderr.startswith("error: ")


def test_explain_writes_the_chain_in_every_form(told: Shop) -> None:
    table = told.run("explain", "production", "orders")
    data = told.run("explain", "production", "orders", "-o", "json")
    yaml = told.run("explain", "production", "orders", "-o", "yaml", "--at", "main")
    unknown = told.run("explain", "production", "ordres")

    assert (table.exit_code, data.exit_code, yaml.exit_code) == (0, 0, 0)
    assert "pinned    2.4.0 at production.yaml:10\nby        Ann Author <ann@" in table.stdout
    document = json.loads(data.stdout)
    assert (document["kind"], document["spec"]["compared"]["action"]) == ("Explanation", "upgrade")
    assert '    action: "upgrade"\n' in yaml.stdout
    assert unknown.exit_code == 64
    assert "hint: did you mean orders?" in unknown.stderr


def test_history_writes_who_pinned_what_in_every_form(told: Shop) -> None:
    table = told.run("history", "production", "--limit", "1")
    data = told.run("history", "production", "orders", "-o", "json", "--at", "main")
    yaml = told.run("history", "qa", "-o", "yaml")
    unknown = told.run("history", "production", "nobody")

    assert (table.exit_code, data.exit_code, yaml.exit_code) == (0, 0, 0)
    assert "  orders     2.3.0 -> 2.4.0 " in table.stdout
    assert "production: 1 commit that changed pins up to commit " in table.stdout
    spec = json.loads(data.stdout)["spec"]
    assert [entry["changes"][0]["to"]["version"] for entry in spec["entries"]] == ["2.4.0", "2.3.0"]
    assert spec["isWhole"] is True
    assert '    note: "the environment was added"\n' in yaml.stdout
    assert unknown.exit_code == 64
    assert unknown.stderr.startswith("error: nothing ever pinned 'nobody in production'")


def test_beside_a_daemon_accepting_advises_to_watch_and_not_to_apply(told: Shop) -> None:
    state = told.folder / "state"
    times = dict.fromkeys(("looked", "attempted", "reached", "next_look"))
    counts = {"failures": 0, "pending": 0, "conditions": [], "running": []}
    known = {"production": {"commit": "4f" * 20, **times, **counts}}
    status = {"repositories": {"r": {"trouble": None, "environments": known}}}

    alone = told.run("accept", "production")
    with daemon_lock(state):
        (state / NAME).write_text("{}")
        damaged = told.run("accept", "production")
        write_status(state, status)
        beside = told.run("accept", "production")

    assert alone.stderr.startswith("next: reconciler apply production --plan ")
    assert damaged.stderr == alone.stderr
    assert beside.stderr == (
        "next: nothing; the daemon carries it out, and `reconciler watch production` shows how\n"
    )
