"""What a form of Octopus asks, and what fits it."""

import pytest

from reconciler.core.interruption import (
    FieldKind,
    FormField,
    FormRefused,
    Interruption,
    Option,
    filled,
    graveness,
)

FORM = Interruption(
    "Interruptions-3",
    fields=(
        FormField("Instructions", FieldKind.NOTE, text="Check it"),
        FormField("Notes", FieldKind.TEXT),
        FormField("Sure", FieldKind.CHECK),
        FormField(
            "Result",
            FieldKind.CHOICE,
            is_required=True,
            options=(Option("Proceed", "Go"), Option("Abort", "Stop", is_grave=True)),
        ),
    ),
    given=(("Notes", "kept"),),
)


def test_every_field_is_sent_as_given_or_as_kept() -> None:
    assert filled(FORM, "proceed", {"sure": "true"}) == {
        "Instructions": None,
        "Notes": "kept",
        "Sure": "True",
        "Result": "Proceed",
    }


def test_an_answer_that_octopus_asks_twice_about_is_told() -> None:
    assert graveness(FORM, filled(FORM, "Abort", {})) == "Abort"
    assert graveness(FORM, filled(FORM, "Proceed", {})) == ""


@pytest.mark.parametrize(
    ("result", "values", "words"),
    [
        (None, {"Notes": "x"}, "needs Result: Proceed, Abort"),
        ("Retry", {}, "Result is one of Proceed, Abort, not 'Retry'"),
        ("Proceed", {"Sure": "maybe"}, "Sure is True or False"),
        ("Proceed", {"Nots": "x"}, "does not ask for 'Nots'; it asks for Notes, Sure, Result"),
        ("Proceed", {"Instructions": "x"}, "does not ask for 'Instructions'"),
    ],
)
def test_what_does_not_fit_is_refused(
    result: str | None, values: dict[str, str], words: str
) -> None:
    with pytest.raises(FormRefused, match=words):
        filled(FORM, result, values)


def test_a_form_without_a_choice_takes_no_result() -> None:
    with pytest.raises(FormRefused, match="has no choice"):
        filled(Interruption("Interruptions-4"), "Proceed", {})
