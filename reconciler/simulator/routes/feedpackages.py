"""What is on a feed: versions of a package, packages by a part of their names, notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused
from reconciler.simulator.packages import build_of, package_of
from reconciler.simulator.paging import DEFAULT_TAKE, page
from reconciler.simulator.ranges import read_range, read_tag, tag_of
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.builds import build_resource
from reconciler.simulator.routes.feeds import feed_in, packages_on
from reconciler.simulator.routes.packages import package_resource
from reconciler.simulator.shelf import BUILT_IN
from reconciler.simulator.times import stamp
from reconciler.simulator.versions import version_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from reconciler.simulator.calls import Call
    from reconciler.simulator.packages import Feed

routes = Routes()


def _fits(call: Call) -> Callable[[str], bool]:
    """Return whether a version is one of those that the query asks for."""
    query = call.query
    wanted, tag = read_range(query.text("versionRange")), read_tag(query.text("preReleaseTag"))
    part = (query.text("filter") or "").casefold()
    with_previews = query.flag("includePreRelease") is not False
    return lambda version: (
        part in version.casefold()
        and (with_previews or bool(version_key(version)[1]))
        and wanted.holds(version)
        and tag.search(tag_of(version)) is not None
    )


@routes.get("feeds/{feed}/packages/versions")
def package_versions(call: Call) -> object:
    """GET /feeds/{id}/packages/versions: newest version first."""
    feed = feed_in(call)
    wanted = call.query.text("packageId")
    if wanted is None:
        raise Refused(400, "No packageId parameter was provided.")
    fits = _fits(call)
    found = [
        (package, version, published)
        for package, versions in packages_on(call.space, feed).items()
        if package.casefold() == wanted.casefold()
        for version, published in versions.items()
        if fits(version)
    ]
    found.sort(key=lambda each: version_key(each[1]), reverse=True)
    with_notes = bool(call.query.flag("includeReleaseNotes"))

    def render(each: tuple[str, str, datetime]) -> dict[str, object]:
        package, version, published = each
        own = package_of(call.space, package, version) if feed.id == BUILT_IN else None
        said = own.said if own else {}
        return {
            "Id": f"packages-{package}.{version}",
            "PackageId": package,
            "Version": version,
            "FeedId": feed.id,
            "Title": said.get("title") or package,
            "Published": stamp(published),
            "ReleaseNotes": said.get("releaseNotes") if with_notes else None,
            "SizeBytes": len(own.content) if own else 0,
            "Links": {},
        }

    return page(call, "PackageVersion", found, render, "{?packageId,take,skip,filter}")


@routes.get("feeds/{feed}/packages/search")
def search_packages(call: Call) -> object:
    """GET /feeds/{id}/packages/search: by a part of the id."""
    feed = feed_in(call)
    part = (call.query.text("term") or "").casefold()
    found = [
        (package, max(versions, key=version_key))
        for package, versions in sorted(packages_on(call.space, feed).items())
        if part in package.casefold()
    ]

    def render(each: tuple[str, str]) -> dict[str, object]:
        package, latest = each
        return {
            "Id": package,
            "Name": package,
            "Description": "",
            "LatestVersion": latest,
            "Links": {},
        }

    return page(call, "PackageDescription", found, render, "{?term,skip,take}")


@routes.get("feeds/{feed}/packages")
def packages_of_feed(call: Call) -> object:
    """GET /feeds/{id}/packages: the older way, an array; of each the newest version, or more."""
    feed, query, fits = feed_in(call), call.query, _fits(call)
    wanted = (query.text("packageId") or "").casefold()
    partly, many = bool(query.flag("partialMatch")), bool(query.flag("includeMultipleVersions"))
    found: list[object] = []
    for package, versions in sorted(packages_on(call.space, feed).items()):
        low = package.casefold()
        if wanted and (wanted not in low if partly else wanted != low):
            continue
        ordered = sorted(filter(fits, versions), key=version_key, reverse=True)
        shown = [(package, each, versions[each]) for each in ordered[: None if many else 1]]
        found += [_package(call, feed, each) for each in shown]
    return found[: query.number("take", DEFAULT_TAKE)]


def _package(call: Call, feed: Feed, each: tuple[str, str, datetime]) -> dict[str, Any]:
    if feed.id == BUILT_IN:
        return package_resource(call.space, each)
    package, version, published = each
    build = build_of(call.space, package, version)
    return {
        "Id": f"packages-{package}.{version}",
        "PackageId": package,
        "NuGetPackageId": package,
        "FeedId": feed.id,
        "NuGetFeedId": feed.id,
        "Version": version,
        "Title": package,
        "Description": "",
        "Summary": "",
        "ReleaseNotes": None,
        "Published": stamp(published),
        "FileExtension": "",
        "PackageVersionBuildInformation": build_resource(call.space, build) if build else None,
        "Links": {},
    }


@routes.get("feeds/{feed}/packages/notes")
def notes_on_feed(call: Call) -> object:
    """GET /feeds/{id}/packages/notes: what a package says of a release."""
    feed = feed_in(call)
    wanted, version = call.query.text("packageId") or "", call.query.text("version") or ""
    is_own = feed.id == BUILT_IN
    said = package_of(call.space, wanted, version).said if is_own else {}
    return {
        "Succeeded": True,
        "Notes": said.get("releaseNotes", ""),
        "DisplayMessage": None,
        "FailureReason": None,
    }
