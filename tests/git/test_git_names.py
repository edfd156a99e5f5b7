"""Names that git gets to see."""

from __future__ import annotations

import subprocess

import pytest

from reconciler.errors import GitTrouble, UsageError
from reconciler.git.names import checked_path, checked_root, is_branch, lease_ref, own_ref


@pytest.mark.parametrize(
    "name",
    [
        "main",
        "release/2026",
        "a.b",
        "ä",
        "a@b",
        "-x",
        "--upload-pack=x",
        "a..b",
        "a b",
        "a~1",
        "a^",
        "a:b",
        "a?",
        "a*",
        "a[",
        "a\\b",
        "a/",
        "/a",
        "a//b",
        ".a",
        "a/.b",
        "a.lock",
        "a.",
        "a.lock/b",
        "a@{b",
        "",
        "a\x7f",
        "a\n",
    ],
)
def test_a_branch_is_what_git_takes_for_one(name: str) -> None:
    asked = ["git", "check-ref-format", "--branch", name]

    assert is_branch(name) == (subprocess.run(asked, capture_output=True).returncode == 0)


@pytest.mark.parametrize("name", ["", "-x", "QA", "a..b", "a.lock", "a.", "a/b", "a b", "ä", ".a"])
def test_rule_23_an_environment_that_is_no_ref_name_gets_no_lease(name: str) -> None:
    with pytest.raises(UsageError):
        lease_ref(name)


def test_branches_that_are_folders_of_each_other_have_refs_of_their_own() -> None:
    refs = {own_ref("refs/x", name) for name in ("a", "a/b", "a%2Fb")}

    assert refs == {"refs/x/a", "refs/x/a%2Fb", "refs/x/a%252Fb"}


@pytest.mark.parametrize(
    "path", ["", "/a", "a/", "../a", "a/../b", ".git/config", "a b", 'a"b', "a\nb", "-a", "a/b."]
)
def test_rule_23_a_path_outside_the_audit_tree_is_refused(path: str) -> None:
    with pytest.raises(GitTrouble):
        checked_path(path)


def test_a_root_is_a_folder_inside_the_repository() -> None:
    assert [checked_root(root) for root in ("", ".", "./a/b/", "a//b")] == ["", "", "a/b", "a/b"]
    for outside in ("/a", "../a", "a/../..", "a\nb"):
        with pytest.raises(UsageError):
            checked_root(outside)
