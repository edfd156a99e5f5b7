"""A bug, told in one line; its traceback goes to a file, without secrets."""

from __future__ import annotations

import os
import platform
import re
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

import click

from reconciler import __version__, credentials
from reconciler.core.text import clean

_SHAPES = (
    re.compile(r"API-[A-Za-z0-9]{6,}"),
    re.compile(r"(?<=://)[^/@\s]+(?=@)"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL),
    re.compile(r"(?i)(?:(?<=bearer )|(?<=basic ))[A-Za-z0-9+/=._~-]{8,}"),
)
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_SHORTEST = 6  # a shorter value of a variable is no secret worth garbling the text for


def tell_bug(error: BaseException) -> None:
    """Say what happened, where the traceback was written, and how to report it."""
    what = redacted(f"{type(error).__name__}: {error}")
    click.echo(f"error: a bug in Reconciler: {clean(what, 300)}", err=True)
    place = _write(error)
    where = "could not be written anywhere" if place is None else f"is in {place}"
    click.echo(f"hint: please report it; the traceback, without secrets, {where}", err=True)


def redacted(text: str) -> str:
    """Return the text without what is, or looks like, a credential."""
    values = [
        value
        for name, value in os.environ.items()
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST
    ]
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, "[redacted]")
    text = credentials.redacted(text)
    for shape in _SHAPES:
        text = shape.sub("[redacted]", text)
    return text


def _write(error: BaseException) -> Path | None:
    """Write the traceback into the state directory, else the temporary one; None: neither."""
    now = datetime.now(UTC)
    head = f"reconciler {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
    text = head + redacted("".join(traceback.format_exception(error)))
    for folder in (_state_dir(), Path(tempfile.gettempdir())):
        if folder is None:
            continue
        path = folder / f"crash-{now:%Y%m%dT%H%M%S}-{os.getpid()}.txt"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        except OSError:
            continue
        return path
    return None


def _state_dir() -> Path | None:
    try:
        from reconciler.settings import read_settings

        return read_settings().state_dir
    except Exception:  # noqa: BLE001  # a bug may be anywhere, there too
        return None
