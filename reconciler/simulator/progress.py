"""Lifecycles at work: phases filled in, how far a release got, where it may go now.

Source: Octopus' public documentation, "Lifecycles".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.simulator.records import Phase, TaskState

if TYPE_CHECKING:
    from reconciler.simulator.records import Lifecycle, Project, Release, Space

__all__ = ["PhaseProgress", "lifecycle_of", "phases_of", "progress_of", "promotable"]


@dataclass(frozen=True, slots=True)
class PhaseProgress:
    """How far one release got in one phase."""

    phase: Phase
    is_complete: bool
    is_reachable: bool
    is_blocked: bool
    missing: tuple[str, ...]
    """Environments of the phase without a success of the release."""


def lifecycle_of(space: Space, project: Project, release: Release) -> Lifecycle:
    """Return the lifecycle of a release: its channel's, else its project's."""
    channel = space.channels.get(release.channel_id)
    chosen = channel.lifecycle_id if channel and channel.lifecycle_id else project.lifecycle_id
    return space.lifecycles[chosen]


def phases_of(space: Space, lifecycle: Lifecycle) -> tuple[Phase, ...]:
    """Return the phases with their environments filled in.

    No phases mean one per environment in display order; a phase without environments takes every
    environment that no other phase names.
    """
    ordered = space.environments_in_order()
    if not lifecycle.phases:
        return tuple(
            Phase(f"{lifecycle.id}-{each.id}", each.name, optional_targets=(each.id,))
            for each in ordered
        )
    named = {
        environment
        for phase in lifecycle.phases
        for environment in (*phase.automatic, *phase.optional_targets)
    }
    others = tuple(each.id for each in ordered if each.id not in named)
    return tuple(
        phase
        if phase.automatic or phase.optional_targets
        else Phase(
            phase.id,
            phase.name,
            optional_targets=others,
            minimum=phase.minimum,
            is_optional=phase.is_optional,
        )
        for phase in lifecycle.phases
    )


def succeeded_in(release: Release) -> set[str]:
    """Return the environments in which the release was deployed with success."""
    return release.passed | {
        deployment.environment_id
        for deployment in release.deployments
        if deployment.task.state is TaskState.SUCCESS
    }


def progress_of(space: Space, project: Project, release: Release) -> list[PhaseProgress]:
    """Return the progress of a release, phase by phase."""
    succeeded = succeeded_in(release)
    found: list[PhaseProgress] = []
    reachable = True
    for index, phase in enumerate(phases_of(space, lifecycle_of(space, project, release))):
        targets = (*phase.automatic, *phase.optional_targets)
        done = [each for each in targets if each in succeeded]
        needed = min(phase.minimum, len(targets)) if phase.minimum else len(targets)
        complete = len(done) >= needed
        found.append(
            PhaseProgress(
                phase,
                is_complete=complete,
                is_reachable=reachable,
                is_blocked=release.defect is not None and index > 0 and not done,
                missing=tuple(each for each in targets if each not in succeeded),
            )
        )
        reachable = reachable and (complete or phase.is_optional)
    return found


def promotable(space: Space, project: Project, release: Release) -> list[str]:
    """Return the environments a release may be deployed to now, redeploys included."""
    allowed: set[str] = {each.environment_id for each in release.deployments} | release.passed
    for step in progress_of(space, project, release):
        if step.is_reachable and not step.is_blocked:
            allowed.update((*step.phase.automatic, *step.phase.optional_targets))
    return [each.id for each in space.environments_in_order() if each.id in allowed]
