"""The REST surface: one file per subject, each with its routes, handlers and JSON shapes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from reconciler.simulator.router import Route, Router, Routes
from reconciler.simulator.routes import (
    accounts,
    actiontemplates,
    adhoc,
    artifacts,
    assembling,
    azureresources,
    boardsettings,
    builds,
    certificates,
    channelparts,
    channels,
    cloudaccounts,
    cloudtemplates,
    communitytemplates,
    connectivitychecks,
    dashboard,
    defects,
    deployments,
    environments,
    ephemeralenvironments,
    events,
    executions,
    extensions,
    feedpackages,
    feeds,
    freezes,
    gitcredentials,
    gitprojects,
    gitvariants,
    insights,
    interruptions,
    invitations,
    kubernetesmonitors,
    librarysets,
    licenses,
    lifecycles,
    logins,
    logos,
    machinepolicies,
    machines,
    migrations,
    onboarding,
    packages,
    permissionexports,
    previews,
    processes,
    progressions,
    projectgroups,
    projects,
    projectsettings,
    projectsummaries,
    projecttriggers,
    proxies,
    queue,
    ratelimits,
    releases,
    releasewrites,
    reporting,
    retentionpolicies,
    root,
    runbookboards,
    runbookcommands,
    runbookpreviews,
    runbookprocesses,
    runbookruns,
    runbooks,
    runbooksnapshots,
    scheduler,
    scopedroles,
    server,
    servercertificates,
    serviceaccounts,
    settings,
    spaces,
    subscriptions,
    summaries,
    systemreports,
    tagsets,
    tasks,
    teammemberships,
    teams,
    templateupdates,
    tenants,
    tenantvariables,
    userroles,
    users,
    variablepreviews,
    variables,
    workerpools,
    workers,
)

__all__ = ["api_routes", "make_router"]

_SUBJECTS = (
    accounts, actiontemplates, adhoc, artifacts, assembling, azureresources, boardsettings,
    builds, certificates, channelparts, channels, cloudaccounts, cloudtemplates,
    communitytemplates, connectivitychecks, dashboard, defects, deployments, environments,
    ephemeralenvironments, events, executions, extensions, feedpackages, feeds, freezes,
    gitcredentials, gitprojects, gitvariants, insights, interruptions, invitations,
    kubernetesmonitors, librarysets, licenses, lifecycles, logins, logos, machinepolicies,
    machines, migrations, onboarding, packages, permissionexports, previews, processes,
    progressions, projectgroups, projects, projectsettings, projectsummaries, projecttriggers,
    proxies, queue, ratelimits, releases, releasewrites, reporting, retentionpolicies, root,
    runbookboards, runbookcommands, runbookpreviews, runbookprocesses, runbookruns, runbooks,
    runbooksnapshots, scheduler, scopedroles, server, servercertificates, serviceaccounts,
    settings, spaces, subscriptions, summaries, systemreports, tagsets, tasks, teammemberships,
    teams, templateupdates, tenants, tenantvariables, userroles, users, variablepreviews,
    variables, workerpools, workers,
)  # fmt: skip


def api_routes() -> list[Route]:
    """Return every route below `/api`."""
    gathered: list[Routes] = [subject.routes for subject in _SUBJECTS]
    return [
        replace(route, template=f"api/{route.template}".rstrip("/"))
        for routes in gathered
        for route in routes.routes
    ]


@cache
def _api_router() -> Router:
    """Return the router below `/api`, the same for every server of a process."""
    return Router(api_routes())


def make_router(others: list[Route]) -> Router:
    """Return the router of the whole server: `/api` and routes that stand beside it."""
    return Router(others, rest=_api_router())
