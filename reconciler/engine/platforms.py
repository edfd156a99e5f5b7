"""Platform versions between commits: a name that was accepted once stands for one content."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reconciler.core.platform import digest_path, parse_digest, platforms_of, render_digest
from reconciler.engine.doors import blocking
from reconciler.errors import GitTrouble, ManifestsInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.core.manifest import DesiredState, ManifestSet
    from reconciler.core.platform import PlatformVersion
    from reconciler.engine.doors import Doors

_HINT = "restore it from git, and give what is new a name of its own"


async def check_unedited(doors: Doors, desired: DesiredState, before: ManifestSet | None) -> None:
    """Return if the platform versions of an environment say what they always said.

    They are compared with `before`, the manifests of the last accepted commit (None: there is
    none), and with their digests on the audit branch as fetched.

    Raises: ManifestsInvalid; GitTrouble where a recorded digest is damaged.
    """
    for platform in platforms_of(desired.environment):
        known = None if before is None else before.platforms.get(platform.name)
        if known is not None and known.digest != platform.digest:
            raise _edited(platform, "the last accepted commit")
        path = digest_path(platform.name)
        content = None if doors.audit is None else await blocking(doors.audit.read, path)
        if content is not None and _recorded(path, content) != platform.digest:
            raise _edited(platform, "the audit branch")


def _recorded(path: str, content: bytes) -> str:
    try:
        return parse_digest(content)
    except ValueError as error:
        raise GitTrouble(
            f"{path} on the audit branch: {error}; nothing was applied",
            hint=f"restore it from the history of the audit branch: git log -- {path}",
        ) from error


def recorded_digests(
    desired: DesiredState, commit: str
) -> Mapping[str, Callable[[bytes | None], bytes | None]]:
    """Return the edits of the audit branch that record the digests of platform versions, once."""
    return {
        digest_path(platform.name): partial(_once, render_digest(platform, commit))
        for platform in platforms_of(desired.environment)
    }


def _once(content: bytes, there: bytes | None) -> bytes | None:
    return content if there is None else None


def _edited(platform: PlatformVersion, where: str) -> ManifestsInvalid:
    return ManifestsInvalid(
        f"platform version {platform.name} is not what it is by {where}; a platform version never"
        " changes, and nothing was applied",
        lines=[f"{platform.place}: '{platform.name}' was edited after it was accepted"],
        hint=_HINT,
    )
