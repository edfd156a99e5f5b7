"""Signed commits, where the settings require them (rule 28)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.gate import Gate, GateName

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A commit (full hash) that no allowed key signed; `why` says what is wrong, in clean words."""

    commit: str
    why: str


def distrust(unsigned: Sequence[Unsigned]) -> str | None:
    """Say which commits may not be acted on, newest first; None: there is none."""
    if not unsigned:
        return None
    shown = ", ".join(f"{one.commit[:12]} {one.why}" for one in unsigned[:SHOWN])
    more = "" if len(unsigned) <= SHOWN else ", and more"
    return f"signed commits are required, and {shown}{more}"


def unsigned_gate(why: str) -> Gate:
    """Return the gate on a whole plan whose commits are not signed as they must be.

    Accepting does not open it: who may sign is said by the settings, not by whoever accepts.
    """
    return Gate(
        "",
        GateName.UNSIGNED,
        why,
        "these commits made again with a signature of a key in the setting git.allowed_signers",
    )
