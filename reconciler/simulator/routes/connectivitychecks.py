"""Tests of connections to other servers: every host answers, save those in `.invalid`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.simulator.router import Routes, Scope

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

__all__ = ["check", "routes"]

routes = Routes(Scope.SYSTEM)


def check(url: str) -> dict[str, object]:
    """Return what a test of the connection to an address finds."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    if not host or host.endswith(".invalid"):
        found = {"Category": "Error", "Message": f"Could not connect to {host or url!r}."}
    else:
        found = {"Category": "Info", "Message": f"{host} can be reached."}
    return {"Messages": [found]}


def _check(call: Call) -> object:
    call.demand_system("ConfigureServer")
    return check(call.body().text("BaseUrl") or "")


for _path in (
    "azuredevopsissuetracker/connectivitycheck",
    "jiraintegration/connectivitycheck/connectapp",
    "jiraintegration/connectivitycheck/jira",
):
    routes.post(_path)(_check)
