"""Who else deploys a cell, and what that keeps from being healed."""

from dataclasses import replace
from typing import Any

import pytest
from core_builders import (
    APPLY,
    COMMIT,
    ENVIRONMENT_ID,
    HEAL,
    SYSTEM,
    VIEWS,
    Octopus,
    cell,
    desired,
    may,
    observed,
    project,
    settled,
)

from reconciler.core.deployers import (
    Automation,
    Deployer,
    DeployerKind,
    Lifecycle,
    Others,
    Parent,
    Trigger,
    deployer_gates,
    who_else,
)
from reconciler.core.gate import Gate, GateName
from reconciler.core.plan import Plan, make_plan
from reconciler.core.policy import Policy

ELSEWHERE = "Environments-4"
SEES = (*VIEWS, "TriggerView", "LifecycleView")
WEB = Lifecycle("Lifecycles-1", "Web")
FOLLOWS = {f"Projects-{name}": frozenset({WEB.id}) for name in ("api", "db")}


def a_trigger(
    kind: DeployerKind = DeployerKind.SCHEDULE, *environments: str, name: str = "Nightly"
) -> Trigger:
    ids = frozenset(environments) or None
    return Trigger("ProjectTriggers-2", name, kind, "Projects-api", ids)


def others(automation: Automation, **fields: Any) -> dict[str, Others]:
    """Who else deploys `api` and `db` to the environment; `suite` is not pinned."""
    octopus = Octopus.with_projects("api", "db", "suite")
    state = octopus.state(permissions=may(*SEES), **fields)
    seen = observed(cell("api", settled("1.0")), cell("db", settled("1.0")))
    return who_else(seen, state, replace(automation, lifecycles_of=FOLLOWS))


def words(automation: Automation, component: str = "api") -> list[str]:
    found = others(replace(automation, lifecycles=(*automation.lifecycles, WEB)))[component]
    assert found.unread == ()
    return [one.words for one in found.deployers]


@pytest.mark.parametrize(
    "kind", [DeployerKind.SCHEDULE, DeployerKind.TARGET_TRIGGER, DeployerKind.TRIGGER]
)
def test_a_trigger_deploys_its_project_to_the_environments_it_names_or_to_any(
    kind: DeployerKind,
) -> None:
    said = [f"{kind} 'Nightly'"]

    assert words(Automation((a_trigger(kind),))) == said
    assert words(Automation((a_trigger(kind, ENVIRONMENT_ID, ELSEWHERE),))) == said
    assert words(Automation((a_trigger(kind, ELSEWHERE),))) == []
    assert words(Automation((a_trigger(kind),)), "db") == []


def test_an_automatic_phase_deploys_every_project_that_follows_the_lifecycle() -> None:
    web = replace(WEB, automatic=frozenset({ENVIRONMENT_ID}))
    found = others(Automation(lifecycles=(web, Lifecycle("Lifecycles-2", "Other", web.automatic))))

    assert {name: [d.words for d in one.deployers] for name, one in found.items()} == {
        "api": ["automatic phase of lifecycle 'Web'"],
        "db": ["automatic phase of lifecycle 'Web'"],
    }


@pytest.mark.parametrize(
    ("kind", "is_held"),
    [(DeployerKind.TARGET_TRIGGER, True), (DeployerKind.TRIGGER, True),
     (DeployerKind.SCHEDULE, False)],
)  # fmt: skip
def test_a_machine_is_not_served_where_a_trigger_does_the_same_named_or_not(
    kind: DeployerKind, is_held: bool
) -> None:
    found = {"api": Others((Deployer(kind, "Newcomers", "ProjectTriggers-1"),))}
    seen = observed(cell("api", settled("1.0"), "1.0", missed=("Machines-1",)))
    plan = make_plan(desired({"api": "1.0"}), seen, COMMIT)

    gates = deployer_gates(plan, found, ["Newcomers"])

    assert plan.has_work
    assert [gate.name for gate in gates] == [GateName.ALSO_DEPLOYED] * is_held


