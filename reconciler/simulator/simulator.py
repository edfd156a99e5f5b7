"""The simulator as tests and the command hold it: one server's state, its app, its strings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from reconciler.simulator import (
    acquiring,
    children,
    chores,
    deploying,
    firing,
    machinery,
    mishaps,
    retention,
    running,
    targettriggers,
)
from reconciler.simulator.application import Application, RequestSeen
from reconciler.simulator.automation import Automation
from reconciler.simulator.control import control_routes
from reconciler.simulator.faults import Fault, Faults
from reconciler.simulator.machines import Machines
from reconciler.simulator.people import People
from reconciler.simulator.populate import populate
from reconciler.simulator.records import TaskState
from reconciler.simulator.routes import make_router
from reconciler.simulator.routes.serviceaccounts import outer_routes
from reconciler.simulator.runs import Runbooks
from reconciler.simulator.scripts import Scripts
from reconciler.simulator.states import read_world, write_world
from reconciler.simulator.tenants import Tenants
from reconciler.simulator.times import utcnow
from reconciler.simulator.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.simulator.seed import Seed

__all__ = ["BadKey", "DeploymentSeen", "Simulator", "check_key"]

_KEY = re.compile(r"API-[A-Z0-9]+")
_PARTS = (
    *(deploying, children, running, machinery, acquiring, mishaps, chores, targettriggers),
    *(firing, retention),
)
"""What hears of tasks that change, in this order."""


class BadKey(ValueError):
    """A key does not look like one that Octopus' clients accept."""


def check_key(key: str) -> str:
    """Return the key when it looks like `API-` and capital letters or digits.

    Raises:
        BadKey: it does not. The message does not repeat the key.
    """
    if not _KEY.fullmatch(key):
        raise BadKey("an API key must be 'API-' followed by capital letters and digits only")
    return key


@dataclass(frozen=True, slots=True)
class DeploymentSeen:
    """One deployment as the server has it now."""

    id: str
    task_id: str
    version: str
    environment: str
    state: str
    comments: str | None
    deployed_by: str
    created: datetime
    queue_time: datetime
    completed: datetime | None


