"""What people did through us as themselves, for the record: written before the effect (rule 33)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

DONE = "done"
ASKED = "asked"  # and nobody noted what became of it: the process ended before


class ActVerb(StrEnum):
    """A closed list."""

    TAKE = "take"
    SUBMIT = "submit"
    CANCEL = "cancel"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing a person asked of Octopus with their own key.

    `login` is who ran the command here, `user` and `name` whom the key belongs to in Octopus.
    `server` is an installation id, `space` an id there. `subject` is Octopus' id of what it was
    done to, `detail` a clean line; `outcome` is `DONE`, `ASKED`, or why it was refused.
    """

    at: datetime
    verb: ActVerb
    login: str
    user: str
    name: str
    server: str
    space: str
    environment: str
    subject: str
    detail: str
    outcome: str = ASKED
