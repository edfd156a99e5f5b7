"""Names that go into git: hashes, branches, environments, paths. Checked before git sees them."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from reconciler.core.text import clean
from reconciler.errors import GitTrouble, UsageError

WATCHED: Final = "refs/reconciler/watched"
AUDIT: Final = "refs/reconciler/audit"
ASKED: Final = "refs/reconciler/asked"
LEASES: Final = "refs/reconciler/lease"
TRANSACTIONS: Final = "refs/tx"

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ENVIRONMENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")
_PATH_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,199}")
_LONGEST_BRANCH = 200


def is_hash(text: str) -> bool:
    """Tell whether the text is a full object name, SHA-1 or SHA-256, in lower case."""
    return _HASH.fullmatch(text) is not None


def is_branch(name: str) -> bool:
    """Tell whether git would take this as a branch's name (git check-ref-format, `--branch`)."""
    parts = name.split("/")
    return (
        0 < len(name) <= _LONGEST_BRANCH
        and not name.startswith("-")
        and name not in {"@", "HEAD"}
        and not name.endswith(".")
        and name.isprintable()
        and _FORBIDDEN.search(name) is None
        and all(part and not part.startswith(".") and not part.endswith(".lock") for part in parts)
    )


def checked_branch(name: str) -> str:
    """Return the name where it is a branch's name. Raises: UsageError."""
    if is_branch(name):
        return name
    raise UsageError(
        f"'{clean(name, 80)}' cannot be the name of a branch; nothing was read or changed",
        hint="give the plain name, such as main or release/2026",
    )


def own_ref(folder: str, branch: str) -> str:
    """Return our own ref for a branch: one level deep, so `a` and `a/b` can follow each other."""
    return f"{folder}/{quote(branch, safe='')}"


def lease_ref(environment: str) -> str:
    """Return the ref of an environment's lease.

    Raises:
        UsageError: the name is not a slug, or git would not take it as part of a ref.
    """
    name = f"{LEASES}/{environment}"
    if _ENVIRONMENT.fullmatch(environment) and is_branch(name):
        return name
    raise UsageError(
        f"'{clean(environment, 80)}' cannot be the name of an environment that is written to",
        hint="use small letters, digits, '.', '_' and '-', no '..' and no '.lock' at the end",
    )


def checked_path(path: str) -> str:
    """Return the path of an audit file where it is a plain one.

    Raises:
        GitTrouble: it could leave the audit tree, or confuse git or a file system (rule 23).
    """
    parts = path.split("/")
    if all(_PATH_PART.fullmatch(part) and not part.endswith(".") for part in parts):
        return path
    raise GitTrouble(
        f"'{clean(path, 120)}' cannot be the path of an audit file; nothing was written",
        hint="this is a fault of Reconciler: please report it with this line",
    )


def checked_root(root: str) -> str:
    """Return a manifest root without outer slashes; empty: the whole tree. Raises: UsageError."""
    parts = [part for part in root.split("/") if part not in {"", "."}]
    if root.startswith("/") or ".." in parts or not "".join(parts).isprintable():
        raise UsageError(
            f"'{clean(root, 80)}' cannot be the folder of the manifests",
            hint="give a folder inside the repository, such as deploy/manifests",
        )
    return "/".join(parts)
