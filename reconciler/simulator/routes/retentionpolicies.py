"""What a space keeps where a lifecycle or runbook says "default".

Source: Octopus' public Go client, `pkg/retention`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, missing
from reconciler.simulator.changes import changed_fields, note
from reconciler.simulator.documents import Document
from reconciler.simulator.router import Routes

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes()

_PATH = "retentionpolicies"
_TYPES = ("LifecycleRelease", "LifecycleTentacle", "RunbookRetention")
_FIELDS = {"QuantityToKeep": 0, "Strategy": "Forever", "Unit": "Items"}
_WORDS = {"Strategy": ("Forever", "Count"), "Unit": ("Days", "Items")}


def _held(call: Call) -> dict[str, Document]:
    """Return the three policies of the space, which it is born with."""
    held = call.space.documents.setdefault(_PATH, {})
    for name in _TYPES if not held else ():
        policy_id = f"RetentionPolicies-{name}-{call.space.id}"
        held[policy_id] = Document(policy_id, name)
    return held


def _shown(call: Call, policy: Document) -> dict[str, Any]:
    return {
        "Id": policy.id,
        "SpaceId": call.space.id,
        "Name": f"Default {policy.name} policy",
        "RetentionType": policy.name,
        **_FIELDS,
        **policy.more,
        "Links": {"Self": f"/api/{call.space.id}/{_PATH}/{policy.id}"},
    }


@routes.get(_PATH)
def policy_of_type(call: Call) -> object:
    """GET /retentionpolicies?RetentionType=: the one policy of a type."""
    call.demand("LifecycleView")
    wanted = (call.query.text("RetentionType") or "").casefold()
    for policy in _held(call).values():
        if policy.name.casefold() == wanted:
            return _shown(call, policy)
    raise Refused(400, "Please provide a RetentionType.")


def _policy_in(call: Call) -> Document:
    policy = _held(call).get(call.param("retention"))
    if policy is None:
        raise missing("Retention Policy")
    return policy


@routes.get(f"{_PATH}/{{retention}}")
def one_policy(call: Call) -> object:
    """GET /retentionpolicies/{id}."""
    call.demand("LifecycleView")
    return _shown(call, _policy_in(call))


@routes.put(f"{_PATH}/{{retention}}")
def change_policy(call: Call) -> object:
    """PUT /retentionpolicies/{id}: strategy, unit and quantity."""
    call.demand("LifecycleEdit")
    policy = _policy_in(call)
    body = call.body()
    for name, words in _WORDS.items():
        if body.text(name) not in (None, *words):
            raise Refused(400, "Model validation failed.", (f"The {name} is none of {words}.",))
    policy.more = changed_fields(_FIELDS, body, kept=policy.more)
    note(call, "Modified", "Retention policy", policy.name, policy.id)
    return _shown(call, policy)
