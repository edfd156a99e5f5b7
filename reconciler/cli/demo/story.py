"""The story of the demo, chapter by chapter; every step is checked against git and Octopus.

A step that does not do what the story says raises; what is claimed at the end was counted.
"""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.cli.demo.colleagues import ben
from reconciler.cli.demo.stage import Person, Stage, view
from reconciler.cli.demo.trouble import PATIENCE, broken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.cli.demo.daemon import Daemon, Fact
    from reconciler.cli.demo.octopus import OctopusView

QA = "environments/qa.yaml"
SNAPSHOT = "snapshots/qa.yaml"
WAITING = {"email-sender": "2.2.1"}  # what the example pins and the seed does not run yet
FIRST = {
    "ledger-api": "3.3.0",
    "wallet-db": "1.9.0",
    "wallet-api": "2.5.0",
    "wallet-worker": "2.5.0",
    "wallet-ui": "5.3.0",
    "recommendations": "1.6.2",
}
SECOND = {
    "bonus-api": "3.3.0",
    "fraud-rules": "2026.46.0",
    "game-launcher": "3.10.0",
    "lobby-ui": "3.1.0",
    "payments-api": "6.2.0",
    "payments-ui": "4.9.0",
}
BY_HAND = ("support-desk", "1.6.0")
PRIYA = Person("Priya")
RUNNING_AT_KILL = 2
"""Deployments that must be seen executing before the daemon is killed."""

UNPACK = """python3 - <<'END'
import base64, json
receipt = json.load(open("receipt.json"))
kind, body = receipt["payloadType"].encode(), base64.b64decode(receipt["payload"])
with open("payload.pae", "wb") as pae, open("payload.sig", "wb") as sig:
    pae.write(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body))
    sig.write(base64.b64decode(receipt["signatures"][0]["sig"]))
END"""


def tell_story(stage: Stage, daemon: Daemon) -> None:
    """Tell all of it, and leave the daemon up.

    Raises: ReconcilerError at the first step that does something else.
    """
    story = _Story(stage, daemon, view(stage, "Gaming", "QA"))
    story.first_contact()
    story.a_commit()
    story.by_hand()
    story.a_pause()
    story.a_kill()
    story.what_git_has()
    story.a_receipt()


def write_pins(stage: Stage, pins: Mapping[str, str]) -> None:
    """Change pins in the file of QA. Raises: ReconcilerError."""
    file = stage.clone / QA
    text = file.read_text(encoding="utf-8")
    for component, version in pins.items():
        line = re.compile(rf'^(    {component}: )"[^"]+"$', re.MULTILINE)
        text, found = line.subn(rf'\g<1>"{version}"', text)
        if found != 1:
            raise broken(f"{QA} pins {component} {found} times")
    file.write_text(text, encoding="utf-8")


def commit_pins(stage: Stage, pins: Mapping[str, str], subject: str, *, show: bool = False) -> None:
    """Change pins in the file of QA and commit as Priya. Raises: ReconcilerError."""
    write_pins(stage, pins)
    stage.shell(f'git commit --quiet --all --message "{subject}"', who=PRIYA, show=show)
    if show:
        stage.shell("git show -U0 --format='%h %an: %s' | grep -v '^@@'")


def push(stage: Stage, *, show: bool = False) -> str:
    """Push, and return the hash of the commit. Raises: ReconcilerError."""
    stage.shell("git push --quiet origin main", who=PRIYA, show=show)
    return stage.git("rev-parse", "HEAD").strip()


