"""Bringing actions of processes up to another version of the step template they were made from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, missing
from reconciler.simulator.calls import Body
from reconciler.simulator.changes import note
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.actiontemplates import (
    TEMPLATES,
    USED,
    USED_VERSION,
    live_processes,
)
from reconciler.simulator.routes.processes import step_resource

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.documents import Document
    from reconciler.simulator.records import Process

routes = Routes()


@routes.post("actiontemplates/{template}/actionsUpdate")
def update_actions(call: Call) -> object:
    """POST /actiontemplates/{id}/actionsUpdate: one result for each action that is named.

    A parameter that is new to an action takes its value from `DefaultPropertyValues`, else the
    template's default; without either the action stays as it was, and its result says so.
    """
    template = TEMPLATES.named(call)
    body = call.body()
    wanted = body.get("Version")
    edition = next((each for each in template.history if each["Version"] == wanted), None)
    if edition is None:
        raise Refused(
            400, "Validation failed.", (f"The template has no version {str(wanted)[:20]}.",)
        )
    chosen = _chosen(body)
    given = {**_mapping(body, "DefaultPropertyValues"), **_mapping(body, "Overrides")}
    results: list[dict[str, Any]] = []
    owners = {process.id: process for _, _, process in live_processes(call.space)}
    for process_id in chosen:
        if process_id not in owners:
            raise missing("Process")
        project = call.space.projects[owners[process_id].project_id]
        call.demand("ProcessEdit", project)
        if project.repository is not None:
            raise Refused(400, f"The process of '{project.name}' is version controlled.")
    for process_id, action_ids in chosen.items():
        made = _updated(owners[process_id], template, edition, given, action_ids)
        results += made
        if any(each["Outcome"] == "Success" for each in made):
            owners[process_id].version += 1
            note(call, "Modified", "Process", process_id, process_id, template.id)
    return results


def _chosen(body: Body) -> dict[str, frozenset[str]]:
    """Return the actions to bring up to date by process, from either form of the command."""
    by_process = body.get("ActionIdsByProcessId")
    if isinstance(by_process, dict):
        read = Body(by_process)
        return {each: frozenset(read.texts(each)) for each in by_process}
    return {
        each.need("ProcessId"): frozenset(each.texts("ActionIds"))
        for each in body.bodies("ActionsToUpdate")
    }


def _mapping(body: Body, name: str) -> dict[str, Any]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _updated(
    process: Process,
    template: Document,
    edition: dict[str, Any],
    given: dict[str, Any],
    action_ids: frozenset[str],
) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    steps = list(process.steps)
    for at, step in enumerate(steps):
        document = step_resource(step)
        actions: list[dict[str, Any]] = list(document["Actions"])  # type: ignore[call-overload]
        for place, action in enumerate(actions):
            used = action.get("Properties", {})
            if action["Id"] not in action_ids or used.get(USED) != template.id:
                continue
            values = {
                each["Name"]: given.get(each["Name"], used.get(each["Name"], each["DefaultValue"]))
                for each in edition["Parameters"]
            }
            lacking = sorted(name for name, value in values.items() if value is None)
            results.append(_result(action["Id"], lacking))
            if not lacking:
                more = {USED: template.id, USED_VERSION: str(edition["Version"])}
                properties = {**used, **edition["Properties"], **values, **more}
                actions[place] = {**action, "Properties": properties}
        steps[at] = replace(step, document={**document, "Actions": actions})
    if any(each["Outcome"] == "Success" for each in results):
        process.steps = tuple(steps)
    return results


def _result(action_id: str, lacking: list[str]) -> dict[str, Any]:
    return {
        "Id": action_id,
        "Outcome": "DefaultParamterValueMissing" if lacking else "Success",
        "NamesOfNewParametersMissingDefaultValue": lacking,
        "ManualMergeRequiredReasonsByPropertyName": {},
        "RemovedPackageUsages": [],
        "Links": {},
    }
