"""What runs in a space today, as the manifests that would say so: git begins where Octopus stands.

A cell that is settled is pinned at what it runs, so a plan of these pins changes nothing; any other
is left without a pin, and says why. Other deployers are named, and none is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.text import clean
from reconciler.core.version import MAX_LENGTH, OctopusVersion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.deployers import Deployer


@dataclass(frozen=True, slots=True)
class FoundComponent:
    """A project as a component; `project` is how the stack names it, "" where its name will do.

    `after` are the components that it deploys itself, where that is no circle.
    """

    name: str
    project_id: str
    project: str
    group: str
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundPin:
    """What one cell runs today: `version`, to be pinned; `remark` says what stands out, or ""."""

    component: str
    version: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A cell without a pin: `why`, and the version that may be meant, where one is known."""

    component: str
    why: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class FoundRing:
    """Tenants, as manifests name them, that run what others do not; or not all of it."""

    name: str
    tenants: tuple[str, ...]
    pins: tuple[FoundPin, ...]


@dataclass(frozen=True, slots=True)
class FoundEnvironment:
    """One Octopus environment as one manifest; `reference` is how that names it.

    `never` are the components that were never deployed there. `tenants` are those it is deployed
    to, as manifests name them; `pins` are then everybody's, and `rings` have the others. `runs` has
    the version of each settled cell by component and tenant's id. `deployers` are others who deploy
    there, each with its components; `unread` says why these may not be all.
    """

    name: str
    id: str
    reference: str
    title: str
    is_protected: bool
    pins: tuple[FoundPin, ...]
    left: tuple[LeftOut, ...]
    never: tuple[str, ...]
    tenants: tuple[str, ...] = ()
    rings: tuple[FoundRing, ...] = ()
    runs: Mapping[tuple[str, str | None], str] = field(default_factory=dict)
    deployers: tuple[tuple[Deployer, tuple[str, ...]], ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What the manifests of a folder say of the space already: those names are kept.

    `components` has the component of each project id; `environments` the manifest of each
    environment id; `taken` the names of other environments, `spaces` those of other spaces.
    """

    space: str | None = None
    stack: str | None = None
    components: Mapping[str, str] = field(default_factory=dict)
    environments: Mapping[str, str] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    spaces: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Estate:
    """A whole space as it could stand in git. `left` are projects that make no component."""

    space: str
    space_id: str
    octopus_space: str
    server: str
    key_variable: str
    stack: str
    components: tuple[FoundComponent, ...]
    environments: tuple[FoundEnvironment, ...]
    left: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()


def is_text(text: str) -> bool:
    """Tell whether manifests take a foreign name as it is: one plain line of 200 at most."""
    return 0 < len(text) <= 200 and text == text.strip() and clean(text) == text


def is_pin(version: str) -> bool:
    """Tell whether a release's version can be pinned (rule 6)."""
    if not version.isascii() or len(version) > MAX_LENGTH or any(map(str.isspace, version)):
        return False
    try:
        OctopusVersion.parse(version)
    except ValueError:
        return False
    return True
