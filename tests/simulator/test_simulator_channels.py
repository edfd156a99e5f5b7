"""Channels' rules, numbers of releases, clones of projects and logos."""

from typing import Any

import pytest

from reconciler.simulator import Simulator
from reconciler.simulator.numbering import unmasked

RELEASE = "/api/Spaces-1/releases/create/v1"
ORDER = {"spaceIdOrName": "Spaces-1", "projectName": "Web Shop"}
PNG = b"\x89PNG\r\n\x1a\nand so on"


async def _rules(admin: Any, *rules: dict[str, Any]) -> Any:
    (channel,) = (await admin.get("/api/projects/web-shop/channels"))["Items"]
    return await admin.put(channel["Links"]["Self"], {**channel, "Rules": list(rules)})


async def test_a_rule_is_tested_by_range_and_tag(admin: Any) -> None:
    path = "/api/channels/rule-test?version=1.5.0-beta.1&versionRange=[1.0,2.0)&preReleaseTag="
    assert await admin.get(path + "^beta") == {
        "SatisfiesVersionRange": True,
        "SatisfiesPreReleaseTag": True,
        "Errors": [],
    }
    assert (await admin.get(path + "^$"))["SatisfiesPreReleaseTag"] is False
    body = {"Version": "3.0", "VersionRange": "[1.0,2.0)"}
    tested = await admin.post("/api/channels/rule-test", body, status=200)
    assert (tested["SatisfiesVersionRange"], tested["SatisfiesPreReleaseTag"]) == (False, True)
    wrong = await admin.get("/api/channels/rule-test?version=1&versionRange=[2")
    assert wrong["Errors"] != []
    await admin.get("/api/channels/rule-test", status=400)


async def test_a_release_keeps_to_its_channels_rules_unless_told_not_to(admin: Any) -> None:
    packages = [{"DeploymentAction": "Deploy Web Shop", "PackageReference": ""}]
    channel = await _rules(
        admin, {"VersionRange": "[2.0,3.0)", "Tag": "^$", "ActionPackages": packages}
    )
    assert channel["Rules"][0]["Id"]
    low = await admin.post(RELEASE, {**ORDER, "releaseVersion": "1.9.0"}, status=400)
    assert "violate the channel version rules: Deploy Web Shop" in low["ErrorMessage"]
    await admin.post(RELEASE, {**ORDER, "releaseVersion": "2.1.0-rc"}, status=400)
    await admin.post(RELEASE, {**ORDER, "releaseVersion": "2.1.0"})
    body = {"ProjectId": "Projects-1", "Version": "1.9.0"}
    chosen = [{"ActionName": "Deploy Web Shop", "Version": "1.9.0"}]
    body["SelectedPackages"] = chosen  # type: ignore[assignment]
    await admin.post("/api/releases", body, status=400)
    made = await admin.post("/api/releases?ignoreChannelRules=true", body)
    assert made["IgnoreChannelRules"] is True
    release = await admin.get("/api/projects/web-shop/releases/2.1.0")
    await admin.put(release["Links"]["Self"], {**release, "SelectedPackages": chosen}, status=400)
    refused = await admin.put(
        channel["Links"]["Self"], {**channel, "Rules": [{"VersionRange": "2,1"}]}, status=400
    )
    assert "NuGet version-range" in refused["ErrorMessage"]


async def test_a_channel_that_a_step_names_stays(admin: Any) -> None:
    body = {"ProjectId": "Projects-1", "Name": "Beta"}
    made = await admin.post("/api/channels", body)
    await admin.post("/api/channels", {**body, "Name": "x", "TenantTags": ["No/Tag"]}, status=400)
    process = await admin.get("/api/deploymentprocesses/deploymentprocess-Projects-1")
    process["Steps"][0]["Actions"][0]["Channels"] = [made["Id"]]
    await admin.put(process["Links"]["Self"], process)
    refused = await admin.http.delete(made["Links"]["Self"])
    assert refused.json()["ErrorMessage"] == (
        "The channel you are about to remove is used by 'Deploy Web Shop' step."
    )
    order = "/api/projects/web-shop/channels/order"
    before = await admin.get(order)
    assert await admin.post(order, status=200) == before
    both = await admin.get(order)
    await admin.put(order, both[::-1])
    assert await admin.get(order) == both[::-1]
    await admin.put(order, both[:1], status=400)


@pytest.mark.parametrize(
    ("mask", "latest", "expected"),
    [
        ("1.2.i", "1.2.3", "1.2.4"),
        ("c.c.i", "1.2.3.4", "1.2.4.0"),
        ("c.i.c", "1.2.3-alpha.25", "1.3.0"),
        ("i.c.c", "1.2.3-alpha.25", "2.0.3"),
        ("i.i.i-alpha.i", "1.2.3-alpha.25", "2.0.0-alpha.26"),
        ("1.2.3-alpha.i", None, "1.2.3-alpha.0"),
        ("1.2.3-i", "1.2.3-25", "1.2.3-26"),
        ("1.i.i", "2.0.0", "1.0.0"),
        ("c.c.c_i", "1.0.0", "c.c.c_i"),
        (" 1.2.3-i ", "1.2.3-4", " 1.2.3-i "),
        ("1.2.3", "1.2.3", "1.2.3"),
    ],
)
def test_masks_count_on_from_the_highest_fitting_version(
    mask: str, latest: str | None, expected: str
) -> None:
    assert unmasked(mask, [] if latest is None else ["0.1.0", latest]) == expected


