"""The library of community step templates, and steps that follow their templates."""

from typing import Any

import pytest

from reconciler.simulator import Simulator

LIBRARY = "/api/communityactiontemplates"
PNG = b"\x89PNG\r\n\x1a\nx"


async def test_a_template_of_the_library_is_installed_once_and_updated(admin: Any) -> None:
    first = (await admin.get(LIBRARY))["Items"][0]
    links = {name: link.replace("{/spaceId}", "") for name, link in first["Links"].items()}
    assert await admin.get(links["Self"]) == first
    await admin.get(links["InstalledTemplate"], status=404)
    refused = await admin.http.put(links["Installation"])
    assert refused.json()["ErrorMessage"] == "Action template not yet installed."
    made = await admin.post(f"{links['Installation']}/Spaces-1")
    assert (made["CommunityActionTemplateId"], made["Version"]) == (first["Id"], 1)
    again = await admin.post(links["Installation"], status=400)
    assert again["ErrorMessage"] == "Action Template already installed."
    assert (await admin.put(links["Installation"]))["Version"] == 2
    assert (await admin.get(f"{links['InstalledTemplate']}/Spaces-1"))["Id"] == made["Id"]
    assert (await admin.http.get(links["Logo"])).headers["content-type"] == "image/png"
    await admin.get(f"{LIBRARY}/CommunityActionTemplates-99", status=404)
    await admin.post(f"{links['Installation']}/Spaces-99", status=404)


async def _process_of(admin: Any, template: Any) -> Any:
    process = await admin.get("/api/projects/newsletter/deploymentprocesses")
    used = {
        "Octopus.Action.Template.Id": template["Id"],
        "Octopus.Action.Template.Version": "1",
        "Color": "red",
    }
    action = {"Name": "Say", "ActionType": "Octopus.Script", "Properties": used}
    process["Steps"] = [{"Name": "Say", "Actions": [action]}]
    return await admin.put("/api/projects/newsletter/deploymentprocesses", process)


@pytest.mark.parametrize("form", ["ActionsToUpdate", "ActionIdsByProcessId"])
async def test_steps_are_brought_up_to_another_version_of_their_template(
    admin: Any, form: str
) -> None:
    body = {"Name": "Say", "ActionType": "Octopus.Script", "Properties": {"Body": "1"}}
    template = await admin.post("/api/actiontemplates", body)
    process = await _process_of(admin, template)
    action = process["Steps"][0]["Actions"][0]["Id"]
    newer = {
        **body,
        "Properties": {"Body": "2"},
        "Parameters": [{"Name": "Color"}, {"Name": "Size"}],
    }
    await admin.put(template["Links"]["Self"], newer)

    several: Any = {process["Id"]: [action]}
    if form == "ActionsToUpdate":
        several = [{"ProcessId": process["Id"], "ActionIds": [action], "ProcessType": "Deployment"}]
    path, command = template["Links"]["ActionsUpdate"], {form: several, "Version": 2}
    (lacking,) = await admin.post(path, command, status=200)
    assert lacking["Outcome"] == "DefaultParamterValueMissing"
    assert lacking["NamesOfNewParametersMissingDefaultValue"] == ["Size"]
    (done,) = await admin.post(
        path, {**command, "DefaultPropertyValues": {"Size": "L"}}, status=200
    )
    assert (done["Id"], done["Outcome"]) == (action, "Success")

    after = await admin.get("/api/projects/newsletter/deploymentprocesses")
    properties = after["Steps"][0]["Actions"][0]["Properties"]
    assert after["Version"] == process["Version"] + 1
    assert (properties["Body"], properties["Color"], properties["Size"]) == ("2", "red", "L")
    (usage,) = await admin.get(template["Links"]["Usage"])
    assert usage["Version"] == "2"
    await admin.post(path, {**command, "Version": 9}, status=400)


async def test_only_who_may_edit_templates_and_processes_changes_them(
    simulator: Simulator, admin: Any, api: Any
) -> None:
    template = await admin.post("/api/actiontemplates", {"Name": "Say", "ActionType": "x"})
    process = await _process_of(admin, template)
    await api.post(f"{LIBRARY}/CommunityActionTemplates-1/installation", status=403)
    answer = await api.http.post(template["Links"]["Logo"], files={"x": ("x.png", PNG)})
    assert answer.status_code == 403
    command = {"ActionIdsByProcessId": {process["Id"]: []}, "Version": 1}
    await api.post(template["Links"]["ActionsUpdate"], command, status=403)


@pytest.mark.parametrize("owner", ["actiontemplates/{}", "spaces/Spaces-1"])
async def test_a_picture_is_kept_for_templates_and_spaces(admin: Any, owner: str) -> None:
    template = await admin.post("/api/actiontemplates", {"Name": "Say", "ActionType": "x"})
    path = f"/api/{owner.format(template['Id'])}/logo"
    assert (await admin.http.post(path, files={"x": ("x.png", PNG)})).status_code == 200
    assert (await admin.http.get(path)).content == PNG
    assert (await admin.http.put(path, files={"x": ("x.png", b"x")})).status_code == 400
    built_in = await admin.http.get("/api/actiontemplates/Octopus.Script/logo")
    assert built_in.headers["content-type"] == "image/png"
