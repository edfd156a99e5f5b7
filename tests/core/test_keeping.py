"""Which pinned releases retention may remove."""

from core_builders import cell, desired, observed, project, settled

from reconciler.core.checkup import Keeping
from reconciler.core.deployers import Automation
from reconciler.core.keeping import shortest_keeping, waiting_releases

MONTH = Keeping("Lifecycles-1", "Web", "30 days")
EVER = Keeping("Lifecycles-2", "Kept", None)
API = project("api", lifecycle_id="Lifecycles-2")


def test_only_pins_that_run_nowhere_wait() -> None:
    asked = desired({"api": "2.0", "db": "1.0", "web": "3.0"})
    seen = observed(*(cell(name, settled("1.0")) for name in ("api", "db", "web")))
    current = {("Projects-db", "1.0"), ("Projects-web", "3.0")}

    assert dict(waiting_releases(asked, seen, current, lambda _: MONTH)) == {"api": MONTH}


def test_the_channel_that_keeps_least_counts() -> None:
    known = {one.lifecycle: one for one in (MONTH, EVER)}
    both = Automation(lifecycles_of={API.id: frozenset(known)})

    assert shortest_keeping(both, known, API) is MONTH
    assert shortest_keeping(Automation(), known, API) is EVER
    assert shortest_keeping(None, known, API) is EVER
    assert shortest_keeping(both, {EVER.lifecycle: EVER}, API) is None