async def test_the_projects_strategy_numbers_the_next_release(admin: Any) -> None:
    project = await admin.get("/api/projects/web-shop")
    template = "/api/deploymentprocesses/deploymentprocess-Projects-1/template"

    async def numbered(**strategy: Any) -> str | None:
        body = {**project, "VersioningStrategy": strategy}
        await admin.put(project["Links"]["Self"], body)
        return (await admin.get(template))["NextVersionIncrement"]  # type: ignore[no-any-return]

    assert (await admin.get(template))["NextVersionIncrement"] == "1.2.1"
    assert await numbered(Template="#{Octopus.Version.NextMajor}.0.0") == "2.0.0"
    assert await numbered(Template="#{Octopus.Date.Year}.i") == "2026.0"
    assert await numbered(Template="#{Mine}") is None
    assert await numbered(Template="1.i.0") == "1.3.0"
    made = await admin.post(RELEASE, ORDER)
    assert made["ReleaseVersion"] == "1.3.0"
    masked = await admin.post(RELEASE, {**ORDER, "releaseVersion": "c.c.i"})
    assert masked["ReleaseVersion"] == "1.3.1"

    donor = {"DeploymentAction": "Deploy Web Shop", "PackageReference": ""}
    assert await numbered(Template=None, DonorPackage=donor) is None
    assert (await admin.get(template))["VersioningPackageStepName"] == "Deploy Web Shop"
    taken = await admin.post(RELEASE, {**ORDER, "packages": ["Deploy Web Shop:7.7.7"]})
    assert taken["ReleaseVersion"] == "7.7.7"
    await admin.post(RELEASE, ORDER, status=400)


async def test_a_clone_has_everything_but_releases(simulator: Simulator, admin: Any) -> None:
    simulator.add_runbook("Web Shop", "Backup")
    simulator.add_trigger(
        "Web Shop",
        "Nightly",
        filter={"FilterType": "CronExpressionSchedule", "CronExpression": "0 0 2 * * *"},
        action={"ActionType": "CreateRelease", "ChannelId": "Channels-1"},
    )
    body = {"ProjectId": "Projects-1", "Name": "Beta"}
    await admin.post("/api/channels", body)
    live = await admin.get("/api/variables/variableset-Projects-1")
    variables = [{"Name": "Pwd", "Type": "Sensitive", "Value": "hush"}]
    await admin.put(live["Links"]["Self"], {**live, "Variables": variables})
    made = await admin.post("/api/projects?clone=Projects-1", {"Name": "Copy"})
    assert (made["ClonedFromProjectId"], made["Slug"]) == ("Projects-1", "copy")
    listed = await admin.get("/api/projects?clonedFromProjectId=Projects-1")
    assert [each["Id"] for each in listed["Items"]] == [made["Id"]]

    own = made["Links"]["Self"]
    process = await admin.get(made["Links"]["DeploymentProcess"])
    assert [each["Name"] for each in process["Steps"]] == ["Deploy Web Shop", "Smoke test"]
    kept = await admin.get(made["Links"]["Variables"])
    assert [each["Name"] for each in kept["Variables"]] == ["Pwd"]
    for part, names in {
        "channels": ["Beta", "Default"],
        "runbooks": ["Backup"],
        "triggers": ["Nightly"],
        "releases": [],
    }.items():
        found = (await admin.get(f"{own}/{part}"))["Items"]
        assert [each["Name"] for each in found] == names
    await admin.post("/api/projects?clone=Projects-99", {"Name": "x"}, status=404)


async def test_logos_are_pictures_and_known_by_their_tags(simulator: Simulator, admin: Any) -> None:
    simulator.add_tenant("Acme", connected={})
    for owner, status in (("projects/Projects-1", 400), ("tenants/Tenants-1", 415)):
        path = f"/api/{owner}/logo"
        first = await admin.http.get(path)
        assert (first.status_code, first.headers["content-type"]) == (200, "image/png")
        same = await admin.http.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        sent = await admin.http.post(path, files={"f": ("logo.png", PNG)})
        assert sent.status_code == 200
        assert (await admin.http.get(path)).content == PNG
        bad = await admin.http.put(path, files={"f": ("logo.png", b"text")})
        assert bad.status_code == status
        assert bad.json()["ErrorMessage"].endswith("image provided.")
    assert (await admin.http.get("/api/spaces/Spaces-1/logo")).status_code == 200


async def test_a_deployment_tells_the_releases_it_brings(simulator: Simulator, admin: Any) -> None:
    info = {"Commits": [{"Id": "a1", "Comment": "Fix"}]}
    build = {"PackageId": "Acme.WebShop", "Version": "2.0.0", "OctopusBuildInformation": info}
    await admin.post("/api/build-information", build)
    for version in ("2.0.0", "2.1.0"):
        await admin.post(RELEASE, {**ORDER, "releaseVersion": version, "releaseNotes": "Faster"})
    release = await admin.get("/api/projects/web-shop/releases/2.1.0")
    path = f"/api/releases/{release['Id']}/deployments/preview/Environments-1"
    preview = await admin.get(path)
    assert [each["Version"] for each in preview["Changes"]] == ["2.1.0", "2.0.0"]
    assert [each["Id"] for each in preview["Changes"][1]["Commits"]] == ["a1"]
    body = {"ReleaseId": release["Id"], "EnvironmentId": "Environments-1"}
    made = await admin.post("/api/deployments", body)
    assert made["Changes"] == preview["Changes"]
    assert made["ChangesMarkdown"].startswith("# Release 2.1.0\n\nFaster")
    simulator.advance(11)
    again = await admin.get(path)
    assert [each["Version"] for each in again["Changes"]] == ["2.1.0"]