def test_a_release_trigger_deploys_only_where_an_automatic_phase_takes_its_release() -> None:
    made = a_trigger(DeployerKind.RELEASE_TRIGGER)
    web = replace(WEB, automatic=frozenset({ENVIRONMENT_ID}))
    with_phase = others(Automation((made,), (web,)))["api"].deployers

    assert words(Automation((made,))) == []
    assert [one.words for one in with_phase] == [
        "automatic phase of lifecycle 'Web'",
        "release trigger 'Nightly'",
    ]


@pytest.mark.parametrize("reference", ["Projects-api", "API", "Api"])
def test_a_parent_deploys_the_project_it_names_by_id_slug_or_name(reference: str) -> None:
    parents = (Parent("Projects-suite", reference),)

    assert words(Automation(parents=parents)) == ["parent project 'Suite'"]
    assert words(Automation(parents=parents), "db") == []


def test_a_parent_whose_step_is_for_other_environments_deploys_nothing_here() -> None:
    def of(**fields: Any) -> list[str]:
        return words(Automation(parents=(Parent("Projects-suite", "api", **fields),)))

    assert of(environments=frozenset({ENVIRONMENT_ID})) == ["parent project 'Suite'"]
    assert of(environments=frozenset({ELSEWHERE})) == []
    assert of(excluded=frozenset({ENVIRONMENT_ID})) == []


def test_rule_11_a_parent_that_does_not_tell_what_it_deploys_may_deploy_all_but_itself() -> None:
    hidden = Parent("Projects-db", None, doubt="its process could not be read")
    automation = Automation(parents=(hidden,))

    assert words(automation) == ["parent project 'Db' (perhaps: its process could not be read)"]
    assert words(automation, "db") == []


def test_rule_47_very_many_doubtful_parents_are_told_by_number_and_not_beside_every_cell() -> None:
    hidden = tuple(
        Parent(f"Projects-{n}", None, doubt="its process could not be read") for n in range(5000)
    )
    found = others(Automation(lifecycles=(WEB,), parents=(*hidden, *hidden[:1])))

    said = "5000 projects may be parents (of the first, its process could not be read)"
    assert found == {"api": Others((), (said,)), "db": Others((), (said,))}


def test_what_is_disabled_in_octopus_deploys_nothing() -> None:
    octopus = Octopus.with_projects("api", "db")
    octopus.projects["suite"] = project("suite", is_disabled=True)
    octopus.projects["db"] = disabled = project("db", is_disabled=True)
    own = Trigger("ProjectTriggers-3", "Weekly", DeployerKind.SCHEDULE, "Projects-db")
    automation = Automation(
        (own,), (WEB,), FOLLOWS, (Parent("Projects-suite", "api"), Parent("Projects-suite", "db"))
    )
    seen = observed(cell("api", settled("1.0")), cell("db", settled("1.0"), project=disabled))

    assert who_else(seen, octopus.state(permissions=may(*SEES)), automation) == {
        "api": Others(),
        "db": Others(),
    }


@pytest.mark.parametrize(
    ("granted", "why"),
    [
        ((*VIEWS, "LifecycleView"), "the observing key lacks TriggerView here"),
        ((*VIEWS, "TriggerView"), "the observing key lacks LifecycleView"),
    ],
)
def test_rule_11_what_the_key_may_not_see_is_told_and_is_not_nobody(
    granted: tuple[str, ...], why: str
) -> None:
    state = Octopus.with_projects("api").state(permissions=may(*granted))
    found = who_else(observed(cell("api", settled("1.0"))), state, Automation((), (WEB,), FOLLOWS))

    assert found == {"api": Others((), (why,))}


