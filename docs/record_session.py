"""Record `docs/session.md` anew: `python docs/record_session.py`, from a real apply.

The engine, the lines and the tree are those of `reconciler apply` on a terminal; the Octopus server
is the simulator, and its clock is turned instead of waited for. Whatever differs from one recording
to the next (the server's port, ids of tasks, hashes) is replaced by what stays.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import subprocess
import tempfile
import urllib.request
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.bootstrap import open_doors
from reconciler.cli.live import BRANCHES
from reconciler.cli.progress import Lines, told
from reconciler.cli.render.report import print_report
from reconciler.cli.render.tree import tree_rows
from reconciler.cli.story import Story
from reconciler.core.livetree import LiveTree, Stage
from reconciler.engine.accept import accept_environment
from reconciler.engine.events import Asked, Launched, PlanMade, Watched
from reconciler.engine.growth import grown
from reconciler.engine.run import apply_environment
from reconciler.settings import GitSettings, OctopusSettings, Settings
from reconciler.simulator import Simulator, SimulatorServer, parse_seed

if TYPE_CHECKING:
    from reconciler.engine.events import Event
    from reconciler.engine.run import PassReport

TARGET = Path(__file__).with_name("session.md")
WIDTH, HEIGHT = 100, 32
APART = 20.0
"""Seconds between two screens that are kept."""
MOMENT = re.compile(r" (started|ended Success)\b")
KEY = "OCTOPUS_SESSION_KEY"
START = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
PARTS = {  # component: (what it comes after, seconds it takes)
    "database": ((), 45),
    "identity": ((), 30),
    "wallet-api": (("database", "identity"), 40),
    "games-api": (("database",), 60),
    "bonus-api": (("wallet-api",), 25),
    "lobby-ui": (("games-api", "wallet-api"), 30),
    "mail": ((), 50),
    "reports": (("bonus-api",), 20),
}
ABOUT = """\
# A session

What `reconciler apply` showed on a terminal while it brought eight components to another version:
each block is the screen at one moment, with the lines that were written above the tree since the
block before, about every twenty seconds. Recorded by `python docs/record_session.py` against the
simulator; a test records it again, and fails where the program would show something else.

`wallet-api` asks a person before it goes on, who answers with `reconciler interruptions`; `reports`
fails at its end. Nothing is rolled back, and the record says what ran.
"""


class Clock:
    """A clock that moves when something sleeps on it."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def now(self) -> datetime:
        """Return the wall clock."""
        return START + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        """Return seconds that never jump."""
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        """Turn the clock."""
        self.turn(seconds)
        await asyncio.sleep(0)

    def turn(self, seconds: float) -> None:
        """Turn the clock, as a thread of work does that waits."""
        self._seconds += seconds


class Recording:
    """What a terminal shows: lines as they are written, and the tree at moments that tell most."""

    def __init__(self, clock: Clock, simulator: Simulator, url: str) -> None:
        self.story = Story()
        self.blocks: list[str] = []
        self._clock, self._simulator, self._url = clock, simulator, url
        self._tree = LiveTree()
        self._lines: list[str] = []
        self._plain = Lines()
        self._pictured = clock.monotonic()
        self._asked = False
        self._question = ""
        self._asked_at = 0.0
        self._tasks: dict[str, str] = {}

    def hear(self, event: Event) -> None:
        """Take one fact of the pass."""
        now = self._clock.monotonic()
        self.story.hear(event)
        self._tree = grown(self._tree, event, now)
        self._lines += self._plain.lines(event) if isinstance(event, PlanMade) else told(event)
        match event:
            case Launched(action=action, task_id=task_id):
                self._tasks[task_id] = action.cell
            case Asked(question=question):
                self._question, self._asked_at = question.id, now
            case Watched():
                self._picture()
                if self._question and now - self._asked_at >= 15:
                    answer(self._url, self._simulator.api_key, self._question)
                    self._question = ""
            case _:
                pass

    def _picture(self) -> None:
        """Keep the screen now and then, and where somebody is asked."""
        stages = {part.stage for part in self._tree.parts.values()}
        now = self._clock.monotonic()
        news = Stage.PERSON in stages and not self._asked
        if now - self._pictured < APART and not news:
            return
        self._pictured, self._asked = now, Stage.PERSON in stages
        rows = tree_rows(self._tree, self._clock.monotonic(), self._clock.now(), WIDTH, HEIGHT)
        self.blocks.append(self._block([row.plain.rstrip() for row in rows]))

    def end(self, report: PassReport) -> None:
        """Keep what stays on the screen in the end."""
        page = io.StringIO()
        with redirect_stdout(page):
            print_report(report, self.story)
        self.blocks.append(self._block([line.rstrip() for line in page.getvalue().splitlines()]))

    def _block(self, rows: list[str]) -> str:
        lines, self._lines = _in_order(self._lines), []
        between = [""] if lines and rows else []
        return "\n".join([*lines, *between, *rows])

    def plain(self, text: str) -> str:
        """Return a text without what differs from one recording to the next."""
        text = text.replace(self._url, "https://octopus.example")
        order = {task: 101 + n for n, task in enumerate(sorted(self._tasks, key=self._rank))}
        text = re.sub(
            r"ServerTasks-\d+", lambda task: f"ServerTasks-{order.get(task[0], 100)}", text
        )
        return re.sub(r"commit [0-9a-f]{12}", f"commit {'c0ffee' * 2}", text)

    def _rank(self, task: str) -> tuple[int, str]:
        cell = self._tasks[task]
        return self.story.actions[cell].wave, cell


def _in_order(lines: list[str]) -> list[str]:
    """Return lines with those sorted that tell of the same moment: who is first is chance."""
    found: list[str] = []
    for kind, mine in groupby(lines, key=MOMENT.findall):
        same = list(mine)
        found += sorted(same) if kind else same
    return found


