"""What deploys by itself and what keeps from it, as tests set it up; and projects in git."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reconciler.simulator import firing
from reconciler.simulator.calls import Body
from reconciler.simulator.freezing import Freeze
from reconciler.simulator.stage import Stage
from reconciler.simulator.triggers import read_parts
from reconciler.simulator.versioncontrol import SETTINGS, keep_in_git

if TYPE_CHECKING:
    from reconciler.simulator.records import Space, Trigger

__all__ = ["Automation"]


class Automation(Stage):
    """Triggers of projects, freezes, and projects in git.

    Filters and actions are those of the REST API; environments in them may be written by name.
    """

    def add_trigger(
        self,
        project: str,
        name: str,
        *,
        filter: dict[str, Any],  # noqa: A002 (the API's word)
        action: dict[str, Any],
        space: str | None = None,
    ) -> str:
        """Make a trigger and return its id.

        Raises:
            Refused: the server would refuse it.
        """
        with self._playing() as world:
            where, found = self._project(project, space)
            body = Body({"Filter": _by_ids(where, filter), "Action": _by_ids(where, action)})
            return firing.add_trigger(world, where, found, name, read_parts(where, found, body)).id

    def keep_in_git(
        self, project: str, *, url: str = "https://git.example.com/x.git", space: str | None = None
    ) -> None:
        """Put a project into git, with what it is now on the branch `main`."""
        with self._playing() as world:
            where, found = self._project(project, space)
            settings = {
                **deepcopy(SETTINGS),
                "Type": "VersionControlled",
                "Url": url,
                "ConversionState": {"VariablesAreInGit": False},
            }
            keep_in_git(where, found, settings, "Initial commit", world.now)

    def tag(self, project: str, name: str, *, at: str, space: str | None = None) -> str:
        """Put a git tag on what a branch, a tag or a hash of a project names; return the hash."""
        with self._playing():
            _, found = self._project(project, space)
            reference = found.repository.find(at) if found.repository else None
            if found.repository is None or reference is None:
                raise LookupError(f"no git reference {at!r} of {project}")
            found.repository.tags[name] = reference.commit.hash
            return reference.commit.hash

    def schedule(
        self,
        project: str,
        cron: str,
        *,
        to: str,
        source: str | None = None,
        name: str = "Scheduled",
        space: str | None = None,
    ) -> str:
        """Make a scheduled trigger: it promotes what `source` runs, else makes a new release.

        `cron` has six fields, seconds first, in UTC.
        """
        when = {"FilterType": "CronExpressionSchedule", "CronExpression": cron}
        if source is None:
            action: dict[str, Any] = {"ActionType": "DeployNewRelease", "EnvironmentId": to}
        else:
            action = {
                "ActionType": "DeployLatestRelease",
                "SourceEnvironmentIds": [source],
                "DestinationEnvironmentId": to,
            }
        return self.add_trigger(project, name, filter=when, action=action, space=space)

    def fire_trigger(self, project: str, name: str, *, space: str | None = None) -> tuple[str, ...]:
        """Let a trigger act now; returns the ids of the deployments it made."""
        with self._playing() as world:
            where, trigger = self._trigger(project, name, space)
            return tuple(each.id for each in firing.fire(world, where, trigger))

    def disable_trigger(self, project: str, name: str, *, space: str | None = None) -> None:
        """Disable a trigger."""
        with self._playing():
            self._trigger(project, name, space)[1].is_disabled = True

    def package_arrives(self, package: str, version: str, *, space: str | None = None) -> None:
        """Let a package come to the built-in feed, and the triggers that wait for it act."""
        with self._playing() as world:
            firing.package_arrived(world, self._space(space), package, version)

    def freeze(
        self,
        name: str,
        project: str,
        *environments: str,
        hours: float = 24,
        space: str | None = None,
    ) -> str:
        """Freeze environments of a project from now on for so long; returns the id."""
        with self._playing() as world:
            where, found = self._project(project, space)
            made = Freeze(
                world.new_id("DeploymentFreezes"),
                name,
                world.now,
                world.now + timedelta(hours=hours),
                scope={found.id: [self._environment(where, each).id for each in environments]},
            )
            world.freezes[made.id] = made
            return made.id

    def thaw(self, name: str) -> None:
        """Lift a freeze."""
        with self._playing() as world:
            del world.freezes[self._found(world.freezes.values(), name, "freeze").id]

    def _trigger(self, project: str, name: str, space: str | None) -> tuple[Space, Trigger]:
        where, found = self._project(project, space)
        own = [each for each in where.triggers.values() if each.project_id == found.id]
        return where, self._found(own, name, "trigger")


def _by_ids(space: Space, part: dict[str, Any]) -> dict[str, Any]:
    """Return a filter or an action with the ids of the environments it names."""
    known = {each.name.casefold(): each.id for each in space.environments.values()}
    made = dict(part)
    for field, value in part.items():
        if field.endswith(("EnvironmentId", "EnvironmentIds")):
            many = [known.get(each.casefold(), each) for each in _listed(value)]
            made[field] = many if isinstance(value, list) else many[0]
    return made


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
