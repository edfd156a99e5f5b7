"""One of each thing that seeds have none of, so that every route has something to show."""

from reconciler.simulator import Simulator

__all__ = ["PLACES", "furnish"]

PLACES = {"trigger": "ProjectTriggers-1"}
"""What `furnish` makes, by the parameters of paths."""


def furnish(simulator: Simulator) -> None:
    """Put one of each thing into the small server."""
    simulator.add_trigger(
        "Web Shop",
        "New targets",
        filter={"FilterType": "MachineFilter"},
        action={"ActionType": "AutoDeploy"},
    )
