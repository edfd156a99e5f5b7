"""What Octopus says of a deployment before it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.core.variables import FormElement


@dataclass(frozen=True, slots=True)
class Preview:
    """A deployment as it would be: what it asks for, and where it would go.

    `stranded` are the names of the steps that need machines and find none, where no step finds
    any: what is deployed then is nothing. `machines` are those it would go to: ids and names.
    """

    form: tuple[FormElement, ...]
    stranded: tuple[str, ...] = ()
    machines: tuple[tuple[str, str], ...] = ()
