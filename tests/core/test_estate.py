"""An estate as its manifests would say it: what runs is pinned, and all else says why it is not."""

from dataclasses import replace
from typing import Any

import pytest
from core_builders import ENVIRONMENT_ID, VIEWS, Octopus, desired, may, project, task

from reconciler.core.deployers import Automation, DeployerKind, Lifecycle, Parent, Trigger
from reconciler.core.estate import (
    Estate,
    FoundPin,
    Known,
    LeftOut,
    is_pin,
    is_text,
)
from reconciler.core.estate_find import find_estate
from reconciler.core.estate_news import known_of, news, only_new
from reconciler.core.manifest import Environment, ManifestSet
from reconciler.core.state import OctopusEnvironment, TaskState
from reconciler.core.tenant import Tenant

SERVER = "https://octopus.example"
SEES = (*VIEWS, "TriggerView", "LifecycleView")
EU = "Environments-4"


def found(octopus: Octopus, automation: Automation | None = None, **more: Any) -> Estate:
    known = more.pop("known", None)
    protected = more.pop("protected", str.isupper)
    state = octopus.state(permissions=may(*SEES), space_name="Shop", **more)
    return find_estate(
        SERVER, state, automation or Automation(), {}, protected=protected, known=known
    )


def london(estate: Estate) -> dict[str, FoundPin | LeftOut]:
    first = estate.environments[0]
    return {one.component: one for one in (*first.pins, *first.left)}


def test_what_settled_is_pinned_and_what_never_ran_is_listed() -> None:
    octopus = Octopus.with_projects("api", "db")
    octopus.deployed("api", "1.4.0")

    estate = found(octopus)
    first, second = estate.environments

    assert (first.name, first.pins, first.never) == (
        "production-uk",
        (FoundPin("api", "1.4.0"),),
        ("db",),
    )
    assert (second.name, second.pins, second.never) == ("production-eu", (), ("api", "db"))
    assert (estate.space, estate.stack, estate.key_variable) == ("shop", "shop", "OCTOPUS_SHOP_KEY")


@pytest.mark.parametrize(
    ("state", "partial", "why"),
    [
        (TaskState.FAILED, False, "ended as failed"),
        (TaskState.CANCELED, False, "ended as canceled"),
        (TaskState.SUCCESS, True, "ended as partial"),
    ],
)
def test_what_did_not_settle_is_left_out_with_the_version_before(
    state: TaskState, partial: bool, why: str
) -> None:
    octopus = Octopus.with_projects("api")
    octopus.deployed("api", "1.4.0")
    octopus.deployed("api", "1.5.0", state, partial=partial)

    out = london(found(octopus))["api"]

    assert isinstance(out, LeftOut)
    assert (out.version, out.why) == ("1.4.0", f"the newest attempt, of '1.5.0', {why}")


def test_a_deployment_under_way_leaves_the_pin_at_what_runs() -> None:
    octopus = Octopus.with_projects("api", "db")
    octopus.deployed("api", "1.4.0")
    octopus.deployed("api", "1.5.0", TaskState.EXECUTING)
    octopus.deployed("db", "1.0", TaskState.QUEUED)
    octopus.active.append(task("api", 101))

    cells = london(found(octopus))

    assert cells["api"] == FoundPin("api", "1.4.0", "a deployment is under way")
    assert cells["db"] == LeftOut("db", "its first deployment is under way")


def test_prereleases_are_remarked_and_texts_that_are_no_version_are_left_out() -> None:
    octopus = Octopus.with_projects("api", "db")
    octopus.deployed("api", "2.0.0-rc.1")
    octopus.deployed("db", "v1 (hot fix)")

    cells = london(found(octopus))

    assert cells["api"] == FoundPin("api", "2.0.0-rc.1", "a prerelease")
    assert cells["db"] == LeftOut("db", "it runs 'v1 (hot fix)', which is no version")


