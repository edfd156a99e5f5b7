"""The stage of the demo: a temporary folder with a git remote, a clone, and a simulator.

Everything the story does goes through a real subprocess, exactly as it is shown; nothing of the
user's git configuration, settings or keys is read.
"""

from __future__ import annotations

import json
import os
import re
import select
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.demo.octopus import OctopusView
from reconciler.cli.demo.processes import GRACE, Processes, undisturbed
from reconciler.cli.shipped import shipped
from reconciler.core.text import clean
from reconciler.errors import ReconcilerError, UsageError
from reconciler.git.run import check_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.cli.demo.teller import Teller

PATIENCE = 120.0
"""Seconds any one step may take before the story is given up."""

_FOREIGN = re.compile(r"(GIT_|RECONCILER_|OCTOPUS_|PYTHONWARNINGS$)")
_SERVER = re.compile(r"^( +server: ).*$", re.MULTILINE)


def broken(message: str) -> ReconcilerError:
    """Return the error of a step that did not do what the story says."""
    return ReconcilerError(message, hint="what it printed above says why; please report it")


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
    url: str
    key: str
    processes: Processes
    simulator: subprocess.Popen[str]
    environment: Mapping[str, str] = field(repr=False)

    @property
    def clone(self) -> Path:
        """The clone of the manifests in which all commands run."""
        return self.folder / "manifests"

    @property
    def tools(self) -> Path:
        """The folder with the commands that lines of shell use, whatever PATH has."""
        return self.folder / "bin"

    @property
    def settings(self) -> dict[str, str]:
        """The variables a person needs to go on by hand."""
        wanted = re.compile(r"RECONCILER_|OCTOPUS_|GIT_CONFIG_GLOBAL")
        return {k: v for k, v in self.environment.items() if wanted.match(k)}

    def reconciler(self, *arguments: str, ends: int = 0) -> None:
        """Show and run one command of ours. Raises: ReconcilerError if it ends otherwise."""
        self.teller.command("reconciler " + " ".join(arguments))
        done = self._run([sys.executable, "-m", "reconciler", *arguments])
        if done.returncode != ends:
            words = " ".join(arguments)
            raise broken(f"`reconciler {words}` ended with {done.returncode}, not {ends}")
        self.teller.note(f"exit {ends}" if ends else "")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Show and start one command of ours, and return while it runs."""
        self.teller.command("reconciler " + " ".join(arguments))
        command = [sys.executable, "-m", "reconciler", *arguments]
        return self.processes.start(command, cwd=self.clone, env=dict(self.environment))

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

    def git(self, *arguments: str, who: Person | None = None) -> str:
        """Run git without showing it, and return what it says. Raises: ReconcilerError."""
        done = self._run(["git", *arguments], who=who, quiet=True)
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
        return subprocess.CompletedProcess(command, process.returncode, out or "", err or "")


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return clean((done.stderr or done.stdout).strip(), 300) or "nothing was printed"


@contextmanager
def set_stage(teller: Teller) -> Iterator[Stage]:
    """Make the folder, start the simulator, and leave nothing of either behind.

    Raises: GitTrouble without a usable git; UsageError; ReconcilerError.
    """
    check_version()
    folder = _make_folder()
    processes = Processes()
    try:
        base = _environment(folder)
        _make_tools(folder / "bin")
        simulator, line = _start_simulator(folder, base, processes)
        keys = dict.fromkeys(("OCTOPUS_GAMING_KEY", "OCTOPUS_HOSPITAL_KEY"), line["serviceApiKey"])
        stage = Stage(
            folder, teller, line["url"], line["serviceApiKey"], processes, simulator, base | keys
        )
        _commit_examples(stage)
        yield stage
    finally:
        with undisturbed():  # an impatient second Ctrl-C must not leave half of it behind
            processes.stop_all()
            _remove(folder)


def view(stage: Stage, space: str, environment: str) -> OctopusView:
    """Return one environment of the simulator as anybody sees it."""
    return OctopusView.of(stage.url, stage.key, space, environment)


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
        "RECONCILER_OCTOPUS__POLL": "0.5",
        "RECONCILER_OCTOPUS__SETTLING": "1",
    }


def _make_tools(folder: Path) -> None:
    """Make `reconciler` and `python3` commands that are this very program and interpreter."""
    folder.mkdir()
    python = shlex.quote(sys.executable)
    for name, words in (("python3", python), ("reconciler", f"{python} -m reconciler")):
        tool = folder / name
        tool.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        tool.chmod(0o755)


def _start_simulator(
    folder: Path, environment: Mapping[str, str], processes: Processes
) -> tuple[subprocess.Popen[str], dict[str, str]]:
    command = [sys.executable, "-m", "reconciler", "simulator", "--port", "0", "--seed", "platform"]
    log = folder / "simulator.log"
    with log.open("wb") as errors:
        simulator = processes.start(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C reaches the story, which then ends the server
        )
    return simulator, _first_line(simulator, log)


def _first_line(simulator: subprocess.Popen[str], log: Path) -> dict[str, str]:
    """Return what the simulator says once it listens. Raises: ReconcilerError."""
    assert simulator.stdout is not None  # noqa: S101  (it was asked for)
    ready, _, _ = select.select([simulator.stdout], [], [], PATIENCE)
    text = simulator.stdout.readline() if ready else ""
    try:
        line = json.loads(text)
        return {"url": str(line["url"]), "serviceApiKey": str(line["serviceApiKey"])}
    except (ValueError, KeyError, TypeError) as error:
        said = clean(log.read_text(encoding="utf-8", errors="replace").strip()[-500:])
        raise broken(f"the simulator did not start: {said or 'it said nothing'}") from error


def _commit_examples(stage: Stage) -> None:
    """Make the remote and its clone, and commit the example manifests with the real address."""
    shutil.copytree(shipped("example-manifests"), stage.clone)
    for space in sorted((stage.clone / "spaces").glob("*.yaml")):
        text, found = _SERVER.subn(rf"\g<1>{stage.url}", space.read_text(encoding="utf-8"), 1)
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


def _remove(folder: Path) -> None:
    """Remove the folder; what a killed command started may write there a moment longer."""
    end = time.monotonic() + GRACE
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=True)
        if time.monotonic() > end:
            return
        time.sleep(0.05)
