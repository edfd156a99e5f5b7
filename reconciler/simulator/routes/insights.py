"""Reports about the pace of delivery, kept as clients write them; nothing is computed of them."""

from __future__ import annotations

from reconciler.simulator.documents import Kind, Verbs
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.documents import serve

routes = Routes()

serve(
    routes,
    Kind(
        path="insights/reports",
        param="insightsReport",
        item="InsightsReport",
        word="Insights Report",
        ids="InsightsReports",
        verbs=Verbs.of("InsightsReport"),
        fields={
            "Description": None,
            "ProjectGroupIds": [],
            "ProjectIds": [],
            "ChannelIds": [],
            "EnvironmentGroups": [],
            "TenantIds": [],
            "TenantTags": [],
            "TenantMode": "Untenanted",
            "AllTenants": False,
            "TimeZone": "UTC",
            "IconId": None,
            "IconColor": None,
        },
        template="{?skip,take}",
    ),
)
