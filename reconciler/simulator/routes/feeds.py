"""The built-in feeds: of packages, and of the releases that other projects may deploy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused, missing
from reconciler.simulator.paging import matching, page
from reconciler.simulator.router import Routes
from reconciler.simulator.shelf import BUILT_IN, packages_of, releases_of
from reconciler.simulator.steps import RELEASES_FEED
from reconciler.simulator.times import stamp
from reconciler.simulator.versions import version_key

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Space

__all__ = ["feed_name", "routes"]

routes = Routes()

_FEEDS = {
    BUILT_IN: ("Octopus Server (built-in)", "BuiltIn"),
    RELEASES_FEED: ("Octopus Server Releases (built-in)", "OctopusProject"),
}


def feed_name(feed_id: str) -> str:
    """Return the name of a feed, the built-in one's for an id that is not known."""
    return _FEEDS.get(feed_id, _FEEDS[BUILT_IN])[0]


class _Feed:
    """One of the feeds of a space, with what the shared filters look at."""

    def __init__(self, space: Space, feed_id: str) -> None:
        self.space = space
        self.id = feed_id
        self.name, self.kind = _FEEDS[feed_id]

    def packages(self) -> dict[str, dict[str, datetime]]:
        """Return the versions of each package with their moments."""
        return packages_of(self.space) if self.id == BUILT_IN else releases_of(self.space)


def feed_resource(feed: _Feed) -> dict[str, object]:
    """Return the feed as JSON."""
    own = f"/api/{feed.space.id}/feeds/{feed.id}"
    return {
        "Id": feed.id,
        "SpaceId": feed.space.id,
        "Name": feed.name,
        "Slug": feed.id,
        "FeedType": feed.kind,
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
    wanted = None if kind is None else {each.casefold() for each in kind}
    found = matching(call, [_Feed(call.space, each) for each in _FEEDS])
    return [each for each in found if wanted is None or each.kind.casefold() in wanted]


def _feed_in(call: Call) -> _Feed:
    call.demand("FeedView")
    if call.param("feed") not in _FEEDS:
        raise missing("Feed")
    return _Feed(call.space, call.param("feed"))


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
    total = sum(len(versions) for versions in packages_of(call.space).values())
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
        for package, versions in feed.packages().items()
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
    feed = _feed_in(call)
    part = (call.query.text("term") or "").casefold()
    found = [
        (package, max(versions, key=version_key))
        for package, versions in sorted(feed.packages().items())
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
