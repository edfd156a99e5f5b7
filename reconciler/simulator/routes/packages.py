"""Packages of the built-in feed: uploads, whole and by deltas, lists, files, notes."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from reconciler.simulator.answers import Answer, Refused, created, missing
from reconciler.simulator.changes import note
from reconciler.simulator.firing import package_arrived
from reconciler.simulator.multipart import first_file
from reconciler.simulator.octodiff import BadDelta, apply_delta, signature_of
from reconciler.simulator.packages import build_of, package_of, parse_name
from reconciler.simulator.paging import page
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.builds import build_resource
from reconciler.simulator.shelf import BUILT_IN, discard, packages_of
from reconciler.simulator.times import stamp
from reconciler.simulator.versions import is_release_number, version_key

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.simulator.calls import Call
    from reconciler.simulator.packages import Package
    from reconciler.simulator.records import Space

__all__ = ["package_resource", "routes"]

routes = Routes()

_DUPLICATE = (
    "A package with the same ID and version already exists. To proceed anyway, specify an "
    "overwriteMode of OverwriteExisting or IgnoreIfExists."
)
_MODES = {each.casefold(): each for each in ("FailIfExists", "OverwriteExisting", "IgnoreIfExists")}
_LONGEST_NAME = 200

Shown = tuple[str, str, "datetime"]
"""Id, version and the moment it came."""


def package_resource(space: Space, each: Shown, *, with_notes: bool = True) -> dict[str, object]:
    """Return a package of the built-in feed as JSON."""
    package_id, version, published = each
    found = package_of(space, package_id, version)
    build = build_of(space, package_id, version)
    own = f"/api/{space.id}/packages/packages-{package_id}.{version}"
    return {
        "Id": f"packages-{package_id}.{version}",
        "PackageId": package_id,
        "NuGetPackageId": package_id,
        "FeedId": BUILT_IN,
        "NuGetFeedId": BUILT_IN,
        "Version": version,
        "Title": found.said.get("title") or package_id,
        "Description": found.said.get("description", ""),
        "Summary": found.said.get("summary", ""),
        "ReleaseNotes": found.said.get("releaseNotes") if with_notes else None,
        "Published": stamp(published),
        "FileExtension": found.extension,
        "PackageSizeBytes": len(found.content),
        "Hash": found.hash,
        "PackageVersionBuildInformation": build_resource(space, build) if build else None,
        "Links": {
            "Self": own,
            "Raw": f"{own}/raw",
            "Feed": f"/api/{space.id}/feeds/{BUILT_IN}",
            "AllVersions": f"/api/{space.id}/packages?nuGetPackageId={package_id}",
        },
    }


def shown_packages(space: Space) -> list[Shown]:
    """Return what is on the feed, by id and newest version first."""
    return [
        (package, version, versions[version])
        for package, versions in sorted(packages_of(space).items())
        for version in sorted(versions, key=version_key, reverse=True)
    ]


@routes.get("packages")
def list_packages(call: Call) -> object:
    """GET /packages: of one id, or with a part of the id; `latest` shows the newest of each."""
    call.demand_anywhere("FeedView")
    wanted, part = call.query.text("nuGetPackageId"), call.query.text("filter")
    if wanted and part:
        raise Refused(400, "Only one of either nuGetPackageId or filter may be specified.")
    found = [
        each
        for each in shown_packages(call.space)
        if (wanted is None or each[0].casefold() == wanted.casefold())
        and (part is None or part.casefold() in each[0].casefold())
    ]
    if call.query.flag("latest"):
        found = [each for at, each in enumerate(found) if at == 0 or found[at - 1][0] != each[0]]
    with_notes = bool(call.query.flag("includeNotes"))
    return page(
        call,
        "Package",
        found,
        lambda each: package_resource(call.space, each, with_notes=with_notes),
        "{/id}{?nuGetPackageId,filter,latest,skip,take,includeNotes}",
    )


def _find(space: Space, wanted: str) -> Shown | None:
    low = wanted.casefold().removeprefix("packages-")
    for package, versions in packages_of(space).items():
        for version, moment in versions.items():
            if f"{package}.{version}".casefold() == low:
                return package, version, moment
    return None


def _shown_in(call: Call) -> Shown:
    found = _find(call.space, call.param("package"))
    if found is None:
        raise missing("Package")
    return found


@routes.get("packages/{package}")
def one_package(call: Call) -> object:
    """GET /packages/{id}: `packages-{PackageId}.{Version}`, the first word may be left out."""
    call.demand_anywhere("FeedView")
    return package_resource(call.space, _shown_in(call))


@routes.get("packages/{package}/raw")
def raw(call: Call) -> object:
    """GET /packages/{id}/raw: the file."""
    call.demand_anywhere("BuiltInFeedDownload")
    package_id, version, _ = _shown_in(call)
    found = package_of(call.space, package_id, version)
    name = f"{package_id}.{version}{found.extension}".replace('"', "")
    headers = (("content-disposition", f'attachment; filename="{name}"'),)
    return Answer(found.content, 200, "application/octet-stream", headers)


@routes.on("DELETE", "packages/{package}")
def delete_package(call: Call) -> object:
    """DELETE /packages/{id}: releases that took it miss it from now on."""
    call.demand_anywhere("BuiltInFeedAdminister")
    found = _shown_in(call)
    shown = package_resource(call.space, found)
    _discard(call, found)
    return shown


@routes.on("DELETE", "packages/bulk")
def delete_packages(call: Call) -> object:
    """DELETE /packages/bulk: unknown ids are left out."""
    call.demand_anywhere("BuiltInFeedAdminister")
    wanted = call.query.many("ids")
    if wanted is None:
        raise Refused(400, "No ids parameter was provided.")
    for each in wanted:
        found = _find(call.space, each)
        if found is not None:
            _discard(call, found)
    return {}


def _discard(call: Call, found: Shown) -> None:
    package_id, version, _ = found
    discard(call.space, package_id, version)
    note(call, "Deleted", "Package", f"{package_id} {version}", f"packages-{package_id}.{version}")


@routes.get("packages/notes")
def notes(call: Call) -> object:
    """GET /packages/notes: of packages named by id, with or without a feed before it."""
    call.demand_anywhere("FeedView")
    found: list[object] = []
    for wanted in sorted(call.query.many("packageIds") or ()):
        words = wanted.split(":")
        each = _find(call.space, ".".join(words[-2:]) if len(words) > 1 else wanted)
        if each is not None:
            said = package_of(call.space, each[0], each[1]).said
            found.append(
                {
                    "FeedId": BUILT_IN,
                    "PackageId": each[0],
                    "Version": each[1],
                    "Notes": {
                        "Succeeded": True,
                        "Notes": said.get("releaseNotes", ""),
                        "DisplayMessage": None,
                        "FailureReason": None,
                    },
                }
            )
    return {"Id": None, "Packages": found, "Links": {}}


@routes.post("packages/raw")
def upload(call: Call) -> object:
    """POST /packages/raw: a multipart body, the name of its field does not matter."""
    call.demand_anywhere("BuiltInFeedPush")
    name, content = _file(call)
    return _keep(call, _parsed(name, content))


@routes.put("nuget/packages")
def upload_by_nuget(call: Call) -> object:
    """PUT /nuget/packages: the same, as NuGet's own client sends it."""
    return upload(call)


