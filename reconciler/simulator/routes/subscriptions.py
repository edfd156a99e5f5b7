"""Subscriptions to events. They are kept; the simulator calls no hook and sends no mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused
from reconciler.simulator.documents import Kind, Verbs
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.documents import serve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.simulator.calls import Body

routes = Routes()

_FILTER = (
    *("Users", "Projects", "ProjectGroups", "Environments", "EventGroups", "EventCategories"),
    *("EventAgents", "Tenants", "Tags", "DocumentTypes"),
)
_NOTIFICATION: dict[str, Any] = {
    "Filter": {name: [] for name in _FILTER},
    "EmailTeams": [],
    "EmailFrequencyPeriod": "01:00:00",
    "EmailPriority": "Normal",
    "EmailShowDatesInTimeZoneId": "UTC",
    "EmailDigestLastProcessed": None,
    "EmailDigestLastProcessedEventAutoId": None,
    "WebhookURI": None,
    "WebhookTeams": [],
    "WebhookTimeout": "00:00:10",
    "WebhookHeaderKey": None,
    "WebhookHeaderValue": None,
    "WebhookLastProcessed": None,
    "WebhookLastProcessedEventAutoId": None,
}


def _complete(more: Mapping[str, Any], body: Body | None) -> Mapping[str, Any]:
    """Fill what a body leaves out of the notification, so that readers find every part."""
    del more
    given = None if body is None else body.get("EventNotificationSubscription")
    if body is not None and isinstance(given, dict):
        wanted = given.get("Filter") or {}
        if not isinstance(wanted, dict):
            raise Refused(
                400, "Model validation failed.", ("The Filter field has the wrong type.",)
            )
        body.fields["eventnotificationsubscription"] = {
            **_NOTIFICATION,
            **given,
            "Filter": {**_NOTIFICATION["Filter"], **wanted},
        }
    return {}


serve(
    routes,
    Kind(
        path="subscriptions",
        param="subscription",
        item="Subscription",
        word="Subscription",
        ids="Subscriptions",
        verbs=Verbs.of("Subscription"),
        fields={
            "Type": "Event",
            "IsDisabled": False,
            "EventNotificationSubscription": _NOTIFICATION,
        },
        template="{?skip,take,ids,partialName,spaces}",
    ),
    further=_complete,
)
