"""Reading manifests at a commit from the mirror of a real remote."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from git_world import Remote, git, mirror_of

from reconciler.errors import GitTrouble, RemoteUnreachable, UsageError
from reconciler.git.repository import GitRepository

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.git.mirror import Mirror


def test_a_fetch_brings_the_tip_and_its_files(
    remote: Remote, repository: GitRepository, mirror: Mirror
) -> None:
    tip = remote.commit({"manifests/teams/a.yaml": b"\xff\0\r\n"})

    assert repository.tip() == tip
    assert not repository.contains(tip)
    assert repository.fetch() == tip
    files = repository.files(tip)

    assert [(file.path, file.mode, file.size) for file in files] == [
        ("README.md", "100644", 6),
        ("manifests/qa.yaml", "100644", 18),
        ("manifests/teams/a.yaml", "100644", 4),
    ]
    assert repository.read([files[2].blob, files[0].blob]) == {
        files[0].blob: b"hello\n",
        files[2].blob: b"\xff\0\r\n",
    }
    assert GitRepository(mirror, None).read([files[2].blob]) == {files[2].blob: b"\xff\0\r\n"}


def test_earlier_contents_of_paths_are_listed_once_and_only_where_they_were_files(
    remote: Remote, repository: GitRepository
) -> None:
    first = remote.commit({"manifests/a b.yaml": "one", "manifests/dir/x": "x"})
    second = remote.commit({"manifests/a b.yaml": "three"})
    third = remote.commit({"manifests/other.yaml": "four"})
    repository.fetch()
    paths = ["manifests/a b.yaml", "manifests/dir", "manifests/none missing", "a\nb", "c\rd"]

    found = repository.versions([first, second, third, "0" * 40, "HEAD"], paths)

    assert [(f.path, f.mode, f.size) for f in found] == [
        ("manifests/a b.yaml", "100644", 3),
        ("manifests/a b.yaml", "100644", 5),
    ]
    assert repository.read([f.blob for f in found]) == {
        found[0].blob: b"one",
        found[1].blob: b"three",
    }
    assert repository.versions([first], []) == repository.versions([], paths) == ()


def test_only_the_folder_of_the_manifests_is_listed(mirror: Mirror, remote: Remote) -> None:
    tip = remote.commit({"manifests2/x.yaml": "", "man*/y.yaml": ""})
    listed = {}
    for root in ("manifests", "man*", "absent", "README.md"):
        repository = GitRepository(mirror, "main", root)
        repository.fetch()
        listed[root] = [file.path for file in repository.files(tip)]

    assert listed == {
        "manifests": ["manifests/qa.yaml"],
        "man*": ["man*/y.yaml"],
        "absent": [],
        "README.md": [],
    }


def test_the_mirror_is_bare_has_no_branches_and_is_for_our_eyes_only(
    repository: GitRepository, mirror: Mirror
) -> None:
    repository.fetch()

    assert stat.S_IMODE(mirror.path.stat().st_mode) == 0o700
    assert list((mirror.path / "refs/heads").iterdir()) == []
    assert not (mirror.path / "FETCH_HEAD").exists()
    assert not (mirror.path / "hooks").exists()
    assert "remote" not in (mirror.path / "config").read_text()


def test_names_that_are_no_text_are_kept_for_the_reader_to_report(
    remote: Remote, repository: GitRepository
) -> None:
    blob = git(remote.bare, "hash-object", "-w", "--stdin", stdin=b"x")
    odd = b"\xff\x1b[31m\n\t.yaml"
    tree = git(remote.bare, "mktree", "-z", stdin=b"100644 blob %b\t%b\0" % (blob.encode(), odd))
    commit = git(remote.bare, "commit-tree", "-m", "odd", tree)
    git(remote.bare, "update-ref", "refs/heads/main", commit)

    (file,) = repository.files(repository.fetch())

    assert file.path.encode("utf-8", "surrogateescape") == odd
    assert repository.read([file.blob]) == {blob: b"x"}


def test_rule_7_a_file_over_one_mebibyte_is_never_read(
    remote: Remote, repository: GitRepository, mirror: Mirror
) -> None:
    tip = remote.commit({"manifests/big.yaml": b"x" * (1024 * 1024 + 1)})
    repository.fetch()
    big = next(file for file in repository.files(tip) if file.path == "manifests/big.yaml")

    assert big.size == 1024 * 1024 + 1
    for reader in (repository, GitRepository(mirror, None)):
        with pytest.raises(GitTrouble, match="1048577 bytes"):
            reader.read([big.blob])


def test_a_missing_object_is_one_clear_error(repository: GitRepository) -> None:
    repository.fetch()

    with pytest.raises(GitTrouble, match="1" * 40 + " is not in the mirror"):
        repository.read(["1" * 40])
    with pytest.raises(GitTrouble, match="no object name"):
        repository.read(["--batch-all-objects"])
    with pytest.raises(UsageError):
        repository.files("--help")


def test_a_missing_branch_is_named_with_those_there_are(mirror: Mirror, remote: Remote) -> None:
    remote.commit({}, branch="release/1")
    repository = GitRepository(mirror, "nope")

    for ask in (repository.fetch, repository.tip):
        with pytest.raises(GitTrouble, match="has no branch 'nope'") as trouble:
            ask()
        assert "main, release/1" in trouble.value.hint


def test_an_empty_remote_says_so(tmp_path: Path) -> None:
    empty = Remote.make(tmp_path / "empty")

    for branch in (None, "main"):
        with pytest.raises(GitTrouble, match="has no commit yet"):
            GitRepository(mirror_of(empty.bare, tmp_path / "state"), branch).fetch()


def test_a_head_without_its_branch_asks_for_a_name(tmp_path: Path) -> None:
    remote = Remote.make(tmp_path / "other")
    remote.commit({"a": ""}, branch="trunk")

    with pytest.raises(GitTrouble, match="points to no branch that exists") as trouble:
        GitRepository(mirror_of(remote.bare, tmp_path / "state"), None).fetch()

    assert "RECONCILER_BRANCH" in trouble.value.hint
    assert "trunk" in trouble.value.hint


@pytest.mark.parametrize("kind", ["absent", "no-repository"])
def test_a_place_without_a_repository_is_one_clear_error(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "place"
    if kind == "no-repository":
        place.mkdir()

    with pytest.raises(GitTrouble, match=r"there is no directory|no such repository"):
        GitRepository(mirror_of(place, tmp_path / "state"), None).fetch()


def test_a_damaged_mirror_says_that_it_may_be_removed(
    repository: GitRepository, mirror: Mirror
) -> None:
    repository.fetch()
    (mirror.path / "HEAD").unlink()

    for ask in (repository.fetch, lambda: repository.contains("1" * 40)):
        with pytest.raises(GitTrouble, match="mirror") as trouble:
            ask()
        assert "may be removed" in trouble.value.hint


def test_a_repository_of_another_user_is_named_as_such(
    remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reconciler.git import run
    from reconciler.git.source import locate

    monkeypatch.setitem(run._ENVIRONMENT, "GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")

    with pytest.raises(UsageError, match="belongs to another user"):
        locate(str(remote.clone), None, tmp_path, allow_local=False)


def test_an_unwritable_state_directory_is_one_line_and_a_hint(
    tmp_path: Path, remote: Remote
) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(GitTrouble, match="cannot be written") as trouble:
        GitRepository(mirror_of(remote.bare, tmp_path / "file" / "state"), None).fetch()

    assert "state_dir" in trouble.value.hint


def test_a_failed_fetch_leaves_the_mirror_as_it_was(
    remote: Remote, repository: GitRepository, mirror: Mirror
) -> None:
    before = repository.fetch()
    tip = remote.commit({"manifests/new.yaml": "new\n"})
    blob = git(remote.bare, "rev-parse", f"{tip}:manifests/new.yaml")
    lost = remote.bare / "objects" / blob[:2] / blob[2:]
    lost.unlink()

    with pytest.raises(GitTrouble):
        repository.fetch()

    assert mirror.value("refs/reconciler/watched/HEAD") == before


def test_a_lock_left_by_a_killed_git_does_not_stop_us(
    remote: Remote, repository: GitRepository, mirror: Mirror
) -> None:
    import os

    repository.fetch()
    lock = mirror.path / "refs/reconciler/watched/HEAD.lock"
    lock.touch()
    os.utime(lock, (1, 1))
    tip = remote.commit({"manifests/new.yaml": "new\n"})

    assert repository.fetch() == tip
    assert not lock.exists()


@pytest.mark.parametrize(
    "words", ["HEAD~1", "{short}", "{full}", "feature", "v1", "feature~0", "@"]
)
def test_words_of_people_name_commits_at_a_path_and_at_a_remote(
    tmp_path: Path, remote: Remote, words: str
) -> None:
    first = git(remote.clone, "rev-parse", "HEAD")
    remote.commit({"b": ""})
    git(remote.clone, "tag", "-m", "v", "v1", first)
    git(remote.clone, "push", "-q", "origin", "v1", f"{first}:refs/heads/feature")
    git(remote.clone, "branch", "feature", first)
    expected = git(remote.clone, "rev-parse", "HEAD") if words == "@" else first

    repository = GitRepository(mirror_of(remote.clone, tmp_path / "local"), None)

    assert repository.resolve(words.format(short=first[:8], full=first)) == expected
    assert repository.contains(expected)


@pytest.mark.parametrize(
    "words", ["", "--help", "-n1", "nope", "HEAD~99", "main:README.md", "a\nb", "f" * 40, "x" * 999]
)
def test_words_that_name_no_commit_are_refused(repository: GitRepository, words: str) -> None:
    repository.fetch()

    with pytest.raises(UsageError, match="names no commit"):
        repository.resolve(words)


def test_rule_27_a_rewritten_branch_is_seen_as_no_descendant(
    remote: Remote, repository: GitRepository
) -> None:
    accepted = repository.fetch()
    child = remote.commit({"c": ""})
    repository.fetch()
    assert repository.is_ancestor(accepted, child)
    assert repository.is_ancestor(child, child)
    assert not repository.is_ancestor(child, accepted)

    git(remote.clone, "commit", "-q", "--amend", "-m", "other")
    git(remote.clone, "push", "-q", "--force", "origin", "HEAD:main")
    rewritten = repository.fetch()

    assert rewritten == git(remote.clone, "rev-parse", "HEAD")
    assert not repository.is_ancestor(child, rewritten)
    assert not repository.is_ancestor("f" * 40, rewritten)
    assert not repository.is_ancestor("main", "main")


def test_a_repository_with_sha256_names_is_read(tmp_path: Path) -> None:
    remote = Remote.make(tmp_path / "wide", options=("--object-format=sha256",))
    tip = remote.commit({"a.yaml": "x"})
    repository = GitRepository(mirror_of(remote.bare, tmp_path / "state"), "main")

    assert repository.fetch() == tip
    (file,) = repository.files(tip)
    assert repository.read([file.blob]) == {file.blob: b"x"}


def test_a_shallow_clone_is_refused_with_the_way_out(tmp_path: Path, remote: Remote) -> None:
    remote.commit({"b": ""})
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{remote.bare}", "shallow")

    with pytest.raises(GitTrouble, match="shallow clone") as trouble:
        GitRepository(mirror_of(tmp_path / "shallow", tmp_path / "state"), None).fetch()

    assert "--unshallow" in trouble.value.hint


def test_a_remote_that_hangs_is_unreachable(remote: Remote, tmp_path: Path) -> None:
    from datetime import timedelta

    from reconciler.git.mirror import GitOptions

    options = GitOptions(timeout=timedelta(seconds=0), fetch_timeout=timedelta(seconds=0))

    with pytest.raises(RemoteUnreachable, match="did not end within 0 s"):
        GitRepository(mirror_of(remote.bare, tmp_path / "state", options), "main").tip()


def test_a_packed_ref_is_found_as_a_loose_one_is(mirror: Mirror, repository: GitRepository) -> None:
    tip = repository.fetch()
    git(mirror.path, "pack-refs", "--all", "--prune")

    assert repository.known() == tip
    assert not list((mirror.path / "refs").rglob("main"))
