"""`reconciler doctor`: everything that deployments rest on, whatever of it is broken."""

from __future__ import annotations

import json
import re
import socket
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from cli_shop import pins

from reconciler.cli.render.checkup import checkup_lines
from reconciler.core.checkup import Check, Finding, Verdict
from reconciler.core.role import ROLE, Use

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cli_golden import Golden
    from cli_shop import Shop

CLOSED = "http://127.0.0.1:9"


def found(shop: Shop, *arguments: str, **environment: str | None) -> dict[str, Any]:
    """Run it; return the verdict of each check by `check about`, and all that it says."""
    result = shop.run("doctor", "-o", "json", "--timeout", "5", *arguments, **environment)
    told = json.loads(result.stdout)["spec"]["findings"]
    assert result.exit_code == int(any(one["verdict"] == "failed" for one in told))
    for one in told:
        assert bool(one["toDo"]) is (one["verdict"] != "ok")
    return {"code": result.exit_code, "told": told, "text": result.output}


def verdicts(of: Mapping[str, Any], check: str) -> list[str]:
    return [one["verdict"] for one in of["told"] if one["check"] == check]


def steady(shop: Shop, text: str) -> str:
    text = text.replace(shop.url, "http://octopus.example").replace(str(shop.folder), "here")
    text = re.sub(r"is at [0-9a-f]{12}", "is at 4f4f4f4f4f4f", text)
    return re.sub(r"\d+ MiB", "9000 MiB", text)


def own_key(shop: Shop, user: str = "reconciler") -> str:
    """Make a key through the server's own API, so that it knows when it expires."""
    request = urllib.request.Request(
        f"{shop.url}/api/users/me/apikeys",
        data=b'{"Purpose": "doctor"}',
        headers={"X-Octopus-ApiKey": shop.simulator.key_of(user)},
    )
    with urllib.request.urlopen(request) as answer:
        return str(json.load(answer)["ApiKey"])


def test_a_whole_estate_is_told_line_by_line(shop: Shop, golden: Golden) -> None:
    shop.pin(web="1.1.0")
    key = own_key(shop)

    done = shop.run("doctor", OCTOPUS_SHOP_KEY=key, RECONCILER_OCTOPUS__SERVERS=f"{shop.url}/")

    assert done.exit_code == 0, done.output
    text = re.sub(r"on \d{4}-\d\d-\d\d", "on 2027-05-19", f"{done.stdout}stderr:\n{done.stderr}")
    golden.compare("doctor.txt", steady(shop, text))
    assert key not in done.output


def test_what_is_well_alike_shares_a_line_and_what_is_not_never_does() -> None:
    names = [f"environment e{number}" for number in range(5)]
    well = [Finding(Check.DEPLOYERS, name, Verdict.OK, "nobody else") for name in names]
    ill = [Finding(Check.RETENTION, name, Verdict.WARNING, "gone", "keep") for name in names]

    lines = list(checkup_lines([*well[:2], *ill, *well[2:]]))

    assert lines[0] == "ok       deployers   5 environments: nobody else"
    assert len(lines) == 1 + 2 * len(ill)
    assert len(list(checkup_lines(well[:3]))) == 3


def test_the_least_roles_are_those_reviewed(shop: Shop, golden: Golden) -> None:
    shop.simulator.forget_requests()

    golden.compare("doctor-role.txt", shop.run("doctor", "--print-role").stdout)
    golden.compare("doctor-role.json", shop.run("doctor", "--print-role", "-o", "json").stdout)
    assert shop.simulator.requests == ()


def test_everything_broken_is_told_in_one_run(shop: Shop) -> None:
    shop.push({"qa.yaml": pins("qa", "Test").replace("stack: shop", "stack: shpo")})
    shop.push({"space.yaml": (shop.clone / "space.yaml").read_text().replace(shop.url, CLOSED)})
    (shop.folder / "secrets").touch()

    told = found(shop, RECONCILER_SECRETS_DIR=str(shop.folder / "secrets"))

    assert {check: verdicts(told, check) for check in ("settings", "manifests", "server")} == {
        "settings": ["failed", "warning"],
        "manifests": ["failed"],
        "server": ["failed"],
    }


