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
    *("graphlib", "hashlib", "itertools", "json", "math", "operator", "re", "string", "types"),
    *("typing", "unicodedata", "zoneinfo"),
}
ROOMS = ("core", "engine", "manifests", "octopus", "git", "signing", "store", "simulator", "cli")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    # The logo and the cache left out; the folder itself is where the package is imported from.
    environment = {**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "300"}
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", program, "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def house(root: Path, tmp_path: Path) -> Path:
    """A copy of the package and its contract, with every room present, to be damaged at will."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "reconciler", tmp_path / "reconciler", ignore=ignored)
    shutil.copy(root / "pyproject.toml", tmp_path)
    for room in ROOMS:
        package = tmp_path / "reconciler" / room / "__init__.py"
        if not package.exists():
            package.parent.mkdir(exist_ok=True)
            package.write_text("")
    for module in ("bootstrap", "settings", "ports", "errors"):
        (tmp_path / "reconciler" / f"{module}.py").touch()
    return tmp_path


def add_import(house: Path, room: str, line: str) -> None:
    (house / "reconciler" / room / "astray.py").write_text(f"{line}\n")


def test_the_contract_holds_for_the_house_as_it_stands(root: Path) -> None:
    done = lint(root)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contract_holds_for_an_unharmed_copy(house: Path) -> None:
    done = lint(house)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("room", "line", "told"),
    [
        ("core", "import reconciler.ports", "reconciler.core.astray -> reconciler.ports"),
        ("core", "import reconciler.engine", "reconciler.core.astray -> reconciler.engine"),
        ("core", "import asyncio", "reconciler.core.astray -> asyncio"),
        ("core", "from time import monotonic", "reconciler.core.astray -> time"),
        ("core", "import msgspec", "reconciler.core.astray -> msgspec"),
        ("engine", "import reconciler.octopus", "reconciler.engine.astray -> reconciler.octopus"),
        ("engine", "import reconciler.settings", "reconciler.engine.astray -> reconciler.settings"),
        ("git", "import reconciler.store", "reconciler.git.astray -> reconciler.store"),
        ("git", "import reconciler.engine", "reconciler.git.astray -> reconciler.engine"),
        ("store", "import reconciler.bootstrap", "reconciler.store.astray -> reconciler.bootstrap"),
        ("octopus", "import reconciler.simulator", "octopus.astray -> reconciler.simulator"),
        ("engine", "import reconciler.simulator", "engine.astray -> reconciler.simulator"),
        ("simulator", "import reconciler.core", "simulator.astray -> reconciler.core"),
        ("simulator", "import reconciler.errors", "simulator.astray -> reconciler.errors"),
        ("simulator", "import reconciler.octopus", "simulator.astray -> reconciler.octopus"),
        ("cli", "import httpx", "reconciler.cli.astray -> httpx"),
    ],
)
def test_a_wrong_arrow_breaks_the_contract_and_is_named(
    house: Path, room: str, line: str, told: str
) -> None:
    add_import(house, room, line)

    done = lint(house)

    assert done.returncode == 1, done.stdout + done.stderr
    assert told in done.stdout


def test_a_room_that_the_contract_does_not_know_breaks_it(house: Path) -> None:
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
