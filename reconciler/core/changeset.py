"""What a change of the manifests touches: environments, and the rules they are changed under.

Pure comparisons of two commits. Where something is written is no difference: a comment or a moved
file touches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from reconciler.core.manifest import DesiredState, Invalid, Place
from reconciler.core.policy import STRICTEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.core.manifest import ManifestSet, Problem, Space
    from reconciler.core.phase import Phase
    from reconciler.core.policy import Policy

_NOWHERE = "not set"
_OWN = frozenset({"name", "formerly", "pins", "place"})
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True, order=True)
class FieldChange:
    """One field that a change alters, in the words of manifests: `limits.downgrades`."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Alteration:
    """Rules that a change alters: of which `kind` (policy, space, environment, lifecycle) and name.

    `environments` are those it applies to. Texts are as the manifests have them.
    """

    kind: str
    name: str
    fields: tuple[FieldChange, ...]
    environments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changeset:
    """What lies between two commits, `touched` with what the second asks, by name.

    `added` are those of the touched that the first does not have. `removed` left the manifests:
    nothing is undeployed for it (rule 5). `broken` are invalid at the second commit, for
    `problems`. `remotes` are the RemoteEnvironments that differ: nothing is deployed there from
    here.
    """

    touched: tuple[DesiredState, ...]
    added: frozenset[str]
    removed: tuple[str, ...]
    untouched: tuple[str, ...]
    broken: tuple[str, ...]
    problems: tuple[Problem, ...]
    alterations: tuple[Alteration, ...]
    remotes: tuple[str, ...] = ()


def compare(base: ManifestSet, head: ManifestSet) -> Changeset:
    """Compare the manifests of two commits."""
    touched, added, untouched, broken = [], set[str](), [], []
    found: dict[tuple[str, str, tuple[FieldChange, ...]], list[str]] = {}
    for name, now in sorted(head.environments.items()):
        if isinstance(now, Invalid):
            broken.append(name)
            continue
        before = earlier(base, now)
        if not isinstance(before, DesiredState):
            touched.append(now)
            if before is None:
                added.add(name)
        elif before == now or _bare(before) == _bare(now):
            untouched.append(name)
        else:
            touched.append(now)
            for kind, what, changes in _altered(before, now):
                found.setdefault((kind, what, changes), []).append(name)
    whole = (one.environment for one in _whole(head))
    renamed = {one.formerly for one in whole if one.name not in base.environments}
    return Changeset(
        touched=tuple(touched),
        added=frozenset(added),
        removed=tuple(sorted(base.environments.keys() - head.environments.keys() - renamed)),
        untouched=tuple(untouched),
        broken=tuple(broken),
        problems=head.problems,
        alterations=tuple(
            Alteration(kind, what, changes, tuple(names))
            for (kind, what, changes), names in sorted(found.items())
        ),
        remotes=tuple(
            name
            for name in sorted(base.remotes.keys() | head.remotes.keys())
            if _bare(base.remotes.get(name)) != _bare(head.remotes.get(name))
        ),
    )


def earlier(base: ManifestSet, now: DesiredState) -> DesiredState | Invalid | None:
    """Return an environment as an earlier commit has it, if under its former name."""
    environment = now.environment
    own = base.environments.get(environment.name)
    return own or base.environments.get(environment.formerly)


def judged_by(base: ManifestSet, now: DesiredState) -> Policy:
    """Return the policy a change of this environment is judged by: that of the base (rule 36).

    One that the base has under this name, for an environment that is new; else the strictest, as
    for one whose policy the base cannot tell (rule 11).
    """
    before = earlier(base, now)
    if before is not None:
        return before.policy if isinstance(before, DesiredState) else STRICTEST
    for one in _whole(base):
        if one.environment.policy is not None and one.environment.policy == now.environment.policy:
            return one.policy
    return STRICTEST


def phases_before(base: ManifestSet, now: DesiredState) -> tuple[Phase, ...]:
    """Return the earlier phases a change of this environment has to pass: those of the base.

    Where the base has none, what the change adds counts (rules 11, 36).
    """
    before = earlier(base, now)
    known = before.earlier_phases if isinstance(before, DesiredState) else ()
    return known or now.earlier_phases


def space_of(base: ManifestSet, now: DesiredState) -> Space | None:
    """Return the space as the base has it: whom a change may have asked, and with which key.

    None: the base does not have it, so nobody is asked (rule 36).
    """
    for one in _whole(base):
        if one.space.name == now.space.name:
            return one.space
    return None