def _file(call: Call, what: str = "package") -> tuple[str, bytes]:
    found = first_file(call.raw_body)
    if found is None:
        raise Refused(400, f"A {what} file must be provided")
    name, content = found
    if not content:
        raise Refused(
            400,
            f"The uploaded {what} file had length equal to 0. Please upload a non-empty file.",
        )
    if len(name) > _LONGEST_NAME:
        raise Refused(400, "Package Name is too long.")
    return name, content


def _parsed(name: str, content: bytes) -> Package:
    package = parse_name(name, content)
    if package is None:
        raise Refused(
            400, f"The package ID and version cannot be read from the file name '{name}'."
        )
    return package


def _mode(call: Call) -> str:
    given = call.query.text("overwriteMode")
    if given is None:
        return "OverwriteExisting" if call.query.flag("replace") else "FailIfExists"
    if given.casefold() not in _MODES:
        raise Refused(400, f"The value '{given}' is not valid for overwriteMode.")
    return _MODES[given.casefold()]


def _keep(call: Call, package: Package) -> object:
    """Put a package on the feed, or answer as the overwrite mode says when it is there."""
    space, mode = call.space, _mode(call)
    name = f"packages-{package.package_id}.{package.version}"
    found = _find(space, name)
    if found is not None and mode == "FailIfExists":
        raise Refused(409, _DUPLICATE)
    if found is not None and mode == "IgnoreIfExists":
        return package_resource(space, found)
    if found is not None:
        call.demand_anywhere("BuiltInFeedAdminister")
    space.packages[package.package_id.casefold(), package.version] = package
    verb = "Created" if found is None else "Modified"
    note(call, verb, "Package", f"{package.package_id} {package.version}", name)
    package_arrived(call.world, space, package.package_id, package.version)
    shown = package_resource(space, found or (package.package_id, package.version, call.now))
    return created(shown) if found is None else shown


@routes.get("packages/{name}/{version}/delta-signature")
def delta_signature(call: Call) -> object:
    """GET …/delta-signature: of the newest version that is not above the one to come."""
    call.demand_anywhere("BuiltInFeedPush")
    wanted, version = call.param("name").casefold(), call.param("version")
    below = [
        each
        for each in shown_packages(call.space)
        if each[0].casefold() == wanted and version_key(each[1]) <= version_key(version)
    ]
    if not below:
        raise missing("Package")
    package_id, base, _ = below[0]
    signature = signature_of(package_of(call.space, package_id, base).content)
    return {"BaseVersion": base, "Signature": base64.b64encode(signature).decode()}


@routes.post("packages/{name}/{version}/delta")
def upload_delta(call: Call) -> object:
    """POST …/delta: what is new since the base version; the file has the new one's name."""
    call.demand_anywhere("BuiltInFeedPush")
    if not is_release_number(call.param("version")):
        raise Refused(400, "Invalid semantic version supplied")
    name, delta = _file(call, "delta")
    base = _find(call.space, f"{call.param('name')}.{call.param('version')}")
    if base is None:
        raise missing("Package")
    try:
        content = apply_delta(package_of(call.space, base[0], base[1]).content, delta)
    except BadDelta as error:
        raise Refused(400, f"The delta file cannot be used: {error}.") from None
    return _keep(call, _parsed(name, content))
