"""Runbooks around deployments: what is run before and after, as stacks name it and Octopus has it.

A run is asked for like a deployment: as an intent with verb `runbook`, whose version is the
runbook's id. It serves one deployment, or all changes of a pass, and says so in its comments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.core.canonical import digest_hex
from reconciler.core.cellkey import component_of
from reconciler.core.intent import Comments, CommentTag

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.core.intent import IntentRecord


class Moment(StrEnum):
    """When a runbook is run."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Runbook:
    """A runbook as a stack names it: by id, slug or name, in a project (None: the component's own).

    `machines` is the output variable in which a run names the machines of the deployment that
    follows; None: it names none.
    """

    name: str
    project: str | None = None
    machines: str | None = None

    @property
    def key(self) -> str:
        """How it is called where its project is not plain."""
        return self.name if self.project is None else f"{self.project}/{self.name}"


@dataclass(frozen=True, slots=True)
class Around:
    """The runbooks around a deployment, or around all changes of a pass, in order."""

    before: tuple[Runbook, ...] = ()
    after: tuple[Runbook, ...] = ()

    @property
    def all(self) -> tuple[Runbook, ...]:
        """Every one of them."""
        return (*self.before, *self.after)


NOTHING = Around()


@dataclass(frozen=True, slots=True)
class FoundRunbook:
    """A runbook as Octopus has it. `snapshot` is the published one, None where there is none.

    `environments` are the ids it is limited to, None: it is not, or by lifecycles. `tenancy` is
    Untenanted, TenantedOrUntenanted or Tenanted.
    """

    id: str
    project_id: str
    name: str
    slug: str
    snapshot: str | None
    environments: frozenset[str] | None
    tenancy: str

    def is_called(self, reference: str) -> bool:
        """Tell whether a stack may mean it by these words."""
        wanted = reference.casefold()
        return reference == self.id or wanted in (self.slug.casefold(), self.name.casefold())


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run by id. Its `comments` are foreign text; `variables` is the id of its variable set."""

    id: str
    runbook_id: str
    project_id: str
    environment_id: str
    tenant_id: str | None
    task_id: str
    created: datetime
    run_by_id: str
    comments: str
    variables: str | None


def served(serves: tuple[str, ...]) -> str:
    """Return 64 hex digits for what a run serves: an intent's own id, or a digest of several."""
    return serves[0] if len(serves) == 1 else digest_hex(list(serves))


_WHOLE = "all changes"
_SENTENCE = re.compile(
    r"\AReconciler: (?P<moment>before|after) (?P<whom>[a-z0-9._-]+|all changes) in "
    r"(?P<environment>[a-z0-9._-]+): runbook (?P<runbook>.+), for (?P<served>[0-9a-f]{64})\. \["
)


@dataclass(frozen=True, slots=True)
class RunComments:
    """A run's comments: a sentence for people, then the tag that those of deployments end in."""

    moment: str
    whom: str
    environment: str
    runbook: str
    served: str
    tag: CommentTag

    @classmethod
    def of(cls, record: IntentRecord) -> RunComments:
        """Return the comments of the run that an intent asks for."""
        return cls(
            record.action,
            component_of(record.cell) or _WHOLE,
            record.environment,
            record.runbook,
            served(record.serves),
            CommentTag(record.intent.id, record.commit, record.plan_digest),
        )

    def __str__(self) -> str:
        return (
            f"Reconciler: {self.moment} {self.whom} in {self.environment}: runbook {self.runbook}, "
            f"for {self.served}. {self.tag}"
        )

    @classmethod
    def read(cls, text: str) -> RunComments | None:
        """Return what `text` says if a reconciler wrote it, else None."""
        tag, found = CommentTag.find(text), _SENTENCE.match(text)
        if tag is None or found is None:
            return None
        said = cls(**found.groupdict(), tag=tag)
        return said if str(said) == text.rstrip() else None


def comments_of(record: IntentRecord) -> str:
    """Return the comments of whatever an intent asks for."""
    return str(RunComments.of(record) if record.is_run else Comments.of(record))
