"""Packages of the built-in feed: uploads, deltas, files, lists, deletes; feeds of others."""

import base64
import hashlib
import io
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.simulator import Simulator
from reconciler.simulator.packages import parse_name
from reconciler.simulator.ranges import read_range, tag_of

RAW = "/api/Spaces-1/packages/raw"


async def _push(
    api: Any,
    name: str = "Acme.Web.1.2.3.zip",
    content: bytes = b"one",
    query: str = "",
    status: int = 201,
) -> Any:
    answer = await api.http.post(RAW + query, files={"anything": (name, content)})
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_an_upload_is_named_by_its_file_and_known_by_its_hash(admin: Any) -> None:
    made = await _push(admin)
    assert (made["PackageId"], made["Version"], made["FileExtension"]) == (
        "Acme.Web",
        "1.2.3",
        ".zip",
    )
    assert (made["PackageSizeBytes"], made["Hash"]) == (3, hashlib.sha1(b"one").hexdigest())
    for path in (made["Links"]["Self"], "/api/packages/acme.web.1.2.3"):
        assert await admin.get(path) == made
    raw = await admin.http.get(made["Links"]["Raw"])
    assert (raw.content, raw.headers["content-type"]) == (b"one", "application/octet-stream")


async def test_a_duplicate_is_refused_ignored_or_overwritten_as_asked(admin: Any) -> None:
    await _push(admin)
    refused = await _push(admin, content=b"two", status=409)
    assert refused["ErrorMessage"].startswith(
        "A package with the same ID and version already exists."
    )
    ignored = await _push(admin, content=b"two", query="?overwriteMode=ignoreIfExists", status=200)
    assert ignored["PackageSizeBytes"] == 3
    for query in ("?overwriteMode=OverwriteExisting", "?replace=true"):
        content = query.encode()
        written = await _push(admin, content=content, query=query, status=200)
        assert written["Hash"] == hashlib.sha1(content).hexdigest()
    await _push(admin, query="?overwriteMode=Sometimes", status=400)


async def test_what_is_no_package_is_refused_in_the_servers_words(admin: Any) -> None:
    empty = await admin.http.post(RAW, content=b"no form")
    assert empty.json()["ErrorMessage"] == "A package file must be provided"
    words = {"Acme.1.0.0.zip": b"", "noversion.zip": b"x", "Acme.1.0.0.exe": b"x"}
    for name, content in words.items():
        assert (await _push(admin, name, content, status=400))["ErrorMessage"]
    long = await _push(admin, f"{'a' * 300}.1.0.0.zip", b"x", status=400)
    assert long["ErrorMessage"] == "Package Name is too long."


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Acme.Web.1.2.3.zip", ("Acme.Web", "1.2.3", ".zip")),
        ("acme-web.10.tar.gz", ("acme-web", "10", ".tar.gz")),
        ("Acme.2.0.0-rc.1+build.5.nupkg", ("Acme", "2.0.0-rc.1+build.5", ".nupkg")),
        ("Acme.v2.1.0.0.jar", ("Acme.v2", "1.0.0", ".jar")),
    ],
)
def test_the_first_dot_before_a_version_ends_the_id(
    name: str, expected: tuple[str, str, str]
) -> None:
    found = parse_name(name, b"")
    assert found is not None
    assert (found.package_id, found.version, found.extension) == expected


async def test_a_nuget_package_tells_its_own_name_and_notes(admin: Any) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(
            "acme.nuspec",
            "<package><metadata><id>Acme.Told</id><version>3.0.0</version>"
            "<releaseNotes>Faster</releaseNotes></metadata></package>",
        )
    files = {"package": ("package", buffer.getvalue())}
    answer = await admin.http.put("/api/Spaces-1/nuget/packages", files=files)
    assert (answer.status_code, answer.json()["PackageId"]) == (201, "Acme.Told")
    noted = await admin.get("/api/packages/notes?packageIds=feeds-builtin:Acme.Told:3.0.0")
    assert [each["Notes"]["Notes"] for each in noted["Packages"]] == ["Faster"]
    key = {"X-NuGet-ApiKey": admin.http.headers.pop("x-octopus-apikey")}
    again = await admin.http.put("/api/Spaces-1/nuget/packages", files=files, headers=key)
    assert again.status_code == 409


