"""`reconciler simulator`."""

from __future__ import annotations

import click

from reconciler.cli.leaving import Exit


@click.command("simulator")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8065,
    show_default=True,
    help="Loopback port; 0 takes a free one.",
)
@click.option(
    "--api-key", metavar="KEY", help="The administrator's play key, API-...; default: made."
)
@click.option(
    "--seed",
    metavar="NAME|FILE",
    default="small",
    show_default=True,
    help="What the server holds: small, platform, or a YAML file.",
)
@click.option(
    "--task-seconds",
    type=click.FloatRange(0, 86400),
    default=10.0,
    show_default=True,
    help="How long a deployment runs.",
)
@click.option(
    "--state",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Keep everything there, and go on from it; the seed counts while there is no such file.",
)
@click.option(
    "--faults",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Let go wrong what this YAML file says (docs/simulator.md).",
)
def command(
    port: int,
    api_key: str | None,
    seed: str,
    task_seconds: float,
    state: str | None,
    faults: str | None,
) -> Exit:
    """Serve a simulated Octopus server until Ctrl-C.

    Prints one line of JSON when it listens: url, apiKey (an administrator's) and serviceApiKey
    (which may view and deploy). Nothing is ever deployed. Without --state everything is forgotten
    at the end; with it, it is written at the end and twice a minute.
    """
    from reconciler.core.text import clean
    from reconciler.errors import ReconcilerError, UsageError
    from reconciler.simulator import (
        BadKey,
        BadState,
        FaultsError,
        PortInUse,
        SeedError,
        StateNotWritten,
        serve,
    )

    try:
        serve(
            seed=seed,
            port=port,
            api_key=api_key,
            task_seconds=task_seconds,
            state=state,
            faults=faults,
        )
    except PortInUse as error:
        raise ReconcilerError(
            f"{clean(str(error))}; nothing was started", hint="take another port, or --port 0"
        ) from error
    except SeedError as error:
        raise UsageError(
            f"the seed cannot be used: {clean(str(error), 400)}",
            hint="--seed small, --seed platform, or a YAML file of the same shape",
        ) from error
    except FaultsError as error:
        raise UsageError(
            f"the faults cannot be used: {clean(str(error), 400)}; nothing was started",
            hint="docs/simulator.md has an example of every kind",
        ) from error
    except BadState as error:
        raise UsageError(
            f"{clean(str(error), 400)}; nothing was started, and the file is as it was",
            hint="name another file; one that is not there yet begins from the seed",
        ) from error
    except StateNotWritten as error:
        raise ReconcilerError(
            f"{clean(str(error), 400)}; it holds what was last written there",
            hint="make room or name a file that can be written, then start it again",
        ) from error
    except BadKey as error:
        raise UsageError(
            f"{clean(str(error))}; nothing was started", hint="leave --api-key out to have one made"
        ) from error
    return Exit.OK
