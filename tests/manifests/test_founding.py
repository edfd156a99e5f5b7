"""The first manifests as files: whatever Octopus calls things, they load and say just that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.core.deployers import Deployer, DeployerKind
from reconciler.core.estate import Estate, FoundComponent, FoundEnvironment, FoundPin, LeftOut
from reconciler.core.manifest import DesiredState
from reconciler.core.naming import unique_names
from reconciler.core.policy import Mode
from reconciler.errors import ManifestsInvalid, UsageError
from reconciler.manifests.folder import load_folder
from reconciler.manifests.founding import check_files, estate_files, write_files

if TYPE_CHECKING:
    from pathlib import Path

NASTY = st.text(max_size=40) | st.sampled_from(
    [
        "\u2028x: 1",
        "# no",
        "{a: b}",
        "&a *b !!c",
        "no",
        "1.10",
        "\x00\x1b[31m",
        "'\"",
        "- -",
        "\ud800",
    ]
)
ENVIRONMENT = FoundEnvironment("test", "Environments-1", "Test", "Test", False, (), (), ())


def estate(*environments: FoundEnvironment, names: tuple[str, ...] = ()) -> Estate:
    return Estate(
        space="shop",
        space_id="Spaces-1",
        octopus_space="Shop",
        server="https://octopus.example",
        key_variable="OCTOPUS_SHOP_KEY",
        stack="shop",
        components=tuple(FoundComponent(name, f"Projects-{name}", "", "") for name in names),
        environments=environments,
    )


@given(st.lists(NASTY, min_size=1, max_size=6), NASTY)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rule_52_no_foreign_name_breaks_a_file_or_adds_to_it(
    tmp_path: Path, texts: list[str], title: str
) -> None:
    names = unique_names((f"Projects-{number}", text) for number, text in enumerate(texts))
    one = replace(
        ENVIRONMENT,
        title=title,
        pins=tuple(FoundPin(name, "1.10", title) for name in names.values()),
        left=(LeftOut("lost", title, "0x1"), LeftOut("other", title)),
        never=("never",),
        deployers=((Deployer(DeployerKind.SCHEDULE, title, "T-1", title), ("lost",)),),
        unread=(title,),
    )
    whole = replace(
        estate(one),
        components=tuple(FoundComponent(name, id_, "", title) for id_, name in names.items()),
        left=((title, title),),
    )

    files = estate_files(whole, tmp_path)
    found = load_folder(tmp_path / "nowhere", files)

    assert found.problems == ()
    state = found.environments["test"]
    assert isinstance(state, DesiredState)
    assert {n: pin.version for n, pin in state.environment.pins.items()} == dict.fromkeys(
        names.values(), "1.10"
    )
    assert set(state.stack.components) == set(names.values())
    assert (state.policy.mode, state.environment.also_deployed_by) == (Mode.OBSERVE, ())


def test_the_same_estate_is_written_once_and_left_alone_after_that(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "repo"
    files = estate_files(estate(ENVIRONMENT), out)

    assert set(write_files(out, files)) == {
        "environments/test.yaml",
        "policies/observe.yaml",
        "spaces/shop.yaml",
        "stacks/shop.yaml",
    }
    assert write_files(out, estate_files(estate(ENVIRONMENT), out)) == ()


def test_a_file_with_other_words_is_never_touched_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/shop.yaml").write_text("# mine\n")

    with pytest.raises(UsageError, match=r"stacks/shop\.yaml is there already"):
        write_files(tmp_path, estate_files(estate(ENVIRONMENT), tmp_path))

    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["shop.yaml"]
    assert (tmp_path / "stacks/shop.yaml").read_text() == "# mine\n"


def test_what_was_made_is_taken_away_again_where_the_rest_cannot_be(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    (tmp_path / "repo/stacks").mkdir(parents=True)
    (tmp_path / "repo/stacks/shop.yaml").symlink_to(outside)

    with pytest.raises(UsageError, match="cannot be written"):
        write_files(tmp_path / "repo", estate_files(estate(ENVIRONMENT), tmp_path / "repo"))

    assert not outside.exists()
    assert [path for path in (tmp_path / "repo").rglob("*.yaml") if path.is_file()] == []


def test_a_policy_that_people_changed_is_not_used_for_what_is_new(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    mine = tmp_path / "policies/observe.yaml"
    mine.write_text(
        "apiVersion: reconciler/v1\nkind: Policy\nmetadata: {name: observe}\nspec: {mode: apply}\n"
    )

    files = estate_files(estate(ENVIRONMENT), tmp_path)
    check_files(tmp_path, files, estate(ENVIRONMENT))

    assert "policies/observe-shop.yaml" in files
    assert b"policy: observe-shop\n" in files["environments/test.yaml"]
    (tmp_path / "policies/observe-shop.yaml").write_text(
        mine.read_text().replace("name: observe", "name: observe-shop")
    )
    with pytest.raises(ManifestsInvalid) as refused:
        check_files(
            tmp_path,
            {k: v for k, v in files.items() if not k.startswith("policies/")},
            estate(ENVIRONMENT),
        )
    assert refused.value.lines == (
        "environments/test.yaml:5:18: its policy does more than observe",
    )
