"""A deployment's form is filled by name, and a secret meets only what keeps it secret."""

import pytest

from reconciler.core.manifest import CredentialSource
from reconciler.core.variables import Filled, FormElement, asks_for_change, fill, looks_secret

TOKEN = CredentialSource(env="RECONCILER_VALUE_TOKEN")


def element(
    name: str, *, required: bool = False, has: bool = False, secret: bool = False
) -> FormElement:
    return FormElement(f"id-{name}", name, f"The {name}", required, has, secret)


def test_values_go_to_the_elements_of_their_names_and_others_stay() -> None:
    form = [element("Ticket", required=True), element("Locale"), element("Token", secret=True)]

    assert fill(form, {"ticket": "CHG-1", "Unknown": "x", "TOKEN": TOKEN}) == Filled(
        (("id-Ticket", "CHG-1"), ("id-Token", TOKEN))
    )


def test_a_required_variable_without_any_value_is_told() -> None:
    form = [element("Ticket", required=True), element("Locale", required=True, has=True)]

    assert fill(form, {}) == Filled((), ("no value for the required variable 'Ticket'",))


def test_rule_30_a_secret_meets_only_what_octopus_keeps_secret() -> None:
    form = [element("Ticket"), element("Token", secret=True)]

    assert fill(form, {"Ticket": TOKEN, "Token": "hush"}) == Filled(
        (),
        (
            "'Ticket' is not sensitive in Octopus: everyone could read the secret",
            "'Token' is sensitive in Octopus, and its value stands in a manifest",
        ),
    )


def test_a_name_tells_a_secret() -> None:
    secret = ["DbPassword", "API key", "client-secret", "Access_Token", "ConnectionString"]
    plain = ["Ticket", "Locale", "Passenger", "Keyboard"]

    assert [name for name in secret + plain if looks_secret(name)] == secret


@pytest.mark.parametrize(
    ("name", "asks"),
    [
        ("Octopus.ServiceNow.ChangeRequest.Number", True),
        ("Octopus.JiraServiceManagement.ChangeRequest.Number", True),
        ("change_request", True),
        ("Change number", True),
        ("Exchange", False),
        ("Changes", False),
    ],
)
def test_a_variable_for_a_change_request_is_known_by_its_name(name: str, *, asks: bool) -> None:
    assert asks_for_change(name) is asks
    filled = fill([element(name)], {}, "CHG-7")
    assert filled.values == (((f"id-{name}", "CHG-7"),) if asks else ())


def test_a_change_request_that_is_needed_and_not_named_is_awaited_and_a_given_value_wins() -> None:
    form = [element("Change Number", required=True)]

    assert fill(form, {}) == Filled((), (), "Change Number")
    assert fill(form, {"change number": "A"}, "B").values == (("id-Change Number", "A"),)
    assert fill([element("Change Number", required=True, has=True)], {}) == Filled(())
