"""What `doctor` found, and the least roles, as lines and as data."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.core.checkup import Verdict
from reconciler.core.role import ROLE, Reach, Use
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.cli.render.data import Data
    from reconciler.core.checkup import Finding

ABOUT = {
    Use.OBSERVE: "what the `observe` key of a Space needs; `init` needs no more",
    Use.DEPLOY: "what the `deploy` key needs",
    Use.MACHINES: "what the `machines` key needs, where a policy lets machines be forgotten",
}


MOST_ALIKE = 3
"""Findings that are well and say the same of many things, before they share one line."""


def checkup_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield a line for each finding, and below it what to do; what is well alike shares one."""
    alike = Counter(_what(one) for one in findings if one.verdict is Verdict.OK)
    told = set()
    for one in findings:
        about = f"{clean(one.about, 120)}: " if one.about else ""
        if one.verdict is Verdict.OK and alike[_what(one)] > MOST_ALIKE:
            if _what(one) in told:
                continue
            told.add(_what(one))
            about = f"{alike[_what(one)]} {one.about.partition(' ')[0]}s: "
        yield f"{one.verdict:<8} {one.check:<11} {about}{clean(one.says, 800)}"
        if one.to_do:
            yield f"{'':<20} to do: {clean(one.to_do, 400)}"


def _what(one: Finding) -> tuple[str, str, str]:
    """Return what is looked at, at which kind of thing, and how that stands."""
    return one.check, one.about.partition(" ")[0], one.says


def summary(findings: Sequence[Finding]) -> str:
    """Return one line with the count of each verdict."""
    counts = Counter(one.verdict for one in findings)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict)


def checkup_data(findings: Sequence[Finding]) -> dict[str, Data]:
    """Return the same as data."""
    counts = Counter(one.verdict for one in findings)
    return {
        "apiVersion": "reconciler/v1",
        "kind": "Checkup",
        "spec": {
            "counts": {verdict.value: counts[verdict] for verdict in Verdict},
            "findings": [
                {
                    "about": clean(one.about, 120),
                    "check": one.check.value,
                    "says": clean(one.says, 800),
                    "toDo": clean(one.to_do, 400) if one.to_do else "",
                    "verdict": one.verdict.value,
                }
                for one in findings
            ],
        },
    }


def role_lines() -> Iterator[str]:
    """Yield each permission of each use: how far it must reach, and what it is for."""
    yield "Least roles for service accounts: each key's user gets its own, never AdministerSystem."
    for use in Use:
        yield f"\n{use}: {ABOUT[use]}"
        for one in ROLE:
            if one.use is use:
                less = "" if one.is_vital else f"; without it {one.without}"
                yield f"  {one.permission:<18} {_reach(one.reach)}; {one.purpose}{less}"


def role_data() -> list[Data]:
    """Return each use's role as the body of `POST /api/userroles` takes it.

    Source: Octopus REST API, user roles.
    """
    return [
        {
            "Name": f"Reconciler: {use}",
            "Description": f"The least that Reconciler needs: {ABOUT[use]}.",
            "GrantedSpacePermissions": _granted(use, system=False),
            "GrantedSystemPermissions": _granted(use, system=True),
        }
        for use in Use
    ]


def _granted(use: Use, *, system: bool) -> list[Data]:
    named = [o.permission for o in ROLE if o.use is use and (o.reach is Reach.SYSTEM) is system]
    return [*sorted(named)]


def _reach(reach: Reach) -> str:
    match reach:
        case Reach.CELLS:
            return "pinned cells"
        case Reach.SPACE:
            return "whole space"
        case Reach.SYSTEM:
            return "system"
