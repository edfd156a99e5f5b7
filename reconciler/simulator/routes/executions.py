"""The executions API: create a release, deploy a release, by names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused, created
from reconciler.simulator.numbering import donor_of, next_number, unmasked
from reconciler.simulator.prompts import by_ids, prompted
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.assembling import (
    assemble,
    custom_fields,
    default_channel,
    git_reference,
)
from reconciler.simulator.routes.commands import (
    environments_named,
    named,
    project_of,
    read_options,
)
from reconciler.simulator.routes.deployments import check_order, moment_of, order
from reconciler.simulator.tenancy import check_tags, tenants_meant
from reconciler.simulator.versions import version_key
from reconciler.simulator.world import release_named

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Environment, Project, Release, Step
    from reconciler.simulator.tenancy import Tenant
    from reconciler.simulator.versioncontrol import Reference

routes = Routes()


@routes.post("releases/create/v1")
def create_release(call: Call) -> object:
    """POST /releases/create/v1."""
    body = call.body()
    project = project_of(call, body)
    call.demand("ReleaseCreate", project)
    wanted = body.text("channelName") or body.text("channelIdOrName")
    reference = _reference(project, body)
    live = call.space.processes[project.process_id].steps
    chosen, default = _packages(body, reference.commit.steps if reference else live)
    version = unmasked(
        body.text("releaseVersion") or _number(call, project, chosen, default),
        [each.version for each in project.releases],
    )
    if body.flag("ignoreIfAlreadyExists"):
        key = version_key(version)
        for release in project.releases:
            if version_key(release.version) == key:
                return {"ReleaseId": release.id, "ReleaseVersion": release.version}
    release = assemble(
        call,
        project,
        version=version,
        channel=named(project.channels, wanted, "Channel") if wanted else default_channel(project),
        chosen=chosen,
        default_package=default or version,
        notes=body.text("releaseNotes"),
        ignore_channel_rules=body.flag("ignoreChannelRules"),
        reference=reference,
        custom=custom_fields(body),
    )
    return created({"ReleaseId": release.id, "ReleaseVersion": release.version})


def _number(
    call: Call, project: Project, chosen: dict[tuple[str, str], str], default: str | None
) -> str:
    """Return the number that nobody named: a donor package's, else the template's."""
    donor = donor_of(project)
    number = next_number(project, call.now) if donor is None else chosen.get(donor, default)
    if not number:
        raise Refused(400, "A release version must be given: the project does not tell one.")
    return number


def _reference(project: Project, body: Body) -> Reference | None:
    """Return the git reference of a release: what is named, else the default branch."""
    name, commit = body.text("gitRef"), body.text("gitCommit")
    if project.repository is not None:
        return git_reference(project.repository, name, commit)
    if name or commit:
        raise Refused(400, f"The project '{project.name}' is not version controlled.")
    return None


def _packages(body: Body, steps: tuple[Step, ...]) -> tuple[dict[tuple[str, str], str], str | None]:
    """Read `Step:Version`, `Package:Version`, `Step:Reference:Version` and `*:Version`."""
    default = body.text("packageVersion")
    chosen: dict[tuple[str, str], str] = {}
    for text in body.texts("packages"):
        parts = [part.strip() for part in text.split(":")]
        if len(parts) not in (2, 3) or not parts[-1]:
            raise Refused(400, f"The package version '{text}' is not of the form Step:Version.")
        if parts[0] == "*":
            default = parts[-1]
        for step in steps:
            for each in step.packages:
                by_step = parts[0].casefold() in (step.name.casefold(), each.action.casefold())
                by_package = parts[0].casefold() == each.package.casefold()
                right = len(parts) == 2 or parts[1] in (each.reference, each.package)
                if (by_step or by_package) and right:
                    chosen[each.action, each.reference] = parts[-1]
    return chosen, default


@routes.post("deployments/create/untenanted/v1")
def deploy_untenanted(call: Call) -> object:
    """POST /deployments/create/untenanted/v1: one task per environment, all or none."""
    body = call.body()
    project = project_of(call, body)
    return _deploy(call, body, project, [(each, None) for each in environments_named(call, body)])


@routes.post("deployments/create/tenanted/v1")
def deploy_tenanted(call: Call) -> object:
    """POST /deployments/create/tenanted/v1: one task per tenant named or tagged, all or none."""
    body = call.body()
    project = project_of(call, body)
    wanted = body.need("environmentName")
    environment = named(call.space.environments.values(), wanted, "Environment")
    every = call.space.tenants.values()
    tenants = [named(every, each, "Tenant") for each in body.texts("tenants")]
    tags = check_tags(call.space, body.texts("tenantTags"))
    if not tenants and not tags:
        raise Refused(400, "Please name a tenant or a tenant tag to deploy to.")
    if tags:
        tenants += tenants_meant(call.space, project, environment.id, (), tags)
    if not tenants:
        raise Refused(400, f"No tenant of {', '.join(tags)} is connected to {environment.name}.")
    return _deploy(call, body, project, [(environment, each) for each in dict.fromkeys(tenants)])


def _deploy(
    call: Call, body: Body, project: Project, targets: list[tuple[Environment, Tenant | None]]
) -> object:
    release = _release(project, body.need("releaseVersion"))
    options = read_options(call, body, call.space.processes[release.process_snapshot_id])
    asked = prompted(call.space, release.variable_sets, None)
    options["FormValues"] = by_ids(asked, options["FormValues"])
    lifted = _lifted(call, body)
    starts, expires = moment_of(body, "runAt"), moment_of(body, "noRunAfter")
    for environment, tenant in targets:
        check_order(
            call, release, environment, tenant, starts, expires, lifted, options["FormValues"]
        )
    if body.flag("updateVariableSnapshot"):
        call.demand("ReleaseEdit", project)
        call.world.refresh_variables(call.space, project, release)
    made = [
        order(
            call,
            release,
            environment,
            tenant,
            comments=body.text("comments"),
            queue_time=starts,
            queue_expiry=expires,
            options=options,
            lifted=lifted,
        )
        for environment, tenant in targets
    ]
    return created(
        {
            "DeploymentServerTasks": [
                {"DeploymentId": each.id, "ServerTaskId": each.task.id} for each in made
            ]
        }
    )


def _lifted(call: Call, body: Body) -> frozenset[str]:
    """Return the ids of the freezes that a command overrides by name, with a reason."""
    names = body.texts("deploymentFreezeNames")
    if not names:
        return frozenset()
    call.demand_system("DeploymentFreezeAdminister")
    body.need("deploymentFreezeOverrideReason")
    freezes = call.world.freezes.values()
    return frozenset(named(freezes, name, "Deployment freeze").id for name in names)


def _release(project: Project, version: str) -> Release:
    try:
        return release_named(project, version)
    except Refused:
        raise Refused(
            400, f"Release '{version}' of project '{project.name}' was not found."
        ) from None
