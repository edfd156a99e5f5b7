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


@dataclass(frozen=True, slots=True)
class Approvals:
    """How many persons approve a plan, and for how many hours at most an approval stands.

    `forges` are e-mails of committers that are no persons: a forge that merges commits.
    """

    required: int = 0
    hours: int = 72
    forges: tuple[str, ...] = ()


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


STRICTEST = Policy(protected=True)
"""What a commit is judged by where the policy it must pass through cannot be read (rule 11)."""
