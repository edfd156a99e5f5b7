"""Kind Space: an Octopus space, and where its credentials are found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from reconciler.core.manifest import CredentialSource, Kind, Place, Space
from reconciler.manifests.formats import server_trouble
from reconciler.manifests.kinds.common import Unfit

if TYPE_CHECKING:
    from reconciler.manifests.kinds.common import Head
    from reconciler.manifests.tree import Branch


@dataclass(frozen=True, slots=True)
class SpaceDocument:
    """A Space."""

    KIND: ClassVar[Kind] = Kind.SPACE

    name: str
    place: Place
    space: Space


def build_space(head: Head, spec: Branch) -> SpaceDocument:
    """Build a space.

    Raises:
        Unfit: its server is no address.
    """
    fields = spec.value
    if server_trouble(fields["server"]):
        raise Unfit
    sources = {
        role: CredentialSource(env=source.get("env"), file=source.get("file"))
        for role, source in fields.get("credentials", {}).items()
    }
    space = Space(
        name=head.name,
        server=fields["server"].rstrip("/"),
        octopus_space=fields["space"],
        observe=sources.get("observe"),
        deploy=sources.get("deploy"),
        place=head.place,
        is_connected=fields.get("connected", True),
        machines=sources.get("machines"),
    )
    return SpaceDocument(head.name, head.place, space)
