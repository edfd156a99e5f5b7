"""Edits of manifests that people ask for, as values: each names everything it changes (rule 24)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from reconciler.core.text import clean

if TYPE_CHECKING:
    from reconciler.core.manifest import Until

_PERSON = re.compile(r"([^<>\s][^<>]{0,99}?) <([^<>@\s]{1,100}@[^<>@\s]{1,100})>")


@dataclass(frozen=True, slots=True)
class Repin:
    """Another version for one pin; its hold, where none is given, and its counter stay."""

    component: str
    version: str
    hold: Until | None = None


@dataclass(frozen=True, slots=True)
class NewPin:
    """A pin for a component that the file does not pin yet, with a hold where one is given."""

    component: str
    version: str
    hold: Until | None = None


@dataclass(frozen=True, slots=True)
class Unpin:
    """No pin any more in this file: the platform version pins the component."""

    component: str


@dataclass(frozen=True, slots=True)
class Rebase:
    """Another platform version, or the first one, as the base set of one environment."""

    platform: str


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold on one pin; None lifts it."""

    component: str
    hold: Until | None


@dataclass(frozen=True, slots=True)
class Suspend:
    """A suspension of one environment; None resumes it."""

    suspend: Until | None


Edit: TypeAlias = Repin | NewPin | Unpin | Rebase | Hold | Suspend


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks for an edit: the author of its commit."""

    name: str
    email: str

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"

    @classmethod
    def parse(cls, text: str) -> Person:
        """Read `Name <email>`. Raises: ValueError."""
        found = _PERSON.fullmatch(text.strip())
        if found is None or clean(text.strip(), 210) != text.strip():
            raise ValueError(f"'{clean(text, 80)}' does not name a person as 'Name <email>'")
        return cls(found[1], found[2])