async def test_lists_are_by_id_newest_first_and_narrowed(admin: Any) -> None:
    for version in ("1.9.0", "1.10.0", "2.0.0-beta"):
        await _push(admin, f"Acme.Web.{version}.zip")
    listed = await admin.get("/api/packages?nuGetPackageId=acme.web")
    assert [each["Version"] for each in listed["Items"]] == ["2.0.0-beta", "1.10.0", "1.9.0"]
    latest = await admin.get("/api/packages?filter=Acme&latest=true")
    assert len({each["PackageId"] for each in latest["Items"]}) == latest["TotalResults"]
    both = await admin.get("/api/packages?filter=a&nuGetPackageId=b", status=400)
    assert both["ErrorMessage"] == "Only one of either nuGetPackageId or filter may be specified."

    versions = "/api/feeds/feeds-builtin/packages/versions?packageId=Acme.Web"
    for query, expected in {
        "&versionRange=[1.0,2.0)": ["2.0.0-beta", "1.10.0", "1.9.0"],
        "&versionRange=(1.9.0,)&preReleaseTag=^$": ["1.10.0"],
        "&preReleaseTag=^beta": ["2.0.0-beta"],
        "&includePreRelease=false&take=1": ["1.10.0"],
    }.items():
        found = (await admin.get(versions + query))["Items"]
        assert [each["Version"] for each in found] == expected, query
    await admin.get(f"{versions}&versionRange=[2,1", status=400)
    older = "/api/feeds/feeds-builtin/packages?packageId=acme&partialMatch=true&take=100"
    newest = {each["PackageId"]: each["Version"] for each in await admin.get(older)}
    assert newest["Acme.Web"] == "2.0.0-beta"
    many = await admin.get(f"{older}&includeMultipleVersions=true")
    assert len(many) > len(newest)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("1.0", "1.5", "0.9"),
        ("[1.0]", "1.0.0", "1.0.1"),
        ("(1.0,2.0]", "2.0", "1.0"),
        ("(,2.0)", "1.9", "2.0"),
        ("[1.0,)", "9", "0.9-rc"),
    ],
)
def test_ranges_hold_what_their_brackets_say(text: str, inside: str, outside: str) -> None:
    found = read_range(text)
    assert found.holds(inside)
    assert not found.holds(outside)
    assert tag_of(f"{inside}-beta.1+meta") == "beta.1"


async def test_a_deleted_package_is_missing_from_its_releases(admin: Any) -> None:
    release = await admin.get("/api/projects/web-shop/releases/1.2.0")
    path = f"/api/releases/{release['Id']}/missingpackages"
    assert await admin.get(path) == {"Packages": []}
    answer = await admin.http.delete("/api/packages/packages-Acme.WebShop.1.2.0")
    assert answer.status_code == 200
    await admin.get("/api/packages/packages-Acme.WebShop.1.2.0", status=404)
    assert await admin.get(path) == {"Packages": [{"Id": "Acme.WebShop", "Version": "1.2.0"}]}
    await _push(admin, "Acme.WebShop.1.2.0.zip")
    assert await admin.get(path) == {"Packages": []}
    bulk = "packages-Acme.WebShop.1.1.0,packages-Acme.WebShop.1.0.0,packages-Nothing.1"
    assert (await admin.http.delete(f"/api/packages/bulk?ids={bulk}")).status_code == 200
    listed = await admin.get("/api/packages?nuGetPackageId=Acme.WebShop")
    assert [each["Version"] for each in listed["Items"]] == ["1.2.0"]
    assert (await admin.http.delete("/api/packages/bulk")).status_code == 400


async def test_a_delta_makes_the_new_file_of_the_old_one(admin: Any) -> None:
    old = bytes(range(256)) * 20
    await _push(admin, "Acme.Web.1.0.0.zip", old)
    signature = await admin.get("/api/packages/Acme.Web/1.1.0/delta-signature")
    assert signature["BaseVersion"] == "1.0.0"
    blob = base64.b64decode(signature["Signature"])
    assert blob.startswith(b"OCTOSIG\x01\x04SHA1\x07Adler32>>>")
    first = blob[len(b"OCTOSIG\x01\x04SHA1\x07Adler32>>>") :][:26]
    assert struct.unpack("<H", first[:2]) == (2048,)
    assert first[6:] == hashlib.sha1(old[:2048]).digest()

    new = old[100:300] + b"new"
    head = b"OCTODELTA\x01\x04SHA1" + struct.pack("<i", 20) + hashlib.sha1(new).digest() + b">>>"
    delta = head + b"\x60" + struct.pack("<qq", 100, 200) + b"\x80" + struct.pack("<q", 3) + b"new"
    path = "/api/packages/Acme.Web/1.0.0/delta"
    sent = {"f": ("Acme.Web.1.1.0.zip", delta)}
    answer = await admin.http.post(path, files=sent)
    assert (answer.status_code, answer.json()["Hash"]) == (201, hashlib.sha1(new).hexdigest())
    for spoiled in (delta[:-1], delta.replace(b"new", b"odd"), b"no delta", delta + b"\x00"):
        answer = await admin.http.post(path, files={"f": ("Acme.Web.1.2.0.zip", spoiled)})
        assert answer.status_code == 400, spoiled
    await admin.get("/api/packages/Acme.Web/0.9.0/delta-signature", status=404)


