"""`validate --fix`: what is mechanical is mended, and nothing else is touched."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manifest_world import ENVIRONMENT, POLICY, QA, WORLD

from reconciler.manifests.folder import load_folder
from reconciler.manifests.mend import mend_file
from reconciler.manifests.mending import mend_folder
from reconciler.manifests.parse import parse_file
from reconciler.manifests.wording import Words


def mended(text: str, schemas: str | None = None) -> str | None:
    found = mend_file("qa.yaml", text.encode(), schemas)
    return None if found is None else found.data.decode()


@pytest.mark.parametrize(
    ("old", "broken", "new"),
    [
        ('"2.5.0"', "2.10", '"2.10"'),
        ('"2.5.0"', "1e3 ", '"1e3" '),
        ('"2.5.0"', "{version: 012, redeploy: '2'}", '{version: "012", redeploy: 2}'),
        ("stack: platform", "stack: 2024-01-01", 'stack: "2024-01-01"'),
        ("wallet-api:", "1.10:", '"1.10":'),
        ("environment: QA", "environment: no", 'environment: "no"'),
        ("stack: platform", "stack: platform\r", "stack: platform\r"),
    ],
)
def test_missing_quotes_are_put_in_and_every_other_byte_stays(
    old: str, broken: str, new: str
) -> None:
    text = QA.replace(old, broken).replace('"2.5.0"', "1.0" if "\r" in broken else '"2.5.0"')
    expected = QA.replace(old, new).replace('"2.5.0"', '"1.0"' if "\r" in broken else '"2.5.0"')

    assert mended(text) == expected
    assert mended(expected) is None


def test_booleans_and_counts_lose_their_quotes() -> None:
    broken = POLICY.replace("protected: true", "protected: 'Yes'").replace(
        "changes: 20", 'changes: "20"'
    )

    assert mended(broken) == POLICY


@pytest.mark.parametrize(
    "text",
    [
        QA,
        ENVIRONMENT,  # an unquoted time is as it may be
        QA.replace('"2.5.0"', "~"),
        QA.replace('"2.5.0"', ""),
        QA.replace('"2.5.0"', "{version: 1.0, version: 2.0}"),
        QA.replace('"2.5.0"', "&a 1.0"),
        QA.replace('"2.5.0"', "!!str 1.0"),
        QA.replace("qa}", "qa}\n--- \nx: 1"),
        QA.replace("spec:", "\tspec: 1.0").replace('"2.5.0"', "1.0"),
        QA.replace("kind: Environment", "kind: Deployment").replace('"2.5.0"', "1.0"),
        QA.replace("reconciler/v1", "apps/v1").replace('"2.5.0"', "1.0"),
        POLICY.replace("changes: 20", "changes: 020"),
        POLICY.replace("mode: apply", "mode: aply"),
    ],
)
def test_what_needs_a_decision_is_left(text: str) -> None:
    assert mended(text) is None


def test_the_editor_comment_is_added_once_above_everything() -> None:
    bound = "# yaml-language-server: $schema=../schema/environment.schema.json\n"

    assert mended(QA, "../schema") == bound + QA
    assert mended(bound + QA, "../../elsewhere") is None
    crlf = QA.replace("\n", "\r\n")
    assert mended(crlf, "../schema") == bound.replace("\n", "\r\n") + crlf


def test_a_byte_order_mark_stays_in_front() -> None:
    found = mend_file("qa.yaml", b"\xef\xbb\xbf" + QA.encode(), "s")

    assert found is not None
    assert found.data.startswith(b"\xef\xbb\xbf# yaml-language-server")


def test_a_folder_is_mended_where_most_files_say_the_schemas_are(tmp_path: Path) -> None:
    for path, text in WORLD.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    qa, stack = tmp_path / "environments/qa.yaml", tmp_path / "stacks/platform.yaml"
    qa.write_text(QA.replace('"2.5.0"', "2.10"))
    bound = "# yaml-language-server: $schema=../../schema/stack.schema.json\n"
    stack.write_text(bound + stack.read_text())
    stack.chmod(0o640)
    (tmp_path / "link.yaml").symlink_to(qa)

    changes = mend_folder(tmp_path)

    assert 'environments/qa.yaml:7: 2.10 -> "2.10"' in changes
    assert qa.read_text().startswith("# yaml-language-server: $schema=../../schema/environment.")
    assert "qa.yaml:1: the comment that binds an editor to its schema" in changes[1]
    assert stack.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "link.yaml").is_symlink()
    assert mend_folder(tmp_path) == ()
    (tmp_path / "link.yaml").unlink()
    assert load_folder(tmp_path).problems == ()


unquoted = st.sampled_from(
    ["1.10", "no", "yes", "012", "~", "", "x", "'3'", '"yes"', "2026-01-01", "[1.0]", "{a: 1.0}"]
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(WORLD)), st.data())
def test_mending_is_done_once_and_never_breaks_what_was_whole(
    path: str, data: st.DataObject
) -> None:
    words = WORLD[path].split(" ")
    place = data.draw(st.integers(0, len(words) - 1))
    text = " ".join([*words[:place], data.draw(unquoted), *words[place + 1 :]])
    before = parse_file(path, text.encode(), Words())

    first = mend_file(path, text.encode(), None)

    if first is None:
        return
    after = parse_file(path, first.data, Words())
    assert mend_file(path, first.data, None) is None
    assert before.document is None
    assert len(after.problems) <= len(before.problems)
    assert len(first.data.splitlines()) == len(text.encode().splitlines())
