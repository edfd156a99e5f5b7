"""Remote environments: placeholders that stop nobody, unless they claim what is another's."""

import pytest
from manifest_world import LIFECYCLE, PINS, REMOTE, SPACE, changed, lines, load, stopped

from reconciler.core.manifest import DesiredState, Invalid
from reconciler.core.phase import Phase
from reconciler.core.remote import RemoteEnvironment

FAR = """\
apiVersion: reconciler/v1
kind: Space
metadata: {name: far}
spec: {server: "https://far.example.com", space: Far, connected: false}
"""


def test_a_remote_environment_knows_its_space_and_what_is_expected_there() -> None:
    found = load(changed(clinic=REMOTE, far=FAR))

    assert lines(found) == []
    assert sorted(found.environments) == ["production-uk", "qa"]
    clinic = found.remotes["clinic"]
    assert isinstance(clinic, RemoteEnvironment)
    assert (clinic.space.name, clinic.space.is_connected) == ("far", False)
    assert {name: pin.version for name, pin in clinic.pins.items()} == {"wallet-api": "2.4.0"}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("space: far", "space: fra", "5:20: no Space is named 'fra', did you mean 'far'?"),
        ("stack: platform", "stack: platfrm", "6:10: no Stack is named 'platfrm', did you mean"),
        ("wallet-api", "wallet-apy", "7:16: 'wallet-apy' is not a component of stack 'platform', "),
        ("  stack: platform\n", "", "4:1: missing field 'stack'"),
        ("  stack:", "  policy: careful\n  stack:", "6:3: unknown field 'policy'"),
        ('"2.4.0"', '{version: "2.4.0", redeploy: 1}', "7:28: expected text, found a mapping"),
    ],
)
def test_rule_4_a_broken_remote_environment_stops_itself_alone(
    old: str, new: str, problem: str
) -> None:
    found = load(changed(clinic=REMOTE.replace(old, new), far=FAR))

    (line,) = lines(found)
    assert f"clinic.yaml:{problem}" in line
    assert isinstance(found.remotes["clinic"], Invalid)
    assert stopped(found) == []


def test_a_broken_space_stops_the_remote_environments_in_it() -> None:
    found = load(changed(clinic=REMOTE, far=FAR.replace("space: Far", "space: 1")))

    assert isinstance(found.remotes["clinic"], Invalid)
    assert stopped(found) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "name: clinic",
            "name: qa",
            "3:18: RemoteEnvironment 'qa' has the name of the Environment at "
            "environments/qa.yaml:3:18; rename one",
        ),
        (
            "space: far, environment: PROD",
            "space: prod, environment: qa",
            "5:39: Octopus environment 'qa' is already that of Environment 'qa' at "
            "environments/qa.yaml:3:18; keep one",
        ),
    ],
)
def test_rule_11_what_is_claimed_as_ours_and_as_remote_stops_both(
    old: str, new: str, problem: str
) -> None:
    found = load(changed(clinic=REMOTE.replace(old, new), far=FAR))

    assert [line.partition("clinic.yaml:")[2] for line in lines(found)] == [problem]
    assert stopped(found) == ["qa"]
    assert [type(one) for one in found.remotes.values()] == [Invalid]


def test_two_remote_environments_of_one_octopus_environment_stop_each_other() -> None:
    twin = REMOTE.replace("name: clinic", "name: twin")
    found = load(changed(clinic=REMOTE, twin=twin, far=FAR))

    assert len(lines(found)) == 1
    stands = {name: isinstance(one, RemoteEnvironment) for name, one in found.remotes.items()}
    assert stands == {"clinic": False, "twin": False}
    assert stopped(found) == []


def test_a_later_phase_waits_for_a_remote_environment() -> None:
    phases = LIFECYCLE.replace("{prod: QA}", "{far: PROD}")
    found = load(changed(clinic=REMOTE, far=FAR, lifecycle=phases))

    assert lines(found) == []
    state = found.environments["production-uk"]
    assert isinstance(state, DesiredState)
    assert state.earlier_phases == (Phase("to-customers", "Quality", (("clinic",),), 1),)


def test_rule_4_a_phase_waits_for_a_remote_environment_that_cannot_be_read() -> None:
    phases = LIFECYCLE.replace("{prod: QA}", "{far: PROD}")
    found = load(changed(clinic=REMOTE.replace("stack:", "stak:"), far=FAR, lifecycle=phases))

    state = found.environments["production-uk"]
    assert isinstance(state, DesiredState)
    assert state.earlier_phases == (Phase("to-customers", "Quality", ((),), 1),)


def test_a_teams_pins_of_a_remote_environment_are_refused_with_the_reason() -> None:
    pins = PINS.replace("environment: production-uk", "environment: clinic")
    found = load(changed(clinic=REMOTE, far=FAR, wallet=pins))

    assert lines(found) == [
        "teams/wallet.yaml:5:16: no Environment is named 'clinic': it is a RemoteEnvironment, "
        "whose own manifest says what is expected there"
    ]


def test_a_remote_environment_may_be_in_a_space_that_is_connected() -> None:
    near = SPACE.replace("name: prod", "name: far").replace("octopus.", "other.")

    assert isinstance(load(changed(clinic=REMOTE, far=near)).remotes["clinic"], RemoteEnvironment)
