"""A person accepts again whenever the ground under an environment has moved."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.acceptance import AcceptedEnvironment, AuditState, Standing, held_because

ACCEPTED = AcceptedEnvironment(
    environment="production-uk",
    commit="4f" * 20,
    server_url="https://octopus.example",
    server="11111111-2222-3333-4444-555555555555",
    space="Spaces-2",
    octopus_environment="Environments-3",
)
HERE = (ACCEPTED.server, ACCEPTED.space, ACCEPTED.octopus_environment)


def held(**fields: Any) -> str | None:
    standing = Standing(
        shared=ACCEPTED,
        local=ACCEPTED,
        descends=True,
        store_writes=7,
        audit_writes=7,
        url=ACCEPTED.server_url,
        now=HERE,
    )
    return held_because(replace(standing, **fields))


def test_on_known_ground_nothing_is_held() -> None:
    assert held() is None
    assert held(store_writes=9) is None, "a push of ours may have failed after it was counted"
    assert held(local=replace(ACCEPTED, commit="5e" * 20)) is None, "another machine went on"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"shared": None}, "first contact with this environment"),
        ({"shared": None, "local": None, "now": None}, "first contact with this environment"),
        (
            {"descends": False},
            "this commit does not contain the last accepted one, 4f4f4f4f4f4f: it is older, on "
            "another branch, or the watched branch was rewritten",
        ),
        ({"audit_writes": 8}, "this machine's store is older than the audit branch says"),
        (
            {"local": None},
            "this machine's store does not know this environment: it is new here, or was lost",
        ),
        (
            {"url": "https://other.example", "now": None},
            "the server's address changed from https://octopus.example; it was not contacted",
        ),
        (
            {"now": ("999\x1b", *HERE[1:])},
            f"another Octopus server answers now: 999\\x1b, was {ACCEPTED.server}",
        ),
        ({"now": (HERE[0], "Spaces-9", HERE[2])}, "the space is now Spaces-9, was Spaces-2"),
        (
            {"now": (*HERE[:2], "Environments-9")},
            "the Octopus environment is now Environments-9, was Environments-3",
        ),
    ],
)
def test_rule_10_moved_ground_is_held_and_says_why(fields: dict[str, Any], why: str) -> None:
    assert held(**fields) == why


def test_rule_27_a_rewritten_branch_is_told_before_anything_that_local_loss_explains() -> None:
    assert "rewritten" in str(held(descends=False, local=None, audit_writes=9, now=None))


def test_an_environment_that_octopus_does_not_show_is_for_its_cells_to_tell() -> None:
    assert held(now=(*HERE[:2], None)) is None


# The file.

names = st.text("abc-.é", min_size=1, max_size=6)
texts = st.text(max_size=12)
environments = st.builds(AcceptedEnvironment, names, *[texts] * 5).map(
    lambda one: (one.environment, one)
)
states = st.builds(
    AuditState,
    st.lists(environments, max_size=4).map(dict),
    st.dictionaries(texts, st.integers(0, 2**60), max_size=3),
    st.dictionaries(names, texts, max_size=3),
)


@given(states)
def test_what_was_written_is_read_again(state: AuditState) -> None:
    assert AuditState.parse(state.render()) == state


@given(states)
def test_rule_2_equal_states_are_equal_bytes(state: AuditState) -> None:
    turned = AuditState(
        dict(reversed(list(state.environments.items()))),
        dict(reversed(list(state.writers.items()))),
        dict(reversed(list(state.gates.items()))),
    )

    assert turned.render() == state.render()
    assert state.render().endswith(b"}\n")
    assert state.render().isascii()


def test_no_file_yet_is_an_empty_state() -> None:
    assert AuditState.parse(None) == AuditState()


def with_(**fields: object) -> bytes:
    root = json.loads(AuditState({"production-uk": ACCEPTED}, {"store": 7}).render())
    return json.dumps({**root, **fields}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        with_(kind="Other"),
        with_(apiVersion="reconciler/v2"),
        with_(environments=[]),
        with_(environments={"e": None}),
        with_(environments={"e": {"accepted": 7}}),
        with_(writers=None),
        with_(writers={"store": "7"}),
        with_(writers={"store": True}),
        with_(writers={"store": -1}),
        with_(writers={"store": float("inf")}),
        with_(gates={"e": 7}),
        with_(gates=7),
    ],
)
def test_rule_11_a_damaged_file_holds_everything(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^state\.json on the audit branch is damaged: [^\n]+$"):
        AuditState.parse(content)


@given(st.binary(max_size=60))
def test_rule_47_no_bytes_crash_the_reader(content: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        AuditState.parse(content)


def test_a_file_without_refusals_is_read() -> None:
    root = json.loads(AuditState(writers={"store": 7}).render())
    del root["gates"]

    assert AuditState.parse(json.dumps(root).encode()) == AuditState(writers={"store": 7})


def test_a_change_is_a_new_value_and_leaves_the_rest() -> None:
    first = AuditState(writers={"a": 1})

    state = first.accepting(ACCEPTED).written_by("b", 2).refusing("production-uk", "ab" * 32)

    assert state.environments == {"production-uk": ACCEPTED}
    assert state.writers == {"a": 1, "b": 2}
    assert state.gates == {"production-uk": "ab" * 32}
    assert state.refusing("production-uk", None).gates == {}
    assert first == AuditState(writers={"a": 1})


def test_a_renamed_environment_is_accepted_as_it_was_and_its_old_name_is_free() -> None:
    state = AuditState().accepting(ACCEPTED)

    now = state.of("uk", "production-uk")

    assert now == replace(ACCEPTED, environment="uk", formers=("production-uk",))
    assert now is not None
    after = state.accepting(now)
    assert after.of("uk", "production-uk") == now
    assert after.of("production-uk") is None
    back = after.of("production-uk", "uk")
    assert back is not None
    assert back.formers == ("uk", "production-uk")
    assert set(after.accepting(back).environments) == {"production-uk"}
    assert AuditState.parse(after.render()) == after
