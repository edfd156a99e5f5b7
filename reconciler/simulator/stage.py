"""What every handle on a simulator needs: the world played to now, and things by their names."""

from __future__ import annotations

from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.simulator.versions import version_key
from reconciler.simulator.world import World, find

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.simulator.records import (
        Deployment,
        Environment,
        Project,
        Release,
        Space,
        Task,
        User,
    )

__all__ = ["Stage"]

T = TypeVar("T")


class Stage:
    """A world behind its lock. Things are named by id, slug or name; no space is the default one.

    Every method that names something raises LookupError when there is no such thing.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._lock = RLock()

    @contextmanager
    def _playing(self) -> Iterator[World]:
        with self._lock:
            self.world.advance()
            yield self.world

    @staticmethod
    def _found(records: Iterable[T], wanted: str, kind: str) -> T:
        found = find(records, wanted)
        if found is None:
            raise LookupError(f"no {kind} {wanted!r}")
        return found

    def _space(self, space: str | None) -> Space:
        if space is None:
            default = self.world.default_space()
            if default is None:
                raise LookupError("there is no default space")
            return default
        return self._found(self.world.spaces.values(), space, "space")

    def _project(self, project: str, space: str | None) -> tuple[Space, Project]:
        where = self._space(space)
        return where, self._found(where.projects.values(), project, "project")

    def _environment(self, where: Space, environment: str) -> Environment:
        return self._found(where.environments.values(), environment, "environment")

    def _release(self, project: Project, version: str) -> Release:
        key = version_key(version)
        for release in project.releases:
            if version_key(release.version) == key:
                return release
        raise LookupError(f"no release {version!r} of {project.name}")

    def _cell(self, project: str, environment: str, space: str | None) -> list[Deployment]:
        where, found = self._project(project, space)
        return where.cells.get((found.id, self._environment(where, environment).id, None), [])

    def _active(self, project: str, environment: str, space: str | None) -> Task:
        """Return the task that runs in a cell, else the oldest that waits there."""
        cell = self._cell(project, environment, space)
        waiting = [each.task for each in cell if not each.task.state.is_completed]
        if not waiting:
            raise LookupError(f"no deployment of {project} to {environment} is active")
        return next((task for task in waiting if task.start_time is not None), waiting[0])

    def _ids(
        self, records: Iterable[Any], wanted: Iterable[str] | None, kind: str
    ) -> frozenset[str] | None:
        if wanted is None:
            return None
        every = list(records)
        return frozenset(self._found(every, each, kind).id for each in wanted)

    def user(self, username: str) -> User:
        """Return a user's record.

        Raises:
            LookupError: there is none of that name.
        """
        return self.world.user_named(username)
