"""The report at the end of a pass: what became of each change, and what to do next."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.cli.leaving import Exit
from reconciler.cli.render.console import columns, show, stdout, text
from reconciler.cli.render.plan import DIGITS, number, read_at, shown, unread, where
from reconciler.core.gate import GateName
from reconciler.core.text import clean
from reconciler.engine.apply import Done

if TYPE_CHECKING:
    from rich.console import Console

    from reconciler.cli.story import Story
    from reconciler.core.cellkey import CellKey
    from reconciler.engine.apply import Result
    from reconciler.engine.run import PassReport

_STYLES = {
    Done.SUCCEEDED: "green",
    Done.FAILED: "red",
    Done.REFUSED: "red",
    Done.UNKNOWN: "red",
    Done.HELD: "yellow",
    Done.NOT_STARTED: "yellow",
}


def exit_code(report: PassReport, *, reviewed: bool) -> Exit:
    """Return what the process says after a pass; `reviewed`: a plan's digest was given."""
    if report.failed:
        return Exit.SOME_FAILED
    if report.stale and reviewed:
        return Exit.STALE
    plan = report.planned.plan
    waits = plan.has_work or plan.is_blind
    if waits and report.planned.gates and not report.started:
        return Exit.GATED
    if plan.is_blind:
        return Exit.FAILED
    left = any(result.done is Done.NOT_STARTED for result in report.results.values())
    return Exit.FAILED if left or report.halted or not report.recorded else Exit.OK


def print_report(report: PassReport, story: Story) -> None:
    """Write to stdout what became of every change, in the order of the waves."""
    console = stdout()
    results = _results(report)
    _print_resumed(console, story, results)
    if results:
        table = columns("component", "action", "from -> to", "outcome", "seconds", "task or why")
        for name in sorted(results, key=lambda name: (_wave(story, name), name)):
            table.add_row(*_row(story, name, results[name]))
        show(console, table)
    for gate in sorted(report.planned.stopped):
        console.print(Text(f"{gate.name.value} on {where(gate)}: {clean(gate.message, 400)}"))
        console.print(Text(f"  opened by: {clean(gate.opener, 400)}"))
    for message, opener in sorted({(gate.message, gate.opener) for gate in report.halted}):
        console.print(Text(f"paused while it was carried out: {clean(message, 400)}"))
        console.print(Text(f"  opened by: {clean(opener, 400)}"))
    console.print(Text(_sentence(report, results, story), style="bold"))


def next_step(report: PassReport) -> str:
    """Return what a person does next, or nothing where nothing is left."""
    name = report.planned.plan.environment
    stopped = {gate.name for gate in report.planned.gates}
    if not report.recorded:
        return f"run `reconciler apply {name}` again: records wait on this machine to be pushed"
    if report.stale:
        return f"look at the new plan: `reconciler plan {name}`"
    if any(result.done is Done.UNKNOWN for result in report.results.values()):
        return f"run `reconciler apply {name}` again: it finds out what became of the request"
    if report.failed or GateName.NEEDS_RETRY in stopped:
        return f"see the task's log in Octopus, then `reconciler retry {name}`, and apply again"
    if GateName.ACCEPT in stopped:
        rewritten = report.planned.situation.is_rewritten
        what = report.planned.plan.commit if rewritten else name
        return f"look at `reconciler plan {name}`, then `reconciler accept {what}`"
    if GateName.PAUSED in stopped:
        return f"`reconciler pause --list` shows what to lift; then `reconciler apply {name}`"
    if stopped and report.planned.plan.has_work:
        return f"open the gates that `reconciler plan {name}` shows, then apply again"
    return ""


def _results(report: PassReport) -> dict[CellKey, Result]:
    """Return what became of each change; what a gate on the whole plan held is held too."""
    from reconciler.engine.apply import Result

    results = dict(report.results)
    if report.planned.stopped:
        held = Result(Done.HELD, report.planned.stopped[0].name.value)
        for action in report.planned.plan.changes:
            results.setdefault(action.cell, held)
    return results


def _row(story: Story, name: CellKey, result: Result) -> tuple[Text, ...]:
    action, ended = story.actions.get(name), story.ended.get(name)
    moved = "" if action is None else f"{shown(action.from_version)} -> {shown(action.to_version)}"
    task = result.task_id or ""
    why = "" if result.done is Done.SUCCEEDED else result.why
    return (
        text(name or "(all changes)"),
        Text("" if action is None else action.kind.value),
        Text(moved),
        Text(result.done.value, style=_STYLES[result.done]),
        Text("" if ended is None or result.task_id is None else f"{ended.seconds:.0f}"),
        text(": ".join(part for part in (task, why) if part)),
    )


def _print_resumed(console: Console, story: Story, results: dict[CellKey, Result]) -> None:
    """Say how the deployments of an interrupted pass ended: they are not part of this plan."""
    for name, task_id in sorted(story.resumed.items()):
        ended = story.ended.get(name)
        if not task_id:
            how = "never reached Octopus; planned anew"
        elif ended is None or ended.task_id != task_id:
            how = "its receipt was finished" if name in results else "was watched on"
        else:
            how = f"ended {ended.outcome.value}"
        what = f"{clean(name)}: from an interrupted pass, {clean(task_id) or 'no task'}, {how}"
        console.print(Text(what))


def _wave(story: Story, name: CellKey) -> int:
    action = story.actions.get(name)
    return 0 if action is None else action.wave


def _sentence(report: PassReport, results: dict[CellKey, Result], story: Story) -> str:
    plan = report.planned.plan
    counted = Counter(result.done for result in results.values())
    done = ", ".join(f"{counted[each]} {each.value}" for each in Done if counted[each])
    if not done:
        done = "finished what was left over" if story.resumed else "nothing to do"
    done += unread(plan)
    if report.forgotten:
        done += f", {number(report.forgotten, 'machine')} forgotten"
    if report.stale:
        done = f"{done}; {clean(report.stale, 300)}"
    told = "recorded" if report.recorded else "records pending on this machine"
    if not results and story.recorded is None:
        told = "nothing to record"
    at = f"commit {plan.commit[:DIGITS]}, read {read_at(plan.read_at)}"
    return f"{clean(plan.environment)}: {done}; {told}; {at}, digest {plan.digest[:DIGITS]}."
