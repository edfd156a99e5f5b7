"""Projects that keep their process, settings and variables in git: commits, branches, tags.

There is no repository behind them: a commit is what a project looked like when somebody saved it.
The newest commit of the default branch is what the rest of the simulator knows as the process.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused
from reconciler.simulator.records import Process, VariableSet

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.simulator.calls import Body
    from reconciler.simulator.records import Project, Space, Step

__all__ = [
    "GIT_FIELDS",
    "HEADS",
    "SETTINGS",
    "TAGS",
    "Commit",
    "Reference",
    "Repository",
    "commit_message",
    "keep_in_git",
    "no_reference",
    "process_at",
    "save",
    "save_variables",
    "show_default",
    "variables_at",
]

HEADS, TAGS = "refs/heads/", "refs/tags/"
GIT_FIELDS = (
    "DefaultGuidedFailureMode",
    "DefaultToSkipIfAlreadyInstalled",
    "DeploymentChangesTemplate",
    "ForcePackageDownload",
    "ReleaseNotesTemplate",
    "VersioningStrategy",
    "ProjectConnectivityPolicy",
)
"""Fields of a project that are kept in git where the project is."""
SETTINGS: dict[str, Any] = {
    "Url": "",
    "DefaultBranch": "main",
    "BasePath": ".octopus",
    "Credentials": {"Type": "Anonymous"},
    "ProtectedBranchNamePatterns": [],
}
"""What a project says of its repository, with defaults."""
_SHORTEST = 7
"""Letters of a hash that are enough to name a commit."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What a project looked like at one moment. Commits of a project are numbered in order."""

    hash: str
    number: int
    message: str
    moment: datetime
    steps: tuple[Step, ...]
    settings: dict[str, Any]
    variables: tuple[dict[str, Any], ...]
    """Those that are not sensitive, when the project keeps its variables in git."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A commit as somebody named it; `branch` is empty for a tag and a hash."""

    name: str
    commit: Commit
    branch: str = ""


@dataclass(slots=True, eq=False)
class Repository:
    """Where a project's configuration is kept: branches and tags by name, commits by hash."""

    settings: dict[str, Any]
    """`PersistenceSettings` as the project shows them."""
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def default_branch(self) -> str:
        """Return the name of the default branch."""
        return str(self.settings["DefaultBranch"])

    @property
    def has_variables(self) -> bool:
        """Tell whether variables are in git too."""
        return self.settings["ConversionState"]["VariablesAreInGit"] is True

    def is_protected(self, branch: str) -> bool:
        """Tell whether nobody may commit to a branch through the server."""
        patterns = self.settings["ProtectedBranchNamePatterns"]
        return any(fnmatchcase(branch, each) for each in patterns)

    def find(self, wanted: str) -> Reference | None:
        """Return what a text names: a branch, a tag (short or canonical), the start of a hash."""
        branch, tag = wanted.removeprefix(HEADS), wanted.removeprefix(TAGS)
        if branch in self.branches:
            return Reference(HEADS + branch, self.commits[self.branches[branch]], branch)
        if tag in self.tags:
            return Reference(TAGS + tag, self.commits[self.tags[tag]])
        if len(wanted) >= _SHORTEST:
            low = wanted.casefold()
            found = [each for own, each in self.commits.items() if own.startswith(low)]
            if len(found) == 1:
                return Reference(found[0].hash, found[0])
        return None

    def commit(
        self,
        branch: str,
        message: str,
        moment: datetime,
        *,
        steps: tuple[Step, ...],
        settings: dict[str, Any],
        variables: tuple[dict[str, Any], ...],
        number: int | None = None,
    ) -> Commit:
        """Put a new commit on a branch; `number` is the first one's."""
        own = number or 1 + max(each.number for each in self.commits.values())
        seed = repr((self.settings["Url"], own, message, moment.isoformat()))
        made = Commit(
            hashlib.sha1(seed.encode(), usedforsecurity=False).hexdigest(),
            own,
            message,
            moment,
            steps,
            settings,
            variables,
        )
        self.commits[made.hash] = made
        self.branches[branch] = made.hash
        return made


def no_reference(wanted: str) -> Refused:
    """Return the 404 for a git reference that a project does not have."""
    return Refused(404, f"The Git reference '{wanted}' doesn't exist.")


def commit_message(body: Body) -> str:
    """Return what a write says about itself, by the newer or the older name."""
    return body.text("ChangeDescription") or body.text("CommitMessage") or "Update by the server"


def keep_in_git(
    space: Space, project: Project, settings: dict[str, Any], message: str, moment: datetime
) -> Repository:
    """Put a project into git: what it is now is the first commit of the default branch."""
    repository = Repository(settings)
    process = space.processes[project.process_id]
    live = space.variables[project.variable_set_id]
    repository.commit(
        repository.default_branch,
        message,
        moment,
        steps=process.steps,
        settings={name: project.more[name] for name in GIT_FIELDS if name in project.more},
        variables=tuple(each for each in live.variables if not each["IsSensitive"]),
        number=max(process.version, live.version, 1),
    )
    project.repository = repository
    show_default(space, project, repository)
    return repository


def process_at(project: Project, commit: Commit) -> Process:
    """Return a project's process as a commit has it."""
    return Process(project.process_id, project.id, commit.number, commit.steps)


def variables_at(space: Space, project: Project, commit: Commit) -> VariableSet:
    """Return a project's variables as a commit has them; sensitive ones are never in git."""
    live = space.variables[project.variable_set_id]
    if project.repository is None or not project.repository.has_variables:
        return live
    variables = (*commit.variables, *_secret(live))
    return VariableSet(live.id, live.owner_id, commit.number, variables)


def _secret(live: VariableSet) -> tuple[dict[str, Any], ...]:
    return tuple(each for each in live.variables if each["IsSensitive"])


def save(
    space: Space,
    project: Project,
    repository: Repository,
    branch: str,
    message: str,
    moment: datetime,
    **changed: Any,
) -> Commit:
    """Commit what has changed of a branch: `steps`, `settings` or `variables`.

    Raises:
        Refused: 400 when the branch is protected.
    """
    if repository.is_protected(branch):
        raise Refused(
            400, f"The branch '{branch}' is protected, so nothing can be committed to it."
        )
    head = repository.commits[repository.branches[branch]]
    before = {"steps": head.steps, "settings": head.settings, "variables": head.variables}
    made = repository.commit(branch, message, moment, **{**before, **changed})
    if branch == repository.default_branch:
        show_default(space, project, repository)
    return made


def show_default(space: Space, project: Project, repository: Repository) -> None:
    """Let the rest of the server see the default branch."""
    head = repository.commits[repository.branches[repository.default_branch]]
    process = space.processes[project.process_id]
    process.steps, process.version = head.steps, head.number
    project.more.update(head.settings)
    if repository.has_variables:
        live = space.variables[project.variable_set_id]
        live.variables, live.version = (*head.variables, *_secret(live)), head.number


def save_variables(
    space: Space,
    project: Project,
    repository: Repository,
    branch: str,
    message: str,
    moment: datetime,
    variables: tuple[dict[str, Any], ...],
) -> VariableSet:
    """Commit the variables of a branch; sensitive ones go to the database, for all branches."""
    live = space.variables[project.variable_set_id]
    open_ones = tuple(each for each in variables if not each["IsSensitive"])
    made = save(space, project, repository, branch, message, moment, variables=open_ones)
    shown = (each for each in live.variables if not each["IsSensitive"])
    live.variables = (*shown, *(each for each in variables if each["IsSensitive"]))
    return variables_at(space, project, made)
