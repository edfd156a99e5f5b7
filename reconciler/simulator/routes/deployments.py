"""Deployments: lists, one, create."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changelog import change_resource, markdown
from reconciler.simulator.changes import forget_deployment, has_dependants, note
from reconciler.simulator.deploying import deploy, refuse_out_of_order
from reconciler.simulator.freezing import refuse_frozen
from reconciler.simulator.paging import by_ids, page
from reconciler.simulator.prompts import prompted, refuse_missing, without_sensitive
from reconciler.simulator.records import TaskState
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.releases import release_in
from reconciler.simulator.times import parse_time, stamp

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Deployment, Environment, Release, Space
    from reconciler.simulator.tenancy import Tenant

routes = Routes()

_TEMPLATE = "{/id}{?skip,take,ids,projects,environments,tenants,channels,taskState,partialName}"


def deployment_resource(space: Space, deployment: Deployment) -> dict[str, object]:
    """Return a deployment as JSON. It has no state: that is its task's."""
    home = f"/api/{space.id}"
    own = f"{home}/deployments/{deployment.id}"
    release, task = deployment.release, deployment.task
    options = deployment.options
    brought = [space.releases[each] for each in deployment.changes if each in space.releases]
    return {
        "Id": deployment.id,
        "SpaceId": space.id,
        "Name": f"Deploy to {space.environments[deployment.environment_id].name}",
        "ReleaseId": release.id,
        "EnvironmentId": deployment.environment_id,
        "TenantId": deployment.tenant_id,
        "ProjectId": release.project_id,
        "ChannelId": deployment.channel_id,
        "DeploymentProcessId": release.process_snapshot_id,
        "TaskId": task.id,
        "Created": stamp(deployment.created),
        "Comments": deployment.comments,
        "DeployedBy": deployment.deployed_by.username,
        "DeployedById": deployment.deployed_by.id,
        "FailureEncountered": task.state is TaskState.FAILED,
        "DeployedToMachineIds": list(task.machines),
        "ManifestVariableSetId": f"variableset-{deployment.id}",
        "TentacleRetentionPeriod": None,
        "FormValues": without_sensitive(
            prompted(space, release.variable_sets, None), options.get("FormValues", {})
        ),
        "ForcePackageDownload": options.get("ForcePackageDownload", False),
        "ForcePackageRedeployment": options.get("ForcePackageRedeployment", False),
        "SkipActions": options.get("SkipActions", []),
        "SpecificMachineIds": options.get("SpecificMachineIds", []),
        "ExcludedMachineIds": options.get("ExcludedMachineIds", []),
        "UseGuidedFailure": task.is_guided,
        "QueueTime": stamp(deployment.queue_time),
        "QueueTimeExpiry": stamp(deployment.queue_expiry),
        "Priority": options.get("Priority") or "LifecycleDefault",
        "DebugMode": False,
        "FailTargetDiscovery": False,
        "Changes": [change_resource(each) for each in brought],
        "ChangesMarkdown": markdown(brought),
        "ChangeRequestSettings": [],
        "ExecutionPlanLogContext": {"Steps": []},
        "Links": {
            "Self": own,
            "Release": f"{home}/releases/{release.id}",
            "Environment": f"{home}/environments/{deployment.environment_id}",
            "Project": f"{home}/projects/{release.project_id}",
            "Task": f"/api/tasks/{task.id}",
            "Web": f"/app#/{space.id}/deployments/{deployment.id}",
            "Artifacts": f"{home}/artifacts?regarding={deployment.id}",
            "Interruptions": f"{home}/interruptions?regarding={deployment.id}",
            "DeploymentProcess": f"{home}/deploymentprocesses/{release.process_snapshot_id}",
        },
    }


def _visible(call: Call, deployments: list[Deployment]) -> list[Deployment]:
    held = call.demand_anywhere("DeploymentView")
    projects = call.space.projects
    if held.everything:
        return deployments
    return [
        each
        for each in deployments
        if held.allows(projects[each.release.project_id], each.environment_id, each.tenant_id)
    ]


@routes.get("deployments")
def list_deployments(call: Call) -> object:
    """GET /deployments: newest first; filters take ids."""
    query = call.query
    found = by_ids(call, call.space.deployments.values())
    projects, environments = query.many("projects"), query.many("environments")
    tenants, channels = query.many("tenants"), query.many("channels")
    state = query.text("taskState")
    part = (query.text("partialName") or "").casefold()
    kept = [
        each
        for each in found
        if (projects is None or each.release.project_id in projects)
        and (environments is None or each.environment_id in environments)
        and (tenants is None or each.tenant_id in tenants)
        and (channels is None or each.channel_id in channels)
        and (state is None or each.task.state.casefold() == state.casefold())
        and (not part or part in call.space.environments[each.environment_id].name.casefold())
    ]
    return _page(call, _visible(call, kept), _TEMPLATE)


def _page(call: Call, deployments: list[Deployment], template: str) -> object:
    ordered = sorted(deployments, key=lambda each: each.created)
    return page(
        call,
        "Deployment",
        call.shown(reversed(ordered), "created"),
        lambda each: deployment_resource(call.space, each),
        template,
    )


def _deployment_in(call: Call, permission: str) -> Deployment:
    deployment = call.space.deployments.get(call.param("deployment"))
    if deployment is None:
        raise missing("Deployment")
    project = call.space.projects[deployment.release.project_id]
    call.demand(permission, project, deployment.environment_id, deployment.tenant_id)
    return deployment


@routes.get("deployments/{deployment}")
def one_deployment(call: Call) -> object:
    """GET /deployments/{id}."""
    return deployment_resource(call.space, _deployment_in(call, "DeploymentView"))


