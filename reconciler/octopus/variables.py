"""The variables that releases froze: whether they are others today, and freezing them anew.

Source: Octopus REST API, `GET /releases/{id}/deployments/template` (`IsVariableSetModified`,
`IsLibraryVariableSetModified`), `GET /releases/{id}`, `POST /releases/{id}/snapshot-variables`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from reconciler.errors import BadAnswer, RemoteRejected
from reconciler.octopus import translate, wire
from reconciler.octopus.client import unknown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reconciler.core.state import ReleaseDetail
    from reconciler.octopus.client import OctopusHttp
    from reconciler.ports import Clock

NOT_FOUND: Final = 404
KEPT: Final = 300.0  # seconds: a change of variables is found within five minutes of a look
MOST_KEPT: Final = 10_000


class VariableReader:
    """Whether the variables of releases are others today; that they are not is believed a while."""

    def __init__(self, http: OctopusHttp, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._unmodified: dict[str, float] = {}

    async def modified(self, space: str, release_id: str, *, afresh: bool) -> bool:
        """Tell whether the project's variables, or its library sets', differ from a release's."""
        read_at = self._unmodified.get(release_id, float("-inf"))
        if not afresh and self._clock.monotonic() - read_at < KEPT:
            return False
        self._unmodified.pop(release_id, None)
        now = self._clock.monotonic()
        path = f"api/{space}/releases/{quote(release_id, safe='')}/deployments/template"
        said = wire.decode(await self._http.get(path, alone=True), wire.DeploymentTemplate)
        differs = said.is_variable_set_modified or said.is_library_variable_set_modified
        if not differs and len(self._unmodified) < MOST_KEPT:
            self._unmodified[release_id] = now
        return differs


async def read_release(http: OctopusHttp, space: str, release_id: str) -> ReleaseDetail | None:
    """Return a release as it is now, None where there is none any more."""
    path = f"api/{space}/releases/{quote(release_id, safe='')}"
    try:
        answer = await http.get(path, alone=True)
    except RemoteRejected as refused:
        if refused.status == NOT_FOUND:
            return None
        raise
    return translate.release(wire.decode(answer, wire.Release))


async def refresh_variables(
    http: OctopusHttp,
    space: str,
    release_id: str,
    within: float,
    before: Callable[[], Awaitable[None]],
) -> None:
    """Snapshot the variables of a release anew. Never repeated here; raises as `http.post`."""
    path = f"api/{space}/releases/{quote(release_id, safe='')}/snapshot-variables"
    answer = await http.post(path, b"{}", within, before)
    try:
        made = wire.decode(answer, wire.Release)
    except BadAnswer as error:
        raise unknown(answer.url, "its answer is no release") from error
    if made.id != release_id:
        raise unknown(answer.url, "its answer is of another release")
