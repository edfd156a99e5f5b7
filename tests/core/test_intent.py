"""An intent is told by its id; a deployment's comments tell it without the store."""

import hashlib
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.intent import Comments, CommentTag, Intent, IntentRecord

INTENT = Intent(
    server="11111111-2222-3333-4444-555555555555",
    space="Spaces-2",
    environment="Environments-3",
    tenant=None,
    project="Projects-7",
    version="2.4.1",
    machines=("Machines-2", "Machines-1"),
    after="Deployments-901",
)
RECORD = IntentRecord(
    intent=INTENT,
    environment="production-uk",
    cell="wallet-api",
    project_slug="wallet-api",
    commit="4f" * 20,
    plan_digest="ab" * 32,
    action="upgrade",
    replaces="2.4.0",
    redeploy=0,
    promised_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
)
TAG = CommentTag("1a" * 32, "2b" * 20, "3c" * 32)

hexes = st.text("0123456789abcdef", min_size=64, max_size=64)
commits = st.text("0123456789abcdef", min_size=40, max_size=64)
names = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,10}[a-z0-9])?", fullmatch=True)
versions = st.from_regex(
    r"[vV]?[0-9]+(\.[0-9]+){0,3}(-[A-Za-z0-9.]+)?(\+[a-z0-9]+)?", fullmatch=True
)


def test_rule_12_an_intent_is_the_digest_of_what_it_means() -> None:
    meant: Any = {
        "server": "11111111-2222-3333-4444-555555555555",
        "space": "Spaces-2",
        "environment": "Environments-3",
        "tenant": None,
        "project": "Projects-7",
        "kind": "deploy",
        "version": "2.4.1",
        "machines": ["Machines-1", "Machines-2"],
        "after": "Deployments-901",
    }

    assert INTENT.id == hashlib.sha256(rfc8785.dumps(meant)).hexdigest()


def test_rule_12_the_order_of_machines_means_nothing() -> None:
    assert replace(INTENT, machines=("Machines-1", "Machines-2")).id == INTENT.id


@pytest.mark.parametrize("name", [field.name for field in fields(Intent)])
def test_rule_12_whatever_differs_is_another_intent(name: str) -> None:
    other: Any = ("Machines-1",) if name == "machines" else "other"

    assert replace(INTENT, **{name: other}).id != INTENT.id


def test_rule_12_any_later_deployment_makes_it_another_intent() -> None:
    assert replace(INTENT, after=None).id != replace(INTENT, after="Deployments-902").id


# The comments.


def test_the_comments_are_a_sentence_that_ends_in_the_tag() -> None:
    assert str(Comments.of(RECORD)) == (
        "Reconciler: upgrade wallet-api from 2.4.0 to 2.4.1 in production-uk. "
        f"[reconciler intent={INTENT.id} commit={'4f' * 20} plan={'ab' * 32}]"
    )


@given(names, names, versions, st.none() | versions, commits, hexes, st.text(" \n\t\r", max_size=3))
def test_rule_13_what_the_comments_say_is_read_again(
    component: str,
    environment: str,
    version: str,
    replaces: str | None,
    commit: str,
    plan: str,
    trailing: str,
) -> None:
    record = replace(
        RECORD,
        intent=replace(INTENT, version=version),
        cell=component,
        environment=environment,
        replaces=replaces,
        commit=commit,
        plan_digest=plan,
    )
    said = Comments.of(record)

    assert Comments.read(str(said) + trailing) == said
    assert CommentTag.find(str(said) + trailing) == said.tag
    assert said.tag.intent == record.intent.id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "by hand",
        str(TAG)[:-1],
        f"{TAG} and more",
        str(TAG).upper(),
        str(TAG).replace("1a", "zz"),
        str(TAG).replace("plan", "plot"),
        str(TAG).replace("intent=", "intent=0"),
    ],
)
def test_rule_13_only_a_whole_tag_at_the_very_end_is_one(text: str) -> None:
    assert CommentTag.find(text) is None
    assert Comments.read(text) is None


def test_rule_13_the_last_tag_counts() -> None:
    assert CommentTag.find(f"{CommentTag('0' * 64, '0' * 40, '0' * 64)} {TAG}") == TAG


@pytest.mark.parametrize(
    "sentence",
    [
        "by hand ",
        "Reconciler: delete api to 1.0 in qa. ",
        "Reconciler: upgrade api to 1.0 in qa.  ",
        "Reconciler: upgrade api to 1.0 in qa. and more ",
        "\nReconciler: upgrade api to 1.0 in qa. ",
        "Reconciler: upgrade API to 1.0 in qa. ",
    ],
)
def test_a_tag_under_other_words_is_a_tag_but_no_comment_of_ours(sentence: str) -> None:
    assert CommentTag.find(sentence + str(TAG)) == TAG
    assert Comments.read(sentence + str(TAG)) is None


@given(st.text(max_size=200))
def test_rule_47_no_text_crashes_the_reader(text: str) -> None:
    for comments in (text, f"{text} {TAG}", f"Reconciler: upgrade {text} to 1 in e. {TAG}"):
        said = Comments.read(comments)
        assert said is None or str(said) == comments.rstrip()


@pytest.mark.timeout(10)
def test_rule_47_a_long_comment_takes_no_long_time() -> None:
    assert CommentTag.find("[reconciler intent=" * 50_000) is None
    assert CommentTag.find(str(TAG) + " " * 200_000 + "x") is None
    assert Comments.read("Reconciler: upgrade a from " + "x" * 200_000) is None
