"""The example manifests are a repository to work with, and the `platform` seed is its estate.

Both are read here with a plain YAML reader, so that a mistake in our own reading cannot hide one in
the files.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from reconciler.core.version import Direction, OctopusVersion, direction

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "example-manifests"
SEED = ROOT / "reconciler" / "simulator" / "seeds" / "platform.yaml"
FILES = sorted(EXAMPLES.rglob("*.yaml"))

# The one upgrade that waits when the manifests are first met: (environment, component).
WAITING = ("qa", "email-sender")

# Upgrades that wait for a pull request: Integration and Dev already run them.
READY_FOR_QA = {
    "bonus-api", "fraud-rules", "game-launcher", "ledger-api", "lobby-ui", "payments-api",
    "payments-ui", "wallet-api", "wallet-db", "wallet-ui", "wallet-worker",
}  # fmt: skip


@cache
def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text("utf-8"))


@cache
def manifests(kind: str) -> dict[str, Any]:
    found = [read(path) for path in FILES if read(path)["kind"] == kind]
    named = {each["metadata"]["name"]: each["spec"] for each in found}
    assert len(named) == len(found), f"two {kind} manifests share a name"
    return named


@cache
def pins(environment: str) -> dict[str, str]:
    """Pins of an environment with its fragments, as texts; a pin in two files fails."""
    merged: dict[str, str] = {}
    fragments = [each for each in manifests("Pins").values() if each["environment"] == environment]
    for spec in (manifests("Environment")[environment], *fragments):
        for name, pin in spec["components"].items():
            assert name not in merged, f"{name} is pinned twice in {environment}"
            merged[name] = pin["version"] if isinstance(pin, dict) else pin
    return merged


def projects(environment: str) -> dict[str, dict[str, Any]]:
    """Projects of the seed's space an environment is in, by slug."""
    reference = manifests("Environment")[environment]["octopus"]["space"]
    name = manifests("Space")[reference]["space"]
    (space,) = (each for each in read(SEED)["spaces"] if each["name"] == name)
    return {slug(each): each for each in space["projects"]}


def slug(project: dict[str, Any]) -> str:
    made = re.sub(r"[^a-z0-9]+", "-", project["name"].lower()).strip("-")
    return str(project.get("slug", made))


def project_of(environment: str, component: str) -> dict[str, Any]:
    stack = manifests("Stack")[manifests("Environment")[environment]["stack"]]
    return projects(environment)[stack["components"][component].get("project", component)]


def runs(environment: str, component: str) -> str:
    shown = manifests("Environment")[environment]["octopus"]["environment"]
    return str(project_of(environment, component)["deployed"][shown])


def seeded() -> list[str]:
    """Environments that the seed shows; one that names tenants is for reading only."""
    known = manifests("Environment").items()
    return sorted(name for name, spec in known if "tenantTags" not in spec["octopus"])


def cells() -> list[tuple[str, str]]:
    return [(name, each) for name in seeded() for each in pins(name)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(EXAMPLES)))
def test_each_file_names_the_schema_of_its_kind(path: Path) -> None:
    first = path.read_text("utf-8").splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")

    assert named != first
    schema = (path.parent / named).resolve()
    assert schema == ROOT / "schema" / f"{read(path)['kind'].lower()}.schema.json"


def test_the_estate_is_a_platform_in_five_environments_and_two_smaller_stacks() -> None:
    environments = manifests("Environment")
    platform = {name for name, each in environments.items() if each["stack"] == "gaming-platform"}

    assert platform == {"integration", "dev", "qa", "production-uk", "production-eu"}
    assert set(environments) - platform == {"hospital-test", "hospital-prod", "care-operators"}
    assert 55 <= len(manifests("Stack")["gaming-platform"]["components"]) <= 70


@pytest.mark.parametrize("environment", sorted(manifests("Environment")))
def test_an_environment_refers_only_to_what_is_there(environment: str) -> None:
    spec = manifests("Environment")[environment]

    assert spec["octopus"]["space"] in manifests("Space")
    assert spec["policy"] in manifests("Policy")
    assert set(pins(environment)) == set(manifests("Stack")[spec["stack"]]["components"])


