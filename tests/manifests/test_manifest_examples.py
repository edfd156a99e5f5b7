"""The example manifests show every kind there is, and every field of each."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.manifest import Kind
from reconciler.manifests.schemas import Schema, child, resolved, schema_of
from reconciler.manifests.tree import Branch, read_tree

EXAMPLES = sorted((Path(__file__).parents[2] / "example-manifests").rglob("*.yaml"))
NOT_SHOWN = {"platformVersion"}  # the estate runs on its own pins; docs/cli.md shows it


def shown(branch: Branch, root: Schema, node: Schema) -> Iterator[str]:
    """Yield the fields that stand in a part of a manifest, names of people's own left out."""
    keys = branch.value if isinstance(branch.value, dict) else range(len(branch.value))
    for key in keys:
        if key in node.get("properties", {}):
            yield str(key)
        below = branch.below(key)
        if below is not None:
            yield from shown(below, root, child(root, node, key))


def fields(root: Schema, node: Any) -> Iterator[str]:
    """Yield every field that a schema knows."""
    if not isinstance(node, dict):
        return
    node = resolved(root, node)
    for name, below in node.get("properties", {}).items():
        yield name
        yield from fields(root, below)
    for further in ("additionalProperties", "items"):
        yield from fields(root, node.get(further))


@pytest.mark.parametrize("kind", Kind)
def test_every_field_of_a_kind_is_shown_by_an_example(kind: Kind) -> None:
    schema, seen, examples = schema_of(kind), set[str](), 0
    for path in EXAMPLES:
        reader, _ = read_tree(path.name, path.read_bytes())
        assert reader.root is not None
        named = Kind(reader.root.value["kind"])
        examples += named is kind
        seen |= set(shown(reader.root, schema_of(named), schema_of(named)))

    assert examples
    assert set(fields(schema, schema)) - seen == NOT_SHOWN & set(fields(schema, schema))