def answer(url: str, key: str, interruption: str) -> None:
    """Take a question and answer it, as the administrator."""
    for verb, path, body in (
        ("PUT", "responsible", None),
        ("POST", "submit", {"Result": "Proceed"}),
    ):
        request = urllib.request.Request(  # noqa: S310  # our own simulator
            f"{url}/api/Spaces-1/interruptions/{interruption}/{path}",
            None if body is None else json.dumps(body).encode(),
            {"X-Octopus-ApiKey": key},
            method=verb,
        )
        with urllib.request.urlopen(request) as reply:  # noqa: S310
            reply.read()


def seed() -> str:
    """Return the Octopus server: a machine for each component, and a history of one version."""
    projects = [
        {
            "name": name,
            "lifecycle": "Anywhere",
            "releases": ["1.0.0", "1.1.0", "1.2.0"],
            "roles": [name],
            "taskSeconds": seconds,
            "steps": [f"Deploy {name}", "Smoke test"],
            "deployed": {"QA": "1.0.0"},
        }
        for name, (_, seconds) in PARTS.items()
    ]
    machines = [
        {"name": f"{name}-{n}", "environments": ["QA"], "roles": [name]}
        for name in PARTS
        for n in (1, 2)
    ]
    phases = [{"name": "QA", "environments": ["QA"]}]
    space = {
        "name": "Games",
        "default": True,
        "environments": ["QA"],
        "machines": machines,
        "lifecycles": [{"name": "Anywhere", "phases": phases}],
        "projects": projects,
    }
    return json.dumps({"server": {"slots": 20}, "spaces": [space]})


def manifests(url: str, version: str) -> dict[str, Any]:
    """Return the manifests by path: JSON is YAML."""
    key = {"env": KEY}
    credentials = {"observe": key, "deploy": key}
    after = {name: {"after": list(before)} if before else {} for name, (before, _) in PARTS.items()}
    where = {"space": "games", "environment": "QA"}
    window = {"days": ["fri"], "from": "20:00", "to": "23:00"}
    return {
        "space.yaml": (
            "Space",
            "games",
            {"server": url, "space": "Games", "credentials": credentials},
        ),
        "stack.yaml": ("Stack", "platform", {"components": after}),
        "policy.yaml": (
            "Policy",
            "release-night",
            {"mode": "apply", "windows": {"zone": "UTC", "allow": [window]}},
        ),
        "qa.yaml": (
            "Environment",
            "qa",
            {
                "octopus": where,
                "stack": "platform",
                "policy": "release-night",
                "components": dict.fromkeys(PARTS, version),
            },
        ),
    }


def commit(folder: Path, url: str, version: str) -> None:
    """Commit the manifests and push them."""
    for path, (kind, name, spec) in manifests(url, version).items():
        document = {"apiVersion": "reconciler/v1", "kind": kind, "metadata": {"name": name}}
        (folder / "clone" / path).write_text(json.dumps({**document, "spec": spec}, indent=1))
    for command in (
        ("add", "--all"),
        ("commit", "-q", "-m", f"Bring QA to {version}"),
        ("push", "-q", "origin", "HEAD:main"),
    ):
        git(folder / "clone", *command)


def git(where: Path, *arguments: str) -> None:
    """Run git as a person would, without anyone's configuration."""
    who = ("-c", "user.name=Ann Author", "-c", "user.email=ann@example.org")
    clean = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull}
    command = ["git", *who, *arguments]
    subprocess.run(command, cwd=where, check=True, env=clean, capture_output=True)  # noqa: S603


async def play(folder: Path, clock: Clock, simulator: Simulator, url: str) -> Recording:
    """Bring QA to one version, so that durations are known, then record how it goes to the next."""
    settings = Settings(
        repo=str(folder / "remote.git"),
        branch="main",
        state_dir=folder / "state",
        git=GitSettings(allow_local=True),
        octopus=OctopusSettings(),
    )
    recording = Recording(clock, simulator, url)

    async def apply(tell: Any) -> PassReport:
        async with open_doors(
            settings,
            None,
            records=True,
            tell=tell,
            clock=clock,
            pause=clock.turn,
            branches=BRANCHES,
        ) as opened:
            pace = replace(opened.pace, glance=60.0)  # however busy this machine is
            doors = replace(opened, pace=pace)
            if tell != recording.hear:
                await accept_environment(doors, "qa")
            return await apply_environment(doors, "qa")

    commit(folder, url, "1.1.0")
    await apply(lambda _: None)
    simulator.interrupt_next("wallet-api", "1.2.0", "QA", title="Open the wallet?")
    simulator.fail_next("reports", "1.2.0", "QA", message="The report server answered 503.")
    commit(folder, url, "1.2.0")
    recording.end(await apply(recording.hear))
    return recording


def record() -> str:
    """Return the page."""
    before = os.environ.get(KEY)
    clock = Clock()
    simulator = Simulator(parse_seed(seed()), clock=clock.now)
    os.environ[KEY] = simulator.service_api_key
    try:
        with SimulatorServer(simulator) as server, tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            git(folder, "init", "-q", "--bare", "-b", "main", "remote.git")
            git(folder, "clone", "-q", "remote.git", "clone")
            played = asyncio.run(play(folder, clock, simulator, server.url))
    finally:
        os.environ.pop(KEY)
        if before is not None:
            os.environ[KEY] = before
    blocks = [f"```text\n{played.plain(block)}\n```\n" for block in played.blocks]
    return "\n".join([ABOUT, "```sh\nreconciler apply qa\n```\n", *blocks])


if __name__ == "__main__":
    TARGET.write_text(record(), encoding="utf-8")
