"""What a pass has told so far, kept for the report at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.engine.events import Ended, Launched, PlanMade, Recorded, Resumed

if TYPE_CHECKING:
    from reconciler.core.cellkey import CellKey
    from reconciler.core.gate import Gate
    from reconciler.core.plan import Action, Plan
    from reconciler.engine.events import Event


@dataclass(slots=True)
class Story:
    """The facts of one pass by cell. A replan adds to it and forgets nothing."""

    plan: Plan | None = None
    gates: tuple[Gate, ...] = ()
    actions: dict[CellKey, Action] = field(default_factory=dict)
    ended: dict[CellKey, Ended] = field(default_factory=dict)
    launched: dict[CellKey, str] = field(default_factory=dict)
    resumed: dict[CellKey, str] = field(default_factory=dict)
    recorded: Recorded | None = None

    def hear(self, event: Event) -> None:
        """Keep what the report will need."""
        match event:
            case PlanMade(plan=plan, gates=gates):
                self.plan, self.gates = plan, gates
                self.actions |= {action.cell: action for action in plan.changes}
            case Launched(action=action, task_id=task_id):
                self.launched[action.cell] = task_id
            case Ended(cell=cell):
                self.ended[cell] = event
            case Resumed(found=found):
                self.resumed |= dict(found)
            case Recorded():
                self.recorded = event
            case _:
                pass
