"""The story of the demo, chapter by chapter; every step is checked against git and Octopus.

A step that does not do what the story says raises; what is claimed at the end was counted.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.cli.demo.stage import PATIENCE, Person, Stage, broken, view

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

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
PRIYA = Person("Priya")
RUNNING_AT_KILL = 2
"""Deployments that must be seen executing before the apply is killed."""

UNPACK = """python3 - <<'END'
import base64, json
receipt = json.load(open("receipt.json"))
kind, body = receipt["payloadType"].encode(), base64.b64decode(receipt["payload"])
with open("payload.pae", "wb") as pae, open("payload.sig", "wb") as sig:
    pae.write(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body))
    sig.write(base64.b64decode(receipt["signatures"][0]["sig"]))
END"""


def tell_story(stage: Stage) -> None:
    """Tell all of it. Raises: ReconcilerError at the first step that does something else."""
    story = _Story(stage, view(stage, "Gaming", "QA"))
    story.first_contact()
    story.a_commit()
    digest = story.its_plan()
    story.the_apply(digest)
    story.what_git_has()
    story.a_receipt()
    story.a_kill()


def push_pins(stage: Stage, pins: Mapping[str, str], subject: str, *, show: bool = False) -> None:
    """Change pins in the file of QA, commit and push as Priya. Raises: ReconcilerError."""
    file = stage.clone / QA
    text = file.read_text(encoding="utf-8")
    for component, version in pins.items():
        line = re.compile(rf'^(    {component}: )"[^"]+"$', re.MULTILINE)
        text, found = line.subn(rf'\g<1>"{version}"', text)
        if found != 1:
            raise broken(f"{QA} pins {component} {found} times")
    file.write_text(text, encoding="utf-8")
    commit = f'git commit --quiet --all --message "{subject}"'
    stage.shell(commit, who=PRIYA, show=show)
    stage.shell("git push --quiet origin main", who=PRIYA, show=show)
    stage.shell("git show -U0 --format='%h %an: %s' | grep -v '^@@'", show=show)


@dataclass(frozen=True, slots=True)
class _Story:
    stage: Stage
    octopus: OctopusView

    def first_contact(self) -> None:
        stage, teller = self.stage, self.stage.teller
        before = self._count(WAITING)
        teller.chapter(
            "First contact",
            f"A git remote pins 67 components of a gaming platform in QA. An Octopus server"
            f" (simulated, at {stage.url}) runs all of them; one is a version behind its pin."
            " Nobody has accepted this environment yet, so the plan is shown and held.",
        )
        stage.reconciler("plan", "qa")
        stage.reconciler("apply", "qa", ends=4)
        self._deployed_nothing(WAITING, before, "`reconciler apply` before anybody accepted")
        teller.say("A person looks at the plan and accepts. Accepting deploys nothing by itself.")
        stage.reconciler("accept", "qa")
        self._deployed_nothing(WAITING, before, "`reconciler accept`")
        stage.reconciler("apply", "qa")
        self._deployed_once(WAITING, before)
        self._receipts_are(1)

    def a_commit(self) -> None:
        self.stage.teller.chapter(
            "A teammate's commit",
            "Priya raises five components of ledger and wallet, takes recommendations back, and"
            " pushes. That commit is all she does.",
        )
        subject = "Wallet 2.5 for testing; recommendations back to 1.6.2"
        push_pins(self.stage, FIRST, subject, show=True)

    def its_plan(self) -> str:
        """Return the digest of the plan as it is shown there: its first 12 digits."""
        self.stage.teller.chapter(
            "Its plan",
            "What would a pass do? Five upgrades and a downgrade, each with its reason, in waves:"
            " a component waits for what it is deployed after.",
        )
        self.stage.reconciler("plan", "qa")
        plan = json.loads(self.stage.ask("plan", "qa", "-o", "json"))["spec"]
        changes = {change["component"]: change["action"] for change in plan["changes"]}
        expected = dict.fromkeys(FIRST, "upgrade") | {"recommendations": "downgrade"}
        if changes != expected:
            raise broken(f"the plan changes {changes}, not {expected}")
        return str(plan["digest"]).removeprefix("sha256:")[:12]

    def the_apply(self, digest: str) -> None:
        before = self._count(FIRST)
        self.stage.teller.chapter(
            "The live apply",
            "Exactly the plan that was looked at is carried out, or nothing: its digest says which."
            " What may run side by side does.",
        )
        self.stage.reconciler("apply", "qa", "--plan", digest)
        self._deployed_once(FIRST, before)

    def what_git_has(self) -> None:
        self.stage.teller.chapter(
            "What git has of it",
            "Receipts and a snapshot came back as commits on the branch `audit`, which wakes"
            " nothing. In the snapshot one changed component is one changed line.",
        )
        self.stage.shell("git fetch --quiet origin audit:refs/remotes/origin/audit")
        self.stage.shell("git log --format='%h %s' origin/audit")
        self.stage.shell("git show --name-status --format='%h %s%n%n%b' origin/audit")
        self.stage.shell(f"git show -U0 --format= origin/audit -- {SNAPSHOT} | cut -c 1-90")
        self._receipts_are(1 + len(FIRST))
        snapshot = self.stage.git("show", f"origin/audit:{SNAPSHOT}")
        for component, version in FIRST.items():
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
        certificate = self._listed("certificates/")[0]
        stage.reconciler("receipts", "list", "qa")
        stage.reconciler("receipts", "show", path.rpartition("/")[2].partition(".")[0])
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

    def a_kill(self) -> None:
        stage, teller = self.stage, self.stage.teller
        before = self._count(SECOND)
        teller.chapter(
            "Kill it in the middle",
            "Another commit, another apply. As soon as the first deployments run in Octopus the"
            " process is killed with SIGKILL: no handler, no clean-up, no goodbye.",
        )
        push_pins(stage, SECOND, "Payments, games and bonus of this week", show=True)
        process = stage.start("apply", "qa")
        try:
            self._await_running(process)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        teller.end()
        teller.command(f"kill -9 {process.pid}")
        running = self.octopus.active_tasks()
        launched = sum(self._count(SECOND).values()) - sum(before.values())
        if process.returncode != -signal.SIGKILL or not running or launched >= len(SECOND):
            raise broken("the second apply ended before it could be killed in the middle")
        teller.say(f"Nobody watches them now, but Octopus goes on with {len(running)}:")
        for task, state, description in running:
            teller.show(f"  {task:<16} {state:<10} {description}")
        teller.say("Run again, it finds its own work, finishes it, and goes on with the rest.")
        stage.reconciler("apply", "qa")
        self._deployed_once(SECOND, before)
        total = len(WAITING | FIRST | SECOND)
        self._receipts_are(total)
        teller.say("Deployments of each pinned release in QA, counted in Octopus:")
        for component, count in sorted(self._count(FIRST | SECOND).items()):
            teller.show(f"  {component:<16} {(FIRST | SECOND)[component]:<10} {count}")
        teller.say(f"{total} changes, {total} deployments, {total} signed receipts: none twice.")

    def _await_running(self, process: subprocess.Popen[str]) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            states = [state for _, state, _ in self.octopus.active_tasks()]
            if states.count("Executing") >= RUNNING_AT_KILL:
                return
            if process.poll() is not None:
                raise broken(f"the second apply ended with {process.returncode} before the kill")
            time.sleep(0.05)
        raise broken("the second apply started nothing")

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
