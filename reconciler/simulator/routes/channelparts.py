"""Beside channels: tests of their version rules, and their order in a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused
from reconciler.simulator.calls import Body
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.rules import satisfies

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes()


@routes.get("channels/rule-test")
def test_rule(call: Call) -> object:
    """GET /channels/rule-test: whether a version is in a range and has a tag."""
    query = call.query
    return _tested(
        call, query.text("version"), query.text("versionRange"), query.text("preReleaseTag")
    )


@routes.post("channels/rule-test")
def test_rule_of_body(call: Call) -> object:
    """POST /channels/rule-test: the same; it makes nothing."""
    body = call.body()
    return _tested(
        call, body.text("Version"), body.text("VersionRange"), body.text("PreReleaseTag")
    )


def _tested(call: Call, version: str | None, span: str | None, tag: str | None) -> object:
    call.demand_anywhere("ProjectView")
    if version is None:
        raise Refused(400, "Model validation failed.", ("The Version field is required.",))
    try:
        in_range, has_tag = satisfies(version, span, tag)
    except Refused as refused:
        return {
            "SatisfiesVersionRange": False,
            "SatisfiesPreReleaseTag": False,
            "Errors": list(refused.errors),
        }
    return {"SatisfiesVersionRange": in_range, "SatisfiesPreReleaseTag": has_tag, "Errors": []}


@routes.get("projects/{project}/channels/order")
def order_of_channels(call: Call) -> object:
    """GET /projects/{id}/channels/order: ids."""
    return [each.id for each in project_in(call).channels]


@routes.post("projects/{project}/channels/order")
def order_channels_by_post(call: Call) -> object:
    """POST /projects/{id}/channels/order: as PUT; without a body the order stays."""
    return order_channels(call)


@routes.put("projects/{project}/channels/order")
def order_channels(call: Call) -> object:
    """PUT /projects/{id}/channels/order: an array of all ids, or an object with it as `Ids`."""
    project = project_in(call)
    call.demand("ProcessEdit", project)
    written: Any = call.json()
    if written is None and call.method == "POST":
        return [each.id for each in project.channels]
    wanted = list(Body(written).texts("Ids")) if isinstance(written, dict) else written
    by_id = {each.id: each for each in project.channels}
    if not isinstance(wanted, list) or sorted(map(str, wanted)) != sorted(by_id):
        raise Refused(400, "Model validation failed.", ("The body must be all channels' ids.",))
    project.channels = [by_id[each] for each in wanted]
    return wanted
