"""Artifacts: files that tasks leave behind. Clients make them; the simulator's tasks make none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Answer, created, missing
from reconciler.simulator.changes import note
from reconciler.simulator.documents import Document
from reconciler.simulator.paging import by_ids, page
from reconciler.simulator.permissions import refuse
from reconciler.simulator.router import Routes
from reconciler.simulator.times import stamp

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Deployment

routes = Routes()

_PATH = "artifacts"
_FIELDS = ("ServerTaskId", "Source", "LogCorrelationId")
_BYTES = "application/octet-stream"


def _shown(call: Call, artifact: Document) -> dict[str, Any]:
    own = f"/api/{call.space.id}/{_PATH}/{artifact.id}"
    return {
        "Id": artifact.id,
        "SpaceId": call.space.id,
        "Filename": artifact.name,
        **artifact.more,
        "Links": {"Self": own, "Content": f"{own}/content"},
    }


def _held(call: Call) -> dict[str, Document]:
    return call.space.documents.setdefault(_PATH, {})


def _deployment(call: Call, task_id: str | None) -> Deployment | None:
    found = call.world.deployment_of.get(task_id or "")
    return found if found is not None and found.space_id == call.space.id else None


def _may(call: Call, permission: str, task_id: str | None) -> bool:
    held = call.demand_anywhere(permission)
    deployment = _deployment(call, task_id)
    if deployment is None:
        return True
    project = call.space.projects[deployment.release.project_id]
    return held.allows(project, deployment.environment_id, deployment.tenant_id)


def _regards(call: Call, artifact: Document, wanted: str) -> bool:
    task_id = artifact.more["ServerTaskId"]
    deployment = _deployment(call, task_id)
    about = {task_id, artifact.id}
    if deployment is not None:
        release = deployment.release
        about |= {deployment.id, release.id, release.project_id, deployment.environment_id}
        about.add(deployment.tenant_id)
    return wanted in about


def _found(call: Call) -> list[Document]:
    """Return what the caller may view, newest first; `order=asc` turns that round."""
    regarding = call.query.text("regarding")
    part = (call.query.text("partialName") or "").casefold()
    found = [
        each
        for each in by_ids(call, _held(call).values())
        if _may(call, "ArtifactView", each.more["ServerTaskId"])
        and part in each.name.casefold()
        and (regarding is None or _regards(call, each, regarding))
    ]
    return found if (call.query.text("order") or "").casefold() == "asc" else found[::-1]


@routes.get(_PATH)
def list_artifacts(call: Call) -> object:
    """GET /artifacts."""
    call.demand_anywhere("ArtifactView")
    template = "{?skip,take,regarding,ids,partialName,order}"
    return page(call, "Artifact", _found(call), lambda each: _shown(call, each), template)


@routes.get(f"{_PATH}/all")
def all_artifacts(call: Call) -> object:
    """GET /artifacts/all."""
    call.demand_anywhere("ArtifactView")
    return [_shown(call, each) for each in _found(call)]


def _artifact_in(call: Call, permission: str = "ArtifactView") -> Document:
    call.demand_anywhere(permission)
    artifact = _held(call).get(call.param("artifact"))
    if artifact is None:
        raise missing("Artifact")
    if not _may(call, permission, artifact.more["ServerTaskId"]):
        raise refuse(permission, artifact.id)
    return artifact


@routes.get(f"{_PATH}/{{artifact}}")
def one_artifact(call: Call) -> object:
    """GET /artifacts/{id}."""
    return _shown(call, _artifact_in(call))


def _fields(call: Call, body: Body, permission: str) -> dict[str, Any]:
    """Return what a body says of an artifact, when the caller may write about its task."""
    fields = {name: body.text(name) for name in _FIELDS}
    if not _may(call, permission, fields["ServerTaskId"]):
        raise refuse(permission, f"task {fields['ServerTaskId']}")
    return fields


@routes.post(_PATH)
def create_artifact(call: Call) -> object:
    """POST /artifacts: its content follows by PUT."""
    body = call.body()
    fields = _fields(call, body, "ArtifactCreate")
    name = body.need("Filename")
    artifact = Document(call.world.new_id("Artifacts"), name)
    artifact.more = {"Created": stamp(call.now), **fields}
    _held(call)[artifact.id] = artifact
    note(call, "Created", "Artifact", name, artifact.id)
    return created(_shown(call, artifact))


@routes.put(f"{_PATH}/{{artifact}}")
def change_artifact(call: Call) -> object:
    """PUT /artifacts/{id}."""
    artifact = _artifact_in(call, "ArtifactEdit")
    body = call.body()
    fields = _fields(call, body, "ArtifactEdit")
    artifact.name = body.need("Filename")
    artifact.more |= fields
    return _shown(call, artifact)


@routes.on("DELETE", f"{_PATH}/{{artifact}}")
def delete_artifact(call: Call) -> object:
    """DELETE /artifacts/{id}."""
    artifact = _artifact_in(call, "ArtifactDelete")
    del _held(call)[artifact.id]
    note(call, "Deleted", "Artifact", artifact.name, artifact.id)
    return _shown(call, artifact)


@routes.get(f"{_PATH}/{{artifact}}/content")
def content(call: Call) -> object:
    """GET /artifacts/{id}/content."""
    return Answer(_artifact_in(call).content, content_type=_BYTES)


@routes.put(f"{_PATH}/{{artifact}}/content")
def write_content(call: Call) -> object:
    """PUT /artifacts/{id}/content: the bytes of the file."""
    artifact = _artifact_in(call, "ArtifactEdit")
    artifact.content = call.raw_body
    return _shown(call, artifact)
