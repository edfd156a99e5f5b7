// Uses every repository class of Octopus' own TypeScript client against a server, unmodified.
//
//   node everything.mjs URL API-KEY SPACE FOLDER
//
// The space must be empty, FOLDER is for packages made here. Each step is one use that a person of
// that client would make, asserted on what the server answered. Prints one JSON document: the
// steps with their failures, and the classes that were used beside those there are. A step that
// fails does not end the script, so that one run tells everything.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import path from "node:path";
import octopus from "@octopusdeploy/api-client";
import feeds from "@octopusdeploy/api-client/dist/features/feeds/feedRepository.js"; // not in its index

const [url, apiKey, spaceName, folder] = process.argv.slice(2);
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const classes = { ...octopus, ...feeds };
const used = new Set();
const steps = [];

/** Returns an instance of a class of the client, and notes that it was used. */
function use(name, ...args) {
    used.add(name);
    return new classes[name](...args);
}

async function step(name, work) {
    try {
        await work();
        steps.push({ name, failure: null });
    } catch (error) {
        const body = error?.ErrorMessage ?? error?.message ?? String(error);
        steps.push({ name, failure: `${error?.StatusCode ?? ""} ${body}`.trim().slice(0, 500) });
    }
}

/** Fails unless the call is refused with this status. */
async function refused(status, call) {
    await assert.rejects(call, (error) => {
        assert.equal(error.StatusCode, status);
        assert.equal(typeof error.ErrorMessage, "string");
        return true;
    });
}

const client = await octopus.Client.create({
    userAgentApp: "everything", instanceURL: url, apiKey, logging: quiet,
});
const at = [client, spaceName];
const kept = {};

// --- the server, spaces ----------------------------------------------------------------------

await step("server information", async () => {
    const { version, installationId } = await client.getServerInformation();
    assert.match(version, /^\d{4}\.\d+\.\d+/);
    assert.match(installationId, /^[0-9a-f-]{36}$/i);
});
await step("who am I", async () => {
    const me = await octopus.userGetCurrent(client);
    assert.match(me.Id, /^Users-\d+$/);
    kept.me = me;
});
await step("spaces: list, create, get, modify, delete", async () => {
    const spaces = use("SpaceRepository", client);
    const mine = (await spaces.list({ partialName: spaceName })).Items.find((s) => s.Name === spaceName);
    assert.ok(mine, "the space is in the list");
    kept.space = mine;
    const made = await spaces.create({
        Name: `Made ${randomUUID().slice(0, 8)}`, SpaceManagersTeams: [],
        SpaceManagersTeamMembers: [kept.me.Id], IsDefault: false,
    });
    assert.equal((await spaces.get(made.Id)).Name, made.Name);
    const stopped = await spaces.modify({ ...made, Description: "changed", TaskQueueStopped: true });
    assert.equal(stopped.Description, "changed");
    await spaces.del(stopped);
    await refused(404, () => spaces.get(made.Id));
});
await step("an unknown space is named", async () => {
    const projects = use("ProjectRepository", client, "No Such Space");
    await assert.rejects(() => projects.list(), /No Such Space|Unable to resolve|No spaces/i);
});

// --- environments, lifecycles, groups ---------------------------------------------------------

