"""Words for everything that is wrong with a file that failed: each problem at its place.

The slow path, for failed files only: the full JSON Schema engine walks the document, and its errors
are translated keyword by keyword. Nothing it says reaches a person in its own words.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]

from reconciler.core.manifest import Kind, Place, Problem
from reconciler.manifests.formats import TROUBLE
from reconciler.manifests.graph import graph_troubles
from reconciler.manifests.scalars import reading
from reconciler.manifests.schemas import Schema, child, schema_of
from reconciler.manifests.templates import template_troubles
from reconciler.manifests.tree import MAX_PROBLEMS, TOO_MANY
from reconciler.manifests.wording import Words, quote_it, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reconciler.manifests.tree import Branch, Mark, Reader

_TYPE_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number from 0 up",
    "boolean": "true or false",
}
_ABOUT_FIELDS = ("additionalProperties", "required")
_TRUE = frozenset({"true", "yes", "on", "y"})
_FALSE = frozenset({"false", "no", "off", "n"})


def wrong_kind(reader: Reader, words: Words) -> Problem:
    """Say what is wrong with the kind of a document whose kind is not one of ours."""
    root = reader.root
    if root is None or "kind" not in root.value:
        return Problem(Place(reader.path, 1, 1), "missing field 'kind'")
    named = root.value["kind"]
    place = reader.place(root.value_mark("kind"))
    if not isinstance(named, str):
        return Problem(place, f"kind must be one of {', '.join(Kind)}")
    meant = words.did_you_mean(named, tuple(Kind)) or f"; known are {', '.join(Kind)}"
    return Problem(place, f"unknown kind '{shown(named)}'{meant}")


def diagnose(reader: Reader, kind: Kind, words: Words) -> tuple[Problem, ...]:
    """Return every problem of a document that its schema or the checks beyond it refuse.

    A place that was blamed while reading is not blamed again. After `MAX_PROBLEMS` it ends.
    """
    root = reader.root
    if root is None:
        return tuple(reader.problems)
    problems = list(reader.problems)
    blamed = {problem.place for problem in problems}
    translator = _Translator(root, schema_of(kind), words)
    for mark, message in translator.troubles(kind):
        problem = Problem(reader.place(mark), message)
        if problem.place in blamed or problem in problems:
            continue
        problems.append(problem)
        if len(problems) >= MAX_PROBLEMS:
            problems.append(Problem(problem.place, TOO_MANY))
            break
    if not problems:  # the two engines disagree: still no reason to let it through
        message = f"this does not fit the schema of kind {kind}"
        problems.append(Problem(Place(reader.path, 1, 1), message))
    return tuple(problems)


@cache
def engine_of(kind: Kind) -> Any:
    """Return the explaining validator of a kind: as the gate, and the formats checked too."""
    formats = jsonschema.FormatChecker(formats=())
    for name, trouble in TROUBLE.items():
        formats.checks(name)(_check(trouble))
    engine = jsonschema.validators.extend(
        jsonschema.Draft202012Validator, validators={"pattern": _pattern}
    )
    return engine(schema_of(kind), format_checker=formats)


def _check(trouble: Callable[[str], str | None]) -> Callable[[object], bool]:
    return lambda value: not isinstance(value, str) or trouble(value) is None


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[Any]:
    """Match as the gate does: `$` is the end of the text, not the place before a last line end."""
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        yield jsonschema.ValidationError("does not match")


class _Translator:
    """Errors of the engine, one by one, as our words at our places."""

    def __init__(self, root: Branch, schema: Schema, words: Words) -> None:
        self.root = root
        self.schema = schema
        self.words = words

    def troubles(self, kind: Kind) -> Iterator[tuple[Mark, str]]:
        """Yield each problem's mark and message."""
        said: set[tuple[str | int, ...]] = set()
        for error in engine_of(kind).iter_errors(self.root.value):
            path = tuple(error.absolute_path)
            if error.validator in _ABOUT_FIELDS or "propertyNames" in error.absolute_schema_path:
                yield from self._about_fields(error, path)
            elif path not in said:  # one thing wrong with a value is enough
                said.add(path)
                yield self._value_mark(path), self._wrong_value(error, path)
        if kind is Kind.STACK and (spec := self.root.below("spec")) is not None:
            yield from graph_troubles(spec)
            yield from template_troubles(spec)

    def _about_fields(self, error: Any, path: tuple[str | int, ...]) -> Iterator[tuple[Mark, str]]:
        found = error.instance
        if error.validator == "additionalProperties":
            yield from self._unknown_fields(path, found)
        elif error.validator == "required":
            for name in error.validator_value:
                if name not in found:
                    yield self._key_mark(path), f"missing field '{name}'"
        else:
            yield self._branch(path).key_mark(found), _must(found, error.schema)

    def _unknown_fields(
        self, path: Sequence[str | int], found: dict[str, Any]
    ) -> Iterator[tuple[Mark, str]]:
        schema = self._schema_at(path)
        branch, known = self._branch(path), tuple(schema.get("properties", ()))
        for name in found:
            if name in known:
                continue
            if name in self.schema.get("x-not-yet", ()):
                message = f"'{name}' is not supported yet"
            elif meant := self.words.did_you_mean(name, known):
                message = f"unknown field '{shown(name)}'{meant}"
            elif schema.get("x-secret"):
                message = f"unknown field; known here: {', '.join(known)}"
            else:
                message = f"unknown field '{shown(name)}'; known here: {', '.join(known)}"
            yield branch.key_mark(name), message

    def _wrong_value(self, error: Any, path: Sequence[str | int]) -> str:
        found, limit = error.instance, error.validator_value
        secret = bool(self._schema_at(path).get("x-secret"))
        match error.validator:
            case "type":
                return self._wrong_type(path, found, limit, secret=secret)
            case "const":
                return f"must be '{limit}', not {self._said(path, found)}"
            case "enum":
                if found is None and self._text(path, found) in limit:
                    return quote_it(self._text(path, found))
                return self._not_one_of(self._said(path, found), found, error.schema)
            case "format":
                return TROUBLE[limit](found) or f"'{shown(found)}' is not a {limit}"
            case "minLength" | "minItems":
                return "must not be empty"
            case "maxLength":
                return f"longer than {limit} characters"
            case "minimum":
                return f"must be at least {limit}"
            case "maximum":
                return f"must be at most {limit}"
            case "maxItems":
                return f"more than {limit} entries"
            case "uniqueItems":
                return f"{_repeated(found)} is in this list twice"
            case "minProperties" if not secret:
                return "must not be empty"
            case _:
                return _must(found, error.schema, secret=secret)

    def _wrong_type(
        self, path: Sequence[str | int], found: Any, limit: str | list[str], *, secret: bool
    ) -> str:
        wanted = [limit] if isinstance(limit, str) else limit
        expected = f"expected {' or '.join(_TYPE_WORDS[name] for name in wanted)}"
        if isinstance(found, dict | list):
            return (
                f"{expected}, found {_TYPE_WORDS['object' if isinstance(found, dict) else 'array']}"
            )
        text = self._text(path, found)
        if secret:
            return f"{expected}; a key never stands in a manifest"
        if not text and not isinstance(found, str):
            empty = "; write {} where there is nothing to say" if wanted == ["object"] else ""
            return f"{expected}, found nothing{empty}"
        if "string" in wanted and reading(text) is not None:
            return quote_it(text)
        if wanted == ["boolean"] and text.lower() in _TRUE | _FALSE:
            return (
                f"'{shown(text)}': write {'true' if text.lower() in _TRUE else 'false'}, unquoted"
            )
        if wanted == ["integer"] and text.isascii() and text.isdigit() and len(text) < 10:
            return f"'{shown(text)}': write {int(text)}, unquoted"
        return f"{expected}, found '{shown(text)}'"

    def _not_one_of(self, said: str, found: Any, schema: Schema) -> str:
        allowed = schema["enum"]
        if isinstance(found, str) and found in schema.get("x-not-yet", ()):
            return f"{said} is not supported yet"
        meant = self.words.did_you_mean(found, allowed) if isinstance(found, str) else ""
        return f"{said} is not one of {', '.join(allowed)}{meant}"

    def _said(self, path: Sequence[str | int], found: Any) -> str:
        if isinstance(found, dict | list):
            return "a mapping" if isinstance(found, dict) else "a list"
        return f"'{shown(self._text(path, found))}'"

    def _text(self, path: Sequence[str | int], found: Any) -> str:
        """Return a scalar as it is written (quotes aside)."""
        if found is None:
            return self._branch(path[:-1]).odd.get(path[-1], "")
        if isinstance(found, bool):
            return "true" if found else "false"
        return str(found)

    def _schema_at(self, path: Sequence[str | int]) -> Schema:
        node = self.schema
        for key in path:
            node = child(self.schema, node, key)
        return node

    def _branch(self, path: Iterable[str | int]) -> Branch:
        branch = self.root
        for key in path:
            branch = branch.below(key) or branch
        return branch

    def _key_mark(self, path: Sequence[str | int]) -> Mark:
        return self._branch(path[:-1]).key_mark(path[-1]) if path else self.root.mark

    def _value_mark(self, path: Sequence[str | int]) -> Mark:
        return self._branch(path[:-1]).value_mark(path[-1]) if path else self.root.mark


def _must(found: Any, schema: Schema, *, secret: bool = False) -> str:
    must = schema.get("x-must", "fit its schema")
    if secret or not isinstance(found, str):
        return f"must {must}"
    return f"'{shown(found)}' must {must}"


def _repeated(items: list[Any]) -> str:
    seen: set[str] = set()
    for item in items:
        text = json.dumps(item)
        if text in seen:
            return f"'{shown(item)}'" if isinstance(item, str) else "one entry"
        seen.add(text)
    return "one entry"
