"""Typed fields of a JSON object that somebody else wrote: the right type, or an error with a place.

Used for signed payloads, after their signature verified. Every refusal is SigningTrouble with the
code `E_SCHEMA`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.core.text import clean
from reconciler.errors import SigningTrouble

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.core.strictjson import JsonValue

HEX_DIGEST = re.compile(r"[0-9a-f]{64}")
NAMED_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def refused(code: str, fact: str) -> SigningTrouble:
    """Return the refusal of a payload: `<code>: the payload <fact>`."""
    return SigningTrouble(
        f"{code}: the payload {fact}. Nothing was taken from it.",
        hint="a newer reconciler may read it; look at it with: "
        "jq -r .payload FILE | base64 -d | jq .",
    )


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object, and where it stands in the payload (`predicate.space`, "" at the top)."""

    values: dict[str, JsonValue]
    place: str = ""

    @classmethod
    def of(cls, value: JsonValue, place: str = "") -> Fields:
        """Return the fields of a value that must be an object."""
        if not isinstance(value, dict):
            raise refused("E_SCHEMA", f"has no object at {clean(place) or 'the top'}")
        return cls(value, place)

    def object(self, key: str) -> Fields:
        """Return the fields of the object at `key`."""
        return Fields.of(self._value(key), self._at(key))

    def text(self, key: str, form: re.Pattern[str] | None = None) -> str:
        """Return the string at `key`; all of it must have the given form."""
        value = self._value(key)
        if not isinstance(value, str) or (form is not None and not form.fullmatch(value)):
            raise self.wrong(key)
        return value

    def text_or_null(self, key: str, form: re.Pattern[str] | None = None) -> str | None:
        """Return the string at `key`, or None where it says null."""
        return None if self._value(key) is None else self.text(key, form)

    def count(self, key: str) -> int:
        """Return the integer from 1 on at `key`."""
        value = self._value(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.wrong(key)
        return value

    def time(self, key: str) -> datetime:
        """Return the aware UTC time at `key`, written `YYYY-MM-DDTHH:MM:SSZ`."""
        text = self.text(key, _TIME)
        try:
            return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            raise self.wrong(key) from None

    def time_or_null(self, key: str) -> datetime | None:
        """Return the time at `key`, or None where it says null."""
        return None if self._value(key) is None else self.time(key)

    def list(self, key: str) -> list[JsonValue]:
        """Return the list at `key`."""
        value = self._value(key)
        if not isinstance(value, list):
            raise self.wrong(key)
        return value

    def texts(self, key: str, form: re.Pattern[str] | None = None) -> tuple[str, ...]:
        """Return the list of strings at `key`."""
        found = []
        for value in self.list(key):
            if not isinstance(value, str) or (form is not None and not form.fullmatch(value)):
                raise self.wrong(key)
            found.append(value)
        return tuple(found)

    def others(self, understood: Collection[str]) -> tuple[str, ...]:
        """Return the places of the fields that are not among the understood ones, sorted."""
        return tuple(self._at(key) for key in sorted(self.values) if key not in understood)

    def wrong(self, key: str) -> SigningTrouble:
        """Return the refusal of what stands at `key`, without showing it."""
        return refused("E_SCHEMA", f"has something else than it must have at {self._at(key)}")

    def _value(self, key: str) -> JsonValue:
        if key not in self.values:
            raise refused("E_SCHEMA", f"has nothing at {self._at(key)}")
        return self.values[key]

    def _at(self, key: str) -> str:
        return clean(f"{self.place}.{key}" if self.place else key)
