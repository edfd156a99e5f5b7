"""The stage of the demo: a temporary folder with a git remote, a clone, and a simulator.

Everything the story does goes through a real subprocess, exactly as it is shown; nothing of the
user's git configuration, settings or keys is read.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.demo import guard
from reconciler.cli.demo.octopus import OctopusView
from reconciler.cli.demo.processes import Processes, undisturbed
from reconciler.cli.demo.simulated import Simulated, start_simulator
from reconciler.cli.demo.trouble import PATIENCE, broken
from reconciler.cli.shipped import shipped
from reconciler.core.text import clean
from reconciler.errors import UsageError
from reconciler.git.run import check_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.cli.demo.teller import Teller

_FOREIGN = re.compile(r"(GIT_|RECONCILER_|OCTOPUS_|PYTHONWARNINGS$)")
_SERVER = re.compile(r"^( +server: ).*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Person:
    """Who commits. No identity of the user is used."""

    name: str

    @property
    def environment(self) -> dict[str, str]:
        """What git reads it from."""
        mail = f"{self.name.lower()}@example.com"
        return {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", self.name), ("EMAIL", mail))
        }


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story happens. `environment` is what every subprocess gets."""

    folder: Path
    teller: Teller
    processes: Processes
    simulated: Simulated
    environment: Mapping[str, str] = field(repr=False)

    @property
    def clone(self) -> Path:
        """The clone of the manifests in which all commands run."""
        return self.folder / "manifests"

    @property
    def tools(self) -> Path:
        """The folder with the commands that lines of shell use, whatever PATH has."""
        return self.folder / "bin"

    def reconciler(self, *arguments: str, ends: int = 0) -> None:
        """Show and run one command of ours. Raises: ReconcilerError if it ends otherwise."""
        self.teller.command(shlex.join(["reconciler", *arguments]))
        done = self._run([sys.executable, "-m", "reconciler", *arguments])
        if done.returncode != ends:
            words = " ".join(arguments)
            raise broken(f"`reconciler {words}` ended with {done.returncode}, not {ends}")
        self.teller.note(f"exit {ends}" if ends else "")

    def ask(self, *arguments: str) -> str:
        """Return what one command of ours prints, without showing it. Raises: ReconcilerError."""
        done = self._run([sys.executable, "-m", "reconciler", *arguments], quiet=True)
        if done.returncode != 0:
            words = " ".join(arguments)
            raise broken(f"`reconciler {words}` ended with {done.returncode}: {_said(done)}")
        return done.stdout

    def shell(
        self, line: str, *, who: Person | None = None, cwd: Path | None = None, show: bool = True
    ) -> None:
        """Show a line of shell and run it as it stands. Raises: ReconcilerError if it fails."""
        if show:
            self.teller.command(line)
        done = self._run(["/bin/sh", "-ec", line], who=who, cwd=cwd, quiet=not show)
        if done.returncode != 0:
            raise broken(f"`{line.splitlines()[0]}` ended with {done.returncode}, not 0")

    def git(self, *arguments: str, who: Person | None = None, cwd: Path | None = None) -> str:
        """Run git without showing it, and return what it says. Raises: ReconcilerError."""
        done = self._run(["git", *arguments], who=who, cwd=cwd, quiet=True)
        if done.returncode != 0:
            raise broken(f"git {arguments[0]} ended with {done.returncode}: {_said(done)}")
        return done.stdout

    def _run(
        self,
        command: list[str],
        *,
        who: Person | None = None,
        cwd: Path | None = None,
        quiet: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        where = cwd or (self.clone if self.clone.is_dir() else self.folder)
        output = subprocess.PIPE if quiet else None
        process = self.processes.start(
            command,
            cwd=where,
            env={**self.environment, **({} if who is None else who.environment)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired as error:
            self.processes.stop(process)
            raise broken(f"`{command[-1]}` did not end within {PATIENCE:.0f} s") from error
        self.processes.forget(process)
        return subprocess.CompletedProcess(command, process.returncode, out or "", err or "")


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return clean((done.stderr or done.stdout).strip(), 300) or "nothing was printed"


@contextmanager
def set_stage(teller: Teller, *, hurry: bool = False) -> Iterator[Stage]:
    """Make the folder, start the simulator, and leave nothing of either behind.

    `hurry`: deployments take a third of their time.

    Raises: GitTrouble without a usable git; UsageError; ReconcilerError.
    """
    check_version()
    with undisturbed():  # a folder without its guard would be left behind
        folder = _make_folder()
        processes = Processes.guarded(folder)
    try:
        base = _environment(folder)
        _make_tools(folder / "bin")
        simulated = start_simulator(folder, base, processes, hurry=hurry)
        names = ("OCTOPUS_GAMING_KEY", "OCTOPUS_HOSPITAL_KEY")
        keys = dict.fromkeys(names, simulated.service_key)
        stage = Stage(folder, teller, processes, simulated, base | keys)
        _commit_examples(stage)
        yield stage
    finally:
        with undisturbed():  # an impatient second Ctrl-C must not leave half of it behind
            processes.stop_all()
            guard.remove(str(folder))
            processes.dismiss()
            if folder.exists():
                teller.show(f"Not all of it could be removed: see {folder}")


def view(stage: Stage, space: str, environment: str) -> OctopusView:
    """Return one environment of the simulator as anybody sees it."""
    simulated = stage.simulated
    return OctopusView.of(simulated.url, simulated.service_key, space, environment)


def _make_folder() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="reconciler-demo-")).resolve()
    except OSError as error:
        raise UsageError(
            f"no temporary folder can be made: {clean(error.strerror or str(error))}",
            hint="set TMPDIR to a folder that can be written",
        ) from error


def _environment(folder: Path) -> dict[str, str]:
    """Return the caller's variables without anything that could lead out of the stage."""
    kept = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
    return kept | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_PAGER": "cat",
        "PYTHONSAFEPATH": "1",  # commands run inside a git clone, which is data
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "RECONCILER_STATE_DIR": str(folder / "state"),
        "RECONCILER_GIT__ALLOW_LOCAL": "true",
        "RECONCILER_OCTOPUS__POLL": "0.25",
        "RECONCILER_OCTOPUS__SETTLING": "0.5",
        "RECONCILER_SERVE__POLL": "0.5",
        "RECONCILER_SERVE__FULL_LOOK": "1",
    }


