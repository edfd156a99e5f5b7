"""Runbooks as tests set them up, run and script them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.simulator import running
from reconciler.simulator.records import Outcome, Script
from reconciler.simulator.stage import Stage

if TYPE_CHECKING:
    from reconciler.simulator.records import Space
    from reconciler.simulator.runbooks import Runbook

__all__ = ["RunSeen", "Runbooks"]


@dataclass(frozen=True, slots=True)
class RunSeen:
    """One run of a runbook as the server has it now."""

    id: str
    task_id: str
    snapshot: str
    environment: str
    state: str
    run_by: str


class Runbooks(Stage):
    """Runbooks of projects. A runbook is named by id, slug or name within its project."""

    def add_runbook(
        self,
        project: str,
        name: str,
        *,
        steps: tuple[str, ...] = (),
        publish: bool = True,
        space: str | None = None,
    ) -> str:
        """Make a runbook with one snapshot, published unless told otherwise; returns its id."""
        with self._playing() as world:
            where, found = self._project(project, space)
            return running.furnish(world, where, found, name, steps, publish=publish).id

    def run_runbook(
        self,
        project: str,
        runbook: str,
        environment: str,
        *,
        by: str = "administrator",
        space: str | None = None,
    ) -> str:
        """Run the published snapshot as a user, wherever; returns the id of the run."""
        with self._playing() as world:
            where, found = self._runbook(project, runbook, space)
            return running.run(
                world,
                where,
                running.published(where, found),
                self._environment(where, environment),
                world.user_named(by),
            ).id

    def fail_next_run(
        self,
        project: str,
        runbook: str,
        environment: str,
        *,
        message: str = "The run failed because a step failed.",
        space: str | None = None,
    ) -> None:
        """Let the next run of a runbook in an environment end Failed."""
        self._script_run(project, runbook, environment, Script(Outcome.FAILURE, message), space)

    def print_in_next_run(
        self, project: str, runbook: str, environment: str, *lines: str, space: str | None = None
    ) -> None:
        """Let the last step of the next run print lines into its log."""
        self._script_run(project, runbook, environment, Script(lines=lines), space)

    def interrupt_next_run(
        self,
        project: str,
        runbook: str,
        environment: str,
        *,
        title: str = "Approve",
        at: float = 0.5,
        space: str | None = None,
    ) -> None:
        """Let the next run wait for a person after this share of its work (0 to 1)."""
        plan = {"title": title, "instructions": "Check before going on.", "teams": (), "at": at}
        self._script_run(project, runbook, environment, Script(intervention=plan), space)

    def runs(self, project: str, runbook: str, *, space: str | None = None) -> tuple[RunSeen, ...]:
        """Return the runs of a runbook, oldest first."""
        with self._playing():
            where, found = self._runbook(project, runbook, space)
            return tuple(
                RunSeen(
                    each.id,
                    each.task.id,
                    each.snapshot.name,
                    where.environments[each.environment_id].name,
                    each.task.state.value,
                    each.run_by.username,
                )
                for each in where.runbook_runs.values()
                if each.runbook is found
            )

    def _script_run(
        self, project: str, runbook: str, environment: str, script: Script, space: str | None
    ) -> None:
        with self._playing() as world:
            where, found = self._runbook(project, runbook, space)
            key = running.run_key(found.id, self._environment(where, environment).id)
            world.scripts.setdefault(key, []).append(script)

    def _runbook(self, project: str, runbook: str, space: str | None) -> tuple[Space, Runbook]:
        where, found = self._project(project, space)
        own = [each for each in where.runbooks.values() if each.project_id == found.id]
        return where, self._found(own, runbook, "runbook")