await step("environments: create, list, sort, summary, machines, scoped variables", async () => {
    const environments = use("EnvironmentRepository", ...at);
    kept.dev = await environments.create({ Name: "Dev", Description: "first" });
    kept.prod = await environments.create({ Name: "Production" });
    const found = await environments.list({ partialName: "prod", take: 5 });
    assert.deepEqual(found.Items.map((e) => e.Name), ["Production"]);
    await environments.sort([kept.prod.Id, kept.dev.Id]);
    const sorted = await environments.list({ ids: [kept.dev.Id, kept.prod.Id] });
    assert.deepEqual(sorted.Items.map((e) => e.Name), ["Production", "Dev"]);
    assert.ok(await environments.summary());
    assert.equal((await environments.machines(kept.dev)).TotalResults, 0);
    assert.ok(await environments.variablesScopedOnlyToThisEnvironment(kept.dev));
    const modified = await environments.modify({ ...kept.dev, Description: "changed" });
    assert.equal(modified.Description, "changed");
    await refused(400, () => environments.create({ Name: "Dev" }));
});
await step("environments, version 2", async () => {
    const environments = use("EnvironmentV2Repository", ...at);
    const found = await environments.list({ skip: 0, take: 10 });
    assert.deepEqual(found.Items.map((e) => e.Type), ["Static", "Static"]);
    const one = await use("EnvironmentRepository", ...at).getEnvironmentByName("Dev");
    assert.equal(one?.Id, kept.dev.Id);
});
await step("lifecycles: create with phases, modify, list", async () => {
    const lifecycles = use("LifecycleRepository", ...at);
    const month = { Unit: "Days", QuantityToKeep: 30, ShouldKeepForever: false };
    kept.lifecycle = await lifecycles.create({
        Name: "Two phases", Description: "", ReleaseRetentionPolicy: month, TentacleRetentionPolicy: month,
        Phases: [
            { Name: "Dev", OptionalDeploymentTargets: [kept.dev.Id], AutomaticDeploymentTargets: [], MinimumEnvironmentsBeforePromotion: 0, IsOptionalPhase: false },
            { Name: "Production", OptionalDeploymentTargets: [kept.prod.Id], AutomaticDeploymentTargets: [], MinimumEnvironmentsBeforePromotion: 0, IsOptionalPhase: false },
        ],
    });
    assert.equal(kept.lifecycle.Phases.length, 2);
    const again = await lifecycles.modify({ ...kept.lifecycle, Description: "changed" });
    assert.equal(again.Description, "changed");
    assert.ok((await lifecycles.list({ take: 100 })).TotalResults >= 2);
});
await step("project groups: create, list", async () => {
    const groups = use("ProjectGroupRepository", ...at);
    kept.group = await groups.create({ Name: "Wallet", Description: "", EnvironmentIds: [], RetentionPolicyId: null });
    assert.ok((await groups.list({ partialName: "wall" })).Items.some((g) => g.Id === kept.group.Id));
});

// --- tag sets, tenants ------------------------------------------------------------------------

await step("tag sets: create, sort", async () => {
    const sets = use("TagSetRepository", ...at);
    const tag = (Name) => ({ Name, Color: "#333333", Description: "", CanonicalTagName: null, SortOrder: 0, Id: null });
    kept.tags = await sets.create({ Name: "Ring", Description: "", SortOrder: 0, Tags: [tag("Pilot"), tag("Rest")] });
    assert.deepEqual(kept.tags.Tags.map((t) => t.CanonicalTagName), ["Ring/Pilot", "Ring/Rest"]);
    const second = await sets.create({ Name: "Region", Description: "", SortOrder: 1, Tags: [tag("UK")] });
    await sets.sort([second.Id, kept.tags.Id]);
    assert.deepEqual((await sets.list()).Items.map((s) => s.Name), ["Region", "Ring"]);
});

// --- projects and their process ---------------------------------------------------------------

