"""Build information: where versions of packages come from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.calls import Body
from reconciler.simulator.changes import note
from reconciler.simulator.packages import BuildInformation, build_of
from reconciler.simulator.paging import by_ids, page
from reconciler.simulator.router import Routes
from reconciler.simulator.times import stamp
from reconciler.simulator.versions import is_release_number, version_key

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Space

__all__ = ["build_resource", "release_build", "routes"]

routes = Routes()

_DUPLICATE = (
    "Metadata for the specified Package ID and version already exists. To proceed anyway, "
    "specify an overwriteMode of OverwriteExisting or IgnoreIfExists."
)
_MODES = ("failifexists", "overwriteexisting", "ignoreifexists")
_TEXTS = ("BuildEnvironment", "BuildNumber", "BuildUrl", "Branch", "VcsType", "VcsRoot",
          "VcsCommitNumber")  # fmt: skip


def release_build(build: BuildInformation) -> dict[str, object]:
    """Return the build of a package as releases carry it."""
    return {
        "PackageId": build.package_id,
        "Version": build.version,
        **build.fields,
        "VcsCommitUrl": None,
        "IssueTrackerName": None,
        "WorkItems": [],
    }


def build_resource(space: Space, build: BuildInformation) -> dict[str, object]:
    """Return build information as JSON."""
    return {
        "Id": build.id,
        **release_build(build),
        "Created": stamp(build.created),
        "IncompleteDataWarning": None,
        "Links": {
            "Self": f"/api/{space.id}/build-information/{build.id}",
            "Package": f"/api/{space.id}/packages/packages-{build.package_id}.{build.version}",
        },
    }


@routes.get("build-information")
def list_builds(call: Call) -> object:
    """GET /build-information: by package and newest version first."""
    call.demand_anywhere("FeedView")
    query = call.query
    wanted, part = query.text("packageId"), (query.text("filter") or "").casefold()
    found = [
        each
        for each in by_ids(call, call.space.builds.values())
        if (wanted is None or each.package_id.casefold() == wanted.casefold())
        and (part in each.package_id.casefold() or part in each.version.casefold())
    ]
    found.sort(key=lambda each: version_key(each.version), reverse=True)
    found.sort(key=lambda each: each.package_id.casefold())
    if query.flag("latest"):
        first = {each.package_id.casefold(): each for each in reversed(found)}
        found = [each for each in found if each in first.values()]
    template = "{/id}{?packageId,filter,latest,skip,take,overwriteMode}"
    return page(call, "OctopusPackageVersionBuildInformationMapped", found,
                lambda each: build_resource(call.space, each), template)  # fmt: skip


@routes.get("build-information/{build}")
def one_build(call: Call) -> object:
    """GET /build-information/{id}."""
    call.demand_anywhere("FeedView")
    return build_resource(call.space, _build_in(call))


def _build_in(call: Call) -> BuildInformation:
    found = call.space.builds.get(call.param("build"))
    if found is None:
        raise missing("Build Information")
    return found


@routes.post("build-information")
def push_build(call: Call) -> object:
    """POST /build-information: also before the package itself is there."""
    pushed, is_new = _push(call, call.body().get("OctopusBuildInformation"))
    shown = build_resource(call.space, pushed)
    return created(shown) if is_new else shown


def _push(call: Call, given: Any) -> tuple[BuildInformation, bool]:
    """Keep what is said of a build; True when nothing was known of it."""
    call.demand_anywhere("BuildInformationPush")
    body = call.body()
    package_id, version = body.need("PackageId"), body.need("Version")
    mode = (call.query.text("overwriteMode") or body.text("OverwriteMode") or _MODES[0]).casefold()
    if mode not in _MODES:
        raise Refused(400, f"The value '{mode}' is not valid for overwriteMode.")
    if not re.fullmatch(r"\w+([_.-]\w+)*", package_id):
        raise Refused(
            400,
            "The package ID contains invalid characters. Examples of valid package IDs include "
            "'MyPackage' and 'MyPackage.Sample'.",
        )
    if not is_release_number(version):
        raise Refused(400, "The version is invalid. Please supply a valid semver version number.")
    if not isinstance(given, dict):
        raise Refused(400, "Invalid package metadata")
    known = build_of(call.space, package_id, version)
    if known is not None and mode == "failifexists":
        raise Refused(409, _DUPLICATE)
    if known is not None and mode == "ignoreifexists":
        return known, False
    if known is not None:
        call.demand_anywhere("BuildInformationAdminister")
    own = known.id if known else call.world.new_id("BuildInformation")
    made = BuildInformation(own, package_id, version, call.now, _fields(Body(given)))
    call.space.builds[own] = made
    note(call, "Modified" if known else "Created", "Build information of", package_id, own)
    return made, known is None


def _fields(body: Body) -> dict[str, Any]:
    return {
        **{name: body.text(name) for name in _TEXTS},
        "Commits": [
            {"Id": each.text("Id"), "Comment": each.text("Comment") or "", "LinkUrl": None}
            for each in body.bodies("Commits")
        ],
    }


def _metadata(build: BuildInformation, space: Space) -> dict[str, object]:
    """Return build information as it was before it got its name: without the branch."""
    shown = build_resource(space, build)
    del shown["Branch"]
    return shown


@routes.get("package-metadata/{build}")
def one_metadata(call: Call) -> object:
    """GET /package-metadata/{id}: the old name of build information."""
    call.demand_anywhere("FeedView")
    return _metadata(_build_in(call), call.space)


@routes.post("package-metadata")
def push_metadata(call: Call) -> object:
    """POST /package-metadata: what was named otherwise before is `OctopusPackageMetadata`."""
    pushed, is_new = _push(call, call.body().get("OctopusPackageMetadata"))
    shown = _metadata(pushed, call.space)
    return created(shown) if is_new else shown


@routes.on("DELETE", "build-information/{build}")
def delete_build(call: Call) -> object:
    """DELETE /build-information/{id}."""
    call.demand_anywhere("BuildInformationAdminister")
    found = _build_in(call)
    del call.space.builds[found.id]
    note(call, "Deleted", "Build information of", found.package_id, found.id)
    return build_resource(call.space, found)


@routes.on("DELETE", "build-information/bulk")
def delete_builds(call: Call) -> object:
    """DELETE /build-information/bulk: unknown ids are left out."""
    call.demand_anywhere("BuildInformationAdminister")
    wanted = call.query.many("ids")
    if wanted is None:
        raise Refused(400, "No ids parameter was provided.")
    for each in wanted & call.space.builds.keys():
        del call.space.builds[each]
    return {}
