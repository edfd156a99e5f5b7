"""Step templates: custom ones with their versions and usages, and the steps that are built in."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import changed_fields, free_name, has_dependants, note
from reconciler.simulator.documents import Document, Kind, Verbs
from reconciler.simulator.paging import by_name, matching, page
from reconciler.simulator.router import Routes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Process, Space

__all__ = [
    "BUILT_IN",
    "TEMPLATES",
    "USED",
    "USED_VERSION",
    "keep_version",
    "live_processes",
    "routes",
    "shown_template",
]

routes = Routes()

TEMPLATES = Kind(
    path="actiontemplates",
    param="template",
    item="ActionTemplate",
    word="Action Template",
    ids="ActionTemplates",
    verbs=Verbs.of("ActionTemplate"),
    fields={
        "Description": None,
        "CommunityActionTemplateId": None,
        "Packages": [],
        "Parameters": [],
        "Properties": {},
    },
    links={
        "Usage": "/usage",
        "Versions": "/versions{/version}",
        "ActionsUpdate": "/actionsUpdate",
        "Logo": "/logo",
    },
)

_CATEGORIES = ("Featured", "Script", "Package", "Kubernetes", "Azure", "Aws", "Terraform", "Other")
BUILT_IN = (
    ("Octopus.Script", "Run a Script", "Script"),
    ("Octopus.Manual", "Manual Intervention Required", "Other"),
    ("Octopus.Email", "Send an Email", "Other"),
    ("Octopus.HealthCheck", "Health Check", "Other"),
    ("Octopus.DeployRelease", "Deploy a Release", "Other"),
    ("Octopus.TentaclePackage", "Deploy a Package", "Package"),
    ("Octopus.TransferPackage", "Transfer a Package", "Package"),
    ("Octopus.IIS", "Deploy to IIS", "Package"),
    ("Octopus.WindowsService", "Deploy a Windows Service", "Package"),
    ("Octopus.KubernetesDeployRawYaml", "Deploy Kubernetes YAML", "Kubernetes"),
    ("Octopus.HelmChartUpgrade", "Deploy a Helm Chart", "Kubernetes"),
    ("Octopus.AzurePowerShell", "Run an Azure Script", "Azure"),
    ("Octopus.AwsRunScript", "Run an AWS CLI Script", "Aws"),
    ("Octopus.TerraformApply", "Apply a Terraform template", "Terraform"),
)
"""Types of steps that are built in, with name and category."""

USED = "Octopus.Action.Template.Id"
USED_VERSION = "Octopus.Action.Template.Version"


def shown_template(call: Call, template: Document) -> dict[str, Any]:
    """Return a template as JSON, in its newest version."""
    return TEMPLATES.shown(call.space, template, {})


def keep_version(call: Call, template: Document) -> None:
    """Remember how a template looks now: steps go on with the version they were made from."""
    template.history.append(shown_template(call, template))


def _found(call: Call) -> list[Document]:
    return matching(call, sorted(TEMPLATES.visible(call), key=by_name))


@routes.get("actiontemplates")
def list_templates(call: Call) -> object:
    """GET /actiontemplates: the custom ones."""
    return page(call, TEMPLATES.item, _found(call), lambda each: shown_template(call, each))


@routes.get("actiontemplates/all")
def all_templates(call: Call) -> object:
    """GET /actiontemplates/all."""
    return [shown_template(call, each) for each in _found(call)]


@routes.get("actiontemplates/categories")
def categories(call: Call) -> object:
    """GET /actiontemplates/categories."""
    del call
    return [
        {"Id": name.lower(), "Name": name, "DisplayOrder": order, "Links": {}}
        for order, name in enumerate(_CATEGORIES)
    ]


@routes.get("actiontemplates/search")
def search_templates(call: Call) -> object:
    """GET /actiontemplates/search: built-in and custom ones, of one type if one is named."""
    call.demand_anywhere("ActionTemplateView")
    wanted = (call.query.text("type") or "").casefold()
    built_in = [_result(kind, kind, name, group) for kind, name, group in BUILT_IN]
    custom = [
        {
            **_result(each.id, str(each.more["ActionType"]), each.name, "Library"),
            "Description": each.more.get("Description"),
            "IsBuiltIn": False,
        }
        for each in _found(call)
    ]
    return [each for each in built_in + custom if wanted in ("", str(each["Type"]).casefold())]


def _result(own_id: str, kind: str, name: str, category: str) -> dict[str, Any]:
    return {
        "Id": own_id,
        "Name": name,
        "Type": kind,
        "Description": None,
        "Category": category,
        "Categories": [category],
        "Keywords": None,
        "Author": None,
        "Website": None,
        "CommunityActionTemplateId": None,
        "HasUpdate": False,
        "IsBuiltIn": True,
        "IsInstalled": True,
        "Links": {},
    }


@routes.get("actiontemplates/{template}")
def one_template(call: Call) -> object:
    """GET /actiontemplates/{id}."""
    return shown_template(call, TEMPLATES.named(call))


def _fields(template: Document, body: Body) -> dict[str, Any]:
    """Return what a body says, every parameter with an id."""
    more = changed_fields(dict(TEMPLATES.fields), body, kept=template.more)
    if "Parameters" in more:
        if not all(isinstance(each, dict) for each in more["Parameters"]):
            raise Refused(
                400, "Model validation failed.", ("The Parameters field has the wrong type.",)
            )
        more["Parameters"] = [
            {
                "Label": None,
                "HelpText": None,
                "DefaultValue": None,
                "DisplaySettings": {},
                **each,
                "Id": each.get("Id") or str(uuid.uuid4()),
            }
            for each in more["Parameters"]
        ]
    return more


@routes.post("actiontemplates")
def create_template(call: Call) -> object:
    """POST /actiontemplates: its version is 1."""
    call.demand("ActionTemplateCreate")
    body = call.body()
    held = TEMPLATES.held_by(call.space)
    template = Document("", free_name(TEMPLATES.word, held.values(), body))
    action_type = body.need("ActionType")
    template.more = {**_fields(template, body), "ActionType": action_type, "Version": 1}
    template.id = call.world.new_id(TEMPLATES.ids)
    keep_version(call, template)
    held[template.id] = template
    note(call, "Created", TEMPLATES.word, template.name, template.id)
    return created(shown_template(call, template))


@routes.put("actiontemplates/{template}")
def change_template(call: Call) -> object:
    """PUT /actiontemplates/{id}: a new version; steps keep the one they were made from."""
    template = TEMPLATES.named(call, "ActionTemplateEdit")
    body = call.body()
    held = TEMPLATES.held_by(call.space)
    name = free_name(TEMPLATES.word, held.values(), body, own=template)
    more = _fields(template, body)
    template.name = name
    template.more = {**more, "Version": template.more["Version"] + 1}
    keep_version(call, template)
    note(call, "Modified", TEMPLATES.word, name, template.id)
    return shown_template(call, template)


@routes.on("DELETE", "actiontemplates/{template}")
def delete_template(call: Call) -> object:
    """DELETE /actiontemplates/{id}: not while a step is made from it."""
    template = TEMPLATES.named(call, "ActionTemplateDelete")
    if any(_usages(call, template)):
        raise has_dependants(TEMPLATES.word)
    shown = shown_template(call, template)
    del TEMPLATES.held_by(call.space)[template.id]
    note(call, "Deleted", TEMPLATES.word, template.name, template.id)
    return shown


@routes.get("actiontemplates/{template}/versions")
def versions(call: Call) -> object:
    """GET /actiontemplates/{id}/versions: oldest first."""
    return TEMPLATES.named(call).history


@routes.get("actiontemplates/{template}/versions/{edition}")
def one_version(call: Call) -> object:
    """GET /actiontemplates/{id}/versions/{version}."""
    for each in TEMPLATES.named(call).history:
        if str(each["Version"]) == call.param("edition"):
            return each
    raise missing(TEMPLATES.word)


def live_processes(space: Space) -> Iterator[tuple[str, str | None, Process]]:
    """Yield every process that can still change: its type, its runbook's id, and itself."""
    for process in space.processes.values():
        if not process.is_frozen:
            yield "Deployment", None, process
    for runbook in space.runbooks.values():
        yield "Runbook", runbook.id, space.runbook_processes[runbook.process_id]


def _usages(call: Call, template: Document) -> Iterator[dict[str, Any]]:
    """Yield the actions of live processes that were made from a template."""
    space = call.space
    for kind, runbook_id, process in live_processes(space):
        project = space.projects[process.project_id]
        for step in process.steps:
            for action in (step.document or {}).get("Actions", ()):
                used = action.get("Properties", {})
                if used.get(USED) == template.id:
                    yield {
                        "Id": None,
                        "ActionTemplateId": template.id,
                        "ActionId": action["Id"],
                        "ActionName": action["Name"],
                        "StepId": step.id,
                        "StepName": step.name,
                        "Version": str(used.get(USED_VERSION) or ""),
                        "ProcessId": process.id,
                        "ProcessType": kind,
                        "DeploymentProcessId": process.id if runbook_id is None else None,
                        "ProjectId": project.id,
                        "ProjectName": project.name,
                        "ProjectSlug": project.slug,
                        "RunbookId": runbook_id,
                        "RunbookName": space.runbooks[runbook_id].name if runbook_id else None,
                        "Links": {},
                    }


@routes.get("actiontemplates/{template}/usage")
def usage(call: Call) -> object:
    """GET /actiontemplates/{id}/usage."""
    return list(_usages(call, TEMPLATES.named(call)))
