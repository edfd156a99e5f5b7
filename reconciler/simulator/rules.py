"""Version rules of channels: which packages a release of the channel may take."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused
from reconciler.simulator.ranges import read_range, read_tag, tag_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.simulator.calls import Body
    from reconciler.simulator.records import Channel

__all__ = ["read_rules", "refuse_versions", "satisfies"]


def read_rules(written: Iterable[Body]) -> list[dict[str, Any]]:
    """Return rules as a client writes them, completed; new ones get an id.

    Raises:
        Refused: 400 for a range or a tag that is none.
    """
    made: list[dict[str, Any]] = []
    for each in written:
        read_range(each.text("VersionRange"))
        read_tag(each.text("Tag"))
        made.append(
            {
                "Id": each.text("Id") or str(uuid.uuid4()),
                "VersionRange": each.text("VersionRange"),
                "Tag": each.text("Tag"),
                "ActionPackages": [
                    {
                        "DeploymentAction": one.text("DeploymentAction"),
                        "PackageReference": one.text("PackageReference") or "",
                    }
                    for one in each.bodies("ActionPackages")
                ],
                "Links": {},
            }
        )
    return made


def satisfies(version: str, span: str | None, tag: str | None) -> tuple[bool, bool]:
    """Tell whether a version lies in a range, and whether its prerelease part has a tag.

    Raises:
        Refused: 400 for a range or a tag that is none.
    """
    return read_range(span).holds(version), read_tag(tag).search(tag_of(version)) is not None


def refuse_versions(channel: Channel, packages: Iterable[tuple[str, str, str]]) -> None:
    """Refuse package versions, by action and reference, that a rule of the channel forbids.

    A rule that names no package is for all of them.

    Raises:
        Refused: 400 naming the steps.
    """
    wrong: dict[str, None] = {}
    for rule in channel.more.get("Rules", []):
        named = {
            (each["DeploymentAction"], each["PackageReference"]) for each in rule["ActionPackages"]
        }
        for action, reference, version in packages:
            meant = not named or (action, reference) in named
            if meant and not all(satisfies(version, rule["VersionRange"], rule["Tag"])):
                wrong[action] = None
    if wrong:
        raise Refused(
            400,
            "The requested package versions for the following steps violate the channel version "
            f"rules: {', '.join(wrong)}. Please specify a different package version, channel or "
            "provide the `ignoreChannelRules` parameter to override this check.",
        )
