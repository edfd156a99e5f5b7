"""Seeds: those that come along, and what is said about bad ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.simulator import (
    Seed,
    SeedError,
    Simulator,
    load_seed,
    parse_seed,
    seed_estate,
    shipped_seeds,
)


@pytest.mark.parametrize("name", ["small", "platform"])
def test_a_shipped_seed_loads_and_runs(name: str) -> None:
    assert name in shipped_seeds()
    seed = load_seed(name)
    simulator = Simulator(seed)
    deployed = [
        (space.name, project.name, environment, version)
        for space in seed.spaces
        for project in space.projects
        for environment, version in project.deployed
    ]
    assert deployed
    for space, project, environment, version in deployed:
        assert simulator.running(project, environment, space=space) == version


def test_json_is_a_seed_too() -> None:
    seed = parse_seed('{"spaces": [{"name": "S", "environments": ["E"]}]}')
    assert seed == Seed(seed.spaces, slots=5)
    assert seed.spaces[0].environments == ("E",)


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("spaces: [{name: S}]", "utf-8")
    assert load_seed(str(file)).spaces[0].name == "S"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "", "expected a mapping of fields"),
        ("spaces: ]", "1:9", "did not find expected node"),
        ("server: {slots: 3}", "", "the field 'spaces' is missing"),
        ("spaces:\n  - name: S\n    projects:\n      - {name: P, releases: [1.10]}\n",
         "4:30", 'expected text, quote it: "1.10"'),
        ("spaces:\n  - {name: S, enviroments: []}\n", "2:15", "did you mean 'environments'?"),
        ("spaces:\n  - name: S\n    environments: [A, a]\n", "3:23", "'a' is there twice"),
        ("spaces: [{name: S, projects: [{name: P, deployed: {X: '1'}}]}]", "1:52",
         "unknown field 'X'"),
        ("spaces: [{name: S, projects: [{name: P, lifecycle: Web}]}]", "1:52",
         "no lifecycle 'Web' in this space"),
        ("spaces: [{name: S, projects: [{name: P, releases: [final]}]}]", "1:52",
         "'final' is no version number"),
        ("spaces: [{name: S, projects: [{name: P, releases: ['1', '1.0']}]}]", "1:57",
         "'1.0' is there twice"),
        ("spaces: [{name: S, environments: [E], projects: [{name: P, deployed: {E: '1'}}]}]",
         "1:74", "'1' is not one of the project's releases"),
        ("spaces: [{name: S, default: true}, {name: T, default: true}]", "1:9",
         "only one space can be the default"),
        ("spaces: [{name: S}]\nusers: [{username: administrator}]", "2:20",
         "'administrator' exists on every server already"),
        ("spaces: [{name: S}]\nserver: {slots: 0}", "2:17", "a whole number from 1 on"),
        ("spaces: [{name: S, projects: [{name: P, taskSeconds: .inf}]}]", "1:54", "seconds"),
        ('spaces: [{name: "a\\u001bb"}]', "1:17", "control characters"),
        ("spaces: [{name: S, name: T}]", "1:20", "duplicate"),
        ("- " * 3000, "", "expected a mapping"),
        ("spaces: &a [*a]", "1:9", "expected a mapping of fields"),
        ("!!python/object:os.system x", "1:1", ""),
        ("--- a\n--- b", "2:1", ""),
    ],
)  # fmt: skip
def test_a_bad_seed_is_refused_with_its_place(text: str, place: str, message: str) -> None:
    with pytest.raises(SeedError) as caught:
        parse_seed(text, source="bad.yaml")
    assert message in caught.value.message
    assert (caught.value.source, caught.value.place) == ("bad.yaml", place)
    assert "\n" not in str(caught.value)


def test_a_seed_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match="neither a file nor one of"):
        load_seed("tiny")
    with pytest.raises(SeedError, match="cannot be read"):
        load_seed(str(tmp_path))
    (tmp_path / "latin.yaml").write_bytes(b"\xff")
    with pytest.raises(SeedError, match="UTF-8"):
        load_seed(str(tmp_path / "latin.yaml"))


def test_an_estate_is_as_large_as_asked_for() -> None:
    simulator = Simulator(seed_estate(100, 4))
    space = simulator.world.spaces["Spaces-1"]
    assert (len(space.projects), len(space.environments), len(space.deployments)) == (100, 4, 400)
    assert simulator.running("project-100", "environment-4") == "1.0.0"


def test_a_seed_without_a_default_space_has_none() -> None:
    seed = parse_seed("spaces: [{name: S, default: false}]")
    with pytest.raises(LookupError, match="default space"):
        Simulator(seed).running("x", "y")


async def test_who_may_deploy_may_run_the_runbooks_of_a_seed(
    service_of: Callable[[Simulator], Any],
) -> None:
    simulator = Simulator(
        parse_seed(
            "spaces:\n  - name: Shop\n    default: true\n    environments: [Test]\n"
            "    projects: [{name: api, runbooks: [Drain]}]\n"
        )
    )
    service = service_of(simulator)
    (drain,) = (await service.get("/api/Spaces-1/runbooks"))["Items"]
    (test,) = (await service.get("/api/Spaces-1/environments"))["Items"]

    run = await service.post(
        "/api/Spaces-1/runbookRuns",
        {
            "RunbookId": drain["Id"],
            "RunbookSnapshotId": drain["PublishedRunbookSnapshotId"],
            "EnvironmentId": test["Id"],
        },
    )

    assert (drain["Name"], run["RunbookId"]) == ("Drain", drain["Id"])
