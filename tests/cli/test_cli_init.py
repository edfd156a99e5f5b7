"""`reconciler init`: a space under git in one command, and nothing touched that is there."""

from __future__ import annotations

import re
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from reconciler.cli import cli
from reconciler.manifests.folder import load_folder
from reconciler.simulator import Simulator, SimulatorServer, parse_seed, seed_estate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli_golden import Golden
    from click.testing import Result

SEED = """
spaces:
  - name: Shop & Co
    default: true
    environments: [Test, "Production UK"]
    lifecycles:
      - name: Straight
        phases:
          - {name: Test, automatic: [Test]}
          - {name: Production, environments: ["Production UK"]}
    projects:
      - {name: db, group: Data, releases: ["1.0.0"], deployed: {Test: "1.0.0"}}
      - {name: "Orders [API]", slug: orders-api, group: Shop, lifecycle: Straight,
         releases: ["1.0.0", "2.0.0-rc.1"],
         deployed: {Test: "2.0.0-rc.1", "Production UK": "1.0.0"}}
      - {name: "no", group: Shop, releases: ["1.10"], deployed: {Test: "1.10"}}
      - {name: suite, group: Shop, deploys: ["Orders [API]", "db"], releases: ["7"],
         deployed: {Test: "7"}, triggers: [{name: "Nightly: #1", cron: "0 0 2 * * *", to: Test}]}
      - {name: flaky, group: Data, releases: ["1.0.0", "1.1.0"], deployed: {Test: "1.0.0"}}
      - {name: old, group: Data, releases: ["1.0.0"], deployed: {Test: "1.0.0"}}
      - {name: unborn, group: Data}
"""


class World:
    """A simulated server, and the folder that manifests go to."""

    def __init__(self, octopus: Simulator, url: str, out: Path) -> None:
        self.octopus = octopus
        self.url = url
        self.out = out

    def init(self, *arguments: str, space: str = "Shop & Co", key: str | None = None) -> Result:
        found = ("--server", f"{self.url}/", "--space", space, "--out", str(self.out))
        secret = key or self.octopus.service_api_key
        return CliRunner().invoke(
            cli, ["init", *found, *arguments], env={"RECONCILER_USER_API_KEY": secret}
        )

    def files(self) -> dict[str, str]:
        found = sorted(path for path in self.out.rglob("*") if path.is_file())
        return {path.relative_to(self.out).as_posix(): path.read_text() for path in found}

    def shown(self, text: str) -> str:
        """Return output without what changes from run to run."""
        text = text.replace(self.url, "http://octopus.example").replace(str(self.out), "repo")
        return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "2026-11-20 12:00:00Z", text)


@contextmanager
def served(octopus: Simulator, out: Path) -> Iterator[World]:
    with SimulatorServer(octopus) as server:
        yield World(octopus, server.url, out)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    octopus = Simulator(parse_seed(SEED), task_seconds=0.0)
    octopus.fail_next("flaky", "1.1.0", "Test")
    octopus.deploy("flaky", "1.1.0", "Test")
    octopus.advance(5)
    octopus.disable("old")
    with served(octopus, tmp_path / "repo") as made:
        yield made


def test_the_files_and_the_words_about_them_are_those_reviewed(
    world: World, golden: Golden
) -> None:
    done = world.init()

    assert done.exit_code == 0, done.output
    files = "".join(f"--- {path}\n{text}" for path, text in world.files().items())
    golden.compare("init.txt", world.shown(f"{done.stdout}\nstderr:\n{done.stderr}\n{files}"))
    assert load_folder(world.out).problems == ()


def test_rule_30_the_key_is_in_no_file_and_no_word(world: World) -> None:
    done = world.init()

    assert world.octopus.service_api_key not in done.output + "".join(world.files().values())


def test_a_dry_run_shows_every_file_and_writes_none(world: World) -> None:
    done = world.init("--dry-run")

    assert done.exit_code == 0
    assert not world.out.exists()
    assert "\n--- environments/production-uk.yaml\n" in done.stdout
    assert done.stderr == "nothing was written (--dry-run)\n"


