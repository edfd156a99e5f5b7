"""What the simulator has none of: lists are served, empty, since clients read them first.

To write there is a 405.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import missing
from reconciler.simulator.paging import page
from reconciler.simulator.router import Routes

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes()

_NONE = {
    "accounts": ("Account", "AccountView"),
    "artifacts": ("Artifact", "ArtifactView"),
    "certificates": ("Certificate", "CertificateView"),
    "proxies": ("Proxy", "ProxyView"),
    "subscriptions": ("Subscription", "SubscriptionView"),
}
"""Collections without anything in them: kind and the permission to look."""


def _serve_empty(path: str, kind: str, permission: str) -> None:
    @routes.get(path)
    def listed(call: Call) -> object:
        call.demand_anywhere(permission)
        return page(call, kind.replace(" ", ""), [], lambda each: each)

    @routes.get(f"{path}/all")
    def every(call: Call) -> object:
        call.demand_anywhere(permission)
        return []

    @routes.on("GET", f"{path}/{{nothing}}")
    def one(call: Call) -> object:
        call.demand_anywhere(permission)
        raise missing(kind)


for _path, (_kind, _permission) in _NONE.items():
    _serve_empty(_path, _kind, _permission)
