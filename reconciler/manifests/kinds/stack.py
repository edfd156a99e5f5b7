"""Kind Stack: components with their Octopus projects and their order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from reconciler.core.manifest import Kind, Place
from reconciler.core.stack import NEVER, Component, RetryRule, Stack, Use
from reconciler.core.versionrange import VersionRange
from reconciler.manifests.graph import graph_troubles
from reconciler.manifests.kinds.common import Reference, Unfit, sure
from reconciler.manifests.runbooks import around_of, parse_duration
from reconciler.manifests.templates import template_of, template_troubles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.manifests.kinds.common import Head
    from reconciler.manifests.tree import Branch


@dataclass(frozen=True, slots=True)
class StackDocument:
    """A Stack, and the Space manifests its components name."""

    KIND: ClassVar[Kind] = Kind.STACK

    name: str
    place: Place
    stack: Stack
    spaces: tuple[Reference, ...]


def build_stack(head: Head, spec: Branch) -> StackDocument:
    """Build a stack.

    Raises:
        Unfit: its graph has a cycle or leads nowhere, or a range, a duration or a template is none.
    """
    if graph_troubles(spec) or any(template_troubles(spec)):
        raise Unfit
    components = sure(spec.below("components"))
    spaces: list[Reference] = []
    made = {name: _component(head, components, name, spaces) for name in components.value}
    owners = tuple(spec.value.get("owners", ()))
    stack = Stack(
        name=head.name,
        components=made,
        place=head.place,
        owners=owners,
        uses=_uses(head, spec),
        templates=tuple(
            template_of(name, fields)
            for name, fields in sorted(spec.value.get("templates", {}).items())
        ),
        retry=_retry(spec.value) or NEVER,
        runbooks=around_of(spec.value.get("runbooks")),
    )
    return StackDocument(head.name, head.place, stack, tuple(spaces))


def _component(head: Head, components: Branch, name: str, spaces: list[Reference]) -> Component:
    fields = components.value[name]
    project = fields.get("project", name)
    by_space: tuple[tuple[str, str], ...] = ()
    if isinstance(project, dict):
        branch = sure(sure(components.below(name)).below("project"))
        by_space = tuple(sorted(project.items()))
        spaces.extend(Reference(space, head.key_place(branch, space)) for space in project)
        project = name
    return Component(
        name=name,
        project=project,
        place=head.key_place(components, name),
        after=tuple(fields.get("after", ())),
        up_only=fields.get("direction") == "up-only",
        project_by_space=by_space,
        channels=tuple(fields.get("channels", ())),
        uses=_uses(head, components.below(name)),
        variables=tuple(sorted(fields.get("variables", {}).items())),
        retry=_retry(fields),
        runbooks=around_of(fields.get("runbooks")),
        soak=_soak(fields.get("soak")),
    )


def _soak(text: str | None) -> timedelta:
    try:
        return timedelta() if text is None else parse_duration(text)
    except ValueError:
        raise Unfit from None


def _retry(fields: Mapping[str, Any]) -> RetryRule | None:
    said = fields.get("retry")
    if said is None:
        return None
    after, within = said.get("afterMinutes", 5), said.get("withinHours", 4)
    return RetryRule(said["times"], timedelta(minutes=after), timedelta(hours=within))


def _uses(head: Head, above: Branch | None) -> tuple[Use, ...]:
    branch = above.below("uses") if above is not None else None
    if branch is None:
        return ()
    found = []
    for named, text in sorted(branch.value.items()):
        stack, _, component = named.rpartition("/")
        try:
            bounds = VersionRange.parse(text)
        except ValueError:
            raise Unfit from None
        found.append(Use(component, stack or None, bounds, head.key_place(branch, named)))
    return tuple(found)
