"""What a project in git looks like at a branch, a tag or a commit.

Process, settings and variables are those of the reference. Channels, triggers and runbooks are in
the database, and the same at every reference: their routes are those without one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused
from reconciler.simulator.router import Routes
from reconciler.simulator.routes import (
    channels,
    projectsummaries,
    projecttriggers,
    releases,
    runbookpreviews,
    runbookprocesses,
    runbookruns,
    runbooks,
    runbooksnapshots,
)
from reconciler.simulator.routes.gitprojects import path_at, reference_in
from reconciler.simulator.routes.processes import (
    check_steps,
    process_resource,
    release_template,
    write_process,
)
from reconciler.simulator.routes.projectresources import project_resource
from reconciler.simulator.routes.projects import change_project, project_in
from reconciler.simulator.routes.projectsettings import shown_settings, write_settings
from reconciler.simulator.routes.variables import (
    demand_view,
    variable_set_resource,
    write_variables,
)
from reconciler.simulator.versioncontrol import process_at, variables_at

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Project
    from reconciler.simulator.router import Handler
    from reconciler.simulator.versioncontrol import Reference

routes = Routes()

_AT = "projects/{project}/{gitRef}"
_PROJECT = "projects/{project}/"
_SHARED = frozenset(
    {"channels", "runbookprocesses", "runbookruns", "runbooks", "runbooksnapshots", "summary",
     "triggers"}
)  # fmt: skip
"""First words of routes of a project that every reference has alike."""


def _found(call: Call) -> tuple[Project, Reference, str]:
    """Return project and reference of the path, and the address they have together."""
    project = project_in(call)
    reference = reference_in(call, project)
    return project, reference, path_at(call, project, reference.name)


def _to_write(call: Call) -> tuple[Project, Reference, str]:
    """Return the same, when it is a branch: only those can be written to."""
    project, reference, own = _found(call)
    if not reference.branch:
        raise Refused(
            400, f"'{reference.name}' is not a branch, so nothing can be committed to it."
        )
    return project, reference, own


@routes.get(_AT)
def project_at(call: Call) -> object:
    """GET /projects/{id}/{gitRef}."""
    project, _, _ = _found(call)
    return project_resource(call.space, project)


@routes.put(_AT)
def change_project_at(call: Call) -> object:
    """PUT /projects/{id}/{gitRef}: what of the project is in the database."""
    _found(call)
    return change_project(call)


@routes.get(f"{_AT}/deploymentprocesses")
def process(call: Call) -> object:
    """GET /projects/{id}/{gitRef}/deploymentprocesses."""
    project, reference, own = _found(call)
    call.demand("ProcessView", project)
    found = process_at(project, reference.commit)
    return process_resource(call.space, found, f"{own}/deploymentprocesses")


@routes.put(f"{_AT}/deploymentprocesses")
def change_process(call: Call) -> object:
    """PUT /projects/{id}/{gitRef}/deploymentprocesses: a commit on the branch."""
    project, reference, own = _to_write(call)
    found = process_at(project, reference.commit)
    return write_process(call, found, reference.branch, f"{own}/deploymentprocesses")


@routes.get(f"{_AT}/deploymentprocesses/template")
def template(call: Call) -> object:
    """GET /projects/{id}/{gitRef}/deploymentprocesses/template."""
    project, reference, _ = _found(call)
    call.demand("ProcessView", project)
    return release_template(call, project, process_at(project, reference.commit))


@routes.post(f"{_AT}/deploymentprocesses/validate")
def validate(call: Call) -> object:
    """POST /projects/{id}/{gitRef}/deploymentprocesses/validate."""
    project, _, _ = _found(call)
    call.demand("ProcessView", project)
    return check_steps(call)


@routes.get(f"{_AT}/deploymentsettings")
def settings(call: Call) -> object:
    """GET /projects/{id}/{gitRef}/deploymentsettings."""
    project, reference, own = _found(call)
    return shown_settings(call.space, project, reference.commit, f"{own}/deploymentsettings")


@routes.put(f"{_AT}/deploymentsettings")
def change_settings(call: Call) -> object:
    """PUT /projects/{id}/{gitRef}/deploymentsettings: a commit on the branch."""
    project, reference, own = _to_write(call)
    return write_settings(call, project, reference, f"{own}/deploymentsettings")


@routes.get(f"{_AT}/variables")
def variables(call: Call) -> object:
    """GET /projects/{id}/{gitRef}/variables: the sensitive ones are the same everywhere."""
    project, reference, own = _found(call)
    demand_view(call, project)
    found = variables_at(call.space, project, reference.commit)
    return variable_set_resource(call, found, f"{own}/variables")


@routes.put(f"{_AT}/variables")
def change_variables(call: Call) -> object:
    """PUT /projects/{id}/{gitRef}/variables: a commit, when variables are in git."""
    project, reference, own = _to_write(call)
    found = variables_at(call.space, project, reference.commit)
    return write_variables(call, found, reference.branch, f"{own}/variables")


def _at(handler: Handler) -> Handler:
    """Return a handler for the same at a reference that must be there."""

    def check_and_call(call: Call) -> object:
        _found(call)
        return handler(call)

    return check_and_call


for _subject in (
    channels,
    projectsummaries,
    projecttriggers,
    releases,
    runbookprocesses,
    runbookpreviews,
    runbookruns,
    runbooks,
    runbooksnapshots,
):
    for _route in _subject.routes.routes:
        _rest = _route.template.removeprefix(_PROJECT)
        if _rest != _route.template and _rest.split("/")[0].lower() in _SHARED:
            routes.on(_route.method, f"{_AT}/{_rest}")(_at(_route.handler))
