"""A plan with its gates, in every form."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING

import click

from reconciler.core.plan import Kind, Reason
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from reconciler.core.deployers import Others
    from reconciler.core.gate import Gate
    from reconciler.core.plan import Plan

DIGITS = 12
"""Hex digits of a digest or hash that people are shown; `apply --plan` takes as few."""

NOBODY: Mapping[str, Others] = MappingProxyType({})


def show_plan(
    plan: Plan, gates: Sequence[Gate], output: str, others: Mapping[str, Others] = NOBODY
) -> None:
    """Write a plan to stdout as a table, JSON, YAML or Markdown.

    `others` tells by component who else deploys it.
    """
    match output:
        case "json":
            from reconciler.cli.render.data import as_json, plan_data

            click.echo(as_json(plan_data(plan, gates, others)), nl=False)
        case "yaml":
            from reconciler.cli.render.data import as_yaml, plan_data

            click.echo(as_yaml(plan_data(plan, gates, others)), nl=False)
        case "markdown":
            from reconciler.cli.render.markdown import plan_markdown

            click.echo(plan_markdown(plan, gates, others), nl=False)
        case _:
            from reconciler.cli.render.plantable import print_plan

            print_plan(plan, gates, others)


def counts(plan: Plan) -> str:
    """Return what changes in words: `2 upgrades and 1 downgrade in 2 waves`."""
    kinds = Counter(action.kind for action in plan.changes)
    parts = [
        f"{kinds[kind]} {kind.value}" + ("" if kinds[kind] == 1 else "s")
        for kind in (Kind.UPGRADE, Kind.DOWNGRADE, Kind.REDEPLOY)
        if kinds[kind]
    ]
    waves = max((action.wave for action in plan.changes), default=0)
    what = " and ".join(parts) if len(parts) < 3 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"{what} in {waves} wave" + ("" if waves == 1 else "s")


def held(plan: Plan, gates: Sequence[Gate]) -> str:
    """Say whether gates hold the plan: wholly, in part, or not."""
    whole = sorted({gate.name.value for gate in gates if not gate.component})
    if whole:
        return f"held by {', '.join(whole)}"
    closed = {gate.component for gate in gates}
    stopped = sum(action.component in closed for action in plan.changes)
    if not stopped:
        return "not held"
    return f"{stopped} of {len(plan.changes)} held by gates"


def unread(plan: Plan) -> str:
    """Say how much could not be observed: nothing to do is no good news where nothing was seen."""
    unseen = sum(action.reason is Reason.UNOBSERVED for action in plan.actions)
    return f", {unseen} of {len(plan.actions)} unobserved" if unseen else ""


def summary(plan: Plan, gates: Sequence[Gate]) -> str:
    """Return the plan in one sentence."""
    digest = f"{unread(plan)}; digest {plan.digest[:DIGITS]}."
    if not plan.has_work:
        return f"Nothing to do at commit {plan.commit[:DIGITS]}{digest}"
    return f"{counts(plan)}, {held(plan, gates)}{digest}"


def read_at(moment: datetime) -> str:
    """Return when something was read, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


def shown(version: str | None) -> str:
    """Return a version as people see it; none is a dash."""
    return "-" if version is None else clean(version, 80)


def where(gate: Gate) -> str:
    """Return what a gate stands before."""
    return clean(gate.component, 120) if gate.component else "the whole plan"
