"""Fresh variables: what a release froze, the promise to snapshot it anew, and who needs it.

A release keeps its variables as they were when it was made, for all environments. Octopus says
whether the project's are others today; that a release was refreshed since a cell was deployed is
told by what the cell's line in the last snapshot says it ran with.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.core.canonical import digest_hex
from reconciler.core.cell import Config
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from reconciler.core.snapshot import SnapshotCell
    from reconciler.core.state import ReleaseDetail


class Stage(StrEnum):
    """How far a refresh got. `promised` may or may not have reached Octopus."""

    PROMISED = "promised"
    DONE = "done"
    VOID = "void"  # the release was read anew, and is as it was


@dataclass(frozen=True, slots=True)
class Refresh:
    """The promise to snapshot the variables of one release anew, for one environment's pass.

    `before` and `after` are what the release has frozen (`frozen`); `after` is empty until done.
    `differs`: right after it Octopus said that the variables are others again, so that another
    refresh by itself might never end.
    """

    environment: str
    server: str
    space: str
    release: str
    before: str
    commit: str
    plan_digest: str
    promised_at: datetime
    stage: Stage = Stage.PROMISED
    after: str = ""
    differs: bool = False

    @property
    def id(self) -> str:
        """64 hex digits, the same for the same release in the same state."""
        where = [self.environment, self.server, self.space]
        return digest_hex([*where, self.release, self.before])


def frozen(release: ReleaseDetail) -> str:
    """Return the ids of the variable snapshots of a release, as one text."""
    return " ".join((release.variable_snapshot, *release.library_snapshots))


def config_of(
    line: SnapshotCell | None,
    deployment_id: str,
    release: ReleaseDetail,
    refreshes: Iterable[Refresh],
    *,
    is_modified: bool,
) -> Config | None:
    """Tell whether the variables ask for a deployment of a cell that is in sync; None: they do not.

    `line` is the cell's in the last snapshot, `release` the one it runs as it is now, `is_modified`
    whether Octopus says that the variables are others than the release's.
    """
    version = clean(release.version, 60)
    if line is not None and line.deployment == deployment_id and line.variables is not None:
        libraries = line.libraries or " ".join(release.library_snapshots)
        if f"{line.variables} {libraries}".rstrip() != frozen(release).rstrip():
            note = f"the variables of release {version} were refreshed since it was deployed here"
            return Config(is_changed=True, note=note)
    if not is_modified:
        return None
    now = frozen(release)
    if any(one.differs and one.after == now for one in refreshes if one.release == release.id):
        note = (
            f"Octopus says that variables differ from release {version} even after a refresh; it "
            "is not deployed again for that, until a commit raises `redeploy`"
        )
        return Config(is_changed=False, note=note)
    return Config(is_changed=True, note=f"variables changed since release {version} froze them")
