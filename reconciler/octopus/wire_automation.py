"""What deploys by itself as types: JSON of triggers, lifecycles, channels, processes (rule 48).

Beside `wire.py`, and by its rules.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from reconciler.octopus.wire import Id, Text, Wire


class TriggerAction(Wire, frozen=True):
    """What a trigger does. Only some kinds name environments, each in a field of its own."""

    action_type: Text
    environment_id: str | None = None
    destination_environment_id: str | None = None


class TriggerFilter(Wire, frozen=True):
    """What a trigger waits for; no `environment_ids`: in any environment."""

    filter_type: Text
    environment_ids: list[str] | None = None


class Trigger(Wire, frozen=True):
    """A project trigger, of `GET /{space}/projecttriggers`."""

    id: Id
    name: Text
    project_id: Id
    is_disabled: bool
    action: TriggerAction
    filter: TriggerFilter


class Phase(Wire, frozen=True):
    """A phase of a lifecycle."""

    is_optional_phase: bool
    automatic_deployment_targets: list[str]


class Lifecycle(Wire, frozen=True):
    """A lifecycle, of `GET /{space}/lifecycles/all`."""

    id: Id
    name: Text
    phases: list[Phase]


class Channel(Wire, frozen=True):
    """A channel, of `GET /{space}/channels/all`. `lifecycle_id` None: the project's."""

    project_id: Id
    lifecycle_id: str | None


class ActionProperties(
    Struct, frozen=True, gc=False, rename={"deploys": "Octopus.Action.DeployRelease.ProjectId"}
):
    """Of a step's properties the one that names another project; a sensitive one is a mapping."""

    deploys: str | dict[str, Any] | None = None


class ProcessAction(Wire, frozen=True):
    """An action of a step; no `environments`: in all but the excluded ones."""

    action_type: str | None
    is_disabled: bool
    environments: list[str]
    excluded_environments: list[str]
    properties: ActionProperties


class ProcessStep(Wire, frozen=True):
    """A step. `type` is newer: `ProcessTemplateUsage` has its actions elsewhere."""

    actions: list[ProcessAction] | None = None
    type: str | None = None


class Process(Wire, frozen=True):
    """A deployment process, live or frozen, of `GET /{space}/deploymentprocesses`."""

    id: Id
    project_id: Id
    steps: list[ProcessStep]
