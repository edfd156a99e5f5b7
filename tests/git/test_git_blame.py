"""Who wrote a line, and who changed which files: told by the mirror's objects alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from git_world import Remote, git

from reconciler.git.repository import GitRepository

if TYPE_CHECKING:
    from reconciler.git.mirror import Mirror


def test_a_line_is_told_by_the_commit_that_wrote_it_through_a_rename(
    remote: Remote, repository: GitRepository
) -> None:
    remote.commit({"manifests/a.yaml": "one\ntwo\nthree\n"})
    second = remote.commit({"manifests/a.yaml": "one\nTWO\nthree\n"})
    git(remote.clone, "mv", "manifests/a.yaml", "manifests/b.yaml")
    tip = remote.commit({"README.md": "more"})
    repository.fetch()

    found = repository.blame(tip, "manifests/b.yaml", 2)

    assert found is not None
    assert (found.commit, found.author, found.email) == (second, "Ann Author", "ann@example.org")
    assert (found.subject, found.at) == ("change", written(remote, second))


def written(remote: Remote, commit: str) -> datetime:
    return datetime.fromtimestamp(int(git(remote.clone, "show", "-s", "--format=%at", commit)), UTC)


def test_what_is_not_there_has_no_author(remote: Remote, repository: GitRepository) -> None:
    tip = remote.commit({"manifests/a.yaml": "one\n"})
    repository.fetch()

    for line in (0, 2, 10**9):
        assert repository.blame(tip, "manifests/a.yaml", line) is None
    assert repository.blame(tip, "manifests/none.yaml", 1) is None
    assert repository.blame(tip, "--output=/tmp/x", 1) is None
    assert repository.blame("HEAD", "manifests/a.yaml", 1) is None
    assert repository.blame("0" * 40, "manifests/a.yaml", 1) is None
    assert repository.walk("HEAD", 10) == ()


def test_rule_22_no_word_of_the_repository_decides_who_wrote_a_line(
    remote: Remote, repository: GitRepository
) -> None:
    remote.commit(
        {
            ".mailmap": "Mallory <m@evil.example> <ann@example.org>\n",
            ".gitattributes": "*.yaml diff=evil\n",
            "manifests/a.yaml": "one\n",
        }
    )
    tip = remote.commit({"x": "y"})
    repository.fetch()

    found = repository.blame(tip, "manifests/a.yaml", 1)

    assert found is not None
    assert found.author == "Ann Author"
    assert {step.written.author for step in repository.walk(tip, 10)} == {"Ann Author"}


def test_a_history_tells_every_commit_and_what_it_changed_against_its_first_parent(
    remote: Remote, mirror: Mirror
) -> None:
    first = git(remote.clone, "rev-parse", "HEAD")
    second = remote.commit({"manifests/a b.yaml": "one", "other/x.yaml": "x"})
    git(remote.clone, "checkout", "-q", "-b", "side", first)
    third = remote.commit({"manifests/\u20ac.yaml": "two"}, "side")
    git(remote.clone, "checkout", "-q", "main")
    git(remote.clone, "merge", "-q", "--no-ff", "-m", "Merge \x1b[31m side\n\nmore", "side")
    fourth = git(remote.clone, "rev-parse", "HEAD")
    git(remote.clone, "rm", "-q", "manifests/a b.yaml")
    tip = remote.commit({"manifests/a": "no suffix"})
    repository = GitRepository(mirror, None, "manifests")
    repository.fetch()

    steps = {step.written.commit: step for step in repository.walk(tip, 100)}

    changed = {c: [f.path for f in s.files] for c, s in steps.items()}
    assert changed[tip] == ["manifests/a", "manifests/a b.yaml"]
    assert changed[fourth] == ["manifests/\u20ac.yaml"]
    assert changed[third] == ["manifests/\u20ac.yaml"]
    assert changed[second] == ["manifests/a b.yaml"]
    assert changed[first] == ["manifests/qa.yaml"]
    assert steps[fourth].is_merge
    assert steps[fourth].parents == (second, third)
    assert steps[fourth].written.subject == "Merge \x1b[31m side"
    gone = steps[tip].files[1]
    assert (gone.after, steps[second].files[0].after) == (None, gone.before)
    assert [step.written.commit for step in repository.walk(tip, 2)] == [tip, fourth]


def test_what_stood_at_paths_is_told_for_each_commit(
    remote: Remote, repository: GitRepository
) -> None:
    first = remote.commit({"manifests/a b.yaml": "one", "manifests/dir/x": "x"})
    second = remote.commit({"manifests/a b.yaml": "three"})
    repository.fetch()
    paths = ["manifests/a b.yaml", "manifests/dir", "manifests/none", "a\nb"]

    found = repository.standing([first, second, "HEAD"], paths)

    assert {c: [(f.path, f.size) for f in files] for c, files in found.items()} == {
        first: [("manifests/a b.yaml", 3)],
        second: [("manifests/a b.yaml", 5)],
    }
    assert repository.standing([first], []) == {first: ()}


def test_rule_47_what_is_too_large_for_a_manifest_is_left_out_unread(
    remote: Remote, repository: GitRepository
) -> None:
    remote.commit({"a.yaml": "one", "b.yaml": "two", "large.yaml": b"x" * (2**20 + 1)})
    repository.fetch()
    blobs = {path: git(remote.clone, "rev-parse", f"HEAD:{path}") for path in ("a.yaml", "b.yaml")}
    others = [git(remote.clone, "rev-parse", what) for what in ("HEAD", "HEAD:large.yaml")]

    found = dict(repository.peek([*blobs.values(), *others, "0" * 40, "HEAD"]))

    assert found == {blobs["a.yaml"]: b"one", blobs["b.yaml"]: b"two"}
    assert dict(repository.peek([])) == {}
