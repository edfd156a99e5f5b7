"""Root documents: `GET /api`, `GET /api/{spaceId}` and the capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.router import SPACE_ROOT, Routes, Scope
from reconciler.simulator.routes.links import SYSTEM_TEMPLATES, space_links

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes(Scope.SYSTEM)

_CAPABILITIES = (
    "CreateDeploymentUntenantedCommandV1",
    "CreateReleaseCommandV1",
    "GetAllSpacesRequest",
)


@routes.on("GET", "", anonymous=True)
def root(call: Call) -> object:
    """GET /api: works without a key; space templates only for who may use a default space."""
    links = {"Self": "/api", "Web": "/app"}
    links |= {name: f"/api/{template}" for name, template in SYSTEM_TEMPLATES.items()}
    default = call.world.default_space()
    if default is not None and call.caller is not None and call.sees_space(default):
        links |= space_links(default.id)
    return {
        "Application": "Octopus Deploy",
        "Version": call.world.server_version,
        "ApiVersion": "3.0.0",
        "InstallationId": call.world.installation_id,
        "HasLongTermSupport": False,
        "IsEarlyAccessProgram": False,
        "Links": links,
    }


@routes.get(SPACE_ROOT, scope=Scope.SPACE)
def space_root(call: Call) -> object:
    """GET /api/{spaceId}: the templates of one space."""
    home = f"/api/{call.space.id}"
    return {"Id": call.space.id, "Links": {"Self": home, **space_links(call.space.id)}}


@routes.get("capabilities")
def capabilities(call: Call) -> object:
    """GET /api/capabilities."""
    del call
    return {"Capabilities": list(_CAPABILITIES)}
