"""What the feeds of a space hold: packages that releases took or that arrived, and releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.steps import RELEASES_FEED
from reconciler.simulator.versions import version_key
from reconciler.simulator.world import find

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.simulator.records import PackageReference, Process, Space

__all__ = [
    "BUILT_IN",
    "discard",
    "missing_packages",
    "packages_of",
    "releases_of",
    "taken_packages",
    "versions_for",
]

BUILT_IN = "feeds-builtin"


def packages_of(space: Space) -> dict[str, dict[str, datetime]]:
    """Return the versions of each package, with the moment they came or a release took them."""
    names = {package.casefold(): package for package in space.arrived}
    found = {package: dict(versions) for package, versions in space.arrived.items()}
    for release in space.releases.values():
        process = space.processes[release.process_snapshot_id]
        for package, version in _built_in(process, release.packages):
            versions = found.setdefault(names.setdefault(package.casefold(), package), {})
            known = versions.get(version, release.assembled)
            versions[version] = min(known, release.assembled)
    return _without(space, found) if space.discarded else found


def _built_in(
    process: Process, packages: tuple[tuple[str, str, str], ...]
) -> list[tuple[str, str]]:
    """Return the ids and versions of a release's or a snapshot's packages of the built-in feed."""
    names = {
        (each.action, each.reference): each.package
        for step in process.steps
        for each in step.packages
        if each.feed == BUILT_IN
    }
    return [
        (names[action, reference], version)
        for action, reference, version in packages
        if (action, reference) in names
    ]


def missing_packages(
    space: Space, process: Process, packages: tuple[tuple[str, str, str], ...]
) -> list[tuple[str, str]]:
    """Return those of a release's or a snapshot's packages that were deleted from the feed."""
    if not space.discarded:
        return []
    return [
        (package, version)
        for package, version in _built_in(process, packages)
        if (package.casefold(), version) in space.discarded
    ]


def taken_packages(space: Space) -> set[tuple[str, str]]:
    """Return the folded ids and versions of packages that a release or a snapshot takes."""
    every = [
        (space.processes[each.process_snapshot_id], each.packages)
        for each in space.releases.values()
    ]
    every += [
        (space.runbook_processes[each.process_snapshot_id], each.packages)
        for each in space.runbook_snapshots.values()
    ]
    return {
        (package.casefold(), version)
        for process, packages in every
        for package, version in _built_in(process, packages)
    }


def discard(space: Space, package_id: str, version: str) -> None:
    """Delete a package from the feed; what took it misses it from now on."""
    key = (package_id.casefold(), version)
    space.packages.pop(key, None)
    space.discarded.add(key)
    for known, versions in space.arrived.items():
        if known.casefold() == key[0]:
            versions.pop(version, None)


def _without(space: Space, found: dict[str, dict[str, datetime]]) -> dict[str, dict[str, datetime]]:
    """Return what is there without what was deleted."""
    kept = {
        package: {
            version: moment
            for version, moment in versions.items()
            if (package.casefold(), version) not in space.discarded
        }
        for package, versions in found.items()
    }
    return {package: versions for package, versions in kept.items() if versions}


def releases_of(space: Space) -> dict[str, dict[str, datetime]]:
    """Return the same for projects, by id, whose releases other projects may deploy."""
    return {
        project.id: {each.version: each.assembled for each in project.releases}
        for project in space.projects.values()
        if project.releases
    }


def versions_for(
    space: Space, process: Process, version: str, *, newest: bool = False
) -> tuple[tuple[str, str, str], ...]:
    """Return the package versions of a release that nobody chose: action, reference, version.

    A package has the release's own version, or the newest there is; another project's release is
    the one of equal version, else its newest by assembly.
    """
    held = packages_of(space) if newest else {}
    shelf = {package.casefold(): versions for package, versions in held.items()}

    def choose(each: PackageReference) -> str:
        if each.feed == RELEASES_FEED:
            child = find(space.projects.values(), each.package)
            known = [release.version for release in child.releases] if child else []
            same = [other for other in known if version_key(other) == version_key(version)]
            return (same or known or [version])[-1]
        return max(shelf.get(each.package.casefold(), (version,)), key=version_key)

    return tuple(
        (each.action, each.reference, choose(each))
        for step in process.steps
        for each in step.packages
    )
