"""Prompted variables of a change: what Octopus would ask for, filled from the manifests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.gate import Gate, GateName
from reconciler.core.manifest import CredentialSource
from reconciler.core.text import clean
from reconciler.core.variables import fill
from reconciler.errors import CredentialRefused, NotAllowed, RemoteRejected, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.core.plan import Action
    from reconciler.core.secret import Secret
    from reconciler.core.state import ReleaseDetail
    from reconciler.core.variables import Value
    from reconciler.engine.survey import Situation
    from reconciler.ports import Octopus

    Form = tuple[tuple[str, Value], ...]
    Look = Callable[[CredentialSource], Secret]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What one deployment is asked for with, and the machines Octopus says it would go to.

    `machines` are names by id. `unasked` are values of the stack that nothing asks for, in words.
    """

    form: Form
    machines: Mapping[str, str]
    unasked: tuple[str, ...] = ()


async def foresee(
    octopus: Octopus, look: Look, situation: Situation, action: Action, release: ReleaseDetail
) -> Foreseen | Gate:
    """Return how one deployment would be, or what it lacks: values, or machines.

    A secret is looked for, and not kept: it is read again when the request leaves.
    """
    opener = "the stack or the environment gives them under `variables`"
    environment = situation.observed.environment_id or ""
    try:
        tenant_id = situation.observed.cells[action.cell].tenant_id
        preview = await octopus.preview(release.id, environment, tenant_id)
    except CredentialRefused:
        raise
    except (NotAllowed, RemoteRejected) as error:
        opener = "Octopus answers the question"
        return Gate(action.cell, GateName.MISSING_VALUES, error.message, opener)
    project = situation.observed.cells[action.cell].project
    if preview.stranded and not (project is not None and project.allows_no_machines):
        steps = clean(", ".join(preview.stranded[:3]), 120)
        return Gate(
            action.cell,
            GateName.NO_MACHINES,
            f"no machine here takes part in the steps that need one ({steps})",
            "a machine with the role is added or enabled, or the project allows to deploy to none",
        )
    machines = dict(preview.machines)
    if any(one not in machines for one in action.machines):
        return Gate(
            action.cell,
            GateName.NO_MACHINES,
            "Octopus would not deploy it to every machine that is to get it",
            "the next look finds out which machines are there, and ready",
        )
    if action.machines:
        machines = {one: machines[one] for one in action.machines}
    desired = situation.desired
    given = dict(desired.values.get(action.component, ()))
    filled = fill(preview.form, given, desired.environment.change)
    if filled.lacks:
        return Gate(action.cell, GateName.MISSING_VALUES, "; ".join(filled.lacks), opener)
    if filled.awaits:
        return Gate(
            action.cell,
            GateName.WAITING_FOR_CHANGE,
            f"it is deployed under a change request ('{clean(filled.awaits, 80)}'), and the "
            "environment names none",
            "a commit that says `change: ...` in the environment",
        )
    try:
        revealed(filled.values, look)
    except UsageError as error:
        return Gate(action.cell, GateName.MISSING_VALUES, error.message, error.hint)
    asked = {element.name.casefold() for element in preview.form}
    unasked = tuple(
        f"stack {desired.stack.name} gives {action.component} a value for '{clean(name, 80)}', and "
        f"no prompted variable of release {clean(release.version, 60)} asks for it here"
        for name, _ in desired.stack.components[action.component].variables
        if name.casefold() not in asked
    )
    return Foreseen(filled.values, machines, unasked)


def revealed(form: Form, look: Look) -> tuple[tuple[str, str | Secret], ...]:
    """Return the values with secrets read where they are. Raises: UsageError."""
    return tuple(
        (name, look(value) if isinstance(value, CredentialSource) else value)
        for name, value in form
    )
