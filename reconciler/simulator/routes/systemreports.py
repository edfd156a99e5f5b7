"""What support asks for: the state of the server in one archive, and how much it holds."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import TYPE_CHECKING

import msgspec

from reconciler.simulator.answers import Answer
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.routes.server import server_status, system_info

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes(Scope.SYSTEM)


@routes.get("serverstatus/document-counts")
def document_counts(call: Call) -> object:
    """GET /serverstatus/document-counts: of all spaces together."""
    call.demand_system("ConfigureServer")
    world, spaces = call.world, list(call.world.spaces.values())
    return {
        "Global": {
            "Spaces": len(spaces),
            "Users": len(world.users),
            "Teams": len(world.teams),
        },
        "Infrastructure": {
            "Environments": sum(len(each.environments) for each in spaces),
            "Tenants": sum(len(each.tenants) for each in spaces),
            "DeploymentTargets": sum(len(each.machines) for each in spaces),
            "Workers": sum(len(each.workers) for each in spaces),
            "WorkerPools": sum(len(each.worker_pools) for each in spaces),
        },
        "Project": {
            "Projects": sum(len(each.projects) for each in spaces),
            "Releases": sum(len(each.releases) for each in spaces),
            "Deployments": sum(len(each.deployments) for each in spaces),
            "Runbooks": sum(len(each.runbooks) for each in spaces),
            "RunbookRuns": sum(len(each.runbook_runs) for each in spaces),
        },
        "Library": {
            "Certificates": sum(len(each.documents.get("certificates", ())) for each in spaces),
            "VariableSets": sum(len(each.library_sets) for each in spaces),
            "Packages": sum(len(each.packages) for each in spaces),
        },
    }


@routes.get("serverstatus/system-report")
def system_report(call: Call) -> object:
    """GET /serverstatus/system-report: a .zip with what the other routes tell."""
    call.demand_system("ConfigureServer")
    parts = {
        "serverstatus": server_status(call),
        "system-info": system_info(call),
        "document-counts": document_counts(call),
    }
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in parts.items():
            archive.writestr(f"{name}.json", msgspec.json.encode(value))
    named = ("content-disposition", 'attachment; filename="system-report.zip"')
    return Answer(out.getvalue(), content_type="application/zip", headers=(named,))
