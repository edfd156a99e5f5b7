"""Which repository a command means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from git_world import Remote, git, mirror_of

from reconciler.errors import UsageError
from reconciler.git.mirror import GitOptions, Mirror
from reconciler.git.repository import GitRepository
from reconciler.git.source import locate

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://git.example/acme/manifests.git"


def test_the_argument_goes_before_the_setting_and_the_setting_before_the_directory(
    remote: Remote, tmp_path: Path
) -> None:
    setting = "ssh://git@git.example/m.git"
    by_argument = locate(URL, setting, remote.clone, allow_local=False)
    by_setting = locate(None, setting, remote.clone, allow_local=False)
    by_place = locate(None, None, remote.clone / "manifests", allow_local=True)

    assert by_argument.read.url == by_argument.shared().url == URL
    assert by_setting.shared().url == setting
    assert by_place.read.path == remote.clone
    assert by_place.shared().path == remote.bare


@pytest.mark.parametrize("words", ["{clone}", "./clone", "clone/manifests", "file://{clone}"])
def test_rule_23_the_argument_may_name_a_clone_and_its_origin_is_written_to(
    remote: Remote, words: str
) -> None:
    named = words.format(clone=remote.clone)

    source = locate(named, None, remote.clone.parent, allow_local=False)

    assert (source.read.path, source.clone) == (remote.clone, remote.clone)
    assert source.shared().path == remote.bare
    assert source.branch_to_read("main") is None


def test_a_bare_repository_is_read_and_written_itself(remote: Remote) -> None:
    by_argument = locate(str(remote.bare), None, remote.clone, allow_local=False)
    by_place = locate(None, None, remote.bare, allow_local=False)

    for source in (by_argument, by_place):
        assert source.read.path == source.shared().path == remote.bare
        assert source.branch_to_read("main") == "main"


def test_a_clone_without_origin_can_be_read_and_not_written(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "alone")

    source = locate(str(tmp_path / "alone"), None, tmp_path, allow_local=False)

    assert source.read.path == tmp_path / "alone"
    with pytest.raises(UsageError, match="no remote 'origin'"):
        source.shared()


@pytest.mark.parametrize(
    "origin", ["ext::touch /tmp/x", "https://ann:s3cret@git.example/m", "git://git.example/m"]
)
def test_rule_23_an_origin_that_is_not_allowed_stops_writing_only(
    remote: Remote, origin: str
) -> None:
    git(remote.clone, "config", "remote.origin.url", origin)

    source = locate(None, None, remote.clone, allow_local=True)

    assert source.read.path == remote.clone
    with pytest.raises(UsageError) as refused:
        source.shared()
    assert "s3cret" not in refused.value.message


def test_rule_23_an_origin_on_this_machine_needs_the_setting_unless_the_path_was_named(
    remote: Remote,
) -> None:
    found = locate(None, None, remote.clone, allow_local=False)

    with pytest.raises(UsageError, match="not allowed here"):
        found.shared()


@pytest.mark.parametrize("setting", ["/srv/m.git", "http://127.0.0.1/m", "ext::sh"])
def test_rule_23_a_setting_names_this_machine_only_where_that_is_allowed(
    setting: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError):
        locate(None, setting, tmp_path, allow_local=False)


def test_a_loopback_address_as_argument_still_needs_the_setting(tmp_path: Path) -> None:
    address = "http://127.0.0.1:1/m.git"

    with pytest.raises(UsageError, match="in clear"):
        locate(address, None, tmp_path, allow_local=False)
    assert locate(address, None, tmp_path, allow_local=True).shared().url == address


@pytest.mark.parametrize("named", [None, "absent", "empty"])
def test_a_place_without_a_repository_says_how_to_name_one(
    tmp_path: Path, named: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(UsageError, match="is in no git repository") as refused:
        locate(named, None, tmp_path, allow_local=False)

    assert "--repo" in refused.value.hint


def test_what_is_checked_out_in_a_clone_or_beside_it_is_what_is_read(
    remote: Remote, tmp_path: Path
) -> None:
    first = git(remote.clone, "rev-parse", "HEAD")
    second = remote.commit({"b": ""})
    git(remote.clone, "worktree", "add", "-q", str(tmp_path / "beside"), first)

    read = {}
    for place in (remote.clone, tmp_path / "beside"):
        source = locate(str(place), None, tmp_path, allow_local=False)
        mirror = Mirror(tmp_path / "state", source.read, GitOptions())
        read[place.name] = GitRepository(mirror, source.branch_to_read("main")).fetch()

    assert read == {"clone": second, "beside": first}


def test_commits_that_are_not_pushed_can_be_read(remote: Remote, tmp_path: Path) -> None:
    git(remote.clone, "commit", "-q", "--allow-empty", "-m", "mine")
    mine = git(remote.clone, "rev-parse", "HEAD")

    repository = GitRepository(mirror_of(remote.clone, tmp_path / "state"), None)

    assert repository.fetch() == mine
    assert repository.resolve("HEAD~1") == remote.refs()["refs/heads/main"]
