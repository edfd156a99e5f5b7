"""The library of community step templates: a few of the simulator's own, to install and update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Answer, Refused, created, missing
from reconciler.simulator.changes import note
from reconciler.simulator.documents import Document
from reconciler.simulator.paging import matching, page
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.routes.actiontemplates import TEMPLATES, keep_version, shown_template
from reconciler.simulator.routes.logos import show_logo

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes(Scope.SYSTEM)


class _Community:
    """A template of the library, with what the shared filters look at."""

    def __init__(self, number: int, name: str, description: str, script: str) -> None:
        self.id = f"CommunityActionTemplates-{number}"
        self.name = name
        self.description = description
        self.properties = {
            "Octopus.Action.Script.ScriptSource": "Inline",
            "Octopus.Action.Script.Syntax": "Bash",
            "Octopus.Action.Script.ScriptBody": script,
        }
        self.parameters = [
            {
                "Id": f"6f0a1c2e-0000-4000-8000-00000000000{number}",
                "Name": "Message",
                "Label": "Message",
                "HelpText": "What to say.",
                "DefaultValue": "Hello",
                "DisplaySettings": {"Octopus.ControlType": "SingleLineText"},
            }
        ]


_LIBRARY = (
    _Community(1, "Simulator - Say something", "Writes a message.", 'echo "#{Message}"'),
    _Community(2, "Simulator - Wait", "Waits for a moment.", 'sleep 1; echo "#{Message}"'),
)
_VERSION = 1


def _shown(template: _Community) -> dict[str, Any]:
    own = f"/api/communityactiontemplates/{template.id}"
    return {
        "Id": template.id,
        "Name": template.name,
        "Description": template.description,
        "Author": "simulator",
        "Type": "Octopus.Script",
        "Version": _VERSION,
        "Website": f"https://library.example.com/step-templates/{template.id}",
        "HistoryUrl": f"https://library.example.com/history/{template.id}",
        "Properties": template.properties,
        "Parameters": template.parameters,
        "Links": {
            "Self": own,
            "Installation": f"{own}/installation{{/spaceId}}",
            "InstalledTemplate": f"{own}/actiontemplate{{/spaceId}}",
            "Logo": f"{own}/logo",
        },
    }


def _named(call: Call) -> _Community:
    for each in _LIBRARY:
        if each.id == call.param("community"):
            return each
    raise missing("Community Action Template")


@routes.get("communityactiontemplates")
def list_library(call: Call) -> object:
    """GET /communityactiontemplates."""
    found = matching(call, _LIBRARY)
    return page(call, "CommunityActionTemplate", found, _shown, "{/id}{?skip,take,ids}")


@routes.get("communityactiontemplates/{community}")
def one_of_library(call: Call) -> object:
    """GET /communityactiontemplates/{id}."""
    return _shown(_named(call))


@routes.get("communityactiontemplates/{community}/logo")
def logo_of_library(call: Call) -> object:
    """GET /communityactiontemplates/{id}/logo."""
    return show_logo(call, _named(call).id)


_ONE = "communityactiontemplates/{community}/"


def _enter_space(call: Call) -> None:
    """Make the request be about the space of the path, else the default one."""
    named = (call.params or {}).get("spaceId")
    space = call.world.spaces.get(named) if named else call.world.default_space()
    if space is None or not call.sees_space(space):
        raise missing("Space")
    call.scoped_space = space


def _installed(call: Call, community: _Community) -> Document | None:
    held = TEMPLATES.held_by(call.space).values()
    own = community.id
    return next((each for each in held if each.more.get("CommunityActionTemplateId") == own), None)


@routes.get(f"{_ONE}actiontemplate", f"{_ONE}actiontemplate/{{spaceId}}")
def installed(call: Call) -> object:
    """GET /communityactiontemplates/{id}/actiontemplate: what was made of it in a space."""
    community = _named(call)
    _enter_space(call)
    call.demand_anywhere("ActionTemplateView")
    found = _installed(call, community)
    if found is None:
        raise missing("Action Template")
    return shown_template(call, found)


@routes.post(f"{_ONE}installation", f"{_ONE}installation/{{spaceId}}")
def install(call: Call) -> Answer:
    """POST /communityactiontemplates/{id}/installation."""
    community = _named(call)
    _enter_space(call)
    call.demand_anywhere("ActionTemplateCreate")
    if _installed(call, community) is not None:
        raise Refused(400, "Action Template already installed.")
    template = Document(call.world.new_id(TEMPLATES.ids), community.name)
    TEMPLATES.held_by(call.space)[template.id] = template
    _copy(call, community, template, version=1)
    note(call, "Created", TEMPLATES.word, template.name, template.id)
    return created(shown_template(call, template))


@routes.put(f"{_ONE}installation", f"{_ONE}installation/{{spaceId}}")
def update(call: Call) -> object:
    """PUT /communityactiontemplates/{id}/installation: as the library has it now."""
    community = _named(call)
    _enter_space(call)
    call.demand_anywhere("ActionTemplateEdit")
    template = _installed(call, community)
    if template is None:
        raise Refused(400, "Action template not yet installed.")
    _copy(call, community, template, version=template.more["Version"] + 1)
    note(call, "Modified", TEMPLATES.word, template.name, template.id)
    return shown_template(call, template)


def _copy(call: Call, community: _Community, template: Document, *, version: int) -> None:
    template.more = {
        "ActionType": "Octopus.Script",
        "Description": community.description,
        "CommunityActionTemplateId": community.id,
        "Properties": dict(community.properties),
        "Parameters": [dict(each) for each in community.parameters],
        "Version": version,
    }
    keep_version(call, template)
