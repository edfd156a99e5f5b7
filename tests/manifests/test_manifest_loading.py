"""Good manifests become values; what was parsed once is not parsed again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from manifest_world import (
    ENVIRONMENT,
    PINS,
    POLICY,
    QA,
    SPACE,
    STACK,
    WORLD,
    Commit,
    changed,
    load,
    state,
)

from reconciler.core.manifest import CredentialSource, Place, Until
from reconciler.core.policy import Limits, Mode, OnFailure, OnWarning, Policy
from reconciler.errors import UsageError
from reconciler.manifests import loader as loading
from reconciler.manifests.folder import load_folder
from reconciler.manifests.loader import ManifestLoader

EXAMPLES = Path(__file__).parents[2] / "example-manifests"


def test_a_good_repository_has_no_problem_and_every_environment() -> None:
    found = load(WORLD)

    assert found.problems == ()
    assert list(found.environments) == ["production-uk", "qa"]


def test_an_environment_is_joined_with_its_space_stack_policy_and_fragments() -> None:
    desired = state(load(WORLD), "production-uk")

    assert desired.environment.octopus_environment == "Production UK"
    assert desired.environment.space == desired.space.name == "prod"
    assert desired.space.server == "https://octopus.example.com"
    assert desired.space.octopus_space == "Gaming"
    assert desired.space.observe == CredentialSource(env="OCTOPUS_OBSERVE_KEY")
    assert desired.space.deploy == CredentialSource(file="deploy-key")
    assert desired.policy.mode is Mode.APPLY
    assert desired.policy.protected
    assert desired.policy.limits == Limits(downgrades=0, changes=20, parallel=4)
    assert desired.policy.on_failure is OnFailure.FINISH_STARTED
    assert desired.policy.on_warning is OnWarning.HOLD
    assert {name: pin.version for name, pin in desired.environment.pins.items()} == {
        "wallet-api": "2.4.1",
        "lobby-ui": "3.0.0",
        "wallet-db": "1.9.0",
    }


def test_a_pin_knows_where_its_version_is_written_its_hold_and_its_redeploy_counter() -> None:
    pins = state(load(WORLD), "production-uk").environment.pins

    assert pins["wallet-api"].place == Place("environments/production-uk.yaml", 9, 5)
    assert pins["lobby-ui"].place == Place("environments/production-uk.yaml", 10, 5)
    assert pins["lobby-ui"].hold == Until("CHG-1301", datetime(2026, 12, 1, tzinfo=UTC))
    assert pins["wallet-db"].place == Place("teams/wallet.yaml", 7, 5)
    assert pins["wallet-db"].redeploy == 2
    assert pins["wallet-db"].hold is None


def test_a_component_defaults_to_the_project_of_its_name_and_may_differ_by_space() -> None:
    stack = state(load(WORLD), "production-uk").stack

    assert stack.owners == ("@acme/platform",)
    assert stack.components["wallet-api"].project_in("prod") == "Wallet API"
    assert stack.components["wallet-api"].project_in("other") == "wallet-api"
    assert stack.components["wallet-api"].after == ("wallet-db",)
    assert stack.components["wallet-db"].project_in("prod") == "wallet-db"
    assert stack.components["wallet-db"].up_only
    assert not stack.components["lobby-ui"].up_only
    assert stack.components["lobby-ui"].project == "Projects-7"


def test_an_environment_without_a_policy_only_observes() -> None:
    assert state(load(WORLD), "qa").policy == Policy()
    assert Policy().mode is Mode.OBSERVE


def test_an_environment_may_leave_all_its_pins_to_fragments() -> None:
    bare = ENVIRONMENT[: ENVIRONMENT.index("  components:")]

    pins = state(load(changed(production_uk=bare)), "production-uk").environment.pins

    assert list(pins) == ["wallet-db"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-12-01T00:00:00Z", datetime(2026, 12, 1, tzinfo=UTC)),
        ('"2026-12-01T02:30:00+02:30"', datetime(2026, 12, 1, tzinfo=UTC)),
        ("2026-11-30t19:00:00.5-05:00", datetime(2026, 12, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_rule_6_a_time_is_its_own_text_quoted_or_not(written: str, meant: datetime) -> None:
    suspended = f"{QA}  suspend: {{reason: Audit, until: {written}}}\n"

    assert state(load(changed(qa=suspended)), "qa").environment.suspend == Until("Audit", meant)


def test_who_else_deploys_and_what_heals_are_read() -> None:
    names = "[Nightly, 'Weekly promotion', Suite]"
    qa = QA.replace("stack: platform", f"stack: platform\n  alsoDeployedBy: {names}")
    healing = POLICY.replace("mode: apply", "mode: heal")
    qa = qa.replace("stack: platform", "stack: platform\n  policy: careful")

    found = state(load(changed(qa=qa, careful=healing)), "qa")

    assert found.environment.also_deployed_by == ("Nightly", "Weekly promotion", "Suite")
    assert found.policy.mode is Mode.HEAL


def test_rule_6_quoted_versions_stay_the_text_they_are() -> None:
    versions = ["1.10", "012", "1e3", "0x1F", "2024-01-01", "1_000", "v1.2", "1.0-beta.1+build"]
    components = ", ".join(f'c{n}: "{version}"' for n, version in enumerate(versions))
    stack = STACK + "".join(f"    c{n}: {{}}\n" for n in range(len(versions)))
    qa = QA.replace('wallet-api: "2.5.0"', components)

    pins = state(load(changed(qa=qa, platform=stack)), "qa").environment.pins

    assert [pin.version for pin in pins.values()] == versions


def test_a_byte_order_mark_and_windows_line_ends_change_nothing() -> None:
    written = b"\xef\xbb\xbf" + QA.replace("\n", "\r\n").encode()

    found = load(changed(qa=written))

    assert found.problems == ()
    place = state(found, "qa").environment.pins["wallet-api"].place
    assert place == Place("environments/qa.yaml", 7, 16)


def test_hidden_files_and_other_suffixes_are_no_manifests() -> None:
    others = {
        ".github/workflow.yaml": "a: *b",
        ".pre-commit-config.yaml": "[",
        "teams/.hidden/x.yaml": "",
        "README.md": "#",
        "mkdocs.yml": "site_name: not one of ours",
    }

    assert load({**WORLD, **others}).problems == ()


def test_only_blobs_never_seen_are_read_and_only_what_changed_is_joined_again() -> None:
    loader = ManifestLoader()
    first = Commit(WORLD)
    before = loader.load(first.files, first.read)
    second = Commit(changed(qa=QA.replace("2.5.0", "2.6.0")))

    after = loader.load(second.files, second.read)

    assert len(first.read_blobs) == len(WORLD)
    assert [second.contents[blob].decode().splitlines()[2] for blob in second.read_blobs] == [
        "metadata: {name: qa}"
    ]
    assert after.environments["production-uk"] is before.environments["production-uk"]
    assert state(after, "qa").environment.pins["wallet-api"].version == "2.6.0"


def test_one_loader_serves_several_threads() -> None:
    loader = ManifestLoader()
    worlds = [changed(qa=QA.replace("2.5.0", f"2.5.{number}")) for number in range(20)]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda world: load(world, loader=loader), worlds))

    assert found == [load(world) for world in worlds]


def test_what_is_kept_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_SPARE_FILES", 0)
    loader = ManifestLoader()
    for number in range(20):
        load(changed(qa=QA.replace("2.5.0", f"2.5.{number}")), loader=loader)

    assert len(loader._parsed) <= 2 * len(WORLD)


def test_the_c_parser_of_yaml_is_installed() -> None:
    assert ManifestLoader().is_fast


def test_a_kept_file_is_judged_anew_beside_other_files() -> None:
    loader = ManifestLoader()
    load(WORLD, loader=loader)
    smaller = STACK.replace("    lobby-ui: {project: Projects-7}\n", "")

    found = load(changed(platform=smaller), loader=loader)

    assert [problem.message for problem in found.problems] == [
        "'lobby-ui' is not a component of stack 'platform'"
    ]
    assert load(WORLD, loader=loader).problems == ()


def test_the_same_blob_at_two_paths_is_two_files() -> None:
    found = load({**WORLD, "copy.yaml": SPACE})

    assert [str(problem) for problem in found.problems] == [
        "spaces/prod.yaml:3:18: Space 'prod' exists twice: also at copy.yaml:3:18; rename one"
    ]


def test_a_folder_is_read_as_a_commit_would_be(tmp_path: Path) -> None:
    for path, content in WORLD.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(content)

    found = load_folder(tmp_path)

    assert found == load(WORLD)


def test_rule_22_a_folder_is_read_without_following_links(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text(PINS)
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link.yaml").symlink_to(tmp_path / "real.yaml")
    (inside / "folder").symlink_to(tmp_path)

    found = load_folder(inside)

    assert [problem.message.partition(";")[0] for problem in found.problems] == [
        "a symbolic link where a manifest is expected"
    ]


@pytest.mark.parametrize("name", ["missing", "file.yaml"])
def test_a_path_that_is_no_folder_is_a_usage_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.yaml").write_text("")

    with pytest.raises(UsageError, match="nothing was checked"):
        load_folder(tmp_path / name)


def test_every_example_manifest_is_valid() -> None:
    found = load_folder(EXAMPLES)

    assert [str(problem) for problem in found.problems] == []
    assert found.environments
