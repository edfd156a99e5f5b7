import copy
import json
import pickle

import pytest

from reconciler.core.secret import Secret

TEXT = "API-ABCDEFGHIJ"


def test_rule_30_a_secret_shows_itself_in_no_form() -> None:
    secret = Secret(TEXT)

    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r:>40}",
        str([secret]),
    ]

    assert not [form for form in shown if TEXT in form]
    assert f"{secret}" == "****"
    assert secret.reveal() == TEXT


@pytest.mark.parametrize("write_down", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps])
def test_rule_30_a_secret_is_never_written_down(write_down: object) -> None:
    assert callable(write_down)
    with pytest.raises(TypeError):
        write_down(Secret(TEXT))


def test_rule_30_a_secret_is_masked_in_text_that_repeats_it() -> None:
    assert Secret(TEXT).hide_in(f"key {TEXT}, again {TEXT}") == "key ****, again ****"
    assert Secret("").hide_in("as it was") == "as it was"
