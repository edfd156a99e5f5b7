"""Steps of deployment processes as clients write them: completed, checked, without secrets."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused
from reconciler.simulator.changes import without_secrets
from reconciler.simulator.records import PackageReference, Step
from reconciler.simulator.slugs import slug_of

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body

__all__ = ["read_steps"]

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
