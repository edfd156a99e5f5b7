"""Load and validate 1,000 files of 100 pins, cold and with one changed file, beside the floor.

The floor is the least that this can cost here, in the same run: a bare read, an event parse that
keeps positions, the schema gate, typed pins with their places. It checks nothing else: no quotes,
duplicates, names, references or cells. Run it as a script for figures only, or by `make proof`.

Absolute times depend on the machine: nothing here passes or fails on one.
"""

from __future__ import annotations

import gc
import tempfile
import time
from hashlib import sha1
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.events import MappingEndEvent, MappingStartEvent, ScalarEvent

from reconciler.core.manifest import Kind, Pin, Place, SourceFile
from reconciler.manifests.loader import ManifestLoader
from reconciler.manifests.schemas import gate_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

FILES, PINS, ROUNDS = 1_000, 100, 5

SPACE = """\
apiVersion: reconciler/v1
kind: Space
metadata: {name: prod}
spec: {server: "https://octopus.example.com", space: A, credentials: {observe: {env: OCTOPUS_A}}}
"""
STACK = """\
apiVersion: reconciler/v1
kind: Stack
metadata: {name: platform}
spec:
  components:
"""


def write_repository(root: Path, files: int = FILES, pins: int = PINS) -> list[SourceFile]:
    """Write environments of one stack; returns them as a commit would list them."""
    components = [f"component-{number}" for number in range(pins)]
    stack = STACK + "".join(f"    {name}: {{}}\n" for name in components)
    contents = {"space.yaml": SPACE, "stack.yaml": stack}
    for number in range(files):
        contents[f"environments/e{number}.yaml"] = environment(number, components)
    found = []
    for path, text in contents.items():
        (root / path).parent.mkdir(exist_ok=True, parents=True)
        (root / path).write_text(text)
        found.append(_source(path, text.encode()))
    return found


def environment(number: int, components: list[str], salt: int = 0) -> str:
    """Return one environment as people write it: block style, quoted versions, a comment."""
    lines = [
        "# yaml-language-server: $schema=../../schema/environment.schema.json",
        "apiVersion: reconciler/v1",
        "kind: Environment",
        f"metadata: {{name: e{number}}}",
        "spec:",
        f"  octopus: {{space: prod, environment: Environment {number}}}",
        "  stack: platform",
        "  components:",
    ]
    lines.extend(
        f'    {name}: "{1 + index % 9}.{(number + index) % 40}.{(number * 7 + index + salt) % 30}"'
        for index, name in enumerate(components)
    )
    return "\n".join(lines) + "\n"


def _source(path: str, data: bytes) -> SourceFile:
    blob = sha1(data, usedforsecurity=False).hexdigest()
    return SourceFile(path, blob, "100644", len(data))


def floor(root: Path, files: list[SourceFile]) -> int:
    """Do the least; returns the number of pins, so that nothing is optimised away."""
    yaml = YAML(typ="safe")
    gate = gate_of(Kind.ENVIRONMENT)
    total = 0
    kept = []
    for file in files:
        value, marks = bare_tree(yaml, (root / file.path).read_bytes())
        if value["kind"] != "Environment":
            continue
        assert gate.is_valid(value)
        pins = {}
        for name, version in value["spec"]["components"].items():
            line, column = marks[name]
            pins[name] = Pin(version, Place(file.path, line, column))
        total += len(pins)
        kept.append(pins)
    return total


def bare_tree(yaml: YAML, data: bytes) -> tuple[Any, dict[str, tuple[int, int]]]:
    """Build nested dictionaries of text, and the position of the value of each key."""
    marks: dict[str, tuple[int, int]] = {}
    stack: list[tuple[Any, Any]] = []
    value: Any = None
    key: Any = None
    for event in yaml.parse(data):
        kind = type(event)
        if kind is ScalarEvent:
            if key is None:
                key = event.value
            else:
                value[key] = event.value
                mark = event.start_mark
                marks[key] = (mark.line + 1, mark.column + 1)
                key = None
        elif kind is MappingStartEvent:
            new: dict[str, Any] = {}
            if value is not None:
                value[key] = new
            stack.append((value, key))
            value, key = new, None
        elif kind is MappingEndEvent:
            done = value
            value, key = stack.pop()[0], None
    return done, marks


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of one call, after the garbage of earlier ones is gone."""
    gc.collect()
    began = time.perf_counter()
    kept = work()
    took = time.perf_counter() - began
    del kept
    return took


def measure(rounds: int = ROUNDS) -> dict[str, float]:
    """Return the best of several rounds in seconds: floor, cold, and warm with one changed file."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = write_repository(root)
        by_blob = {file.blob: file.path for file in files}

        def read(blobs: Collection[str]) -> dict[str, bytes]:
            return {blob: (root / by_blob[blob]).read_bytes() for blob in blobs}

        def cold() -> ManifestLoader:
            loader = ManifestLoader()
            found = loader.load(files, read)
            assert not found.problems
            assert len(found.environments) == FILES
            return loader

        loader = cold()  # warms imports, schemas and the page cache
        floor(root, files)
        best = {"floor": 9e9, "cold": 9e9, "warm": 9e9, "unchanged": 9e9}
        for number in range(rounds):
            path = f"environments/e{number}.yaml"
            names = [f"component-{index}" for index in range(PINS)]
            text = environment(number, names, salt=1).encode()
            (root / "changed.yaml").write_bytes(text)
            changed = _source(path, text)
            by_blob[changed.blob] = "changed.yaml"
            now = [changed if file.path == path else file for file in files]
            best["floor"] = min(best["floor"], timed(lambda: floor(root, files)))
            best["cold"] = min(best["cold"], timed(cold))
            best["unchanged"] = min(best["unchanged"], timed(lambda: loader.load(files, read)))
            best["warm"] = min(best["warm"], timed(lambda now=now: loader.load(now, read)))
        return best


def report(best: dict[str, float], rounds: int = ROUNDS) -> str:
    """Return the figures as lines, each with its ratio to the floor."""
    lines = [f"load + validate of {FILES:,} files x {PINS} pins, best of {rounds}:"]
    lines.extend(
        f"  {name:10} {seconds * 1000:8.1f} ms   {seconds / best['floor']:6.3f} x floor"
        for name, seconds in best.items()
    )
    return "\n".join(lines)


def test_loading_is_told_beside_its_floor() -> None:
    best = measure(rounds=3)

    print(f"\n{report(best, rounds=3)}")  # noqa: T201 (the figures are what this is run for)
    assert best["warm"] < best["cold"]  # a ratio of one run: a changed file is not a cold start


if __name__ == "__main__":
    print(report(measure()))  # noqa: T201