def test_a_second_run_tells_only_what_changed_and_leaves_what_people_wrote(
    world: World, golden: Golden
) -> None:
    world.init()
    again = world.init()
    assert (again.exit_code, again.stdout.splitlines()[0].rpartition(": ")[2]) == (
        0,
        "as the manifests say",
    )
    place = world.out / "environments/test.yaml"
    place.write_text(place.read_text().replace('db: "1.0.0"', 'db: "1.0.1" # by hand'))
    (world.out / "environments/production-uk.yaml").unlink()
    before = world.files()

    told = world.init()

    assert told.exit_code == 0
    golden.compare("init-again.txt", world.shown(f"{told.stdout}\nstderr:\n{told.stderr}"))
    assert world.files() == before
    updated = world.init("--update")
    assert updated.exit_code == 0, updated.output
    assert {k: v for k, v in world.files().items() if k in before} == before
    assert set(world.files()) - set(before) == {"environments/production-uk.yaml"}


def test_broken_manifests_stop_it_before_octopus_is_asked(world: World) -> None:
    (world.out / "stacks").mkdir(parents=True)
    (world.out / "stacks/x.yaml").write_text("apiVersion: reconciler/v1\nkind: Stakc\n")
    world.octopus.forget_requests()

    refused = world.init()

    assert refused.exit_code == 3
    assert "stacks/x.yaml:2:7" in refused.stderr
    assert "are not valid; nothing was asked or written" in refused.stderr
    assert world.octopus.requests == ()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--space", "Nowhere"), "shows this key no space Nowhere"),
        (("--key", "OCTOPUS_ABSENT"), "variable OCTOPUS_ABSENT is not set; nothing was asked"),
        (("--server", "ftp://x"), "The Octopus server address ftp://x cannot be used"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    world: World, arguments: tuple[str, ...], words: str
) -> None:
    refused = world.init(*arguments)

    assert refused.exit_code in (1, 64)
    assert words in refused.stderr
    assert not world.out.exists()


def test_rule_30_a_key_given_in_place_of_a_variable_is_refused_and_not_repeated(
    world: World,
) -> None:
    refused = world.init("--key", "API-SOMEBODYSKEY123")

    assert refused.exit_code == 64
    assert "SOMEBODYSKEY" not in refused.output
    assert "never a key" in refused.stderr


def test_rule_29_a_refused_key_is_told_by_where_it_is_kept(world: World) -> None:
    refused = world.init(key="API-NOBODYSKEY")

    assert refused.exit_code == 1
    assert "variable RECONCILER_USER_API_KEY" in refused.stderr
    assert "NOBODYSKEY" not in refused.output


def test_a_named_variable_is_what_the_space_manifest_names(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = f"init --server {world.url} --space Spaces-1 --key OCTOPUS_LOOKING_KEY --out repo"

    monkeypatch.chdir(world.out.parent)
    done = CliRunner().invoke(
        cli, arguments, env={"OCTOPUS_LOOKING_KEY": world.octopus.service_api_key}
    )

    assert done.exit_code == 0, done.output
    assert "observe: {env: OCTOPUS_LOOKING_KEY}" in world.files()["spaces/shop-co.yaml"]


def test_a_hundred_projects_in_five_environments_cost_twenty_requests(tmp_path: Path) -> None:
    with served(Simulator(seed_estate(100, 5)), tmp_path / "repo") as world:
        done = world.init(space="Estate")

        assert done.exit_code == 0, done.output
        assert "100 components, 5 environments, 500 pins" in done.stdout
        # 3 to start, 6 to look, 3 for who else deploys, 1 for groups; by the hundred 5 for
        # deployments, 1 for releases and 1 for processes
        assert len(world.octopus.requests) == 20
        assert load_folder(world.out).problems == ()


def test_what_it_tells_to_do_next_works_as_pasted(world: World) -> None:
    done = world.init()
    subprocess.run(["git", "init", "-q", str(world.out)], check=True)
    commands = [line.strip() for line in done.stderr.splitlines() if line.startswith("  ")]

    first = CliRunner().invoke(cli, commands[0].split()[1:])
    assert (first.exit_code, first.stderr) == (0, "all good: 2 environments, 5 pins\n")
    identity = "git -c user.name=A -c user.email=a@example.org -C"
    subprocess.run(commands[1].replace("git -C", identity), shell=True, check=True)
    planned = CliRunner().invoke(
        cli,
        [*commands[3].split()[1:], "--repo", str(world.out)],
        env={
            "OCTOPUS_SHOP_CO_KEY": world.octopus.service_api_key,
            "RECONCILER_STATE_DIR": str(world.out.parent / "state"),
            "RECONCILER_GIT__ALLOW_LOCAL": "true",
        },
    )
    assert planned.exit_code == 0, planned.output
    assert "Nothing to do at commit" in planned.output
