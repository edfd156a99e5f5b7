"""Feeds: the built-in ones, of packages and of releases, and those of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import free_name, has_dependants, note, same_kind, without_secrets
from reconciler.simulator.packages import Feed
from reconciler.simulator.paging import matching, page
from reconciler.simulator.router import Routes
from reconciler.simulator.shelf import BUILT_IN, packages_of, releases_of
from reconciler.simulator.steps import RELEASES_FEED

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Space

__all__ = ["feed_in", "feed_name", "feeds_of", "packages_on", "routes"]

routes = Routes()

_OWN = (
    Feed(BUILT_IN, "Octopus Server (built-in)", "BuiltIn"),
    Feed(RELEASES_FEED, "Octopus Server Releases (built-in)", "OctopusProject"),
)
_KINDS = ("NuGet", "Docker", "Maven", "Helm", "GitHub", "AwsElasticContainerRegistry",
          "AzureContainerRegistry", "GoogleContainerRegistry", "OciRegistry",
          "ArtifactoryGeneric", "S3", "GcsStorage", "Npm", "PyPi")  # fmt: skip
"""Kinds of feeds that clients may make."""

_COMMON: dict[str, Any] = {
    "PackageAcquisitionLocationOptions": ["Server", "ExecutionTarget"],
    "DownloadAttempts": 5,
    "DownloadRetryBackoffSeconds": 10,
}
_BUILT_IN: dict[str, Any] = {
    "DeleteUnreleasedPackagesAfterDays": None,
    "DeletePackagesAssociatedWithReleases": False,
    "IsBuiltInRepoSyncEnabled": False,
}
_TYPED: dict[str, Any] = {
    **dict.fromkeys(("EnhancedMode", "UseMachineCredentials"), False),
    **{name: {} for name in ("Password", "SecretKey", "OidcAuthentication")},
}
"""Values of the types of fields that are no text."""
_EXTERNAL = ("FeedUri", "EnhancedMode", "Username", "Password", "RegistryPath", "ApiVersion",
             "AccessKey", "SecretKey", "Region", "OidcAuthentication", "LayoutRegex",
             "Repository", "UseMachineCredentials")  # fmt: skip


def feeds_of(space: Space) -> list[Feed]:
    """Return the feeds of a space, the built-in ones first, as they are set."""
    return [*(space.feeds.get(each.id, each) for each in _OWN), *_external(space)]


def _external(space: Space) -> list[Feed]:
    own = {each.id for each in _OWN}
    return [each for each in space.feeds.values() if each.id not in own]


def feed_name(space: Space, feed_id: str) -> str:
    """Return the name of a feed, the built-in one's for an id that is not known."""
    feeds = feeds_of(space)
    return next((each for each in feeds if each.id == feed_id), feeds[0]).name


def packages_on(space: Space, feed: Feed) -> dict[str, dict[str, datetime]]:
    """Return the versions of each package with their moments; nobody knows of other's feeds."""
    match feed.id:
        case "feeds-builtin":
            return packages_of(space)
        case "feeds-octopus-server-releases":
            return releases_of(space)
        case _:
            return {}


def feed_resource(space: Space, feed: Feed) -> dict[str, object]:
    """Return the feed as JSON."""
    own = f"/api/{space.id}/feeds/{feed.id}"
    return {
        "Id": feed.id,
        "SpaceId": space.id,
        "Name": feed.name,
        "Slug": feed.id,
        "FeedType": feed.kind,
        **_COMMON,
        **(_BUILT_IN if feed.kind == "BuiltIn" else {}),
        **feed.more,
        "Links": {
            "Self": own,
            "Packages": f"{own}/packages{{?packageId,partialMatch,includeMultipleVersions,"
            "includeNotes,includePreRelease,take}",
            "SearchPackagesTemplate": f"{own}/packages/search{{?term,skip,take}}",
            "SearchPackageVersionsTemplate": f"{own}/packages/versions{{?packageId,take,skip,"
            "includePreRelease,versionRange,preReleaseTag,filter,includeReleaseNotes}",
            "NotesTemplate": f"{own}/packages/notes{{?packageId,version}}",
        },
    }


def _feeds(call: Call) -> list[Feed]:
    call.demand_anywhere("FeedView")
    kind = call.query.many("feedType")
    wanted = None if kind is None else {each.casefold() for each in kind}
    found = matching(call, feeds_of(call.space))
    return [each for each in found if wanted is None or each.kind.casefold() in wanted]


