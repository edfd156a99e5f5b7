"""What `-o json` writes is what the published schemas say, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cli_golden import FOLDER as GOLDEN
from document_schemas import DOCUMENTS, check, validator
from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from cli_shop import Shop


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_the_schema_of_a_document_is_valid_and_every_mapping_names_its_fields(kind: str) -> None:
    schema: Any = validator(kind).schema
    Draft202012Validator.check_schema(schema)

    def mappings(node: Any) -> list[Any]:
        own = [node] if isinstance(node, dict) and "properties" in node else []
        below = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        return own + [found for each in below for found in mappings(each)]

    found = mappings(schema)
    assert len(found) >= 3
    assert [each for each in found if each.get("additionalProperties") is not False] == []
    assert schema["$id"] == f"urn:reconciler:v1:{kind}"


def test_documents_of_a_shop_are_as_their_schemas_say(shop: Shop) -> None:
    base = shop.git("rev-parse", "HEAD", at=shop.clone).strip()
    shop.pin(web="1.1.0")
    commands = {
        "Explanation": ("explain", "production", "web"),
        "History": ("history", "production"),
        "Comparison": ("compare", "production", "live:production", "--all"),
        "Review": ("plan", "--base", base, "--head", "main", "--observed", "live"),
    }

    for kind, command in commands.items():
        result = shop.run(*command, "-o", "json")
        assert check(json.loads(result.stdout))["kind"] == kind, result.output


def test_the_golden_review_is_as_its_schema_says_and_no_field_more_may_be_in_it() -> None:
    review = check(json.loads((GOLDEN / "review.json").read_text()))

    assert review["spec"]["environments"]
    assert not validator("review").is_valid({**review, "more": 1})
    assert not validator("review").is_valid({**review, "spec": {**review["spec"], "base": "main"}})
