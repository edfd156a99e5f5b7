"""The plan of an environment of another space: nothing, and why."""

from datetime import UTC, datetime

from reconciler.core.manifest import Pin, Place, Space
from reconciler.core.plan import Kind, Reason
from reconciler.core.remote import RemoteEnvironment, remote_plan
from reconciler.core.stack import Component, Stack

HERE = Place("clinic.yaml", 3, 18)
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def test_every_cell_of_a_remote_environment_is_left_alone_as_remote() -> None:
    space = Space("far", "https://far.example.com", "Far", None, None, HERE, is_connected=False)
    components = {name: Component(name, name, HERE) for name in ("api", "web")}
    stack = Stack("shop", components, HERE)
    pins = {"web": Pin("2.0.0", HERE), "api": Pin("1.0.0", HERE)}
    remote = RemoteEnvironment("clinic", space, "PROD", stack, pins, HERE)

    plan = remote_plan(remote, "4" * 40, NOW)

    told = [(a.cell, a.kind, a.reason, a.from_version, a.to_version) for a in plan.actions]
    assert told == [
        ("api", Kind.IGNORE, Reason.REMOTE, None, "1.0.0"),
        ("web", Kind.IGNORE, Reason.REMOTE, None, "2.0.0"),
    ]
    assert not plan.has_work
    assert not plan.is_blind
