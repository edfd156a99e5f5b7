"""Logos of projects, tenants, spaces and step templates: the server's own, until one is sent."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from reconciler.simulator.answers import Answer, Refused, missing
from reconciler.simulator.multipart import first_file
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.routes.actiontemplates import BUILT_IN, TEMPLATES
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.routes.tenants import tenant_in

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Space

__all__ = ["routes", "show_logo"]

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


def show_logo(call: Call, owner: str) -> Answer:
    """Return the picture of something, or 304 to who has it already."""
    picture = call.world.logos.get(owner, _DOT)
    tag = f'"{hashlib.sha1(picture, usedforsecurity=False).hexdigest()}"'
    if call.headers.get("if-none-match") == tag:
        return Answer(b"", 304, "image/png", (("etag", tag),))
    return Answer(picture, 200, _kind(picture) or "image/png", (("etag", tag),))


def _keep(call: Call, owner: str, otherwise: Refused | None = None) -> object:
    found = first_file(call.raw_body)
    if found is None or _kind(found[1]) is None:
        raise otherwise or Refused(400, "Invalid image provided.")
    call.world.logos[owner] = found[1]
    return {}


@routes.get("projects/{project}/logo")
def logo_of_project(call: Call) -> object:
    """GET /projects/{id}/logo."""
    return show_logo(call, project_in(call).id)


def change_logo_of_project(call: Call) -> object:
    """POST and PUT /projects/{id}/logo: a multipart body with a picture."""
    project = project_in(call)
    call.demand("ProjectEdit", project)
    return _keep(call, project.id)


@routes.get("tenants/{tenant}/logo")
def logo_of_tenant(call: Call) -> object:
    """GET /tenants/{id}/logo."""
    return show_logo(call, tenant_in(call).id)


def change_logo_of_tenant(call: Call) -> object:
    """POST and PUT /tenants/{id}/logo."""
    tenant = tenant_in(call, "TenantEdit")
    status = 415 if call.method == "PUT" else 400
    return _keep(call, tenant.id, Refused(status, "Invalid or unsupported image provided."))


def _space_in(call: Call) -> Space:
    space = call.world.spaces.get(call.param("space"))
    if space is None or not call.sees_space(space):
        raise missing("Space")
    return space


@routes.get("spaces/{space}/logo", scope=Scope.SYSTEM)
def logo_of_space(call: Call) -> object:
    """GET /spaces/{id}/logo."""
    return show_logo(call, _space_in(call).id)


def change_logo_of_space(call: Call) -> object:
    """POST and PUT /spaces/{id}/logo."""
    space = _space_in(call)
    call.demand_system("SpaceEdit")
    return _keep(call, space.id)


@routes.get("actiontemplates/{template}/logo", "actiontemplates/{template}/versions/{edition}/logo")
def logo_of_template(call: Call) -> object:
    """GET /actiontemplates/{typeOrId}/logo: the same for all versions."""
    if call.param("template") in {kind for kind, _, _ in BUILT_IN}:
        return show_logo(call, call.param("template"))
    return show_logo(call, TEMPLATES.named(call).id)


def change_logo_of_template(call: Call) -> object:
    """POST and PUT /actiontemplates/{id}/logo."""
    return _keep(call, TEMPLATES.named(call, "ActionTemplateEdit").id)


for _method in ("POST", "PUT"):
    routes.on(_method, "spaces/{space}/logo", scope=Scope.SYSTEM)(change_logo_of_space)
    routes.on(_method, "actiontemplates/{template}/logo")(change_logo_of_template)
    routes.on(_method, "projects/{project}/logo")(change_logo_of_project)
    routes.on(_method, "tenants/{tenant}/logo")(change_logo_of_tenant)
