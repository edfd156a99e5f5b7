"""What becomes of deployments, as tests script it."""

from __future__ import annotations

from typing import Literal

from reconciler.simulator import deploying, interrupting
from reconciler.simulator.records import Mishap, Outcome, Script, TaskState
from reconciler.simulator.stage import Stage

__all__ = ["Scripts"]


class Scripts(Stage):
    """How the next deployments, and those that run, are told to go."""

    def fail_next(
        self,
        project: str,
        version: str | None,
        environment: str,
        *,
        message: str = "The deployment failed because a step failed.",
        space: str | None = None,
    ) -> None:
        """Let the next deployment (of this version, or None: of any) end Failed."""
        script = Script(Outcome.FAILURE, message)
        self._script(project, version, environment, script, space)

    def warn_next(
        self,
        project: str,
        version: str | None,
        environment: str,
        *,
        message: str = "The step finished with a warning.",
        space: str | None = None,
    ) -> None:
        """Let the next deployment end in Success with warnings."""
        script = Script(Outcome.WARNING, message)
        self._script(project, version, environment, script, space)

    def stick(
        self,
        project: str,
        version: str | None,
        environment: str,
        *,
        state: Literal["Queued", "Executing", "Cancelling"] = "Executing",
        space: str | None = None,
    ) -> None:
        """Let the next deployment never leave a state; `finish` ends it."""
        outcome = {
            "Queued": Outcome.STUCK_QUEUED,
            "Executing": Outcome.STUCK,
            "Cancelling": Outcome.STUCK_CANCELLING,
        }[state]
        self._script(project, version, environment, Script(outcome), space)

    def interrupt_next(
        self,
        project: str,
        version: str | None,
        environment: str,
        *,
        title: str = "Approve",
        instructions: str = "Check before going on.",
        teams: tuple[str, ...] = (),
        at: float = 0.5,
        space: str | None = None,
    ) -> None:
        """Let the next deployment wait for a person after this share of its work (0 to 1)."""
        plan = {"title": title, "instructions": instructions, "teams": teams, "at": at}
        self._script(project, version, environment, Script(intervention=plan), space)

    def restart_during_next(
        self,
        project: str,
        version: str | None,
        environment: str,
        *,
        space: str | None = None,
    ) -> None:
        """Let the server restart half-way through the next deployment."""
        script = Script(mishap=Mishap.RESTART)
        self._script(project, version, environment, script, space)

    def machine_dies_during_next(
        self,
        project: str,
        version: str | None,
        environment: str,
        *,
        space: str | None = None,
    ) -> None:
        """Let the first machine of the next deployment die half-way, so that it fails.

        Nothing happens to one that goes to no machine.
        """
        script = Script(mishap=Mishap.MACHINE_DIES)
        self._script(project, version, environment, script, space)

    def raise_interruption(
        self,
        project: str,
        environment: str,
        *,
        title: str = "Approve",
        instructions: str = "Check before going on.",
        teams: tuple[str, ...] = (),
        space: str | None = None,
    ) -> str:
        """Let the deployment that runs in a cell wait for a person now; returns the id.

        Raises:
            LookupError: none is executing there.
        """
        with self._playing() as world:
            task = self._active(project, environment, space)
            if task.state is not TaskState.EXECUTING:
                raise LookupError(f"the deployment of {project} to {environment} has not started")
            return interrupting.raise_interruption(world, task, title, instructions, teams=teams).id

    def finish(
        self,
        project: str,
        environment: str,
        *,
        state: str = "Success",
        message: str = "",
        space: str | None = None,
    ) -> None:
        """End the oldest deployment that is active in a cell, now, in a completed state.

        Raises:
            LookupError: none is active there.
        """
        with self._playing() as world:
            task = self._active(project, environment, space)
            world.engine.end(task, TaskState(state), message)

    def _script(
        self,
        project: str,
        version: str | None,
        environment: str,
        script: Script,
        space: str | None,
    ) -> None:
        with self._playing() as world:
            where, found = self._project(project, space)
            place = self._environment(where, environment)
            key = deploying.script_key(found.id, version, place.id)
            world.scripts.setdefault(key, []).append(script)
