"""Automatic release creation: a package that comes to the built-in feed makes a release.

Source: the sentences of Octopus' API description, `POST /projects`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused
from reconciler.simulator.shelf import BUILT_IN

if TYPE_CHECKING:
    from reconciler.simulator.records import PackageReference, Project, Space, Step

__all__ = ["check_release_creation", "creates_release_of"]

_WHERE = "(see Automatic Release Creation settings, via Project > Triggers)"


def check_release_creation(space: Space, project: Project, more: dict[str, Any]) -> None:
    """Check what a project's fields say of automatic release creation.

    Raises:
        Refused: 400 in the product's words.
    """
    if not more.get("AutoCreateRelease"):
        return
    strategy = more.get("ReleaseCreationStrategy") or {}
    channel = strategy.get("ChannelId")
    if not channel:
        raise _refusal("A channel ID must be provided to enable Automatic Release Creation.")
    if channel not in {each.id for each in project.channels}:
        raise _refusal(
            "The specified Automatic Release Creation channel belongs to a different project."
        )
    named = strategy.get("ReleaseCreationPackage") or {}
    if not isinstance(named, dict) or not named.get("DeploymentAction"):
        raise _refusal("A package step must be provided to enable Automatic Release Creation.")
    step = _step(space, project, named["DeploymentAction"])
    if step is None:
        raise _refusal(
            "The package step provided could not be found in the project's deployment process "
            f"{_WHERE}."
        )
    if step.document and all(action["IsDisabled"] for action in step.document["Actions"]):
        raise _refusal(f"The package step provided is disabled {_WHERE}.")
    package = _package(step, named)
    if package is None:
        raise _refusal(f"The Automatic Release Creation package could not be found {_WHERE}")
    if package.feed != BUILT_IN:
        raise _refusal(
            "The Automatic Release Creation (ARC) package must be sourced from the Octopus "
            "built-in feed. ARC settings can be found at Project > Triggers "
            "https://g.octopushq.com/AutoReleaseCreation"
        )


def creates_release_of(space: Space, project: Project, package: str) -> bool:
    """Tell whether a project makes a release when this package comes."""
    if not project.more.get("AutoCreateRelease") or project.is_disabled:
        return False
    named = (project.more.get("ReleaseCreationStrategy") or {}).get("ReleaseCreationPackage") or {}
    step = _step(space, project, named.get("DeploymentAction"))
    found = _package(step, named) if step else None
    return found is not None and found.package.casefold() == package.casefold()


def _step(space: Space, project: Project, action: object) -> Step | None:
    for step in space.processes[project.process_id].steps:
        names = [each["Name"] for each in step.document["Actions"]] if step.document else []
        if action in (step.name, *names):
            return step
    return None


def _package(step: Step, named: dict[str, Any]) -> PackageReference | None:
    wanted = named.get("PackageReference") or ""
    return next((each for each in step.packages if each.reference == wanted), None)


def _refusal(sentence: str) -> Refused:
    return Refused(400, "Model validation failed.", (sentence,))
