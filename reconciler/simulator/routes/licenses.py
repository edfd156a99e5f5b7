"""The licence of the server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused
from reconciler.simulator.changes import note
from reconciler.simulator.router import Routes, Scope

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.world import World

routes = Routes(Scope.SYSTEM)

_OWN = """<License Signature="simulated">
  <LicensedTo>Reconciler's simulator</LicensedTo>
  <LicenseKey>00000-00000-00000-00000</LicenseKey>
  <Version>2.0</Version>
</License>"""


def _license(world: World) -> dict[str, object]:
    text = world.license_text or _OWN
    serial = re.search(r"<LicenseKey>\s*([^<]*?)\s*</LicenseKey>", text)
    return {
        "Id": "licenses-current",
        "LicenseText": text,
        "SerialNumber": serial[1] if serial else "",
        "Links": {
            "Self": "/api/licenses/licenses-current",
            "Status": "/api/licenses/licenses-current-status",
        },
    }


@routes.get("licenses/licenses-current")
def current_license(call: Call) -> object:
    """GET /licenses/licenses-current."""
    call.demand_system("ConfigureServer")
    return _license(call.world)


@routes.put("licenses/licenses-current")
def change_license(call: Call) -> object:
    """PUT /licenses/licenses-current: any text that looks like a licence."""
    call.demand_system("ConfigureServer")
    text = call.body().text("LicenseText")
    if text is None:
        raise Refused(400, "Please provide the text of the license.")
    if not re.fullmatch(r"<License\b.*</License>", text, re.DOTALL):
        raise Refused(
            400,
            "The license you've provided doesn't seem to be valid XML. You should paste in the "
            "entire XML document, starting with <License> and ending at </License>.",
        )
    call.world.license_text = text
    note(call, "Modified", "License", "current")
    return _license(call.world)


@routes.get("licenses/licenses-current-status")
def license_status(call: Call) -> object:
    """GET /licenses/licenses-current-status: nothing is limited."""
    world = call.world
    spaces = list(world.spaces.values())
    counts = {
        "Projects": sum(len(space.projects) for space in spaces),
        "Machines": sum(len(space.machines) for space in spaces),
        "Users": len(world.users),
        "Spaces": len(spaces),
    }
    return {
        "Id": "licenses-current-status",
        "IsCompliant": True,
        "ComplianceSummary": "The server is compliant with its license.",
        "EffectiveExpiryDate": None,
        "DaysToEffectiveExpiryDate": 2_147_483_647,
        "DoesExpiryBlockKeyActivities": False,
        "HostingEnvironment": "SelfHosted",
        "PermissionsMode": "Full",
        "EffectiveClusterTaskLimit": 2_147_483_647,
        "EffectiveNodeTaskLimit": 2_147_483_647,
        "IsClusterTaskLimitControlledByLicense": False,
        "IsNodeTaskLimitControlledByLicense": False,
        "Limits": [
            {
                "Name": name,
                "CurrentUsage": count,
                "EffectiveLimit": 2_147_483_647,
                "EffectiveLimitDescription": "Unlimited",
                "IsUnlimited": True,
                "Disposition": "Information",
                "Message": "",
            }
            for name, count in counts.items()
        ],
        "Messages": [],
        "Links": {"Self": "/api/licenses/licenses-current-status"},
    }