def test_tenants_are_named_by_what_they_run() -> None:
    octopus = Octopus.with_projects("api")
    octopus.projects["api"] = project("api", tenanted_mode="Tenanted")
    octopus.deployed("api", "1.0", tenant="Tenants-1")
    octopus.deployed("api", "1.0", tenant="Tenants-2")
    octopus.deployed("api", "1.1", tenant="Tenants-3")

    out = london(found(octopus))["api"]

    assert out == LeftOut("api", "it is deployed to tenants: '1.0' for 2, '1.1' for 1")


NORDIC = Tenant(
    "Tenants-1",
    "Nordic Games",
    frozenset(),
    {name: frozenset({ENVIRONMENT_ID}) for name in ("Projects-api", "Projects-db")},
)
ALBA = replace(NORDIC, id="Tenants-2", name="Bet Alba")
NOVA = replace(NORDIC, id="Tenants-3", name="Nova\nBet")


def tenanted(octopus: Octopus, mode: str = "Tenanted", **more: Any) -> Estate:
    octopus.projects["api"] = project("api", tenanted_mode=mode)
    ids = frozenset({"Tenants-1", "Tenants-2", "Tenants-3"})
    return found(octopus, tenants=(ALBA, NORDIC, NOVA), board_tenants=ids, **more)


def test_what_all_tenants_run_is_a_pin_for_everybody() -> None:
    octopus = Octopus.with_projects("api", "db")
    octopus.deployed("db", "7")
    octopus.deployed("api", "1.0", tenant="Tenants-1")
    octopus.deployed("api", "1.0", tenant="Tenants-3")

    one = tenanted(octopus).environments[0]

    assert one.tenants == ("Nordic Games", "Tenants-3")
    assert (one.pins, one.rings) == ((FoundPin("api", "1.0"), FoundPin("db", "7")), ())
    assert one.left == one.never == ()
    assert one.runs == {("api", "Tenants-1"): "1.0", ("api", "Tenants-3"): "1.0", ("db", None): "7"}


def test_tenants_that_run_other_versions_are_rings_and_a_failure_is_left_out() -> None:
    octopus = Octopus.with_projects("api")
    octopus.deployed("api", "1.0", tenant="Tenants-1")
    octopus.deployed("api", "1.1", tenant="Tenants-2")
    octopus.deployed("api", "1.1", TaskState.FAILED, tenant="Tenants-3")

    one = tenanted(octopus).environments[0]

    assert [(ring.name, ring.tenants, ring.pins) for ring in one.rings] == [
        ("bet-alba", ("Bet Alba",), (FoundPin("api", "1.1"),)),
        ("nordic-games", ("Nordic Games",), (FoundPin("api", "1.0"),)),
    ]
    assert one.left == (LeftOut("api@Tenants-3", "the newest attempt, of '1.1', ended as failed"),)


def test_what_runs_with_and_without_tenants_is_pinned_in_one_manifest_only() -> None:
    octopus = Octopus.with_projects("api", "db")
    octopus.projects["db"] = project("db", tenanted_mode="Tenanted")
    octopus.deployed("api", "2.0")
    octopus.deployed("api", "1.0", tenant="Tenants-1")
    octopus.deployed("db", "7", tenant="Tenants-1")

    one, other, _ = tenanted(octopus, "TenantedOrUntenanted").environments

    assert (one.name, one.pins, one.tenants) == ("production-uk", (FoundPin("api", "2.0"),), ())
    assert (other.name, other.pins, other.tenants) == (
        "production-uk-tenants",
        (FoundPin("db", "7"),),
        ("Nordic Games",),
    )
    why = "it runs without a tenant too, and production-uk pins that"
    assert other.left == (LeftOut("api", why),)
    assert other.runs == {("db", "Tenants-1"): "7"}