def feed_in(call: Call, permission: str = "FeedView") -> Feed:
    """Return the feed that the path names, if the caller holds the permission."""
    call.demand_anywhere(permission)
    wanted = call.param("feed")
    found = next((each for each in feeds_of(call.space) if each.id == wanted), None)
    if found is None:
        raise missing("Feed")
    return found


@routes.get("feeds")
def list_feeds(call: Call) -> object:
    """GET /feeds: the built-in ones first."""
    template = "{/id}{?skip,take,ids,partialName,feedType,name}"
    shown = _feeds(call)
    return page(call, "Feed", shown, lambda each: feed_resource(call.space, each), template)


@routes.get("feeds/all")
def all_feeds(call: Call) -> object:
    """GET /feeds/all."""
    return [feed_resource(call.space, each) for each in _feeds(call)]


@routes.get("feeds/stats")
def feed_stats(call: Call) -> object:
    """GET /feeds/stats: how many versions of packages there are."""
    call.demand_anywhere("FeedView")
    total = sum(len(versions) for versions in packages_of(call.space).values())
    return {"Id": None, "TotalPackages": total, "Links": {}}


@routes.get("feeds/{feed}")
def one_feed(call: Call) -> object:
    """GET /feeds/{id}."""
    return feed_resource(call.space, feed_in(call))


@routes.post("feeds")
def create_feed(call: Call) -> object:
    """POST /feeds: of somebody else; it is never asked for packages."""
    call.demand_anywhere("FeedEdit")
    body = call.body()
    name = free_name("Feed", feeds_of(call.space), body)
    wanted = body.need("FeedType")
    kind = next((each for each in _KINDS if each.casefold() == wanted.casefold()), None)
    if kind is None:
        raise Refused(400, "Model validation failed.", (f"A feed cannot be of type '{wanted}'.",))
    made = Feed(call.world.new_id("Feeds"), name, kind, _fields(body, {}, (*_COMMON, *_EXTERNAL)))
    call.space.feeds[made.id] = made
    note(call, "Created", "Feed", name, made.id)
    return created(feed_resource(call.space, made))


@routes.put("feeds/{feed}")
def change_feed(call: Call) -> object:
    """PUT /feeds/{id}: of the built-in one only how it keeps packages."""
    feed = feed_in(call, "FeedEdit")
    body = call.body()
    if feed.kind == "OctopusProject":
        raise Refused(400, "This resource is read-only and cannot be modified.")
    if feed.kind == "BuiltIn":
        changed = _fields(body, feed.more, (*_COMMON, *_BUILT_IN))
        feed = Feed(feed.id, feed.name, feed.kind, changed)
        call.space.feeds[feed.id] = feed
    else:
        feed.name = free_name("Feed", feeds_of(call.space), body, own=feed)
        feed.more = _fields(body, feed.more, (*_COMMON, *_EXTERNAL))
    note(call, "Modified", "Feed", feed.name, feed.id)
    return feed_resource(call.space, feed)


def _fields(body: Body, kept: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return what a body sets, without secrets; what it leaves out stays."""
    given = {name: without_secrets(body.get(name)) for name in names}
    for name, value in given.items():
        known = (_COMMON | _BUILT_IN).get(name, _TYPED.get(name, ""))
        if None not in (value, known) and not same_kind(value, known):
            raise Refused(400, "Model validation failed.", (f"The {name} has the wrong type.",))
    return kept | {name: value for name, value in given.items() if value is not None}


@routes.on("DELETE", "feeds/{feed}")
def delete_feed(call: Call) -> object:
    """DELETE /feeds/{id}: not a built-in one, and none that a process takes packages from."""
    feed = feed_in(call, "FeedEdit")
    if feed.id in {each.id for each in _OWN}:
        raise Refused(400, "This resource is read-only and cannot be deleted.")
    every = (*call.space.processes.values(), *call.space.runbook_processes.values())
    used = {one.feed for each in every for step in each.steps for one in step.packages}
    if feed.id in used:
        raise has_dependants("Feed")
    del call.space.feeds[feed.id]
    note(call, "Deleted", "Feed", feed.name, feed.id)
    return feed_resource(call.space, feed)
