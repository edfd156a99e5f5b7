"""The option `-o`, and data written in the form it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.cli.render.data import Data

    Decorated = Callable[[Callable[..., object]], Callable[..., object]]

TABLE = "table"


def output_option(
    *data: str,
    help: str | None = None,  # noqa: A002  # click's word
) -> Decorated:
    """Return the option `-o, --output`: a table by default, or one of these forms of data."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice([TABLE, *data]),
        default=TABLE,
        show_default=True,
        help=help,
    )


def write(output: str, data: Callable[[], Data], otherwise: Callable[[], None]) -> None:
    """Write data to stdout as JSON or YAML where `output` says so; else do `otherwise`."""
    from reconciler.cli.render.data import as_json, as_yaml

    match output:
        case "json":
            click.echo(as_json(data()), nl=False)
        case "yaml":
            click.echo(as_yaml(data()), nl=False)
        case _:
            otherwise()
