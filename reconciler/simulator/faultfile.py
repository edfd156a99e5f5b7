"""Scripted faults of a file: of requests, of deployments, of the server itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from reconciler.simulator.faults import fault_from
from reconciler.simulator.handwritten import (
    FileProblem,
    Node,
    Problem,
    need,
    read_document,
    read_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.simulator.simulator import Simulator

__all__ = ["FaultsError", "load_faults", "parse_faults", "take_faults"]

_OUTCOMES = (
    *("failure", "warning", "stuck", "stuck-queued", "stuck-cancelling", "interruption"),
    *("machine-dies", "restart"),
)
_EVENTS = ("restart", "backup", "restore", "machine-dies")
_STUCK: dict[str, Literal["Queued", "Executing", "Cancelling"]] = {
    "stuck": "Executing",
    "stuck-queued": "Queued",
    "stuck-cancelling": "Cancelling",
}


class FaultsError(FileProblem):
    """A file of faults cannot be used; says at which place."""


def load_faults(simulator: Simulator, name: str) -> None:
    """Put the faults of a file in force, all or none.

    Raises:
        FaultsError: it cannot be read, or something in it makes no sense for this server.
    """
    text = read_text(name, FaultsError, "there is no such file")
    parse_faults(simulator, text, source=name)


def parse_faults(simulator: Simulator, text: str, *, source: str = "faults") -> None:
    """Put faults in force that are written in YAML or JSON, all or none.

    Raises:
        FaultsError: with file, line and column where they are known.
    """
    for act in read_document(text, source, partial(_faults, simulator), FaultsError):
        act()


def take_faults(simulator: Simulator, document: object) -> None:
    """Put faults in force that are plain values, as a request's body has them, all or none.

    Raises:
        FaultsError: with the way to the mistake, as `deployments.0.outcome`.
    """
    try:
        acts = _faults(simulator, Node(document, ()))
    except Problem as problem:
        place = ".".join(map(str, problem.place))
        raise FaultsError(problem.message, place=place) from None
    for act in acts:
        act()


def _faults(simulator: Simulator, node: Node) -> list[Callable[[], object]]:
    fields = node.fields("requests", "deployments", "server")
    acts = [_request(simulator, each) for each in _items(fields, "requests")]
    acts += [_deployment(simulator, each) for each in _items(fields, "deployments")]
    backups: list[bytes] = []
    acts += [_event(simulator, each, backups) for each in _items(fields, "server")]
    return acts


def _items(fields: dict[str, Node], name: str) -> list[Node]:
    return fields[name].items() if name in fields else []


def _request(simulator: Simulator, node: Node) -> Callable[[], object]:
    if not isinstance(node.value, dict):
        raise node.problem("expected a mapping of fields")
    try:
        fault = fault_from(node.value)
    except ValueError as error:
        raise node.problem(str(error)) from None
    return partial(simulator.add_fault, fault)


def _deployment(simulator: Simulator, node: Node) -> Callable[[], object]:
    fields = node.fields("project", "environment", "version", "outcome", "message", "space")
    project = need(fields, "project", node).text()
    environment = need(fields, "environment", node).text()
    version = fields["version"].text() if "version" in fields else None
    space = fields["space"].text() if "space" in fields else None
    outcome = _word(need(fields, "outcome", node), _OUTCOMES)
    cell = (project, version, environment)
    try:
        simulator.deployments(project, environment, space=space)
        if outcome == "machine-dies":
            simulator.machines_of(project, environment, space=space)
    except LookupError as error:
        raise node.problem(str(error)) from None
    message = fields["message"].text() if "message" in fields else "A scripted fault."
    match outcome:
        case "failure":
            return partial(simulator.fail_next, *cell, message=message, space=space)
        case "warning":
            return partial(simulator.warn_next, *cell, message=message, space=space)
        case "interruption":
            return partial(simulator.interrupt_next, *cell, instructions=message, space=space)
        case "machine-dies":
            return partial(simulator.machine_dies_during_next, *cell, space=space)
        case "restart":
            return partial(simulator.restart_during_next, *cell, space=space)
        case _:
            return partial(simulator.stick, *cell, state=_STUCK[outcome], space=space)


def _event(simulator: Simulator, node: Node, backups: list[bytes]) -> Callable[[], object]:
    fields = node.fields("after", "event", "machine", "space")
    event = _word(need(fields, "event", node), _EVENTS)
    happen: Callable[[], None]
    match event:
        case "restart":
            happen = simulator.restart
        case "machine-dies":
            machine = need(fields, "machine", node).text()
            space = fields["space"].text() if "space" in fields else None
            try:
                simulator.machine_id(machine, space=space)
            except LookupError as error:
                raise node.problem(str(error)) from None
            happen = partial(simulator.machine_dies, machine, space=space)
        case _:
            happen = partial(_keep if event == "backup" else _bring_back, simulator, backups)
    if "machine" in fields and event != "machine-dies":
        raise Problem("only the event 'machine-dies' has a machine", fields["machine"].place)
    return partial(simulator.later, need(fields, "after", node).seconds(), happen)


def _keep(simulator: Simulator, backups: list[bytes]) -> None:
    backups[:] = [simulator.backup()]


def _bring_back(simulator: Simulator, backups: list[bytes]) -> None:
    """Restore the newest backup; a server that made none goes on."""
    for backup in backups:
        simulator.restore(backup)


def _word(node: Node, known: tuple[str, ...]) -> str:
    word = node.text()
    if word not in known:
        raise node.problem(f"{word!r} is none of {', '.join(known)}")
    return word
