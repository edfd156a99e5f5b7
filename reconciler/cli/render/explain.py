"""The chain behind one component's action: where it is pinned, what was seen, what stops it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.meanings import REASONS
from reconciler.cli.render.console import columns, show, stdout, text
from reconciler.cli.render.data import cell_data, gate_data, moment
from reconciler.cli.render.plan import DIGITS, read_at, shown, where
from reconciler.core.sighting import NeverDeployed, Settled, Unobserved, Unsettled
from reconciler.core.text import clean
from reconciler.core.version import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.cli.render.data import Data
    from reconciler.core.authorship import Authorship
    from reconciler.core.manifest import Until
    from reconciler.engine.explain import Explanation

_COMPARED = {
    Direction.UP: "{to} is higher than {was}",
    Direction.DOWN: "{to} is lower than {was}",
    Direction.SAME: "{to} is what {was} is",
    Direction.UNKNOWN: "{to} and {was} cannot be ordered, which is handled like a downgrade",
}


def print_explanation(found: Explanation) -> None:
    """Write the chain to stdout, one link a line."""
    console, plan = stdout(), found.planned.plan
    head = f"{clean(found.action.cell, 100)} in {clean(plan.environment, 100)}"
    at = f"commit {plan.commit[:DIGITS]}, read {read_at(plan.read_at)}"
    console.print(text(f"{head} at {at}", "bold", 400))
    console.print()
    table = columns("", "")
    table.show_header = False
    before = ""
    for link, words in _chain(found):
        table.add_row(text("" if link == before else link, "dim"), text(words, limit=1000))
        before = link
    show(console, table)


def _chain(found: Explanation) -> Iterator[tuple[str, str]]:
    yield "pinned", _pinned(found)
    if found.written is not None:
        yield "by", _author(found.written)
    if found.pin is not None and found.pin.base is not None:
        base = found.pin.base
        breaks = "" if base.version == found.pin.version else ", which this pin breaks"
        yield "platform", f"version {clean(base.platform)} has {shown(base.version)}{breaks}"
    if found.pin is not None and found.pin.hold is not None:
        yield "held", _until(found.pin.hold)
    yield from (("seen", words) for words in _seen(found))
    if (deployed := _deployed(found)) is not None:
        yield "deployed", deployed
    yield from (("compared", words) for words in _compared(found))
    if found.action.waits_for:
        before = ", ".join(clean(name, 100) for name in found.action.waits_for)
        yield "waits for", f"{before}, in earlier waves; this is wave {found.action.wave}"
    for gate in found.gates:
        yield "stopped by", f"{gate.name.value} on {where(gate)}: {clean(gate.message, 400)}"
        yield "opened by", clean(gate.opener, 400)
    if not found.action.is_change or not found.gates:
        to_do = REASONS[found.action.reason].to_do.replace("COMPONENT", found.action.component)
        yield "to do", to_do.replace("ENV", found.planned.plan.environment)


def _pinned(found: Explanation) -> str:
    pin = found.pin
    if pin is None:
        return f"nowhere at commit {found.planned.plan.commit[:DIGITS]}"
    raised = f", redeploy {pin.redeploy}" if pin.redeploy else ""
    raised += ", with fresh variables" if pin.refresh else ""
    return f"{shown(pin.version)}{raised} at {clean(pin.place.file, 300)}:{pin.place.line}"


def _author(written: Authorship) -> str:
    when = "at no known time" if written.at is None else read_at(written.at)
    who = f"{clean(written.author, 100)} <{clean(written.email, 100)}>"
    return f"{who} in commit {written.commit[:DIGITS]}, {when}: {clean(written.subject, 150)}"


def _until(hold: Until) -> str:
    end = "until it is taken away" if hold.until is None else f"until {read_at(hold.until)}"
    return f"{end}: {clean(hold.reason)}"


def _seen(found: Explanation) -> Iterator[str]:
    cell = found.cell
    if cell is None:
        yield f"{shown(found.action.from_version)} runs"
        return
    match cell.sighting:
        case Unobserved(why=why):
            yield f"not read: {clean(why)}"
        case NeverDeployed():
            yield "never deployed here"
        case Settled(version=version):
            yield f"{shown(version)} runs{_ids(found)}"
        case Unsettled(version=last, attempted=attempted, why=why):
            before = "nothing succeeded before" if last is None else f"{shown(last)} before it"
            yield f"{shown(attempted)} ended {clean(why)}{_ids(found)}; {before}"
    for task in cell.running:
        waits = ", waits for a person" if task.id in cell.waiting else ""
        what = f"{clean(task.id)} {clean(task.description, 120)}"
        yield f"{what} is {task.state.value}{waits}"


def _ids(found: Explanation) -> str:
    if found.deployment is None:
        return ""
    deployment, release = found.deployment, found.release
    assembled = "" if release is None else f" assembled {read_at(release.assembled)}"
    told = f"{clean(deployment.id)} of {clean(deployment.release_id)}{assembled}"
    return f" ({told}, {clean(deployment.task_id)})"


def _deployed(found: Explanation) -> str | None:
    cell = found.cell
    if cell is None or cell.newest is None:
        return None
    who = clean(cell.made_by, 100) or "nobody Octopus names"
    when = "" if cell.made_at is None else f" at {read_at(cell.made_at)}"
    newer = "" if cell.newest_is_judged else f" (newest attempt, {clean(cell.newest)})"
    if found.asked is None:
        said = f": {clean(cell.comment, 200)}" if cell.comment else ""
        return f"by {who}{when}{newer}{said}"
    receipt = "no receipt yet" if found.link is None else f"receipt {_receipt(found)}"
    return f"by the reconciler as {who}{when}{newer}, for commit {found.asked[:DIGITS]}, {receipt}"


def _receipt(found: Explanation) -> str:
    path = "" if found.link is None else found.link.path
    return clean(path.rpartition("/")[2].removesuffix(".receipt.json"))


def _compared(found: Explanation) -> Iterator[str]:
    action, cell = found.action, found.cell
    note = f" ({clean(action.note, 300)})" if action.note else ""
    says = REASONS[action.reason].says
    yield f"{action.kind.value}, {action.reason.value}: {says}{note}"
    if found.leads is not None:
        was, to = shown(action.from_version), shown(action.to_version)
        yield _COMPARED[found.leads].format(was=was, to=to)
    if found.pin is None or cell is None:
        return
    reached = cell.reached
    if reached is None:
        yield "no pin was reached here yet, so a commit asks for this one"
    else:
        last = f"{shown(reached.version)}, redeploy {reached.redeploy}"
        asks = "a commit asks for another" if found.is_new else "no commit asks for another"
        yield f"the pin reached last is {last}: {asks}"


def explanation_data(found: Explanation) -> dict[str, Data]:
    """Return the chain as `docs/cli.md` describes it."""
    plan, action = found.planned.plan, found.action
    return {
        "apiVersion": "reconciler/v1",
        "kind": "Explanation",
        "metadata": {"name": clean(plan.environment)},
        "spec": {
            **cell_data(action.cell),
            "commit": plan.commit,
            "readAt": moment(plan.read_at),
            "pinned": _pin_data(found),
            "seen": _seen_data(found),
            "deployed": _deployed_data(found),
            "compared": {
                "action": action.kind.value,
                "direction": None if found.leads is None else found.leads.value,
                "from": _version(action.from_version),
                "isNew": found.is_new,
                "note": clean(action.note, 300) if action.note else "",
                "reached": _reached_data(found),
                "reason": action.reason.value,
                "to": _version(action.to_version),
                "waitsFor": [clean(name) for name in action.waits_for],
                "wave": action.wave,
            },
            "gates": [gate_data(gate) for gate in found.gates],
        },
    }


def _pin_data(found: Explanation) -> Data:
    pin, hold = found.pin, None if found.pin is None else found.pin.hold
    if pin is None:
        return None
    held: Data = None
    if hold is not None:
        until = None if hold.until is None else moment(hold.until)
        held = {"reason": clean(hold.reason), "until": until}
    return {
        "file": clean(pin.place.file, 300),
        "hold": held,
        "line": pin.place.line,
        "platform": None
        if pin.base is None
        else {"name": clean(pin.base.platform), "version": clean(pin.base.version)},
        "redeploy": pin.redeploy,
        "refreshVariables": pin.refresh,
        "version": clean(pin.version),
        "written": None if found.written is None else authorship_data(found.written),
    }


def authorship_data(written: Authorship) -> dict[str, Data]:
    """Return who made a commit, and when."""
    return {
        "at": None if written.at is None else moment(written.at),
        "author": clean(written.author, 100) if written.author else "",
        "commit": written.commit,
        "email": clean(written.email, 100) if written.email else "",
        "subject": clean(written.subject, 150) if written.subject else "",
    }


def _seen_data(found: Explanation) -> Data:
    cell, deployment, release = found.cell, found.deployment, found.release
    if cell is None:
        return None
    why, attempted = "", cell.version if isinstance(cell.sighting, Settled) else None
    match cell.sighting:
        case Unobserved() as blind:
            state, why = "unobserved", blind.why
        case NeverDeployed():
            state = "never"
        case Settled():
            state = "settled"
        case Unsettled() as failed:
            state, attempted, why = "unsettled", failed.attempted, failed.why
    return {
        "assembled": None if release is None else moment(release.assembled),
        "attempted": _version(attempted),
        "deployment": None if deployment is None else clean(deployment.id),
        "release": None if deployment is None else clean(deployment.release_id),
        "running": [
            {
                "description": clean(task.description) if task.description else "",
                "id": clean(task.id),
                "state": task.state.value,
                "waitsForPerson": task.id in cell.waiting,
            }
            for task in cell.running
        ],
        "state": state,
        "task": None if deployment is None else clean(deployment.task_id),
        "version": _version(cell.version),
        "why": clean(why) if why else "",
    }


def _deployed_data(found: Explanation) -> Data:
    cell = found.cell
    if cell is None or cell.newest is None:
        return None
    return {
        "at": None if cell.made_at is None else moment(cell.made_at),
        "by": clean(cell.made_by, 100) if cell.made_by else "",
        "comment": clean(cell.comment, 300) if cell.comment else "",
        "commit": found.asked,
        "deployment": clean(cell.newest),
        "receipt": None if found.link is None else _receipt(found),
    }


def _reached_data(found: Explanation) -> Data:
    reached = None if found.cell is None else found.cell.reached
    if reached is None:
        return None
    return {"redeploy": reached.redeploy, "version": clean(reached.version)}


def _version(version: str | None) -> str | None:
    return None if version is None else clean(version)
