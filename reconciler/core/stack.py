"""A stack: components, their Octopus projects, and the order among them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.core.runbook import NOTHING, Around

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.core.manifest import Place
    from reconciler.core.variables import Template
    from reconciler.core.versionrange import VersionRange


@dataclass(frozen=True, slots=True)
class Use:
    """What a component needs of another stack's: to run in a version of the range, first.

    `stack` is None where only the component is named; the key of the manifest is `named`. A use
    orders and holds; it never pins.
    """

    component: str
    stack: str | None
    range: VersionRange
    place: Place

    @property
    def named(self) -> str:
        """The component as it is written: `identity-server` or `identity/identity-server`."""
        return self.component if self.stack is None else f"{self.stack}/{self.component}"


@dataclass(frozen=True, slots=True)
class RetryRule:
    """How a deployment that failed is tried again by itself (rules 12, 20).

    At most `times` further ones of a version, the first `after` the failure and each next one after
    twice as long, none begun later than `within` from the first one's beginning.
    """

    times: int
    after: timedelta
    within: timedelta

    def next_try(
        self, failures: int, began: datetime, ended: datetime, chance: float
    ) -> datetime | None:
        """Return when the next one may begin after so many failures in a row; None: never.

        `began`: when the first of them was asked for, `ended`: when the last one ended. `chance`
        (0 to 1) spreads the wait by a quarter to both sides.
        """
        if failures > self.times:
            return None
        due = ended + self.after * 2 ** (failures - 1) * (0.75 + chance / 2)
        return due if due <= began + self.within else None


NEVER = RetryRule(0, timedelta(0), timedelta(0))


@dataclass(frozen=True, slots=True)
class Component:
    """A deployable part of a stack.

    `project` is the id, slug or name of its Octopus project; `project_by_space` overrides it for
    the named Space manifests. `after` names components that are deployed before this one, `uses`
    those of other stacks. `channels` are names or ids of the Octopus channels whose releases it is
    deployed from; empty: any. `variables` are values of prompted variables, by name. `retry` None:
    as the stack says. `runbooks` are run around each of its deployments; what depends on it begins
    `soak` after the last of them.
    """

    name: str
    project: str
    place: Place
    after: tuple[str, ...] = ()
    up_only: bool = False
    project_by_space: tuple[tuple[str, str], ...] = ()
    channels: tuple[str, ...] = ()
    uses: tuple[Use, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    retry: RetryRule | None = None
    runbooks: Around = NOTHING
    soak: timedelta = timedelta()

    def project_in(self, space: str) -> str:
        """Return the project reference that applies in the Space manifest named `space`."""
        return dict(self.project_by_space).get(space, self.project)


@dataclass(frozen=True, slots=True)
class Stack:
    """A set of components and their order. The graph of `after` has no cycle: checked on load.

    `uses` holds for every component. `templates` are the prompted variables that environments give
    values for, by name. `retry` holds for components that say nothing of it. `runbooks` are run
    before the first change of a pass, and after the last.
    """

    name: str
    components: Mapping[str, Component]
    place: Place
    owners: tuple[str, ...] = ()
    uses: tuple[Use, ...] = ()
    templates: tuple[Template, ...] = ()
    runbooks: Around = NOTHING
    retry: RetryRule = NEVER

    @property
    def runs_runbooks(self) -> bool:
        """True where any runbook is run around anything."""
        around = (self.runbooks, *(one.runbooks for one in self.components.values()))
        return any(each.all for each in around)

    def retry_of(self, component: str) -> RetryRule:
        """Return how failed deployments of a component are tried again by themselves."""
        found = self.components.get(component)
        return self.retry if found is None or found.retry is None else found.retry
