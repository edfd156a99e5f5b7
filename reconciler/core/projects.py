"""Projects as manifests mean them: by id, slug or name; never a guess where two are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.core.state import Project


class ProjectIndex:
    """All projects of a space, ready to be found by id, slug or name."""

    def __init__(self, projects: Iterable[Project]) -> None:
        self._by_id: dict[str, Project] = {}
        self._by_name: dict[str, dict[str, Project]] = {}
        for project in projects:
            self._by_id[project.id] = project
            for name in (project.slug.casefold(), project.name.casefold()):
                self._by_name.setdefault(name, {})[project.id] = project

    def find(self, reference: str) -> Project | str:
        """Return the one project a manifest means, else say in words why there is none."""
        if (project := self._by_id.get(reference)) is not None:
            return project
        matches = self._by_name.get(reference.casefold(), {})
        if len(matches) == 1:
            return next(iter(matches.values()))
        if not matches:
            return f"Octopus shows no project '{clean(reference)}' in this space"
        ids = ", ".join(sorted(matches))
        return f"'{clean(reference)}' could mean any of {ids}; write the project's id"
