"""Projects in git: their conversion, branches, tags and commits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reconciler.simulator.answers import Refused
from reconciler.simulator.calls import Body
from reconciler.simulator.changes import note, without_secrets
from reconciler.simulator.paging import page
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.connectivitychecks import check
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.versioncontrol import HEADS, SETTINGS, TAGS, keep_in_git, no_reference

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Project
    from reconciler.simulator.versioncontrol import Reference, Repository

__all__ = ["path_at", "reference_in", "repository_of", "routes"]

routes = Routes()


def repository_of(project: Project) -> Repository:
    """Return where a project in git is kept.

    Raises:
        Refused: 404 for a project that is not in git.
    """
    if project.repository is None:
        raise Refused(404, f"The project '{project.name}' is not version controlled.")
    return project.repository


def reference_in(call: Call, project: Project) -> Reference:
    """Return the git reference that the path names.

    Raises:
        Refused: 404 when the project has none such.
    """
    wanted = call.param("gitRef")
    found = project.repository.find(wanted) if project.repository else None
    if found is None:
        raise no_reference(wanted)
    return found


def path_at(call: Call, project: Project, reference: str) -> str:
    """Return the address of a project at a reference, as links have it."""
    code = quote(reference, safe="").replace("%2F", "%2f")
    return f"/api/{call.space.id}/projects/{project.id}/{code}"


def _read_settings(body: Body) -> dict[str, Any]:
    given = body.get("VersionControlSettings") or body.get("PersistenceSettings")
    if not isinstance(given, dict):
        given = body.fields
    wanted = Body(given)
    made = {"Type": "VersionControlled"}
    for name, default in SETTINGS.items():
        value = wanted.get(name)
        if value is not None and type(value) is not type(default):
            raise Refused(
                400, "Model validation failed.", (f"The {name} field has the wrong type.",)
            )
        made[name] = default if value in (None, "") else without_secrets(value)
    if not made["Url"]:
        raise Refused(400, "Model validation failed.", ("The Url field is required.",))
    state = wanted.get("ConversionState")
    in_git = isinstance(state, dict) and Body(state).flag("VariablesAreInGit")
    return {**made, "ConversionState": {"VariablesAreInGit": in_git}}


@routes.post("projects/{project}/git/convert")
def convert(call: Call) -> object:
    """POST /projects/{id}/git/convert: what the project is now is the first commit."""
    project = project_in(call)
    call.demand("ProjectEdit", project)
    body = call.body()
    if project.repository is not None:
        raise Refused(400, f"The project '{project.name}' is already version controlled.")
    message = body.text("CommitMessage") or "Initial commit"
    made = keep_in_git(call.space, project, _read_settings(body), message, call.now)
    default = made.default_branch
    other = body.text("InitialCommitBranchName") or default
    made.branches[other] = made.branches[default]
    note(call, "Modified", "Project", project.name, project.id)
    return {"Messages": []}


@routes.post("projects/{project}/git/connectivity-test")
def test_connection(call: Call) -> object:
    """POST /projects/{id}/git/connectivity-test: every host answers, save those in `.invalid`."""
    project = project_in(call)
    call.demand("ProjectEdit", project)
    return check(_read_settings(call.body())["Url"])


@routes.get("projects/{project}/git/compatibility-report")
def compatibility(call: Call) -> object:
    """GET /projects/{id}/git/compatibility-report: nothing stands in the way."""
    project_in(call)
    return {"Errors": [], "Warnings": [], "Notices": []}


@routes.post("projects/{project}/git/repository-modified")
def repository_modified(call: Call) -> object:
    """POST /projects/{id}/git/repository-modified: read afresh, which is always so here."""
    repository_of(project_in(call))
    return {}


def _shown(call: Call, project: Project, kind: str, name: str) -> dict[str, Any]:
    """Return a branch, a tag or a commit as JSON; `kind` is the last word of its collection."""
    canonical = {"branches": HEADS, "tags": TAGS, "commits": ""}[kind] + name
    own = path_at(call, project, canonical)
    base = f"/api/{call.space.id}/projects/{project.id}/git/{kind}"
    branch = (
        {"IsProtected": repository_of(project).is_protected(name)} if kind == "branches" else {}
    )
    return {
        "Name": name,
        "CanonicalName": canonical,
        **branch,
        "Links": {
            "Self": f"{base}/{quote(name, safe='').replace('%2F', '%2f')}",
            "Project": own,
            "DeploymentProcess": f"{own}/deploymentprocesses",
            "DeploymentSettings": f"{own}/deploymentsettings",
            "Variables": f"{own}/variables",
            "Runbook": f"{own}/runbooks{{/id}}{{?skip,take,ids,partialName}}",
            "ReleaseTemplate": f"{own}/deploymentprocesses/template{{?channel,releaseId}}",
            "Channels": f"{own}/channels",
        },
    }


def _list(call: Call, kind: str, names: list[str]) -> object:
    project = project_in(call)
    part = (call.query.text("searchByName") or "").casefold()
    found = sorted(each for each in names if part in each.casefold())
    item = {"branches": "GitBranch", "tags": "GitTag"}[kind]
    template = "{/name}{?skip,take,searchByName,refresh}"
    return page(call, item, found, lambda each: _shown(call, project, kind, each), template)


@routes.get("projects/{project}/git/branches", "projects/{project}/git/branches/v2")
def branches(call: Call) -> object:
    """GET /projects/{id}/git/branches: by name; `searchByName` is a part of it."""
    return _list(call, "branches", list(repository_of(project_in(call)).branches))


@routes.get("projects/{project}/git/tags")
def tags(call: Call) -> object:
    """GET /projects/{id}/git/tags."""
    return _list(call, "tags", list(repository_of(project_in(call)).tags))


@routes.get("projects/{project}/git/branches/{branch}")
def one_branch(call: Call) -> object:
    """GET /projects/{id}/git/branches/{name}: also by its canonical name."""
    project = project_in(call)
    name = call.param("branch").removeprefix(HEADS)
    if name not in repository_of(project).branches:
        raise no_reference(name)
    return _shown(call, project, "branches", name)


@routes.get("projects/{project}/git/tags/{tag}")
def one_tag(call: Call) -> object:
    """GET /projects/{id}/git/tags/{name}."""
    project = project_in(call)
    name = call.param("tag").removeprefix(TAGS)
    if name not in repository_of(project).tags:
        raise no_reference(name)
    return _shown(call, project, "tags", name)


@routes.get("projects/{project}/git/commits/{hash}")
def one_commit(call: Call) -> object:
    """GET /projects/{id}/git/commits/{hash}: the first seven letters are enough."""
    project = project_in(call)
    found = repository_of(project).find(call.param("hash"))
    if found is None:
        raise no_reference(call.param("hash"))
    return _shown(call, project, "commits", found.commit.hash)


@routes.get("projects/{project}/git/refs/{reference}")
def one_reference(call: Call) -> object:
    """GET /projects/{id}/git/refs/{name}: a branch or a tag."""
    project = project_in(call)
    found = repository_of(project).find(call.param("reference"))
    if found is None or found.name == found.commit.hash:
        raise no_reference(call.param("reference"))
    if found.branch:
        return _shown(call, project, "branches", found.branch)
    shown = _shown(call, project, "tags", found.name.removeprefix(TAGS))
    return {**shown, "IsProtected": False}


@routes.post("projects/{project}/git/branches", "projects/{project}/git/branches/v2")
def create_branch(call: Call) -> object:
    """POST /projects/{id}/git/branches/v2: from any reference; 200, as Octopus' Go client wants."""
    project = project_in(call)
    call.demand("ProcessEdit", project)
    repository, body = repository_of(project), call.body()
    base = body.text("BaseGitRef") or body.text("CurrentBranchName") or repository.default_branch
    found = repository.find(base)
    if found is None:
        raise no_reference(base)
    name = body.need("NewBranchName").removeprefix(HEADS)
    if name in repository.branches:
        raise Refused(400, f"A branch with the name '{name}' already exists.")
    repository.branches[name] = found.commit.hash
    return _shown(call, project, "branches", name)
