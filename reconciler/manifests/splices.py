"""Where the text of a manifest is changed: each edit as splices, made on the spots of its tree."""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.edit import Hold, NewPin, Rebase, Repin, Suspend, Unpin
from reconciler.core.text import clean
from reconciler.errors import EditRefused
from reconciler.manifests.formats import parse_time
from reconciler.manifests.writing import is_safely_plain, quoted, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence, Set
    from datetime import datetime

    from reconciler.core.edit import Edit
    from reconciler.core.manifest import Until
    from reconciler.manifests.spots import Spot

BY_HAND = "make this edit by hand, with a commit"

_BLOCK_STYLES = frozenset("|>")
_TO_COMMA = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_REST = re.compile(r"[ \t]*\r?\n")


class Splice(NamedTuple):
    """Characters `start` to `end` are to become `text`."""

    start: int
    end: int
    text: str


def splices(path: str, text: str, spec: Spot, edit: Edit) -> Iterator[Splice]:
    """Yield what one edit changes below `spec`. Raises: EditRefused (not written as we edit it)."""
    match edit:
        case Suspend(suspend):
            behind = "policy" if "policy" in spec.entries else "stack"
            yield from _until_splices(path, text, spec, "suspend", behind, suspend)
        case Repin(component, version, hold):
            yield from _repinned(path, text, _pin(spec, component), version, hold)
        case Hold(component, hold):
            yield from _hold_splices(path, text, _pin(spec, component), hold)
        case Rebase(platform) if "platformVersion" in spec.entries:
            yield _new_text(path, text, _at(spec, "platformVersion"), platform)
        case Rebase(platform):
            behind = "policy" if "policy" in spec.entries else "stack"
            yield _added(path, text, spec, behind, f"platformVersion: {quoted(platform)}")
        case NewPin() | Unpin():
            pass  # all together, by `new_pins` and `unpinned`


def new_pins(path: str, text: str, spec: Spot, edits: Sequence[NewPin]) -> Iterator[Splice]:
    """Yield what adds pins behind those there are. Raises: EditRefused."""
    if not edits:
        return
    entries = [f"{scalar(edit.component)}: {_new_pin(edit)}" for edit in edits]
    there = spec.entries.get("components")
    if there is None:
        behind = next(key for key in ("platformVersion", "policy", "stack") if key in spec.entries)
        if spec.flow:
            yield _added(path, text, spec, behind, f"components: {{{', '.join(entries)}}}")
            return
        indent = _indent(path, text, spec.entries[behind].start)
        lines = [f"{indent}  {entry}" for entry in entries]
        yield _added(path, text, spec, behind, _line_end(text).join(["components:", *lines]))
    elif there.value.entries:
        last = next(reversed(there.value.entries))
        between = ", " if there.value.flow else _line_end(text)
        if not there.value.flow:
            indent = _indent(path, text, there.value.entries[last].start)
            between += indent
        yield _added(path, text, there.value, last, between.join(entries))
    elif text[there.value.start + 1 : there.value.end - 1].strip():
        raise _not_edited(path, text, there.value.start, "the braces of no pins hold a comment")
    else:
        yield Splice(there.value.start, there.value.end, f"{{{', '.join(entries)}}}")


def unpinned(
    path: str, text: str, spec: Spot, gone: Set[str], *, any_left: bool
) -> Iterator[Splice]:
    """Yield what takes pins away; with the last one their key, unless some are added.

    Raises: EditRefused.
    """
    if not gone:
        return
    pins = _at(spec, "components")
    if not any_left and pins.entries.keys() <= gone:
        yield from _removed(path, text, spec, "components")
    elif not pins.flow:
        for name in gone:
            yield from _removed(path, text, pins, name)
    else:
        kept = [name for name in pins.entries if name not in gone]
        if not kept:
            raise _not_edited(path, text, pins.start, "all pins stand in one pair of braces")
        yield from _taken_out(path, text, pins, gone)


