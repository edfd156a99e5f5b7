"""The table of kinds: which value a document of each kind becomes.

A new kind is a name in `core.manifest.Kind`, a schema of that name in `schema/`, a module in
`manifests.kinds`, and its two lines here; `resolve` joins it with the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.core.manifest import Kind
from reconciler.manifests.kinds.common import head_of, sure
from reconciler.manifests.kinds.environment import EnvironmentDocument, build_environment
from reconciler.manifests.kinds.lifecycle import LifecycleDocument, build_lifecycle
from reconciler.manifests.kinds.pins import PinsDocument, build_fragment
from reconciler.manifests.kinds.platformversion import (
    PlatformVersionDocument,
    build_platform_version,
)
from reconciler.manifests.kinds.policy import PolicyDocument, build_policy
from reconciler.manifests.kinds.remote import RemoteEnvironmentDocument, build_remote
from reconciler.manifests.kinds.space import SpaceDocument, build_space
from reconciler.manifests.kinds.stack import StackDocument, build_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.manifests.kinds.common import Head
    from reconciler.manifests.tree import Branch

Document: TypeAlias = (
    EnvironmentDocument
    | PinsDocument
    | StackDocument
    | SpaceDocument
    | PolicyDocument
    | PlatformVersionDocument
    | LifecycleDocument
    | RemoteEnvironmentDocument
)

_BUILDERS: Final[Mapping[Kind, Callable[[Head, Branch], Document]]] = {
    Kind.ENVIRONMENT: build_environment,
    Kind.PINS: build_fragment,
    Kind.STACK: build_stack,
    Kind.SPACE: build_space,
    Kind.POLICY: build_policy,
    Kind.PLATFORM_VERSION: build_platform_version,
    Kind.LIFECYCLE: build_lifecycle,
    Kind.REMOTE_ENVIRONMENT: build_remote,
}


def build(path: str, kind: Kind, root: Branch) -> Document:
    """Build the value of a document that has passed the gate of its kind.

    Raises:
        Unfit: a check beyond the schema failed.
    """
    return _BUILDERS[kind](head_of(path, root), sure(root.below("spec")))
