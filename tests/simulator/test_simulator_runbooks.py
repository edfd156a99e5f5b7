"""Runbooks: written, snapshotted, published, run in both APIs, boards and permissions."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.simulator import Simulator

BACKUP = {"ProjectId": "Projects-1", "Name": "Backup", "Description": "Nightly"}
STEPS = [
    {
        "Name": "Dump",
        "Actions": [
            {"Name": "Dump", "Packages": [{"Name": "", "PackageId": "Acme.WebShop"}]},
        ],
    },
]


async def _make(admin: Any, **more: Any) -> Any:
    """Make a runbook with one step, and publish its first snapshot."""
    runbook = await admin.post("/api/projects/web-shop/runbooks", {**BACKUP, **more})
    process = await admin.get(runbook["Links"]["RunbookProcesses"])
    await admin.put(process["Links"]["Self"], {**process, "Steps": STEPS})
    body = {"ProjectId": "Projects-1", "RunbookId": runbook["Id"], "Name": "First"}
    await admin.post("/api/projects/Projects-1/runbookSnapshots?publish=true", body)
    return await admin.get(runbook["Links"]["Self"])


async def test_a_runbook_is_made_changed_and_deleted(simulator: Simulator, admin: Any) -> None:
    made = await _make(admin)
    assert (made["RunbookProcessId"], made["PublishedRunbookSnapshotId"]) == (
        "RunbookProcess-Runbooks-1",
        "RunbookSnapshots-1",
    )
    assert await admin.get("/api/projects/web-shop/runbooks/backup") == made
    await admin.get("/api/projects/orders-api/runbooks/Runbooks-1", status=404)
    changed = await admin.put(
        made["Links"]["Self"], {**made, "Name": "Save", "DefaultGuidedFailureMode": "On"}
    )
    assert (changed["Name"], changed["DefaultGuidedFailureMode"]) == ("Save", "On")
    assert (await admin.get("/api/projects/web-shop/summary"))["HasRunbooks"] is True
    assert (await admin.get("/api/runbooks?projectIds=Projects-2"))["Items"] == []
    assert [each["Id"] for each in await admin.get("/api/runbooks/all")] == [made["Id"]]

    assert (await admin.http.delete(made["Links"]["Self"])).status_code == 200
    for path in ("runbooks/Runbooks-1", f"runbookProcesses/{made['RunbookProcessId']}"):
        await admin.get(f"/api/{path}", status=404)
    assert (await admin.get("/api/runbookSnapshots"))["Items"] == []
    assert (await admin.get("/api/runbookProcesses"))["Items"] == []


async def test_the_process_of_a_runbook_is_saved_for_the_version_that_was_read(
    admin: Any,
) -> None:
    runbook = await _make(admin)
    live = await admin.get(runbook["Links"]["RunbookProcesses"])
    assert (live["Version"], live["Steps"][0]["Actions"][0]["ActionType"]) == (1, "Octopus.Script")
    stale = await admin.put(live["Links"]["Self"], {**live, "Version": 0}, status=400)
    assert "another user has made changes" in stale["ErrorMessage"]
    snapshot = await admin.get("/api/runbookSnapshots/RunbookSnapshots-1")
    frozen = await admin.get(snapshot["Links"]["RunbookProcess"])
    assert frozen["Steps"] == live["Steps"]
    refused = await admin.put(frozen["Links"]["Self"], frozen, status=400)
    assert refused["ErrorMessage"].startswith("You cannot modify this process because it is frozen")
    template = await admin.get(runbook["Links"]["RunbookSnapshotTemplate"])
    assert template["NextNameIncrement"].startswith("Snapshot ")
    assert template["Packages"][0]["VersionSelectedLastRelease"] == "1.2.0"


async def test_a_snapshot_takes_the_newest_packages_unless_told_otherwise(admin: Any) -> None:
    await _make(admin)
    chosen = [{"ActionName": "Dump", "Version": "1.0.0"}]
    body = {
        "ProjectId": "Projects-1",
        "RunbookId": "Runbooks-1",
        "Name": "Second",
        "Notes": "n",
        "SelectedPackages": chosen,
    }
    made = await admin.post("/api/runbookSnapshots", body)
    assert made["SelectedPackages"][0]["Version"] == "1.0.0"
    within = "/api/projects/web-shop/runbookSnapshots"
    assert await admin.get(f"{within}/second") == made
    listed = await admin.get(f"{within}?searchByName=S")
    assert [each["Name"] for each in listed["Items"]] == ["Second", "First"]
    assert listed["Items"][1]["SelectedPackages"][0]["Version"] == "1.2.0"

    renamed = await admin.put(made["Links"]["Self"], {**made, "Name": "Third"})
    assert (renamed["Name"], renamed["SelectedPackages"]) == ("Third", made["SelectedPackages"])
    again = await admin.post(made["Links"]["SnapshotVariables"], status=200)
    assert again["ProjectVariableSetSnapshotId"] == made["FrozenProjectVariableSetId"]
    await admin.post("/api/runbookSnapshots", {**body, "Name": "third"}, status=400)
    refused = await admin.http.delete("/api/runbookSnapshots/RunbookSnapshots-1")
    assert refused.json()["ErrorMessage"] == (
        "The Runbook Snapshot has dependent resources and cannot be deleted."
    )
    assert (await admin.http.delete(made["Links"]["Self"])).status_code == 200


async def test_a_run_is_a_task_of_its_own(simulator: Simulator, admin: Any) -> None:
    await _make(admin)
    body = {"RunbookId": "Runbooks-1", "EnvironmentId": "Environments-1", "Comments": "c"}
    made = await admin.post("/api/runbookRuns", body)
    assert (made["RunbookSnapshotId"], made["QueueTime"], made["Name"]) == (
        "RunbookSnapshots-1",
        None,
        "Run Backup on Dev",
    )
    simulator.advance(3)
    task = await admin.get(made["Links"]["Task"])
    assert (task["Name"], task["State"], task["Arguments"]) == (
        "RunbookRun",
        "Executing",
        {"RunbookRunId": made["Id"]},
    )
    details = await admin.get(f"/api/tasks/{task['Id']}/details")
    assert [each["Name"] for each in details["ActivityLogs"][0]["Children"]] == [
        "Acquire packages",
        "Step 1: Dump",
    ]
    assert (await admin.http.delete(made["Links"]["Self"])).status_code == 400
    simulator.advance(10)
    listed = await admin.get("/api/tasks?runbook=Runbooks-1")
    assert [each["State"] for each in listed["Items"]] == ["Success"]
    await admin.post(f"/api/tasks/rerun/{task['Id']}", status=400)
    events = await admin.get(f"/api/events?regarding={made['Id']}")
    assert [each["Category"] for each in events["Items"]] == [
        "RunbookRunSucceeded",
        "RunbookRunStarted",
        "RunbookRunQueued",
    ]
    assert (await admin.get("/api/dashboard"))["Items"][0]["DeploymentId"].startswith("Deploy")
    assert (await admin.http.delete(made["Links"]["Self"])).status_code == 200
    await admin.get(made["Links"]["Task"], status=404)


async def test_a_runbook_never_runs_twice_at_once_in_one_environment(
    simulator: Simulator, admin: Any
) -> None:
    await _make(admin)
    simulator.deploy("Web Shop", "1.2.0", "Dev")
    for environment in ("Dev", "Dev", "Test"):
        simulator.run_runbook("Web Shop", "Backup", environment)
    states = [each.state for each in simulator.runs("Web Shop", "Backup")]
    assert states == ["Executing", "Queued", "Executing"]
    second = simulator.runs("Web Shop", "Backup")[1]
    behind = await admin.get(f"/api/tasks/{second.task_id}/queued-behind")
    assert [each["Name"] for each in behind["Items"]] == ["RunbookRun"]
    simulator.advance(20)
    assert {each.state for each in simulator.runs("Web Shop", "Backup")} == {"Success"}


async def test_the_command_of_the_executions_api_runs_by_names(admin: Any) -> None:
    await _make(admin)
    body = {
        "SpaceIdOrName": "Shop",
        "ProjectName": "web shop",
        "RunbookName": "BACKUP",
        "EnvironmentNames": ["Dev", "Test"],
    }
    made = await admin.post("/api/Spaces-1/runbook-runs/create/v1", body)
    assert [sorted(each) for each in made["RunbookRunServerTasks"]] == [
        ["RunbookRunId", "ServerTaskId"]
    ] * 2
    later = {**body, "Snapshot": "first", "RunAt": "2026-11-20T12:00:00Z"}
    (run,) = (
        await admin.post(
            "/api/Spaces-1/runbook-runs/create/v1", {**later, "EnvironmentNames": ["Dev"]}
        )
    )["RunbookRunServerTasks"]
    shown = await admin.get(f"/api/runbookRuns/{run['RunbookRunId']}")
    assert shown["QueueTime"] == "2026-11-20T12:00:00.000+00:00"
    for name, value in (("RunbookName", "x"), ("Snapshot", "x"), ("SkipStepNames", ["x"])):
        refused = await admin.post(
            "/api/Spaces-1/runbook-runs/create/v1", {**body, name: value}, status=400
        )
        assert "was not found" in refused["ErrorMessage"]
    await admin.post("/api/Spaces-1/runbook-runs/git/create/v1", body, status=400)


async def test_the_older_command_runs_in_several_environments(admin: Any) -> None:
    made = await _make(admin)
    body = {"EnvironmentIds": ["Environments-1", "Environments-3"], "UseDefaultSnapshot": True}
    runs = await admin.post(made["Links"]["CreateRunbookRun"], body)
    assert [each["EnvironmentId"] for each in runs] == ["Environments-1", "Environments-3"]
    await admin.post(made["Links"]["CreateRunbookRun"], {}, status=400)
    named = {"EnvironmentId": "Environments-1", "RunbookSnapshotNameOrId": "none"}
    await admin.post(made["Links"]["CreateRunbookRun"], named, status=404)


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ({"EnvironmentScope": "All"}, ["Dev", "Test", "Production"]),
        ({"EnvironmentScope": "Specified", "Environments": ["Environments-2"]}, ["Test"]),
        ({"EnvironmentScope": "FromProjectLifecycles"}, ["Dev", "Test", "Production"]),
    ],
)
async def test_a_runbook_runs_within_its_scope(
    admin: Any, scope: dict[str, Any], allowed: list[str]
) -> None:
    made = await _make(admin, **scope)
    found = await admin.get(made["Links"]["RunbookEnvironments"])
    assert [each["Name"] for each in found] == allowed
    template = await admin.get(made["Links"]["RunbookRunTemplate"])
    assert [each["Name"] for each in template["PromoteTo"]] == allowed
    body = {"RunbookId": "Runbooks-1", "EnvironmentId": "Environments-1"}
    status = 201 if "Dev" in allowed else 400
    answer = await admin.post("/api/runbookRuns", body, status=status)
    assert status == 201 or answer["ErrorMessage"] == "RunbookRun creation failed."


async def test_what_is_not_published_does_not_run_by_itself(
    simulator: Simulator, admin: Any
) -> None:
    made = await _make(admin)
    body = {**made, "PublishedRunbookSnapshotId": None}
    await admin.put(made["Links"]["Self"], body)
    order = {"RunbookId": "Runbooks-1", "EnvironmentId": "Environments-1"}
    refused = await admin.post("/api/runbookRuns", order, status=400)
    assert refused["ErrorMessage"] == "Runbook has no published snapshot."
    named = {**order, "RunbookSnapshotId": "RunbookSnapshots-1"}
    await admin.post("/api/runbookRuns", named)
    other = {**body, "PublishedRunbookSnapshotId": "RunbookSnapshots-9"}
    await admin.put(made["Links"]["Self"], other, status=404)


async def test_boards_tell_what_ran_where(simulator: Simulator, admin: Any) -> None:
    await _make(admin)
    simulator.fail_next_run("Web Shop", "Backup", "Dev", message="disk full")
    simulator.run_runbook("Web Shop", "Backup", "Dev", by="alice")
    simulator.advance(20)
    simulator.run_runbook("Web Shop", "Backup", "Dev")
    simulator.run_runbook("Web Shop", "Backup", "Test")
    board = await admin.get("/api/progression/runbooks/Runbooks-1")
    assert [each["Name"] for each in board["Environments"]] == ["Dev", "Test", "Production"]
    dev = board["RunbookRuns"]["Environments-1"]
    assert [(each["State"], each["ErrorMessage"], each["RunBy"]) for each in dev] == [
        ("Executing", "", "administrator"),
        ("Failed", "disk full", "alice"),
    ]
    listed = await admin.get("/api/progression/runbooks/taskRuns?environmentIds=Environments-2")
    assert [each["RunbookSnapshotName"] for each in listed["Items"]] == ["First"]
    runs = await admin.get("/api/runbookRuns?taskState=failed&environments=Environments-1")
    assert runs["TotalResults"] == 1
    inside = await admin.get("/api/runbookSnapshots/RunbookSnapshots-1/runbookRuns")
    assert inside["TotalResults"] == 3


async def test_a_run_waits_for_a_person_as_a_deployment_does(
    simulator: Simulator, admin: Any
) -> None:
    await _make(admin)
    simulator.interrupt_next_run("Web Shop", "Backup", "Dev")
    simulator.run_runbook("Web Shop", "Backup", "Dev")
    simulator.advance(6)
    (asked,) = (await admin.get("/api/interruptions?regarding=Runbooks-1"))["Items"]
    await admin.put(asked["Links"]["Responsible"])
    await admin.post(asked["Links"]["Submit"], {"Result": "Proceed"}, status=200)
    simulator.advance(6)
    assert simulator.runs("Web Shop", "Backup")[0].state == "Success"


async def test_runbooks_need_their_permissions(
    simulator: Simulator, admin: Any, as_user: Callable[[str], Any]
) -> None:
    made = await _make(admin)
    bob = as_user("bob")
    assert await bob.get(made["Links"]["Self"]) == made
    await bob.post("/api/runbooks", {**BACKUP, "Name": "x"}, status=403)
    order = {"RunbookId": "Runbooks-1", "EnvironmentId": "Environments-1"}
    refused = await bob.post("/api/runbookRuns", order, status=403)
    assert "RunbookRunCreate" in refused["ErrorMessage"]
    simulator.grant("bob", "RunbookRunCreate", environments=["Dev"])
    await bob.post("/api/runbookRuns", order)
    await bob.post("/api/runbookRuns", {**order, "EnvironmentId": "Environments-2"}, status=403)
    assert [e["Name"] for e in await bob.get(made["Links"]["RunbookEnvironments"])] == ["Dev"]
    simulator.restrict("bob", "RunbookRunView", environments=["Test"])
    assert (await bob.get("/api/runbookRuns"))["Items"] == []
    await bob.get("/api/runbookRuns/RunbookRuns-1", status=403)
    simulator.revoke("bob", "RunbookView")
    await bob.get("/api/runbooks", status=403)


async def test_a_trigger_runs_a_runbook_at_its_time(simulator: Simulator, admin: Any) -> None:
    made = await _make(admin)
    body = {
        "Name": "Nightly",
        "ProjectId": "Projects-1",
        "Filter": {"FilterType": "OnceDailySchedule", "StartTime": "2026-01-01T23:00:00"},
        "Action": {
            "ActionType": "RunRunbook",
            "RunbookId": made["Id"],
            "EnvironmentIds": ["Environments-1"],
        },
    }
    await admin.post("/api/projecttriggers", body)
    wrong = {**body, "Name": "x", "Action": {**body["Action"], "RunbookId": "Runbooks-9"}}
    await admin.post("/api/projecttriggers", wrong, status=404)
    simulator.advance(14 * 3600)
    assert [(each.state, each.run_by) for each in simulator.runs("Web Shop", "Backup")] == [
        ("Success", "system")
    ]
    path = "/api/projects/web-shop/triggers?triggerActionCategory=Runbook&runbooks="
    assert (await admin.get(path + "Runbooks-1"))["TotalResults"] == 1
    assert (await admin.get(path + "Runbooks-2"))["TotalResults"] == 0
    refused = await admin.http.delete(made["Links"]["Self"])
    assert refused.json()["ErrorMessage"] == (
        "The Runbook has dependent resources and cannot be deleted."
    )


async def test_a_runbook_goes_to_the_machines_of_its_steps(
    simulator: Simulator, admin: Any
) -> None:
    simulator.add_machine("web-1", environments=["Dev"], roles=["web"])
    made = await _make(admin)
    process = await admin.get(made["Links"]["RunbookProcesses"])
    process["Steps"][0]["Properties"]["Octopus.Action.TargetRoles"] = "web"
    await admin.put(process["Links"]["Self"], process)
    body = {"ProjectId": "Projects-1", "RunbookId": made["Id"], "Name": "Second"}
    await admin.post("/api/runbookSnapshots?publish=true", body)
    preview = f"/api/runbooks/{made['Id']}/runbookRuns/preview/Environments-1"
    (step,) = (await admin.get(preview))["StepsToExecute"]
    assert step["MachineNames"] == ["web-1"]
    run = simulator.run_runbook("Web Shop", "Backup", "Dev")
    assert (await admin.get(f"/api/runbookRuns/{run}"))["DeployedToMachineIds"] == ["Machines-1"]
    simulator.machine_dies("web-1")
    simulator.advance(20)
    assert simulator.runs("Web Shop", "Backup")[0].state == "Failed"


async def test_a_tenanted_runbook_runs_for_each_tenant_by_itself(
    simulator: Simulator, admin: Any
) -> None:
    simulator.add_tag_set("Ring", ["Pilot", "Rest"])
    simulator.add_tenant("Acme", connected={"Web Shop": ["Dev", "Test"]}, tags=["Ring/Pilot"])
    simulator.add_tenant("Beta", connected={"Web Shop": ["Dev"]}, tags=["Ring/Pilot"])
    made = await _make(admin, MultiTenancyMode="Tenanted")
    template = await admin.get(made["Links"]["RunbookRunTemplate"])
    assert template["PromoteTo"] == []
    promotions = {
        each["Name"]: [one["Name"] for one in each["PromoteTo"]]
        for each in template["TenantPromotions"]
    }
    assert promotions == {"Acme": ["Dev", "Test"], "Beta": ["Dev"]}
    order = {"RunbookId": "Runbooks-1", "EnvironmentId": "Environments-1"}
    await admin.post("/api/runbookRuns", order, status=400)
    await admin.post("/api/runbookRuns", {**order, "TenantId": "Tenants-9"}, status=404)
    far = {**order, "EnvironmentId": "Environments-2", "TenantId": "Tenants-2"}
    refused = await admin.post("/api/runbookRuns", far, status=400)
    assert refused["Errors"] == ["Tenant 'Beta' is not connected to 'Test'."]
    one = await admin.post("/api/runbookRuns", {**order, "TenantId": "Tenants-1"})
    assert one["TenantId"] == "Tenants-1"

    command = {
        "spaceIdOrName": "Shop",
        "projectName": "Web Shop",
        "runbookName": "Backup",
        "environmentNames": ["Dev"],
        "tenants": ["acme"],
        "tenantTags": ["Ring/Pilot"],
    }
    both = await admin.post("/api/Spaces-1/runbook-runs/create/v1", command)
    assert len(both["RunbookRunServerTasks"]) == 2
    body = {"EnvironmentIds": ["Environments-1"], "TenantTagNames": ["Ring/Pilot"]}
    assert len(await admin.post(made["Links"]["CreateRunbookRun"], body)) == 2
    states = [each.state for each in simulator.runs("Web Shop", "Backup")]
    assert states == ["Executing", "Queued", "Executing", "Queued", "Queued"]
    preview = "/api/runbooks/Runbooks-1/runbookRuns/preview/Environments-1/Tenants-"
    assert len((await admin.get(preview + "1"))["StepsToExecute"]) == 1
    await admin.get(preview + "9", status=404)
    assert (await admin.http.delete("/api/tenants/Tenants-1")).status_code == 400
    simulator.advance(60)
    assert (await admin.http.delete("/api/tenants/Tenants-1")).status_code == 200
    assert (await admin.get("/api/runbookRuns"))["TotalResults"] == 2


async def test_a_trigger_runs_a_runbook_for_the_tenants_that_it_may(
    simulator: Simulator, admin: Any
) -> None:
    simulator.add_tenant("Acme", connected={"Web Shop": ["Dev"]})
    simulator.add_tenant("Beta", connected={"Web Shop": ["Test"]})
    await _make(admin, MultiTenancyMode="TenantedOrUntenanted")
    simulator.add_trigger(
        "Web Shop",
        "Nightly",
        filter={"FilterType": "CronExpressionSchedule", "CronExpression": "0 0 23 * * ?"},
        action={
            "ActionType": "RunRunbook",
            "RunbookId": "Runbooks-1",
            "EnvironmentIds": ["Dev", "Test"],
            "TenantIds": ["Tenants-1", "Tenants-2"],
        },
    )
    simulator.advance(14 * 3600)
    runs = (await admin.get("/api/runbookRuns"))["Items"]
    assert [(each["EnvironmentId"], each["TenantId"]) for each in runs] == [
        ("Environments-2", "Tenants-2"),
        ("Environments-1", "Tenants-1"),
    ]


@pytest.mark.parametrize("owner", ["runbooks/Runbooks-1", "runbookSnapshots/RunbookSnapshots-1"])
async def test_runs_are_previewed_for_several_places_at_once(admin: Any, owner: str) -> None:
    await _make(admin)
    places = [{"EnvironmentId": "Environments-1"}, {"EnvironmentId": "Environments-2"}]
    path = f"/api/projects/Projects-1/{owner}/runbookRuns/previews"
    shown = await admin.post(path, {"DeploymentPreviews": places}, status=200)
    one = await admin.get(f"/api/{owner}/runbookRuns/preview/Environments-2")
    assert (len(shown), shown[1]) == (2, one)
    wrong = [{"EnvironmentId": "Environments-1", "TenantId": "Tenants-9"}]
    await admin.post(path, {"DeploymentPreviews": wrong}, status=404)
