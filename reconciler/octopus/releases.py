"""What is known of releases: which were seen before, what blocks one, what one lacks.

Only ids are remembered. A release is read afresh whenever a deployment may rest on it: it may have
been deleted and made again, and its variables snapshotted anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from reconciler.core.text import clean
from reconciler.errors import CredentialRefused, NotAllowed, RemoteRejected
from reconciler.octopus import translate, wire
from reconciler.octopus.pages import read_by_ids, read_pages

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from reconciler.core.state import ReleaseDetail
    from reconciler.octopus.client import OctopusHttp

NOT_FOUND: Final = 404
MOST_KNOWN: Final = 200_000
MOST_DEFECTS: Final = 100
MOST_TRACKED: Final = 100

ReleaseKey = tuple[str, str]
"""A project's id and a version."""


class Package(wire.Wire, frozen=True):
    """A package and its version."""

    id: str
    version: str


class MissingPackages(wire.Wire, frozen=True):
    """`GET /{space}/releases/{id}/missingpackages`."""

    packages: list[Package]


class Defect(wire.Wire, frozen=True):
    """Why somebody stopped a release; `status` is Unresolved or Resolved."""

    id: wire.Id
    description: str | None
    status: str


class Channel(wire.Wire, frozen=True):
    """A channel, of `GET /{space}/channels`."""

    id: wire.Id
    name: wire.Text


class ReleaseIds:
    """The ids of releases that were seen in one space, by project and version."""

    def __init__(self, http: OctopusHttp) -> None:
        self._http = http
        self._ids: dict[ReleaseKey, str] = {}

    def note(self, releases: Iterable[ReleaseDetail]) -> None:
        """Remember the ids of releases."""
        if len(self._ids) > MOST_KNOWN:
            self._ids.clear()
        self._ids.update({(one.project_id, one.version): one.id for one in releases})

    async def read(
        self, space: str, wanted: Collection[ReleaseKey]
    ) -> Mapping[ReleaseKey, ReleaseDetail]:
        """Return those that were seen before, read afresh; one deleted meanwhile is forgotten.

        Source: Octopus REST API, `GET /releases`, by `ids`.
        """
        ids = {self._ids.pop(key): key for key in wanted if key in self._ids}
        said = await read_by_ids(self._http, f"api/{space}/releases", ids, wire.Release, alone=True)
        found = [translate.release(one) for one in said]
        self.note(found)
        by_key = {(one.project_id, one.version): one for one in found}
        return {key: by_key[key] for key in wanted if key in by_key}


async def read_missing(http: OctopusHttp, space: str, release_id: str) -> tuple[str, ...]:
    """Return the packages of a release that the built-in feed has no more.

    A server that is too old to have the route tells of none.

    Source: Octopus REST API, `GET /releases/{id}/missingpackages`.
    """
    path = f"api/{space}/releases/{quote(release_id, safe='')}/missingpackages"
    try:
        answer = await http.get(path, alone=True)
    except RemoteRejected as refused:
        if refused.status == NOT_FOUND:
            return ()
        raise
    said = wire.decode(answer, MissingPackages)
    return tuple(sorted(f"{clean(one.id, 80)} {clean(one.version, 60)}" for one in said.packages))


async def read_defect(http: OctopusHttp, space: str, release_id: str) -> str | None:
    """Return in which words a release is blocked now; None: it is not, or nobody tells us.

    Source: Octopus REST API, `GET /releases/{id}/defects`.
    """
    path = f"api/{space}/releases/{quote(release_id, safe='')}/defects"
    try:
        found, _ = await read_pages(http, path, {}, Defect, MOST_DEFECTS, alone=True)
    except CredentialRefused:
        raise
    except (NotAllowed, RemoteRejected):
        return None  # that it may not go there is known already
    open_ones = [one for one in found if one.status != "Resolved"]
    return clean(open_ones[0].description or "no reason given") if open_ones else None


async def read_channels(http: OctopusHttp, space: str, ids: Collection[str]) -> Mapping[str, str]:
    """Return the names of channels by id, one request for each hundred."""
    found = await read_by_ids(http, f"api/{space}/channels", ids, Channel, alone=True)
    return {one.id: one.name for one in found}


async def read_channel_versions(
    http: OctopusHttp, space: str, project_id: str, channel: str
) -> tuple[str, ...] | None:
    """Return the versions of a channel's newest releases, MOST_TRACKED at most.

    None: the project shows no channel, or more than one, of exactly this name.

    Source: Octopus REST API, `GET /projects/{id}/channels` by `partialName`, and `GET
    /projects/{id}/channels/{channelId}/releases`, newest first.
    """
    path = f"api/{space}/projects/{quote(project_id, safe='')}/channels"
    named, _ = await read_pages(http, path, {"partialName": channel}, Channel, MOST_TRACKED)
    ids = [one.id for one in named if one.name == channel]
    if len(ids) != 1:
        return None
    path = f"{path}/{quote(ids[0], safe='')}/releases"
    found, _ = await read_pages(http, path, {}, wire.Release, MOST_TRACKED, MOST_TRACKED)
    return tuple(one.version for one in found if one.project_id == project_id)
