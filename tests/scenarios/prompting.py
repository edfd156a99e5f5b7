"""Projects whose deployments prompt for variables, made so as an administrator would."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from story import Story

PROMPTS = [
    {"Id": "t", "Name": "Ticket", "Value": "", "Prompt": {"Label": "Ticket", "Required": True}},
    {"Id": "p", "Name": "Pin", "Type": "Sensitive", "Prompt": {"Label": "Pin"}},
]


def asked(world: Story, path: str, body: object = None) -> Any:
    """Ask the simulator as its administrator; with a body, PUT it."""
    request = urllib.request.Request(
        f"{world.server.url}/api/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"X-Octopus-ApiKey": world.octopus.api_key},
        method="GET" if body is None else "PUT",
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


CHANGE = [
    {
        "Id": "c",
        "Name": "Octopus.ServiceNow.ChangeRequest.Number",
        "Value": "",
        "Prompt": {"Label": "Change", "Required": True},
    }
]


def prompts(
    world: Story, project: str, version: str, variables_asked: list[dict[str, Any]] = PROMPTS
) -> None:
    """Let a project prompt from now on, and make a release of it that does."""
    found = next(each for each in asked(world, "Spaces-1/projects/all") if each["Name"] == project)
    variables = asked(world, f"variables/{found['VariableSetId']}")
    asked(world, f"variables/{found['VariableSetId']}", {**variables, "Variables": variables_asked})
    world.octopus.release(project, version)


def form_values(world: Story, project: str) -> Any:
    """Return what the newest deployment of a project was given, as Octopus shows it."""
    found = asked(world, "Spaces-1/deployments?take=100")["Items"]
    ids = {each["Name"]: each["Id"] for each in asked(world, "Spaces-1/projects/all")}
    return next(each for each in found if each["ProjectId"] == ids[project])["FormValues"]
