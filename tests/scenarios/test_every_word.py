"""Every word an environment or a plan is told by is reached by a story, against the closed lists.

Each story acts on a world while a daemon watches it; what the daemon then said of the environment,
and the plans its passes made, are collected. A story is in the table with the words it is there
for, and a word of a closed list that no story is there for fails the last test.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from between import Between, at_audit, at_octopus, nobody
from prompting import CHANGE, prompts
from story import FILES, SEED, git, story
from watching import Daemon, daemon

from reconciler.core.condition import REASONS, ConditionType
from reconciler.core.gate import GateName
from reconciler.core.pause import Pause, Scope
from reconciler.core.plan import Reason
from reconciler.engine.events import PlanMade
from reconciler.errors import BadAnswer, RemoteUnreachable, StoreTrouble

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from story import Story

    from reconciler.core.condition import EnvironmentStatus

    Tale = Callable[[Story, Daemon], Awaitable[None]]

MORE_PROJECTS = """
      - {name: odd, lifecycle: Anywhere, releases: ["1.0.0", "1.0.1beta"],
         deployed: {Test: "1.0.1beta"}}
      - {name: late, lifecycle: Anywhere, releases: ["1.0.0"]}
      - {name: strict, lifecycle: Production first, releases: ["1.0.0"]}
      - {name: stuck, lifecycle: Production first, releases: ["1.0.0"],
         deployed: {Production: "1.0.0"}}
      - {name: bare, lifecycle: Anywhere, releases: ["1.0.0"], roles: [nobody]}
"""
MORE_LIFECYCLES = """
      - name: Production first
        phases:
          - {name: Production, environments: [Production]}
          - {name: Test, environments: [Test]}
    projects:
