"""What `doctor` asks of a server: told where it is, unknown or not supported where it is not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from octopus_answers import TurnedClock, page
from pytest_httpserver import HTTPServer

from reconciler.core.checkup import Keeping
from reconciler.errors import CredentialRefused
from reconciler.octopus.checkup import see_keeping, see_key, see_server
from reconciler.octopus.client import OctopusHttp

ROOT = {"Version": "2023.4.1", "InstallationId": "1111"}
ME = {"Id": "Users-1", "Username": "svc", "DisplayName": None, "IsService": True}
MAY = {"SpacePermissions": {}, "SystemPermissions": [], "IsPermissionsComplete": True}
SOON, LATER = "2026-12-01T00:00:00.000+00:00", "2027-05-01T00:00:00.000+00:00"


def api_key(number: int, hint: str | None, expires: str | None) -> dict[str, Any]:
    return {
        "Id": f"apikeys-{number}",
        "ApiKey": {"HasValue": True, "NewValue": None, "Hint": hint},
        "Expires": expires,
    }


def keys_are(httpserver: HTTPServer, *keys: dict[str, Any]) -> None:
    httpserver.expect_request("/api/users/me").respond_with_json(ME)
    httpserver.expect_request("/api/users/Users-1/permissions").respond_with_json(MAY)
    httpserver.expect_request("/api/users/Users-1/apikeys").respond_with_json(page(list(keys)))


async def test_the_clock_of_a_server_is_told_by_its_own_answer(
    httpserver: HTTPServer, http: OctopusHttp, clock: TurnedClock
) -> None:
    clock.turn((datetime.now(UTC) - clock.now()).total_seconds() - 90)  # the server's is right
    httpserver.expect_request("/api").respond_with_json(ROOT)
    httpserver.expect_request("/api/serverstatus").respond_with_json({"IsInMaintenanceMode": True})
    providers = {"AuthenticationProviders": [{"Name": "Octopus", "FormsLoginEnabled": True}]}
    httpserver.expect_request("/api/authentication").respond_with_json(providers)
    httpserver.expect_request("/api/deploymentfreezes").respond_with_json({"Count": 0})

    seen = await see_server(http, clock)

    assert seen.ahead == pytest.approx(90, abs=5)
    assert (seen.in_maintenance, seen.logins, seen.has_freezes) == (
        True,
        (("Octopus", True),),
        True,
    )


async def test_a_missing_route_is_not_supported_and_a_forbidden_one_is_not_known(
    httpserver: HTTPServer, http: OctopusHttp, clock: TurnedClock
) -> None:
    httpserver.expect_request("/api").respond_with_json(ROOT, headers={"Date": "some day"})
    httpserver.expect_request("/api/serverstatus").respond_with_json({}, status=403)
    httpserver.expect_request("/api/authentication").respond_with_json(["odd"])
    httpserver.expect_request("/api/deploymentfreezes").respond_with_json({}, status=404)

    seen = await see_server(http, clock)

    assert (seen.ahead, seen.in_maintenance, seen.logins) == (None, None, None)
    assert seen.has_freezes is False


@pytest.mark.parametrize(
    ("keys", "expires", "told"),
    [
        ([api_key(1, "API-OB", LATER), api_key(2, "API-ZZ", SOON)], LATER, True),
        ([api_key(1, "API-OB", LATER), api_key(2, "API-O", SOON)], SOON, True),
        ([api_key(1, "API-OB", None)], None, True),
        ([api_key(1, None, SOON)], None, False),
        ([], None, False),
    ],
)
async def test_a_keys_end_is_that_of_the_first_that_begins_like_it(
    httpserver: HTTPServer, http: OctopusHttp, keys: Any, expires: str | None, told: bool
) -> None:
    keys_are(httpserver, *keys)

    seen = await see_key(http)

    end = None if expires is None else datetime.fromisoformat(expires).astimezone(UTC)
    assert (seen.expires, seen.expiry_told) == (end, told)
    assert seen.expires is None or seen.expires.utcoffset() == timedelta(0)


async def test_keys_that_may_not_be_listed_leave_only_their_end_untold(
    httpserver: HTTPServer, http: OctopusHttp
) -> None:
    httpserver.expect_request("/api/users/me").respond_with_json(ME)
    httpserver.expect_request("/api/users/Users-1/permissions").respond_with_json(MAY)
    httpserver.expect_request("/api/users/Users-1/apikeys").respond_with_json({}, status=403)

    assert not (await see_key(http)).expiry_told


async def test_rule_31_a_refused_key_is_not_asked_with_again(
    httpserver: HTTPServer, http: OctopusHttp, clock: TurnedClock
) -> None:
    httpserver.expect_request("/api").respond_with_json(ROOT)
    httpserver.expect_request("/api/serverstatus").respond_with_json({}, status=401)

    seen = await see_server(http, clock)

    assert (seen.server.version, seen.in_maintenance, seen.has_freezes) == ("2023.4.1", None, None)
    assert len(httpserver.log) == 2
    with pytest.raises(CredentialRefused):
        await see_key(http)
    assert len(httpserver.log) == 2


def policy(unit: str, number: int) -> dict[str, Any]:
    return {"Unit": unit, "QuantityToKeep": number, "ShouldKeepForever": number == 0}


async def test_the_shortest_keeping_of_a_lifecycle_counts(
    httpserver: HTTPServer, http: OctopusHttp
) -> None:
    said = [
        ("A", policy("Items", 0), [policy("Days", 30), None]),
        ("B", policy("Days", 90), [policy("Items", 3)]),
        ("C", None, []),
    ]
    answer = [
        {
            "Id": f"Lifecycles-{name}",
            "Name": name,
            "ReleaseRetentionPolicy": own,
            "Phases": [{"ReleaseRetentionPolicy": one} for one in phases],
        }
        for name, own, phases in said
    ]
    httpserver.expect_request("/api/Spaces-1/lifecycles/all").respond_with_json(answer)

    assert await see_keeping(http, "Spaces-1") == (
        Keeping("Lifecycles-A", "A", "30 days"),
        Keeping("Lifecycles-B", "B", "3 releases"),
        Keeping("Lifecycles-C", "C", None),
    )
