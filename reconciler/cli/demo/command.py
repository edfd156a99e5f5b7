"""`reconciler demo`: the story, then a playground until Ctrl-C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import click

from reconciler.cli.leaving import Exit

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.command("demo")
@click.option("--once", is_flag=True, help="End after the story instead of staying up.")
def command(*, once: bool) -> Exit:
    """Tell the story of a release, against a simulated Octopus.

    Needs nothing but git. Afterwards the daemon, the simulator and the git remote stay up until
    Ctrl-C, people go on working, and what to try is printed. Everything is in a temporary folder,
    and nothing is left behind.
    """
    import signal

    from reconciler.cli.demo.daemon import Daemon
    from reconciler.cli.demo.news import News
    from reconciler.cli.demo.playground import stay
    from reconciler.cli.demo.stage import set_stage
    from reconciler.cli.demo.story import tell_story
    from reconciler.cli.demo.teller import Teller
    from reconciler.errors import ReconcilerError

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    teller, news = Teller(), News({"qa"})

    def tell(fact: Mapping[str, Any]) -> None:
        if words := news.words(fact):
            teller.news("daemon", words)

    told = False
    try:
        with set_stage(teller, hurry=once or not teller.live) as stage:
            try:
                daemon = Daemon(stage, tell)
                tell_story(stage, daemon)
                told = True
                if not once:
                    news.environments |= {"dev", "production-uk"}
                    stay(stage, daemon)
            except KeyboardInterrupt:
                teller.show("\nEnding the daemon, Octopus and what else was started ...")
                if not told:
                    raise
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