await step("feeds: the built-in one, create, delete", async () => {
    const repository = use("FeedRepository", ...at);
    kept.feed = (await repository.list({ feedType: "BuiltIn" })).Items[0];
    assert.equal(kept.feed.FeedType, "BuiltIn");
    const made = await repository.create({
        Name: "Elsewhere", FeedType: "NuGet", FeedUri: "https://feed.example/v3/index.json",
        EnhancedMode: false, DownloadAttempts: 5, DownloadRetryBackoffSeconds: 10,
    });
    assert.equal((await repository.get(made.Id)).Name, "Elsewhere");
    await repository.del(made);
});
await step("projects: create, get, modify, list, save", async () => {
    const projects = use("ProjectRepository", ...at);
    kept.project = await projects.create({
        ...octopus.NewProject("Wallet API", kept.group, kept.lifecycle),
        TenantedDeploymentMode: "TenantedOrUntenanted",
    });
    assert.match(kept.project.Id, /^Projects-\d+$/);
    assert.equal(kept.project.Slug, "wallet-api");
    kept.project = await projects.save({ ...kept.project, Description: "changed" });
    assert.equal((await projects.get(kept.project.Id)).Description, "changed");
    assert.equal((await projects.list({ partialName: "wallet" })).TotalResults, 1);
    await refused(404, () => projects.get("Projects-99999"));
});
await step("deployment process: get, update", async () => {
    const processes = use("DeploymentProcessRepository", ...at);
    const process = await processes.get(kept.project);
    const script = {
        Name: "Say hello", ActionType: "Octopus.Script", Packages: [], IsDisabled: false, IsRequired: false,
        Environments: [], ExcludedEnvironments: [], Channels: [], TenantTags: [], Condition: "Success",
        Properties: {
            "Octopus.Action.RunOnServer": "true", "Octopus.Action.Script.ScriptSource": "Inline",
            "Octopus.Action.Script.Syntax": "Bash", "Octopus.Action.Script.ScriptBody": "echo hello",
        },
    };
    process.Steps = [{
        Name: "Say hello", Condition: "Success", StartTrigger: "StartAfterPrevious",
        PackageRequirement: "LetOctopusDecide", Properties: {}, Actions: [script],
    }];
    const updated = await processes.update(kept.project, process);
    assert.equal(updated.Steps[0].Actions[0].Name, "Say hello");
    assert.equal(updated.Version, process.Version + 1);
    await refused(400, () => processes.update(kept.project, process));
});

// --- tenants ----------------------------------------------------------------------------------

await step("tenants: create, connect, tag test", async () => {
    const tenants = use("TenantRepository", ...at);
    kept.tenant = await tenants.create({
        Name: "Acme", Description: "", TenantTags: ["Ring/Pilot"],
        ProjectEnvironments: { [kept.project.Id]: [kept.dev.Id] },
    });
    assert.equal((await tenants.list({ tags: "Ring/Pilot" })).TotalResults, 1);
    assert.equal((await tenants.list({ projectId: kept.project.Id })).TotalResults, 1);
    const matched = await tenants.tagTest([kept.tenant.Id], ["Ring/Pilot"]);
    assert.equal(matched[kept.tenant.Id].IsMatched, true);
});
await step("tenant variables, as a whole and version 2", async () => {
    const tenants = use("TenantRepository", ...at);
    const projects = use("ProjectRepository", ...at);
    const project = await projects.get(kept.project.Id);
    kept.project = await projects.modify({
        ...project,
        Templates: [{ Name: "Greeting", Label: "Greeting", HelpText: "", DefaultValue: "hello", DisplaySettings: { "Octopus.ControlType": "SingleLineText" } },
            { Name: "Realm", Label: "Realm", HelpText: "", DefaultValue: null, DisplaySettings: { "Octopus.ControlType": "SingleLineText" } }],
    });
    const [greeting, realm] = kept.project.Templates;
    const missing = await tenants.missingVariables({ tenantId: kept.tenant.Id }, true);
    assert.ok(missing[0].MissingVariables.some((each) => each.VariableTemplateName === "Realm"));
    const whole = await tenants.getVariables(kept.tenant);
    whole.ProjectVariables[kept.project.Id].Variables[kept.dev.Id] = { [realm.Id]: "north" };
    const set = await tenants.setVariables(kept.tenant, whole);
    assert.equal(set.ProjectVariables[kept.project.Id].Variables[kept.dev.Id][realm.Id], "north");
    const second = await tenants.modifyProjectVariables(kept.tenant, [{
        ProjectId: kept.project.Id, TemplateId: greeting.Id, Value: "hi", Scope: { EnvironmentIds: [kept.dev.Id] },
    }]);
    assert.ok(second.Variables.some((each) => each.Value === "hi"));
    const read = await tenants.getProjectVariables(kept.tenant, true);
    assert.equal(read.TenantId, kept.tenant.Id);
    assert.deepEqual((await tenants.getProjectVariablesById(kept.tenant.Id)).Variables, read.Variables);
    assert.deepEqual((await tenants.getCommonVariables(kept.tenant)).Variables, []);
    assert.deepEqual((await tenants.modifyCommonVariables(kept.tenant, [])).Variables, []);
});

