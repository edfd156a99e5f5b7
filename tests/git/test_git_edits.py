"""Edits of manifests as commits: which refs are written, what a commit changes, who made it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from git_world import git

from reconciler.core.edit import Person
from reconciler.errors import GitTrouble, PushRejected
from reconciler.git.edits import GitEdits
from reconciler.ports import ManifestCommit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_world import Remote, TurnedClock

    from reconciler.git.mirror import Mirror
    from reconciler.git.repository import GitRepository

ANN = Person("Ann Author", "ann@example.org")
QA = "manifests/qa.yaml"


@pytest.fixture
def edits(mirror: Mirror, clock: TurnedClock) -> GitEdits:
    return GitEdits(mirror, None, clock)


def change(
    parent: str,
    files: Mapping[str, bytes] | None = None,
    subject: str = "qa: hold api",
    trailers: tuple[tuple[str, str], ...] = (("Reconciler-Edit", "hold"),),
) -> ManifestCommit:
    return ManifestCommit(
        parent=parent,
        files={QA: b"kind: Pins\r\n"} if files is None else files,
        author=ANN,
        subject=subject,
        body="CHG-7\nAsked for by Ann.",
        trailers=trailers,
    )


def test_rule_24_an_edit_goes_to_one_new_branch_and_no_other_ref_moves(
    remote: Remote, repository: GitRepository, edits: GitEdits
) -> None:
    tip = repository.fetch()
    before = remote.refs()

    name = edits.propose(edits.commit(change(tip)), "hold")

    after = remote.refs()
    assert name.startswith("reconciler/hold/20261120-120000-")
    assert set(after) - set(before) == {f"refs/heads/{name}"}
    assert {ref: after[ref] for ref in before} == before
    assert git(remote.bare, "rev-parse", f"{name}^") == tip


def test_rule_24_a_commit_changes_only_its_files_and_keeps_their_modes(
    remote: Remote, repository: GitRepository, edits: GitEdits
) -> None:
    odd = 'manifests/a "b"\té.yaml'
    (remote.clone / QA).chmod(0o755)
    remote.commit({odd: "kind: Pins\n", "link": "x"})
    tip = repository.fetch()

    commit = edits.commit(change(tip, {QA: b"kind: Pins\r\n", odd: b"kind: Stack\n"}))

    name = edits.propose(commit, "adopt")
    listed = git(remote.bare, "diff-tree", "-r", "-z", "--raw", tip, name).split("\0")
    assert listed[1::2] == [odd, QA]
    assert [line.split()[:2] for line in listed[::2] if line] == [
        [":100644", "100644"],
        [":100755", "100755"],
    ]
    assert git(remote.bare, "cat-file", "blob", f"{name}:{QA}") == "kind: Pins"
    assert git(remote.bare, "cat-file", "-s", f"{name}:{QA}") == "12"


def test_rule_32_the_person_who_asked_is_author_and_committer(
    remote: Remote, repository: GitRepository, edits: GitEdits
) -> None:
    name = edits.propose(edits.commit(change(repository.fetch())), "hold")

    shown = git(remote.bare, "log", "-1", "--format=%an <%ae>|%cn <%ce>|%s|%(trailers)", name)
    ann = "Ann Author <ann@example.org>"
    assert shown == f"{ann}|{ann}|qa: hold api|Reconciler-Edit: hold"
    assert "CHG-7\nAsked for by Ann." in git(remote.bare, "log", "-1", "--format=%b", name)


def test_rule_24_the_watched_branch_is_only_ever_moved_forward(
    remote: Remote, repository: GitRepository, edits: GitEdits
) -> None:
    tip = repository.fetch()
    commit = edits.commit(change(tip))

    assert edits.advance(commit, tip) == "main"

    assert remote.refs() == {"refs/heads/main": commit}


def test_rule_24_a_watched_branch_that_moved_is_not_written(
    remote: Remote, repository: GitRepository, edits: GitEdits
) -> None:
    tip = repository.fetch()
    commit = edits.commit(change(tip))
    other = remote.commit({"other.yaml": "x\n"})

    with pytest.raises(PushRejected, match="nothing was pushed"):
        edits.advance(commit, tip)

    assert remote.refs() == {"refs/heads/main": other}


def test_rule_24_commits_somebody_took_away_are_not_brought_back(
    remote: Remote, repository: GitRepository, edits: GitEdits
) -> None:
    first = git(remote.bare, "rev-parse", "main")
    remote.commit({"secret.yaml": "x\n"})
    tip = repository.fetch()
    commit = edits.commit(change(tip))
    git(remote.bare, "update-ref", "refs/heads/main", first)

    with pytest.raises(PushRejected):
        edits.advance(commit, tip)

    assert remote.refs() == {"refs/heads/main": first}


def test_rule_24_only_a_child_of_the_tip_may_become_the_tip(
    remote: Remote, repository: GitRepository, edits: GitEdits
) -> None:
    first = repository.fetch()
    remote.commit({"other.yaml": "x\n"})
    tip = repository.fetch()
    commit = edits.commit(change(first))

    with pytest.raises(GitTrouble, match="does not follow"):
        edits.advance(commit, tip)

    assert remote.refs() == {"refs/heads/main": tip}


def test_a_protected_branch_is_told_with_the_way_out(
    remote: Remote, repository: GitRepository, edits: GitEdits
) -> None:
    remote.hook("pre-receive", "echo protected; exit 1")
    tip = repository.fetch()

    with pytest.raises(GitTrouble, match="nothing was written") as refused:
        edits.advance(edits.commit(change(tip)), tip)

    assert "RECONCILER_EDITS=branch" in refused.value.hint


def test_a_branch_that_bars_our_folder_is_told(
    remote: Remote, repository: GitRepository, edits: GitEdits
) -> None:
    remote.commit({}, "reconciler")

    with pytest.raises(GitTrouble, match="takes no new branch"):
        edits.propose(edits.commit(change(repository.fetch())), "hold")


@pytest.mark.parametrize("mode", ["120000", "160000"])
def test_rule_22_a_link_or_submodule_is_not_edited(
    remote: Remote, repository: GitRepository, edits: GitEdits, mode: str
) -> None:
    value = git(remote.clone, "rev-parse", f"HEAD:{QA}" if mode == "120000" else "HEAD")
    git(remote.clone, "update-index", "--add", "--cacheinfo", f"{mode},{value},odd.yaml")
    git(remote.clone, "commit", "-q", "-m", "odd")
    git(remote.clone, "push", "-q", "origin", "HEAD:main")

    with pytest.raises(GitTrouble, match="no plain file"):
        edits.commit(change(repository.fetch(), {"odd.yaml": b"x"}))


@pytest.mark.parametrize(
    "hostile",
    [{"subject": "two\nlines"}, {"subject": "\x1b[31mred"}, {"trailers": (("a: b\nc", "d"),)}],
)
def test_rule_52_control_characters_never_reach_a_commit(
    repository: GitRepository, edits: GitEdits, hostile: dict[str, str]
) -> None:
    with pytest.raises(GitTrouble, match="nothing was pushed"):
        edits.commit(change(repository.fetch(), **hostile))  # type: ignore[arg-type]


def test_a_set_branch_is_the_watched_one(mirror: Mirror, clock: TurnedClock) -> None:
    assert GitEdits(mirror, "release/2026", clock).watched() == "release/2026"


def test_a_head_that_names_no_branch_is_told(
    remote: Remote, repository: GitRepository, edits: GitEdits
) -> None:
    tip = repository.fetch()
    (remote.bare / "HEAD").write_text(tip + "\n")

    with pytest.raises(GitTrouble, match="names no branch") as refused:
        edits.watched()

    assert "RECONCILER_BRANCH" in refused.value.hint


def test_rule_24_a_new_file_is_added_where_there_is_none_and_nowhere_else(
    remote: Remote, repository: GitRepository, edits: GitEdits
) -> None:
    tip = repository.fetch()
    new = "manifests/platform-versions/1.yaml"

    commit = edits.commit(replace(change(tip, {new: b"x\n"}), new=frozenset({new})))

    name = edits.propose(commit, "snapshot")
    assert git(remote.bare, "diff", "--name-status", tip, name) == f"A\t{new}"
    for path, why in ((QA, "is there already"), (f"{QA}/x.yaml", "other files than those")):
        with pytest.raises(GitTrouble, match=why):
            edits.commit(replace(change(tip, {path: b"x\n"}), new=frozenset({path})))
    with pytest.raises(GitTrouble, match="is no plain file"):
        edits.commit(change(tip, {new: b"x\n"}))
