"""`reconciler demo`: the story, then a playground until Ctrl-C."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click

from reconciler.cli.leaving import Exit

if TYPE_CHECKING:
    from reconciler.cli.demo.stage import Stage


@click.command("demo")
@click.option("--once", is_flag=True, help="End after the story instead of staying up.")
def command(*, once: bool) -> Exit:
    """Tell the story of a release, against a simulated Octopus.

    Needs nothing but git. Afterwards the simulator and the git remote stay up until Ctrl-C, and
    what to try is printed. Everything is in a temporary folder, and nothing is left behind.
    """
    import signal

    from reconciler.cli.demo.stage import set_stage
    from reconciler.cli.demo.story import tell_story
    from reconciler.cli.demo.teller import Teller
    from reconciler.errors import ReconcilerError

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    teller = Teller()
    try:
        with set_stage(teller) as stage:
            tell_story(stage)
            if not once:
                _stay(stage)
    except ReconcilerError as error:
        where = f"the demo stopped at {teller.chapter_name}"
        raise ReconcilerError(f"{where}: {error.message}", hint=error.hint) from error
    finally:
        teller.end()
    return Exit.OK


def _interrupt(number: int, frame: object) -> NoReturn:
    """Leave as Ctrl-C does, through every clean-up."""
    del number, frame
    raise KeyboardInterrupt


def _stay(stage: Stage) -> None:
    """Print what to try, and wait until Ctrl-C. Raises: ReconcilerError if the simulator ends."""
    from reconciler.cli.demo.stage import broken

    stage.teller.chapter(
        "Your turn",
        "Octopus and the git remote stay up until Ctrl-C. In another terminal, paste this:",
    )
    stage.teller.show(_things_to_try(stage))
    status = stage.simulator.wait()
    raise broken(f"the simulator ended by itself with {status}")


def _things_to_try(stage: Stage) -> str:
    from shlex import quote

    exports = "\n".join(
        f"export {name}={quote(value)}" for name, value in sorted(stage.settings.items())
    )
    return f"""
{exports}
export PATH={quote(str(stage.tools))}:"$PATH"
cd {quote(str(stage.clone))}

# bring recommendations forward again: commit, look at the plan, push, apply
sed -i.bak 's/recommendations: .*/recommendations: "1.7.0"/' environments/qa.yaml
git commit --all --message "Recommendations 1.7.0 again"
reconciler plan qa
git push
reconciler apply qa

# a pin without quotes is an error at its line and column, and stops that environment only
sed -i.bak 's/wallet-api: .*/wallet-api: 2.10/' environments/dev.yaml
reconciler validate .
git checkout environments/dev.yaml

# production takes what QA has tried; its policy is protected, and a person accepts it first
sed -i.bak 's/ledger-api: .*/ledger-api: "3.3.0"/' environments/production-uk.yaml
git commit --all --message "Ledger 3.3.0 for the UK"
git push
reconciler plan production-uk
reconciler accept production-uk
reconciler apply production-uk

# what came of it
reconciler receipts list qa
git fetch origin audit && git log --stat origin/audit

# the server itself; its keys are toys
curl -s -H "X-Octopus-ApiKey: $OCTOPUS_GAMING_KEY" {stage.url}/api/Spaces-1/dashboard
"""
