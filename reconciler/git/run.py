"""The one place that runs git: GitPython starts it, we watch the clock and what comes out.

Nothing of the machine's or the user's git configuration is read, no hook or helper runs, no
terminal is asked, and of the transports only the one the address needs is open (rules 22, 23).
GitPython's own `kill_after_timeout` is not used: it finds grandchildren by `pgrep` or `ps`, and
where both are missing it waits for a hanging `ssh` for ever. Each git runs in its own session
here and is stopped together with everything it started.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import selectors
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.core.text import clean
from reconciler.errors import GitTrouble

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence

# GIT_CONFIG_GLOBAL is honoured from 2.32 on; an older git would read the user's configuration.
OLDEST_GIT: Final = (2, 32)
INSTALL_HINT: Final = "install git 2.32 or newer (Debian, Ubuntu: apt-get install git)"

MIB: Final = 1024 * 1024
OUTPUT_LIMIT: Final = 256 * MIB  # far above any listing we ask for; a bound on memory (rule 47)
STDERR_KEPT: Final = 64 * 1024
_LOOK_SECONDS: Final = 1.0  # between looks at whether it is still wanted
GRACE_SECONDS: Final = 2.0  # between asking git to stop (it removes its lock files) and killing it

_CONFIG: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.askPass=",
    "credential.helper=",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.recurseSubmodules=false",
    "push.recurseSubmodules=no",
    "push.gpgSign=false",
    "http.followRedirects=false",  # a surprising redirect is an error, and never gets our token
    "protocol.ext.allow=never",
    "protocol.allow=never",
)
_ENVIRONMENT: Final = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "false",
    "SSH_ASKPASS_REQUIRE": "never",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "LC_ALL": "C",
    "LANGUAGE": "C",
}
# What an operator may set for how ssh and TLS work; every other GIT_* variable of the caller
# (GIT_DIR, GIT_OBJECT_DIRECTORY, GIT_TRACE, ... as a hook would have them) is taken away.
_KEPT: Final = frozenset(
    {"GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"}
)
# No shared connection: its keeper would outlive us and hold our pipes open.
_SSH: Final = (
    "ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15 "
    "-o ServerAliveCountMax=2 -o ControlMaster=no -o ControlPath=none"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one git said: exit status, standard output as bytes, standard error as text."""

    status: int
    out: bytes
    err: str

    def text(self) -> str:
        """Return standard output as text without the last line end."""
        return self.out.decode("utf-8", "surrogateescape").removesuffix("\n")


class GitTimeout(GitTrouble):
    """Git did not end in time and was stopped; the caller says what that means."""


