"""The log tree of tasks that do not simply succeed."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from reconciler.simulator import Simulator


async def _tree(api: Any, simulator: Simulator, query: str = "") -> Any:
    task_id = simulator.deployments("Web Shop", "Test")[-1].task_id
    details = await api.get(f"/api/tasks/{task_id}/details{query}")
    (root,) = details["ActivityLogs"]
    return root


def _steps(root: Any) -> list[str]:
    return [each["Status"] for each in root["Children"]]


def _lines(node: Any) -> Iterator[tuple[int, str, str]]:
    for line in node["LogElements"]:
        yield line["Number"], line["Category"], line["MessageText"]
    for child in node["Children"]:
        yield from _lines(child)


async def test_a_failure_ends_the_last_step_with_its_message(
    simulator: Simulator, api: Any
) -> None:
    simulator.fail_next("Web Shop", None, "Test", message="disk full")
    simulator.deploy("Web Shop", "1.2.0", "Test")
    simulator.advance(10)

    root = await _tree(api, simulator)

    assert (root["Status"], _steps(root)) == ("Failed", ["Success", "Success", "Failed"])
    assert {"Error", "Fatal"} <= {
        category for _, category, text in _lines(root) if text == "disk full"
    }


async def test_a_cancelled_task_leaves_its_later_steps_undone(
    simulator: Simulator, api: Any
) -> None:
    deployment = simulator.deploy("Web Shop", "1.2.0", "Test")
    simulator.advance(5)
    simulator.cancel(deployment)
    assert (await _tree(api, simulator))["Status"] == "Running"
    simulator.advance(2)

    root = await _tree(api, simulator)

    assert (root["Status"], _steps(root)) == ("Canceled", ["Success", "Canceled", "Canceled"])
    assert root["Ended"] == "2026-11-20T10:00:07.000+00:00"


async def test_a_wait_shows_in_the_log_and_moves_what_follows(
    simulator: Simulator, api: Any
) -> None:
    simulator.interrupt_next("Web Shop", None, "Test", title="Go live?", at=0.5)
    simulator.deploy("Web Shop", "1.2.0", "Test")
    simulator.advance(100)
    root = await _tree(api, simulator)
    assert _steps(root) == ["Success", "Running", "Pending"]
    assert "Waiting: Go live?" in {text for _, _, text in _lines(root)}

    (waiting,) = (await api.get("/api/interruptions"))["Items"]
    await api.put(waiting["Links"]["Responsible"])
    await api.post(waiting["Links"]["Submit"], {"Result": "Proceed"}, status=200)
    simulator.advance(5)

    root = await _tree(api, simulator)
    assert _steps(root) == ["Success"] * 3
    assert root["Children"][0]["Ended"] == "2026-11-20T10:00:03.333+00:00"
    assert root["Children"][2]["Started"] == "2026-11-20T10:01:41.666+00:00"


@pytest.mark.parametrize("seconds", [0, 1, 4, 7, 9.9, 10, 60])
async def test_lines_are_numbered_in_order_at_every_moment(
    simulator: Simulator, api: Any, seconds: float
) -> None:
    simulator.warn_next("Web Shop", None, "Test")
    simulator.deploy("Web Shop", "1.2.0", "Test")
    simulator.advance(seconds)
    root = await _tree(api, simulator)
    numbers = [number for number, _, _ in _lines(root)]
    assert numbers == sorted(set(numbers))
    assert all(line["OccurredAt"] <= _now(simulator) for line in root["LogElements"])
    shorter = await _tree(api, simulator, "?tail=1&verbose=true")
    assert all(len(child["LogElements"]) <= 1 for child in shorter["Children"])


def _now(simulator: Simulator) -> str:
    return (simulator.now + timedelta(milliseconds=1)).isoformat(timespec="milliseconds")


async def test_a_scheduled_task_has_an_empty_log(simulator: Simulator, api: Any) -> None:
    simulator.deploy("Web Shop", "1.2.0", "Test", at=simulator.now + timedelta(hours=1))
    root = await _tree(api, simulator)
    assert (root["Status"], root["Started"], list(_lines(root))) == ("Pending", None, [])
    assert set(_steps(root)) == {"Pending"}
