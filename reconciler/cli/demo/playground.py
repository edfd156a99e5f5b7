"""What stays up after the story: the daemon, looked after, people at work, and things to try."""

from __future__ import annotations

import re
import time
from shlex import quote
from signal import Signals
from typing import TYPE_CHECKING

from reconciler.cli.demo.colleagues import Colleagues
from reconciler.cli.demo.trouble import broken

if TYPE_CHECKING:
    from reconciler.cli.demo.daemon import Daemon
    from reconciler.cli.demo.stage import Stage

FIRST_ACT, BETWEEN_ACTS = 10.0, 40.0
"""Seconds until somebody does something, and then from one act to the next: time to read."""

LOOK = 0.2
"""Seconds between looks at the log and the processes."""

STEADY = 10.0
"""Seconds after which a daemon counts as one that started well: a person may kill it."""

MOST_FAILURES = 3
"""Daemons in a row that ended sooner than that, before it is given up."""

_SETTING = re.compile(r"RECONCILER_|OCTOPUS_|GIT_CONFIG_GLOBAL$")

PANEL = """\
The daemon, Octopus and the git remote stay up until Ctrl-C. People go on
working: builds are pinned in dev, and Ben deploys to QA by hand now and then.
In another terminal, first:

    . @FOLDER@/env.sh

See how things stand, and the daemon's log; Octopus: @OCTOPUS@

    reconciler watch
    reconciler status dev
    reconciler plan qa
    curl -s @DAEMON@/status
    tail -n 5 @FOLDER@/daemon.log

Commit a pin, and see it deployed

    sed -i.bak '/lobby-ui/s/3.1.0/3.0.0/' environments/qa.yaml
    git commit -qam "Lobby back to 3.0.0" && git pull -q --rebase && git push -q
    reconciler watch qa --until Ready --at "$(git rev-parse HEAD)"

Kill the daemon in the middle of that: the next one finds its work and goes on

    kill -9 "$(cat @FOLDER@/daemon.pid)"

Pause everything, commit something, see nothing happen; then lift it

    reconciler pause --all --reason "lunch"
    reconciler pause --list
    reconciler unpause --all

Go back in production: its policy holds any downgrade, and the plan says why

    sed -i.bak '/push-sender/s/1.7.1/1.7.0/' environments/production-uk.yaml
    git commit -qam "Push sender back" && git pull -q --rebase && git push -q
    reconciler plan production-uk

What was done, signed and in git

    reconciler receipts list dev
    git fetch -q origin audit && git log --oneline -5 FETCH_HEAD

This page again

    cat @FOLDER@/try
"""


def stay(stage: Stage, daemon: Daemon) -> None:
    """Print what to try, and keep everything going until Ctrl-C. Raises: ReconcilerError."""
    stage.ask("accept", "dev")  # so that what is built lands somewhere
    colleagues = Colleagues.of(stage)
    page = _page(stage, daemon)
    (stage.folder / "env.sh").write_text(_variables(stage), encoding="utf-8")
    (stage.folder / "try").write_text(page, encoding="utf-8")
    stage.teller.chapter("Your turn")
    stage.teller.show(page)
    next_act = time.monotonic() + FIRST_ACT
    keeper = Keeper(stage, daemon)
    while True:
        daemon.hear_out()
        keeper.look()
        if time.monotonic() >= next_act:
            colleagues.act()
            next_act = time.monotonic() + BETWEEN_ACTS
        time.sleep(LOOK)


class Keeper:
    """Looks after the daemon as systemd would, and notices when Octopus is gone."""

    def __init__(self, stage: Stage, daemon: Daemon) -> None:
        self._stage, self._daemon = stage, daemon
        self._began = time.monotonic()
        self._failures = 0

    def look(self) -> None:
        """Start the daemon again if it ended. Raises: ReconcilerError where that cannot help."""
        status = self._stage.simulated.process.poll()
        if status is not None:
            raise broken(f"the simulator ended by itself, {_how(status)}")
        if not self._daemon.is_dead:
            return
        steady = time.monotonic() - self._began > STEADY
        self._failures = 1 if steady else self._failures + 1
        how = _how(self._daemon.status)
        if self._failures > MOST_FAILURES:
            raise broken(f"the daemon ended {self._failures} times in a row, at last {how}")
        self._stage.teller.news("demo", f"the daemon is gone, {how}; it is started again")
        self._began = time.monotonic()
        self._daemon.start()


def _how(status: int) -> str:
    return f"killed by {Signals(-status).name}" if status < 0 else f"with exit code {status}"


def _variables(stage: Stage) -> str:
    """Return what a shell sources to go on by hand: settings, commands, and the clone."""
    wanted = {k: v for k, v in stage.environment.items() if _SETTING.match(k)}
    lines = [f"export {name}={quote(value)}" for name, value in sorted(wanted.items())]
    lines.append(f'export PATH={quote(str(stage.tools))}:"$PATH"')
    lines.append(f"cd {quote(str(stage.clone))}")
    return "".join(f"{line}\n" for line in lines)


def _page(stage: Stage, daemon: Daemon) -> str:
    values = {
        "@FOLDER@": quote(str(stage.folder)),
        "@OCTOPUS@": stage.simulated.url,
        "@DAEMON@": f"http://{daemon.address}",
    }
    return re.sub("@[A-Z]+@", lambda found: values[found[0]], PANEL)