def test_tenants_that_run_nothing_of_their_own_get_no_manifest() -> None:
    octopus = Octopus.with_projects("api")
    octopus.deployed("api", "2.0")
    octopus.deployed("api", "1.0", tenant="Tenants-1")

    one, _ = tenanted(octopus, "TenantedOrUntenanted").environments

    told = "it is deployed to tenants: '1.0' for 1, which are not pinned"
    assert (one.pins, one.left) == ((FoundPin("api", "2.0", told),), ())


def test_a_disabled_project_is_no_component() -> None:
    octopus = Octopus.with_projects("api")
    octopus.projects["api"] = project("api", is_disabled=True)

    estate = found(octopus)

    assert (estate.components, estate.left) == ((), (("Api", "it is disabled in Octopus"),))


def test_a_project_is_named_by_its_slug_else_its_name_else_its_id() -> None:
    octopus = Octopus.with_projects("api", "other", "third")
    octopus.projects["api"] = project("api", name="Front")
    octopus.projects["other"] = project("other", name="API")
    octopus.projects["third"] = project("third", slug="Third One", name="Third")

    named = {one.name: one.project for one in found(octopus).components}
    assert named == {"api": "Front", "other": "", "third-one": "Third One"}

    octopus.projects["api"] = project("api", name="Other")
    named = {one.name: one.project for one in found(octopus).components}
    assert (named["api"], named["other"]) == ("Projects-api", "Projects-other")


def test_environments_alike_or_not_on_one_plain_line_are_named_by_their_ids() -> None:
    places = (
        OctopusEnvironment("Environments-1", "Test"),
        OctopusEnvironment("Environments-2", "TEST"),
        OctopusEnvironment("Environments-3", "Nasty\nName "),
    )

    estate = found(Octopus.with_projects("api"), environments=places)

    assert [(one.name, one.reference) for one in estate.environments] == [
        ("test", "Environments-1"),
        ("test-environments-2", "Environments-2"),
        ("nasty-name", "Environments-3"),
    ]


def test_the_protected_are_those_that_are_named_so() -> None:
    estate = found(Octopus.with_projects("api"), protected=lambda name: name.endswith("EU"))

    assert [one.is_protected for one in estate.environments] == [False, True]


def test_parents_come_after_what_they_deploy_and_a_circle_is_cut_and_told() -> None:
    parents = (
        Parent("Projects-suite", "api"),
        Parent("Projects-suite", "Projects-db"),
        Parent("Projects-api", "db"),
        Parent("Projects-db", "suite"),
        Parent("Projects-db", None, doubt="a variable"),
        Parent("Projects-api", "nobody"),
        Parent("Projects-api", "api"),
    )

    estate = found(Octopus.with_projects("api", "db", "suite"), Automation(parents=parents))

    assert {one.name: one.after for one in estate.components} == {
        "api": ("db",),
        "db": ("suite",),
        "suite": (),
    }
    assert estate.remarks == (
        "suite deploys api, which deploys it in turn: no order",
        "suite deploys db, which deploys it in turn: no order",
    )


def test_every_other_deployer_is_named_with_its_components() -> None:
    automation = Automation(
        triggers=(
            Trigger(
                "ProjectTriggers-1",
                "Nightly",
                DeployerKind.SCHEDULE,
                "Projects-api",
                frozenset({ENVIRONMENT_ID}),
            ),
        ),
        lifecycles=(Lifecycle("Lifecycles-1", "Fast", frozenset({ENVIRONMENT_ID})),),
        lifecycles_of={
            "Projects-api": frozenset({"Lifecycles-1"}),
            "Projects-db": frozenset({"Lifecycles-1"}),
        },
        unread=("triggers: it broke",),
    )

    first, second = found(Octopus.with_projects("api", "db"), automation).environments

    assert [(who.kind, who.name, names) for who, names in first.deployers] == [
        (DeployerKind.AUTOMATIC_PHASE, "Fast", ("api", "db")),
        (DeployerKind.SCHEDULE, "Nightly", ("api",)),
    ]
    assert second.deployers == ()
    assert second.unread == ("triggers: it broke",)


