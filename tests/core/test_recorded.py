"""An environment as its snapshot has it, where Octopus is not asked."""

from core_builders import COMMIT, NOON, desired

from reconciler.core.cellkey import cell_key
from reconciler.core.plan import Kind, Reason, make_plan
from reconciler.core.recorded import recorded_state
from reconciler.core.snapshot import Reached, Snapshot, SnapshotCell

SNAPSHOT = Snapshot(
    *("production-uk", "1111", "Spaces-2", "Environments-3"),
    {
        cell_key("settled"): SnapshotCell("settled", "1.0", Reached("1.0"), deployment="D-1"),
        cell_key("failed"): SnapshotCell("unsettled", "1.0", Reached("1.0"), deployment="D-2"),
        cell_key("never"): SnapshotCell("never"),
        cell_key("blind"): SnapshotCell("unobserved", "1.0", Reached("1.0")),
        cell_key("gone"): SnapshotCell("settled", "3.0", Reached("3.0"), deployment="D-4"),
    },
)
PINS = {"settled": "1.1", "failed": "1.1", "never": "1.0", "blind": "1.1", "untold": "1.0"}


def test_a_snapshot_plans_as_what_it_tells_of_and_rule_3_nothing_it_does_not() -> None:
    wanted = desired(PINS)

    plan = make_plan(wanted, recorded_state(wanted, SNAPSHOT, NOON), COMMIT)

    found = {action.cell: (action.kind, action.reason) for action in plan.actions}
    assert found == {
        "settled": (Kind.UPGRADE, Reason.NEW_PIN),
        "failed": (Kind.UPGRADE, Reason.UNSETTLED),
        "never": (Kind.UPGRADE, Reason.NOT_DEPLOYED),
        "blind": (Kind.IGNORE, Reason.UNOBSERVED),
        "untold": (Kind.IGNORE, Reason.UNOBSERVED),
        "gone": (Kind.IGNORE, Reason.UNMANAGED),
    }
    assert plan.read_at == NOON


def test_without_a_snapshot_everything_is_unobserved() -> None:
    wanted = desired(PINS)

    assert make_plan(wanted, recorded_state(wanted, None, NOON), COMMIT).is_blind
