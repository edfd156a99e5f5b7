"""A change waits until what it uses of another stack is seen to run in the range."""

import pytest
from core_builders import ENVIRONMENT_ID, Octopus

from reconciler.core.gate import Gate, GateName
from reconciler.core.precondition import Precondition, precondition_gates
from reconciler.core.state import SpaceState, TaskState
from reconciler.core.versionrange import VersionRange


def uses(bounds: str = ">=4.0", component: str = "lobby-ui") -> Precondition:
    project = "identity-server"
    return Precondition(component, "identity", project, project, VersionRange.parse(bounds))


def gates(state: SpaceState | None, *preconditions: Precondition) -> tuple[Gate, ...]:
    return precondition_gates(["lobby-ui", "web"], preconditions, state, ENVIRONMENT_ID)


def seen(version: str | None, state: TaskState = TaskState.SUCCESS) -> SpaceState:
    octopus = Octopus.with_projects("identity-server", "lobby-ui")
    if version is not None:
        octopus.deployed("identity-server", version, state)
    return octopus.state()


def moving() -> SpaceState:
    octopus = Octopus.with_projects("identity-server", "lobby-ui")
    octopus.deployed("identity-server", "4.1")
    octopus.deployed("identity-server", "3.9", TaskState.EXECUTING)
    return octopus.state()


def test_what_runs_in_the_range_opens() -> None:
    assert gates(seen("4.1"), uses()) == ()


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (seen("3.9"), "runs 3.9"),
        (seen("4.0-rc.1"), "runs 4.0-rc.1"),
        (seen("4.1", TaskState.FAILED), "is unsettled: the last attempt, 4.1, ended failed"),
        (seen(None), "was never deployed here"),
        (None, "could not be read"),
        (moving(), "is not at rest: ServerTasks-101 is not finished"),
        (
            Octopus.with_projects("lobby-ui").state(),
            "could not be read: Octopus shows no project 'identity-server' in this space",
        ),
        (
            Octopus.with_projects("identity-server").state(gaps=("the list ended early",)),
            "could not be read: the list ended early",
        ),
    ],
)
def test_rule_11_what_is_lower_or_unknown_holds(state: SpaceState | None, why: str) -> None:
    assert gates(state, uses()) == (
        Gate(
            "lobby-ui",
            GateName.PRECONDITION,
            f"uses identity/identity-server >=4.0, which {why}",
            "identity-server runs here in a version >=4.0",
        ),
    )


def test_what_the_whole_stack_uses_holds_every_change() -> None:
    assert [gate.cell for gate in gates(seen("3"), uses(component=""))] == ["lobby-ui", "web"]


def test_what_does_not_change_is_not_held() -> None:
    assert gates(seen("3"), uses(component="mail")) == ()
    assert precondition_gates([], [uses()], seen("3"), ENVIRONMENT_ID) == ()
