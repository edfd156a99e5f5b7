"""What an account can reach in Azure. Nobody asks Azure here, so there is nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Answer, Refused, missing
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.cloudaccounts import ACCOUNTS
from reconciler.simulator.x509 import self_signed

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes()

_PRINCIPALS = ("AzureServicePrincipal", "AzureOidc")


@routes.get("accounts/{account}/pk")
def public_key(call: Call) -> object:
    """GET /accounts/{id}/pk: of an Azure subscription, whose certificate the server makes."""
    account = ACCOUNTS.named(call)
    if account.more.get("AccountType") != "AzureSubscription":
        raise missing("Certificate")
    account.content = account.content or self_signed("Octopus Deploy", None, call.now)
    return Answer(account.content, content_type="application/x-x509-ca-cert")


@routes.get("accounts/{account}/resourceGroups")
def resource_groups(call: Call) -> object:
    """GET /accounts/{id}/resourceGroups."""
    return _nothing(call)


@routes.get("accounts/{account}/storageAccounts")
def storage_accounts(call: Call) -> object:
    """GET /accounts/{id}/storageAccounts."""
    return _nothing(call)


@routes.get("accounts/{account}/websites")
def web_sites(call: Call) -> object:
    """GET /accounts/{id}/websites."""
    return _nothing(call)


@routes.get("accounts/{account}/fabricApplications")
def fabric_applications(call: Call) -> object:
    """GET /accounts/{id}/fabricApplications."""
    return _nothing(call)


@routes.get("accounts/{account}/{resourceGroup}/websites/{webSite}/slots")
def web_site_slots(call: Call) -> object:
    """GET /accounts/{id}/{resourceGroup}/websites/{webSite}/slots."""
    return _nothing(call)


def _nothing(call: Call) -> list[object]:
    account = ACCOUNTS.named(call)
    if account.more.get("AccountType") not in _PRINCIPALS:
        raise Refused(400, "Account must be an Azure Service Principal Account.")
    return []