def test_what_may_stand_in_a_manifest_as_it_is() -> None:
    assert [is_text(text) for text in ("a b", " a", "", "a\u202eb", "x" * 201)] == [
        True,
        *[False] * 4,
    ]
    assert [is_pin(text) for text in ("1.0", "10 .2", "1.0\n", "v1;", "1.²")] == [
        True,
        *[False] * 4,
    ]


# A second look.


def looked_again(
    octopus: Octopus, pins: dict[str, str], *stacked: str
) -> tuple[list[tuple[str, str]], Estate]:
    one = desired(pins, *desired(dict.fromkeys(stacked, "1")).stack.components.values())
    one = replace(one, space=replace(one.space, octopus_space="Shop"))
    state = octopus.state(permissions=may(*SEES), space_name="Shop")
    known = known_of((one,), ManifestSet({one.environment.name: one}), state)
    estate = find_estate(SERVER, state, Automation(), {}, protected=str.isupper, known=known)
    told = [(each.about, each.says) for each in news(estate, (one,), state)]
    return told, only_new(estate, (one,), state)


def test_a_second_look_tells_only_what_differs() -> None:
    octopus = Octopus.with_projects("api", "db", "new", "same")
    for name, version in (("api", "2.0"), ("db", "1.0"), ("new", "1.0"), ("same", "3.0")):
        octopus.deployed(name, version)

    told, new = looked_again(
        octopus, {"api": "1.0", "same": "3.0", "gone": "1.0"}, "api", "same", "gone", "db"
    )

    assert told == [
        ("project new", "it is in no stack"),
        ("environment production-uk", "api is pinned at 1.0 and runs 2.0"),
        (
            "environment production-uk",
            "gone is pinned, and Octopus shows no project 'gone' in this space",
        ),
        ("environment production-uk", "db runs 1.0, and is pinned nowhere"),
        ("environment production-eu", "no manifest is about it; cells that run there: 0"),
    ]
    assert [one.name for one in new.environments] == ["production-eu"]


def test_a_new_environment_pins_only_what_its_stack_has() -> None:
    octopus = Octopus.with_projects("api", "new")
    octopus.deployed("api", "1.0")
    octopus.deployed("api", "1.0", environment=EU)
    octopus.deployed("new", "2.0", environment=EU)

    _, new = looked_again(octopus, {"api": "1.0"})

    (only,) = new.environments
    assert only.pins == (FoundPin("api", "1.0"),)
    assert only.left == (LeftOut("new", "the stack does not have it yet", "2.0"),)


def test_names_that_people_gave_are_kept() -> None:
    octopus = Octopus.with_projects("api")
    known = Known(
        space="our-shop",
        stack="platform",
        components={"Projects-api": "front"},
        environments={ENVIRONMENT_ID: "london"},
        taken=frozenset({"production-eu"}),
    )

    estate = found(octopus, known=known)

    assert (estate.space, estate.stack) == ("our-shop", "platform")
    assert [(one.name, one.project) for one in estate.components] == [("front", "api")]
    assert [one.name for one in estate.environments] == ["london", "production-eu-environments-4"]


def test_an_environment_that_octopus_lost_is_told() -> None:
    octopus = Octopus.with_projects("api")
    one = desired({"api": "1.0"})
    place: Environment = replace(one.environment, octopus_environment="Moon")
    one = replace(one, environment=place, space=replace(one.space, octopus_space="Shop"))
    state = octopus.state(permissions=may(*SEES), space_name="Shop")
    known = known_of((one,), ManifestSet({}), state)

    told = news(
        find_estate(SERVER, state, Automation(), {}, protected=str.isupper, known=known),
        (one,),
        state,
    )

    assert told[0].says == "Octopus shows no one environment 'Moon'"
