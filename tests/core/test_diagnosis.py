"""What was seen, judged: how each thing stands, and what to do where something is wrong."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from core_builders import (
    ENVIRONMENT_ID,
    HOUR,
    NOON,
    PLACE,
    SERVER,
    SPACE_ID,
    may,
    project,
)

from reconciler.core.cellkey import cell_key
from reconciler.core.checkup import Check, Finding, Keeping, KeySeen, ServerSeen, Verdict
from reconciler.core.deployers import Deployer, DeployerKind, Others
from reconciler.core.diagnosis import (
    deployer_finding,
    key_findings,
    platform_finding,
    retention_finding,
    server_findings,
    shared_keys,
)
from reconciler.core.manifest import CredentialSource, Space
from reconciler.core.platform import PlatformVersion
from reconciler.core.role import ROLE, Reach, Square, Use, lacks
from reconciler.core.servers import FEATURES, is_at_least, missing_features
from reconciler.core.state import Permissions, User

DAY = timedelta(days=1)
ALL = [o.permission for o in ROLE if o.use is Use.OBSERVE and o.reach is not Reach.SYSTEM]
CELLS = tuple(Square(f"{o} in uk", project(o), ENVIRONMENT_ID) for o in ("api", "db"))
SERVICE = User("Users-7", "svc", "Service", is_service=True)
KEY = KeySeen(SERVICE, may(*ALL), NOON + 90 * DAY, expiry_told=True)


def judged(seen: KeySeen, use: Use = Use.OBSERVE) -> dict[Check, Finding]:
    whose = ("space shop", use, "variable X", seen, SPACE_ID, CELLS, NOON)
    found = key_findings(*whose, runbooks=True)
    return {one.check: one for one in found}


def of_server(**fields: Any) -> dict[Check, Finding]:
    seen = replace(ServerSeen(SERVER, ahead=0.4, has_freezes=True), **fields)
    return {one.check: one for one in server_findings("server x", seen)}


def test_a_finding_says_what_to_do_exactly_where_something_is_wrong() -> None:
    for verdict in Verdict:
        with pytest.raises(ValueError, match="what to do"):
            Finding(Check.GIT, "", verdict, "x", "do it" if verdict is Verdict.OK else "")


def test_a_whole_key_is_well() -> None:
    assert {one.verdict for one in judged(KEY).values()} == {Verdict.OK}


@pytest.mark.parametrize("need", [o for o in ROLE if o.use is Use.OBSERVE and o.permission in ALL])
def test_each_permission_that_a_key_lacks_is_told_with_what_that_means(need: Any) -> None:
    rest = [name for name in ALL if name != need.permission]

    finding = judged(replace(KEY, permissions=may(*rest)))[Check.PERMISSIONS]

    assert finding.verdict is (Verdict.FAILED if need.is_vital else Verdict.WARNING)
    assert finding.says == f"the observe key lacks {need.permission}: {need.without}"


def test_a_permission_for_some_cells_names_one_it_does_not_reach() -> None:
    narrow = may(*ALL).grants | may("TaskView", projects=frozenset({"Projects-api"})).grants
    seen = replace(KEY, permissions=Permissions(narrow, frozenset(), complete=True))

    assert "TaskView (db in uk): nothing is observed" in judged(seen)[Check.PERMISSIONS].says


def test_a_permission_for_named_tenants_does_not_reach_a_cell_of_another() -> None:
    cells = [replace(CELLS[0], name=name, tenant_id=name) for name in ("Tenants-1", "Tenants-2")]
    narrow = may("DeploymentCreate", tenants=frozenset({"Tenants-1"}))

    found = {one.need.permission: one.where for one in lacks(Use.DEPLOY, narrow, SPACE_ID, cells)}

    assert found["DeploymentCreate"] == "Tenants-2"


def test_a_narrowed_permission_is_enough_where_all_cells_are_in_it() -> None:
    cells = frozenset({"Projects-api", "Projects-db"})
    granted = {}
    for one in ROLE:
        limits = {"projects": cells} if one.reach is Reach.CELLS else {}
        granted |= may(one.permission, **limits).grants
    permissions = Permissions(granted, frozenset(), complete=True)

    found = [lacks(use, permissions, SPACE_ID, CELLS, approvals=False) for use in Use]
    assert found == [(), (), ()]
    assert lacks(Use.DEPLOY, permissions, "Spaces-9", CELLS) != ()


def test_who_approved_is_asked_for_only_where_plans_need_approvals() -> None:
    found = lacks(Use.OBSERVE, may(*ALL), SPACE_ID, CELLS)

    assert [one.need.permission for one in found] == ["UserView"]
    seen = Permissions(may(*ALL).grants, frozenset({"UserView"}), complete=True)
    assert lacks(Use.OBSERVE, seen, SPACE_ID, CELLS) == ()


def test_what_octopus_does_not_show_whole_is_unknown_and_not_lacking() -> None:
    seen = replace(KEY, permissions=may("ProjectView", complete=False))

    assert judged(seen)[Check.PERMISSIONS].verdict is Verdict.UNKNOWN


def test_an_administrators_key_is_refused_for_deploying() -> None:
    admin = replace(KEY, permissions=Permissions({}, frozenset({"AdministerSystem"}), True))

    assert judged(admin, Use.DEPLOY)[Check.KEY].verdict is Verdict.FAILED
    assert judged(admin, Use.OBSERVE)[Check.KEY].verdict is Verdict.WARNING
    assert Check.PERMISSIONS not in judged(admin)


def test_a_persons_key_is_told() -> None:
    assert (
        "a person" in judged(replace(KEY, user=replace(SERVICE, is_service=False)))[Check.KEY].says
    )


@pytest.mark.parametrize(
    ("expires", "told", "verdict", "words"),
    [
        (NOON + 90 * DAY, True, Verdict.OK, "expires on 2027-02-18"),
        (NOON + 20 * DAY, True, Verdict.WARNING, "expires on 2026-12-10, in 20 days"),
        (NOON + DAY + HOUR, True, Verdict.WARNING, "in 1 day"),
        (None, True, Verdict.OK, "does not expire"),
        (None, False, Verdict.UNKNOWN, "does not tell when"),
    ],
)
def test_when_a_key_expires_is_told_ahead(
    expires: Any, told: bool, verdict: Verdict, words: str
) -> None:
    finding = judged(replace(KEY, expires=expires, expiry_told=told))[Check.EXPIRY]

    assert finding.verdict is verdict
    assert words in finding.says


@pytest.mark.parametrize(
    ("ahead", "verdict", "words"),
    [
        (9.6, Verdict.OK, "agree, to 10 s"),
        (12.4, Verdict.WARNING, "12 s ahead of"),
        (-11.0, Verdict.WARNING, "11 s behind"),
        (None, Verdict.UNKNOWN, "no time"),
    ],
)
def test_clocks_that_differ_are_told(ahead: float | None, verdict: Verdict, words: str) -> None:
    finding = of_server(ahead=ahead)[Check.CLOCK]

    assert finding.verdict is verdict
    assert words in finding.says


def test_a_server_in_maintenance_and_an_old_one_are_told() -> None:
    assert "maintenance" in of_server(in_maintenance=True)[Check.SERVER].says
    old = of_server(server=replace(SERVER, version="2019.1.0"))
    assert old[Check.SERVER].verdict is Verdict.WARNING
    assert (
        of_server(server=replace(SERVER, version="mine"))[Check.SERVER].verdict is Verdict.UNKNOWN
    )


def test_what_a_version_does_not_have_is_not_supported_here() -> None:
    old = of_server(server=replace(SERVER, version="2023.4.1"), has_freezes=False)

    assert old[Check.FEATURES].says == "not supported here: deployment freezes, rate limits"
    assert of_server(has_freezes=False)[Check.FEATURES].says.endswith(": deployment freezes")
    assert of_server()[Check.FEATURES].verdict is Verdict.OK


def test_ways_to_sign_in_are_named() -> None:
    told = of_server(logins=(("Octopus", True), ("Okta", False)))[Check.LOGINS]
    assert told.says == "people sign in by Octopus (password), Okta"
    assert Check.LOGINS not in of_server(logins=None)


@pytest.mark.parametrize(
    ("version", "since", "answer"),
    [
        ("2024.2.9409", "2024.2", True),
        ("2024.1.99999", "2024.2", False),
        ("2022.3.5511", "2022.3.5512", False),
        ("2026.3.1234-hotfix", "2026.3", True),
        ("0.0.0-local", "2026.3", True),
        ("next", "2026.3", None),
    ],
)
def test_versions_of_servers_are_compared_by_their_numbers(
    version: str, since: str, answer: bool | None
) -> None:
    assert is_at_least(version, since) is answer


def test_a_version_that_cannot_be_read_lacks_nothing_for_sure() -> None:
    assert missing_features("next") == ()
    assert missing_features("2019.1") == FEATURES


NIGHTLY = Deployer(DeployerKind.SCHEDULE, "Nightly", "ProjectTriggers-1")


def test_other_deployers_are_told_until_they_are_named() -> None:
    others = {cell_key(name): Others((NIGHTLY,)) for name in ("api", "db")}

    told = deployer_finding("environment test", others, ())
    assert told.says == "also deployed by scheduled trigger 'Nightly' (2 cells)"
    assert deployer_finding("environment test", others, ("nightly",)).verdict is Verdict.OK
    unread = {cell_key("api"): Others((), ("it broke",))}
    assert deployer_finding("environment test", unread, ()).verdict is Verdict.UNKNOWN


def test_pins_whose_release_may_vanish_are_told() -> None:
    month = Keeping("Lifecycles-1", "Web", "30 days")

    told = retention_finding("environment test", {"b": month, "a": month})
    assert told.says == (
        "the pinned release of a and 1 more does not run there, and lifecycle 'Web' keeps releases "
        "for 30 days only"
    )
    assert retention_finding("e", {"a": replace(month, keeps=None)}).verdict is Verdict.OK
    assert retention_finding("e", {"a": None}).verdict is Verdict.UNKNOWN


def test_a_platform_version_without_its_releases_is_no_way_back() -> None:
    platform = PlatformVersion("2026.11.1", "shop", {}, PLACE)

    assert platform_finding(platform, "shop", (), 7).verdict is Verdict.OK
    assert "any more of api, db:" in platform_finding(platform, "shop", ("db", "api"), 7).says


def test_a_key_that_goes_to_two_servers_is_told() -> None:
    key = CredentialSource(env="OCTOPUS_KEY")
    one = Space("one", "https://one.example", "A", key, key, PLACE)

    assert tuple(shared_keys([one, replace(one, name="two")])) == ()
    (told,) = shared_keys([one, replace(one, name="two", server="https://two.example")])
    assert "is sent to 2 servers: https://one.example, https://two.example" in told.says