def _whole(manifests: ManifestSet) -> Iterator[DesiredState]:
    for _, one in sorted(manifests.environments.items()):
        if isinstance(one, DesiredState):
            yield one


def _altered(
    before: DesiredState, now: DesiredState
) -> Iterator[tuple[str, str, tuple[FieldChange, ...]]]:
    name = now.environment.name
    pairs: tuple[tuple[str, str, Any, Any], ...] = (
        ("environment", name, before.environment, now.environment),
        ("policy", before.policy.name, before.policy, now.policy),
        ("space", before.space.name, before.space, now.space),
    )
    for kind, what, old, new in pairs:
        is_other = kind != "environment" and old.name != new.name
        if is_other and kind == "space":
            continue  # told as a field of the environment; another space is no altered one
        one, other = dict(_flat(old)), dict(_flat(new))
        changes = tuple(
            FieldChange(field, one.get(field, _NOWHERE), other.get(field, _NOWHERE))
            for field in sorted(one.keys() | other.keys())
            if one.get(field, _NOWHERE) != other.get(field, _NOWHERE)
        )
        if changes:
            yield kind, what, changes
    one, other = _phases(before), _phases(now)
    for what in sorted(one.keys() | other.keys()):
        said = FieldChange("phases", one.get(what, _NOWHERE), other.get(what, _NOWHERE))
        if said.before != said.after:
            yield "lifecycle", what, (said,)


def _phases(state: DesiredState) -> dict[str, str]:
    """Return in words what has to be passed before an environment, by the lifecycle's name."""
    found: dict[str, list[str]] = {}
    for each in state.earlier_phases:
        places = ", ".join(" or ".join(place) for place in each.places)
        found.setdefault(each.lifecycle, []).append(f"{each.name}: {each.minimum} of {places}")
    return {name: "; ".join(phases) for name, phases in found.items()}


def _flat(value: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """Yield the fields of a value by their names in manifests, the nested ones behind a dot."""
    for each in fields(value):
        if not each.compare or (not before and each.name in _OWN):
            continue
        inner = getattr(value, each.name)
        name = f"{before}{_camel(each.name)}"
        if each.name == "platform":  # its pins are told by the plan
            yield "platformVersion", _NOWHERE if inner is None else inner.name
        elif each.name == "rings":
            for ring in inner:
                yield from ((f"rings.{ring.name}.{key}", words) for key, words in _flat(ring))
        elif is_dataclass(inner) and not isinstance(inner, type):
            yield from _flat(inner, f"{name}.")
        elif not isinstance(inner, Place):
            yield name, _spoken(each.name, inner)


def _spoken(name: str, value: Any) -> str:
    """Return the value of a field; days and minutes of a window as people write them."""
    match name, value:
        case "days", frozenset():
            return f"[{', '.join(_DAYS[day] for day in sorted(value))}]"
        case "begins" | "ends", int():
            return f"{value // 60:02}:{value % 60:02}"
        case _:
            return _words(value)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _words(value: Any) -> str:
    """Return a value as a manifest would say it."""
    match value:
        case None:
            return _NOWHERE
        case bool():
            return str(value).lower()
        case Enum():
            return str(value.value)
        case datetime():
            return f"{value:%Y-%m-%dT%H:%M:%SZ}"
        case tuple() | list() | frozenset() | set():
            each = map(_words, value)
            return f"[{', '.join(each if isinstance(value, tuple | list) else sorted(each))}]"
        case Mapping():
            return f"{{{', '.join(f'{k}: {_words(v)}' for k, v in sorted(value.items()))}}}"
        case _ if is_dataclass(value) and not isinstance(value, type):
            return f"{{{', '.join(f'{name}: {words}' for name, words in _flat(value))}}}"
        case _:
            return str(value)


def _bare(value: Any) -> Any:
    """Return a value that is equal where two values differ in their places alone."""
    if is_dataclass(value) and not isinstance(value, type):
        kept = (each.name for each in fields(value))
        inner = ((name, getattr(value, name)) for name in kept)
        return tuple((name, _bare(each)) for name, each in inner if not isinstance(each, Place))
    if isinstance(value, tuple):
        return tuple(map(_bare, value))
    if isinstance(value, Mapping):
        return tuple((key, _bare(each)) for key, each in sorted(value.items()))
    return value
