"""The simulated Octopus of the demo: its process, its address and its keys, which are toys."""

from __future__ import annotations

import json
import re
import select
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING

from reconciler.cli.demo.trouble import PATIENCE, broken
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reconciler.cli.demo.processes import Processes

HURRY = 0.3
"""How long a deployment takes where nobody watches, as a share of what the seed says."""

_SECONDS = re.compile(r"(?<=taskSeconds: )[0-9.]+")


@dataclass(frozen=True, slots=True)
class Simulated:
    """A running simulator."""

    process: subprocess.Popen[str]
    url: str
    admin_key: str = field(repr=False)
    service_key: str = field(repr=False)


def start_simulator(
    folder: Path, environment: Mapping[str, str], processes: Processes, *, hurry: bool
) -> Simulated:
    """Start the simulator with the platform of the example manifests. Raises: ReconcilerError."""
    seed = folder / "seed.yaml"
    shipped = files("reconciler.simulator") / "seeds" / "platform.yaml"
    text = shipped.read_text(encoding="utf-8")
    if hurry:
        text = _SECONDS.sub(lambda found: f"{float(found[0]) * HURRY:.2f}", text)
    seed.write_text(text, encoding="utf-8")
    command = ["-m", "reconciler", "simulator", "--port", "0", "--seed", str(seed)]
    log = folder / "simulator.log"
    with log.open("wb") as errors:
        process = processes.start(
            [sys.executable, *command],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C reaches the story, which then ends the server
        )
    assert process.stdout is not None  # noqa: S101  (it was asked for)
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
    said = process.stdout.readline() if ready else ""
    try:
        line = json.loads(said)
        keys = str(line["apiKey"]), str(line["serviceApiKey"])
        return Simulated(process, str(line["url"]), *keys)
    except (ValueError, KeyError, TypeError) as error:
        why = clean(log.read_text(encoding="utf-8", errors="replace").strip()[-500:])
        raise broken(f"the simulator did not start: {why or 'it said nothing'}") from error
