"""Logos of projects, tenants and spaces: a picture of the server's own, until one is sent."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from reconciler.simulator.answers import Answer, Refused, missing
from reconciler.simulator.multipart import first_file
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.routes.tenants import tenant_in

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes()

_DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
_KINDS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"<svg": "image/svg+xml",
    b"<?xml": "image/svg+xml",
}


def _kind(picture: bytes) -> str | None:
    return next((kind for start, kind in _KINDS.items() if picture.startswith(start)), None)


def _shown(call: Call, owner: str) -> Answer:
    picture = call.world.logos.get(owner, _DOT)
    tag = f'"{hashlib.sha1(picture, usedforsecurity=False).hexdigest()}"'
    if call.headers.get("if-none-match") == tag:
        return Answer(b"", 304, "image/png", (("etag", tag),))
    return Answer(picture, 200, _kind(picture) or "image/png", (("etag", tag),))


def _keep(call: Call, owner: str) -> object:
    found = first_file(call.raw_body)
    if found is None or _kind(found[1]) is None:
        raise Refused(400, "Invalid image provided.")
    call.world.logos[owner] = found[1]
    return {}


@routes.get("projects/{project}/logo")
def logo_of_project(call: Call) -> object:
    """GET /projects/{id}/logo."""
    return _shown(call, project_in(call).id)


def change_logo_of_project(call: Call) -> object:
    """POST and PUT /projects/{id}/logo: a multipart body with a picture."""
    project = project_in(call)
    call.demand("ProjectEdit", project)
    return _keep(call, project.id)


@routes.get("tenants/{tenant}/logo")
def logo_of_tenant(call: Call) -> object:
    """GET /tenants/{id}/logo."""
    return _shown(call, tenant_in(call).id)


def change_logo_of_tenant(call: Call) -> object:
    """POST and PUT /tenants/{id}/logo."""
    return _keep(call, tenant_in(call, "TenantEdit").id)


@routes.on("GET", "spaces/{space}/logo", scope=Scope.SYSTEM)
def logo_of_space(call: Call) -> object:
    """GET /spaces/{id}/logo."""
    space = call.world.spaces.get(call.param("space"))
    if space is None or not call.sees_space(space):
        raise missing("Space")
    return _shown(call, space.id)


for _method in ("POST", "PUT"):
    routes.on(_method, "projects/{project}/logo")(change_logo_of_project)
    routes.on(_method, "tenants/{tenant}/logo")(change_logo_of_tenant)
