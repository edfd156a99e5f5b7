"""What the page about the simulator shows can be used as it stands."""

import re
from pathlib import Path
from typing import Any

import msgspec

from reconciler.simulator import FaultKind, Simulator, parse_faults, parse_seed

PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text("utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_seed_of_the_page_is_one() -> None:
    text, _ = _blocks("yaml")
    assert Simulator(parse_seed(text)).running("wallet-api", "Production UK") == "2.4.0"


async def test_the_fault_of_the_page_is_taken(simulator: Simulator, admin: Any) -> None:
    (text,) = _blocks("json")
    (made,) = await admin.post("/simulator/faults", msgspec.json.decode(text))
    assert (made["kind"], made["retry_after"], made["nth"]) == ("status", "5", 2)


def test_the_faults_of_the_page_can_be_put_in_force(simulator: Simulator) -> None:
    _, text = _blocks("yaml")
    parse_faults(simulator, text)
    simulator.deploy("Web Shop", "1.1.0", "Test")
    simulator.advance(30)
    assert simulator.deployments("Web Shop", "Test")[-1].state == "Queued"


def test_the_page_explains_every_kind_of_fault() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == {
        each.value for each in FaultKind
    }
