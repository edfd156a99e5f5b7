"""The built-in feed: its packages are those that releases of the space have taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused, missing
from reconciler.simulator.paging import matching, page
from reconciler.simulator.router import Routes
from reconciler.simulator.times import stamp
from reconciler.simulator.versions import version_key

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Space

__all__ = ["BUILT_IN", "FEED_NAME", "routes"]

routes = Routes()

BUILT_IN = "feeds-builtin"
FEED_NAME = "Octopus Server (built-in)"


class _Feed:
    """The one feed, with what the shared filters look at."""

    id = BUILT_IN
    name = FEED_NAME

    def __init__(self, space: Space) -> None:
        self.space = space


def feed_resource(feed: _Feed) -> dict[str, object]:
    """Return the feed as JSON."""
    own = f"/api/{feed.space.id}/feeds/{feed.id}"
    return {
        "Id": feed.id,
        "SpaceId": feed.space.id,
        "Name": feed.name,
        "Slug": feed.id,
        "FeedType": "BuiltIn",
        "PackageAcquisitionLocationOptions": ["Server", "ExecutionTarget"],
        "DownloadAttempts": 5,
        "DownloadRetryBackoffSeconds": 10,
        "DeleteUnreleasedPackagesAfterDays": None,
        "Links": {
            "Self": own,
            "Packages": f"{own}/packages{{?packageId,partialMatch,includeMultipleVersions,"
            "includeNotes,includePreRelease,take}",
            "SearchPackagesTemplate": f"{own}/packages/search{{?term,skip,take}}",
            "SearchPackageVersionsTemplate": f"{own}/packages/versions{{?packageId,take,skip,"
            "includePreRelease,versionRange,preReleaseTag,filter,includeReleaseNotes}",
        },
    }


def _feeds(call: Call) -> list[_Feed]:
    call.demand("FeedView")
    kind = call.query.many("feedType")
    found = matching(call, [_Feed(call.space)])
    return found if kind is None or "builtin" in {each.casefold() for each in kind} else []


def _feed_in(call: Call) -> _Feed:
    call.demand("FeedView")
    if call.param("feed") != BUILT_IN:
        raise missing("Feed")
    return _Feed(call.space)


@routes.get("feeds")
def list_feeds(call: Call) -> object:
    """GET /feeds."""
    template = "{/id}{?skip,take,ids,partialName,feedType,name}"
    return page(call, "Feed", _feeds(call), feed_resource, template)


@routes.get("feeds/all")
def all_feeds(call: Call) -> object:
    """GET /feeds/all."""
    return [feed_resource(each) for each in _feeds(call)]


@routes.get("feeds/stats")
def feed_stats(call: Call) -> object:
    """GET /feeds/stats: how many versions of packages there are."""
    call.demand("FeedView")
    total = sum(len(versions) for versions in _packages(call.space).values())
    return {"Id": None, "TotalPackages": total, "Links": {}}


@routes.get("feeds/{feed}")
def one_feed(call: Call) -> object:
    """GET /feeds/{id}."""
    return feed_resource(_feed_in(call))


@routes.get("feeds/{feed}/packages/versions")
def package_versions(call: Call) -> object:
    """GET /feeds/{id}/packages/versions: newest version first."""
    feed = _feed_in(call)
    wanted = call.query.text("packageId")
    if wanted is None:
        raise Refused(400, "Please provide a packageId.")
    part = (call.query.text("filter") or "").casefold()
    with_previews = call.query.flag("includePreRelease") is not False
    found = [
        (package, version, published)
        for package, versions in _packages(call.space).items()
        if package.casefold() == wanted.casefold()
        for version, published in versions.items()
        if part in version.casefold() and (with_previews or version_key(version)[1])
    ]
    found.sort(key=lambda each: version_key(each[1]), reverse=True)

    def render(each: tuple[str, str, datetime]) -> dict[str, object]:
        package, version, published = each
        return {
            "Id": f"packages-{package}.{version}",
            "PackageId": package,
            "Version": version,
            "FeedId": feed.id,
            "Title": package,
            "Published": stamp(published),
            "ReleaseNotes": "",
            "SizeBytes": 0,
            "Links": {},
        }

    return page(call, "PackageVersion", found, render, "{?packageId,take,skip,filter}")


@routes.get("feeds/{feed}/packages/search")
def search_packages(call: Call) -> object:
    """GET /feeds/{id}/packages/search: by a part of the id."""
    _feed_in(call)
    part = (call.query.text("term") or "").casefold()
    found = [
        (package, max(versions, key=version_key))
        for package, versions in sorted(_packages(call.space).items())
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


def _packages(space: Space) -> dict[str, dict[str, datetime]]:
    """Return the versions of each package with the moment a release first took them."""
    found: dict[str, dict[str, datetime]] = {}
    for release in space.releases.values():
        steps = space.processes[release.process_snapshot_id].steps
        names = {
            (each.action, each.reference): each.package
            for step in steps
            for each in step.packages
            if each.feed == BUILT_IN
        }
        for action, reference, version in release.packages:
            if (action, reference) in names:
                versions = found.setdefault(names[action, reference], {})
                known = versions.get(version, release.assembled)
                versions[version] = min(known, release.assembled)
    return found