async def test_packages_need_their_own_permissions(
    simulator: Simulator, admin: Any, as_user: Callable[[str], Any]
) -> None:
    await _push(admin)
    alice = as_user("alice")
    await alice.get("/api/packages")
    await _push(alice, "Acme.Web.9.0.0.zip", status=403)
    simulator.grant("alice", "BuiltInFeedPush")
    await _push(alice, "Acme.Web.9.0.0.zip")
    over = await _push(alice, query="?overwriteMode=OverwriteExisting", status=403)
    assert "BuiltInFeedAdminister" in over["ErrorMessage"]
    assert (await alice.http.delete("/api/packages/Acme.Web.1.2.3")).status_code == 403


async def test_feeds_of_others_are_kept_without_their_secrets(admin: Any) -> None:
    body = {
        "Name": "Elsewhere",
        "FeedType": "NuGet",
        "FeedUri": "https://feed.example/v3/index.json",
        "Password": {"HasValue": True, "NewValue": "hush"},
    }
    made = await admin.post("/api/feeds", body)
    assert (made["Id"], made["FeedUri"]) == ("Feeds-1", body["FeedUri"])
    assert made["Password"] == {"HasValue": True, "NewValue": None, "Hint": None}
    changed = await admin.put(made["Links"]["Self"], {**made, "Name": "There"})
    assert (changed["Name"], changed["Password"]) == ("There", made["Password"])
    empty = await admin.get(f"/api/feeds/{made['Id']}/packages/versions?packageId=x")
    assert empty["Items"] == []
    await admin.post("/api/feeds", {"Name": "x", "FeedType": "Tape"}, status=400)
    assert (await admin.http.delete(made["Links"]["Self"])).status_code == 200
    await admin.get(made["Links"]["Self"], status=404)

    built_in = await admin.get("/api/feeds/feeds-builtin")
    body = {**built_in, "DeleteUnreleasedPackagesAfterDays": 30}
    kept = await admin.put(built_in["Links"]["Self"], body)
    assert kept["DeleteUnreleasedPackagesAfterDays"] == 30
    refused = await admin.http.delete(built_in["Links"]["Self"])
    assert refused.json()["ErrorMessage"] == "This resource is read-only and cannot be deleted."


async def test_build_information_is_pushed_found_and_carried_by_releases(admin: Any) -> None:
    info = {"BuildNumber": "7", "Branch": "main", "Commits": [{"Id": "a1", "Comment": "Fix"}]}
    body = {"PackageId": "Acme.WebShop", "Version": "4.0.0", "OctopusBuildInformation": info}
    made = await admin.post("/api/build-information", body)
    assert (made["BuildNumber"], made["Commits"][0]["Id"]) == ("7", "a1")
    again = await admin.post("/api/build-information", body, status=409)
    assert "Metadata for the specified Package ID and version" in again["ErrorMessage"]
    mode = "/api/build-information?overwriteMode="
    info["BuildNumber"] = "8"
    kept = await admin.post(f"{mode}IgnoreIfExists", body, status=200)
    assert kept["BuildNumber"] == "7"
    new = await admin.post(f"{mode}OverwriteExisting", body, status=200)
    assert (new["Id"], new["BuildNumber"]) == (made["Id"], "8")

    order = {"spaceIdOrName": "Spaces-1", "projectName": "Web Shop", "releaseVersion": "4.0.0"}
    release = await admin.post("/api/Spaces-1/releases/create/v1", order)
    shown = await admin.get(f"/api/releases/{release['ReleaseId']}")
    assert [each["BuildNumber"] for each in shown["BuildInformation"]] == ["8"]
    package = await admin.get("/api/packages/packages-Acme.WebShop.4.0.0")
    assert package["PackageVersionBuildInformation"] == new
    await admin.post("/api/build-information", {**body, "Version": "4.1.0"})
    latest = await admin.get("/api/build-information?packageId=acme.webshop&latest=true")
    assert [each["Version"] for each in latest["Items"]] == ["4.1.0"]
    await admin.post("/api/build-information", {**body, "OctopusBuildInformation": 1}, status=400)
    assert (await admin.http.delete(made["Links"]["Self"])).status_code == 200
    bulk = "/api/build-information/bulk?ids=BuildInformation-2,BuildInformation-9"
    assert (await admin.http.delete(bulk)).status_code == 200
    assert (await admin.get("/api/build-information"))["TotalResults"] == 0