@pytest.mark.parametrize(
    "follows",
    [{}, {"Projects-api": frozenset({"Lifecycles-9"})}, {"Projects-api": frozenset({WEB.id, ""})}],
)
def test_rule_11_a_lifecycle_that_was_not_shown_may_deploy(
    follows: dict[str, frozenset[str]],
) -> None:
    state = Octopus.with_projects("api").state(permissions=may(*SEES))
    automation = Automation((), (WEB,), follows)

    found = who_else(observed(cell("api", settled("1.0"))), state, automation)

    assert found["api"].unread == ("the lifecycles of its releases were not all shown",)


def test_rule_52_names_and_failures_are_shown_escaped() -> None:
    automation = Automation((a_trigger(name="a\x1b[2J\nb"),), unread=("triggers: \x07",))
    found = others(replace(automation, lifecycles=(WEB,)))["api"]

    assert [one.words for one in found.deployers] == ["scheduled trigger 'a\\x1b[2J\\nb'"]
    assert found.unread == ("triggers: \\x07",)


@pytest.mark.parametrize("named", ["nightly", "NIGHTLY", "projecttriggers-2"])
def test_a_deployer_is_named_by_name_or_id_without_regard_to_case(named: str) -> None:
    found = Others((Deployer(DeployerKind.SCHEDULE, "Nightly", "ProjectTriggers-2"),))

    assert found.unnamed((named,)) == ()
    assert found.unnamed(("Night", "ProjectTriggers-22")) == found.deployers


# The gate.

NIGHTLY = Deployer(DeployerKind.SCHEDULE, "Nightly", "ProjectTriggers-2")


def a_plan(policy: Policy = HEAL, reached: str = "2.0") -> Plan:
    """`api` drifted from 2.0 to 1.0 by itself; with another `reached` a commit asks for 2.0."""
    seen = cell("api", settled("1.0"), reached, made_by="System", made_by_id=SYSTEM)
    return make_plan(desired({"api": "2.0"}, policy=policy), observed(seen), COMMIT)


def test_what_would_fight_an_unnamed_deployer_is_not_healed_until_it_is_named() -> None:
    found = {"api": Others((NIGHTLY,))}

    (gate,) = deployer_gates(a_plan(), found, ("Weekly",))

    assert gate == Gate(
        "api",
        GateName.ALSO_DEPLOYED,
        "healing would fight scheduled trigger 'Nightly'",
        'a commit that names "Nightly" under `alsoDeployedBy` of the environment; or it is '
        "disabled in Octopus",
    )
    assert deployer_gates(a_plan(), found, ("Nightly",)) == ()
    assert deployer_gates(a_plan(), {"api": Others()}, ()) == ()


def test_a_gate_names_a_few_deployers_and_how_many_more() -> None:
    many = tuple(replace(NIGHTLY, name=f"T{n}", id=f"ProjectTriggers-{n}") for n in range(6))

    (gate,) = deployer_gates(a_plan(), {"api": Others(many)}, ("T0",))

    assert gate.message == (
        "healing would fight scheduled trigger 'T1', scheduled trigger 'T2', "
        "scheduled trigger 'T3' and 2 more"
    )
    assert '"T1", "T2", "T3" and 2 more' in gate.opener


def test_rule_11_what_could_not_be_read_holds_even_where_all_are_named() -> None:
    (gate,) = deployer_gates(
        a_plan(), {"api": Others((NIGHTLY,), ("triggers: 403",))}, ("Nightly",)
    )
    (unknown,) = deployer_gates(a_plan(), {}, ())

    assert gate.name is unknown.name is GateName.ALSO_DEPLOYED
    assert gate.message == "who else deploys it could not be read: triggers: 403"
    assert "TriggerView, LifecycleView and ProcessView" in gate.opener


@pytest.mark.parametrize("plan", [a_plan(reached="1.9"), a_plan(APPLY), a_plan(APPLY, "1.9")])
def test_what_a_commit_asks_for_is_not_stopped_by_other_deployers(plan: Plan) -> None:
    assert deployer_gates(plan, {"api": Others((NIGHTLY,), ("triggers: 403",))}, ()) == ()