@routes.on("DELETE", "deployments/{deployment}")
def delete_deployment(call: Call) -> object:
    """DELETE /deployments/{id}: with its task, when that is completed."""
    deployment = _deployment_in(call, "DeploymentDelete")
    if not deployment.task.state.is_completed:
        raise has_dependants("Deployment")
    shown = deployment_resource(call.space, deployment)
    forget_deployment(call.world, call.space, deployment)
    note(call, "Deleted", "Deployment", deployment.id, deployment.id, deployment.release.id)
    return shown


@routes.get("releases/{release}/deployments")
def deployments_of_release(call: Call) -> object:
    """GET /releases/{id}/deployments: newest first."""
    release = release_in(call)
    return _page(call, _visible(call, release.deployments), "{?skip,take}")


@routes.post("deployments")
def create_deployment(call: Call) -> object:
    """POST /deployments: queues a task, whatever else runs; repeating it queues another."""
    return created(deployment_resource(call.space, create_from(call, call.body("Deployment"))))


def create_from(call: Call, body: Body, *, lifted: frozenset[str] = frozenset()) -> Deployment:
    """Queue the deployment of a classic body; `lifted` are ids of freezes that do not count.

    Raises:
        Refused: as `order`, and 404 for a reference to nothing.
    """
    space = call.space
    if body.text("ReleaseId") is None:
        raise _not_valid("The ReleaseId field is required.")
    if body.text("EnvironmentId") is None:
        raise _not_valid("The EnvironmentId field is required.")
    release = space.releases.get(body.need("ReleaseId"))
    if release is None:
        raise missing("Release")
    environment = space.environments.get(body.need("EnvironmentId"))
    if environment is None:
        raise missing("Environment")
    wanted = body.text("TenantId")
    tenant = space.tenants.get(wanted) if wanted else None
    if wanted and tenant is None:
        raise missing("Tenant")
    return order(
        call,
        release,
        environment,
        tenant,
        comments=body.text("Comments"),
        queue_time=moment_of(body, "QueueTime"),
        queue_expiry=moment_of(body, "QueueTimeExpiry"),
        options=read_options(space, body),
        lifted=lifted,
    )


def check_order(
    call: Call,
    release: Release,
    environment: Environment,
    tenant: Tenant | None,
    queue_time: datetime | None,
    queue_expiry: datetime | None,
    lifted: frozenset[str],
    values: dict[str, Any],
) -> None:
    """Do every check the server does before it queues a deployment; `lifted` freezes do not count.

    Raises:
        Refused: 403 without DeploymentCreate; 400 against lifecycle, defect, freeze or schedule.
    """
    project = call.space.projects[release.project_id]
    call.demand("DeploymentCreate", project, environment.id, tenant.id if tenant else None)
    check_schedule(call, queue_time, queue_expiry, "Deployment")
    refuse_out_of_order(call.space, release, environment, tenant)
    when = max(call.now, queue_time or call.now)
    asked = prompted(call.space, release.variable_sets, environment.id)
    refuse_missing(asked, values, "Deployment creation failed.")
    refuse_frozen(call.world, project, environment, when, tenant=tenant, lifted=lifted)


def order(
    call: Call,
    release: Release,
    environment: Environment,
    tenant: Tenant | None,
    *,
    comments: str | None,
    queue_time: datetime | None,
    queue_expiry: datetime | None,
    options: dict[str, Any],
    lifted: frozenset[str] = frozenset(),
) -> Deployment:
    """Queue a deployment after `check_order`, which raises what it does."""
    check_order(
        call, release, environment, tenant, queue_time, queue_expiry, lifted, options["FormValues"]
    )
    return deploy(
        call.world,
        call.space,
        release,
        environment,
        call.user,
        tenant=tenant,
        comments=comments,
        queue_time=None if queue_time is not None and queue_time <= call.now else queue_time,
        queue_expiry=queue_expiry,
        options=options,
        is_ordered=True,
    )


def check_schedule(
    call: Call, queue_time: datetime | None, queue_expiry: datetime | None, kind: str
) -> None:
    """Refuse an expiry that lies before the start."""
    if queue_expiry is not None and queue_expiry <= max(call.now, queue_time or call.now):
        raise Refused(
            400, f"{kind} Schedule is invalid.", ("The expiry lies before the queue time.",)
        )


def moment_of(body: Body, name: str) -> datetime | None:
    """Return a moment that a body may name."""
    text = body.text(name)
    return None if text is None else parse_time(text, name=name)


def _machines(space: Space, body: Body, name: str) -> list[str]:
    for each in body.texts(name):
        if each not in space.machines:
            raise missing("Machine")
    return list(body.texts(name))


def read_options(space: Space, body: Body) -> dict[str, Any]:
    """Return how a deployment or a run is to go, as a classic body says it."""
    values = body.get("FormValues")
    if values is not None and not isinstance(values, dict):
        raise _not_valid("The FormValues field has the wrong type.")
    return {
        "FormValues": values or {},
        "ForcePackageDownload": body.flag("ForcePackageDownload"),
        "ForcePackageRedeployment": body.flag("ForcePackageRedeployment"),
        "SkipActions": list(body.texts("SkipActions")),
        "SpecificMachineIds": _machines(space, body, "SpecificMachineIds"),
        "ExcludedMachineIds": _machines(space, body, "ExcludedMachineIds"),
        "UseGuidedFailure": None
        if body.get("UseGuidedFailure") is None
        else body.flag("UseGuidedFailure"),
        "Priority": body.text("Priority"),
    }


def _not_valid(sentence: str) -> Refused:
    return Refused(400, "Model validation failed.", (sentence,))
