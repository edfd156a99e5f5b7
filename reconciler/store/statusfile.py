"""How every environment stood when the daemon last looked: one small file beside the store.

A cache for `reconciler status`, written whole and at once; losing it loses nothing.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from reconciler.errors import StoreTrouble
from reconciler.store.trouble import told

if TYPE_CHECKING:
    from pathlib import Path

NAME = "status.json"
LARGEST = 64 * 1024 * 1024


def write_status(state_dir: Path, status: dict[str, Any]) -> None:
    """Replace the file. Its one writer holds the daemon's lock. Raises: StoreTrouble."""
    path = state_dir / NAME
    draft = state_dir / f"{NAME}.new"
    with told(path):
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(json.dumps(status, sort_keys=True) + "\n")
        draft.replace(path)


def read_status(state_dir: Path) -> dict[str, Any] | None:
    """Return what the daemon wrote last, None where none ever did. Raises: StoreTrouble."""
    path = state_dir / NAME
    with told(path):
        if not path.exists():
            return None
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if len(content) > LARGEST or not isinstance(found, dict) or not _is_whole(found):
        raise StoreTrouble(
            f"{path} is damaged; nothing was changed",
            hint=f"remove it (rm {path}): the daemon writes it anew",
        )
    return found


def written_at(state_dir: Path) -> int:
    """Return when the file was written, 0 where there is none, as `lock.served_since` tells it.

    Raises: StoreTrouble.
    """
    path = state_dir / NAME
    with told(path):
        return path.stat().st_mtime_ns if path.exists() else 0


_FACTS = frozenset(
    {"commit", "looked", "attempted", "reached", "next_look", "pending", "conditions", "running"}
)
_WORDS = frozenset({"type", "reason", "message", "since"})
_TASKS = frozenset({"component", "task", "state", "since"})
_PROGRESS = frozenset({"done", "of", "failed", "asking", "percent", "waves", "next", "ends"})
_PROGRESS |= {"not_before", "window_closes"}
_WAVE = frozenset({"wave", "done", "of"})


def _is_whole(found: dict[str, Any]) -> bool:
    """Tell whether everything stands there that is shown of it."""
    try:
        return all(
            repository.keys() >= {"trouble"}
            and all(type(name) is str for name in repository.get("remotes", ()))
            and all(
                one.keys() >= _FACTS
                and type(one["pending"]) is int
                and all(c.keys() >= _WORDS for c in one["conditions"])
                and all(r.keys() >= _TASKS for r in one["running"])
                and all(type(r.get("wave", 0)) is int for r in one["running"])
                and _is_progress(one.get("progress"))
                for one in repository["environments"].values()
            )
            for repository in found["repositories"].values()
        )
    except (AttributeError, KeyError, TypeError):
        return False


def _is_progress(found: dict[str, Any] | None) -> bool:
    return found is None or (
        found.keys() >= _PROGRESS
        and type(found["next"]) is list
        and all(wave.keys() >= _WAVE and type(wave["wave"]) is int for wave in found["waves"])
    )
