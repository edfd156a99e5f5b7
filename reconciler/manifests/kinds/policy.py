"""Kind Policy: the rules an environment is changed under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from reconciler.core.manifest import Kind, Place
from reconciler.core.policy import (
    Approvals,
    Forget,
    GuidedFailure,
    Limits,
    Machines,
    Mode,
    OnFailure,
    OnWarning,
    Policy,
    Preflight,
    Start,
)
from reconciler.manifests.kinds.common import Unfit
from reconciler.manifests.windows import windows_of

if TYPE_CHECKING:
    from reconciler.manifests.kinds.common import Head
    from reconciler.manifests.tree import Branch


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A Policy."""

    KIND: ClassVar[Kind] = Kind.POLICY

    name: str
    place: Place
    policy: Policy


def build_policy(head: Head, spec: Branch) -> PolicyDocument:
    """Build a policy; what it does not say is the default's.

    Raises:
        Unfit: a time, a date or the time zone of its windows is none.
    """
    fields = spec.value
    try:
        windows = windows_of(fields["windows"]) if "windows" in fields else None
    except ValueError:
        raise Unfit from None
    policy = Policy(
        name=head.name,
        mode=Mode(fields.get("mode", Mode.OBSERVE)),
        protected=fields.get("protected", False),
        limits=Limits(**fields.get("limits", {})),
        on_failure=OnFailure(fields.get("onFailure", OnFailure.STOP)),
        on_warning=OnWarning(fields.get("onWarning", OnWarning.CONTINUE)),
        windows=windows,
        start=Start(fields.get("start", Start.AUTO)),
        preflight=Preflight(fields.get("preflight", Preflight.PER_COMPONENT)),
        guided_failure=GuidedFailure(fields.get("guidedFailure", GuidedFailure.DEFAULT)),
        approvals=_approvals(fields.get("approvals", {})),
        machines=_machines(fields.get("machines", {})),
    )
    return PolicyDocument(head.name, head.place, policy)


def _approvals(fields: dict[str, Any]) -> Approvals:
    default = Approvals()
    return Approvals(
        required=fields.get("required", default.required),
        hours=fields.get("hours", default.hours),
        forges=tuple(fields.get("forges", ())),
    )


def _machines(fields: dict[str, Any]) -> Machines:
    default = Machines()
    return Machines(
        forget=Forget(fields.get("forget", default.forget)),
        deploy_on_arrival=fields.get("deployOnArrival", default.deploy_on_arrival),
        reevaluate=fields.get("reevaluate", default.reevaluate),
        grace_hours=fields.get("graceHours", default.grace_hours),
        per_pass=fields.get("perPass", default.per_pass),
        per_day=fields.get("perDay", default.per_day),
        protected_roles=tuple(fields.get("protectedRoles", ())),
        protected_machines=tuple(fields.get("protectedMachines", ())),
    )