@dataclass(frozen=True, slots=True)
class Call:
    """How to run one git.

    `config` is handed over in the environment, so a token in it is in no argument list (rule 30).
    `variables` are further ones of git, such as who a commit is of.
    `transport` is the only protocol git may speak; None: git stays on this machine's objects.
    Once `halted` says so, within about a second, git is stopped as if its time were over.
    """

    where: Path
    timeout: float
    git_dir: Path | None = None
    transport: str | None = None
    config: tuple[tuple[str, str], ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    stdin: bytes = b""
    limit: int = OUTPUT_LIMIT
    halted: Callable[[], bool] = lambda: False


def run_git(call: Call, *arguments: str) -> Answer:
    """Run git and return its answer, whatever its exit status.

    Raises:
        GitTimeout: it took longer than `call.timeout` seconds and was stopped.
        GitTrouble: git is missing or too old, or said more than `call.limit` bytes.
    """
    check_version()
    options = [f"protocol.{call.transport}.allow=always"] if call.transport else []
    command = ["git"]
    for option in (*_CONFIG, *options):
        command += ["-c", option]
    if call.git_dir is not None:
        command.append(f"--git-dir={call.git_dir}")
    return _execute([*command, *arguments], arguments[0], call)


@functools.cache
def check_version() -> tuple[int, int]:
    """Make sure, once per process, that git is there and new enough; return its version.

    Raises:
        GitTrouble: it is not; the hint says how to get it.
    """
    answer = _execute(["git", "version"], "version", Call(where=Path("/"), timeout=20))
    found = re.match(rb"git version (\d+)\.(\d+)", answer.out)
    if answer.status != 0 or found is None:
        words = clean(answer.err or answer.text())
        raise GitTrouble(f"'git version' did not answer as git does: {words}", hint=INSTALL_HINT)
    version = int(found[1]), int(found[2])
    if version < OLDEST_GIT:
        raise GitTrouble(f"{clean(answer.text())} is too old", hint=INSTALL_HINT)
    return version


def foreign_variables(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Name the variables of the caller that would redirect git and must not reach it."""
    ours = _KEPT | _ENVIRONMENT.keys()
    return tuple(
        sorted(
            name
            for name in environment
            if name.startswith("GIT_") and not name.startswith("GIT_PYTHON_") and name not in ours
        )
    )


def _execute(command: Sequence[str], verb: str, call: Call) -> Answer:
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # else its import fails without git
    import git

    variables = {**_ENVIRONMENT, **dict(call.variables)}
    if "GIT_SSH" not in os.environ:
        variables["GIT_SSH_COMMAND"] = os.environ.get("GIT_SSH_COMMAND", _SSH)
    if call.config:
        variables["GIT_CONFIG_COUNT"] = str(len(call.config))
        for number, (key, value) in enumerate(call.config):
            variables[f"GIT_CONFIG_KEY_{number}"] = key
            variables[f"GIT_CONFIG_VALUE_{number}"] = value
    # GitPython hands on our whole environment; `env` takes away what must not go along.
    names = (name for name in foreign_variables(os.environ) if name not in variables)
    taken_away = [part for name in names for part in ("-u", name)]
    prefix = ["env", *taken_away] if taken_away else []
    with tempfile.TemporaryFile() as stdin:
        stdin.write(call.stdin)
        stdin.seek(0)
        try:
            handle = git.Git(call.where).execute(
                [*prefix, *command],
                istream=stdin,
                as_process=True,
                env=variables,
                start_new_session=True,
            )
        except git.GitCommandNotFound as error:
            raise GitTrouble("git was not found on this machine", hint=INSTALL_HINT) from error
        except OSError as error:
            reason = clean(error.strerror or str(error))
            raise GitTrouble(f"git could not be started: {reason}", hint=INSTALL_HINT) from error
        process = handle.proc
        if process is None:
            raise GitTrouble("git could not be started", hint=INSTALL_HINT)
        try:
            return _listen(process, verb, call)
        finally:
            _stop(process)


def _listen(process: subprocess.Popen[bytes], verb: str, call: Call) -> Answer:
    """Read both outputs until git closes them and ends, within time and size."""
    deadline = time.monotonic() + call.timeout
    out, err = bytearray(), bytearray()
    if process.stdout is None or process.stderr is None:
        raise GitTrouble("git was started without outputs", hint="this is a fault of Reconciler")
    with selectors.DefaultSelector() as streams:
        streams.register(process.stdout, selectors.EVENT_READ, out)
        streams.register(process.stderr, selectors.EVENT_READ, err)
        while streams.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                raise _too_slow(verb, call)
            if call.halted():
                raise GitTimeout(f"git {verb} was stopped", hint="it is done another time")
            for key, _ in streams.select(min(left, _LOOK_SECONDS)):
                chunk = os.read(key.fd, MIB)
                if not chunk:
                    streams.unregister(key.fileobj)
                    continue
                key.data.extend(chunk)
                if len(out) > call.limit:
                    raise GitTrouble(
                        f"git {verb} answered with more than {call.limit // MIB} MiB",
                        hint="look for very large files or very many files in the repository",
                    )
                del err[:-STDERR_KEPT]
    while process.poll() is None:
        if time.monotonic() > deadline:
            raise _too_slow(verb, call)
        time.sleep(0.001)
    return Answer(process.returncode, bytes(out), err.decode("utf-8", "replace"))


def _too_slow(verb: str, call: Call) -> GitTimeout:
    return GitTimeout(
        f"git {verb} did not end within {call.timeout:g} s and was stopped",
        hint="try again; if it goes on, look at the network or raise the git timeout",
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop git and all it started, where it still runs, and close its pipes."""
    import subprocess

    if process.poll() is None:
        for number, patience in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, None)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)
                break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # helpers that ignored the first request
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
