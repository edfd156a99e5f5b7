"""The public pages are true: what they quote, name and link is what the project has."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import reconciler
from reconciler.cli.leaving import MEANINGS

PAGES = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md")
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    return (root / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def architecture(root: Path) -> str:
    return (root / "ARCHITECTURE.md").read_text(encoding="utf-8")


def block(page: str, kind: str) -> str:
    """The first fenced block of a kind."""
    found = re.search(rf"^```{kind}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reconciler", *arguments]
    environment = {**os.environ, "COLUMNS": "100"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_the_help_in_the_readme_is_what_the_program_says(readme: str) -> None:
    assert block(readme, "text") == run("--help").stdout


def test_the_exit_codes_in_the_readme_are_those_of_the_program(readme: str) -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", readme, re.MULTILINE)

    assert rows == [(str(code.value), meaning) for code, meaning in MEANINGS.items()]


def test_the_pins_in_the_readme_stand_in_the_example_manifests(root: Path, readme: str) -> None:
    example = (root / "example-manifests/environments/qa.yaml").read_text(encoding="utf-8")
    lines = [line for line in block(readme, "yaml").splitlines() if not line.startswith("#")]

    assert [line for line in lines if line not in example.splitlines()] == []
    assert len(lines) > 5


def test_what_the_readme_says_is_refused_is_refused(
    root: Path, readme: str, tmp_path: Path
) -> None:
    policy = (root / "example-manifests/policies/open.yaml").read_text(encoding="utf-8")
    (tmp_path / "policy.yaml").write_text(
        policy + "  deployFromDashboard: true\n", encoding="utf-8"
    )
    refused = run("validate", str(tmp_path))

    assert refused.returncode == 3
    assert "'deployFromDashboard' is not supported yet" in refused.stdout + refused.stderr
    assert "`'deployFromDashboard' is not supported yet`" in readme


def test_make_has_the_two_commands_of_the_readme(root: Path, readme: str) -> None:
    targets = re.findall(r"^make (\w+)", block(readme, "sh"), re.MULTILINE)
    makefile = (root / "Makefile").read_text(encoding="utf-8")

    assert targets == ["demo", "test"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


@pytest.mark.parametrize("name", PAGES)
def test_every_link_of_a_page_leads_to_a_file(root: Path, name: str) -> None:
    links = LINK.findall((root / name).read_text(encoding="utf-8"))

    assert [link for link in links if not (root / link).exists()] == []


def test_the_picture_fetches_nothing_and_shows_a_plan_and_an_apply(root: Path) -> None:
    picture = (root / "docs/demo.svg").read_text(encoding="utf-8")

    assert "url(http" not in picture
    assert "plan&#160;qa" in picture
    assert "apply&#160;qa" in picture
    assert "Executing" in picture


def test_the_changelog_tells_of_this_version(root: Path) -> None:
    assert f"\n## {reconciler.__version__}\n" in (root / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_map_shows_every_room_and_no_other(root: Path, architecture: str) -> None:
    package = root / "reconciler"
    rooms = {f"{each.parent.name}/" for each in package.glob("*/__init__.py")}
    rooms |= {each.name for each in package.glob("*.py") if not each.name.startswith("__")}
    shown = set(re.findall(r"^  ([a-z_]+(?:/|\.py))", block(architecture, ""), re.MULTILINE))

    assert shown == rooms


def test_the_doors_are_the_ports(root: Path, architecture: str) -> None:
    tree = ast.parse((root / "reconciler/ports.py").read_text(encoding="utf-8"))
    ports = {
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(b) == "Protocol" for b in node.bases)
    }
    doors = architecture.partition("## The doors")[2].partition("\n## ")[0]

    assert set(re.findall(r"^\| `(\w+)` \|", doors, re.MULTILINE)) == ports


def test_every_file_the_architecture_names_is_there(root: Path, architecture: str) -> None:
    named = set(re.findall(r"`((?:[a-z_-]+/)+[a-z_.]*)`", architecture))
    places = (root, root / "reconciler")

    assert [name for name in named if not any((place / name).exists() for place in places)] == []
    assert "engine/survey.py" in named
