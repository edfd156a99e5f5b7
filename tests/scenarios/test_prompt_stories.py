"""What a deployment prompts for comes from the manifests, and a secret from where it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prompting import CHANGE, form_values, prompts
from story import FILES

from reconciler.core.gate import GateName
from reconciler.engine.apply import Done
from reconciler.engine.events import Said

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from story import Story

TEMPLATES = """\
  templates:
    Ticket: {label: Change ticket, required: true}
    Pin: {type: secret, components: [jobs]}
"""
GIVEN = "  variables: {Ticket: CHG-7, Pin: {env: RECONCILER_VALUE_PIN}}\n"


async def test_rule_30_a_deployment_is_given_its_values_and_the_secret_stays_secret(
    world: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.accept()
    prompts(world, "jobs", "1.2.0")
    world.pin(jobs="1.2.0")

    (gate,) = (await world.plan()).gates
    assert (gate.cell, gate.name) == ("jobs", GateName.MISSING_VALUES)
    assert gate.message == "no value for the required variable 'Ticket'"

    world.push({"stacks/platform.yaml": FILES["stacks/platform.yaml"] + TEMPLATES})
    world.edit("environments/test.yaml", ("  policy: open\n", f"  policy: open\n{GIVEN}"))
    held = await world.apply()
    assert held.results["jobs"].done is Done.HELD
    assert held.results["jobs"].why == "variable RECONCILER_VALUE_PIN is not set; nothing was asked"

    monkeypatch.setenv("RECONCILER_VALUE_PIN", "hush-4711")
    done = await world.apply()

    assert done.results["jobs"].done is Done.SUCCEEDED
    assert form_values(world, "jobs") == {"t": "CHG-7", "p": None}
    kept = "".join(path.read_text("utf-8", "replace") for path in _kept(world))
    assert "hush-4711" not in kept
    assert "hush-4711" not in str(world.events)


def _kept(world: Story) -> list[Path]:
    return [path for path in (world.folder / "state").rglob("*") if path.is_file()]


async def test_the_change_request_of_the_environment_goes_where_octopus_asks_for_one(
    world: Story,
) -> None:
    await world.accept()
    prompts(world, "jobs", "1.2.0", CHANGE)
    world.edit("stacks/platform.yaml", ("jobs: {}", "jobs: {variables: {Tikcet: CHG-7}}"))
    world.pin(jobs="1.2.0")

    planned = await world.plan()
    assert planned.unasked == ()  # what it asks for comes first
    (gate,) = planned.gates
    assert (gate.cell, gate.name) == ("jobs", GateName.WAITING_FOR_CHANGE)
    assert "Octopus.ServiceNow.ChangeRequest.Number" in gate.message

    world.edit(
        "environments/test.yaml", ("  policy: open\n", "  policy: open\n  change: CHG0042\n")
    )
    await world.apply()

    assert form_values(world, "jobs") == {"c": "CHG0042"}
    said = [e.text for e in world.events if isinstance(e, Said) and "'Tikcet'" in e.text]
    assert said == [
        "stack platform gives jobs a value for 'Tikcet', and no prompted variable of release "
        "1.2.0 asks for it here"
    ]
