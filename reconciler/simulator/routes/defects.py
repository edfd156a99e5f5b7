"""Defects: reasons that block a release from every following phase."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused
from reconciler.simulator.paging import page
from reconciler.simulator.records import Defect
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.releases import release_in

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes()


def defect_resource(defect: Defect) -> dict[str, object]:
    """Return a defect as JSON."""
    return {
        "Id": defect.id,
        "Description": defect.description,
        "Status": "Resolved" if defect.is_resolved else "Unresolved",
        "Links": {},
    }


@routes.get("releases/{release}/defects")
def list_defects(call: Call) -> object:
    """GET /releases/{id}/defects: resolved ones too."""
    return page(call, "Defect", release_in(call).defects, defect_resource, "{?skip,take}")


@routes.post("releases/{release}/defects")
def report_defect(call: Call) -> object:
    """POST /releases/{id}/defects: blocks every following phase."""
    release = release_in(call, "DefectReport")
    if release.defect is not None:
        raise Refused(400, "An unresolved defect already exists for this release.")
    description = call.body().text("Description")
    if description is None:
        raise Refused(400, "You must provide a description.")
    made = Defect(call.world.new_id("Defects"), description)
    release.defects.append(made)
    return defect_resource(made)


@routes.post("releases/{release}/defects/resolve")
def resolve_defect(call: Call) -> object:
    """POST /releases/{id}/defects/resolve."""
    defect = release_in(call, "DefectResolve").defect
    if defect is None:
        raise Refused(400, "Defect has already been resolved.")
    defect.is_resolved = True
    return defect_resource(defect)
