"""Machines as tests set them up, break and mend them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator import machinery
from reconciler.simulator.fleet import Health, Machine, policy_of, targets_of
from reconciler.simulator.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.simulator.records import Space

__all__ = ["Machines"]


class Machines(Stage):
    """Deployment targets and workers. A machine is named by id, slug or name."""

    def add_machine(
        self,
        name: str,
        *,
        environments: Iterable[str],
        roles: Iterable[str],
        health: str = "Healthy",
        space: str | None = None,
    ) -> str:
        """Make a listening deployment target, checked already; returns its id."""
        with self._playing() as world:
            where = self._space(space)
            made = machinery.add_machine(
                world,
                where,
                name,
                endpoint=machinery.listening_endpoint(name),
                user=None,
                environments=tuple(self._environment(where, each).id for each in environments),
                roles=tuple(roles),
            )
            made.truth = Health(health)
            machinery.check_health(world, where, made)
            return made.id

    def add_worker(
        self, name: str, *, pool: str = "Default Worker Pool", space: str | None = None
    ) -> str:
        """Make a listening worker, checked already; returns its id."""
        with self._playing() as world:
            where = self._space(space)
            made = machinery.add_machine(
                world,
                where,
                name,
                endpoint=machinery.listening_endpoint(name),
                user=None,
                is_worker=True,
                pools=(self._found(where.worker_pools.values(), pool, "worker pool").id,),
            )
            machinery.check_health(world, where, made)
            return made.id

    def machine_id(self, machine: str, *, space: str | None = None) -> str:
        """Return the id of a machine or worker."""
        with self._playing():
            return self._machine(machine, space)[1].id

    def machines_of(
        self, project: str, environment: str, *, space: str | None = None
    ) -> tuple[str, ...]:
        """Return the ids of the machines that a project's steps go to now, each once.

        Raises:
            LookupError: there are none.
        """
        with self._playing():
            where, found = self._project(project, space)
            place = self._environment(where, environment)
            policy = policy_of(found.more, "ProjectConnectivityPolicy")
            process = where.processes[found.process_id]
            steps = targets_of(where, policy, process, place.id, None, {})
            ids = {machine.id: None for each in steps for machine in each.machines}
            if not ids:
                raise LookupError(f"no step of {found.name} goes to a machine in {place.name}")
            return tuple(ids)

    def machine_dies(self, machine: str, *, space: str | None = None) -> None:
        """Let nothing reach a machine any more: deployments that run on it fail at their end.

        What the last health check found stays until the next one.
        """
        with self._playing() as world:
            where, found = self._machine(machine, space)
            machinery.go_dark(world, where, found)

    def machine_is(self, machine: str, health: str, *, space: str | None = None) -> None:
        """Let a machine be so, and a health check find it at once."""
        with self._playing() as world:
            where, found = self._machine(machine, space)
            found.truth = Health(health)
            machinery.check_health(world, where, found)

    def disable_machine(self, machine: str, *, space: str | None = None) -> None:
        """Disable a machine: it keeps its health and gets no deployments."""
        self._set_disabled(machine, "MachineDisabled", space, is_disabled=True)

    def enable_machine(self, machine: str, *, space: str | None = None) -> None:
        """Enable a machine."""
        self._set_disabled(machine, "MachineEnabled", space, is_disabled=False)

    def _set_disabled(
        self, machine: str, category: str, space: str | None, *, is_disabled: bool
    ) -> None:
        with self._playing() as world:
            where, found = self._machine(machine, space)
            found.is_disabled = is_disabled
            machinery.happened(world, where, found, category)

    def _machine(self, machine: str, space: str | None) -> tuple[Space, Machine]:
        where = self._space(space)
        return where, self._found(
            (*where.machines.values(), *where.workers.values()), machine, "machine"
        )
