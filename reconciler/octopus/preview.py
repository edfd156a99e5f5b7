"""The form of a deployment: which prompted variables Octopus asks for, before it is asked.

Source: Octopus REST API, `GET /releases/{id}/deployments/preview/{environment}/{tenant}`, `Form`.
"""

from __future__ import annotations

from typing import Any

from reconciler.core.preview import Preview
from reconciler.core.variables import FormElement
from reconciler.octopus.wire import Id, Text, Wire

_CONTROL_TYPE = "Octopus.ControlType"


class Control(Wire, frozen=True):
    """How an element is shown; only a `VariableValue` is a prompted variable."""

    type: str
    name: Text | None = None
    label: str | None = None
    required: bool = False
    is_secure: bool = False
    display_settings: dict[str, Any] | None = None


class Element(Wire, frozen=True):
    """One element of a form; its name is the key of its value."""

    name: Id
    control: Control
    is_value_required: bool = False


class Form(Wire, frozen=True):
    """What is asked, and what is answered already."""

    elements: list[Element]
    values: dict[str, Any]


class PreviewedMachine(Wire, frozen=True):
    """A machine that a step goes to."""

    id: Id
    name: str


class PreviewedStep(Wire, frozen=True):
    """A step, and the machines it goes to; where it needs some and there are none, it says so."""

    action_name: str
    machine_names: list[str] | None = None
    machines: list[PreviewedMachine] | None = None
    is_disabled: bool = False
    has_no_applicable_machines: bool = False


class DeploymentPreview(Wire, frozen=True):
    """A deployment as it would be."""

    form: Form
    steps_to_execute: list[PreviewedStep] | None = None


def preview_of(said: DeploymentPreview) -> Preview:
    """Return what a deployment would ask for, and which steps would find no machine."""
    steps = [step for step in said.steps_to_execute or () if not step.is_disabled]
    somewhere = any(step.machine_names for step in steps)
    stranded = [step.action_name for step in steps if step.has_no_applicable_machines]
    machines = {(one.id, one.name) for step in steps for one in step.machines or ()}
    return Preview(_elements(said), () if somewhere else tuple(stranded), tuple(sorted(machines)))


def _elements(preview: DeploymentPreview) -> tuple[FormElement, ...]:
    """Return the prompted variables of a preview."""
    found = []
    for element in preview.form.elements:
        control = element.control
        if control.type != "VariableValue" or control.name is None:
            continue
        shown_as = (control.display_settings or {}).get(_CONTROL_TYPE)
        found.append(
            FormElement(
                id=element.name,
                name=control.name,
                label=control.label or control.name,
                is_required=control.required or element.is_value_required,
                has_value=bool(preview.form.values.get(element.name)),
                is_secret=control.is_secure or shown_as == "Sensitive",
            )
        )
    return tuple(found)
