"""Credentials in files that are replaced while we run, and in variables."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reconciler.core.manifest import CredentialSource, Place, Space
from reconciler.credentials import SETTLED, Credentials, File, redacted
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

WRITTEN = 1_800_000_000.0  # when the tests' files are written


class Kept:
    """A file credential, the clock its file is dated by, and what it told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = WRITTEN + 60
        self.told: list[str] = []
        self.file = File(path, self.told.append, lambda: self.now)

    def write(self, text: str, at: float = WRITTEN) -> None:
        """Write in place, as an editor or a script does."""
        self.path.write_text(text)
        os.utime(self.path, (at, at))

    def put(self, text: str, at: float = WRITTEN) -> None:
        """Put a new file in its place at one stroke."""
        new = self.path.with_suffix(".new")
        new.write_text(text)
        os.utime(new, (at, at))
        new.replace(self.path)

    @property
    def text(self) -> str:
        return self.file.current().reveal()


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    made = Kept(tmp_path / "shop.key")
    made.write("API-ONE\n")
    return made


def test_a_file_is_read_again_when_it_is_replaced_or_written(kept: Kept) -> None:
    assert kept.text == "API-ONE"
    kept.put("API-TWO\n")  # as old as the one before, of the same length, and another file
    assert kept.text == "API-TWO"
    kept.write("  API-THREE  \n", at=WRITTEN + 5)
    assert kept.text == "API-THREE"
    assert kept.told == []


def test_the_same_content_is_the_same_secret_however_often_it_is_written(kept: Kept) -> None:
    before = kept.file.current()
    kept.put("API-ONE", at=WRITTEN + 5)

    assert kept.file.current() is before
    kept.put("API-TWO", at=WRITTEN + 6)
    assert kept.file.current() is not before


@pytest.mark.parametrize("half", ["", "  \n", "API-\u00e4", "API-ONE\nAPI-TWO", "x" * 5000])
def test_a_half_written_file_keeps_the_old_one_and_says_so_once(kept: Kept, half: str) -> None:
    assert kept.text == "API-ONE"
    kept.write(half, at=WRITTEN + 5)

    assert kept.text == kept.text == "API-ONE"
    assert len(kept.told) == 1
    assert "used on" in kept.told[0]
    assert "API-ONE" not in kept.told[0]
    kept.write("API-TWO", at=WRITTEN + 6)
    assert kept.text == "API-TWO"


def test_a_file_somebody_is_writing_to_is_left_alone_until_it_has_settled(kept: Kept) -> None:
    assert kept.text == "API-ONE"
    kept.write("API-TW", at=kept.now)
    kept.now += SETTLED / 2
    assert kept.text == "API-ONE"

    kept.write("API-TWO", at=kept.now)
    assert kept.text == "API-ONE"
    kept.now += SETTLED
    assert kept.text == "API-TWO"
    assert kept.told == []


def test_a_file_that_vanishes_keeps_the_old_one_and_says_so_once(kept: Kept) -> None:
    assert kept.text == "API-ONE"
    kept.path.unlink()
    assert kept.text == kept.text == "API-ONE"
    assert len(kept.told) == 1

    kept.write("API-TWO")
    assert kept.text == "API-TWO"


def test_a_file_that_was_never_there_is_refused_until_it_is(kept: Kept) -> None:
    kept.path.unlink()
    for _ in range(2):
        with pytest.raises(UsageError, match="cannot be read"):
            kept.file.current()

    kept.write("API-ONE", at=kept.now)
    assert kept.text == "API-ONE"


def test_rule_30_no_credential_shows_in_words_about_it(kept: Kept) -> None:
    assert "API-ONE" not in f"{kept.file.name} {kept.file.current()} {kept.file.current()!r}"


def space(observe: CredentialSource | None) -> Space:
    return Space("shop", "https://o.example", "Shop", observe, None, Place("s.yaml", 1, 1))


def test_a_credential_is_found_once_for_all_who_name_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTOPUS_X", "API-X")
    (tmp_path / "x.key").write_text("API-F")
    credentials = Credentials(tmp_path, lambda _: None)
    for source in (CredentialSource(env="OCTOPUS_X"), CredentialSource(file="x.key")):
        one = credentials.of(space(source), "observe", source)
        assert credentials.of(space(source), "deploy", source) is one

    assert one.current().reveal() == "API-F"


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        (None, "names no 'observe' credential"),
        (CredentialSource(env="OCTOPUS_NOT_SET"), "variable OCTOPUS_NOT_SET is not set"),
        (CredentialSource(file="none.key"), "cannot be read"),
    ],
)
def test_rule_51_a_missing_credential_says_whose_it_is_and_where_it_should_be(
    tmp_path: Path, source: CredentialSource | None, fault: str
) -> None:
    with pytest.raises(UsageError, match=fault) as refusal:
        Credentials(tmp_path, lambda _: None).of(space(source), "observe", source)

    assert "Space shop" in refusal.value.message


def test_rule_30_no_manifest_makes_the_git_token_an_octopus_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RECONCILER_GIT__TOKEN", "git-token-of-the-forge")
    source = CredentialSource(env="RECONCILER_GIT__TOKEN")

    with pytest.raises(UsageError, match="RECONCILER_GIT__TOKEN is a name of settings"):
        Credentials(None, lambda _: None).of(space(source), "observe", source)


def test_rule_30_a_key_of_octopus_and_a_prompted_value_never_stand_in_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RECONCILER_VALUE_PIN", "OCTOPUS_KEY"):
        monkeypatch.setenv(name, "hush")
    for name in ("value-pin", "deploy-key"):
        (tmp_path / name).write_text("hush")
    credentials = Credentials(tmp_path, lambda _: None)
    value = CredentialSource(env="RECONCILER_VALUE_PIN"), CredentialSource(file="value-pin")
    key = CredentialSource(env="OCTOPUS_KEY"), CredentialSource(file="deploy-key")

    for source in value:
        assert credentials.value(source).current().reveal() == "hush"
        with pytest.raises(UsageError, match="kept for prompted variables"):
            credentials.of(space(source), "observe", source)
    for source in key:
        assert credentials.of(space(source), "observe", source).current().reveal() == "hush"
        with pytest.raises(UsageError, match="not kept for prompted variables"):
            credentials.value(source)


def test_rule_51_a_credential_file_without_a_folder_names_the_setting() -> None:
    source = CredentialSource(file="x.key")
    with pytest.raises(UsageError) as refusal:
        Credentials(None, lambda _: None).of(space(source), "observe", source)

    assert "RECONCILER_SECRETS_DIR" in refusal.value.hint


def test_rule_52_a_credential_is_masked_by_its_value_wherever_it_was_found(kept: Kept) -> None:
    kept.write("s3cret-of-no-shape")
    assert kept.text == "s3cret-of-no-shape"
    kept.put("another-of-no-shape")
    assert kept.text == "another-of-no-shape"

    text = redacted("said s3cret-of-no-shape and another-of-no-shape")

    assert "of-no-shape" not in text
