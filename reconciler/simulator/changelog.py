"""What a deployment brings: the releases since the one that ran there before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.records import TaskState

if TYPE_CHECKING:
    from reconciler.simulator.records import Release, Space

__all__ = ["change_resource", "changes_of", "markdown"]


def changes_of(
    space: Space, release: Release, environment: str, tenant: str | None
) -> list[Release]:
    """Return the releases that are new in a cell, newest first; the release itself always is."""
    cell = space.cells.get((release.project_id, environment, tenant), [])
    before = next(
        (each.release for each in reversed(cell) if each.task.state is TaskState.SUCCESS), None
    )
    every = space.projects[release.project_id].releases
    last = every.index(release)
    first = every.index(before) + 1 if before in every else last
    own = [each for each in every[first:last] if each.channel_id == release.channel_id]
    return [release, *reversed(own)]


def change_resource(release: Release) -> dict[str, object]:
    """Return what a release brings as JSON."""
    builds = [
        {
            "PackageId": each.package_id,
            "Version": each.version,
            **each.fields,
            "VcsCommitUrl": None,
            "WorkItems": [],
        }
        for each in release.builds
    ]
    return {
        "Version": release.version,
        "ReleaseNotes": release.notes,
        "BuildInformation": builds,
        "Commits": [commit for each in release.builds for commit in each.fields["Commits"]],
        "WorkItems": [],
    }


def markdown(releases: list[Release]) -> str:
    """Return changes as text, a heading for each release."""
    return "\n\n".join(f"# Release {each.version}\n\n{each.notes or ''}" for each in releases)