class Simulator(Scripts, People, Automation, Machines, Runbooks, Tenants):
    """An Octopus Deploy server in memory. Every method is safe beside running requests.

    Projects, environments and spaces are named by id, slug or name; no space means the default
    one. Time is `clock()` plus what `advance` turned it by: everything due by then has happened
    whenever a request or a method looks.

    Raises:
        BadKey: a key does not look like an Octopus API key.
        ValueError: `task_seconds` is no number from 0 to 1000000.
    """

    def __init__(
        self,
        seed: Seed,
        *,
        clock: Callable[[], datetime] = utcnow,
        api_key: str = "API-ADMINISTRATOR",
        service_api_key: str = "API-SERVICE",
        task_seconds: float = 10.0,
    ) -> None:
        if not 0 <= task_seconds <= 1_000_000:
            raise ValueError("a task takes from 0 to 1000000 seconds")
        if check_key(api_key) == check_key(service_api_key):
            raise BadKey("administrator and service account need different keys")
        self.api_key = api_key
        self.service_api_key = service_api_key
        super().__init__(World(clock, task_seconds=task_seconds))
        for part in _PARTS:
            part.attach(self.world)
        populate(self.world, seed, api_key=api_key, service_api_key=service_api_key)
        self._faults = Faults()
        router = make_router([*control_routes(self), *outer_routes()])
        self.app = Application(self.world, router, self._faults, self._lock)

    def advance(self, seconds: float) -> None:
        """Turn the clock forward and play what is due by then."""
        with self._playing() as world:
            world.turned += timedelta(seconds=seconds)
            world.advance()

    def backup(self) -> bytes:
        """Return the whole state as it is now, as one line of JSON; faults are no part of it."""
        with self._playing() as world:
            kept = write_world(world)
            kept["keys"] = [self.api_key, self.service_api_key]
            return msgspec.json.encode(kept)

    def restore(self, backup: bytes) -> None:
        """Put the state of a backup in place of the present one, keys included.

        Time goes on by the clock: what fell due since then happens now. Ids that were given
        since then are given again.

        Raises:
            BadState: it is no backup that this version can read; nothing was changed.
        """
        with self._lock:
            self.api_key, self.service_api_key = read_world(self.world, backup)
            self.world.advance()

    def change_keys(self, api_key: str | None, service_api_key: str | None) -> None:
        """Let other keys take the place of the two that the simulator began with; None: not."""
        with self._lock:
            keys = self.world.keys
            for attribute, new in (("api_key", api_key), ("service_api_key", service_api_key)):
                old = getattr(self, attribute)
                if new is not None and old in keys:
                    keys[check_key(new)] = keys.pop(old)
                    setattr(self, attribute, new)

    def restart(self) -> None:
        """Let the server stop and start: what ran fails, what is queued stays queued."""
        with self._playing() as world:
            mishaps.restart(world)

    def later(self, seconds: float, happen: Callable[[], None]) -> None:
        """Let something happen so many seconds from now, by the server's clock.

        `happen` is called in a world that is played to that moment; it may use every method here.
        """
        with self._playing() as world:
            world.mishaps.append((world.now + timedelta(seconds=seconds), happen))
            world.mishaps.sort(key=lambda each: each[0])

    @property
    def now(self) -> datetime:
        """Return the simulator's time."""
        return self.world.clock()

    @property
    def requests(self) -> tuple[RequestSeen, ...]:
        """Return the requests served so far, oldest first (the last 100 000)."""
        return tuple(self.app.requests)

    def forget_requests(self) -> None:
        """Start counting requests anew."""
        self.app.requests.clear()

    @property
    def project_limit(self) -> int | None:
        """Return how many projects a dashboard shows at most; None: all."""
        return self.world.project_limit

    @project_limit.setter
    def project_limit(self, limit: int | None) -> None:
        self.world.project_limit = limit

    @property
    def slots(self) -> int:
        """Return how many tasks run at once."""
        return self.world.engine.slots

    @slots.setter
    def slots(self, slots: int) -> None:
        self.world.engine.slots = slots

    @property
    def cancel_seconds(self) -> float:
        """Return how long a running task stays Cancelling."""
        return self.world.engine.cancel_seconds

    @cancel_seconds.setter
    def cancel_seconds(self, seconds: float) -> None:
        self.world.engine.cancel_seconds = seconds

    @property
    def waiting_frees_slot(self) -> bool:
        """Return whether a task that waits for a person gives its slot to another."""
        return self.world.engine.waiting_frees_slot

    @waiting_frees_slot.setter
    def waiting_frees_slot(self, frees: bool) -> None:
        self.world.engine.waiting_frees_slot = frees

    @property
    def waiting_shows_queued(self) -> bool:
        """Return whether waiting tasks are shown as Queued, as older servers did."""
        return self.world.waiting_shows_queued

    @waiting_shows_queued.setter
    def waiting_shows_queued(self, shows: bool) -> None:
        self.world.waiting_shows_queued = shows

    @property
    def is_in_maintenance(self) -> bool:
        """Return whether only administrators may write."""
        return self.world.is_in_maintenance

    @is_in_maintenance.setter
    def is_in_maintenance(self, on: bool) -> None:
        self.world.is_in_maintenance = on

    @property
    def is_draining(self) -> bool:
        """Return whether the node starts no new tasks."""
        return self.world.is_draining

    @is_draining.setter
    def is_draining(self, on: bool) -> None:
        self.world.is_draining = on

    def limit_rate(self, per_minute: int | None, *, burst: int = 1) -> None:
        """Let every user make so many requests a minute; None lifts the limit."""
        with self._lock:
            for policy in self.world.rate_policies.values():
                policy.is_enabled = per_minute is not None
                policy.per_minute, policy.burst = per_minute or policy.per_minute, burst
                policy.buckets.clear()

    def fault(self, kind: str, **more: Any) -> Fault:
        """Put a scripted fault in force; the names are those of `Fault`."""
        return self.add_fault(Fault(kind, **more))  # type: ignore[arg-type]

    def add_fault(self, fault: Fault) -> Fault:
        """Put a scripted fault in force."""
        with self._lock:
            self._faults.add(fault)
        return fault

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Return the faults of requests in force, with how often each acted."""
        return tuple(self._faults.all)

    def clear_faults(self) -> None:
        """Lift every fault of requests."""
        with self._lock:
            self._faults.clear()

    def clear_scripts(self) -> None:
        """Forget what was to become of next deployments, and what was to happen later."""
        with self._lock:
            self.world.scripts.clear()
            self.world.mishaps.clear()

    def running(self, project: str, environment: str, *, space: str | None = None) -> str | None:
        """Return the version of a cell's newest success, None when there is none."""
        with self._playing():
            for deployment in reversed(self._cell(project, environment, space)):
                if deployment.task.state is TaskState.SUCCESS:
                    return deployment.release.version
            return None

    def deployments(
        self, project: str, environment: str, *, space: str | None = None
    ) -> tuple[DeploymentSeen, ...]:
        """Return a cell's deployments, oldest first."""
        with self._playing():
            where = self._space(space)
            return tuple(
                DeploymentSeen(
                    each.id,
                    each.task.id,
                    each.release.version,
                    where.environments[each.environment_id].name,
                    each.task.state.value,
                    each.comments,
                    each.deployed_by.username,
                    each.created,
                    each.task.queue_time,
                    each.task.completed_time,
                )
                for each in self._cell(project, environment, space)
            )
