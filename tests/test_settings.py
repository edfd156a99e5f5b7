"""Settings: a name that is almost one is refused, never passed over."""

from __future__ import annotations

import pytest

from reconciler.errors import UsageError
from reconciler.settings import read_settings


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("RECONCILER_GIT_ALLOWED_SIGNERS", "RECONCILER_GIT__ALLOWED_SIGNERS"),
        ("RECONCILER_STATEDIR", "RECONCILER_STATE_DIR"),
        ("RECONCILER_REPOS", "RECONCILER_REPO"),
    ],
)
def test_a_variable_that_is_almost_a_setting_is_refused_and_the_setting_named(
    monkeypatch: pytest.MonkeyPatch, written: str, meant: str
) -> None:
    monkeypatch.setenv(written, "/somewhere")

    with pytest.raises(UsageError, match=f"variable {written} is no setting; nothing") as refused:
        read_settings()

    assert refused.value.hint.startswith(f"{meant} is one")


def test_a_variable_that_a_space_manifest_may_name_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RECONCILER_GAMING_KEY", "API-X")
    monkeypatch.setenv("reconciler_edits", "push")

    assert read_settings().edits == "push"


def test_an_address_without_a_port_is_refused_with_how_to_write_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RECONCILER_SERVE__LISTEN", "localhost")

    with pytest.raises(UsageError, match="SERVE__LISTEN: write it as ADDRESS:PORT"):
        read_settings()
