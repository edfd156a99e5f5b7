"""Whatever the bytes are, loading ends with a set of manifests (rules 6, 7 and 47)."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manifest_world import WORLD, changed, lines, load
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from reconciler.core.manifest import ManifestSet
from reconciler.manifests import loader
from reconciler.manifests.scalars import plain_value
from reconciler.manifests.tree import read_tree

FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MANY = settings(max_examples=5_000, deadline=None, suppress_health_check=list(HealthCheck))

stems = st.sampled_from([path.rpartition("/")[2].removesuffix(".yaml") for path in WORLD])
TOKENS = [
    *("a", "kind", "Environment", "spec", "qa", "x" * 200, "1.10", "~", "é", "😀"),
    *(": ", ":", "- ", "? ", "{", "}", "[", "]", ", ", "|", ">", '"', "'", "#", "\\", "@", "`"),
    *("&a ", "*a", "!!str ", "%YAML 1.1", "---\n", "...\n", "<<"),
    *("\n", "\n  ", "\t", "\r\n", "\x00", "\ufeff", "\u2028"),
]
yamlish = st.lists(st.sampled_from(TOKENS), max_size=40).map("".join)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """Return a file of the world with a part cut out and something put in its place."""
    stem = draw(stems)
    path = next(path for path in WORLD if path.endswith(f"/{stem}.yaml"))
    data = WORLD[path].encode()
    start = draw(st.integers(0, len(data)))
    length = draw(st.integers(0, 40))
    put = draw(st.binary(max_size=8) | yamlish.map(lambda text: text.encode()))
    return stem.replace("-", "_"), data[:start] + put + data[start + length :]


def holds(found: ManifestSet) -> None:
    """Assert what every set of manifests promises."""
    assert list(found.problems) == sorted(set(found.problems))
    assert all(line.isprintable() and len(line) < 1_000 for line in lines(found))
    assert {"production-uk", "qa"} & found.environments.keys() or found.problems


@FEW
@given(stems, st.binary(max_size=200))
def test_rule_47_no_bytes_crash_the_loading(stem: str, data: bytes) -> None:
    found = load(changed(**{stem.replace("-", "_"): data}))

    holds(found)
    assert found.problems


@FEW
@given(damaged())
def test_rule_47_no_damage_to_a_manifest_crashes_the_loading(damage: tuple[str, bytes]) -> None:
    stem, data = damage

    holds(load(changed(**{stem: data}), earlier=[WORLD]))


@pytest.mark.proof
@MANY
@given(damaged())
def test_rule_47_much_damage_to_a_manifest_crashes_nothing(damage: tuple[str, bytes]) -> None:
    stem, data = damage

    holds(load(changed(**{stem: data}), earlier=[WORLD]))


@FEW
@given(yamlish)
def test_rule_7_what_reads_as_a_tree_says_what_yaml_says(text: str) -> None:
    reader, whole = read_tree("f.yaml", text.encode("utf-8", "replace"))

    if whole and not reader.problems:
        yaml = YAML(typ="safe", pure=True)
        try:
            other = yaml.load(text.removeprefix("\ufeff"))
        except (YAMLError, ValueError):
            return  # a date that does not exist, say: our tree keeps the text
        assert reader.root is not None
        assert shape(other) == shape(reader.root.value)


def shape(value: object) -> object:
    """Return the structure of a value, its scalars left out."""
    match value:
        case dict():
            return {str(key): shape(below) for key, below in value.items()}
        case list():
            return [shape(below) for below in value]
        case _:
            return None


# ruamel warns of 0E0, which is a number all the same
DOTLESS = pytest.mark.filterwarnings("ignore::ruamel.yaml.error.MantissaNoDotYAML1_1Warning")
NUMBERISH = "0123456789._+-eExXobBaAfFiInN:TtZz ~<=yYsSlLuUrR"


def check_plain(text: str) -> None:
    """Assert that what we take as plain text is text to both versions of YAML."""
    if type(plain_value(text)) is not str:
        return
    for version in ((1, 1), (1, 2)):
        yaml = YAML(typ="safe", pure=True)
        yaml.version = version
        try:
            values = yaml.load(f"- {text}\n")
        except (YAMLError, IndexError):  # IndexError: it stumbles over '-_', a number without digit
            return
        if isinstance(values, list) and len(values) == 1 and not isinstance(values[0], dict | list):
            said = values[0]
            assert isinstance(said, str), (text, version, said)


@DOTLESS
@settings(max_examples=300, deadline=None)
@given(st.text(NUMBERISH, min_size=1, max_size=12))
def test_rule_6_plain_text_is_text_to_yaml_1_1_and_1_2(text: str) -> None:
    check_plain(text.strip())


@DOTLESS
@pytest.mark.proof
@MANY
@given(st.text(NUMBERISH, min_size=1, max_size=20))
def test_rule_6_much_plain_text_is_text_to_yaml_1_1_and_1_2(text: str) -> None:
    check_plain(text.strip())


def test_rule_47_all_manifests_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "_MAX_TOTAL_BYTES", 1_000)

    found = load(WORLD)

    assert (
        "stacks/platform.yaml:1:1: all manifests together are larger than 1000 bytes"
        in "\n".join(lines(found))
    )


def test_rule_47_broken_files_beyond_a_budget_are_refused_without_explanation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loader, "_MAX_EXPLAINED_BYTES", 10)
    broken = {
        f"s{number}.yaml": WORLD["stacks/platform.yaml"].replace("owners", "owner")
        for number in range(3)
    }

    found = lines(load({**WORLD, **broken}))

    assert "s0.yaml:5:3: unknown field 'owner', did you mean 'owners'?" in found
    assert sum("mend the other files first" in line for line in found) == 2


def test_rule_47_misspelt_names_by_the_thousand_are_refused_in_bounded_time() -> None:
    components = "".join(f"    component-{number}: {{}}\n" for number in range(3_000))
    stack = WORLD["stacks/platform.yaml"].partition("  owners")[0] + "  components:\n" + components
    qa = WORLD["environments/qa.yaml"].partition("  components")[0] + "  components:\n"
    wrong = "".join(f'    komponent-{number}: "1.0"\n' for number in range(3_000))

    found = load(changed(platform=stack, qa=qa + wrong))

    assert sum("did you mean 'component-" in line for line in lines(found)) >= 1
    assert sum("komponent" in line for line in lines(found)) == 50
