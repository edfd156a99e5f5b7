"""In which order files, and keys in them, are written says nothing: the plan is the same."""

from datetime import UTC, datetime
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from manifest_world import load, state

from reconciler.core.cell import NeverDeployed, ObservedCell, ObservedState, Settled
from reconciler.core.cellkey import cell_key
from reconciler.core.expand import pinned_components
from reconciler.core.plan import Plan, make_plan
from reconciler.core.state import Server
from reconciler.core.tenant import Tenant

SPACE = {
    "kind": "Space",
    "metadata": "{name: prod}",
    "spec": {
        "server": "https://octopus.example",
        "space": "Gaming",
        "credentials": "{observe: {env: OCTOPUS_OBSERVE_KEY}}",
    },
}
COMPONENTS = {
    f"c{number}": f"{{after: [c{number - 1}]}}" if number else "{}" for number in range(6)
}
PINS = {f"c{number}": f'"1.{number}.0"' for number in range(4)}


def written(value: object, random: Random, indent: str = "") -> str:
    """Write a mapping as YAML, its keys in any order."""
    if not isinstance(value, dict):
        return f" {value}\n"
    keys = random.sample(sorted(value), len(value))
    lines = [f"{indent}{key}:{written(value[key], random, indent + '  ')}" for key in keys]
    return "\n" * bool(indent) + "".join(lines)


def repository(random: Random) -> dict[str, str]:
    """A repository in which all files, and all keys, stand in any order."""
    environment = {
        "octopus": "{space: prod, environment: QA, tenants: [Acme]}",
        "stack": "platform",
        "components": PINS,
        "rings": {"pilot": {"tenants": "[Acme]", "components": {"c1": '"2.0.0"', "c4": '"2.1.0"'}}},
    }
    documents = [
        SPACE,
        {"kind": "Stack", "metadata": "{name: platform}", "spec": {"components": COMPONENTS}},
        {"kind": "Environment", "metadata": "{name: qa}", "spec": environment},
        {
            "kind": "Pins",
            "metadata": "{name: more}",
            "spec": {"environment": "qa", "components": {"c5": '"3.0.0"'}},
        },
    ]
    names = random.sample(["a", "b", "c", "d"], 4)
    return {
        f"{name}.yaml": written({"apiVersion": "reconciler/v1", **document}, random)
        for name, document in zip(names, documents, strict=True)
    }


def plan_of(files: dict[str, str]) -> Plan:
    desired = state(load(files), "qa")
    acme = Tenant("Tenants-1", "Acme", frozenset(), {})
    cells = {
        key: ObservedCell(
            key, NeverDeployed() if odd % 2 else Settled("1.0.0", "D-1", "R-1"), tenant=acme
        )
        for odd, name in enumerate(sorted(pinned_components(desired.environment)))
        for key in [cell_key(name, "Acme")]
    }
    at = datetime(2026, 11, 20, tzinfo=UTC)
    return make_plan(
        desired,
        ObservedState(at, Server("1", "2"), "Spaces-1", "Environments-1", "Users-1", cells),
        "4f" * 20,
    )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32))
def test_rule_2_no_order_of_files_and_keys_changes_a_plan(seed: int) -> None:
    plan = plan_of(repository(Random(seed)))

    assert plan == plan_of(repository(Random(0)))
    assert plan.digest == plan_of(repository(Random(1))).digest
    assert [(a.cell, a.wave) for a in plan.changes][:2] == [("c1@Acme", 1), ("c2@Acme", 2)]
