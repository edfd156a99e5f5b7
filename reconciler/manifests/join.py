"""One environment joined: its pins merged, each of them a component of its stack."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, TypeAlias

from reconciler.core.manifest import DesiredState, Environment, Pin, Problem
from reconciler.manifests.pinning import MAX_PROBLEMS, on_base, strangers
from reconciler.manifests.rings import join_rings
from reconciler.manifests.templates import read_values
from reconciler.manifests.wording import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reconciler.core.manifest import Space
    from reconciler.core.platform import PlatformVersion
    from reconciler.core.policy import Policy
    from reconciler.core.precondition import Precondition
    from reconciler.core.stack import Stack
    from reconciler.manifests.kinds.environment import EnvironmentDocument
    from reconciler.manifests.kinds.pins import PinsDocument
    from reconciler.manifests.wording import Words

Joined: TypeAlias = "DesiredState | tuple[Problem, ...]"

_MAX_PER_PAIR = 5  # of two environments that claim the same cells


def join(
    document: EnvironmentDocument,
    fragments: Sequence[PinsDocument],
    stack: Stack,
    space: Space,
    policy: Policy,
    platform: PlatformVersion | None,
    ring_platforms: Mapping[str, PlatformVersion],
    twins: Iterable[tuple[str, str]],
    preconditions: tuple[Precondition, ...],
    words: Words,
) -> Joined:
    """Return the desired state of one environment, or every problem of joining it.

    `ring_platforms` are the platform versions of its rings, by name. `twins` are the pairs of
    components that `projects_used_twice` found for stack and space.
    """
    pins, problems = _merged(document, fragments)
    if not space.is_connected:
        message = (
            f"space '{space.name}' says `connected: false`, so nothing is deployed there from here;"
            " make this a RemoteEnvironment"
        )
        problems.append(Problem(document.space.place, message))
    if platform is not None and document.platform is not None:
        pins = on_base(pins, platform)
        if platform.stack != stack.name:
            problems.append(
                Problem(
                    document.platform.place,
                    f"platform version '{platform.name}' is of stack '{platform.stack}', and this"
                    f" environment of stack '{stack.name}'",
                )
            )
    problems.extend(strangers(pins, stack, words))
    rings, of_rings = join_rings(document, ring_platforms, stack, words)
    problems.extend(of_rings)
    everywhere = pins if not rings else {**pins, **{n: p for r in rings for n, p in r.pins.items()}}
    problems.extend(_twins(everywhere, twins))
    values, wrong = read_values(document, stack, words)
    problems.extend(wrong)
    if problems:
        return tuple(problems)
    environment = Environment(
        name=document.name,
        space=document.space.name,
        octopus_environment=document.octopus_environment,
        stack=document.stack.name,
        policy=document.policy.name if document.policy else None,
        pins=pins,
        place=document.place,
        suspend=document.suspend,
        also_deployed_by=document.also_deployed_by,
        platform=platform,
        tenants=document.tenants,
        rings=rings,
        change=document.change,
        formerly=document.formerly.name if document.formerly else "",
    )
    return DesiredState(environment, space, stack, policy, preconditions, values)


def cells_claimed_twice(
    states: Iterable[DesiredState],
) -> Iterator[tuple[Problem, tuple[str, str]]]:
    """Yield a problem for each cell that two environments claim, with both their names.

    Compares names as Octopus does, without regard to case. That a name and an id mean the same
    environment is not known here: `core.claims` tells, beside what Octopus shows.
    """
    by_location: dict[tuple[str, str, str], list[DesiredState]] = defaultdict(list)
    for state in states:
        by_location[_location(state)].append(state)
    for sharing in by_location.values():
        if len(sharing) > 1:
            yield from _claimed_twice(sharing, _own_pins)
            # what a ring pins is a tenant's: no cell of an environment that names no tenants
            yield from _claimed_twice([s for s in sharing if s.environment.tenants], _all_pins)


def _location(state: DesiredState) -> tuple[str, str, str]:
    environment, space = state.environment, state.space
    return (
        space.server.casefold(),
        space.octopus_space.casefold(),
        environment.octopus_environment.casefold(),
    )


def _claimed_twice(
    states: Sequence[DesiredState], pins_of: Callable[[Environment], Mapping[str, Pin]]
) -> Iterator[tuple[Problem, tuple[str, str]]]:
    claims: dict[str, tuple[str, Pin]] = {}
    for state in states:
        environment = state.environment
        shared: Counter[str] = Counter()
        for name, pin in pins_of(environment).items():
            project = state.stack.components[name].project_in(state.space.name).casefold()
            owner, first = claims.setdefault(project, (environment.name, pin))
            shared[owner] += 1
            if owner == environment.name or shared[owner] > _MAX_PER_PAIR:
                continue
            message = (
                f"'{name}' in Octopus environment '{shown(environment.octopus_environment)}' "
                f"is already pinned by Environment '{owner}' at {shown(str(first.place))}"
            )
            yield Problem(pin.place, message), (owner, environment.name)


def _own_pins(environment: Environment) -> Mapping[str, Pin]:
    return environment.pins


def _all_pins(environment: Environment) -> Mapping[str, Pin]:
    """Return each component that is pinned for anybody, with the first of its pins."""
    pins = dict(environment.pins)
    for ring in environment.rings:
        for name, pin in ring.pins.items():
            pins.setdefault(name, pin)
    return pins


def _merged(
    document: EnvironmentDocument, fragments: Sequence[PinsDocument]
) -> tuple[Mapping[str, Pin], list[Problem]]:
    if not fragments:
        return document.pins, []
    pins = dict(document.pins)
    problems: list[Problem] = []
    for fragment in fragments:
        for name, pin in fragment.pins.items():
            first = pins.setdefault(name, pin)
            if first is not pin and len(problems) < MAX_PROBLEMS:
                message = (
                    f"'{name}' is pinned twice for {document.name}: also at "
                    f"{shown(str(first.place))}; keep one"
                )
                problems.append(Problem(pin.place, message))
    return pins, problems


def projects_used_twice(stack: Stack, space: str) -> tuple[tuple[str, str], ...]:
    """Return pairs of components that are one Octopus project in a space: they share a cell."""
    first: dict[str, str] = {}
    pairs = []
    for name, component in stack.components.items():
        other = first.setdefault(component.project_in(space).casefold(), name)
        if other != name:
            pairs.append((other, name))
    return tuple(pairs)


def _twins(pins: Mapping[str, Pin], twins: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    for one, other in twins:
        if one in pins and other in pins:
            message = f"'{other}' is the same Octopus project as '{one}': pin one of them"
            yield Problem(pins[other].place, message)