@dataclass(frozen=True, slots=True)
class _Story:
    stage: Stage
    daemon: Daemon
    octopus: OctopusView

    def first_contact(self) -> None:
        stage, teller = self.stage, self.stage.teller
        before = self._count(WAITING)
        teller.chapter(
            "First contact",
            f"A git remote pins 67 components of a gaming platform in QA. An Octopus server"
            f" (simulated, at {stage.simulated.url}) runs all of them; one is a version behind its"
            " pin. A daemon begins to watch. Nobody has accepted this environment yet, so it says"
            " what it would do, and waits.",
        )
        teller.command("reconciler serve &")
        self.daemon.start()
        self._is_held("accept")
        self._deployed_nothing(WAITING, before, "the daemon before anybody accepted")
        teller.say("Olivia looks at the plan and accepts. From here on commits are enough.")
        stage.reconciler("plan", "qa")
        stage.reconciler("accept", "qa")
        self._settles()
        self._deployed_once(WAITING, before)
        self._receipts_are(1)

    def a_commit(self) -> None:
        stage = self.stage
        before = self._count(FIRST)
        stage.teller.chapter(
            "A teammate's commit",
            "Priya raises five components of ledger and wallet, takes recommendations back, looks"
            " at the plan of her commit, and pushes it. That is all she does.",
        )
        subject = "Wallet 2.5 for testing; recommendations back to 1.6.2"
        commit_pins(stage, FIRST, subject, show=True)
        stage.reconciler("plan", "qa")
        push(stage, show=True)
        stage.teller.say(
            "The daemon sees the commit. What may run side by side does; the rest waits for what it"
            " is deployed after."
        )
        self._settles()
        self._deployed_once(FIRST, before)
        self._receipts_are(1 + len(FIRST))

    def by_hand(self) -> None:
        stage = self.stage
        component, version = BY_HAND
        stage.teller.chapter(
            "Somebody deploys by hand",
            f"Ben needs {component} {version} back in QA, now, and deploys it in Octopus itself."
            " No commit asks for that. The daemon does not fight him: it says so, and holds.",
        )
        stage.teller.news("ben", f"deploys {component} {version} to QA in Octopus")
        ben(stage).deploy(component, version, "a customer waits, ticket 4711")
        self.daemon.stands("qa", "Held")
        stage.reconciler("plan", "qa")
        if self.octopus.deployments(component)[0].version != version:
            raise broken(f"what Ben deployed of {component} was undone")
        stage.teller.say("`reconciler adopt qa` would propose the commit that pins it.")

    def a_pause(self) -> None:
        stage = self.stage
        before = self._count(SECOND)
        stage.teller.chapter(
            "A pause",
            "The database of QA is being copied. A pause stops new deployments within a second; it"
            " is no commit. Priya pushes six more pins, and nothing happens.",
        )
        stage.reconciler("pause", "qa", "--reason", "the database is being copied")
        commit_pins(stage, SECOND, "Payments, games and bonus of this week", show=True)
        tip = push(stage, show=True)
        self._is_held("paused", tip)
        stage.reconciler("status", "qa")
        self._deployed_nothing(SECOND, before, "the daemon while it was paused")

    def a_kill(self) -> None:
        stage, daemon, teller = self.stage, self.daemon, self.stage.teller
        before = self._count(SECOND)
        teller.chapter(
            "Kill it in the middle",
            "The pause is lifted. As soon as deployments run in Octopus the daemon is killed with"
            " SIGKILL: no handler, no clean-up, no goodbye.",
        )
        stage.reconciler("unpause", "qa")
        daemon.hears("deployment.started")
        running = self._await_running()
        daemon.kill()
        daemon.hear_out()
        teller.command(f"kill -9 {daemon.pid}")
        launched = sum(self._count(SECOND).values()) - sum(before.values())
        if launched >= len(SECOND):
            raise broken("the pass ended before it could be killed in the middle")
        teller.say(f"Nobody watches them now, but Octopus goes on with {len(running)}:")
        for task, state, description in running:
            teller.show(f"  {task:<16} {state:<10} {description}")
        teller.say("Started again, it finds its own work, finishes it, and goes on with the rest.")
        teller.command("reconciler serve &")
        daemon.start()
        daemon.hears("pass.resumed")
        self._settles()
        self._deployed_once(SECOND, before)
        total = len(WAITING | FIRST | SECOND)
        self._receipts_are(total)
        teller.say("Deployments of each pinned release in QA, counted in Octopus:")
        for component, count in sorted(self._count(WAITING | FIRST | SECOND).items()):
            teller.show(f"  {component:<16} {(WAITING | FIRST | SECOND)[component]:<10} {count}")
        teller.say(f"{total} changes, {total} deployments, {total} signed receipts: none twice.")

    def what_git_has(self) -> None:
        self.stage.teller.chapter(
            "What git has of it",
            "Receipts and a snapshot came back as commits on the branch `audit`, which wakes"
            " nothing. In the snapshot one changed component is one changed line.",
        )
        self.stage.shell("git fetch --quiet origin audit:refs/remotes/origin/audit")
        self.stage.shell("git log --format='%h %s' origin/audit -- receipts snapshots/qa.yaml")
        self.stage.shell(
            f"git log -1 -p -U0 --format= origin/audit -- {SNAPSHOT} | grep '^[+-] ' | cut -c 1-76"
        )
        snapshot = self.stage.git("show", f"origin/audit:{SNAPSHOT}")
        for component, version in (FIRST | SECOND).items():
            if not re.search(rf'^ +{component}: {{version: "{version}"', snapshot, re.MULTILINE):
                raise broken(f"the snapshot does not say {component} {version}")

    def a_receipt(self) -> None:
        stage = self.stage
        stage.teller.chapter(
            "A receipt, verified",
            "Each deployment has a signed receipt: who asked, which commit and plan, what ran"
            " before, how it ended. Reconciler verifies them all, and anybody can without it.",
        )
        path = next(p for p in self._receipts() if "/wallet-api/" in p)
        certificate = self._listed("certificates/gaming/")[0]
        stage.reconciler("receipts", "verify", "qa")
        if shutil.which("openssl", path=stage.environment.get("PATH")) is None:
            stage.teller.say("There is no openssl here, so the check by hand is left out.")
            return
        desk = stage.folder / "by-hand"
        desk.mkdir()
        for source, target in ((path, "receipt.json"), (certificate, "signer.crt.pem")):
            stage.shell(f"git -C ../manifests show origin/audit:{source} > {target}", cwd=desk)
        stage.shell(UNPACK, cwd=desk)
        stage.shell("openssl x509 -in signer.crt.pem -noout -pubkey > signer.pub", cwd=desk)
        stage.shell(
            "openssl dgst -sha256 -verify signer.pub -signature payload.sig payload.pae", cwd=desk
        )

    def _is_held(self, gate: str, tip: str = "") -> None:
        """Wait until a gate holds QA, and that is on record: then nothing works on it."""

        def of_qa(fact: Fact) -> bool:
            return fact["environment"] == "qa" and str(fact.get("commit", tip)).startswith(tip)

        def names_the_gate(fact: Fact) -> bool:
            whys = fact["conditions"].values()
            return of_qa(fact) and any(str(why).startswith(f"{gate}:") for why in whys)

        self.daemon.hears("environment.stood", of_qa)
        self.daemon.hears("pass.recorded", of_qa)
        self.daemon.hears("environment.stood", names_the_gate)

    def _settles(self) -> None:
        """Wait until QA runs what the tip pins, as far as the daemon may make it so."""
        self.daemon.stands("qa", "Ready", self.stage.git("rev-parse", "HEAD").strip())

    def _await_running(self) -> tuple[tuple[str, str, str], ...]:
        """Wait until enough runs at once, and return what has not ended yet."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            tasks = self.octopus.active_tasks()
            if sum(state == "Executing" for _, state, _ in tasks) >= RUNNING_AT_KILL:
                return tasks
            time.sleep(0.05)
        raise broken("the daemon started nothing after the pause")

    def _receipts(self) -> list[str]:
        self.stage.git("fetch", "--quiet", "origin", "audit:refs/remotes/origin/audit")
        return self._listed("receipts/qa/")

    def _listed(self, folder: str) -> list[str]:
        names = self.stage.git("ls-tree", "-r", "--name-only", "origin/audit", folder)
        return names.splitlines()

    def _receipts_are(self, count: int) -> None:
        found = len(self._receipts())
        if found != count:
            raise broken(f"the audit branch has {found} receipts, not {count}")

    def _count(self, pins: Mapping[str, str]) -> dict[str, int]:
        return self.octopus.count(pins.items())

    def _deployed_nothing(
        self, pins: Mapping[str, str], before: Mapping[str, int], what: str
    ) -> None:
        if self._count(pins) != before:
            raise broken(f"{what} deployed something")

    def _deployed_once(self, pins: Mapping[str, str], before: Mapping[str, int]) -> None:
        """Check that each pinned release runs, and was deployed once more than before."""
        for component, version in pins.items():
            made = self.octopus.deployments(component)
            count = sum(one.version == version for one in made) - before[component]
            if count != 1 or made[0].version != version:
                raise broken(f"{component} {version} was deployed {count} times, not once")
