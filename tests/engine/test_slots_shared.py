"""One account of slots for each server, whatever pass or space asks."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from reconciler.core.slots import Load
from reconciler.engine.slots import Share, Slots
from reconciler.errors import Unreachable


class Clock:
    seconds = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Octopus:
    loads: list[Load | None]
    asked: int = field(default=0)

    async def load(self) -> Load | None:
        self.asked += 1
        if not self.loads:
            raise Unreachable("gone", hint="wait")
        return self.loads.pop(0)


def begin(share: Share, number: int) -> int:
    """Let a pass start so many, if it may, on top of what it has."""
    granted = share.reserve(number)
    share.hold([*share.tasks, *(f"t{id(share)}-{len(share.tasks) + n}" for n in range(granted))])
    return granted


async def full(cap: int) -> Slots:
    slots = Slots(Clock(), None)
    with slots.of("i").join() as share:
        await share.refresh(Octopus([Load(cap, 0)]))  # type: ignore[arg-type]
    return slots


async def test_passes_on_one_server_share_its_slots_and_one_stays_for_people() -> None:
    slots = await full(10)
    with slots.of("i").join() as one, slots.of("i").join() as other:
        assert begin(one, 6) == 6
        assert begin(other, 6) == 3
    with slots.of("another").join() as elsewhere:
        assert begin(elsewhere, 9) == 4


async def test_a_pass_with_much_to_do_starves_no_other() -> None:
    slots = await full(10)
    with slots.of("i").join() as large:
        assert begin(large, 1000) == 9
        with slots.of("i").join() as small:
            assert begin(small, 2) == 0  # nothing is taken away from what runs
            large.hold(sorted(large.tasks)[:7])
            assert begin(large, 991) == 0  # what became free is the other's
            assert begin(small, 2) == 2
            assert begin(large, 991) == 0
        assert begin(large, 991) == 2


async def test_many_passes_on_few_slots_take_turns() -> None:
    slots = await full(2)
    server = slots.of("i")
    shares = [server.join() for _ in range(3)]
    served: list[int] = []
    for _ in range(6):
        for share in shares:
            share.hold([])
        served += [number for number, share in enumerate(shares) if begin(share, 5)]

    assert served == [0, 1, 2, 0, 1, 2]


async def test_what_runs_beside_ours_is_counted_when_the_server_tells() -> None:
    clock = Clock()
    with Slots(clock, None).of("i").join() as share:
        await share.refresh(Octopus([Load(20, 3)]))  # type: ignore[arg-type]
        assert begin(share, 99) == 15
        clock.seconds = 11.0
        await share.refresh(Octopus([Load(20, 16)]))  # type: ignore[arg-type]
        share.hold(sorted(share.tasks)[:10])
        assert begin(share, 99) == 7  # those that ended since are nobody else's


async def test_the_load_is_asked_for_once_however_many_passes_ask() -> None:
    clock = Clock()
    octopus = Octopus([Load(20, 0), None])
    with Slots(clock, None).of("i").join() as share:
        for _ in range(3):
            await share.refresh(octopus)  # type: ignore[arg-type]
        assert octopus.asked == 1
        clock.seconds = 11.0
        await share.refresh(octopus)  # type: ignore[arg-type]
        clock.seconds = 100.0
        await share.refresh(octopus)  # type: ignore[arg-type]
        assert octopus.asked == 2  # a server that does not tell us is not asked again soon
        clock.seconds = 1000.0
        await share.refresh(octopus)  # type: ignore[arg-type]
        assert octopus.asked == 3
        assert share.reserve(10) == pytest.approx(4)
