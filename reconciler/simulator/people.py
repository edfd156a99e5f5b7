"""What other people do on the server: release, deploy, cancel, give and take permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator import deploying
from reconciler.simulator.permissions import SPACE_PERMISSIONS, SYSTEM_PERMISSIONS
from reconciler.simulator.records import Grant
from reconciler.simulator.routes.users import new_key
from reconciler.simulator.shelf import versions_for
from reconciler.simulator.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


__all__ = ["People"]


class People(Stage):
    """Acts of other users, and of whoever decides what they may do."""

    def release(
        self,
        project: str,
        version: str,
        *,
        channel: str | None = None,
        assembled: datetime | None = None,
        space: str | None = None,
    ) -> str:
        """Make a release as the administrator; packages get the release's version.

        A deploy-a-release step gets the other project's release of that version, else its newest.
        """
        with self._playing() as world:
            where, found = self._project(project, space)
            chosen = self._found(found.channels, channel, "channel") if channel else None
            return world.add_release(
                where,
                found,
                version,
                channel=chosen or found.channels[0],
                assembled=assembled or world.now,
                packages=versions_for(where, where.processes[found.process_id], version),
            ).id

    def delete_release(self, project: str, version: str, *, space: str | None = None) -> None:
        """Remove a release and its deployments, as retention does."""
        with self._playing():
            where, found = self._project(project, space)
            release = self._release(found, version)
            found.releases.remove(release)
            del where.releases[release.id]
            for deployment in release.deployments:
                where.deployments.pop(deployment.id, None)
                where.cells[deployment.cell].remove(deployment)
                if not where.cells[deployment.cell]:
                    del where.cells[deployment.cell]

    def deploy(
        self,
        project: str,
        version: str,
        environment: str,
        *,
        by: str = "administrator",
        comments: str | None = None,
        at: datetime | None = None,
        options: dict[str, Any] | None = None,
        space: str | None = None,
    ) -> str:
        """Deploy as a user, whatever the lifecycle says; `at` schedules. Returns the id.

        `options` are fields of the classic body, as `SpecificMachineIds` or `SkipActions`.
        """
        with self._playing() as world:
            where, found = self._project(project, space)
            return deploying.deploy(
                world,
                where,
                self._release(found, version),
                self._environment(where, environment),
                world.user_named(by),
                comments=comments,
                queue_time=at,
                options=options,
            ).id

    def disable(self, project: str, *, space: str | None = None) -> None:
        """Disable a project: it takes neither releases nor deployments until enabled."""
        with self._playing():
            self._project(project, space)[1].is_disabled = True

    def enable(self, project: str, *, space: str | None = None) -> None:
        """Enable a project."""
        with self._playing():
            self._project(project, space)[1].is_disabled = False

    def cancel(self, deployment_id: str, *, space: str | None = None) -> None:
        """Cancel a deployment's task."""
        with self._playing() as world:
            world.engine.cancel(self._space(space).deployments[deployment_id].task)

    def restrict(
        self,
        username: str,
        permission: str,
        *,
        space: str | None = None,
        projects: Iterable[str] | None = None,
        environments: Iterable[str] | None = None,
        tenants: Iterable[str] | None = None,
        groups: Iterable[str] | None = None,
    ) -> None:
        """Let a user hold a permission only there; None means everywhere in a dimension."""
        self.revoke(username, permission, space=space)
        self.grant(
            username,
            permission,
            space=space,
            projects=projects,
            environments=environments,
            tenants=tenants,
            groups=groups,
        )

    def grant(
        self,
        username: str,
        permission: str,
        *,
        space: str | None = None,
        projects: Iterable[str] | None = None,
        environments: Iterable[str] | None = None,
        tenants: Iterable[str] | None = None,
        groups: Iterable[str] | None = None,
    ) -> None:
        """Give a user one more permission, of a space (default) or of the system."""
        with self._playing() as world:
            user = world.user_named(username)
            if permission in SYSTEM_PERMISSIONS:
                user.system_permissions.add(permission)
                user.access.clear()
                return
            if permission not in SPACE_PERMISSIONS:
                raise LookupError(f"no permission {permission!r}")
            where = self._space(space)
            narrow = {
                "projects": self._ids(where.projects.values(), projects, "project"),
                "environments": self._ids(where.environments.values(), environments, "environment"),
                "groups": self._ids(where.groups.values(), groups, "project group"),
                "tenants": self._ids(where.tenants.values(), tenants, "tenant"),
            }
            used = SPACE_PERMISSIONS[permission] | {"groups"}
            odd = [name for name, ids in narrow.items() if ids is not None and name not in used]
            if odd:
                raise ValueError(f"{permission} cannot be narrowed by {', '.join(odd)}")
            world.grant(user, Grant(permission, where.id, **narrow))

    def revoke(self, username: str, permission: str, *, space: str | None = None) -> None:
        """Take a permission from a user, in a space (default) or of the system."""
        with self._playing() as world:
            user = world.user_named(username)
            user.system_permissions.discard(permission)
            where = self._space(space)
            kept: list[Grant] = []
            for grant in user.grants:
                if grant.permission != permission:
                    kept.append(grant)
                elif grant.space_id is None:
                    others = [each for each in world.spaces if each != where.id]
                    kept += [Grant(permission, each) for each in others]
                elif grant.space_id != where.id:
                    kept.append(grant)
            user.grants[:] = kept
            user.access.clear()

    def key_of(self, username: str) -> str:
        """Make a new API key for a user and return it."""
        with self._playing() as world:
            key = new_key()
            world.keys[key] = world.user_named(username)
            return key

    def revoke_key(self, key: str) -> None:
        """Make a key unknown, as when it is deleted or expires."""
        with self._lock:
            self.world.keys.pop(key, None)
