"""What the daemon of this state directory wrote down, and whether that still holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.core.text import clean
from reconciler.errors import ReconcilerError
from reconciler.store.lock import served_since
from reconciler.store.statusfile import read_status, written_at

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Standing:
    """Environments by name and troubles by repository, as JSON values of the daemon.

    `remotes` are names of RemoteEnvironments. `is_served`: a daemon runs. `is_current`: that daemon
    wrote this, not one before it.
    """

    environments: Mapping[str, Mapping[str, Any]]
    troubles: Mapping[str, str]
    is_served: bool
    is_current: bool
    remotes: tuple[str, ...] = ()

    @classmethod
    def read(cls, state_dir: Path, names: Collection[str] = ()) -> Standing | None:
        """Read the status file; of these environments only, if any are named.

        Returns None where no daemon ever wrote one. Raises: StoreTrouble.
        """
        since = served_since(state_dir)
        found = read_status(state_dir)
        if found is None:
            return None if since is None else cls({}, {}, is_served=True, is_current=False)
        repositories: Mapping[str, Any] = found["repositories"]
        return cls(
            {
                name: one
                for repository in repositories.values()
                for name, one in sorted(repository["environments"].items())
                if not names or name in names
            },
            {name: str(r["trouble"]) for name, r in repositories.items() if r["trouble"]},
            is_served=since is not None,
            is_current=since is not None and written_at(state_dir) >= since,
            remotes=tuple(
                name
                for repository in repositories.values()
                for name in repository.get("remotes", ())
                if not names or name in names
            ),
        )


class NoDaemon(ReconcilerError):
    """No daemon runs for a state directory, or none ever did."""

    def __init__(self, state_dir: Path, what: str) -> None:
        super().__init__(
            f"{what} {clean(str(state_dir))}",
            hint="start `reconciler serve`, or set RECONCILER_STATE_DIR to where it runs",
        )