def _taken_out(path: str, text: str, pins: Spot, gone: Set[str]) -> Iterator[Splice]:
    """Yield what takes entries out of braces in which others stay, each with one comma."""
    before: Spot | None = None
    any_kept = False
    for name, entry in pins.entries.items():
        end = entry.value.end
        if name in gone and any_kept and before is not None:
            yield Splice(_comma(path, text, before.end), end, "")
        elif name in gone:
            end = _comma(path, text, end) + 1
            while text[end] in " \t":
                end += 1
            yield Splice(entry.start, end, "")
        any_kept = any_kept or name not in gone
        before = entry.value


def _new_pin(edit: NewPin) -> str:
    version = quoted(edit.version)
    return version if edit.hold is None else f"{{version: {version}, hold: {_flow(edit.hold)}}}"


def _pin(spec: Spot, component: str) -> Spot:
    return _at(_at(spec, "components"), component)


def _at(mapping: Spot, key: str) -> Spot:
    return mapping.entries[key].value


def _repinned(
    path: str, text: str, pin: Spot, version: str, hold: Until | None
) -> Iterator[Splice]:
    if pin.is_scalar and hold is not None:
        new = _new_text(path, text, pin, version).text
        yield Splice(pin.start, pin.end, f"{{version: {new}, hold: {_flow(hold)}}}")
        return
    yield _new_text(path, text, pin if pin.is_scalar else _at(pin, "version"), version)
    if hold is not None:
        yield from _until_splices(path, text, pin, "hold", "version", hold)


def _hold_splices(path: str, text: str, pin: Spot, hold: Until | None) -> Iterator[Splice]:
    if pin.is_scalar:
        if hold is not None:
            version = _one_line(path, text, pin)
            yield Splice(pin.start, pin.end, f"{{version: {version}, hold: {_flow(hold)}}}")
        return
    alone = pin.entries.keys() == {"version", "hold"}
    if hold is None and alone and pin.flow and "\n" not in text[pin.start : pin.end]:
        yield Splice(pin.start, pin.end, _one_line(path, text, _at(pin, "version")))
    else:
        yield from _until_splices(path, text, pin, "hold", "version", hold)


def _until_splices(
    path: str, text: str, above: Spot, key: str, behind: str, wanted: Until | None
) -> Iterator[Splice]:
    """Set or take away the reason and time at `key` of a mapping; a new one stands `behind`."""
    if key not in above.entries:
        if wanted is not None:
            yield _added(path, text, above, behind, f"{key}: {_flow(wanted)}")
        return
    if wanted is None:
        yield from _removed(path, text, above, key)
        return
    there = _at(above, key)
    if wanted.at:
        written = _one_line(path, text, there) if there.flow else ""
        if not written:
            raise _not_edited(path, text, there.start, "a hold is written over several lines")
        yield Splice(there.start, there.end, _flow(wanted))
        return
    if "at" in there.entries:
        yield from _removed(path, text, there, "at")
    reason = _at(there, "reason")
    if reason.text != wanted.reason:
        _one_line(path, text, reason)
        yield Splice(reason.start, reason.end, quoted(wanted.reason))
    if "until" not in there.entries:
        if wanted.until is not None:
            yield _added(path, text, there, "reason", f"until: {_time(wanted.until)}")
    elif wanted.until is None:
        yield from _removed(path, text, there, "until")
    elif parse_time(_at(there, "until").text or "") != wanted.until:
        until = _at(there, "until")
        _one_line(path, text, until)
        yield Splice(until.start, until.end, _time(wanted.until))


def _flow(value: Until) -> str:
    until = "" if value.until is None else f", until: {_time(value.until)}"
    at = f", at: {quoted(value.at)}" if value.at else ""
    return f"{{reason: {quoted(value.reason)}{until}{at}}}"


