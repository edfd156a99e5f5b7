"""Where the folders are that a checkout has at its root and a wheel carries inside."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from reconciler.errors import UsageError


def shipped(name: str) -> Path:
    """Return a folder that comes with the program, such as `example-manifests`.

    Raises: UsageError where the installation is not whole.
    """
    package = Path(str(files("reconciler")))
    for folder in (package / "_shipped" / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise UsageError(
        f"this installation of reconciler does not carry {name}; nothing was done",
        hint="install it again from a wheel, or run it from a whole checkout",
    )