// --- packages, build information --------------------------------------------------------------

await step("packages: build, push, list, get, refuse what is there", async () => {
    const packages = use("PackageRepository", ...at);
    await use("ZipPackageBuilder").pack({
        packageId: "Acme.Wallet", version: "1.0.0", basePath: folder, inputFilePatterns: ["*.txt"], outputFolder: folder, logger: quiet,
    });
    const file = path.join(folder, "Acme.Wallet.1.0.0.zip");
    await packages.push([file]);
    const found = await packages.list({ nuGetPackageId: "Acme.Wallet" });
    assert.deepEqual(found.Items.map((each) => each.Version), ["1.0.0"]);
    assert.equal((await packages.get(found.Items[0].Id)).PackageId, "Acme.Wallet");
    await assert.rejects(packages.push([file]), /already exists/); // it gathers errors of many files
    await packages.push([file], octopus.OverwriteMode.OverwriteExisting);
});
await step("build information: push", async () => {
    await use("BuildInformationRepository", ...at).push({
        spaceName, BuildEnvironment: "everything", BuildNumber: "7", BuildUrl: "https://ci.example/7", Branch: "main",
        VcsType: "Git", VcsRoot: "https://git.example/wallet.git", VcsCommitNumber: "a".repeat(40),
        Packages: [use("PackageIdentity", "Acme.Wallet", "1.0.0")], Commits: [{ Id: "a".repeat(40), Comment: "fix" }],
    }, octopus.OverwriteMode.OverwriteExisting);
});

// --- releases, deployments, tasks -------------------------------------------------------------

await step("releases: create, list, get", async () => {
    const releases = use("ReleaseRepository", ...at);
    const made = await releases.create({ spaceName, ProjectName: "Wallet API", ReleaseVersion: "1.0.0", ReleaseNotes: "first" });
    assert.equal(made.ReleaseVersion, "1.0.0");
    assert.equal((await releases.get(made.ReleaseId)).ReleaseNotes, "first");
    assert.equal((await releases.list()).TotalResults, 1);
    assert.equal((await releases.listForProject(kept.project.Id, { searchByVersion: "1.0" })).TotalResults, 1);
    await refused(400, () => releases.create({ spaceName, ProjectName: "Wallet API", ReleaseVersion: "1.0.0" }));
});
await step("deployments: untenanted, waited for; tenanted", async () => {
    const deployments = use("DeploymentRepository", ...at);
    const made = await deployments.create({
        spaceName, ProjectName: "Wallet API", ReleaseVersion: "1.0.0", EnvironmentNames: ["Dev"],
    });
    kept.task = made.DeploymentServerTasks[0];
    const waiter = use("ServerTaskWaiter", client, spaceName);
    const done = await waiter.waitForServerTaskToComplete(kept.task.ServerTaskId, 100, 60_000);
    assert.equal(done.FinishedSuccessfully, true);
    const deployment = await deployments.get(kept.task.DeploymentId);
    assert.equal(deployment.EnvironmentId, kept.dev.Id);
    const listed = await deployments.list({ projects: [kept.project.Id], environments: [kept.dev.Id] });
    assert.equal(listed.TotalResults, 1);
    const tenanted = await deployments.createTenanted({
        spaceName, ProjectName: "Wallet API", ReleaseVersion: "1.0.0", EnvironmentName: "Dev", Tenants: ["Acme"], TenantTags: [],
    });
    assert.equal(tenanted.DeploymentServerTasks.length, 1);
    const both = await waiter.waitForServerTasksToComplete(tenanted.DeploymentServerTasks.map((t) => t.ServerTaskId), 100, 60_000);
    assert.equal(both[0].FinishedSuccessfully, true);
});
await step("tasks: by id, by ids, details, raw, cancel", async () => {
    const tasks = use("SpaceServerTaskRepository", ...at);
    const id = kept.task.ServerTaskId;
    assert.equal((await tasks.getById(id)).State, "Success");
    assert.deepEqual((await tasks.getByIds([id])).map((task) => task.Id), [id]);
    assert.equal((await tasks.getDetails(id)).Task.Id, id);
    assert.equal(typeof (await tasks.getRaw(id)), "string");
    const later = await use("DeploymentRepository", ...at).create({
        spaceName, ProjectName: "Wallet API", ReleaseVersion: "1.0.0", EnvironmentNames: ["Dev"],
        RunAt: new Date(Date.now() + 3_600_000),
    });
    await use("ServerTaskRepository", client).cancel(later.DeploymentServerTasks[0].ServerTaskId);
    assert.equal((await tasks.getById(later.DeploymentServerTasks[0].ServerTaskId)).State, "Canceled");
});

