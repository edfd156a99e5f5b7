"""What a stack uses of another: each use leads to one component, and there is no way round."""

import pytest
from manifest_world import QA, STACK, changed, lines, load, stopped

from reconciler.core.manifest import DesiredState
from reconciler.core.precondition import Precondition
from reconciler.core.versionrange import VersionRange

IDENTITY = """\
apiVersion: reconciler/v1
kind: Stack
metadata: {name: identity}
spec:
  components:
    identity-server: {project: {prod: Identity Server}}
    token-db: {}
"""
AT = "stacks/platform.yaml:9:"


def using(uses: str, **more: str | None) -> dict[str, str | bytes]:
    """Return the world with what `lobby-ui` uses, and a second stack."""
    stack = STACK.replace("project: Projects-7", f"project: Projects-7, uses: {{{uses}}}")
    return changed(platform=stack, **({"identity": IDENTITY} | more))


@pytest.mark.parametrize("named", ["identity-server", "identity/identity-server"])
def test_a_use_is_a_precondition_on_the_others_project_in_the_same_space(named: str) -> None:
    found = load(using(f'{named}: ">=4.0"')).environments["qa"]

    assert isinstance(found, DesiredState)
    project, bounds = "Identity Server", VersionRange.parse(">=4.0")
    assert found.preconditions == (
        Precondition("lobby-ui", "identity", "identity-server", project, bounds),
    )


def test_a_use_of_the_stack_is_one_of_every_component() -> None:
    stack = STACK.replace("spec:", 'spec:\n  uses: {identity-server: ">=4.0"}')
    found = load(changed(platform=stack, identity=IDENTITY)).environments["qa"]

    assert isinstance(found, DesiredState)
    assert [each.component for each in found.preconditions] == [""]


@pytest.mark.parametrize(
    ("uses", "said"),
    [
        ('wallet-api: "1"', "'wallet-api' is of this stack: name it in `after`"),
        ('platform/wallet-api: "1"', "'platform/wallet-api' is of this stack: name it in `after`"),
        (
            'identity-servr: "1"',
            "no other stack has a component 'identity-servr', did you mean 'identity-server'?",
        ),
        ('identty/token-db: "1"', "no Stack is named 'identty', did you mean 'identity'?"),
        (
            'identity/tokens-db: "1"',
            "'tokens-db' is not a component of stack 'identity', did you mean 'token-db'?",
        ),
    ],
)
def test_a_use_that_leads_nowhere_stops_the_stacks_environments(uses: str, said: str) -> None:
    found = load(using(uses))

    assert [line.partition(": ")[2] for line in lines(found)] == [said]
    assert lines(found)[0].startswith(AT)
    assert stopped(found) == ["production-uk", "qa"]


def test_a_use_that_two_stacks_could_mean_names_both() -> None:
    other = IDENTITY.replace("name: identity", "name: legacy")

    assert [line.partition(": ")[2] for line in lines(load(using('token-db: "1"', old=other)))] == [
        "'token-db' is a component of several stacks: write one of 'identity/token-db', "
        "'legacy/token-db'"
    ]


def test_a_use_of_a_stack_that_cannot_be_read_says_so() -> None:
    broken = IDENTITY.replace("token-db: {}", "token-db: []")

    found = lines(load(using('identity-server: "1"', identity=broken)))

    assert "no stack that can be read has 'identity-server'; mend Stack 'identity' first" in (
        line.partition(": ")[2] for line in found
    )


def test_a_cycle_through_two_stacks_is_named_in_full_and_stops_both() -> None:
    back = IDENTITY.replace("token-db: {}", 'token-db: {uses: {platform/wallet-db: "1"}}').replace(
        "Identity Server}", "Identity Server}, after: [token-db]"
    )
    lobby = STACK.replace("direction: up-only", 'uses: {identity-server: "1"}')
    elsewhere = QA.replace("name: qa", "name: id").replace("environment: QA", "environment: Id")
    elsewhere = elsewhere.replace("stack: platform", "stack: identity")
    elsewhere = elsewhere.replace('wallet-api: "2.5.0"', 'token-db: "1"')

    found = load(changed(platform=lobby, identity=back, elsewhere=elsewhere))

    (line,) = lines(found)
    assert line.endswith(
        "a cycle: identity/identity-server -> identity/token-db -> platform/wallet-db -> "
        "identity/identity-server"
    )
    assert stopped(found) == ["id", "production-uk", "qa"]


def test_every_cycle_of_a_stack_is_told_at_once() -> None:
    two = STACK.replace("after: [wallet-db]", "after: [wallet-api]").replace(
        "direction: up-only", "after: [wallet-db]"
    )

    assert [line.partition(": ")[2] for line in lines(load(changed(platform=two)))] == [
        "a cycle: wallet-api -> wallet-api",
        "a cycle: wallet-db -> wallet-db",
    ]