@pytest.mark.parametrize("stack", sorted(manifests("Stack")))
def test_the_order_of_a_stack_has_no_gap_and_no_cycle(stack: str) -> None:
    left = {
        name: set(each.get("after", ()))
        for name, each in manifests("Stack")[stack]["components"].items()
    }
    assert set().union(*left.values()) <= set(left)

    while ready := {name for name, after in left.items() if not after & set(left)}:
        left = {name: after for name, after in left.items() if name not in ready}
    assert not left


@pytest.mark.parametrize("name", ["wallet-db", "ledger-db", "payments-db", "games-db"])
def test_a_database_never_goes_back(name: str) -> None:
    assert manifests("Stack")["gaming-platform"]["components"][name]["direction"] == "up-only"


@pytest.mark.parametrize("environment", seeded())
def test_each_pin_is_an_orderable_release_of_its_project(environment: str) -> None:
    for component, version in pins(environment).items():
        assert isinstance(version, str), component
        assert version in project_of(environment, component)["releases"], component
        assert OctopusVersion.parse(version).text == version


def test_releases_of_the_seed_rise() -> None:
    for space in read(SEED)["spaces"]:
        for project in space["projects"]:
            steps = zip(project["releases"], project["releases"][1:], strict=False)
            assert {direction(*step) for step in steps} == {Direction.UP}, project["name"]


def test_everything_runs_as_it_is_pinned_except_the_one_upgrade_that_waits() -> None:
    different = {cell for cell in cells() if runs(*cell) != pins(cell[0])[cell[1]]}

    assert different == {WAITING}
    assert direction(runs(*WAITING), pins(WAITING[0])[WAITING[1]]) is Direction.UP


@pytest.mark.parametrize("environment", seeded())
def test_everything_that_is_deployed_is_pinned(environment: str) -> None:
    shown = manifests("Environment")[environment]["octopus"]["environment"]
    deployed = {name for name, each in projects(environment).items() if shown in each["deployed"]}

    stack = manifests("Stack")[manifests("Environment")[environment]["stack"]]["components"]
    assert deployed == {stack[name].get("project", name) for name in pins(environment)}


def test_qa_can_take_upgrades_that_dev_and_integration_already_run() -> None:
    newer = {name for name in pins("qa") if direction(runs("qa", name), runs("dev", name)) == "up"}

    assert newer - {WAITING[1]} == READY_FOR_QA
    assert all(runs("integration", name) == runs("dev", name) for name in newer)


def test_qa_can_take_one_component_back_to_what_all_others_run() -> None:
    others = ("integration", "dev", "production-uk", "production-eu")
    lower = {
        name for name in pins("qa") if direction(runs("qa", name), runs("dev", name)) == "down"
    }

    assert lower == {"recommendations"}
    assert {runs(each, "recommendations") for each in others} == {"1.6.2"}


def test_the_downgrade_shares_no_chain_of_dependencies_with_the_upgrades() -> None:
    after = {
        name: set(each.get("after", ()))
        for name, each in manifests("Stack")["gaming-platform"]["components"].items()
    }
    reached = {"recommendations"}
    while more := {name for name, first in after.items() if first & reached} - reached:
        reached |= more
    below = {"recommendations"}
    while more := set().union(*(after[name] for name in below)) - below:
        below |= more

    assert not (reached | below) & (READY_FOR_QA | {WAITING[1]})


def test_the_environment_of_the_demo_is_open_and_production_is_protected() -> None:
    policy = {
        name: manifests("Policy")[each["policy"]] for name, each in manifests("Environment").items()
    }

    assert policy["qa"]["mode"] == "apply"
    assert not policy["qa"]["protected"]
    for name in ("production-uk", "production-eu", "hospital-prod"):
        assert policy[name]["protected"]


def test_a_platform_version_is_what_ran_where_it_was_signed_off() -> None:
    (platform,) = manifests("PlatformVersion").values()
    where = platform["source"]["environment"]

    assert platform["stack"] == manifests("Environment")[where]["stack"]
    signed = {name: each["version"] for name, each in platform["components"].items()}
    assert signed == {name: runs(where, name) for name in pins(where)}


def test_no_key_stands_in_the_manifests() -> None:
    spaces = manifests("Space")
    assert {name for name, space in spaces.items() if "credentials" not in space} == {"clinic"}
    for name, space in spaces.items():
        for use, source in space.get("credentials", {}).items():
            own = "_MACHINES" if use == "machines" else ""
            assert source == {"env": f"OCTOPUS_{name.upper()}{own}_KEY"}
