"""Values for prompted variables: a stack expects them, an environment gives them, no secret is."""

import pytest
from manifest_world import QA, STACK, changed, lines, load, stopped

from reconciler.core.manifest import CredentialSource, DesiredState, ManifestSet

TEMPLATES = """\
  templates:
    Ticket: {label: Change ticket, required: true}
    Locale: {type: choice, choices: [en, mt], default: en, components: [lobby-ui]}
    Verbose: {type: boolean}
    Timeout: {type: number}
    Api Token: {type: secret, components: [wallet-api]}
"""


def world(variables: str, templates: str = TEMPLATES, stack: str = STACK) -> ManifestSet:
    """Load qa alone with variables, under a stack with templates."""
    qa = QA.replace("  stack: platform", f"  stack: platform\n  variables: {{{variables}}}")
    files = changed(qa=qa, platform=stack + templates, production_uk=None)
    return load({path: text for path, text in files.items() if "wallet" not in path})


def said(found: ManifestSet) -> list[str]:
    return [line.partition(".yaml:")[2] for line in lines(found)]


def test_an_environment_gives_each_component_its_values() -> None:
    stack = STACK.replace("direction: up-only", "variables: {Retries: '3'}, direction: up-only")
    token = "Api Token: {env: RECONCILER_VALUE_TOKEN}"

    state = world(f"Ticket: CHG-1, Verbose: 'TRUE', Timeout: '0.5', {token}", stack=stack)
    qa = state.environments["qa"]

    assert isinstance(qa, DesiredState), lines(state)
    common = (("Ticket", "CHG-1"), ("Timeout", "0.5"), ("Verbose", "True"))
    secret = CredentialSource(env="RECONCILER_VALUE_TOKEN")
    assert qa.values == {
        "lobby-ui": (("Locale", "en"), *common),
        "wallet-api": (("Api Token", secret), *common),
        "wallet-db": (("Retries", "3"), *common),
    }


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ("Tickt: x, Ticket: t", "7:22: 'Tickt' is not a template of stack 'platform'"),
        ("Ticket: t, Timeout: soon", "7:35: 'Timeout' must be a number, such as '30' or '0.5'"),
        ("Ticket: t, Verbose: perhaps", "7:35: 'Verbose' must be 'true' or 'false'"),
        ("Ticket: t, Locale: de", "7:34: 'Locale' must be one of en, mt"),
        (
            "Ticket: t, Api Token: hush",
            "7:37: 'Api Token' is a secret: say where it is found, {env: RECONCILER_VALUE_...}",
        ),
        (
            "Ticket: {file: value-ticket}",
            "7:23: 'Ticket' is not of type secret: write its value",
        ),
        ("Ticket: 30", '7:23: 30 is a number to YAML, not text; quote it: "30"'),
        (
            "",
            "3:18: 'Ticket' (Change ticket) is required by stack 'platform': give it a value "
            "under `variables`",
        ),
    ],
)
def test_a_value_that_does_not_fit_stops_its_environment(variables: str, problem: str) -> None:
    found = world(variables)

    assert [line.partition(", did you")[0] for line in said(found)] == [problem]
    assert stopped(found) == ["qa"]
    assert "hush" not in "".join(lines(found))


@pytest.mark.parametrize(
    "source", ["{env: OCTOPUS_GAMING_KEY}", "{env: RECONCILER_GIT__TOKEN}", "{file: deploy-key}"]
)
def test_rule_30_no_credential_of_octopus_or_git_becomes_a_value(source: str) -> None:
    (line,) = said(world(f"Ticket: t, Api Token: {source}"))

    assert "must" in line
    assert "OCTOPUS" not in line


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("Admin Password: {}", "'Admin Password' looks like a secret: write type: secret"),
        ("X: {type: choice}", "'choices' belong to type choice, and it needs them"),
        ("X: {choices: [a]}", "'choices' belong to type choice, and it needs them"),
        ("X: {type: number, default: many}", "the default must be a number, such as '30' or '0.5'"),
        (
            "X: {type: secret, default: hush}",
            "the default is a secret: say where it is found, {env: RECONCILER_VALUE_...}",
        ),
        (
            "X: {components: [lobby-iu]}",
            "unknown component 'lobby-iu', did you mean 'lobby-ui'?",
        ),
        (
            "{X: {}, x: {}}",
            "'x' is the same variable as another template: Octopus ignores case",
        ),
        ("{Retries: {}}", "'Retries' is a template too: give it in one place"),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused(template: str, problem: str) -> None:
    stack = STACK.replace("direction: up-only", "variables: {Retries: '3'}")
    inside = template if template.startswith("{") else f"{{{template}}}"

    found = said(world("", f"  templates: {inside}\n", stack))

    assert [line.partition(": ")[2] for line in found] == [problem]
