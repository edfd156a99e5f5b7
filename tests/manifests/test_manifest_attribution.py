"""Rule 4: a broken manifest stops the environments it belongs to, and no others."""

import pytest
from manifest_world import (
    ENVIRONMENT,
    PINS,
    POLICY,
    QA,
    SPACE,
    STACK,
    WORLD,
    changed,
    lines,
    load,
    state,
    stopped,
)

from reconciler.core.manifest import Invalid

SAYS_ALL = "nothing tells which environment this file belongs to, so all are stopped"
NOT_YAML = "\n  a: b: c\n"


def test_rule_4_a_broken_environment_stops_itself_only_and_says_where() -> None:
    found = load(changed(qa=QA + "  windows: []\n"))

    assert stopped(found) == ["qa"]
    assert found.environments["qa"] == Invalid("qa", found.problems)
    assert state(found, "production-uk").environment.pins["wallet-db"].version == "1.9.0"


@pytest.mark.parametrize("ending", [NOT_YAML, "  x: \x00\n", "  x: [\n", "---\na: b\n"])
def test_rule_4_an_environment_that_is_not_even_yaml_is_known_by_its_lines(ending: str) -> None:
    assert stopped(load(changed(qa=QA + ending))) == ["qa"]


@pytest.mark.parametrize(
    "written",
    [
        PINS + NOT_YAML,
        'kind: "Pins"\nmetadata:\n  name: x\nspec:\n  environment: "production-uk"\n' + NOT_YAML,
        "{apiVersion: reconciler/v1, kind: Pins, spec: {environment: production-uk, x: [}",
    ],
)
def test_rule_4_a_fragment_that_is_not_even_yaml_stops_the_environment_its_lines_name(
    written: str,
) -> None:
    assert stopped(load(changed(wallet=written))) == ["production-uk"]


def test_rule_4_a_broken_fragment_stops_the_environment_it_pins() -> None:
    found = load(changed(wallet=PINS.replace('"1.9.0"', "1.10")))

    assert stopped(found) == ["production-uk"]
    assert state(found, "qa").environment.pins["wallet-api"].version == "2.5.0"


def test_rule_4_a_file_too_broken_to_say_is_laid_where_its_earlier_content_belongs() -> None:
    found = load(changed(wallet=b"\xff\xff"), earlier=[WORLD])

    assert stopped(found) == ["production-uk"]
    assert lines(found) == ["teams/wallet.yaml:1:1: not UTF-8: byte 0xff"]


def test_rule_4_a_file_too_broken_to_say_is_laid_where_any_earlier_content_belongs() -> None:
    broken = changed(wallet="a: [")
    moved = changed(wallet=PINS.replace("environment: production-uk", "environment: qa"))

    assert stopped(load(broken, earlier=[broken, WORLD])) == ["production-uk"]
    assert stopped(load(broken, earlier=[moved, broken, WORLD])) == ["production-uk", "qa"]
    assert stopped(load(broken, earlier=[broken])) == ["production-uk", "qa"]  # nothing tells


def test_rule_4_a_file_too_broken_to_say_that_is_new_stops_all_and_says_so() -> None:
    found = load({**WORLD, "new.yaml": b"\xff\xff"}, earlier=[WORLD])

    assert stopped(found) == ["production-uk", "qa"]
    assert lines(found) == [f"new.yaml:1:1: not UTF-8: byte 0xff; {SAYS_ALL}"]
    assert found.environments["qa"] == Invalid("qa", found.problems)


def test_rule_4_a_fragment_that_now_claims_another_environment_stops_its_earlier_one_too() -> None:
    moved = PINS.replace("environment: production-uk", "environment: qa") + NOT_YAML

    assert stopped(load(changed(wallet=moved), earlier=[WORLD])) == ["production-uk", "qa"]


def test_rule_4_a_fragment_for_an_unknown_environment_stops_its_earlier_one() -> None:
    lost = PINS.replace("environment: production-uk", "environment: production-u")

    assert stopped(load(changed(wallet=lost), earlier=[WORLD])) == ["production-u", "production-uk"]
    assert stopped(load(changed(wallet=lost))) == ["production-u"]


@pytest.mark.parametrize(
    ("stem", "broken", "names"),
    [
        ("platform", STACK + "  windows: []\n", ["production-uk", "qa"]),
        ("platform", STACK + NOT_YAML, ["production-uk", "qa"]),
        ("careful", POLICY.replace("apply", "mend"), ["production-uk"]),
        ("careful", POLICY + NOT_YAML, ["production-uk"]),
        ("prod", SPACE.replace("https", "ftp"), ["production-uk", "qa"]),
    ],
)
def test_rule_4_a_broken_stack_policy_or_space_stops_those_that_refer_to_it(
    stem: str, broken: str, names: list[str]
) -> None:
    alone = QA.replace("{name: qa}", "{name: alone}").replace("stack: platform", "stack: other")
    alone = alone.replace("space: prod", "space: other")
    stack = STACK.replace("name: platform", "name: other").replace("{prod: Wallet API}", "W")
    space = SPACE.replace("name: prod", "name: other")
    others = {"alone.yaml": alone, "stack2.yaml": stack, "space2.yaml": space}

    found = load({**changed(**{stem: broken}), **others})

    assert stopped(found) == names
    assert "no Stack is named" not in "".join(lines(found))


@pytest.mark.parametrize("stem", ["platform", "careful", "prod"])
def test_a_stack_policy_or_space_that_disappears_stops_those_that_refer_to_it(stem: str) -> None:
    found = load(changed(**{stem: None}))

    assert "production-uk" in stopped(found)
    assert all("is named" in line for line in lines(found))


def test_rule_5_an_environment_that_disappears_leaves_the_others_alone() -> None:
    found = load(changed(qa=None), earlier=[WORLD])

    assert lines(found) == []
    assert list(found.environments) == ["production-uk"]


def test_two_environments_that_claim_one_cell_are_both_stopped() -> None:
    same = QA.replace("environment: QA", "environment: Production UK")

    assert stopped(load(changed(qa=same))) == ["production-uk", "qa"]


def test_every_environment_that_claims_a_cell_is_stopped_however_many_there_are() -> None:
    same = ENVIRONMENT.replace("  policy: careful\n", "")
    many = {
        f"e{number}.yaml": same.replace("name: production-uk", f"name: e{number}")
        for number in range(80)
    }

    found = load({**changed(wallet=None), **many})

    assert len(stopped(found)) == 81


def test_a_name_used_twice_stops_both_bearers() -> None:
    twin = QA.replace("environment: QA", "environment: Other")

    assert stopped(load({**WORLD, "twin.yaml": twin})) == ["qa"]


def test_a_manifest_with_another_suffix_stops_whom_it_names() -> None:
    assert stopped(load({**changed(qa=None), "environments/qa.yml": QA})) == ["qa"]


def test_rule_22_a_link_stops_whom_its_earlier_content_names_else_all() -> None:
    modes = {"teams/wallet.yaml": "120000"}

    assert stopped(load(WORLD, modes=modes, earlier=[WORLD])) == ["production-uk"]
    assert stopped(load(WORLD, modes=modes)) == ["production-uk", "qa"]


def test_a_file_over_1_mib_is_not_even_read() -> None:
    found = load(changed(qa=QA + "#" * 1024 * 1024), earlier=[WORLD])

    assert stopped(found) == ["qa"]
    assert "more than the 1048576 a file may have" in lines(found)[0]
