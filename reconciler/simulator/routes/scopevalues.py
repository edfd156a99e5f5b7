"""What the variables of a project or a library set may be scoped to."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.simulator.records import LibrarySet, Project

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.simulator.calls import Call

__all__ = ["scope_values", "scoped_only_to"]


def scope_values(call: Call, owner: Project | LibrarySet) -> dict[str, list[dict[str, str]]]:
    """Return the values of each key of a scope, by id and name, as far as the caller sees them."""
    space = call.space
    sees, machines = call.access("EnvironmentView"), call.access("MachineView")
    every = [each.id for each in space.environments_in_order() if sees.allows(environment=each.id)]
    roles = {role for each in space.machines.values() for role in each.roles}
    tags = [
        found.canonical(tag)
        for found in sorted(space.tag_sets.values(), key=lambda each: each.sort_order)
        for tag in found.tags
    ]
    return {
        "Environments": [{"Id": each, "Name": space.environments[each].name} for each in every],
        "Machines": [
            {"Id": each.id, "Name": each.name}
            for each in space.machines.values()
            if any(machines.allows(environment=one) for one in each.environments)
        ],
        "Roles": _texts(sorted(roles)),
        "TenantTags": _texts(tags),
        **(_of_project(call, owner) if isinstance(owner, Project) else _NOTHING),
    }


_NOTHING: dict[str, list[dict[str, str]]] = {"Actions": [], "Channels": [], "Processes": []}


def _texts(texts: Iterable[str]) -> list[dict[str, str]]:
    return [{"Id": each, "Name": each} for each in texts]


def _of_project(call: Call, project: Project) -> dict[str, list[dict[str, str]]]:
    space = call.space
    actions: list[dict[str, str]] = []
    for step in space.processes[project.process_id].steps:
        document = step.document or {"Actions": [{"Id": step.id, "Name": step.name}]}
        actions += [{"Id": each["Id"], "Name": each["Name"]} for each in document["Actions"]]
    runbooks = [each for each in space.runbooks.values() if each.project_id == project.id]
    return {
        "Actions": actions,
        "Channels": [{"Id": each.id, "Name": each.name} for each in project.channels],
        "Processes": [
            {"Id": project.id, "Name": project.name, "ProcessType": "Deployment"},
            *({"Id": each.id, "Name": each.name, "ProcessType": "Runbook"} for each in runbooks),
        ],
    }


def scoped_only_to(call: Call, key: str, wanted: str) -> dict[str, object]:
    """Return by owner how many variables of each name hold for one place alone."""
    space = call.space
    held, sees = call.access("VariableViewUnscoped"), call.access("LibraryVariableSetView")
    found: dict[str, dict[str, int]] = {}
    hidden = {Project: False, LibrarySet: False}
    owners: list[Project | LibrarySet] = [*space.projects.values(), *space.library_sets.values()]
    for owner in owners:
        variables = space.variables[owner.variable_set_id].variables
        names = [each["Name"] for each in variables if each["Scope"].get(key) == [wanted]]
        may = held.allows(owner) if isinstance(owner, Project) else sees.anything
        if names and may:
            found[owner.id] = dict(Counter(names))
        hidden[type(owner)] |= bool(names) and not may
    return {
        "HasUnauthorizedProjectVariables": hidden[Project],
        "HasUnauthorizedLibraryVariableSetVariables": hidden[LibrarySet],
        "VariableMap": found,
    }