// --- runbooks ---------------------------------------------------------------------------------

await step("runbooks: create, process, snapshot, run", async () => {
    const runbooks = use("RunbookRepository", ...at, kept.project);
    const runbook = await runbooks.create({
        Name: "Smoke test", ProjectId: kept.project.Id, Description: "", EnvironmentScope: "All",
        MultiTenancyMode: "Untenanted", DefaultGuidedFailureMode: "EnvironmentDefault",
        RunRetentionPolicy: { QuantityToKeep: 100, ShouldKeepForever: false },
    });
    assert.match(runbook.RunbookProcessId, /^RunbookProcess-Runbooks-\d+/);
    const processes = use("RunbookProcessRepository", ...at, kept.project);
    const process = await processes.get(runbook);
    const deployment = await use("DeploymentProcessRepository", ...at).get(kept.project);
    const [{ Id, Slug, Actions, ...plain }] = deployment.Steps;
    process.Steps = [{ ...plain, Actions: Actions.map(({ Id: _, Slug: __, ...action }) => action) }];
    assert.equal((await processes.update(process)).Steps.length, 1);
    const snapshot = await use("RunbookSnapshotRepository", ...at, kept.project).create(runbook, "Snapshot 1", true, "notes");
    assert.match(snapshot.Id, /^RunbookSnapshots-\d+$/);
    const runs = use("RunbookRunRepository", ...at);
    const made = await runs.create({ spaceName, ProjectName: "Wallet API", RunbookName: "Smoke test", EnvironmentNames: ["Dev"] });
    const task = made.RunbookRunServerTasks[0];
    const done = await use("ServerTaskWaiter", client, spaceName).waitForServerTaskToComplete(task.ServerTaskId, 100, 60_000);
    assert.equal(done.FinishedSuccessfully, true);
    assert.equal((await runs.get(task.RunbookRunId)).RunbookId, runbook.Id);
    assert.equal((await runs.list({ runbooks: [runbook.Id] })).TotalResults, 1);
});

// --- Kubernetes -------------------------------------------------------------------------------

await step("Kubernetes monitors and live status: what is not there is 404", async () => {
    const monitors = use("KubernetesMonitorRepository", ...at);
    await refused(404, () => monitors.getById("KubernetesMonitors-1"));
    const status = use("ObservabilityRepository", ...at);
    await refused(404, () => status.getLiveStatus("Projects-99999", kept.dev.Id));
});

const repositories = Object.keys(classes).filter((name) => /(?<!Basic)Repository$/.test(name));
console.log(JSON.stringify({ steps, repositories, unused: repositories.filter((name) => !used.has(name)) }));
