"""Approvals: a person's word that a plan, and any later plan that is a part of it, may go ahead.

One covers its plan and every later plan whose changes are a subset of its own; any added or altered
change needs a new one. It is bound to the approver and an expiry, and counts only while Octopus
still shows that person as active and allowed to deploy every cell of the plan (rule 32).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from reconciler.core.cellkey import WHOLE
from reconciler.core.gate import Gate, GateName
from reconciler.core.policy import Start
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from reconciler.core.brake import Brake
    from reconciler.core.cellkey import CellKey
    from reconciler.core.plan import Action, Plan
    from reconciler.core.policy import Policy
    from reconciler.core.sighting import ObservedState
    from reconciler.core.state import Permissions


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One change of a plan as its digest has it: all that an approver consents to."""

    cell: CellKey
    from_version: str | None
    to_version: str | None
    redeploy: int
    machines: tuple[str, ...] = ()
    refresh: bool = False

    @classmethod
    def of(cls, action: Action) -> Change:
        """Return what a plan's action changes."""
        return cls(
            action.cell,
            action.from_version,
            action.to_version,
            action.redeploy,
            action.machines,
            action.refresh,
        )


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's approval of one plan of one environment.

    `server` is an installation id, `space` and `octopus_environment` are ids there: where the plan
    was for. `user` is Octopus' id of the approver; `name` and `email` are as Octopus had them then.
    `digest` is the plan's, `changes` what it would change; `since` is the accepted commit at that
    time (empty: none), after which its authors are found.
    `revoked_by` and `revoked_at` are set once somebody took it back.
    """

    environment: str
    server: str
    space: str
    octopus_environment: str
    user: str
    name: str
    email: str
    digest: str
    changes: frozenset[Change]
    since: str
    given: datetime
    expires: datetime
    revoked_by: str = ""
    revoked_at: datetime | None = None

    def in_force(self, at: datetime) -> bool:
        """Tell whether it is neither revoked nor expired at a moment (aware UTC)."""
        return self.revoked_at is None and at < self.expires

    def covers(self, plan: Plan, observed: ObservedState) -> bool:
        """Tell whether a plan's changes, there, are a subset of the approved ones."""
        there = observed.server.installation_id, observed.space_id, observed.environment_id
        mine = plan.environment == self.environment
        mine = mine and there == (self.server, self.space, self.octopus_environment)
        return mine and self.changes.issuperset(map(Change.of, plan.changes))


@dataclass(frozen=True, slots=True)
class Approver:
    """A person in Octopus as of now. `permissions` are those in the space of the environment."""

    user: str
    name: str
    email: str
    is_active: bool
    is_service: bool
    permissions: Permissions


@dataclass(frozen=True, slots=True)
class Committed:
    """The e-mails of one commit: who wrote it, and who put it on its branch."""

    author: str
    committer: str


Known: TypeAlias = "Mapping[str, str]"
"""The ids of Octopus' users by e-mail in small letters; an e-mail that two have is not there."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The approvals of one plan as they count now, by the ids of those who gave them.

    `all` count for gate `start`, `others` where the author and the merger do not; `void` says in
    words why one that covers the plan counts for nothing, or not as another person's. `is_blind`:
    the observing key may not see users, so that no approval can be checked.
    """

    all: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    void: tuple[str, ...] = ()
    is_blind: bool = False


def lacking(approver: Approver, plan: Plan, observed: ObservedState) -> str:
    """Say why a person's approval of a plan counts for nothing; empty: it counts."""
    if approver.is_service:
        return "is a service account, and approving is a person's"
    if not approver.is_active:
        return "is not active in Octopus any more"
    may = approver.permissions
    for action in plan.changes:
        cell = observed.cells[action.cell]
        where = (observed.space_id, cell.project, observed.environment_id, cell.tenant_id)
        if not may.allows("DeploymentCreate", *where):
            return f"lacks DeploymentCreate for {action.cell} in Octopus"
    return ""


def same_person(
    approver: Approver, people: Collection[Committed] | None, policy: Policy, known: Known
) -> str:
    """Say why an approver may be the author or the merger; empty: it is another person.

    `people` are those of the commits since the one that was accepted, None where they cannot be
    told. Whom Octopus does not know may be anybody.
    """
    if not people:
        return "cannot be told from the author: no commit since the accepted one says who it is"
    emails = {one.author for one in people}
    emails |= {one.committer for one in people} - set(policy.approvals.forges)
    for email in sorted(emails):
        user = known.get(email.casefold())
        if user is None:
            said = clean(email, 80) or "nobody"
            return f"cannot be told from {said}, whom Octopus does not know by e-mail"
        if user == approver.user:
            return "is the author or the merger"
    return ""


def approval_gates(
    plan: Plan, policy: Policy, standing: Standing, brakes: tuple[Brake, ...]
) -> tuple[Gate, ...]:
    """Return the closed gates that approvals open: `needs-approval`, `start` and `brake`.

    The brake of a protected environment opens by another person's approval only (rules 9, 32).
    """
    if not plan.has_work:
        return ()
    counted = standing.others if policy.protected else standing.all
    required = policy.approvals.required
    how = f"`reconciler approve {plan.environment} --plan {plan.digest[:12]}`"
    if standing.is_blind:
        how = f"an administrator grants the observing key UserView in Octopus; then {how}"
    gates = []
    if len(counted) < max(required, 1):
        gates += [
            Gate(WHOLE, GateName.BRAKE, brake.message, f"{how}{_who(policy)}; or {brake.opener}")
            for brake in brakes
        ]
    if len(counted) < required:
        message = f"{len(counted)} of {required} approvals that policy '{policy.name}' asks for"
        if standing.void:
            message = f"{message}; {standing.void[0]}"
        gates.append(Gate(WHOLE, GateName.NEEDS_APPROVAL, message, f"{how}{_who(policy)}"))
    if policy.start is Start.MANUAL and not standing.all:
        message = f"policy '{policy.name}' says start: manual"
        gates.append(Gate(WHOLE, GateName.START, message, how))
    return tuple(gates)


def _who(policy: Policy) -> str:
    """Say whose approval counts."""
    return " by a person who is neither author nor merger" if policy.protected else ""
