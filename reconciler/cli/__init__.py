"""The command line: a command parses, calls one verb of the engine, renders, and exits.

One file per command, imported when it is called; what is heavy (settings, bootstrap, tables) is
imported inside of the command's body, so that `reconciler --help` stays quick. `render` turns
values into text. No decision is made here.
"""

from __future__ import annotations

import click

from reconciler import __version__
from reconciler.cli.lazy import Entry, LazyGroup
from reconciler.cli.leaving import MEANINGS

COMMANDS = {
    "accept": Entry("accept", "Let the first plan of an environment go ahead, after a look at it."),
    "adopt": Entry("adopt", "Propose the commit that pins what people deployed by hand."),
    "apply": Entry("apply", "Carry out the plan of an environment, and record what was done."),
    "approve": Entry("approve", "Approve the plan of an environment, with your own Octopus key."),
    "cancel": Entry("cancel", "Start nothing more, and cancel what runs if you say so."),
    "compare": Entry("compare", "Show how B stands to A, component by component."),
    "demo": Entry("demo.command", "Tell the story of a release, against a simulated Octopus."),
    "doctor": Entry(
        "doctor", "Look at everything deployments rest on, and tell what to do about it."
    ),
    "explain": Entry("explain", "Explain why one component is planned as it is."),
    "history": Entry("history", "Show who pinned what when, and what was deployed for it."),
    "hold": Entry("hold", "Propose the commit that leaves one component alone, or lifts that."),
    "init": Entry("init", "Write the manifests of a space as it runs today."),
    "interruptions": Entry(
        "interruptions", "List, take and answer what deployments ask of people, as yourself."
    ),
    "logs": Entry("logs", "Show the logs of what runs in an environment, or ran last."),
    "machines": Entry(
        "machines", "List the machines of an environment, and register removed ones again."
    ),
    "pause": Entry("pause", "Stop new deployments within one second, until somebody lifts it."),
    "pin": Entry("pin", "Propose the commit that pins other versions."),
    "plan": Entry("plan", "Show what a pass would do to an environment, and why."),
    "promote": Entry("promote", "Propose the commit that pins in TO what runs in FROM."),
    "receipts": Entry("receipts", "List, show and verify the signed records of deployments."),
    "resume": Entry("resume", "Propose the commit that ends a suspension."),
    "retry": Entry("retry", "Let what did not succeed be tried once more, as yourself."),
    "rollback": Entry("rollback", "Propose the commit that pins in ENV what ran there before."),
    "serve": Entry(
        "serve", "Watch manifest repositories, and bring their environments to what they pin."
    ),
    "simulator": Entry("simulator", "Serve a simulated Octopus server until Ctrl-C."),
    "snapshot": Entry("snapshot", "Show what runs in an environment now, and record it."),
    "status": Entry(
        "status", "Show how the environments stood when the daemon last looked at them."
    ),
    "suspend": Entry("suspend", "Propose the commit that leaves an environment alone."),
    "track": Entry(
        "track", "Propose the commit that pins the newest release of a tracked channel."
    ),
    "unpause": Entry("unpause", "Lift a pause."),
    "validate": Entry("validate", "Check all manifests below a folder."),
    "watch": Entry("watch", "Watch what the daemon does, until Ctrl-C."),
}


@click.group(
    "reconciler",
    cls=LazyGroup,
    commands_table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"Exit codes: {', '.join(f'{code:d} {says}' for code, says in MEANINGS.items())}.",
)
@click.version_option(__version__, prog_name="reconciler", message="%(prog)s %(version)s")
def cli() -> None:
    """Reconciler: git pins the versions, Octopus deploys them, git keeps the receipts."""
