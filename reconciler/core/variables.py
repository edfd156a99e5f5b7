"""Values for the prompted variables of deployments: templates of a stack, and what fills a form.

Octopus asks for a prompted variable when a deployment is made. A stack says which it expects, an
environment gives the values; a secret one is never written down, only where it is found (rule 30).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.core.manifest import CredentialSource
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.core.manifest import Place

Value: TypeAlias = "str | CredentialSource"

_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_BOOLEANS: Final = {"true": "True", "false": "False"}  # as Octopus writes a checkbox
_SECRET_WORDS: Final = re.compile(
    r"pass(?:word|wd|phrase)|secret|token|credential|api[ ._-]?key|private[ ._-]?key"
    r"|connection[ ._-]?string",
    re.IGNORECASE,
)


class ValueType(StrEnum):
    """What a value of a template may be."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    SECRET = "secret"  # noqa: S105 (the name of a type)


@dataclass(frozen=True, slots=True)
class Template:
    """A prompted variable that a stack expects, by its name in Octopus.

    `components` are those it is given to; empty: all of the stack. A secret has no default.
    """

    name: str
    type: ValueType = ValueType.TEXT
    label: str = ""
    help: str = ""
    default: str | None = None
    required: bool = False
    choices: tuple[str, ...] = ()
    components: tuple[str, ...] = ()

    def covers(self, component: str) -> bool:
        """Tell whether the variable is given to a component."""
        return not self.components or component in self.components

    def read(self, value: Value) -> Value:
        """Return a value as Octopus takes it; a secret stays where it is found.

        Raises:
            ValueError: it is none of this type; the message does not repeat it.
        """
        if not isinstance(value, str):
            if self.type is not ValueType.SECRET:
                raise ValueError("is not of type secret: write its value")
            return value
        text = value
        match self.type:
            case ValueType.SECRET:
                raise ValueError("is a secret: say where it is found, {env: RECONCILER_VALUE_...}")
            case ValueType.NUMBER if not _NUMBER.fullmatch(text):
                raise ValueError("must be a number, such as '30' or '0.5'")
            case ValueType.BOOLEAN:
                if text.lower() not in _BOOLEANS:
                    raise ValueError("must be 'true' or 'false'")
                return _BOOLEANS[text.lower()]
            case ValueType.CHOICE if text not in self.choices:
                raise ValueError(f"must be one of {', '.join(clean(c) for c in self.choices)}")
        return text


def looks_secret(name: str) -> bool:
    """Tell whether a variable's name says that its value is for nobody's eyes."""
    return _SECRET_WORDS.search(name) is not None


@dataclass(frozen=True, slots=True)
class Given:
    """The value an environment gives for a template, and where."""

    value: Value
    place: Place


@dataclass(frozen=True, slots=True)
class FormElement:
    """A prompted variable as a deployment's form asks for it; `id` is its key there."""

    id: str
    name: str
    label: str
    is_required: bool
    has_value: bool
    is_secret: bool


@dataclass(frozen=True, slots=True)
class Filled:
    """A filled form: values by element id; and, in words, what keeps it from being sent.

    `awaits` is the name of a required variable for a change request, where none is named.
    """

    values: tuple[tuple[str, Value], ...]
    lacks: tuple[str, ...] = ()
    awaits: str = ""


_CHANGE: Final = re.compile(r"change\W*(?:request|number)", re.IGNORECASE)


def asks_for_change(name: str) -> bool:
    """Tell whether a variable is for the number of a change request, by its name.

    Source: Octopus' documentation of its integrations with ServiceNow and Jira Service Management:
    `Octopus.ServiceNow.ChangeRequest.Number` and its like.
    """
    return _CHANGE.search(name.replace("_", " ")) is not None


def fill(form: Iterable[FormElement], given: Mapping[str, Value], change: str = "") -> Filled:
    """Fill a form by the variables' names, which Octopus compares without regard to case.

    A secret is only given to a variable that Octopus keeps secret, and nothing else to such a one.
    `change` is the number for a variable that asks for one, where no other value is given.
    """
    by_name = {name.casefold(): value for name, value in given.items()}
    values: list[tuple[str, Value]] = []
    lacks: list[str] = []
    awaits = ""
    for element in form:
        value = by_name.get(element.name.casefold())
        if value is None and change and not element.is_secret and asks_for_change(element.name):
            value = change
        said = f"'{clean(element.name, 80)}'"
        if value is None:
            if not element.is_required or element.has_value:
                continue
            if asks_for_change(element.name):
                awaits = element.name
            else:
                lacks.append(f"no value for the required variable {said}")
        elif element.is_secret and isinstance(value, str):
            lacks.append(f"{said} is sensitive in Octopus, and its value stands in a manifest")
        elif not element.is_secret and isinstance(value, CredentialSource):
            lacks.append(f"{said} is not sensitive in Octopus: everyone could read the secret")
        else:
            values.append((element.id, value))
    return Filled(tuple(sorted(values, key=lambda pair: pair[0])), tuple(lacks), awaits)


def values_for(
    component: str,
    fixed: Sequence[tuple[str, str]],
    templates: Iterable[Template],
    given: Mapping[str, Given],
) -> tuple[tuple[str, Value], ...]:
    """Return the values one component is deployed with: the stack's, then the environment's.

    What is given has been read by its template. Sorted by name.
    """
    values: dict[str, Value] = dict(fixed)
    for template in templates:
        if not template.covers(component):
            continue
        if template.name in given:
            values[template.name] = given[template.name].value
        elif template.default is not None:
            values[template.name] = template.read(template.default)
    return tuple(sorted(values.items()))
