"""Lifecycles at work: phases filled in, how far a release got, where it may go now.

Source: Octopus' public documentation, "Lifecycles".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.simulator.records import Phase, TaskState

if TYPE_CHECKING:
    from reconciler.simulator.records import Lifecycle, Project, Release, Space
    from reconciler.simulator.tenancy import Tenant

__all__ = ["PhaseProgress", "lifecycle_of", "phases_of", "progress_of", "promotable", "reached"]


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
        else replace(phase, optional_targets=others)
        for phase in lifecycle.phases
    )


def succeeded_in(release: Release, tenant: Tenant | None = None) -> set[str]:
    """Return the environments in which the release was deployed with success, for whomever.

    With a tenant: for that one.
    """
    return (release.passed if tenant is None else set()) | {
        deployment.environment_id
        for deployment in release.deployments
        if deployment.task.state is TaskState.SUCCESS
        and (tenant is None or deployment.tenant_id == tenant.id)
    }


def reached(release: Release, tenant: Tenant | None = None) -> set[str]:
    """Return the environments to which the release was deployed, in any state."""
    wanted = tenant.id if tenant else None
    seen = {each.environment_id for each in release.deployments if each.tenant_id == wanted}
    return seen | release.passed if tenant is None else seen


def progress_of(
    space: Space, project: Project, release: Release, tenant: Tenant | None = None
) -> list[PhaseProgress]:
    """Return the progress of a release, phase by phase.

    A tenant goes through the environments it is connected to by itself; a phase with none of them
    is complete for it when it is for anybody. Source: Octopus' public issues 2792 and 4707.
    """
    anybody, own = succeeded_in(release), succeeded_in(release, tenant)
    connected = tenant.environments.get(project.id, ()) if tenant else ()
    found: list[PhaseProgress] = []
    reachable = True
    for index, phase in enumerate(phases_of(space, lifecycle_of(space, project, release))):
        every = (*phase.automatic, *phase.optional_targets)
        mine = tuple(each for each in every if each in connected)
        targets, succeeded = (mine, own) if mine else (every, anybody)
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


def promotable(
    space: Space,
    project: Project,
    release: Release,
    tenant: Tenant | None = None,
    *,
    is_starting: bool = False,
) -> list[str]:
    """Return the environments a release may be deployed to now, redeploys included.

    With a tenant: of those that it is connected to. A deployment that `is_starting` is no reason
    for itself: only what went well counts as a redeploy then.
    """
    allowed = succeeded_in(release, tenant) if is_starting else reached(release, tenant)
    for step in progress_of(space, project, release, tenant):
        if step.is_reachable and not step.is_blocked:
            allowed.update((*step.phase.automatic, *step.phase.optional_targets))
    if tenant is not None:
        allowed &= set(tenant.environments.get(project.id, ()))
    return [each.id for each in space.environments_in_order() if each.id in allowed]
