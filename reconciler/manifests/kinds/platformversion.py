"""Kind PlatformVersion: a named set of pins, each with the identity of its release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from reconciler.core.manifest import Kind, Place
from reconciler.core.platform import Captured, PlatformVersion, Source
from reconciler.manifests.formats import version_trouble
from reconciler.manifests.kinds.common import Reference, Unfit, sure

if TYPE_CHECKING:
    from reconciler.manifests.kinds.common import Head
    from reconciler.manifests.tree import Branch

IDENTITY = ("space", "release", "channel", "assembled", "process", "variables")


@dataclass(frozen=True, slots=True)
class PlatformVersionDocument:
    """A platform version, and the Stack it names."""

    KIND: ClassVar[Kind] = Kind.PLATFORM_VERSION

    name: str
    place: Place
    stack: Reference
    platform: PlatformVersion


def build_platform_version(head: Head, spec: Branch) -> PlatformVersionDocument:
    """Build a platform version.

    Raises:
        Unfit: a version is none.
    """
    components = sure(spec.below("components"))
    source = spec.value.get("source")
    platform = PlatformVersion(
        name=head.name,
        stack=spec.value["stack"],
        components={name: _captured(head, components, name) for name in components.value},
        place=head.place,
        source=None if source is None else Source(**source),
    )
    return PlatformVersionDocument(head.name, head.place, head.reference(spec, "stack"), platform)


def _captured(head: Head, components: Branch, name: str) -> Captured:
    fields = components.value[name]
    if version_trouble(fields["version"]) is not None:
        raise Unfit
    return Captured(
        version=fields["version"],
        place=head.value_place(sure(components.below(name)), "version"),
        packages=tuple(sorted(fields.get("packages", {}).items())),
        **{key: fields[key] for key in IDENTITY if key in fields},
    )
