"""Bodies of the requests that deploy: as they are sent, and as they may be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from reconciler.octopus.runbooks import new_run
from reconciler.octopus.wire import NewDeployment
from reconciler.ports import RunOrder

if TYPE_CHECKING:
    from reconciler.core.secret import Secret
    from reconciler.ports import DeploymentOrder

HIDDEN = "(secret)"


def new_deployment(order: DeploymentOrder) -> NewDeployment:
    """Return the body of a deployment, secrets among its values revealed."""
    return _body(order, {name: _revealed(value) for name, value in order.form_values})


def shown(order: DeploymentOrder | RunOrder) -> dict[str, Any]:
    """Return the fields of a body for people: no secret is in them."""
    fields: dict[str, Any]
    if isinstance(order, RunOrder):
        fields = msgspec.to_builtins(new_run(order))
    else:
        values = {n: v if isinstance(v, str) else HIDDEN for n, v in order.form_values}
        fields = msgspec.to_builtins(_body(order, values))
    return fields


def _body(order: DeploymentOrder, values: dict[str, str]) -> NewDeployment:
    return NewDeployment(
        release_id=order.release_id,
        environment_id=order.environment_id,
        comments=order.comments,
        form_values=values,
        tenant_id=order.tenant_id,
        specific_machine_ids=order.machine_ids,
        use_guided_failure=order.guided,
        force_package_redeployment=order.forced,
    )


def _revealed(value: str | Secret) -> str:
    return value if isinstance(value, str) else value.reveal()
