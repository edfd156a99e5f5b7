"""Gate `release-replaced`: what was signed off is deployed, or nothing is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from core_builders import COMMIT, PLACE, SERVER, SPACE_ID, cell, desired, observed, settled

from reconciler.core.cellkey import CellKey
from reconciler.core.manifest import Base, Environment, Pin
from reconciler.core.plan import make_plan
from reconciler.core.platform import Captured, PlatformVersion, Source, identity
from reconciler.core.replaced import replaced_gates
from reconciler.core.snapshot import SnapshotCell, line_of
from reconciler.core.state import ReleaseDetail
from reconciler.core.tenant import Tenant

if TYPE_CHECKING:
    from reconciler.core.gate import Gate

RELEASE = ReleaseDetail(
    id="Releases-9",
    project_id="Projects-api",
    version="1.1.0",
    assembled=datetime(2026, 11, 19, 16, 2, 11, tzinfo=UTC),
    channel_id="Channels-1",
    process_snapshot="p-s-1",
    variable_snapshot="v-s-1",
    packages=(("Deploy", "1.1.0"),),
)
SIGNED = identity(RELEASE, SPACE_ID, PLACE)
HERE = Source("qa", COMMIT, SERVER.installation_id)


def gates(
    release: ReleaseDetail | None,
    signed: Captured = SIGNED,
    source: Source | None = HERE,
    pinned: str = "1.1.0",
) -> list[Gate]:
    platform = PlatformVersion("2026.11.1", "gaming-platform", {"api": signed}, PLACE, source)
    pin = Pin(pinned, PLACE, base=Base("2026.11.1", "1.1.0"), is_own=pinned != "1.1.0")
    state = desired({"api": pin, "web": "1.1.0"})
    environment: Environment = replace(state.environment, platform=platform)
    seen = observed(cell("api", settled("1.0.0")), cell("web", settled("1.0.0")))
    plan = make_plan(replace(state, environment=environment), seen, COMMIT)
    known = {} if release is None else dict.fromkeys(map(CellKey, ("api", "web")), release)
    return list(replaced_gates(plan, environment, seen, known, {}))


def test_the_release_that_was_signed_off_has_no_gate() -> None:
    assert gates(RELEASE) == []
    assert gates(None) == []  # told as missing


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("id", "Releases-12", "release Releases-9 -> Releases-12"),
        ("variable_snapshot", "v-s-2", "variables v-s-1 -> v-s-2"),
        ("process_snapshot", "p-s-2", "process p-s-1 -> p-s-2"),
        ("packages", (("Deploy", "1.1.1"),), "package Deploy 1.1.0 -> 1.1.1"),
    ],
)
def test_any_other_identity_is_held_and_told(field: str, value: object, told: str) -> None:
    (gate,) = gates(replace(RELEASE, **{field: value}))  # type: ignore[arg-type]

    assert gate.cell == "api"
    assert gate.message == (
        f"release 1.1.0 is not the one that platform version 2026.11.1 has: {told}"
    )
    assert "signs off what the release is now" in gate.opener


def test_ids_of_another_server_or_of_a_set_written_by_hand_are_not_compared_packages_are() -> None:
    other = replace(RELEASE, id="Releases-12", packages=(("Deploy", "1.1.1"),))

    for source in (None, replace(HERE, server="another")):
        assert gates(replace(RELEASE, id="Releases-12"), source=source) == []
        (gate,) = gates(other, source=source)
        assert gate.message.endswith("has: package Deploy 1.1.0 -> 1.1.1")


def test_a_pin_that_breaks_the_alignment_asks_for_another_release() -> None:
    assert gates(replace(RELEASE, id="Releases-12", version="1.1.1"), pinned="1.1.1") == []


@pytest.mark.parametrize(
    ("now", "held"),
    [
        (RELEASE, False),
        (replace(RELEASE, id="Releases-12"), True),
        (replace(RELEASE, assembled=datetime(2026, 11, 20, tzinfo=UTC)), True),
        (replace(RELEASE, variable_snapshot="v-s-2"), False),  # refreshed by a person
    ],
)
def test_a_version_that_runs_and_was_made_again_is_not_deployed_once_more(
    now: ReleaseDetail, held: bool
) -> None:
    state = desired({"api": Pin("1.1.0", PLACE, redeploy=1)})
    seen = observed(cell("api", settled("1.1.0"), "1.1.0"))
    plan = make_plan(state, seen, COMMIT)
    line = SnapshotCell("settled", "1.1.0", release="Releases-9", assembled="2026-11-19T16:02:11Z")
    key = CellKey("api")

    found = list(replaced_gates(plan, state.environment, seen, {key: now}, {key: line}))

    assert [gate.cell for gate in found] == (["api"] if held else [])
    assert list(replaced_gates(plan, state.environment, seen, {key: now}, {})) == []


def test_a_pin_with_fresh_variables_asks_for_others_than_were_signed_off() -> None:
    refreshed = replace(RELEASE, variable_snapshot="v-s-2")
    platform = PlatformVersion("2026.11.1", "gaming-platform", {"api": SIGNED}, PLACE, HERE)
    pin = Pin("1.1.0", PLACE, base=Base("2026.11.1", "1.1.0"), refresh=True)
    state = desired({"api": pin})
    environment: Environment = replace(state.environment, platform=platform)
    seen = observed(cell("api", settled("1.0.0")))
    plan = make_plan(replace(state, environment=environment), seen, COMMIT)

    def told(release: ReleaseDetail) -> list[Gate]:
        return list(replaced_gates(plan, environment, seen, {CellKey("api"): release}, {}))

    assert told(refreshed) == []
    assert "process" in told(replace(refreshed, process_snapshot="p-s-2"))[0].message


def test_a_tenant_that_was_renamed_is_found_by_its_id() -> None:
    line = SnapshotCell("settled", "1.1.0", release="Releases-8", tenant="Tenants-1")
    tenant = Tenant("Tenants-1", "Acme Ltd", frozenset(), {})
    seen = replace(cell("api", settled("1.1.0")), key=CellKey("api@Acme Ltd"), tenant=tenant)

    assert line_of({CellKey("api@Acme"): line}, seen) == line
    assert line_of({CellKey("api@Acme"): replace(line, tenant="Tenants-2")}, seen) is None
    assert line_of({CellKey("api@Acme Ltd"): replace(line, tenant="Tenants-2")}, seen) is None
