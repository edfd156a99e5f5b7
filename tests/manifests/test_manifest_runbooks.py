"""Runbooks in a stack: around a component, around everything, and the wait that follows."""

from datetime import timedelta

import pytest
from manifest_world import STACK, changed, lines, load, state

from reconciler.core.runbook import Around, Runbook
from reconciler.manifests.runbooks import parse_duration


def with_fields(fields: str) -> dict[str, str | bytes]:
    """Return the world with more fields of the component `lobby-ui`."""
    return changed(platform=STACK.replace("project: Projects-7", f"project: Projects-7, {fields}"))


def test_a_component_names_runbooks_before_and_after_it_and_how_long_to_wait() -> None:
    fields = (
        "runbooks: {before: [{runbook: Make, project: infra, machines: Made}], "
        "after: [{runbook: Smoke test}]}, soak: 5m"
    )

    component = state(load(with_fields(fields)), "qa").stack.components["lobby-ui"]

    assert component.soak == timedelta(minutes=5)
    assert component.runbooks == Around(
        (Runbook("Make", "infra", "Made"),), (Runbook("Smoke test"),)
    )
    assert [each.key for each in component.runbooks.all] == ["infra/Make", "Smoke test"]


def test_runbooks_of_a_stack_name_their_project() -> None:
    said = "spec:\n  runbooks: {after: [{runbook: Tell}]}"

    assert any(
        "project" in line for line in lines(load(changed(platform=STACK.replace("spec:", said))))
    )


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("5m", 300), ("24h", 86400)])
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["5", "0m", "5 m", "25h", "m", "-5m", "\u0665m", "5m\n"])
def test_what_is_no_duration_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|longer than a day"):
        parse_duration(text)
