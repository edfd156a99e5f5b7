"""Numbers of the next release: masks (`1.2.i`) and templates of versioning strategies.

Source: the tests of Octopus' public versioning library, and its documented version variables.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.simulator.ranges import tag_of
from reconciler.simulator.versions import version_key

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.simulator.records import Project

__all__ = ["donor_of", "next_number", "unmasked"]

_MASK = re.compile(
    r"(?P<numbers>(?:\d+|[ic])(?:\.(?:\d+|[ic])){0,3})(?:-(?P<pre>[0-9A-Za-z]+(?:\.[0-9A-Za-z]+)*))?"
)
_VARIABLE = re.compile(r"#\{\s*Octopus\.(Version|Date)\.(\w+)\s*\}")
_PARTS = ("Major", "Minor", "Patch", "Revision")
_DEFAULT = "#{Octopus.Version.LastMajor}.#{Octopus.Version.LastMinor}.#{Octopus.Version.NextPatch}"


def unmasked(text: str, versions: list[str]) -> str:
    """Return a version in place of a mask; other texts, blanks around them too, stay as they are.

    `i` is one more than in the highest version with the mask's first numbers, `c` the same; what
    follows an `i` begins at 0 again.
    """
    found = _MASK.fullmatch(text)
    if found is None:
        return text
    numbers, pre = found["numbers"].split("."), (found["pre"] or "").split(".")
    if not {"i", "c"} & {*numbers, *pre}:
        return text
    fixed = next((at for at, each in enumerate(numbers) if each in "ic"), len(numbers))
    wanted = tuple(int(each) for each in numbers[:fixed])
    fitting = [each for each in versions if version_key(each)[0][:fixed] == wanted]
    latest = max(fitting, key=version_key, default=None)
    made = ".".join(_numbers(numbers, latest))
    labels = _labels(pre, latest) if found["pre"] else []
    return f"{made}-{'.'.join(labels)}" if labels else made


def _numbers(mask: list[str], latest: str | None) -> list[str]:
    if latest is None:
        return ["0" if each in "ic" else each for each in mask]
    current = version_key(latest)[0]
    written = re.match(r"\s*[vV]?\d+(?:\s*\.\s*\d+){0,3}", latest)
    length = max(len(mask), written[0].count(".") + 1 if written else 0)
    made: list[str] = []
    is_raised = False
    for at in range(length):
        word = mask[at] if at < len(mask) else "c"
        if word == "i":
            made.append("0" if is_raised else str(current[at] + 1))
        elif word == "c":
            made.append("0" if is_raised else str(current[at]))
        else:
            made.append(word)
        is_raised = word == "i"
    return made


def _labels(mask: list[str], latest: str | None) -> list[str]:
    current = tag_of(latest).split(".") if latest else []
    made: list[str] = []
    for at, word in enumerate(mask):
        known = current[at] if at < len(current) else ""
        number = int(known) if known.isascii() and known.isdigit() else 0
        if word == "i":
            made.append("0" if latest is None else str(number + 1))
        else:
            made.append(str(number) if word == "c" else word)
    return made


def donor_of(project: Project) -> tuple[str, str] | None:
    """Return the action and package reference that gives releases their number, if one does."""
    strategy = project.more.get("VersioningStrategy") or {}
    donor = strategy.get("DonorPackage")
    if not isinstance(donor, dict) or not donor.get("DeploymentAction"):
        return None
    return str(donor["DeploymentAction"]), str(donor.get("PackageReference") or "")


def next_number(project: Project, now: datetime) -> str | None:
    """Return the number a new release gets by the project's template.

    None when a package gives it, or when the template asks for what nobody knows here.
    """
    if donor_of(project) is not None:
        return None
    template = str((project.more.get("VersioningStrategy") or {}).get("Template") or _DEFAULT)
    versions = [each.version for each in project.releases]
    last = version_key(versions[-1])[0] if versions else (0, 0, 0, 0)

    def value(found: re.Match[str]) -> str:
        kind, name = found.groups()
        if kind == "Date":
            part = getattr(now, name.lower(), None)
            return str(part) if name in ("Year", "Month", "Day") else found[0]
        part = name.removeprefix("Last").removeprefix("Next").replace("Build", "Revision")
        if part not in _PARTS:
            return found[0]
        return str(last[_PARTS.index(part)] + name.startswith("Next"))

    made = unmasked(_VARIABLE.sub(value, template), versions)
    return None if "#{" in made else made
