"""Mutations of every valid manifest: a set of manifests or located problems, never a traceback."""

import dataclasses
import json
import random
import re
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manifest_world import LIFECYCLE, WORLD, load
from ruamel.yaml import YAML

from reconciler.core.manifest import DesiredState, ManifestSet, Place
from reconciler.manifests.loader import ManifestLoader
from reconciler.manifests.mend import mend_file

EXAMPLES = Path(__file__).parents[2] / "example-manifests"
SEED = 20261120
FILES = {**WORLD, "lifecycles/to-customers.yaml": LIFECYCLE}
SCALARS = [
    *("1.10", "~", "no", "''", "{}", "[]", "[a]", "{a: b}", "x" * 500, "é", "API-ABCDEF123456"),
    *("2026-12-01T00:00:00Z", "-1", "true", '"2.0"', "*a", "&a b", "!!set {}", "|", ">=1 <2"),
    *('"a/b"', "{env: OCTOPUS_X}", "{version: '1', hold: {}}", "- a", "? a", "\t", "\x07", "\r"),
]


def examples() -> dict[str, str | bytes]:
    """Return the example manifests as a commit has them."""
    files = sorted(EXAMPLES.rglob("*.yaml"))
    return {path.relative_to(EXAMPLES).as_posix(): path.read_bytes() for path in files}


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Return a manifest changed in one or two places: by bytes, lines, keys and values."""
    for _ in range(1 + (chance.random() < 0.4)):
        lines = data.split(b"\n")
        row = chance.randrange(len(lines))
        line, start = lines[row], chance.randrange(len(data) + 1)
        match chance.randrange(10):
            case 0:
                data = data[:start] + data[start + chance.randint(1, 20) :]
            case 1:
                put = bytes(chance.randrange(256) for _ in range(chance.randint(1, 4)))
                data = data[:start] + put + data[start:]
            case 2:
                data = (
                    data[:start]
                    + chance.choice(b"{}[]:,#'\"&*!|>-?\n\t ").to_bytes()
                    + data[start:]
                )
            case 3:  # a value
                name, colon, _ = line.partition(b":")
                lines[row] = name + colon + b" " + chance.choice(SCALARS).encode()
                data = b"\n".join(lines)
            case 4:  # a key, from anywhere
                other = chance.choice(lines).strip().partition(b":")[0]
                lines[row] = (
                    line[: len(line) - len(line.lstrip())] + other + b":" + line.partition(b":")[2]
                )
                data = b"\n".join(lines)
            case 5:  # a line twice, gone, or elsewhere
                lines.insert(chance.randrange(len(lines)), lines.pop(row))
                if chance.random() < 0.5:
                    lines.insert(row, chance.choice(lines))
                data = b"\n".join(lines)
            case 6:  # another depth
                lines[row] = b" " * chance.randint(0, 8) + line.strip()
                data = b"\n".join(lines)
            case 7 | 8:  # another digit, or letter
                alphabet = chance.choice([b"0123456789", b"abcdefgh"])
                old, new = bytes([chance.choice(alphabet)]), bytes([chance.choice(alphabet)])
                data = data[:start] + data[start:].replace(old, new, 1)
            case _:  # a value of another line
                taken = chance.choice(lines).partition(b":")[2]
                lines[row] = line.partition(b":")[0] + b":" + taken
                data = b"\n".join(lines)
    return data


def holds(found: ManifestSet, files: Mapping[str, str | bytes]) -> None:
    """Assert what a load promises of any bytes: every problem has its place, and fits a line."""
    assert list(found.problems) == sorted(set(found.problems))
    for problem in found.problems:
        place = problem.place
        data = files[place.file]
        rows = data.count(b"\n" if isinstance(data, bytes) else "\n") + 1  # type: ignore[arg-type]
        assert 1 <= place.line <= rows + 1
        assert place.column >= 1
        assert str(problem).isprintable()
        assert len(str(problem)) < 10_000
        assert "API-ABCDEF" not in str(problem)
    for state in found.environments.values():
        assert isinstance(state, DesiredState) or state.problems


def mutants(count: float, files: dict[str, str | bytes], seed: int) -> Iterator[ManifestSet]:
    """Load so many sets, each with one file of `files` changed; mend each of these files too."""
    chance = random.Random(seed)
    loader = ManifestLoader()
    paths = sorted(files)
    done = 0
    while done < count:
        done += 1
        path = chance.choice(paths)
        original = files[path]
        data = mutate(original if isinstance(original, bytes) else original.encode(), chance)
        changed = files | {path: data}
        found = load(changed, loader=loader)
        holds(found, changed)
        mended = mend_file(path, data, "../schema")
        if mended is not None:
            assert mend_file(path, mended.data, "../schema") is None
        yield found


def test_rule_47_a_few_hundred_mutations_of_manifests_give_sets_or_located_problems() -> None:
    found = list(mutants(300, dict(FILES), SEED))

    assert 30 < sum(not each.problems for each in found) < 270


@pytest.mark.proof
def test_rule_47_no_mutation_of_any_manifest_is_a_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    began, whole, told, problems = time.monotonic(), 0, 0, 0
    for files, count in ((dict(FILES), 16_000), (examples(), 4_500)):
        for found in mutants(count, files, SEED):
            whole += not found.problems
            told += bool(found.problems)
            problems += len(found.problems)
    took = time.monotonic() - began

    with capsys.disabled():
        sys.stdout.write(
            f"\n{whole + told} mutated sets of manifests in {took:.0f} s: {whole} loaded, "
            f"{told} refused with {problems} located problems, no traceback\n"
        )
    assert whole + told >= 20_000
    assert whole > 1_000


# --- order --------------------------------------------------------------------------------------


def bare(value: Any) -> Any:
    """Return a loaded value without the places it was written at."""
    if isinstance(value, Place):
        return None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return (type(value).__name__, [(f.name, bare(getattr(value, f.name))) for f in fields])
    if isinstance(value, Mapping):
        return {key: bare(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [bare(each) for each in value]
    return value


def plain(text: str | bytes) -> Any:
    """Return a manifest as JSON values, times as texts."""
    quoted = re.sub(r"(until: )([0-9][^},\n]*)", r'\1"\2"', str(text))
    return YAML(typ="safe", pure=True).load(quoted)


def shuffled(value: Any, chance: random.Random) -> Any:
    """Return the same JSON with every mapping in another order."""
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: shuffled(value[key], chance) for key in keys}
    return [shuffled(each, chance) for each in value] if isinstance(value, list) else value


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False))
def test_the_order_of_files_and_keys_never_changes_what_is_loaded(chance: random.Random) -> None:
    expected = load(dict(FILES))
    paths = list(FILES)
    chance.shuffle(paths)

    found = load({path: json.dumps(shuffled(plain(FILES[path]), chance)) for path in paths})

    assert found.problems == expected.problems == ()
    assert bare(found.environments) == bare(expected.environments)
