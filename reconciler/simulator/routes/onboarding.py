"""How far a space is on its way to its first deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.router import Routes

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes()


@routes.get("useronboarding")
def onboarding(call: Call) -> object:
    """GET /useronboarding: a task is open to who did the one before."""
    call.demand_anywhere("ProjectView")
    space = call.space
    done = (
        ("Infrastructure", "Environment", bool(space.environments)),
        ("Infrastructure", "DeploymentTarget", bool(space.machines)),
        ("Project", "Project", bool(space.projects)),
        (
            "Project",
            "DeploymentProcess",
            any(each.steps for each in space.processes.values() if not each.is_frozen),
        ),
        ("Deployment", "Release", bool(space.releases)),
        ("Deployment", "Deployment", bool(space.deployments)),
    )
    before = [True, *(is_complete for _, _, is_complete in done)]
    return {
        "Id": f"useronboarding-{space.id}",
        "Tasks": [
            {
                "Category": category,
                "Name": name,
                "IsComplete": is_complete,
                "IsEnabled": before[order],
                "SortOrder": order,
            }
            for order, (category, name, is_complete) in enumerate(done)
        ],
        "Links": {"Self": f"/api/{space.id}/useronboarding"},
    }