def _time(when: datetime) -> str:
    """Return a time in quotes: older C parsers refuse its colons in a flow mapping."""
    return quoted(when.astimezone(UTC).isoformat().replace("+00:00", "Z"))


def _new_text(path: str, text: str, spot: Spot, new: str) -> Splice:
    """Replace a scalar, keeping its kind of quotes."""
    _one_line(path, text, spot)
    if spot.style == "'" and "'" not in new:
        return Splice(spot.start, spot.end, f"'{new}'")
    if not spot.style and is_safely_plain(new):
        return Splice(spot.start, spot.end, new)
    return Splice(spot.start, spot.end, quoted(new))


def _one_line(path: str, text: str, spot: Spot) -> str:
    """Return a scalar as it is written. Raises: EditRefused where it takes several lines."""
    written = text[spot.start : spot.end]
    if spot.style in _BLOCK_STYLES or "\n" in written:
        raise _not_edited(path, text, spot.start, "a value is written over several lines")
    return written


def _added(path: str, text: str, mapping: Spot, behind: str, entry: str) -> Splice:
    """Add an entry: in braces behind the last one, in a block as a line behind `behind`."""
    if mapping.flow:
        end = next(reversed(mapping.entries.values())).value.end
        return Splice(end, end, f", {entry}")
    found = mapping.entries[behind]
    indent = _indent(path, text, found.start)
    if _last(found.value).style in _BLOCK_STYLES:
        raise _not_edited(path, text, found.start, "a value is written over several lines")
    line_end = text.find("\n", found.value.end)
    if line_end < 0:
        return Splice(len(text), len(text), f"{_line_end(text)}{indent}{entry}")
    return Splice(line_end + 1, line_end + 1, f"{indent}{entry}{_line_end(text)}")


def _removed(path: str, text: str, mapping: Spot, key: str) -> Iterator[Splice]:
    """Take an entry away: from braces with one comma, from a block with its lines."""
    entry = mapping.entries[key]
    if not mapping.flow:
        start = entry.start - len(_indent(path, text, entry.start))
        if _last(entry.value).style in _BLOCK_STYLES:  # its end is not to be told from what follows
            raise _not_edited(path, text, start, "a value is written over several lines")
        line_end = text.find("\n", entry.value.end)
        yield Splice(start, len(text) if line_end < 0 else line_end + 1, "")
        return
    names = list(mapping.entries)
    place = names.index(key)
    start, end = entry.start, entry.value.end
    if place:  # the comma before it goes too, and whatever comment stands there stays
        before = mapping.entries[names[place - 1]].value.end
        comma = _comma(path, text, before)
        yield Splice(comma, comma + 1, "")
        while text[start - 1] in " \t" and start - 1 > comma:
            start -= 1
        if text[start - 1] == "\n" and (rest := _REST.match(text, end)):
            end = rest.end()  # it had its line for itself
    else:
        end = _comma(path, text, end) + 1
        while text[end] in " \t":
            end += 1
    yield Splice(start, end, "")


def _last(spot: Spot) -> Spot:
    while spot.entries:
        spot = next(reversed(spot.entries.values())).value
    return spot


def _comma(path: str, text: str, start: int) -> int:
    found = _TO_COMMA.match(text, start)
    place = start if found is None else found.end()
    if text[place : place + 1] != ",":
        raise _not_edited(path, text, start, "a comma was expected here")
    return place


def _indent(path: str, text: str, start: int) -> str:
    """Return what stands before the first word of a line. Raises: EditRefused where a word does."""
    indent = text[text.rfind("\n", 0, start) + 1 : start]
    if indent.strip(" "):
        raise _not_edited(path, text, start, "a key does not stand first on its line")
    return indent


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _not_edited(path: str, text: str, where: int, why: str) -> EditRefused:
    line = text.count("\n", 0, where) + 1
    return EditRefused(
        f"{clean(path, 120)}:{line}: {why}, which is not edited here; nothing was changed",
        hint=BY_HAND,
    )