def test_rule_47_a_server_that_never_answers_is_given_up_in_time(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        space = (shop.clone / "space.yaml").read_text().replace(shop.url, address)
        shop.push({"space.yaml": space})
        began = time.monotonic()

        told = shop.run("doctor", "--timeout", "1")

    assert told.exit_code == 1
    assert f"{address}/api: no answer in time" in told.stdout
    assert time.monotonic() - began < 10


def test_rule_30_a_key_goes_to_no_server_that_is_not_allowed(shop: Shop) -> None:
    shop.simulator.forget_requests()
    elsewhere = "https://octopus.example"

    told = found(shop, RECONCILER_OCTOPUS__SERVERS=elsewhere)
    planned = shop.run("plan", "production", RECONCILER_OCTOPUS__SERVERS=elsewhere)

    assert verdicts(told, "key") == ["failed"]
    assert "which is not among the allowed ones; no key was sent there" in planned.stderr
    assert shop.simulator.requests == ()


def test_a_server_that_is_away_hides_nothing_else(shop: Shop) -> None:
    shop.push({"space.yaml": (shop.clone / "space.yaml").read_text().replace(shop.url, CLOSED)})

    told = found(shop)

    assert verdicts(told, "server") == ["failed"]
    assert verdicts(told, "git") + verdicts(told, "audit") == ["ok", "ok"]
    assert "the connection was refused" in told["text"]


def test_a_branch_that_cannot_be_fetched_leaves_what_the_mirror_has(shop: Shop) -> None:
    found(shop)
    shop.git("update-ref", "-d", "refs/heads/main", at=shop.remote)

    told = found(shop)

    assert verdicts(told, "git") == ["failed"]
    assert verdicts(told, "manifests") + verdicts(told, "server") == ["ok", "ok"]


def test_a_remote_that_records_may_not_go_to_is_told_with_what_to_do(shop: Shop) -> None:
    shop.git("remote", "set-url", "origin", "ftp://git.example/shop.git", at=shop.clone)

    told = found(shop, RECONCILER_REPO=str(shop.clone))

    assert verdicts(told, "git") + verdicts(told, "audit") == ["ok", "failed"]
    assert "give an https:// or ssh:// address" in told["text"]


def test_rule_28_a_tip_that_is_not_signed_as_required_is_told(shop: Shop) -> None:
    signers = shop.folder / "signers"
    signers.write_text("")

    told = found(shop, RECONCILER_GIT__ALLOWED_SIGNERS=str(signers))

    assert verdicts(told, "signatures") == ["failed"]
    assert verdicts(told, "git") == ["ok"]
    assert verdicts(found(shop), "signatures") == []


def test_a_remote_that_never_answered_leaves_the_rest_unknown(shop: Shop) -> None:
    told = found(shop, RECONCILER_REPO=f"{CLOSED}/manifests.git")

    assert verdicts(told, "git") + verdicts(told, "audit") == ["failed", "failed"]
    assert verdicts(told, "manifests") == ["unknown"]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (None, "variable OCTOPUS_SHOP_KEY is not set"),
        ("API-NOBODYS", "refused our key (401)"),
    ],
)
def test_rule_30_a_key_that_is_absent_or_refused_is_told_by_its_place(
    shop: Shop, key: str | None, words: str
) -> None:
    told = found(shop, OCTOPUS_SHOP_KEY=key)

    assert "failed" in verdicts(told, "key")
    assert words in told["text"]
    assert verdicts(told, "server") == (["ok"] if key else [])
    assert "NOBODYS" not in told["text"]


def test_an_administrators_key_is_refused(shop: Shop) -> None:
    told = found(shop, OCTOPUS_SHOP_KEY=shop.simulator.api_key)

    assert verdicts(told, "key") == ["warning", "failed"]
    assert "`apply` refuses it" in told["text"]


def test_each_permission_of_the_least_role_is_missed(shop: Shop) -> None:
    policy = (shop.clone / "policy.yaml").read_text()
    shop.push({"policy.yaml": policy.replace("{mode: apply}", "{mode: apply, protected: true}")})
    shop.simulator.grant("reconciler", "UserView")
    for need in (one for one in ROLE if one.use is not Use.MACHINES and not one.of_runbooks):
        shop.simulator.revoke("reconciler", need.permission)

        told = [one for one in found(shop)["told"] if one["check"] == "permissions"]

        words = f"the {need.use} key lacks {need.permission}"
        lacking = [one["verdict"] for one in told if words in one["says"]]
        assert lacking == [Verdict.FAILED if need.is_vital else Verdict.WARNING], need
        shop.simulator.grant("reconciler", need.permission)


def test_a_pin_whose_release_retention_may_remove_is_told(shop: Shop) -> None:
    headers = {"X-Octopus-ApiKey": shop.simulator.api_key}
    address = f"{shop.url}/api/lifecycles/all"
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as answer:
        lifecycles = json.load(answer)
    for one in lifecycles:
        one["ReleaseRetentionPolicy"] = {"Unit": "Days", "QuantityToKeep": 30}
        address = f"{shop.url}/api/lifecycles/{one['Id']}"
        change = urllib.request.Request(address, json.dumps(one).encode(), headers, method="PUT")
        urllib.request.urlopen(change).close()
    assert verdicts(found(shop), "retention") == ["ok", "ok"]
    shop.pin(web="1.2.9")

    told = [one for one in found(shop)["told"] if one["check"] == "retention"]

    assert [one["verdict"] for one in told] == ["warning", "ok"]
    assert told[0]["says"].startswith("the pinned release of web does not run there, and lifecycle")
    assert told[0]["says"].endswith("keeps releases for 30 days only")


def test_a_setting_that_cannot_be_read_is_the_one_finding(shop: Shop) -> None:
    told = found(shop, RECONCILER_GIT__TIMEOUT="soon")

    assert [(one["check"], one["verdict"]) for one in told["told"]] == [("settings", "failed")]
    assert shop.run("doctor", RECONCILER_GIT__TIMEOUT="soon").exit_code == 1


def test_loose_state_and_open_status_are_told(shop: Shop, tmp_path: Path) -> None:
    keys = shop.folder / "state" / "keys"
    keys.mkdir(parents=True)
    keys.chmod(0o755)

    told = found(shop, RECONCILER_SERVE__LISTEN="0.0.0.0:8066")

    assert f"others may read {tmp_path}/state/keys (mode 755)" in told["text"]
    assert "/status is open to the network at 0.0.0.0:8066" in told["text"]


def test_a_pause_and_a_maintenance_are_told(shop: Shop) -> None:
    assert shop.run("pause", "--all", "--reason", "night").exit_code == 0
    shop.simulator.is_in_maintenance = True

    told = found(shop)

    assert "1 pause in force: nothing new starts there" in told["text"]
    assert "it takes no deployments" in told["text"]
