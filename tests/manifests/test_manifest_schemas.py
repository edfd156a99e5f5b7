"""The schemas: one per kind, one truth for the fast gate and for the explaining engine."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from document_schemas import DOCUMENTS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manifest_world import LIFECYCLE, REMOTE, WORLD
from ruamel.yaml import YAML

from reconciler.core.manifest import Kind
from reconciler.manifests.diagnose import engine_of
from reconciler.manifests.schemas import gate_of, schema_of

FOLDER = Path(__file__).parents[2] / "schema"
MANY = settings(max_examples=3_000, deadline=None, suppress_health_check=list(HealthCheck))

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2_000_000)
    | st.text(max_size=5)
    | st.sampled_from(
        ["a", "a\n", "\n", "a-b", "OCTOPUS_A", "OCTOPUS_A\n", "up-only", " a", "a\xa0"]
    )
    | st.sampled_from(["apply", "heal", "1.0", "x" * 64, "x" * 63, "é", "\u2028", "a..b", "a.lock"])
)
words = [
    "version",
    "hold",
    "reason",
    "until",
    "redeploy",
    "env",
    "file",
    "observe",
    "deploy",
    "name",
]
words += ["project", "after", "direction", "components", "mode", "limits", "parallel", "x", "a\n"]
values = st.recursive(
    scalars,
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.sampled_from(words) | st.text(max_size=3), below, max_size=3)
    ),
    max_leaves=8,
)


def good(kind: Kind) -> Any:
    """Return a valid document of a kind as JSON."""
    text = next(text for text in (*WORLD.values(), LIFECYCLE, REMOTE) if f"kind: {kind}\n" in text)
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor.yaml_constructors.pop("tag:yaml.org,2002:timestamp", None)
    return json.loads(json.dumps(yaml.load(text.replace("until: ", "until: _")), default=str))


@st.composite
def changed_documents(draw: st.DrawFn) -> tuple[Kind, Any]:
    """Return a valid document with a value replaced, added or taken away somewhere."""
    kind = draw(st.sampled_from(list(Kind)))
    document = good(kind)
    for _ in range(draw(st.integers(1, 3))):
        node = document
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(node[key], dict | list) and draw(st.integers(0, 3)):
                node = node[key]
                continue
            match draw(st.sampled_from(["replace", "add", "remove"])):
                case "replace":
                    node[key] = draw(values)
                case "add" if isinstance(node, dict):
                    node[draw(st.sampled_from(words) | st.text(max_size=4))] = draw(values)
                case _:
                    del node[key]
            break
    return kind, document


def agree(kind: Kind, document: Any) -> None:
    """Assert that both engines give one answer, formats (which only one knows) aside."""
    slow = [error for error in engine_of(kind).iter_errors(document) if error.validator != "format"]
    assert gate_of(kind).is_valid(document) == (not slow), (kind, document, slow)


def test_there_is_one_schema_for_each_kind_of_manifest_and_of_document() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(
        f"{name.lower()}.schema.json" for name in (*Kind, *DOCUMENTS)
    )


@pytest.mark.parametrize("kind", Kind)
def test_a_schema_is_valid_draft_2020_12_and_names_its_kind(kind: Kind) -> None:
    schema = schema_of(kind)

    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["properties"]["kind"] == {"const": kind}


@pytest.mark.parametrize("kind", Kind)
def test_a_good_document_passes_both_engines(kind: Kind) -> None:
    agree(kind, good(kind))
    assert gate_of(kind).is_valid(good(kind))


@pytest.mark.parametrize("kind", Kind)
def test_every_mapping_of_a_schema_refuses_unknown_fields_or_names_its_values(kind: Kind) -> None:
    def mappings(node: Any) -> list[Any]:
        found = [node] if isinstance(node, dict) and "properties" in node else []
        if isinstance(node, dict):
            below = [value for key, value in node.items() if key != "if"]  # it asks, and lets in
        else:
            below = node if isinstance(node, list) else []
        return found + [mapping for value in below for mapping in mappings(value)]

    found = [node for node in mappings(schema_of(kind)) if "additionalProperties" not in node]

    assert found == []
    assert len(mappings(schema_of(kind))) >= 3


def test_what_two_schemas_define_under_one_name_is_the_same() -> None:
    defined: dict[str, Any] = {}
    for kind in Kind:
        for name, node in schema_of(kind)["$defs"].items():
            assert defined.setdefault(name, node) == node, (kind, name)


def test_nothing_that_is_not_supported_yet_is_a_field_too() -> None:
    for kind in Kind:
        text = json.dumps(schema_of(kind)["properties"]["spec"])
        for name in schema_of(kind).get("x-not-yet", ()):
            assert f'"{name}": {{' not in text


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changed_documents())
def test_both_engines_agree_on_changed_documents(changed: tuple[Kind, Any]) -> None:
    agree(*changed)


@pytest.mark.proof
@MANY
@given(changed_documents())
def test_both_engines_agree_on_many_changed_documents(changed: tuple[Kind, Any]) -> None:
    agree(*changed)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(list(Kind)), values)
def test_both_engines_agree_on_anything(kind: Kind, value: Any) -> None:
    agree(kind, value)