def _make_tools(folder: Path) -> None:
    """Make `reconciler` and `python3` commands that are this very program and interpreter."""
    folder.mkdir()
    python = shlex.quote(sys.executable)
    for name, words in (("python3", python), ("reconciler", f"{python} -m reconciler")):
        tool = folder / name
        tool.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        tool.chmod(0o755)


def _commit_examples(stage: Stage) -> None:
    """Make the remote and its clone, and commit the example manifests with the real address."""
    shutil.copytree(shipped("example-manifests"), stage.clone)
    for space in sorted((stage.clone / "spaces").glob("*.yaml")):
        text, found = _SERVER.subn(
            rf"\g<1>{stage.simulated.url}", space.read_text(encoding="utf-8"), 1
        )
        if not found:
            raise broken(f"the example {space.name} has no line 'server:'")
        space.write_text(text, encoding="utf-8")
    remote = stage.folder / "remote.git"
    stage.git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(remote))
    stage.git("init", "--quiet", "--template=", "--initial-branch=main")
    stage.git("config", "user.name", "Demo")
    stage.git("config", "user.email", "demo@example.com")
    stage.git("remote", "add", "origin", str(remote))
    stage.git("add", "--all")
    stage.git("commit", "--quiet", "--message", "Say what runs where", who=Person("Olivia"))
    stage.git("push", "--quiet", "--set-upstream", "origin", "main")
