"""Edits of manifests by splicing: what is not named keeps its bytes, comments and order (rule 24).

The result is read again, and an edit that would change more than it names is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.core.edit import Hold, NewPin, Rebase, Repin, Suspend, Unpin
from reconciler.core.manifest import Kind
from reconciler.core.text import clean
from reconciler.errors import EditRefused
from reconciler.manifests.formats import parse_time
from reconciler.manifests.parse import parse_file
from reconciler.manifests.splices import BY_HAND, new_pins, splices, unpinned
from reconciler.manifests.spots import find_spots
from reconciler.manifests.tree import Branch, read_tree
from reconciler.manifests.wording import Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.core.edit import Edit
    from reconciler.core.manifest import Until

_BOM = b"\xef\xbb\xbf"


class ManifestSplicer:
    """Edits manifests (the door `ports.ManifestEditor`)."""

    def edit(self, path: str, data: bytes, edits: Sequence[Edit]) -> bytes:
        """Return the bytes of one manifest after the edits; equal bytes where nothing changes.

        Raises:
            EditRefused: the file does not hold what is named, is written in a way that is not
                edited here, or would change in more than what is named.
        """
        before = _meaning(path, data)
        expected = _expected(path, before, edits)
        if before == expected:
            return data
        bom = _BOM if data.startswith(_BOM) else b""
        text = data.removeprefix(_BOM).decode("utf-8")
        spec = find_spots(text).entries["spec"].value
        found = [splice for edit in edits for splice in splices(path, text, spec, edit)]
        added = [edit for edit in edits if isinstance(edit, NewPin)]
        found += new_pins(path, text, spec, added)
        gone = {edit.component for edit in edits if isinstance(edit, Unpin)}
        found += unpinned(path, text, spec, gone, any_left=bool(added))
        for splice in sorted(found, key=lambda each: (each.start, each.end), reverse=True):
            text = text[: splice.start] + splice.text + text[splice.end :]
        after = bom + text.encode("utf-8")
        if _meaning(path, after) != expected:
            raise EditRefused(
                f"the edit of {clean(path, 120)} would change more than was asked for, because of"
                " the way the file is written; nothing was changed",
                hint=BY_HAND,
            )
        return after


# --- what a file says -------------------------------------------------------------------------


def _meaning(path: str, data: bytes) -> dict[str, Any]:
    """Return all fields of a manifest, pins as mappings and times as instants."""
    parsed = parse_file(path, data, Words())
    reader, _ = read_tree(path, data)
    if parsed.document is None or reader.root is None:
        first = parsed.problems[0] if parsed.problems else "it cannot be read"
        raise EditRefused(
            f"it would not be a valid manifest: {clean(str(first), 300)}; nothing was changed",
            hint="`reconciler validate PATH` checks a work tree; ask for something else",
        )
    fields: dict[str, Any] = _plain(reader.root)
    spec = fields["spec"]
    if fields["kind"] not in (Kind.ENVIRONMENT, Kind.PINS):
        return fields
    pins = spec.setdefault("components", {})
    for name, pin in pins.items():
        pins[name] = pin if isinstance(pin, dict) else {"version": pin}
        _read_until(pins[name], "hold")
    _read_until(spec, "suspend")
    return fields


def _plain(branch: Branch) -> Any:
    """Copy a tree of values; a scalar without an agreed meaning is its text (it is a time)."""
    if isinstance(branch.value, dict):
        return {key: _below(branch, key) for key in branch.value}
    return [_below(branch, index) for index in range(len(branch.value))]


def _below(branch: Branch, key: str | int) -> Any:
    below = branch.below(key)
    return branch.odd.get(key, branch.value[key]) if below is None else _plain(below)


def _read_until(fields: dict[str, Any], key: str) -> None:
    if key in fields and "until" in fields[key]:
        fields[key]["until"] = parse_time(fields[key]["until"])


def _expected(path: str, before: dict[str, Any], edits: Sequence[Edit]) -> dict[str, Any]:
    """Return what the manifest must say afterwards, and nothing else."""
    spec = dict(before["spec"])
    pins = dict(spec.get("components", {}))
    named: set[str | None] = set()
    for edit in edits:
        if isinstance(edit, Suspend | Rebase):
            spec = _of_environment(path, before["kind"], spec, edit)
            continue
        name = edit.component
        is_new = isinstance(edit, NewPin)
        if name in named or (name is not None and (name in pins) is is_new):
            there = "is pinned already" if is_new else "is not pinned"
            why = "is named twice" if name in named else there
            raise EditRefused(
                f"{clean(name or 'the environment', 80)} {why} in {clean(path, 120)}; nothing was"
                " changed",
                hint="name what the file holds, once",
            )
        named.add(name)
        match edit:
            case Repin(component, version, hold):
                pins[component] = {**pins[component], "version": version}
                if hold is not None:
                    pins[component] = _with_until(pins[component], "hold", hold)
            case NewPin(component, version, hold):
                pins[component] = _with_until({"version": version}, "hold", hold)
            case Hold(component, hold):
                pins[component] = _with_until(pins[component], "hold", hold)
            case Unpin(component):
                del pins[component]
    if pins or "components" in spec:
        spec["components"] = pins
    return {**before, "spec": spec}


def _of_environment(
    path: str, kind: str, spec: dict[str, Any], edit: Suspend | Rebase
) -> dict[str, Any]:
    if kind != Kind.ENVIRONMENT:
        raise EditRefused(
            f"{clean(path, 120)} is no Environment, so it cannot be suspended or get a platform"
            " version; nothing was changed",
            hint="name an environment",
        )
    match edit:
        case Suspend(suspend):
            return _with_until(spec, "suspend", suspend)
        case Rebase(platform):
            return {**spec, "platformVersion": platform}


def _with_until(fields: dict[str, Any], key: str, value: Until | None) -> dict[str, Any]:
    rest = {name: old for name, old in fields.items() if name != key}
    if value is None:
        return rest
    until = {} if value.until is None else {"until": value.until}
    at = {"at": value.at} if value.at else {}
    return {**rest, key: {"reason": value.reason, **until, **at}}
