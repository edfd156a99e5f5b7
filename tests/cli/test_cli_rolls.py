"""The machines beside a plan: who is not ready, who lacks what, and what nobody can tell."""

import json
from pathlib import Path

import pytest
from cli_golden import Golden
from cli_values import plan_and_gates
from jsonschema import Draft202012Validator

from reconciler.cli.render.plan import Page, show_plan
from reconciler.cli.render.rolls import LINES, roll_lines
from reconciler.core.cellkey import CellKey
from reconciler.core.machine import Machine
from reconciler.core.plan import Plan
from reconciler.core.roll import Roll

SCHEMA = json.loads((Path(__file__).parents[2] / "schema" / "plan.schema.json").read_text())


def machine(number: int, name: str, health: str = "Healthy") -> Machine:
    return Machine(f"Machines-{number}", name, frozenset(), frozenset(), False, health)


ROLL = Roll(
    away=(machine(1, "web-1\x1b[31m", "Unavailable"),),
    left=((machine(2, "web-2"), tuple(map(CellKey, ("api", "db", "mail", "web")))),),
    doubts=((CellKey("jobs"), "its process could not be read"),),
)


@pytest.mark.parametrize(
    ("output", "file"), [("table", "plan-machines.txt"), ("markdown", "plan-machines.md")]
)
def test_the_machines_stand_below_the_plan(
    output: str, file: str, golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, _ = plan_and_gates()
    show_plan(Page(Plan("qa", plan.commit, plan.read_at, ()), (), roll=ROLL), output)

    golden.compare(file, capsys.readouterr().out)


def test_the_machines_are_data_as_the_schema_says(capsys: pytest.CaptureFixture[str]) -> None:
    plan, gates = plan_and_gates()
    limited = plan.changes[0]._replace(machines=("Machines-1",))
    some = Plan("qa", plan.commit, plan.read_at, (limited,))

    show_plan(Page(some, gates, roll=ROLL), "json")

    said = json.loads(capsys.readouterr().out)
    Draft202012Validator(SCHEMA).validate(said)
    assert said["spec"]["changes"][0]["machines"] == ["Machines-1"]
    assert said["spec"]["arrivals"] == {
        "left": [{"components": ["api", "db", "mail", "web"], "id": "Machines-2", "name": "web-2"}],
        "notReady": [{"id": "Machines-1", "name": "web-1\\x1b[31m", "state": "unavailable"}],
        "unknown": ["jobs (its process could not be read)"],
    }


def test_a_whole_farm_that_is_away_is_a_few_lines() -> None:
    farm = Roll(away=tuple(machine(n, f"web-{n}", "Unhealthy") for n in range(100)))

    assert len(roll_lines(farm)) == LINES + 1
    assert roll_lines(None) == roll_lines(Roll()) == []


def test_machines_that_could_not_be_read_are_told_in_one_line() -> None:
    assert roll_lines(Roll(unread="403: the key may not")) == [
        "not read, so none is served: 403: the key may not"
    ]
