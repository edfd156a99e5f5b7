"""A request leaves only while its lease lasts, whatever was done for it first."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from reconciler.engine.doors import Pace
from reconciler.engine.launch import ask
from reconciler.errors import LeaseLost

if TYPE_CHECKING:
    from reconciler.core.intent import IntentRecord
    from reconciler.engine.doors import Doors
    from reconciler.engine.keeper import LeaseKeeper
    from reconciler.ports import Octopus


@dataclass
class World:
    """The doors that asking uses, as its own journal, clock and lease."""

    said: list[str] = field(default_factory=list)
    pace: Pace = field(default_factory=Pace)
    fence: int = 1
    lasts: bool = True

    @property
    def journal(self) -> World:
        return self

    @property
    def clock(self) -> World:
        return self

    def monotonic(self) -> float:
        return 0.0

    def promise(self, record: object, fence: int) -> None:
        self.said.append("promised")

    def void(self, intent: str, fence: int) -> None:
        self.said.append("void")

    async def check(self) -> None:
        if not self.lasts:
            raise LeaseLost("it runs out", hint="try again")


async def test_rule_19_a_lease_that_ran_out_while_variables_were_refreshed_sends_nothing() -> None:
    world = World()

    async def prepare(left: float) -> None:
        world.lasts = False

    async def request(left: float) -> tuple[str, str]:
        world.said.append("sent")
        return "Deployments-1", "ServerTasks-1"

    record = SimpleNamespace(intent=SimpleNamespace(id="ab" * 32))
    with pytest.raises(LeaseLost):
        await ask(
            cast("Doors", world),
            cast("Octopus", world),
            cast("LeaseKeeper", world),
            cast("IntentRecord", record),
            0.0,
            request,
            prepare,
        )
    assert world.said == ["promised", "void"]
