"""Scripted faults, over a real connection where the connection is what fails."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.simulator import (
    FaultsError,
    Simulator,
    SimulatorServer,
    load_faults,
    parse_faults,
)


@pytest.fixture
def server(simulator: Simulator) -> Iterator[httpx.Client]:
    """A client of the service account, over HTTP."""
    headers = {"X-Octopus-ApiKey": simulator.service_api_key}
    with (
        SimulatorServer(simulator) as running,
        httpx.Client(base_url=running.url, headers=headers) as client,
    ):
        yield client


ORDER = {"ReleaseId": "Releases-3", "EnvironmentId": "Environments-1"}


def test_a_status_fault_answers_in_place_of_the_server(
    simulator: Simulator, server: httpx.Client
) -> None:
    simulator.fault("status", path="/deployments$", status=429, retry_after="7", count=2)
    before = len(simulator.deployments("Web Shop", "Dev"))

    for _ in range(2):
        answer = server.post("/api/Spaces-1/deployments", json=ORDER)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
        assert answer.json()["ErrorMessage"] == "A scripted fault."
    assert len(simulator.deployments("Web Shop", "Dev")) == before
    assert server.post("/api/Spaces-1/deployments", json=ORDER).status_code == 201
    assert [each.status for each in simulator.requests] == [429, 429, 201]


def test_a_fault_waits_for_its_turn(simulator: Simulator, server: httpx.Client) -> None:
    simulator.fault("status", method="get", path="projects", nth=2, status=503, body="down")
    assert server.get("/api/environments").status_code == 200
    codes = [server.get("/api/projects").status_code for _ in range(3)]
    assert codes == [200, 503, 200]


def test_html_comes_with_200(simulator: Simulator, server: httpx.Client) -> None:
    simulator.fault("html")
    answer = server.get("/api/projects")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_a_truncated_answer_is_no_json(simulator: Simulator, server: httpx.Client) -> None:
    simulator.fault("truncate", path="/projects")
    answer = server.get("/api/projects")
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.content)


def test_a_named_field_gets_another_type(simulator: Simulator, server: httpx.Client) -> None:
    simulator.fault("wrong_type", path="/projects", field="slug")
    items = server.get("/api/projects").json()["Items"]
    assert all(isinstance(each["Slug"], dict) for each in items)
    simulator.fault("wrong_type", path="/projects", field="Items")
    assert server.get("/api/projects").json()["Items"] == "unexpected"


@pytest.mark.parametrize(("kind", "made"), [("lost_answer_before", 0), ("lost_answer_after", 1)])
def test_a_lost_answer_has_its_effect_or_none(
    simulator: Simulator, server: httpx.Client, kind: str, made: int
) -> None:
    before = len(simulator.deployments("Web Shop", "Dev"))
    simulator.fault(kind, method="POST")

    with pytest.raises(httpx.RemoteProtocolError):
        server.post("/api/deployments", json=ORDER)

    assert len(simulator.deployments("Web Shop", "Dev")) - before == made
    assert simulator.requests[-1].status == 0
    assert server.get("/api/users/me").status_code == 200


def test_a_redirect_leads_to_another_host(simulator: Simulator, server: httpx.Client) -> None:
    simulator.fault("redirect", location="http://elsewhere.invalid/api")
    answer = server.get("/api/projects")
    assert (answer.status_code, answer.headers["location"]) == (302, "http://elsewhere.invalid/api")


async def test_a_delayed_request_still_has_its_effect(simulator: Simulator, api: Any) -> None:
    fault = simulator.fault("delay", seconds=0.01)
    assert (await api.get("/api/users/me"))["Username"] == "reconciler"
    assert fault.acted == 1


async def test_a_lagging_list_hides_young_writes_for_a_while(
    simulator: Simulator, api: Any
) -> None:
    simulator.advance(60)
    simulator.fault("lag", seconds=30, count=None)
    made = await api.post("/api/deployments", ORDER)
    paths = [
        f"/api/deployments?ids={made['Id']}",
        f"/api/tasks?ids={made['TaskId']}",
        f"/api/releases/{ORDER['ReleaseId']}/deployments",
    ]

    async def counts() -> list[int]:
        return [(await api.get(path))["TotalResults"] for path in paths]

    async def current() -> bool:
        items = (await api.get("/api/dashboard/dynamic"))["Items"]
        return made["Id"] in {each["Id"] for each in items}

    assert (await counts(), await current()) == ([0, 0, 1], False)
    assert (await api.get(made["Links"]["Self"]))["Id"] == made["Id"]
    simulator.advance(30)
    assert (await counts(), await current()) == ([1, 1, 2], True)


def test_faults_and_clock_are_set_over_http_by_an_administrator_only(
    simulator: Simulator, server: httpx.Client
) -> None:
    admin = {"X-Octopus-ApiKey": simulator.api_key}
    for path in ("/simulator/faults", "/simulator/clock"):
        assert server.post(path, json={}).status_code == 403
        assert server.post(path, json={}, headers={"X-Octopus-ApiKey": ""}).status_code == 401

    fault = {"kind": "status", "path": "projects", "status": 500, "retryAfter": 3, "count": 1}
    made = server.post("/simulator/faults", json=[fault], headers=admin)
    assert (made.status_code, made.json()[0]["retry_after"]) == (201, "3")
    assert server.get("/api/projects").status_code == 500
    assert server.get("/simulator/faults", headers=admin).json()[0]["acted"] == 1
    assert server.delete("/simulator/faults", headers=admin).json() == []

    before = simulator.now
    answer = server.post("/simulator/clock", json={"advance": 90}, headers=admin)
    assert answer.json() == {"Now": "2026-11-20T10:01:30.000+00:00"}
    assert simulator.now - before == timedelta(seconds=90)


@pytest.mark.parametrize(
    "fault",
    [
        {},
        "status",
        {"kind": "fire"},
        {"kind": "status", "colour": "red"},
        {"kind": "status", "path": "("},
        {"kind": "status", "count": "one"},
        {"kind": "status", "count": True},
        {"deployments": [{"project": "X", "environment": "Dev", "outcome": "stuck"}]},
        {"server": [{"after": "soon", "event": "restart"}]},
    ],
)
async def test_a_fault_that_makes_no_sense_is_a_400(admin: Any, fault: Any) -> None:
    refused = await admin.post("/simulator/faults", fault, status=400)
    assert refused["ErrorMessage"]


@pytest.mark.parametrize("advance", [None, "60", True, -1, 1e300])
async def test_the_clock_takes_seconds_to_come_only(admin: Any, advance: Any) -> None:
    await admin.post("/simulator/clock", {"advance": advance}, status=400)


def test_several_statuses_take_turns(simulator: Simulator, server: httpx.Client) -> None:
    simulator.fault("status", path="/projects", status=(401, 403, 429, 503))
    codes = [server.get("/api/projects").status_code for _ in range(5)]
    assert codes == [401, 403, 429, 503, 200]
    simulator.fault("status", path="/projects", status=(500, 404), count=None)
    assert [server.get("/api/projects").status_code for _ in range(3)] == [500, 404, 404]


def test_a_reset_comes_in_the_middle_of_an_answer(
    simulator: Simulator, server: httpx.Client
) -> None:
    before = len(simulator.deployments("Web Shop", "Dev"))
    simulator.fault("reset", method="POST")
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        server.post("/api/deployments", json=ORDER)
    assert len(simulator.deployments("Web Shop", "Dev")) == before + 1
    assert server.get("/api/users/me").status_code == 200


async def test_a_dripping_answer_comes_whole(simulator: Simulator, api: Any) -> None:
    simulator.fault("drip", seconds=0.05)
    assert (await api.get("/api/users/me"))["Username"] == "reconciler"


async def test_a_field_can_be_made_to_lie(simulator: Simulator, api: Any) -> None:
    simulator.fault("value", path="/dashboard", field="state", value="Success")
    states = {each["State"] for each in (await api.get("/api/dashboard/dynamic"))["Items"]}
    assert states == {"Success"}


def test_what_happens_to_the_server_happens_at_its_moment(simulator: Simulator) -> None:
    simulator.deploy("Web Shop", "1.1.0", "Dev")
    simulator.later(4, simulator.restart)
    simulator.advance(60)
    seen = simulator.deployments("Web Shop", "Dev")[-1]
    assert seen.state == "Failed"
    assert seen.completed == simulator.now - timedelta(seconds=56)


def test_a_restore_by_script_brings_back_what_was_at_the_backup(simulator: Simulator) -> None:
    text = """
    server:
      - {after: 1, event: backup}
      - {after: 100, event: restore}
      - {after: 100, event: restart}
    """
    before = len(simulator.deployments("Web Shop", "Dev"))
    parse_faults(simulator, text)
    simulator.advance(2)
    simulator.deploy("Web Shop", "1.1.0", "Dev")
    simulator.advance(50)
    assert len(simulator.deployments("Web Shop", "Dev")) == before + 1
    simulator.advance(50)
    assert len(simulator.deployments("Web Shop", "Dev")) == before


async def test_a_file_of_faults_is_in_force_from_the_start(
    simulator: Simulator, api: Any, tmp_path: Path
) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text("""
requests:
  - {kind: status, method: POST, path: /deployments$, status: [503, 429], retryAfter: 5}