"""
RUNS = {"db": "1.0.0", "api": "1.0.0", "web": "1.0.0", "jobs": "1.0.0", "mail": "1.0.0"}


class Condition(NamedTuple):
    """A condition and its reason."""

    type: ConditionType
    reason: str


Word = Condition | Reason | GateName


@dataclass
class Collected:
    """Every word that was said."""

    words: set[Word] = field(default_factory=set)

    def keep(self, status: EnvironmentStatus) -> None:
        self.words |= {Condition(c.type, c.reason) for c in status.conditions}
        self.words |= {
            gate for gate in GateName if any(c.reason == gate for c in status.conditions)
        }

    def read(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, PlanMade):
                self.words |= {action.reason for action in event.plan.actions}
                self.words |= {gate.name for gate in event.gates}


def asks(world: Story, more: str = "", **pins: str) -> None:
    """Commit what the environment pins, and nothing else; a value that opens with { is a map."""
    lines = [
        f"    {name}: " + (version if version.startswith("{") else f'"{version}"')
        for name, version in pins.items()
    ]
    head = FILES["environments/test.yaml"].partition("  components:")[0]
    world.push({"environments/test.yaml": f"{head}{more}  components:\n" + "\n".join(lines) + "\n"})


def policy(world: Story, said: str) -> None:
    world.push({"policies/open.yaml": FILES["policies/open.yaml"].replace("mode: apply", said)})


async def looks(running: Daemon, ticks: int = 1) -> None:
    running.supervisor.wake("test")
    await running.settles(ticks)


# --- the stories --------------------------------------------------------------------------------


async def a_day(world: Story, running: Daemon) -> None:
    asks(world, api="2.0.0", late="1.0.0")
    await running.settles(3)
    asks(world, api='{version: "2.0.0", redeploy: 1}', late="1.0.0")
    await running.settles(1)
    path = f"variables/{world.administer('GET', 'projects/api')['VariableSetId']}"
    changed = {**world.administer("GET", path), "Variables": [{"Id": "u", "Name": "U"}]}
    world.administer("PUT", path, changed)
    asks(world, api='{version: "2.0.0", redeploy: 1, refreshVariables: true}', late="1.0.0")
    await running.settles(1)


async def what_is_left_alone(world: Story, running: Daemon) -> None:
    asks(world, db="1.1.0", api="1.0.0", web="1.0.0", jobs="1.0.0")
    await running.settles(1)
    world.octopus.deploy("jobs", "1.1.0", "Test", by="alice")
    world.octopus.deploy("api", "1.1.0", "Test", by="reconciler")
    world.octopus.advance(60)
    asks(
        world,
        db="1.0.0",
        api="1.0.0",
        web='{version: "1.1.0", hold: {reason: CHG-1}}',
        jobs="1.0.0",
        odd="1.0.0",
    )
    await running.settles(1)
    asks(world, "  suspend: {reason: CHG-2}\n", jobs="1.1.0", mail="1.1.0")
    await running.settles(1)


async def a_failure(world: Story, running: Daemon) -> None:
    world.octopus.fail_next("api", "1.1.0", "Test")
    asks(world, api="1.1.0")
    await running.settles(2)


async def healing(world: Story, running: Daemon) -> None:
    policy(world, "mode: heal")
    await world.accept()
    asks(world, api="1.1.0", web="1.0.0")
    await running.settles(2)
    world.octopus.deploy("api", "1.0.0", "Production", by="alice")
    world.octopus.schedule("api", "0 0 2 * * *", to="Test", source="Production", name="Nightly")
    world.clock.turn(86_400)
    world.octopus.advance(0)
    await looks(running)


async def gates_of_people(world: Story, running: Daemon) -> None:
    asks(world, jobs="9.9.9")
    await running.settles(1)
    world.octopus.disable("mail")
    asks(world, mail="1.1.0")
    await running.settles(1)
    asks(world, jobs="1.1.0")
    running.supervisor.doors.journal.pause(
        Pause(Scope.parse("test"), "ann@desk", world.clock.now(), "CHG-7")
    )
    await running.settles(1)
    running.supervisor.doors.journal.unpause(Scope.parse("test"), "ann@desk")
    world.octopus.revoke("reconciler", "DeploymentCreate")
    asks(world, jobs="1.1.0", web="1.1.0")
    await running.settles(1)


async def a_task_that_waits_for_a_person(world: Story, running: Daemon) -> None:
    world.octopus.interrupt_next("jobs", "1.1.0", "Test")
    world.octopus.deploy("jobs", "1.1.0", "Test", by="alice")
    world.octopus.advance(15)
    asks(world, jobs='{version: "1.0.0", redeploy: 1}')
    await running.settles(1)


async def a_task_without_a_sign_of_life(world: Story, running: Daemon) -> None:
    world.octopus.stick("jobs", "1.1.0", "Test")
    world.octopus.later(4600, lambda: world.octopus.finish("jobs", "Test"))
    asks(world, jobs="1.1.0")
    await running.settles(2)


async def gates_of_the_policy(world: Story, running: Daemon) -> None:
    policy(world, "mode: apply, limits: {changes: 1}")
    await world.accept()
    asks(world, jobs="1.1.0", mail="1.1.0")
    await running.settles(1)
    asks(world, **RUNS)
    policy(world, "mode: observe")
    await world.accept()
    asks(world, jobs="1.1.0")
    await running.settles(1)


async def a_closed_window(world: Story, running: Daemon) -> None:
    shut = "windows: {zone: Europe/London, deny: [{days: [fri]}]}"
    policy(world, f"mode: apply, {shut}")
    await world.accept()
    asks(world, jobs="1.1.0")
    await running.settles(1)


async def a_person_is_asked(world: Story, running: Daemon) -> None:
    for said in ("start: manual", "approvals: {required: 1}"):
        policy(world, f"mode: apply, {said}")
        await world.accept()
        asks(world, jobs="1.1.0")
        await running.settles(1)
        asks(world, **RUNS)


async def octopus_that_is_halted(world: Story, running: Daemon) -> None:
    asks(world, jobs="1.1.0")
    world.octopus.freeze("Sale", "jobs", "Test")
    await running.settles(1)
    world.octopus.thaw("Sale")
    world.octopus.is_in_maintenance = True
    await looks(running)


async def a_machine_that_arrives(world: Story, running: Daemon) -> None:
    policy(world, "mode: apply, machines: {deployOnArrival: true}")
    world.octopus.add_machine("old", environments=["Test"], roles=["api"])
    await world.accept()
    await looks(running)
    world.octopus.add_machine("api-2", environments=["Test"], roles=["api"])
    await looks(running)
    world.octopus.disable_machine("old")
    await looks(running)
    world.octopus.fault("status", path="/machines/all$", status=403)
    await looks(running)


async def what_preflight_tells(world: Story, running: Daemon) -> None:
    world.edit("stacks/platform.yaml", ("mail: {}", "mail: {channels: [Stable]}"))
    world.block("stuck", "1.0.0")
    world.needs_machines("bare")
    world.administer("DELETE", "packages/packages-Acme.Api.1.1.0")
    prompts(world, "jobs", "1.2.0", CHANGE)
    asks(world, jobs="1.2.0")
    await running.settles(1)
    for pins in ({"mail": "1.1.0"}, {"stuck": "1.0.0"}, {"bare": "1.0.0"}, {"api": "1.1.0"}):
        asks(world, **pins)
        await running.settles(1)


async def two_that_move_apart(world: Story, running: Daemon) -> None:
    asks(world, api="1.1.0", web="1.1.0")
    await running.settles(1)
    asks(world, api="2.0.0", web="1.0.0")
    await running.settles(1)


async def what_opens_by_itself(world: Story, running: Daemon) -> None:
    asks(world, strict="1.0.0")
    await running.settles(1)
    later = world.clock.now() + timedelta(hours=8)
    world.octopus.deploy("mail", "1.1.0", "Test", by="alice", at=later)
    asks(world, mail='{version: "1.0.0", redeploy: 1}')
    await running.settles(1)
    world.octopus.stick("jobs", "1.1.0", "Test")
    world.octopus.deploy("jobs", "1.1.0", "Test", by="alice")
    asks(world, jobs='{version: "1.0.0", redeploy: 1}')
    await running.settles(1)


async def tenants_of_two_rings(world: Story, running: Daemon) -> None:
    world.octopus.add_tag_set("Ring", ["Pilot", "Early"])
    both = {"jobs": ["Test"], "web": ["Test"]}
    world.octopus.add_tenant("Acme", connected=both, tags=["Ring/Pilot", "Ring/Early"])
    world.octopus.add_tenant("Beta", connected={"web": ["Test"]}, tags=["Ring/Early"])
    head = FILES["environments/test.yaml"].partition("  components:")[0]
    served = head.replace("environment: Test", "environment: Test, tenantTags: [Ring/Early]")
    pins = '  components: {web: "1.0.0", jobs: "1.0.0"}\n'
    rings = """  rings:
    pilot: {tenantTags: [Ring/Pilot], components: {jobs: "1.0.0"}}
    early: {tenantTags: [Ring/Early], components: {jobs: "1.1.0"}}
"""
    world.push({"environments/test.yaml": f"{served}{pins}{rings}"})
    await running.settles(2)
    world.push({"environments/test.yaml": f"{served}{pins}"})
    await running.settles(2)
    world.octopus.add_tenant("Cold", connected=both, tags=["Ring/Early"])
    await looks(running)
    await world.apply()


async def what_another_stack_lacks(world: Story, running: Daemon) -> None:
    stack = FILES["stacks/platform.yaml"]
    other = stack.replace("name: platform", "name: other").partition("  components:")[0]
    uses = stack.replace("jobs: {}", 'jobs: {uses: {late: ">=1.0"}}')
    world.push(
        {
            "stacks/platform.yaml": uses,
            "stacks/other.yaml": f"{other}  components: {{late: {{}}}}\n",
        }
    )
    asks(world, jobs="1.1.0")
    await running.settles(1)


async def a_value_nobody_gives(world: Story, running: Daemon) -> None:
    prompts(world, "jobs", "1.2.0")
    asks(world, jobs="1.2.0")
    await running.settles(1)


SIGNED_OFF = """
apiVersion: reconciler/v1
kind: PlatformVersion
metadata: {name: "2026.11.1"}
spec:
  stack: platform
  components:
    api: {version: "1.1.0", packages: {Deploy api: "1.0.9"}}
"""


async def a_release_that_is_not_the_one_signed_off(world: Story, running: Daemon) -> None:
    world.push({"platform-versions/2026.11.1.yaml": SIGNED_OFF})
    based = '  policy: open\n  platformVersion: "2026.11.1"\n'
    world.edit("environments/test.yaml", ('    api: "1.0.0"\n', ""), ("  policy: open\n", based))
    await running.settles(1)


async def first_contact(world: Story, running: Daemon) -> None:
    asks(world, api="1.1.0")
    await running.settles(1)
    running.supervisor.rival = lambda _: "other.git"
    await looks(running)


async def one_place_named_twice(world: Story, running: Daemon) -> None:
    places = {one["Name"]: one["Id"] for one in world.administer("GET", "environments/all")}
    again = FILES["environments/test.yaml"].replace("name: test", "name: again")
    again = again.replace("environment: Test", f"environment: {places['Test']}")
    world.push({"environments/again.yaml": again})
    asks(world, api="2.0.0")
    await running.settles(1)


async def an_unsigned_commit(world: Story, running: Daemon) -> None:
    key = world.folder / "ann"
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(make, check=True, capture_output=True)
    world.allowed_signers = world.folder / "signers"
    world.allowed_signers.write_text(f"ann@example.org {key.with_suffix('.pub').read_text()}")
    async with daemon(world, "other") as other:
        other.supervisor.keep = running.supervisor.keep
        await other.settles(1)


async def octopus_in_trouble(world: Story, running: Daemon) -> None:
    await running.settles(1)
    for kind, more in (
        ("status", {"status": 500}),
        ("status", {"status": 429, "retry_after": "1"}),
        ("status", {"status": 400}),
        ("html", {}),
    ):
        world.octopus.fault(kind, path="/projects/all", count=None, **more)
        await looks(running)
        world.octopus.clear_faults()
    asks(world, ghost="1.0.0")
    await running.settles(1)
    world.octopus.fault("status", path="/projects/.*/releases", status=403, count=None)
    asks(world, api="1.1.0")
    await running.settles(1)
    world.octopus.clear_faults()
    world.octopus.fault("status", path="/projects/all", status=401, count=None)
    await looks(running)


async def a_runbook_that_is_not_there(world: Story, running: Daemon) -> None:
    text = (world.work / "stacks/platform.yaml").read_text()
    text = text.replace("jobs: {}", "jobs: {runbooks: {after: [{runbook: Nothing}]}}")
    world.push({"stacks/platform.yaml": text})
    asks(world, jobs="1.1.0")
    await running.settles(2)


async def a_broken_manifest(world: Story, running: Daemon) -> None:
    world.push({"environments/test.yaml": "a: [\n"})
    await running.settles(1)


async def git_in_trouble(world: Story, running: Daemon) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise RemoteUnreachable("the remote does not answer", hint="wait")

    asks(world, api="1.1.0")
    at_audit(world, take_lease=gone)
    async with daemon(world) as cut_off:
        cut_off.supervisor.keep = running.supervisor.keep
        await cut_off.settles(1)
    nobody(world)
    async with world.doors("other") as elsewhere:
        assert elsewhere.audit is not None
        elsewhere.audit.take_lease("test", may_take_over=None, above=0)
        await running.settles(1)
        world.clock.turn(600.0)
    hook = world.remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        "#!/bin/sh\nwhile read old new ref; do case $ref in */audit) exit 1;; esac; done\n"
    )
    hook.chmod(0o755)
    await looks(running)
    hook.unlink()
    git(world.work, "fetch", "-q", "origin", "audit")
    git(world.work, "checkout", "-q", "FETCH_HEAD")
    world_state = world.work / "state.json"
    world_state.write_text("{")
    git(world.work, "commit", "-q", "-a", "-m", "Damage")
    git(world.work, "push", "-q", "origin", "HEAD:audit")
    await looks(running)


async def nobody_knows_whether_it_began(world: Story, running: Daemon) -> None:
    def lost(*_: Any, **__: Any) -> None:
        raise BadAnswer("no list", hint="wait")

    asks(world, api="1.1.0")
    world.octopus.fault("lost_answer_after", method="POST", path="/deployments$")
    at_octopus(world, deployments_of=lost)
    async with daemon(world) as doubting:
        doubting.supervisor.keep = running.supervisor.keep
        await doubting.settles(1)


async def this_machine_in_trouble(world: Story, running: Daemon) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise StoreTrouble("no space left", hint="make room")

    asks(world, api="1.1.0")
    world.wrap = lambda doors: replace(doors, journal=Between(doors.journal, stamp=full))
    async with daemon(world) as with_full_disk:
        with_full_disk.supervisor.keep = running.supervisor.keep
        await with_full_disk.settles(1)
    nobody(world)
    keys = world.folder / "state" / "keys"
    keys.mkdir(exist_ok=True)
    for path in (keys / "shop.key.pem", keys / "shop.crt.pem"):
        path.write_text("no key")
        path.chmod(0o600)
    await running.settles(1)
    text = FILES["spaces/shop.yaml"].replace("OCTOPUS_STORY_KEY", "OCTOPUS_NO_KEY")
    world.push({"spaces/shop.yaml": text})
    await looks(running)


async def machines_that_are_not_well(world: Story, running: Daemon) -> None:
    for number in range(2, 5):
        world.octopus.add_machine(f"api-{number}", environments=["Test"], roles=["api"])
    policy(world, "mode: apply, machines: {forget: report}")
    await running.settles(2)
    world.octopus.machine_is("api-1", "Unavailable")
    await looks(running)
    for number in (2, 3):
        world.octopus.machine_is(f"api-{number}", "Unhealthy")
    await looks(running)
    world.octopus.fault("status", status=403, path="/machines$", count=None)
    await looks(running)


# --- the table ----------------------------------------------------------------------------------


def of(kind: ConditionType, *reasons: str) -> set[Word]:
    return {Condition(kind, reason) for reason in reasons}


READY, RECONCILING, STALLED = (
    ConditionType.READY,
    ConditionType.RECONCILING,
    ConditionType.STALLED,
)
BLOCKED = ConditionType.BLOCKED

TALES: dict[Tale, set[Word]] = {
    a_day: {
        Reason.CONFIG_CHANGED,
        Reason.IN_SYNC,
        Reason.NEW_PIN,
        Reason.NOT_DEPLOYED,
        Reason.REDEPLOY,
        *of(READY, "InSync"),
        *of(RECONCILING, "WorkLeft", "PassRuns"),
    },
    what_is_left_alone: {
        Reason.HELD,
        Reason.HELD_BY_HAND,
        Reason.DRIFT_LEFT,
        Reason.UP_ONLY,
        Reason.UNKNOWN_DIRECTION,
        Reason.UNMANAGED,
        Reason.SUSPENDED,
        *of(ConditionType.HELD, "HeldInGit", "HeldByHand"),
        *of(ConditionType.DRIFTED, "NotAskedFor"),
        *of(ConditionType.SUSPENDED, "SuspendedInGit"),
    },
    a_failure: {Reason.UNSETTLED, GateName.NEEDS_RETRY, *of(STALLED, "DeploymentFailed")},
    healing: {Reason.DRIFT, GateName.ALSO_DEPLOYED, *of(STALLED, "also-deployed")},
    gates_of_people: {
        GateName.RELEASE_MISSING,
        GateName.PROJECT_DISABLED,
        GateName.PAUSED,
        GateName.PERMISSION,
        *of(STALLED, "release-missing", "project-disabled", "paused", "permission"),
    },
    a_task_without_a_sign_of_life: {*of(STALLED, "Silent")},
    a_task_that_waits_for_a_person: {
        GateName.WAITING_FOR_PERSON,
        *of(STALLED, "waiting-for-person"),
    },
    gates_of_the_policy: {
        GateName.BRAKE,
        GateName.OBSERVE_ONLY,
        *of(STALLED, "brake", "observe-only"),
    },
    a_machine_that_arrives: {
        Reason.NEW_MACHINE,
        *of(ConditionType.DEGRADED, "MachinesWithout", "MachinesUnwell", "MachinesUnread"),
    },
    a_closed_window: {GateName.WINDOW, *of(BLOCKED, "window")},
    a_person_is_asked: {
        GateName.START,
        GateName.NEEDS_APPROVAL,
        *of(STALLED, "start", "needs-approval"),
    },
    octopus_that_is_halted: {
        GateName.FREEZE,
        GateName.MAINTENANCE,
        *of(BLOCKED, "freeze", "maintenance"),
    },
    what_preflight_tells: {
        GateName.CHANNEL,
        GateName.RELEASE_BLOCKED,
        GateName.NO_MACHINES,
        GateName.PACKAGE_MISSING,
        GateName.WAITING_FOR_CHANGE,
        *of(STALLED, "waiting-for-change"),
        *of(STALLED, "channel", "release-blocked", "no-machines", "package-missing"),
    },
    two_that_move_apart: {GateName.DEPENDENCY, *of(STALLED, "dependency")},
    what_opens_by_itself: {
        GateName.LIFECYCLE,
        GateName.SCHEDULED_ELSEWHERE,
        GateName.IN_FLIGHT,
        *of(BLOCKED, "lifecycle", "scheduled-elsewhere", "in-flight"),
    },
    tenants_of_two_rings: {
        Reason.NOT_CONNECTED,
        Reason.RING_CONFLICT,
        Reason.NEW_TENANT,
        *of(ConditionType.HELD, "NewTenant"),
        *of(STALLED, "RingConflict"),
    },
    what_another_stack_lacks: {GateName.PRECONDITION, *of(BLOCKED, "precondition")},
    a_value_nobody_gives: {GateName.MISSING_VALUES, *of(STALLED, "missing-values")},
    a_release_that_is_not_the_one_signed_off: {
        GateName.RELEASE_REPLACED,
        *of(STALLED, "release-replaced"),
    },
    a_runbook_that_is_not_there: {GateName.RUNBOOK, *of(STALLED, "runbook")},
    first_contact: {GateName.ACCEPT, *of(STALLED, "accept", "NamedTwice")},
    one_place_named_twice: {GateName.INVALID, *of(STALLED, "invalid")},
    an_unsigned_commit: {GateName.UNSIGNED, *of(STALLED, "unsigned")},
    octopus_in_trouble: {
        Reason.UNOBSERVED,
        *of(RECONCILING, "Unreachable", "RateLimited"),
        *of(STALLED, "RemoteRejected", "BadAnswer", "Unobserved"),
        *of(STALLED, "NotAllowed", "CredentialRefused"),
    },
    a_broken_manifest: of(STALLED, "Invalid"),
    git_in_trouble: {
        *of(RECONCILING, "RemoteUnreachable", "RecordsPending"),
        *of(BLOCKED, "LeaseHeld"),
        *of(STALLED, "GitTrouble"),
    },
    nobody_knows_whether_it_began: of(BLOCKED, "OutcomeUnknown"),
    machines_that_are_not_well: {
        *of(ConditionType.DEGRADED, "MachinesUnwell", "MachinesUnread"),
        *of(STALLED, "MachineOutage"),
    },
    this_machine_in_trouble: of(STALLED, "StoreTrouble", "SigningTrouble", "UsageError"),
}
NOT_ACCEPTED = {first_contact}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """The shop, with an odd version, a project that is new, and one that is not let in."""
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    seed = SEED.replace("\n    projects:\n", MORE_LIFECYCLES) + MORE_PROJECTS.lstrip("\n")
    components = "    odd: {direction: up-only}\n    late: {}\n    strict: {}\n    ghost: {}\n"
    components += "    stuck: {}\n    bare: {}\n"
    files = FILES | {"stacks/platform.yaml": FILES["stacks/platform.yaml"] + components}
    with story(tmp_path, seed, files) as told:
        yield told


@pytest.mark.proof
@pytest.mark.parametrize("tale", TALES, ids=lambda tale: tale.__name__)
async def test_the_words_of_a_story_are_said(world: Story, tale: Tale) -> None:
    collected = Collected()
    if tale not in NOT_ACCEPTED:
        await world.accept()
    async with daemon(world) as running:
        running.supervisor.keep = collected.keep
        await tale(world, running)
    collected.read(world.events)

    assert TALES[tale] <= collected.words, sorted(map(str, TALES[tale] - collected.words))
    assert {word for word in collected.words if isinstance(word, Condition)} <= CONDITIONS


CONDITIONS = {Condition(kind, reason) for kind, reasons in REASONS.items() for reason in reasons}


def test_every_condition_reason_and_gate_has_a_story() -> None:
    told = {word for words in TALES.values() for word in words}

    # the daemon leaves a RemoteEnvironment be; tests/core/test_remote.py tells its word
    assert told == {*CONDITIONS, *Reason, *GateName} - {Reason.REMOTE}
