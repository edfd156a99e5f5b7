"""What a server holds at its start: the seed, as values."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.simulator.handwritten import FileProblem

__all__ = [
    "Seed",
    "SeedError",
    "SeedLifecycle",
    "SeedMachine",
    "SeedPhase",
    "SeedProject",
    "SeedSpace",
    "SeedTrigger",
    "SeedUser",
]


class SeedError(FileProblem):
    """A seed cannot be used; says in which file and at which place."""


@dataclass(frozen=True, slots=True)
class SeedUser:
    """A person besides the administrator and the service account."""

    username: str
    display_name: str
    email: str = ""
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SeedPhase:
    """A phase of a lifecycle, environments by name; minimum 0 means all of them."""

    name: str
    environments: tuple[str, ...] = ()
    automatic: tuple[str, ...] = ()
    minimum: int = 0
    optional: bool = False


@dataclass(frozen=True, slots=True)
class SeedLifecycle:
    """A lifecycle besides the "Default Lifecycle" of every space."""

    name: str
    phases: tuple[SeedPhase, ...] = ()


@dataclass(frozen=True, slots=True)
class SeedTrigger:
    """A scheduled trigger: promotes what `source` runs to `target`, or makes a new release."""

    name: str
    cron: str
    target: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class SeedProject:
    """A project, its releases oldest first, and the version each environment runs.

    `deploys` names projects before it whose releases its own steps deploy; the other steps go to
    the machines that have one of its `roles`, or run on the server. `runbooks` are published, with
    one step each.
    """

    name: str
    slug: str | None = None
    group: str = "Default Project Group"
    lifecycle: str = "Default Lifecycle"
    steps: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    deployed: tuple[tuple[str, str], ...] = ()
    task_seconds: float | None = None
    deploys: tuple[str, ...] = ()
    triggers: tuple[SeedTrigger, ...] = ()
    runbooks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeedMachine:
    """A deployment target, found healthy."""

    name: str
    environments: tuple[str, ...]
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeedSpace:
    """A space: environments in sort order; `default` None means "if it is the first"."""

    name: str
    default: bool | None = None
    environments: tuple[str, ...] = ()
    lifecycles: tuple[SeedLifecycle, ...] = ()
    machines: tuple[SeedMachine, ...] = ()
    project_groups: tuple[str, ...] = ()
    projects: tuple[SeedProject, ...] = ()


@dataclass(frozen=True, slots=True)
class Seed:
    """Everything a server starts with; an administrator and a service account always come too."""

    spaces: tuple[SeedSpace, ...]
    users: tuple[SeedUser, ...] = ()
    server_version: str = "2026.3.1234"
    slots: int = 5
    source: str = field(default="", compare=False)
