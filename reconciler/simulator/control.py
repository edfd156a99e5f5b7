"""Routes beside `/api`: a page that says what this is, the clock and the faults, for tests."""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused, created
from reconciler.simulator.faultfile import FaultsError, take_faults
from reconciler.simulator.faults import fault_from
from reconciler.simulator.page import show_page
from reconciler.simulator.permissions import refuse
from reconciler.simulator.router import HOME, Route, Routes, Scope
from reconciler.simulator.times import stamp

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.simulator import Simulator

__all__ = ["control_routes"]

_PARTS = frozenset({"requests", "deployments", "server"})
"""Fields of a file of faults, of which a body of that form has at least one."""


def control_routes(simulator: Simulator) -> list[Route]:
    """Return the routes; those that change something need an administrator's key."""
    routes = Routes(Scope.SYSTEM)

    routes.on("GET", HOME, "app", anonymous=True)(show_page)

    @routes.post("simulator/clock")
    def turn(call: Call) -> object:
        _administrator(call)
        seconds = call.body().get("advance")
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise Refused(400, 'The body must be like {"advance": 60}, in seconds.')
        if not (math.isfinite(seconds) and 0 <= seconds <= 1_000_000_000):
            raise Refused(400, "The clock only goes forward, by at most 1000000000 seconds.")
        call.world.turned += timedelta(seconds=seconds)
        return {"Now": stamp(call.world.advance())}

    @routes.get("simulator/clock")
    def clock(call: Call) -> object:
        _administrator(call)
        return {"Now": stamp(call.now)}

    @routes.get("simulator/faults")
    def show(call: Call) -> object:
        _administrator(call)
        return [asdict(fault) for fault in simulator.faults]

    @routes.post("simulator/faults")
    def add(call: Call) -> object:
        _administrator(call)
        given = call.json(as_written=True)
        if isinstance(given, dict) and _PARTS & given.keys():
            return _take(given)
        wanted = given if isinstance(given, list) else [given]
        if not all(isinstance(each, dict) for each in wanted):
            raise Refused(400, "The body must be a fault, a list of faults, or a file of faults.")
        try:
            made = [fault_from(each) for each in wanted]
        except ValueError as error:
            raise Refused(400, str(error)) from None
        return created([asdict(simulator.add_fault(fault)) for fault in made])

    def _take(given: dict[str, object]) -> object:
        try:
            take_faults(simulator, given)
        except FaultsError as error:
            raise Refused(400, str(error)) from None
        return created(given)

    @routes.on("DELETE", "simulator/faults")
    def clear(call: Call) -> object:
        _administrator(call)
        simulator.clear_faults()
        simulator.clear_scripts()
        return []

    return routes.routes


def _administrator(call: Call) -> None:
    if not call.user.is_administrator:
        raise refuse("AdministerSystem")
