"""What a deployment would do before it is made: where a release may go, on which machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import missing
from reconciler.simulator.changelog import change_resource, changes_of, markdown
from reconciler.simulator.fleet import Health, policy_of, roles_of, targets_of
from reconciler.simulator.paging import by_name
from reconciler.simulator.progress import promotable
from reconciler.simulator.prompts import form, prompted
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.releases import release_in
from reconciler.simulator.tenancy import mode_of

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.fleet import Machine, Targets
    from reconciler.simulator.records import Release, Space
    from reconciler.simulator.tenancy import Tenant

__all__ = ["is_changed", "routes", "steps_to_execute"]

routes = Routes()


@routes.get("releases/{release}/deployments/template")
def deployment_template(call: Call) -> object:
    """GET /releases/{id}/deployments/template: where the release may go now."""
    release = release_in(call)
    space = call.space
    project = space.projects[release.project_id]
    own = f"/api/{space.id}/releases/{release.id}/deployments/preview"
    held, sees = call.access("DeploymentCreate"), call.access("TenantView")

    def targets(tenant: Tenant | None) -> list[dict[str, object]]:
        whose = f"/{tenant.id}" if tenant else ""
        return [
            {
                "Id": target,
                "Name": space.environments[target].name,
                "Links": {"Preview": f"{own}/{target}{whose}{{?includeDisabledSteps}}"},
            }
            for target in promotable(space, project, release, tenant)
            if held.allows(project, target, tenant.id if tenant else None)
        ]

    return {
        "DeploymentNotes": None,
        "IsDeploymentProcessModified": space.processes[release.process_snapshot_id].version
        != space.processes[project.process_id].version,
        "IsVariableSetModified": is_changed(space, release.variable_snapshot_id),
        "IsLibraryVariableSetModified": any(
            is_changed(space, each) for each in release.library_snapshot_ids
        ),
        "PromoteTo": targets(None) if mode_of(project) != "Tenanted" else [],
        "TenantPromotions": [
            {"Id": each.id, "Name": each.name, "PromoteTo": targets(each), "Links": {}}
            for each in sorted(space.tenants.values(), key=by_name)
            if project.id in each.environments
            and mode_of(project) != "Untenanted"
            and not each.is_disabled
            and sees.allows(tenant=each.id)
        ],
        "Links": {},
    }


def is_changed(space: Space, snapshot: str) -> bool:
    """Tell whether a variable set has changed, or is gone, since it was frozen."""
    live = space.variables.get(snapshot.rsplit("-s-", 1)[0])
    return live is None or live.version != space.variables[snapshot].version


@routes.get(
    "releases/{release}/deployments/preview/{environment}",
    "releases/{release}/deployments/preview/{environment}/{tenant}",
)
def deployment_preview(call: Call) -> object:
    """GET /releases/{id}/deployments/preview/{env}, for a tenant too."""
    release = release_in(call)
    return _preview(call, release, call.param("environment"), (call.params or {}).get("tenant"))


@routes.post("releases/{release}/deployments/previews")
def deployment_previews(call: Call) -> object:
    """POST /releases/{id}/deployments/previews."""
    release = release_in(call)
    wanted = call.body().bodies("DeploymentPreviews")
    return [
        _preview(call, release, each.need("EnvironmentId"), each.text("TenantId"))
        for each in wanted
    ]


def _preview(
    call: Call, release: Release, environment_id: str, tenant: str | None
) -> dict[str, object]:
    environment = call.space.environments.get(environment_id)
    if environment is None:
        raise missing("Environment")
    if tenant is not None and tenant not in call.space.tenants:
        raise missing("Tenant")
    space = call.space
    project = space.projects[release.project_id]
    targets = targets_of(
        space,
        policy_of(project.more, "ProjectConnectivityPolicy"),
        space.processes[release.process_snapshot_id],
        environment.id,
        tenant,
        {},
    )
    brought = changes_of(space, release, environment.id, tenant)
    return {
        "StepsToExecute": steps_to_execute(targets),
        "Form": form(prompted(space, release.variable_sets, environment.id)),
        "UseGuidedFailureModeByDefault": environment.use_guided_failure,
        "Changes": [change_resource(each) for each in brought],
        "ChangesMarkdown": markdown(brought),
        "Links": {},
    }


def steps_to_execute(targets: tuple[Targets, ...]) -> list[dict[str, object]]:
    """Return the steps of a preview, each with the machines it goes to."""
    return [
        {
            "ActionId": each.step.id,
            "ActionName": each.step.name,
            "ActionNumber": str(number),
            "Roles": sorted(roles_of(each.step)),
            "MachineNames": [machine.name for machine in each.machines],
            "Machines": [
                {
                    "Id": machine.id,
                    "Name": machine.name,
                    "HasLatestCalamari": machine.has_calamari,
                    "HealthStatus": _previewed(machine),
                }
                for machine in each.machines
            ],
            "CanBeSkipped": True,
            "IsDisabled": False,
            "HasNoApplicableMachines": each.has_none,
            "UnavailableMachines": _references(each.unavailable),
            "ExcludedMachines": _references(each.excluded),
        }
        for number, each in enumerate(targets, 1)
    ]


def _previewed(machine: Machine) -> str:
    """Return the health as previews call it, which know no "Unknown"."""
    return "HasWarnings" if machine.health is Health.UNKNOWN else machine.health


def _references(machines: tuple[Machine, ...]) -> list[dict[str, str]]:
    return [{"Id": each.id, "Name": each.name} for each in machines]
