"""The published schemas of the documents that `-o json` writes, beside that of plans."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

FOLDER = Path(__file__).parents[1] / "schema"
DOCUMENTS = ("comparison", "explanation", "history", "plan", "review")


@cache
def validator(kind: str) -> Draft202012Validator:
    """Return the validator of one kind of document, in small letters."""
    schemas = {name: json.loads((FOLDER / f"{name}.schema.json").read_text()) for name in DOCUMENTS}
    known = [(each["$id"], Resource.from_contents(each)) for each in schemas.values()]
    registry: Registry[Any] = Registry().with_resources(known)
    return Draft202012Validator(schemas[kind], registry=registry)


def check(document: Any) -> Any:
    """Return the document if it is as the schema of its kind says."""
    validator(document["kind"].lower()).validate(document)
    return document
