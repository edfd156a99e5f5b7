"""Parameters of cloud templates: AWS CloudFormation and Azure Resource Manager, in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec

from reconciler.simulator.answers import Refused
from reconciler.simulator.permissions import refuse
from reconciler.simulator.router import Routes, Scope

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes(Scope.SYSTEM)

_NUMBERS = frozenset({"number", "int"})


@routes.post("cloudtemplate/{template}/metadata")
def metadata(call: Call) -> object:
    """POST /cloudtemplate/{id}/metadata: what a template asks for; for who edits processes."""
    if not any(call.access("ProcessEdit", each).anything for each in call.spaces()):
        raise refuse("ProcessEdit")
    text = call.body().text("Template") or ""
    for form in (text, unquote(text)):
        try:
            read = msgspec.json.decode(form)
        except (msgspec.DecodeError, RecursionError):
            continue
        if isinstance(read, dict):
            return _described(read)
    raise Refused(400, "The template is not valid JSON.")


def _described(template: dict[str, Any]) -> dict[str, Any]:
    parameters = template.get("Parameters") or template.get("parameters") or {}
    known = {
        name: given
        for name, given in (parameters.items() if isinstance(parameters, dict) else ())
        if isinstance(given, dict)
    }
    properties = [
        {
            "Name": name,
            "Type": _type(given),
            "DisplayInfo": {
                "Label": name,
                "Description": _description(given),
                "Required": "Default" not in given and "defaultValue" not in given,
                "ReadOnly": False,
                "ShowCopyToClipboard": False,
                "Options": None,
                "ListApi": None,
                "ConnectivityCheck": None,
                "PropertyApplicability": None,
            },
        }
        for name, given in known.items()
    ]
    return {
        "Metadata": {
            "Description": str(template.get("Description") or ""),
            "Types": [{"Name": "parameters", "Properties": properties}],
        },
        "Values": {
            name: given.get("Default", given.get("defaultValue")) for name, given in known.items()
        },
    }


def _type(given: dict[str, Any]) -> str:
    kind = str(given.get("Type") or given.get("type") or "String").casefold()
    if kind in _NUMBERS:
        return "int"
    return "bool" if kind == "bool" else "string"


def _description(given: dict[str, Any]) -> str:
    about = given.get("metadata")
    text = given.get("Description") or (about.get("description") if isinstance(about, dict) else "")
    return str(text or "")
