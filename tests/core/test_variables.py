"""A deployment's form is filled by name, and a secret meets only what keeps it secret."""

from reconciler.core.manifest import CredentialSource
from reconciler.core.variables import Filled, FormElement, fill, looks_secret

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
