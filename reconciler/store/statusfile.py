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
    """Replace the file. Raises: StoreTrouble."""
    path = state_dir / NAME
    draft = state_dir / f"{NAME}.{os.getpid()}.new"
    with told(path):
        draft.write_text(json.dumps(status, sort_keys=True) + "\n", encoding="utf-8")
        draft.chmod(0o600)
        draft.replace(path)


def read_status(state_dir: Path) -> dict[str, Any] | None:
    """Return what the daemon wrote last, None where none ever did. Raises: StoreTrouble."""
    path = state_dir / NAME
    with told(path):
        if not path.exists():
            return None
        content = path.read_bytes()[: LARGEST + 1]
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise StoreTrouble(
            f"{path} is damaged; nothing was changed",
            hint="remove it: the daemon writes it anew",
        )
    return found
