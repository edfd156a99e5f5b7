"""The faults of docs/simulator.md by name, as files of faults that tests put in force."""

import re
from pathlib import Path

from reconciler.simulator import Simulator, parse_faults

PAGE = Path(__file__).parents[1] / "docs" / "simulator.md"
_ROW = re.compile(
    r"^\| ([^|]+) \| `((?:requests|deployments|server): .+?)` \| .+ \|$", re.MULTILINE
)


def faults_of_page() -> dict[str, str]:
    """Return the text of each fault by its name."""
    return {name: text.replace("\\|", "|") for name, text in _ROW.findall(PAGE.read_text("utf-8"))}


def strike(simulator: Simulator, name: str) -> None:
    """Put a fault of the page in force, as `--faults FILE` does."""
    parse_faults(simulator, faults_of_page()[name])
