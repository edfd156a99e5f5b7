"""Manifests as values: what a commit of the manifest repository says.

Built by the `manifests` room after every check passed, so nobody asks again. Every value that a
message may have to point at knows its place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.core.tenant import NOBODY, Ring, Selection

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.core.phase import Phase
    from reconciler.core.platform import PlatformVersion
    from reconciler.core.policy import Policy
    from reconciler.core.precondition import Precondition
    from reconciler.core.remote import RemoteEnvironment
    from reconciler.core.stack import Stack
    from reconciler.core.variables import Value

API_VERSION = "reconciler/v1"


class Kind(StrEnum):
    """The kinds of manifest that are carried out today."""

    ENVIRONMENT = "Environment"
    SPACE = "Space"
    STACK = "Stack"
    POLICY = "Policy"
    PINS = "Pins"
    PLATFORM_VERSION = "PlatformVersion"
    LIFECYCLE = "Lifecycle"
    REMOTE_ENVIRONMENT = "RemoteEnvironment"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something is written: path inside the repository, line and column from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with one manifest; `message` includes the fix where there is one.

    `message` is one printable line: foreign text in it is already escaped and bounded (rule 52).
    """

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a commit: path from the repository root, blob id, git mode (`100644`)."""

    path: str
    blob: str
    mode: str
    size: int


@dataclass(frozen=True, slots=True)
class Until:
    """A hold or a suspension: why, and until when (aware UTC; None: until taken away).

    `at`, of a hold alone: a version that a pin which names it is brought to before it is left
    alone; empty where there is none.
    """

    reason: str
    until: datetime | None = None
    at: str = ""

    def in_force(self, at: datetime) -> bool:
        """True while the hold stands, judged against the time the state was read (rule 2)."""
        return self.until is None or at < self.until


@dataclass(frozen=True, slots=True)
class Base:
    """What a platform version has for the component of a pin."""

    platform: str
    version: str


@dataclass(frozen=True, slots=True)
class Pin:
    """The version one component is to run in one environment, and where that is written.

    `place` is the line of the version; its column is the component's where both share the line.
    `base` is what the environment's platform version has for it, None where that has nothing.
    `is_own` False: the platform version alone pins it, and `place` is there. `refresh`: it is to
    run with the variables as they are now, so its release's snapshot is refreshed first. `track`
    names the channel whose newest release is proposed for it; empty: none.
    """

    version: str
    place: Place
    redeploy: int = 0
    hold: Until | None = None
    base: Base | None = None
    is_own: bool = True
    refresh: bool = False
    track: str = ""

    def asks_as(self, other: Pin) -> bool:
        """Tell whether two pins ask for the same, wherever they are written."""
        mine = (self.version, self.redeploy, self.hold, self.refresh)
        return mine == (other.version, other.redeploy, other.hold, other.refresh)


@dataclass(frozen=True, slots=True)
class CredentialSource:
    """Where to find a credential, never its value: an environment variable or a file name.

    Exactly one is set. `file` is a plain name inside the setting `secrets_dir`: no string of a
    manifest ever becomes a path (rule 23).
    """

    env: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Space:
    """An Octopus space: server address, the space's name or id, where its credentials are.

    `is_connected` False: behind an air gap, never contacted. `machines` removes machines; where
    there is none, none is removed.
    """

    name: str
    server: str
    octopus_space: str
    observe: CredentialSource | None
    deploy: CredentialSource | None
    place: Place
    is_connected: bool = True
    machines: CredentialSource | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment manifest, with the pins of all its fragments merged in.

    `also_deployed_by` names triggers, schedules, lifecycles and parent projects of Octopus beside
    which drift may be healed. `platform` is the platform version whose pins stand in `pins` where
    no other file pins the component. `tenants` are those it serves one by one, and `rings` have
    other pins for some of them. `change` is the change request it is deployed under, empty: none.
    `formerly` is the name it had before, under which its records begin.
    """

    name: str
    space: str
    octopus_environment: str
    stack: str
    policy: str | None
    pins: Mapping[str, Pin]
    place: Place
    suspend: Until | None = None
    also_deployed_by: tuple[str, ...] = ()
    platform: PlatformVersion | None = None
    tenants: Selection = NOBODY
    rings: tuple[Ring, ...] = ()
    change: str = ""
    formerly: str = ""


@dataclass(frozen=True, slots=True)
class DesiredState:
    """Everything one commit says about one environment, names resolved.

    `preconditions` are what its stack uses of other stacks; `values` what its components are to be
    given for prompted variables, by component and name. `earlier_phases` come first by a Lifecycle
    across spaces.
    """

    environment: Environment
    space: Space
    stack: Stack
    policy: Policy
    preconditions: tuple[Precondition, ...] = ()
    values: Mapping[str, tuple[tuple[str, Value], ...]] = field(default_factory=dict)
    earlier_phases: tuple[Phase, ...] = ()


@dataclass(frozen=True, slots=True)
class Invalid:
    """An environment whose manifests are broken: nothing in it is applied (rule 4)."""

    name: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class ManifestSet:
    """All manifests of one commit.

    `problems` are all problems of all files, sorted by place. Every environment is here, either
    whole or `Invalid`; a problem that cannot be laid at one environment's door stops them all.
    `platforms` are the platform versions that are whole. `remotes` are the environments of other
    spaces that nothing is deployed to from here, each whole or `Invalid`.
    """

    environments: Mapping[str, DesiredState | Invalid]
    problems: tuple[Problem, ...] = ()
    platforms: Mapping[str, PlatformVersion] = field(default_factory=dict)
    remotes: Mapping[str, RemoteEnvironment | Invalid] = field(default_factory=dict)
