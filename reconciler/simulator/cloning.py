"""Copies of projects: process, variables, channels, settings, runbooks and triggers."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from reconciler.simulator.firing import add_trigger
from reconciler.simulator.running import add_runbook

if TYPE_CHECKING:
    from reconciler.simulator.records import Project, Space
    from reconciler.simulator.world import World

__all__ = ["clone_into"]


def clone_into(world: World, space: Space, origin: Project, made: Project) -> None:
    """Give a new project what another one has; releases and deployments stay with that one."""
    made.cloned_from = origin.id
    made.has_discrete_channels, made.task_seconds = (
        origin.has_discrete_channels,
        origin.task_seconds,
    )
    made.more = deepcopy(origin.more)
    process = space.processes[made.process_id]
    process.steps, process.version = space.processes[origin.process_id].steps, 1
    variables = space.variables[made.variable_set_id]
    variables.variables = deepcopy(space.variables[origin.variable_set_id].variables)
    channels = _clone_channels(world, space, origin, made)
    for runbook in [each for each in space.runbooks.values() if each.project_id == origin.id]:
        copy = add_runbook(world, space, made, runbook.name)
        copy.description, copy.scope = runbook.description, runbook.scope
        copy.environments, copy.more = runbook.environments, deepcopy(runbook.more)
        live = space.runbook_processes[runbook.process_id]
        space.runbook_processes[copy.process_id].steps = live.steps
    for trigger in [each for each in space.triggers.values() if each.project_id == origin.id]:
        if trigger.action["ActionType"] == "RunRunbook":
            continue
        action = deepcopy(trigger.action)
        if action.get("ChannelId") is not None:
            action["ChannelId"] = channels[action["ChannelId"]]
        parts = (deepcopy(trigger.filter), action)
        copied = add_trigger(world, space, made, trigger.name, parts)
        copied.description, copied.is_disabled = trigger.description, trigger.is_disabled


def _clone_channels(world: World, space: Space, origin: Project, made: Project) -> dict[str, str]:
    """Copy channels over the default one of the new project; returns new ids by old ones."""
    (default,) = made.channels
    ids: dict[str, str] = {}
    for each in origin.channels:
        copy = default if each.is_default else world.add_channel(space, made, each.name)
        copy.name, copy.slug, copy.description = each.name, each.slug, each.description
        copy.lifecycle_id, copy.more = each.lifecycle_id, deepcopy(each.more)
        ids[each.id] = copy.id
    return ids
