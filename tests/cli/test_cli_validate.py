"""`reconciler validate PATH`: every problem with its place, nothing else on stdout."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from cli_pages import DOCS
from click.testing import CliRunner

from reconciler.cli import cli

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

EXAMPLES = DOCS.parent / "example-manifests"


def validate(path: Path) -> Result:
    return CliRunner().invoke(cli, ["validate", str(path)])


def test_good_manifests_are_counted() -> None:
    result = validate(EXAMPLES)

    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("all good: 8 environments, ")


def test_every_problem_is_a_line_with_its_place_and_the_fix(tmp_path: Path) -> None:
    broken = tmp_path / "manifests"
    shutil.copytree(EXAMPLES, broken)
    file = broken / "environments" / "hospital-test.yaml"
    text = file.read_text()
    file.write_text(text.replace('"3.8.0"', "1.10").replace("components:", "componets:"))

    result = validate(broken)

    assert result.exit_code == 3
    lines = result.stdout.splitlines()
    assert all(line.startswith("environments/hospital-test.yaml:") for line in lines)
    assert any("did you mean 'components'?" in line for line in lines)
    assert result.stderr == (
        f"{len(lines)} problem{'s' if len(lines) > 1 else ''}; 1 environment of 8 cannot be "
        "applied until they are mended\n"
    )


def test_a_problem_that_stops_no_environment_says_so(tmp_path: Path) -> None:
    broken = tmp_path / "manifests"
    shutil.copytree(EXAMPLES, broken)
    (broken / "policies" / "odd.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Policy\nmetadata: {name: odd}\nspec: {mode: aply}\n"
    )

    result = validate(broken)

    assert result.exit_code == 3
    assert result.stderr == "1 problem; no environment is stopped by it\n"


def test_an_unquoted_version_says_how_to_quote_it(tmp_path: Path) -> None:
    broken = tmp_path / "manifests"
    shutil.copytree(EXAMPLES, broken)
    file = broken / "environments" / "hospital-test.yaml"
    file.write_text(file.read_text().replace('"3.8.0"', "1.10"))

    result = validate(broken)

    (line,) = result.stdout.splitlines()
    assert line.startswith("environments/hospital-test.yaml:13:21: ")
    assert 'quote it: "1.10"' in line


@pytest.mark.parametrize("what", ["missing", "file", "empty"])
def test_what_holds_no_manifests_is_64(tmp_path: Path, what: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()

    result = validate(tmp_path / what)

    assert result.exit_code == 64
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 2


def test_rule_52_hostile_names_and_words_stay_on_their_line(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31m\n.yaml").write_text("apiVersion: reconciler/v1\nkind: [\x1b[2J\n")

    result = validate(tmp_path)

    assert result.exit_code == 3
    assert all(char.isprintable() or char == "\n" for char in result.output)


def test_fix_mends_what_is_mechanical_tells_it_and_leaves_the_rest(tmp_path: Path) -> None:
    broken = tmp_path / "manifests"
    shutil.copytree(EXAMPLES, broken)
    qa = broken / "environments" / "qa.yaml"
    good = qa.read_text()
    qa.write_text(good.replace('"2.4.1"', "2.4").replace('"7.4.0"', "{}"))

    result = CliRunner().invoke(cli, ["validate", "--fix", str(broken)])

    assert result.exit_code == 3
    assert result.stdout == "environments/qa.yaml:12:5: missing field 'version'\n"
    assert result.stderr.startswith('mended environments/qa.yaml:71: 2.4 -> "2.4"\n')
    assert "2 changes made\n" in result.stderr
    assert qa.read_text() == good.replace('"2.4.1"', '"2.4"').replace('"7.4.0"', "{}")

    again = CliRunner().invoke(cli, ["validate", "--fix", str(broken)])
    assert "0 changes made\n" in again.stderr
