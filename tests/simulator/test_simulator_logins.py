"""Sessions: a password opens one, writes must prove where they come from, and it can be ended."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from reconciler.simulator import Simulator

WHO = {"Username": "dora", "Password": "correct horse", "RememberMe": False}


@pytest.fixture
async def dora(admin: Any) -> str:
    """A user with a password; returns the id."""
    body = {**WHO, "DisplayName": "Dora", "EmailAddress": "d@example.com"}
    made = await admin.post("/api/users", body)
    assert "Password" not in made
    return str(made["Id"])


@pytest.fixture
async def browser(simulator: Simulator) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key, that keeps cookies."""
    transport = httpx.ASGITransport(app=simulator.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://octopus") as http:
        yield http


def _csrf(browser: httpx.AsyncClient) -> dict[str, str]:
    (value,) = (v for name, v in browser.cookies.items() if name.startswith("Octopus-Csrf-Token"))
    return {"X-Octopus-Csrf-Token": value}


async def test_a_password_opens_a_session_that_a_logout_ends(
    dora: str, browser: httpx.AsyncClient
) -> None:
    assert (await browser.get("/api/users/me")).status_code == 401
    answer = await browser.post("/api/users/login", json=WHO)
    assert (answer.status_code, answer.json()["Id"]) == (200, dora)
    assert all("Path=/" in each for each in answer.headers.get_list("set-cookie"))
    assert (await browser.get("/api/users/me")).json()["Username"] == "dora"

    assert (await browser.post("/api/users/logout", headers=_csrf(browser))).status_code == 200
    assert (await browser.get("/api/users/me")).status_code == 401


async def test_a_write_of_a_session_must_repeat_its_token(
    dora: str, browser: httpx.AsyncClient
) -> None:
    await browser.post("/api/users/login", json=WHO)
    path, body = f"/api/users/{dora}/apikeys", {"Purpose": "x"}
    for headers in ({}, {"X-Octopus-Csrf-Token": "x"}, {"X-Octopus-Csrf-Token": ""}):
        refused = await browser.post(path, json=body, headers=headers)
        assert (refused.status_code, "anti-forgery" in refused.text) == (400, True)
    assert (await browser.post(path, json=body, headers=_csrf(browser))).status_code == 201


@pytest.mark.parametrize(
    ("username", "password"),
    [("dora", "wrong"), ("nobody", "x"), ("administrator", "x"), ("reconciler", "x")],
)
async def test_a_wrong_password_opens_nothing(
    dora: str, browser: httpx.AsyncClient, username: str, password: str
) -> None:
    body = {"Username": username, "Password": password}
    answer = await browser.post("/api/users/login", json=body)
    assert (answer.status_code, dict(browser.cookies)) == (401, {})
    assert answer.json()["ErrorMessage"] == "Invalid username or password."
    assert dora not in answer.text


async def test_sessions_end_when_they_are_revoked_or_the_account_is(
    dora: str, browser: httpx.AsyncClient, admin: Any, api: Any
) -> None:
    await browser.post("/api/users/login", json=WHO)
    await api.post(f"/api/users/{dora}/revoke-sessions", {}, status=403)
    await admin.post(f"/api/users/{dora}/revoke-sessions", {}, status=200)
    assert (await browser.get("/api/users/me")).status_code == 401

    await browser.post("/api/users/login", json=WHO)
    await admin.put(f"/api/users/{dora}", {"DisplayName": "Dora", "IsActive": False})
    assert (await browser.get("/api/users/me")).status_code == 401
    assert (await browser.post("/api/users/login", json=WHO)).status_code == 401


async def test_a_password_is_stored_as_a_hash_only(dora: str, simulator: Simulator) -> None:
    assert dora.encode() in simulator.backup()
    assert b"correct horse" not in simulator.backup()


async def test_hostile_cookies_are_no_session(browser: httpx.AsyncClient) -> None:
    for cookie in (
        "OctopusIdentificationToken=",
        "a=b; ;;=",
        '"',
        "OctopusIdentificationToken_x=y",
    ):
        assert (await browser.get("/api/users/me", headers={"Cookie": cookie})).status_code == 401


async def test_logins_are_events_of_the_system_for_administrators(
    dora: str, browser: httpx.AsyncClient, admin: Any, api: Any
) -> None:
    await browser.post("/api/users/login", json=WHO)
    await browser.post("/api/users/login", json={**WHO, "Password": "wrong"})
    path = "/api/events?eventCategories=LoginSucceeded,LoginFailed"
    seen = (await admin.get(path))["Items"]
    assert [(each["Category"], each["UserId"]) for each in seen] == [
        ("LoginFailed", "users-system"),
        ("LoginSucceeded", dora),
    ]
    for calls, where in ((api, path), (admin, f"{path}&includeSystem=false")):
        assert (await calls.get(where))["TotalResults"] == 0
    assert (await admin.get(path.replace("events", "Spaces-1/events", 1)))["TotalResults"] == 0


async def test_events_are_found_by_group_document_and_project_group(
    simulator: Simulator, admin: Any
) -> None:
    simulator.deploy("Web Shop", "1.1.0", "Dev")
    simulator.advance(30)
    group = (await admin.get("/api/projects/web-shop"))["ProjectGroupId"]
    for query, found in (
        ("eventGroups=Deployment", True),
        ("eventGroups=RunbookRun", False),
        ("documentTypes=Deployments", True),
        ("documentTypes=Workers", False),
        (f"eventGroups=Deployment&projectGroups={group}", True),
        ("projectGroups=ProjectGroups-99", False),
        ("eventGroups=RunbookRun&eventCategories=DeploymentSucceeded", True),
    ):
        assert bool((await admin.get(f"/api/events?{query}"))["TotalResults"]) is found, query


async def test_an_invitation_lets_one_person_register_into_its_teams(
    simulator: Simulator, browser: httpx.AsyncClient, admin: Any
) -> None:
    body = {"Name": "Guests", "SpaceId": "Spaces-1"}
    team = (await admin.post("/api/teams", body))["Id"]
    invited = await admin.post("/api/users/invitations", {"AddToTeamIds": [team]})
    wish = {**WHO, "InvitationCode": invited["InvitationCode"]}
    wrong = {**wish, "InvitationCode": "x"}
    assert (await browser.post("/api/users/register", json=wrong)).status_code == 400
    made = await browser.post("/api/users/register", json=wish)
    assert made.status_code == 200
    me = (await browser.get("/api/users/me")).json()["Id"]
    assert (await admin.get(f"/api/teams/{team}"))["MemberUserIds"] == [me]
    again = {**wish, "Username": "erin"}
    assert (await browser.post("/api/users/register", json=again)).status_code == 400

    late = await admin.post("/api/users/invitations", {"AddToTeamIds": []})
    simulator.advance(8 * 86_400)
    again["InvitationCode"] = late["InvitationCode"]
    assert (await browser.post("/api/users/register", json=again)).status_code == 400


async def test_nobody_invites_into_a_team_that_they_may_not_edit(
    simulator: Simulator, api: Any
) -> None:
    await api.post("/api/users/invitations", {"AddToTeamIds": []}, status=403)
    simulator.grant("reconciler", "UserInvite")
    await api.post("/api/users/invitations", {"AddToTeamIds": []})
    administrators = {"AddToTeamIds": ["teams-administrators"]}
    await api.post("/api/users/invitations", administrators, status=403)
    await api.post("/api/users/invitations", {"AddToTeamIds": ["Teams-99"]}, status=404)
