"""Tenants: who a component of an environment is deployed for, one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as Octopus knows it. `name` is what its cells' keys and manifests say.

    `tags` are canonical (`Set/Tag`); `connected` are the ids of the environments it is connected
    to, by project id.
    """

    id: str
    name: str
    tags: frozenset[str]
    connected: Mapping[str, frozenset[str]]
    is_disabled: bool = False
