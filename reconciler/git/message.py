"""The message of an audit commit: a subject line, a body, the trailers as last paragraph."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from reconciler.core.text import clean
from reconciler.errors import GitTrouble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.ports import Entry

SKIP_CI: Final = "[skip ci]"
_TRAILER_KEY = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


def check_text(entry: Entry) -> None:
    """Return if an entry's text may stand in a message. Raises: GitTrouble (rule 52)."""
    change = entry.change
    trailers = trailers_of(entry)
    lines = [change.subject, *change.body.split("\n"), *(value for _, value in trailers)]
    if (
        not all(line.isprintable() for line in lines)
        or not all(_TRAILER_KEY.fullmatch(key) for key, _ in trailers)
        or not change.subject.strip()
    ):
        raise GitTrouble(
            f"the audit commit '{clean(change.subject, 80)}' has text that may not be in its"
            " message; nothing was written",
            hint="this is a fault of Reconciler: please report it with this line",
        )


def trailers_of(entry: Entry) -> tuple[tuple[str, str], ...]:
    """Return an entry's trailers, the lease under which it is written last."""
    fence = ("Reconciler-Lease", f"{entry.lease.environment}/{entry.lease.fence}")
    given = entry.change.trailers
    return given if fence[0] in dict(given) else (*given, fence)


def message_of(entries: Sequence[Entry]) -> bytes:
    """Return the message of a commit of one entry or several, all checked.

    Of several the subject counts the environments, the body has a line for each, and their
    trailers follow each other, one set for each environment in the order of the body.
    """
    changes = [entry.change for entry in entries]
    if len(entries) == 1:
        subject, body = changes[0].subject, changes[0].body.strip()
    else:
        subject = f"{len({entry.lease.environment for entry in entries})} environments"
        body = "\n".join(change.subject for change in changes)
    if SKIP_CI not in subject:
        subject = f"{subject} {SKIP_CI}"
    trailers = "".join(f"{key}: {value}\n" for e in entries for key, value in trailers_of(e))
    return "\n\n".join(part for part in (subject, body, trailers) if part).encode()
