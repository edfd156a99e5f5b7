"""The promise written before a request that changes Octopus (rules 12 to 14).

An intent's id is the SHA-256 of the canonical bytes of what is asked for, where it is asked, and
which deployment of the cell was the newest when it was asked. Any later deployment in the cell,
whoever made it, changes `after`, so one intent is never meant twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.core.canonical import digest_hex
from reconciler.core.cellkey import component_of

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.core.cellkey import CellKey
    from reconciler.core.plan import Action
    from reconciler.core.sighting import ObservedState


@dataclass(frozen=True, slots=True)
class Intent:
    """What one deployment request means. All ids are Octopus' own."""

    server: str
    space: str
    environment: str
    tenant: str | None
    project: str
    version: str
    machines: tuple[str, ...]
    after: str | None
    verb: str = "deploy"

    @property
    def id(self) -> str:
        """64 hex digits, the same for equal intents on every machine."""
        return digest_hex(
            {
                "after": self.after,
                "environment": self.environment,
                "kind": self.verb,
                "machines": sorted(self.machines),
                "project": self.project,
                "server": self.server,
                "space": self.space,
                "tenant": self.tenant,
                "version": self.version,
            }
        )


def intent_of(observed: ObservedState, action: Action) -> Intent | None:
    """Return what one change asks of Octopus, None where its cell was not read."""
    cell = observed.cells.get(action.cell)
    environment, version = observed.environment_id, action.to_version
    if cell is None or cell.project is None or environment is None or version is None:
        return None
    return Intent(
        server=observed.server.installation_id,
        space=observed.space_id,
        environment=environment,
        tenant=cell.tenant_id,
        project=cell.project.id,
        version=version,
        machines=action.machines,
        after=cell.newest,
    )


RUNBOOK = "runbook"
"""The verb of an intent that asks for a run of a runbook."""


class Progress(StrEnum):
    """How far an intent got. `promised` may or may not have reached Octopus."""

    PROMISED = "promised"
    LAUNCHED = "launched"
    FINISHED = "finished"
    RECEIPTED = "receipted"
    VOID = "void"  # proved absent from Octopus: it was never carried out


class Outcome(StrEnum):
    """How a deployment ended, in the words of a receipt."""

    SUCCESS = "Success"
    SUCCESS_WITH_WARNINGS = "SuccessWithWarnings"
    FAILED = "Failed"
    CANCELED = "Canceled"
    TIMED_OUT = "TimedOut"
    UNKNOWN = "Unknown"


SUCCEEDED = frozenset({Outcome.SUCCESS, Outcome.SUCCESS_WITH_WARNINGS})


@dataclass(frozen=True, slots=True)
class IntentRecord:
    """An intent with what the journal keeps beside it.

    `environment` is the manifest's name, `cell` the key of the cell in it. `replaces` is the
    version the cell ran before, None if none. `redeploy` is the pin's counter at the time (rule
    12). `settled` is None until finished; False where the deployment did not settle the cell.
    `approvals` are the ids of the users who had approved its plan.
    `adopted`: rebuilt from Octopus because the store that promised it is lost, and what it knew of
    approvals with it.

    Of a run of a runbook, `runbook` is how its stack names it, `action` when it is run (before,
    after), and `serves` are the ids of the deployments' intents it is run for. Of a deployment,
    `owes` are the runbooks to be run after it, and `runbook` is the one that named its machines:
    those are then all that were meant. `ended`: when its end was noted.
    """

    intent: Intent
    environment: str
    cell: CellKey
    project_slug: str
    commit: str
    plan_digest: str
    action: str
    replaces: str | None
    redeploy: int
    promised_at: datetime
    progress: Progress = Progress.PROMISED
    deployment_id: str | None = None
    task_id: str | None = None
    outcome: Outcome | None = None
    settled: bool | None = None
    adopted: bool = False
    approvals: tuple[str, ...] = ()
    serves: tuple[str, ...] = ()
    owes: tuple[str, ...] = ()
    runbook: str = ""
    ended: datetime | None = None

    @property
    def is_run(self) -> bool:
        """True of a run of a runbook."""
        return self.intent.verb == RUNBOOK


_TAG = re.compile(
    r"\[reconciler intent=([0-9a-f]{64}) commit=([0-9a-f]{40,64}) plan=([0-9a-f]{64})\]\s*\Z"
)


@dataclass(frozen=True, slots=True)
class CommentTag:
    """The end of a deployment's comments: enough to find and receipt it without the store."""

    intent: str
    commit: str
    plan: str

    def __str__(self) -> str:
        return f"[reconciler intent={self.intent} commit={self.commit} plan={self.plan}]"

    @classmethod
    def find(cls, comments: str) -> CommentTag | None:
        """Return the tag at the very end of `comments`, or None."""
        found = _TAG.search(comments)
        return None if found is None else cls(*found.groups())


_SENTENCE = re.compile(
    r"\AReconciler: (?P<action>upgrade|downgrade|redeploy) (?P<component>[a-z0-9._-]+)"
    r"(?: from (?P<replaces>\S+))? to (?P<version>\S+) in (?P<environment>[a-z0-9._-]+)\. \["
)


@dataclass(frozen=True, slots=True)
class Comments:
    """A deployment's comments: a sentence for people, then the tag.

    Together with the deployment itself they hold everything a receipt needs, so that a lost store
    loses no receipt.
    """

    action: str
    component: str
    replaces: str | None
    version: str
    environment: str
    tag: CommentTag

    @classmethod
    def of(cls, record: IntentRecord) -> Comments:
        """Return the comments of the deployment that an intent asks for."""
        return cls(
            record.action,
            component_of(record.cell),
            record.replaces,
            record.intent.version,
            record.environment,
            CommentTag(record.intent.id, record.commit, record.plan_digest),
        )

    def __str__(self) -> str:
        came = f" from {self.replaces}" if self.replaces else ""
        return (
            f"Reconciler: {self.action} {self.component}{came} to {self.version} "
            f"in {self.environment}. {self.tag}"
        )

    @classmethod
    def read(cls, text: str) -> Comments | None:
        """Return what `text` says if a reconciler wrote it, else None."""
        tag = CommentTag.find(text)
        found = _SENTENCE.match(text)
        if tag is None or found is None:
            return None
        said = cls(**found.groupdict(), tag=tag)
        return said if str(said) == text.rstrip() else None
