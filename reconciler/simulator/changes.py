"""What writes of resources have in common: names, dependants, kept fields, secrets, removal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Deployment, Release, Space, Task
    from reconciler.simulator.world import World

__all__ = [
    "changed_fields",
    "forget_deployment",
    "forget_release",
    "forget_task",
    "free_name",
    "has_dependants",
    "note",
    "same_kind",
    "unless_refused",
    "without_secrets",
]

_FIXED = frozenset({"Id", "SpaceId", "Name", "Slug", "Links"})
_MOST_LETTERS = 200


def free_name(kind: str, records: Iterable[Any], body: Body, *, own: object = None) -> str:
    """Return the name a body gives a record, when no other record has it.

    Raises:
        Refused: 400 for no name, a name too long, or one in use (without case).
    """
    name = body.text("Name")
    if name is None:
        raise Refused(400, "Model validation failed.", ("Please provide a value for the name.",))
    if len(name) > _MOST_LETTERS:
        raise Refused(
            400,
            "Model validation failed.",
            (f"The name must be at most {_MOST_LETTERS} characters long.",),
        )
    if any(each is not own and each.name.casefold() == name.casefold() for each in records):
        raise Refused(
            400,
            "There was a problem with your request.",
            (f"A {kind.lower()} with the name '{name}' already exists. Please use another name.",),
        )
    return name


@contextmanager
def unless_refused(undo: Callable[[], object]) -> Iterator[None]:
    """Take back what was begun when the block is refused."""
    try:
        yield
    except Refused:
        undo()
        raise


def has_dependants(kind: str) -> Refused:
    """Return the 400 for deleting what others need, in the product's words."""
    return Refused(400, f"The {kind} has dependent resources and cannot be deleted.")


def changed_fields(
    shown: dict[str, Any], body: Body, *settled: str, kept: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return what a body sets of the other fields of a resource, which are stored as they come.

    `settled` names the fields that a handler reads itself. An absent field keeps its value, null
    gives it back its default.

    Raises:
        Refused: 400 when a value has another JSON type than the field.
    """
    made = dict(kept or {})
    for name, value in shown.items():
        if name in _FIXED or name in settled or name.lower() not in body.fields:
            continue
        given = body.get(name)
        if given is None:
            made.pop(name, None)
        elif isinstance(given, list) if value is None else not same_kind(given, value):
            raise Refused(
                400, "Model validation failed.", (f"The {name} field has the wrong type.",)
            )
        else:
            made[name] = without_secrets(given)
    return made


def same_kind(one: object, other: object) -> bool:
    """Tell whether two JSON values are of one type; all numbers are."""
    numbers = [isinstance(each, int | float) and type(each) is not bool for each in (one, other)]
    return all(numbers) or type(one) is type(other)


def without_secrets(value: Any) -> Any:
    """Return a JSON value without the new values of its sensitive parts: they never leave again."""
    if isinstance(value, list):
        return [without_secrets(each) for each in value]
    if not isinstance(value, dict):
        return value
    low = {name.casefold(): each for name, each in value.items()}
    if "newvalue" in low:
        has = bool(low["newvalue"]) or low.get("hasvalue") is True
        return {"HasValue": has, "NewValue": None, "Hint": None}
    return {name: without_secrets(each) for name, each in value.items()}


def note(call: Call, verb: str, kind: str, name: str, *related: str) -> None:
    """Write into the audit log that the caller created, modified or deleted something."""
    call.world.record(
        verb,
        f"{kind} {name} was {verb.lower()}",
        space=call.scoped_space,
        user=call.user,
        related=related,
    )


def forget_release(world: World, space: Space, release: Release) -> None:
    """Remove a release with its deployments, their tasks and what waits for people.

    Raises:
        Refused: 400 while a deployment of it is not completed.
    """
    if any(not each.task.state.is_completed for each in release.deployments):
        raise Refused(
            400,
            "There was a problem with your request.",
            (f"Release {release.version} has a deployment that is not completed.",),
        )
    for deployment in list(release.deployments):
        forget_deployment(world, space, deployment)
    space.projects[release.project_id].releases.remove(release)
    del space.releases[release.id]


def forget_deployment(world: World, space: Space, deployment: Deployment) -> None:
    """Remove a completed deployment with its task; its release forgets it."""
    forget_task(world, space, deployment.task)
    deployment.release.deployments.remove(deployment)
    del space.deployments[deployment.id]
    cell = space.cells[deployment.cell]
    cell.remove(deployment)
    if not cell:
        del space.cells[deployment.cell]


def forget_task(world: World, space: Space, task: Task) -> None:
    """Remove a completed task and its interruptions."""
    for waited in task.waits:
        space.interruptions.pop(waited.id, None)
    world.tasks.pop(task.id, None)
    world.deployment_of.pop(task.id, None)
