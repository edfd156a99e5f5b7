"""The other people of the playground: a build that pins what it made, and Ben."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.cli.demo.stage import Person, Stage, view
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.cli.demo.octopus import OctopusView

CI = Person("CI")
DEV = "environments/dev.yaml"
BUILT = ("lobby-ui", "recommendations", "support-desk", "tournaments-ui", "push-sender")
"""What is built, one after the other."""

BY_HAND = "support-desk"
WANTED = ("1.6.0", "1.6.1")
"""What Ben deploys to QA by turns: the older release, and the one that is pinned there."""


def ben(stage: Stage) -> OctopusView:
    """Return QA as Ben has it in Octopus, with a key of his own. Raises: Unreachable."""
    qa = view(stage, "Gaming", "QA")
    return replace(qa, key=stage.simulated.admin_key).seen_by("ben")


@dataclass(slots=True)
class Colleagues:
    """They act when they are asked to; what they cannot do now they leave for the next time."""

    stage: Stage
    _ben: OctopusView
    _acts: int = 0

    @classmethod
    def of(cls, stage: Stage) -> Colleagues:
        """Give the build a clone of its own. Raises: ReconcilerError."""
        clone = stage.folder / "ci"
        stage.git("clone", "--quiet", "--template=", str(stage.folder / "remote.git"), str(clone))
        return cls(stage, ben(stage))

    def act(self) -> None:
        """Do the next thing: two builds, then something by hand, and so on."""
        self._acts += 1
        who, work = ("ben", self._deploy_by_hand) if self._acts % 3 == 0 else ("ci", self._build)
        try:
            what = work()
        except ReconcilerError as error:
            what = f"could not do it now: {error.message}"
        self.stage.teller.news(who, what)

    def _build(self) -> str:
        """Build a release, and pin it in dev as any commit does."""
        component = BUILT[self._acts % len(BUILT)]
        self._git("fetch", "--quiet", "origin", "main")
        self._git("reset", "--quiet", "--hard", "origin/main")
        file = self._clone / DEV
        text = file.read_text(encoding="utf-8")
        line = re.compile(rf'^(    {component}: "[0-9.]*?)([0-9]+)"$', re.MULTILINE)
        found = line.search(text)
        if found is None:
            return f"built nothing: {DEV} does not pin {component} on a line of its own"
        pinned = f'{found[1]}{int(found[2]) + 1}"'
        version = pinned.partition('"')[2].rstrip('"')
        view(self.stage, "Gaming", "Dev").build(component, version)
        file.write_text(text[: found.start()] + pinned + text[found.end() :], encoding="utf-8")
        self._git("commit", "--quiet", "--all", "--message", f"Build {component} {version}")
        self._git("push", "--quiet", "origin", "HEAD:main")
        return f"built {component} {version}, and pinned it in dev"

    def _deploy_by_hand(self) -> str:
        version = WANTED[self._acts // 3 % len(WANTED)]
        self._ben.deploy(BY_HAND, version, "a customer waits, ticket 4711")
        return f"deployed {BY_HAND} {version} to QA in Octopus, by hand"

    @property
    def _clone(self) -> Path:
        return self.stage.folder / "ci"

    def _git(self, *arguments: str) -> None:
        self.stage.git(*arguments, who=CI, cwd=self._clone)
