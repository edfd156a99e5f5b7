"""Signed commits, where the settings require them (rule 28)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.cellkey import WHOLE
from reconciler.core.gate import Gate, GateName

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 5
SIGN_AGAIN = (
    "make them again with a signature of a key in the setting git.allowed_signers: "
    "`git rebase --exec 'git commit --amend --no-edit -S' COMMIT`, the last accepted one"
)


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A commit (full hash) that no allowed key signed; `why` says what is wrong, in clean words."""

    commit: str
    why: str


def unsigned_gate(unsigned: Sequence[Unsigned]) -> Gate | None:
    """Return the gate on a whole plan that rests on these commits, newest first; None: on none.

    Accepting does not open it: who may sign is said by the settings, not by whoever accepts.
    """
    if not unsigned:
        return None
    shown = ", ".join(f"{one.commit[:12]} {one.why}" for one in unsigned[:SHOWN])
    more = "" if len(unsigned) <= SHOWN else ", and more"
    why = f"signed commits are required, and {shown}{more}"
    return Gate(WHOLE, GateName.UNSIGNED, why, SIGN_AGAIN)


def untold_gate(why: str, hint: str) -> Gate:
    """Return the same gate where nobody can tell who signed: that holds too (rule 11)."""
    message = f"whether commits are signed as required cannot be told: {why}"
    return Gate(WHOLE, GateName.UNSIGNED, message, hint)
