"""The import contract: it holds for the house as it stands, and a wrong arrow breaks it."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# Everything the core may import from the standard library; all of it is free of I/O and of time.
CORE_MAY_IMPORT = {
    *("__future__", "collections", "dataclasses", "datetime", "difflib", "enum", "functools"),
    *("graphlib", "hashlib", "heapq", "itertools", "json", "math", "operator", "re", "statistics"),
    *("string", "types", "typing", "unicodedata", "zoneinfo"),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    # The logo and the cache left out; the folder itself is where the package is imported from.
    environment = {**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "300"}
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", program, "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


ASTRAY = (
    ("core", "import reconciler.ports", "reconciler.ports"),
    ("core", "import reconciler.engine", "reconciler.engine"),
    ("core", "import asyncio", "asyncio"),
    ("core", "from time import monotonic", "time"),
    ("core", "import msgspec", "msgspec"),
    ("engine", "import reconciler.octopus", "reconciler.octopus"),
    ("engine", "import reconciler.settings", "reconciler.settings"),
    ("git", "import reconciler.store", "reconciler.store"),
    ("git", "import reconciler.engine", "reconciler.engine"),
    ("store", "import reconciler.bootstrap", "reconciler.bootstrap"),
    ("octopus", "import reconciler.simulator", "reconciler.simulator"),
    ("engine", "import reconciler.simulator", "reconciler.simulator"),
    ("simulator", "import reconciler.core", "reconciler.core"),
    ("simulator", "import reconciler.errors", "reconciler.errors"),
    ("simulator", "import reconciler.octopus", "reconciler.octopus"),
    ("cli", "import httpx", "httpx"),
)
"""Wrong arrows: the room that has one, the line that draws it, what it points to."""


def copied(root: Path, folder: Path) -> Path:
    """A copy of the package and its contract, to be damaged at will."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "reconciler", folder / "reconciler", ignore=ignored)
    shutil.copy(root / "pyproject.toml", folder)
    return folder


@pytest.fixture(scope="module")
def damaged(root: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the contract says of a copy with every wrong arrow, each in a module of its own."""
    house = copied(root, tmp_path_factory.mktemp("damaged"))
    for number, (room, line, _) in enumerate(ASTRAY):
        (house / "reconciler" / room / f"astray{number}.py").write_text(f"{line}\n")
    done = lint(house)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def test_the_contract_holds_for_the_house_as_it_stands(root: Path) -> None:
    done = lint(root)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("number", range(len(ASTRAY)), ids=[f"{r}: {i}" for r, i, _ in ASTRAY])
def test_a_wrong_arrow_breaks_the_contract_and_is_named(damaged: str, number: int) -> None:
    room, _, where = ASTRAY[number]

    assert f"reconciler.{room}.astray{number} -> {where} " in damaged


def test_a_room_that_the_contract_does_not_know_breaks_it(root: Path, tmp_path: Path) -> None:
    house = copied(root, tmp_path)
    (house / "reconciler" / "cellar.py").touch()

    done = lint(house)

    assert done.returncode == 1
    assert "reconciler.cellar" in done.stdout


def imported_by(file: Path) -> set[str]:
    """The top-level names of the modules a file imports; relative ones are its own package's."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        match node:
            case ast.Import():
                names |= {alias.name.split(".")[0] for alias in node.names}
            case ast.ImportFrom(level=0, module=str(module)):
                names.add(module.split(".")[0])
    return names


def test_the_core_imports_only_what_has_no_input_output_or_time(root: Path) -> None:
    files = sorted((root / "reconciler" / "core").rglob("*.py"))

    strays = {file.name: imported_by(file) - CORE_MAY_IMPORT - {"reconciler"} for file in files}

    assert files
    assert {name: found for name, found in strays.items() if found} == {}


def test_the_http_library_is_imported_by_one_module(root: Path) -> None:
    files = (root / "reconciler").rglob("*.py")
    importers = [f.relative_to(root).as_posix() for f in files if "httpx" in imported_by(f)]

    assert len(importers) == 1
    assert importers[0].startswith("reconciler/octopus/")
