"""One valid document as typed values. The schema gate has been passed: nothing is asked twice.

What a schema cannot judge (versions, times, addresses, the graph of a stack) is checked here, and
a document that fails is given up: `Unfit` sends the file to `diagnose`, which words everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from reconciler.core.manifest import (
    Component,
    CredentialSource,
    Kind,
    Limits,
    Mode,
    OnFailure,
    OnWarning,
    Pin,
    Place,
    Policy,
    Space,
    Stack,
    Until,
)
from reconciler.manifests.formats import parse_time, server_trouble, version_trouble
from reconciler.manifests.graph import graph_troubles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.manifests.tree import Branch


class Unfit(Exception):
    """A document passes its schema but not the checks beyond it. Never leaves this room."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The name of another manifest, and where it is written."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class EnvironmentDocument:
    """An Environment manifest, its references not yet followed. `place` is its name's."""

    name: str
    place: Place
    space: Reference
    octopus_environment: str
    stack: Reference
    policy: Reference | None
    pins: Mapping[str, Pin]
    suspend: Until | None
    also_deployed_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PinsDocument:
    """A fragment of one environment's pins."""

    name: str
    place: Place
    environment: Reference
    pins: Mapping[str, Pin]


@dataclass(frozen=True, slots=True)
class StackDocument:
    """A Stack, and the Space manifests its components name."""

    name: str
    place: Place
    stack: Stack
    spaces: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class SpaceDocument:
    """A Space."""

    name: str
    place: Place
    space: Space


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A Policy."""

    name: str
    place: Place
    policy: Policy


Document: TypeAlias = (
    EnvironmentDocument | PinsDocument | StackDocument | SpaceDocument | PolicyDocument
)


def build(path: str, kind: Kind, root: Branch) -> Document:
    """Build the value of a document that has passed the gate of its kind.

    Raises:
        Unfit: a check beyond the schema failed.
    """
    metadata, spec = root.below("metadata"), root.below("spec")
    if metadata is None or spec is None:
        raise Unfit
    builder = _Builder(path, metadata.value["name"], _place(path, metadata, "name"))
    match kind:
        case Kind.ENVIRONMENT:
            return builder.environment(spec)
        case Kind.PINS:
            return builder.fragment(spec)
        case Kind.STACK:
            return builder.stack(spec)
        case Kind.SPACE:
            return builder.space(spec)
        case Kind.POLICY:
            return builder.policy(spec)


def _place(path: str, branch: Branch, key: str) -> Place:
    mark = branch.value_mark(key)
    return Place(path, mark.line + 1, mark.column + 1)


@dataclass(frozen=True, slots=True)
class _Builder:
    path: str
    name: Any
    place: Place

    def environment(self, spec: Branch) -> EnvironmentDocument:
        octopus = _sure(spec.below("octopus"))
        return EnvironmentDocument(
            name=self.name,
            place=self.place,
            space=self._reference(octopus, "space"),
            octopus_environment=octopus.value["environment"],
            stack=self._reference(spec, "stack"),
            policy=self._reference(spec, "policy") if "policy" in spec.value else None,
            pins=self._pins(spec.below("components")),
            suspend=_until(spec.value.get("suspend")),
            also_deployed_by=tuple(spec.value.get("alsoDeployedBy", ())),
        )

    def fragment(self, spec: Branch) -> PinsDocument:
        environment = self._reference(spec, "environment")
        return PinsDocument(
            self.name, self.place, environment, self._pins(spec.below("components"))
        )

    def stack(self, spec: Branch) -> StackDocument:
        if graph_troubles(spec):
            raise Unfit
        components = _sure(spec.below("components"))
        spaces: list[Reference] = []
        made = {name: self._component(components, name, spaces) for name in components.value}
        owners = tuple(spec.value.get("owners", ()))
        stack = Stack(name=self.name, components=made, place=self.place, owners=owners)
        return StackDocument(self.name, self.place, stack, tuple(spaces))

    def _component(self, components: Branch, name: str, spaces: list[Reference]) -> Component:
        fields = components.value[name]
        mark = components.key_mark(name)
        project = fields.get("project", name)
        by_space: tuple[tuple[str, str], ...] = ()
        if isinstance(project, dict):
            branch = _sure(_sure(components.below(name)).below("project"))
            by_space = tuple(sorted(project.items()))
            for space in project:
                at = branch.key_mark(space)
                place = Place(self.path, at.line + 1, at.column + 1)
                spaces.append(Reference(space, place))
            project = name
        return Component(
            name=name,
            project=project,
            place=Place(self.path, mark.line + 1, mark.column + 1),
            after=tuple(fields.get("after", ())),
            up_only=fields.get("direction") == "up-only",
            project_by_space=by_space,
        )

    def space(self, spec: Branch) -> SpaceDocument:
        fields = spec.value
        if server_trouble(fields["server"]):
            raise Unfit
        sources = {
            role: CredentialSource(env=source.get("env"), file=source.get("file"))
            for role, source in fields["credentials"].items()
        }
        space = Space(
            name=self.name,
            server=fields["server"].rstrip("/"),
            octopus_space=fields["space"],
            observe=sources.get("observe"),
            deploy=sources.get("deploy"),
            place=self.place,
        )
        return SpaceDocument(self.name, self.place, space)

    def policy(self, spec: Branch) -> PolicyDocument:
        fields = spec.value
        policy = Policy(
            name=self.name,
            mode=Mode(fields.get("mode", Mode.OBSERVE)),
            protected=fields.get("protected", False),
            limits=Limits(**fields.get("limits", {})),
            on_failure=OnFailure(fields.get("onFailure", OnFailure.STOP)),
            on_warning=OnWarning(fields.get("onWarning", OnWarning.CONTINUE)),
        )
        return PolicyDocument(self.name, self.place, policy)

    def _reference(self, branch: Branch, key: str) -> Reference:
        return Reference(branch.value[key], _place(self.path, branch, key))

    def _pins(self, components: Branch | None) -> dict[str, Pin]:
        """Build the pins: with 100,000 of them, the other place where a cold start is spent."""
        if components is None:
            return {}
        path, marks = self.path, components.marks
        pins = {}
        for name, value in components.value.items():
            mark: Any
            if type(value) is str:
                mark = marks[name][1]
                if version_trouble(value) is not None:
                    raise Unfit
                pins[name] = Pin(value, Place(path, mark.line + 1, mark.column + 1))
            else:
                version = value["version"]
                if version_trouble(version) is not None:
                    raise Unfit
                place = _place(path, _sure(components.below(name)), "version")
                hold = _until(value.get("hold"))
                pins[name] = Pin(version, place, value.get("redeploy", 0), hold)
        return pins


def _sure(branch: Branch | None) -> Branch:
    if branch is None:
        raise Unfit
    return branch


def _until(fields: dict[str, str] | None) -> Until | None:
    if fields is None:
        return None
    try:
        until = parse_time(fields["until"]) if "until" in fields else None
    except ValueError:
        raise Unfit from None
    return Until(fields["reason"], until)
