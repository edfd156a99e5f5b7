"""Proxies that machines are reached through."""

from __future__ import annotations

from reconciler.simulator.documents import SECRET, Kind, Verbs
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.documents import serve

routes = Routes()

serve(
    routes,
    Kind(
        path="proxies",
        param="proxy",
        item="Proxy",
        word="Proxy",
        ids="Proxies",
        verbs=Verbs.of("Proxy"),
        fields={
            "Host": None,
            "Port": 80,
            "Username": None,
            "Password": SECRET,
            "ProxyType": "HTTP",
        },
    ),
)
