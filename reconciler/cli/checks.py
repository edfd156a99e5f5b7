"""Settings that contradict each other, or the files they name, as findings of `doctor`."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from reconciler.core.checkup import Check, Finding, Verdict
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.settings import Settings

LOOPBACK = ("127.", "localhost", "[::1]", "::1")


def setting_findings(settings: Settings) -> Iterator[Finding]:
    """Yield what is wrong with the settings; one line where nothing is."""
    found = [*_files(settings), *_git(settings), *_servers(settings), *_serve(settings)]
    yield from found or [Finding(Check.SETTINGS, "", Verdict.OK, "they fit together")]


def _files(settings: Settings) -> Iterator[Finding]:
    named: list[tuple[str, Path | None]] = [
        ("GIT__TOKEN_FILE", settings.git.token_file),
        ("GIT__ALLOWED_SIGNERS", settings.git.allowed_signers),
        ("GIT__SIGNING_KEY", settings.git.signing_key),
        *((f"SIGNING__{name}__KEY", one.key) for name, one in settings.signing.items()),
    ]
    for name, path in named:
        if path is not None and not path.is_file():
            says = f"RECONCILER_{clean(name)} names {clean(str(path), 120)}, which is no file"
            to_do = "put it there, or change the setting"
            yield Finding(Check.SETTINGS, "", Verdict.FAILED, says, to_do)
    folder = settings.secrets_dir
    if folder is None:
        return
    if not folder.is_dir():
        says = f"RECONCILER_SECRETS_DIR names {clean(str(folder), 120)}, which is no folder"
        to_do = "make it, or change the setting"
        yield Finding(Check.SETTINGS, "", Verdict.FAILED, says, to_do)
    elif stat.S_IMODE(folder.stat().st_mode) & 0o007:
        says = f"everybody on this machine may look into {clean(str(folder), 120)}"
        to_do = f"chmod o-rwx {clean(str(folder), 120)}"
        yield Finding(Check.SETTINGS, "", Verdict.WARNING, says, to_do)


def _git(settings: Settings) -> Iterator[Finding]:
    git = settings.git
    if git.allowed_signers is not None and git.signing_key is None:
        says = "signed commits are required, and our own have no key: edits pushed straight to"
        says += " the watched branch would hold every environment"
        to_do = "set RECONCILER_GIT__SIGNING_KEY to a key that is among the allowed signers"
        yield Finding(Check.SETTINGS, "", Verdict.WARNING, says, to_do)
    if git.token is not None and git.token_file is not None:
        says = "both RECONCILER_GIT__TOKEN and RECONCILER_GIT__TOKEN_FILE are set"
        yield Finding(Check.SETTINGS, "", Verdict.FAILED, says, "keep one of them")
    if settings.repo is not None and settings.repo.startswith("http:"):
        says = "the manifest repository is read over http, without encryption"
        to_do = "use its https or ssh address in RECONCILER_REPO"
        yield Finding(Check.SETTINGS, "", Verdict.WARNING, says, to_do)


def _servers(settings: Settings) -> Iterator[Finding]:
    if settings.octopus.servers is None:
        says = "a merged Space manifest may send its key to any server"
        to_do = "set RECONCILER_OCTOPUS__SERVERS to the addresses of your own"
        yield Finding(Check.SETTINGS, "", Verdict.WARNING, says, to_do)


def _serve(settings: Settings) -> Iterator[Finding]:
    if not settings.serve.listen.startswith(LOOPBACK):
        says = f"/status is open to the network at {clean(settings.serve.listen, 60)}, to anybody"
        to_do = "set RECONCILER_SERVE__LISTEN to 127.0.0.1:8066, behind something that asks who"
        yield Finding(Check.SETTINGS, "", Verdict.WARNING, says, to_do)
