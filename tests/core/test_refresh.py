"""Fresh variables: when a cell in sync is deployed again for them, and what a plan says of that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from core_builders import COMMIT, PLACE, cell, desired, observed, settled

from reconciler.core.approval import Change
from reconciler.core.cell import Config
from reconciler.core.manifest import Pin, Until
from reconciler.core.plan import Kind, Plan, Reason, make_plan
from reconciler.core.refresh import Refresh, Stage, config_of, frozen
from reconciler.core.snapshot import SnapshotCell
from reconciler.core.state import ReleaseDetail

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
RELEASE = ReleaseDetail(
    "Releases-1", "Projects-1", "1.0.0", NOW, "Channels-1", "p", "v-s-1", (), ("l-s-1", "l-s-2")
)
LINE = SnapshotCell(
    "settled", "1.0.0", deployment="Deployments-1", variables="v-s-1", libraries="l-s-1 l-s-2"
)
TRIED = Refresh("e", "s", "Spaces-1", "Releases-1", "v-s-0", COMMIT, "", NOW, Stage.DONE)


def told(
    line: SnapshotCell | None = LINE, *refreshes: Refresh, is_modified: bool = False
) -> Config | None:
    return config_of(line, "Deployments-1", RELEASE, refreshes, is_modified=is_modified)


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        None,  # nothing tells with what it was deployed
        replace(LINE, libraries=None),  # nor, of library sets, here
        replace(LINE, variables="other", deployment="Deployments-0"),  # another deployment's
    ],
)
def test_what_is_not_known_to_differ_asks_for_nothing(line: SnapshotCell | None) -> None:
    assert told(line) is None


@pytest.mark.parametrize(
    "line", [replace(LINE, variables="v-s-0"), replace(LINE, libraries="l-s-1 l-s-0")]
)
def test_a_release_that_was_refreshed_since_is_deployed_again(line: SnapshotCell) -> None:
    found = told(line)

    assert found is not None
    assert found.is_changed


def test_variables_that_are_others_today_are_deployed_until_a_refresh_was_in_vain() -> None:
    served = replace(TRIED, after=frozen(RELEASE))
    vain = replace(served, differs=True)

    assert told(LINE, is_modified=True) == told(LINE, served, is_modified=True)
    found = told(LINE, served, vain, is_modified=True)
    assert found is not None
    assert (found.is_changed, "even after a refresh" in found.note) == (False, True)


def planned(config: Config | None, pin: Pin) -> Plan:
    seen = observed(cell("api", settled("1.0.0"), "1.0.0", config=config))
    return make_plan(desired({"api": pin}), seen, COMMIT)


FRESH = Pin("1.0.0", PLACE, refresh=True)


def test_changed_variables_redeploy_what_is_neither_held_nor_suspended() -> None:
    config = Config(is_changed=True, note="variables changed")

    (action,) = planned(config, FRESH).changes
    assert (action.kind, action.reason, action.note) == (
        Kind.REDEPLOY,
        Reason.CONFIG_CHANGED,
        "variables changed",
    )
    assert not planned(config, replace(FRESH, hold=Until("CHG-1"))).has_work
    assert not planned(replace(config, is_changed=False), FRESH).has_work


def test_rule_32_a_change_with_fresh_variables_is_another_than_one_without() -> None:
    fresh, plain = (planned(None, Pin("2.0.0", PLACE, refresh=asked)) for asked in (True, False))

    assert fresh.digest != plain.digest
    assert Change.of(fresh.changes[0]) != Change.of(plain.changes[0])
    assert Change.of(plain.changes[0]) == Change("api", "1.0.0", "2.0.0", 0)
