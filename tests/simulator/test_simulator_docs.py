"""What the page about the simulator shows can be used as it stands."""

import ast
import re
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from fault_page import faults_of_page
from ruamel.yaml import YAML

from reconciler.simulator import FaultKind, Simulator, parse_faults, parse_seed
from reconciler.simulator.handwritten import Node

PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text("utf-8")
TESTS = Path(__file__).parents[1]


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_seed_of_the_page_is_one() -> None:
    text = _blocks("yaml")[0]
    assert Simulator(parse_seed(text)).running("wallet-api", "Production UK") == "2.4.0"


def test_the_page_tells_of_every_field_of_a_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    read: set[str] = set()
    fields = Node.fields

    def recorded(node: Node, *known: str) -> dict[str, Node]:
        if "deployed" not in node.place:
            read.update(known)
        return fields(node, *known)

    monkeypatch.setattr(Node, "fields", recorded)
    parse_seed(_blocks("yaml")[0])
    table = PAGE.split("| Of | Field |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| \w+ \| `(\w+)` \|", table, re.MULTILINE)) == read


async def test_the_person_of_the_page_can_log_in() -> None:
    simulator = Simulator(parse_seed(_blocks("yaml")[0]))
    transport = httpx.ASGITransport(app=simulator.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://o") as client:
        for password, status in (("open sesame", 200), ("shut", 401)):
            body = {"Username": "alice", "Password": password}
            assert (await client.post("/api/users/login", json=body)).status_code == status
        me = (await client.get("/api/users/me")).json()
    assert me["Username"] == "alice"


async def test_the_fault_of_the_page_is_taken(simulator: Simulator, admin: Any) -> None:
    (text,) = _blocks("json")
    (made,) = await admin.post("/simulator/faults", msgspec.json.decode(text))
    assert (made["kind"], made["retry_after"], made["nth"]) == ("status", "5", 2)


def test_the_faults_of_the_page_can_be_put_in_force(simulator: Simulator) -> None:
    text = _blocks("yaml")[1]
    parse_faults(simulator, text)
    simulator.deploy("Web Shop", "1.1.0", "Test")
    simulator.advance(30)
    assert simulator.deployments("Web Shop", "Test")[-1].state == "Queued"


def test_the_page_explains_every_kind_of_fault() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == {
        each.value for each in FaultKind
    }


CELL = """
spaces:
  - name: Shop
    default: true
    environments: [Test]
    machines: [{name: one, environments: [Test], roles: [api]}]
    projects: [{name: api, roles: [api], releases: ["1.0.0"]}]
"""


@pytest.mark.parametrize("name", faults_of_page())
async def test_each_fault_of_the_table_can_be_set_by_file_and_by_request(name: str) -> None:
    text = faults_of_page()[name]
    parse_faults(Simulator(parse_seed(CELL)), text)
    simulator = Simulator(parse_seed(CELL))
    headers = {"X-Octopus-ApiKey": simulator.api_key}
    transport = httpx.ASGITransport(app=simulator.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://o") as client:
        fault = YAML(typ="safe").load(text)
        made = await client.post("/simulator/faults", json=fault, headers=headers)
        assert made.status_code == 201, made.text
        world = simulator.world
        assert len(simulator.faults) + len(world.scripts) + len(world.mishaps) == sum(
            map(len, fault.values())
        )
        assert (await client.delete("/simulator/faults", headers=headers)).json() == []
    assert (simulator.faults, world.scripts, world.mishaps) == ((), {}, [])


def test_every_row_of_the_table_is_a_fault_of_the_page() -> None:
    table = PAGE.split("## What Reconciler does about each")[1]
    rows = re.findall(r"^\| (?!Fault \||-)([^|]+?) \|", table, re.MULTILINE)
    assert rows == list(faults_of_page())


def test_every_fault_of_the_table_is_named_by_one_test() -> None:
    named = Counter(
        node.value
        for text in (file.read_text("utf-8") for file in TESTS.rglob("test_*.py"))
        if "import strike" in text
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and node.value in faults_of_page()
    )
    assert named == Counter(faults_of_page().keys())
