"""Steps of deployment processes as clients write them: completed, checked, without secrets."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused
from reconciler.simulator.changes import without_secrets
from reconciler.simulator.records import ChildStep, PackageReference, Step
from reconciler.simulator.slugs import slug_of
from reconciler.simulator.world import find

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body
    from reconciler.simulator.records import Project, Release, Space

__all__ = ["RELEASES_FEED", "child_steps", "deploy_release_step", "read_steps"]

RELEASES_FEED = "feeds-octopus-server-releases"
"""The feed whose packages are projects and whose versions are their releases."""

_DEPLOY_RELEASE = "Octopus.DeployRelease"
_PREFIX = "Octopus.Action.DeployRelease"

_STEP: dict[str, Any] = {
    "PackageRequirement": "LetOctopusDecide",
    "Condition": "Success",
    "StartTrigger": "StartAfterPrevious",
    "Properties": {},
}
_ACTION: dict[str, Any] = {
    "ActionType": "Octopus.Script",
    "IsDisabled": False,
    "IsRequired": False,
    "CanBeUsedForProjectVersioning": False,
    "WorkerPoolId": None,
    "WorkerPoolVariable": None,
    "Container": {"Image": None, "FeedId": None},
    "Environments": [],
    "ExcludedEnvironments": [],
    "Channels": [],
    "TenantTags": [],
    "Properties": {},
    "Condition": "Success",
    "Notes": None,
    "Links": {},
}
_PACKAGE: dict[str, Any] = {"AcquisitionLocation": "Server", "Properties": {}}


def read_steps(body: Body) -> tuple[Step, ...]:
    """Return the steps of a written process; ids that are missing are made.

    Raises:
        Refused: 400 for a step or action without a name, for two steps of one name, and for
            fields of a wrong type.
    """
    steps = tuple(_step(each) for each in body.bodies("Steps"))
    names = [step.name.casefold() for step in steps]
    for name in names:
        if names.count(name) > 1:
            raise Refused(400, "Validation Failed", (f"Two steps have the name '{name}'.",))
    return steps


def _step(body: Body) -> Step:
    head = _head(body)
    actions = body.bodies("Actions")
    written = [_action(each) for each in actions]
    packages = tuple(each for _, some in written for each in some)
    document = {
        **head,
        **_filled(body, _STEP),
        "Actions": [action for action, _ in written],
    }
    return Step(head["Id"], head["Name"], head["Slug"], packages, document)


def _action(body: Body) -> tuple[dict[str, Any], tuple[PackageReference, ...]]:
    head = _head(body)
    packages: list[PackageReference] = []
    documents: list[dict[str, Any]] = []
    for each in body.bodies("Packages"):
        reference, package = each.text("Name") or "", each.text("PackageId") or ""
        feed = each.text("FeedId") or "feeds-builtin"
        packages.append(PackageReference(head["Name"], reference, package, feed))
        documents.append(
            {
                "Id": each.text("Id") or str(uuid.uuid4()),
                "Name": reference,
                "PackageId": package,
                "FeedId": feed,
                **_filled(each, _PACKAGE),
            }
        )
    return {**head, **_filled(body, _ACTION), "Packages": documents}, tuple(packages)


def _head(body: Body) -> dict[str, str]:
    name = body.text("Name")
    if name is None:
        raise Refused(400, "Validation Failed", ("A step and an action must have a name.",))
    return {
        "Id": body.text("Id") or str(uuid.uuid4()),
        "Name": name,
        "Slug": body.text("Slug") or slug_of(name),
    }


def _filled(body: Body, defaults: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, default in defaults.items():
        given = body.get(name)
        if given is None:
            made[name] = default
        elif default is not None and type(given) is not type(default):
            raise Refused(400, "Validation Failed", (f"The {name} field has the wrong type.",))
        else:
            made[name] = without_secrets(given)
    return made


def deploy_release_step(project: Project) -> dict[str, Any]:
    """Return a step, as a client writes it, that deploys a release of another project."""
    name = f"Deploy {project.name}"
    package = {
        "Name": "",
        "PackageId": project.id,
        "FeedId": RELEASES_FEED,
        "AcquisitionLocation": "NotAcquired",
    }
    action = {
        "Name": name,
        "ActionType": _DEPLOY_RELEASE,
        "Packages": [package],
        "Properties": {
            f"{_PREFIX}.ProjectId": project.id,
            f"{_PREFIX}.DeploymentCondition": "Always",
            "Octopus.Action.RunOnServer": "true",
        },
    }
    return {"Name": name, "Actions": [action]}


def child_steps(space: Space, release: Release, work: float, parts: int) -> tuple[ChildStep, ...]:
    """Return the steps of a release that deploy releases of other projects.

    `work` is the time of the whole task in seconds, which its parts share equally. Source: the step
    "Deploy a Release" (`Octopus.DeployRelease`) of Octopus' public step templates.
    """
    steps = space.processes[release.process_snapshot_id].steps
    chosen = {(action, name): version for action, name, version in release.packages}
    found: list[ChildStep] = []
    for index, step in enumerate(steps, parts - len(steps)):
        for action in (step.document or {}).get("Actions", []):
            if action["ActionType"] != _DEPLOY_RELEASE or action["IsDisabled"]:
                continue
            rules, packages = action["Properties"], action["Packages"]
            wanted = str(rules.get(f"{_PREFIX}.ProjectId") or "")
            if packages and not wanted:
                wanted = packages[0]["PackageId"]
            project = find(space.projects.values(), wanted)
            found.append(
                ChildStep(
                    step.name,
                    project.id if project else wanted,
                    chosen.get((action["Name"], packages[0]["Name"] if packages else ""), ""),
                    str(rules.get(f"{_PREFIX}.DeploymentCondition") or "Always"),
                    work * index / max(1, parts),
                )
            )
    return tuple(found)
