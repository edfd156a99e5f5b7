"""What the commands of the executions API have in common: things by their names, options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.simulator.answers import Refused
from reconciler.simulator.world import find

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Environment, Process, Project

__all__ = ["environments_named", "named", "project_of", "read_options"]

T = TypeVar("T")


def named(records: Iterable[T], wanted: str, kind: str) -> T:
    """Return what a command names by id, slug or name.

    Raises:
        Refused: 400 naming it when it is not there.
    """
    found = find(records, wanted)
    if found is None:
        raise Refused(400, f"{kind} '{wanted}' was not found.")
    return found


def project_of(call: Call, body: Body) -> Project:
    """Return the project of a command after checking that the body means this space."""
    for name in ("spaceId", "spaceIdOrName"):
        given = body.text(name)
        if given is not None and find([call.space], given) is None:
            raise Refused(400, f"Space '{given}' is not the space of the address.")
    if body.text("spaceIdOrName") is None and body.text("spaceId") is None:
        raise Refused(400, "Model validation failed.", ("The spaceIdOrName field is required.",))
    wanted = body.text("projectName") or body.need("projectIdOrName")
    project = named(call.space.projects.values(), wanted, "Project")
    call.demand("ProjectView", project)
    return project


def environments_named(call: Call, body: Body) -> list[Environment]:
    """Return the environments of a command, of which there is at least one."""
    names = body.texts("environmentNames")
    if not names:
        raise Refused(400, "Model validation failed.", ("The environmentNames field is required.",))
    return [named(call.space.environments.values(), name, "Environment") for name in names]


def read_options(call: Call, body: Body, process: Process) -> dict[str, Any]:
    """Return how a deployment or a run is to go, in the classic API's words."""
    steps = [named(process.steps, name, "Step") for name in body.texts("skipStepNames")]
    skipped = [
        each
        for step in steps
        for each in (
            [action["Id"] for action in step.document["Actions"]] if step.document else [step.id]
        )
    ]
    machines = call.space.machines.values()
    specific, excluded = (
        [named(machines, name, "Machine").id for name in body.texts(kind)]
        for kind in ("specificMachineNames", "excludedMachineNames")
    )
    variables = body.get("variables")
    guided = body.get("useGuidedFailure")
    return {
        "FormValues": variables if isinstance(variables, dict) else {},
        "ForcePackageDownload": body.flag("forcePackageDownload"),
        "ForcePackageRedeployment": body.flag("forcePackageRedeployment"),
        "SkipActions": skipped,
        "SpecificMachineIds": specific,
        "ExcludedMachineIds": excluded,
        "UseGuidedFailure": None if guided is None else body.flag("useGuidedFailure"),
        "Priority": body.text("priority"),
    }
