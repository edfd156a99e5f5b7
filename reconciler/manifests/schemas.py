"""The JSON Schemas, one per kind: the gate every manifest passes before anything is built.

They stand in `schema/` for editors and people, and travel inside the wheel. Beside the standard
keywords they say three things about wording, which engines ignore: `x-must` (what a value must
be, in words), `x-not-yet` (names and values that are designed but not carried out yet) and
`x-secret` (never repeat what stands here: somebody may have pasted a key).
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import jsonschema_rs

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from reconciler.core.manifest import Kind

Schema: TypeAlias = "dict[str, Any]"


def schema_folder() -> Traversable:
    """Return the folder of the schemas: inside the installed package, or of the checkout."""
    shipped = files("reconciler") / "_shipped" / "schema"
    return shipped if shipped.is_dir() else Path(__file__).parents[2] / "schema"


@cache
def schema_of(kind: Kind) -> Schema:
    """Return the JSON Schema of a kind."""
    text = (schema_folder() / f"{kind.lower()}.schema.json").read_text(encoding="utf-8")
    schema: Schema = json.loads(text)
    return schema


@cache
def gate_of(kind: Kind) -> jsonschema_rs.Draft202012Validator:
    """Return the fast validator of a kind, built once: it says only yes or no."""
    return jsonschema_rs.Draft202012Validator(schema_of(kind))


def resolved(root: Schema, node: Schema) -> Schema:
    """Return a schema node with its local `$ref` followed; its own keywords win."""
    while "$ref" in node:
        target: Schema = root["$defs"][node["$ref"].removeprefix("#/$defs/")]
        node = target | {key: value for key, value in node.items() if key != "$ref"}
    return node


def child(root: Schema, node: Schema, key: str | int) -> Schema:
    """Return the schema of what stands at `key` below `node`; empty where nothing is known."""
    if isinstance(key, int):
        found = node.get("items")
    else:
        found = node.get("properties", {}).get(key, node.get("additionalProperties"))
    return resolved(root, found) if isinstance(found, dict) else {}
