"""Platform versions: the base set of an environment, and who is stopped where one is broken."""

import pytest
from manifest_world import PLATFORM, QA, changed, lines, load, state, stopped

from reconciler.core.platform import (
    Broken,
    Captured,
    Source,
    broken_alignment,
    platforms_of,
)

ON_BASE = QA.replace("  stack: platform\n", '  stack: platform\n  platformVersion: "2026.11.1"\n')


def test_a_platform_version_is_read_with_the_identity_of_each_release() -> None:
    platform = load(changed()).platforms["2026.11.1"]

    assert (platform.name, platform.stack) == ("2026.11.1", "platform")
    assert platform.source == Source("qa", "4f" * 20, "1111-2222")
    api = platform.components["wallet-api"]
    assert api == Captured(
        version="2.4.0",
        place=api.place,
        space="Spaces-2",
        release="Releases-90",
        channel="Channels-4",
        assembled="2026-11-19T16:02:11Z",
        process="p-s-7",
        variables="v-s-3",
        packages=(("Deploy", "2.4.0"),),
    )
    assert str(api.place) == "platforms/2026.11.1.yaml:9:16"
    assert platform.components["wallet-db"].release is None


def test_an_environments_own_pins_override_its_platform_version() -> None:
    environment = state(load(changed(qa=ON_BASE)), "qa").environment

    said = {n: (p.version, p.is_own, p.place.file) for n, p in environment.pins.items()}
    assert said == {
        "wallet-api": ("2.5.0", True, "environments/qa.yaml"),
        "wallet-db": ("1.9.0", False, "platforms/2026.11.1.yaml"),
    }
    assert broken_alignment(environment) == (Broken("wallet-api", "2.5.0", "2026.11.1", "2.4.0"),)


def test_a_team_may_override_a_platform_version_in_its_own_fragment() -> None:
    team = (
        "apiVersion: reconciler/v1\nkind: Pins\nmetadata: {name: db}\n"
        'spec: {environment: qa, components: {wallet-db: {version: "1.9.0", redeploy: 1}}}\n'
    )

    environment = state(load(changed(qa=ON_BASE, team=team)), "qa").environment

    assert environment.pins["wallet-db"].is_own
    assert environment.pins["wallet-db"].redeploy == 1
    assert [one.component for one in broken_alignment(environment)] == ["wallet-api"]


def test_an_environment_without_pins_of_its_own_runs_its_platform_version() -> None:
    bare = ON_BASE.replace('  components: {wallet-api: "2.5.0"}\n', "")

    environment = state(load(changed(qa=bare)), "qa").environment

    assert {n: p.version for n, p in environment.pins.items()} == {
        "wallet-api": "2.4.0",
        "wallet-db": "1.9.0",
    }
    assert broken_alignment(environment) == ()


@pytest.mark.parametrize(
    ("platform", "qa", "line"),
    [
        (
            PLATFORM,
            ON_BASE.replace("2026.11.1", "2026.11.2"),
            "environments/qa.yaml:7:20: no PlatformVersion is named '2026.11.2', did you mean"
            " '2026.11.1'?",
        ),
        (
            PLATFORM.replace("stack: platform", "stack: platfrom"),
            ON_BASE,
            "platforms/2026.11.1.yaml:5:10: no Stack is named 'platfrom', did you mean 'platform'?",
        ),
        (
            PLATFORM.replace("wallet-db:", "wallet-dc:"),
            ON_BASE,
            "platforms/2026.11.1.yaml:17:26: 'wallet-dc' is not a component of stack 'platform',"
            " did you mean 'wallet-db'?",
        ),
        (
            PLATFORM.replace('"2.4.0"\n      space', "2.4\n      space"),
            ON_BASE,
            'platforms/2026.11.1.yaml:9:16: 2.4 is a number to YAML, not text; quote it: "2.4"',
        ),
        (
            PLATFORM.replace('"2.4.0"\n      space', '"2 4"\n      space'),
            ON_BASE,
            "platforms/2026.11.1.yaml:9:16: '2 4' is not a version: take the space out",
        ),
        (
            PLATFORM.replace("release:", "releese:"),
            ON_BASE,
            "platforms/2026.11.1.yaml:11:7: unknown field 'releese', did you mean 'release'?",
        ),
        (
            PLATFORM.replace("commit: 4f", "commit: 4g"),
            ON_BASE,
            "platforms/2026.11.1.yaml:6:37: '4g4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f' must be the"
            " full hash of a commit",
        ),
    ],
)
def test_rule_4_a_broken_platform_version_stops_who_names_it_and_nobody_else(
    platform: str, qa: str, line: str
) -> None:
    files = changed(qa=qa)
    files["platforms/2026.11.1.yaml"] = platform

    found = load(files)

    assert lines(found) == [line]
    assert stopped(found) == ["qa"]


def test_a_platform_version_of_another_stack_is_refused() -> None:
    other = (
        "apiVersion: reconciler/v1\nkind: Stack\nmetadata: {name: other}\nspec: {components: {}}\n"
    )
    files = changed(qa=ON_BASE, other=other)
    files["platforms/2026.11.1.yaml"] = PLATFORM.replace("stack: platform", "stack: other")

    assert lines(load(files)) == [
        "environments/qa.yaml:7:20: platform version '2026.11.1' is of stack 'other', and this"
        " environment of stack 'platform'"
    ]


def test_two_platform_versions_of_one_name_are_both_refused() -> None:
    found = load(changed(qa=ON_BASE, twin=PLATFORM))

    assert "PlatformVersion '2026.11.1' exists twice: also at " in lines(found)[0]
    assert stopped(found) == ["qa"]
    assert dict(found.platforms) == {}


def test_the_platform_version_of_a_ring_is_one_of_the_environments_too() -> None:
    ringed = ON_BASE.replace("environment: QA}", "environment: QA, tenantTags: [Ring/Pilot]}") + (
        '  rings: {pilot: {tenantTags: [Ring/Pilot], platformVersion: "2026.11.2"}}\n'
    )
    files = changed(qa=ringed, pilot=PLATFORM.replace("2026.11.1", "2026.11.2"))

    environment = state(load(files), "qa").environment

    assert [one.name for one in platforms_of(environment)] == ["2026.11.1", "2026.11.2"]
    assert {one.digest for one in platforms_of(environment)} == {
        one.digest for one in load(files).platforms.values()
    }


def test_the_pins_of_a_platform_version_are_held_once_for_all_environments() -> None:
    other = ON_BASE.replace("name: qa", "name: dev").replace("environment: QA", "environment: Dev")
    found = load(changed(qa=ON_BASE, dev=other))

    one, two = (state(found, name).environment.pins["wallet-db"] for name in ("qa", "dev"))

    assert one is two
