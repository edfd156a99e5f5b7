"""Parent environments, and the ephemeral ones that projects make below them.

They are kept and listed by `/environments/v2`; nothing is deployed to them. Source: Octopus'
public Go client, `pkg/environments/v2`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import free_name, has_dependants, note
from reconciler.simulator.documents import Document, Kind, Verbs
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.slugs import slug_of

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Channel

__all__ = ["EPHEMERAL", "PARENTS", "routes", "shown_in_v2"]

routes = Routes()

_COMMON: dict[str, Any] = {"Description": "", "SortOrder": 0, "UseGuidedFailure": False}

PARENTS = Kind(
    path="parentEnvironments",
    param="parent",
    item="ParentEnvironment",
    word="Environment",
    ids="Environments",
    verbs=Verbs.of("Environment"),
    fields={**_COMMON, "AutomaticDeprovisioningRule": None},
)
EPHEMERAL = Kind(
    path="ephemeralEnvironments",
    param="ephemeral",
    item="EphemeralEnvironment",
    word="Environment",
    ids="Environments",
    verbs=Verbs.of("Environment"),
    fields={**_COMMON, "ParentEnvironmentId": None},
)


def shown_in_v2(call: Call, kind: Kind) -> list[tuple[Document, dict[str, Any]]]:
    """Return the environments of a kind that the caller may view, with their JSON."""
    name = "Parent" if kind is PARENTS else "Ephemeral"
    return [(each, {**_shown(call, kind, each), "Type": name}) for each in kind.visible(call)]


def _shown(call: Call, kind: Kind, environment: Document) -> dict[str, Any]:
    return kind.shown(call.space, environment, {"Slug": slug_of(environment.name)})


@routes.get("parentEnvironments/{parent}")
def one_parent(call: Call) -> object:
    """GET /parentEnvironments/{id}."""
    return _shown(call, PARENTS, PARENTS.named(call))


@routes.post("parentEnvironments")
def create_parent(call: Call) -> object:
    """POST /parentEnvironments."""
    call.demand("EnvironmentCreate")
    body = call.body()
    held = PARENTS.held_by(call.space)
    made = Document("", free_name("Environment", held.values(), body))
    made.more = PARENTS.read(made, body, {})
    made.id = call.world.new_id(PARENTS.ids)
    held[made.id] = made
    note(call, "Created", "Environment", made.name, made.id)
    return created(_shown(call, PARENTS, made))


@routes.put("parentEnvironments/{parent}")
def change_parent(call: Call) -> object:
    """PUT /parentEnvironments/{id}."""
    parent = PARENTS.named(call, "EnvironmentEdit")
    body = call.body()
    name = free_name("Environment", PARENTS.held_by(call.space).values(), body, own=parent)
    parent.more = PARENTS.read(parent, body, {})
    parent.name = name
    note(call, "Modified", "Environment", name, parent.id)
    return _shown(call, PARENTS, parent)


@routes.on("DELETE", "parentEnvironments/{parent}")
def delete_parent(call: Call) -> object:
    """DELETE /parentEnvironments/{id}: not while a channel names it or something is below it."""
    parent = PARENTS.named(call, "EnvironmentDelete")
    notes = [each.more for each in call.space.channels.values()]
    notes += [each.more for each in EPHEMERAL.held_by(call.space).values()]
    if any(each.get("ParentEnvironmentId") == parent.id for each in notes):
        raise has_dependants("Environment")
    del PARENTS.held_by(call.space)[parent.id]
    note(call, "Deleted", "Environment", parent.name, parent.id)
    return _shown(call, PARENTS, parent)


@routes.get("ephemeralEnvironments/{ephemeral}")
def one_ephemeral(call: Call) -> object:
    """GET /ephemeralEnvironments/{id}: where the environment's own link leads."""
    return _shown(call, EPHEMERAL, EPHEMERAL.named(call))


@routes.post("projects/{project}/environments/ephemeral")
def create_ephemeral(call: Call) -> object:
    """POST /projects/{id}/environments/ephemeral: below the parent of the project's channel."""
    project = project_in(call)
    call.demand("EnvironmentCreate")
    channel = next((each for each in project.channels if _is_ephemeral(each)), None)
    if channel is None:
        raise Refused(400, "The project has no channel of type EphemeralEnvironment.")
    name = call.body().need("EnvironmentName")
    held = EPHEMERAL.held_by(call.space)
    if any(each.name.casefold() == name.casefold() for each in held.values()):
        raise Refused(400, f"An environment with the name '{name}' already exists.")
    made = Document(call.world.new_id(EPHEMERAL.ids), name)
    made.more = {"ParentEnvironmentId": channel.more.get("ParentEnvironmentId")}
    held[made.id] = made
    note(call, "Created", "Environment", name, made.id, project.id)
    return created({"Id": made.id})


def _is_ephemeral(channel: Channel) -> bool:
    return channel.more.get("Type") == "EphemeralEnvironment"


def _deprovision(call: Call) -> None:
    call.demand("EnvironmentDelete")
    environment = EPHEMERAL.held_by(call.space).pop(call.param("ephemeral"), None)
    if environment is None:
        raise missing("Environment")
    note(call, "Deleted", "Environment", environment.name, environment.id)


@routes.post("environments/ephemeral/{ephemeral}/deprovision")
def deprovision(call: Call) -> object:
    """POST /environments/ephemeral/{id}/deprovision: gone at once, no runbook runs for it."""
    _deprovision(call)
    return created({"DeprovisioningRuns": []})


@routes.post("projects/{project}/environments/ephemeral/{ephemeral}/deprovision")
def deprovision_for_project(call: Call) -> object:
    """POST /projects/{id}/environments/ephemeral/{id}/deprovision: the same."""
    project_in(call)
    _deprovision(call)
    return created({"DeprovisioningRun": None})