deployments:
  - {project: Web Shop, environment: Dev, outcome: failure, message: disk full}
  - {project: Web Shop, environment: Test, version: "1.1.0", outcome: stuck-queued}
""")
    load_faults(simulator, str(file))

    assert (await api.post("/api/deployments", ORDER, status=503))["ErrorMessage"]
    await api.post("/api/deployments", ORDER, status=429)
    made = await api.post("/api/deployments", ORDER)
    simulator.deploy("Web Shop", "1.1.0", "Test")
    simulator.advance(60)

    assert (await api.get(f"/api/tasks/{made['TaskId']}"))["ErrorMessage"] == "disk full"
    assert simulator.deployments("Web Shop", "Test")[-1].state == "Queued"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("requests:\n  - {kind: fire}\n", "2:5: "),
        ("requests:\n  - {kind: status, status: 99}\n", "2:5: The status of a fault is a number"),
        ("requests:\n  - {kind: status, stauts: 500}\n", "2:5: A fault has no field 'stauts'"),
        ("requests:\n  - kind: status\n    path: (\n", "2:5: The path of a fault must be"),
        ("requests: 5\n", "1:11: expected a list"),
        ("deployment: []\n", "1:1: unknown field 'deployment', did you mean 'deployments'?"),
        (
            "deployments:\n- {project: X, environment: Dev, outcome: stuck}\n",
            "2:3: no project 'X'",
        ),
        (
            "deployments:\n- {project: Web Shop, environment: Dev, outcome: boom}\n",
            "2:50: 'boom' is none of failure, warning,",
        ),
        (
            "deployments:\n- {project: Newsletter, environment: Dev, outcome: machine-dies}\n",
            "2:3: no step of Newsletter goes to a machine in Dev",
        ),
        ("server:\n- {event: restart}\n", "2:3: the field 'after' is missing"),
        ("server:\n- {after: soon, event: restart}\n", "2:11: expected a number of seconds"),
        ("server:\n- {after: 1, event: machine-dies, machine: x}\n", "2:3: no machine 'x'"),
        ("server:\n- {after: 1, event: restart, machine: x}\n", "2:39: only the event"),
        ("a: [\n", "faults:2:1: "),
    ],
)
async def test_a_mistake_in_a_file_of_faults_is_told_with_its_place_and_nothing_is_in_force(
    simulator: Simulator, api: Any, text: str, words: str
) -> None:
    with pytest.raises(FaultsError) as caught:
        parse_faults(simulator, "requests: [{kind: html}]\n" * text.startswith("s") + text)
    place = words.replace("2:", "3:", 1) if text.startswith("s") else words
    assert place in str(caught.value)
    assert (await api.get("/api/users/me"))["Username"] == "reconciler"


def test_a_file_of_faults_that_is_not_there_is_named(simulator: Simulator) -> None:
    with pytest.raises(FaultsError, match=r"nowhere\.yaml: there is no such file"):
        load_faults(simulator, "nowhere.yaml")


def test_a_deployment_whose_server_restarts_half_way_has_failed_and_what_waits_goes_on(
    simulator: Simulator,
) -> None:
    text = "deployments: [{project: Web Shop, environment: Dev, outcome: restart}]"
    parse_faults(simulator, text)
    simulator.deploy("Web Shop", "1.1.0", "Dev")
    simulator.deploy("Web Shop", "1.2.0", "Dev")
    simulator.advance(60)
    first, second = simulator.deployments("Web Shop", "Dev")[-2:]
    assert (first.state, first.completed) == ("Failed", simulator.now - timedelta(seconds=55))
    assert second.state == "Success"
