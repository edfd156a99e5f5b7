"""Settings of the whole server: documents that are kept as administrators write them.

None of them changes what the simulator does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import missing
from reconciler.simulator.changes import changed_fields, note
from reconciler.simulator.paging import matching, page
from reconciler.simulator.router import Routes, Scope

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.world import World

routes = Routes(Scope.SYSTEM)

_SECRET = {"HasValue": False, "NewValue": None, "Hint": None}
_DOCUMENTS: dict[str, dict[str, Any]] = {
    "featuresconfiguration": {
        "Id": "features",
        "IsCommunityActionTemplatesEnabled": True,
        "IsBuiltInWorkerEnabled": True,
        "IsActionContainersEnabled": True,
        "IsAzureZipDeployEnabled": True,
        "IsConfigurationAsCodeEnabled": False,
        "IsHelpSidebarEnabled": False,
        "IsKubernetesEnabled": True,
        "IsStepUiFrameworkEnabled": False,
        "HelpSidebarSupportLink": None,
    },
    "performanceconfiguration": {
        "Id": "performance",
        "DefaultDashboardRenderMode": "VirtualizeColumns",
    },
    "serverconfiguration": {"Id": "server", "ServerUri": None},
    "smtpconfiguration": {
        "Id": "smtp",
        "SmtpHost": None,
        "SmtpPort": 25,
        "SmtpLogin": None,
        "SmtpPassword": _SECRET,
        "SendEmailFrom": None,
        "EnableSsl": False,
        "Timeout": 12000,
    },
    "upgradeconfiguration": {
        "Id": "upgrade",
        "NotificationMode": "AlwaysShow",
        "AllowChecking": False,
        "IncludeStatistics": False,
    },
    "letsencryptconfiguration": {
        "Id": "letsencrypt",
        "Enabled": False,
        "DnsName": None,
        "AcceptLetsEncryptTermsOfService": False,
        "HttpsPort": 443,
        "Path": None,
    },
    "telemetryconfiguration": {"Id": "telemetry", "Enabled": False, "ShowAsNewUntil": None},
    "configuration/retention-default": {"Id": "retention-default", "RetentionDays": 0},
}
"""Documents by path, with what they hold until somebody writes them."""


def _document(world: World, path: str) -> dict[str, Any]:
    changed = world.settings.get(path, {})
    return {**_DOCUMENTS[path], **changed, "Links": {"Self": f"/api/{path}"}}


def _serve(path: str) -> None:
    @routes.get(path)
    def read(call: Call) -> object:
        call.demand_system("ConfigureServer")
        return _document(call.world, path)

    @routes.put(path)
    def write(call: Call) -> object:
        call.demand_system("ConfigureServer")
        kept = call.world.settings.get(path, {})
        shown = _document(call.world, path)
        call.world.settings[path] = changed_fields(shown, call.body(), kept=kept)
        note(call, "Modified", "Settings", path)
        return _document(call.world, path)


for _path in _DOCUMENTS:
    _serve(_path)


@routes.get("smtpconfiguration/isconfigured")
def smtp_is_configured(call: Call) -> object:
    """GET /smtpconfiguration/isconfigured: when a host and a sender are set."""
    found = _document(call.world, "smtpconfiguration")
    return {
        "Id": None,
        "IsConfigured": bool(found["SmtpHost"] and found["SendEmailFrom"]),
        "Links": {},
    }


@routes.get("serverconfiguration/settings")
def server_settings(call: Call) -> object:
    """GET /serverconfiguration/settings: what can be set from outside of the server only."""
    call.demand_system("ConfigureServer")
    node = {
        "Key": "Octopus.Server.NodeName",
        "Value": call.world.node_name,
        "Description": "The name of the node.",
    }
    return [{"ConfigurationSet": "Octopus.Server", "ConfigurationValues": [node]}]


class _Section:
    """A section of settings of extensions, with what the shared filters look at."""

    def __init__(self, section: str, name: str, values: dict[str, Any]) -> None:
        self.id = section
        self.name = name
        self.values = values


_SECTIONS = (
    _Section("authentication", "Authentication", {"IsAutoLoginEnabled": False}),
    _Section("authentication-octopusid", "Octopus ID", {"IsEnabled": False, "ClientId": None}),
    _Section("jira-integration", "Jira Integration", {"IsEnabled": False, "BaseUrl": None}),
    _Section("servicenow-integration", "ServiceNow", {"IsEnabled": False}),
)


def _section_resource(section: _Section) -> dict[str, object]:
    own = f"/api/configuration/{section.id}"
    return {
        "Id": section.id,
        "Name": section.name,
        "Description": "",
        "Links": {"Self": own, "Values": f"{own}/values", "Metadata": f"{own}/metadata"},
    }


@routes.get("configuration")
def list_sections(call: Call) -> object:
    """GET /configuration: the sections."""
    call.demand_system("ConfigureServer")
    return page(call, "ConfigurationSectionMetadata", matching(call, _SECTIONS), _section_resource)


def _section_in(call: Call) -> _Section:
    call.demand_system("ConfigureServer")
    for section in _SECTIONS:
        if section.id == call.param("section").casefold():
            return section
    raise missing("Configuration Section")


@routes.get("configuration/{section}")
def one_section(call: Call) -> object:
    """GET /configuration/{id}."""
    return _section_resource(_section_in(call))


@routes.get("configuration/{section}/metadata")
def section_metadata(call: Call) -> object:
    """GET /configuration/{id}/metadata: the simulator describes no fields."""
    return {"Description": _section_in(call).name, "Types": []}


def _values(world: World, section: _Section) -> dict[str, Any]:
    changed = world.settings.get(f"configuration/{section.id}", {})
    return {
        "Id": section.id,
        **section.values,
        **changed,
        "Links": {"Self": f"/api/configuration/{section.id}/values"},
    }


@routes.get("configuration/{section}/values")
def section_values(call: Call) -> object:
    """GET /configuration/{id}/values."""
    return _values(call.world, _section_in(call))


@routes.put("configuration/{section}/values")
def change_section(call: Call) -> object:
    """PUT /configuration/{id}/values."""
    section = _section_in(call)
    path = f"configuration/{section.id}"
    kept = call.world.settings.get(path, {})
    body = call.body()
    call.world.settings[path] = changed_fields(_values(call.world, section), body, kept=kept)
    note(call, "Modified", "Settings", section.name)
    return _values(call.world, section)
