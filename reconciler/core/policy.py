"""A policy: the rules an environment is changed under. What is not said holds (rule 11)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.core.window import Windows


class Mode(StrEnum):
    """What a pass may do by itself."""

    OBSERVE = "observe"
    APPLY = "apply"  # what commits ask for
    HEAL = "heal"  # that, and drift that no person made


class OnFailure(StrEnum):
    """What happens to the rest of an environment after a component failed."""

    STOP = "stop"  # start nothing new, watch what runs (default)
    FINISH_STARTED = "finish-started"  # finish the wave that has started, then stop
    CONTINUE = "continue"  # go on with everything that does not depend on the failure


class OnWarning(StrEnum):
    """Whether a success with warnings settles a cell."""

    CONTINUE = "continue"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers a plan must stay within. None: the built-in default, or no limit for `changes`."""

    downgrades: int | None = None
    changes: int | None = None
    parallel: int | None = None


class Start(StrEnum):
    """Whether a plan that no other gate holds begins by itself."""

    AUTO = "auto"
    MANUAL = "manual"  # by an approval


class Preflight(StrEnum):
    """What a closed gate on one change means for the others."""

    PER_COMPONENT = "per-component"  # those that do not depend on it go ahead
    WHOLE_SET = "whole-set"  # nothing begins


class GuidedFailure(StrEnum):
    """Whether Octopus asks a person what to do where a step of a deployment fails."""

    DEFAULT = "default"  # as project and environment say in Octopus
    ON = "on"
    OFF = "off"

    @property
    def wanted(self) -> bool | None:
        """What a request says; None: nothing."""
        return None if self is GuidedFailure.DEFAULT else self is GuidedFailure.ON


@dataclass(frozen=True, slots=True)
class Approvals:
    """How many persons approve a plan, and for how many hours at most an approval stands.

    `forges` are e-mails of committers that are no persons: a forge that merges commits.
    """

    required: int = 0
    hours: int = 72
    forges: tuple[str, ...] = ()


class Forget(StrEnum):
    """What happens to machines that stay dead."""

    OFF = "off"
    REPORT = "report"  # they are named
    DELETE = "delete"  # they are deleted, under rules 44 to 46


@dataclass(frozen=True, slots=True)
class Machines:
    """What is done for, and about, the machines of an environment. The default: nothing.

    `deploy_on_arrival`: one that appears or returns gets what belongs there. `reevaluate`: before
    a pass ends, one that appeared during it gets what the pass deployed. The rest is of `forget`:
    how many hours a machine was unhealthy, how many are deleted in a pass and in a day at most,
    and which are never: by role, or by name or id.
    """

    forget: Forget = Forget.OFF
    deploy_on_arrival: bool = False
    reevaluate: bool = False
    grace_hours: int = 24
    per_pass: int = 2
    per_day: int = 5
    protected_roles: tuple[str, ...] = ()
    protected_machines: tuple[str, ...] = ()

    @property
    def serves(self) -> bool:
        """True where a machine may get a deployment of its own."""
        return self.deploy_on_arrival or self.reevaluate

    @property
    def watches(self) -> bool:
        """True where the machines of the space must be read: one request more."""
        return self.serves or self.forget is not Forget.OFF


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules an environment is changed under. The default only observes."""

    name: str = "(default)"
    mode: Mode = Mode.OBSERVE
    protected: bool = False
    limits: Limits = field(default_factory=Limits)
    on_failure: OnFailure = OnFailure.STOP
    on_warning: OnWarning = OnWarning.CONTINUE
    windows: Windows | None = None
    start: Start = Start.AUTO
    approvals: Approvals = field(default_factory=Approvals)
    preflight: Preflight = Preflight.PER_COMPONENT
    machines: Machines = field(default_factory=Machines)
    guided_failure: GuidedFailure = GuidedFailure.DEFAULT


STRICTEST = Policy(protected=True)
"""What a commit is judged by where the policy it must pass through cannot be read (rule 11)."""
