"""Removed machines on disk: `machines/<environment>.yaml`, one line for each, oldest first.

The format is docs/formats.md, "Removed machines". Every text is quoted that some YAML could read
as anything else; reading takes only what writing makes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.core.manifest import API_VERSION
from reconciler.core.removed import Registration, Removed, RemovedList, Stage
from reconciler.manifests.fields import record_fields
from reconciler.manifests.writing import flow, key, quoted, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.manifests.fields import Fields

MAX_BYTES = 8 * 1024 * 1024

_KIND = "RemovedMachines"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_MACHINE = (
    "name",
    "thumbprint",
    "uri",
    "environments",
    "roles",
    "participation",
    "tenants",
    "tenantTags",
    "policy",
    "disabled",
    "endpoint",
)
_REMOVAL = ("stage", "lostSince", "at", "commit", "who", "became")


def render_removed(removed: RemovedList) -> bytes:
    """Return the file of an environment's removed machines; equal values give equal bytes."""
    octopus = (("server", scalar(removed.server)), ("space", scalar(removed.space)))
    lines = [
        f"apiVersion: {API_VERSION}",
        f"kind: {_KIND}",
        f"metadata: {flow([('name', scalar(removed.environment))])}",
        "spec:",
        f"  octopus: {flow(octopus)}",
        "  machines:" if removed.machines else "  machines: {}",
    ]
    lines.extend(f"    {key(one.machine.id)}: {flow(_fields(one))}" for one in removed.machines)
    return ("\n".join(lines) + "\n").encode()


def _fields(one: Removed) -> Iterator[tuple[str, str]]:
    machine = one.machine
    yield "name", quoted(machine.name)
    yield "stage", scalar(one.stage)
    yield "lostSince", quoted(f"{one.lost_since:{_TIME}}")
    yield "at", quoted(f"{one.at:{_TIME}}")
    yield "commit", quoted(one.commit)
    if one.who:
        yield "who", quoted(one.who)
    if one.became:
        yield "became", scalar(one.became)
    yield "thumbprint", quoted(machine.thumbprint)
    yield "uri", quoted(machine.uri)
    yield "environments", _list(machine.environments)
    yield "roles", _list(machine.roles)
    yield "participation", scalar(machine.participation)
    yield "tenants", _list(machine.tenants)
    yield "tenantTags", _list(machine.tenant_tags)
    yield "policy", quoted(machine.policy)
    yield "disabled", "true" if machine.is_disabled else "false"
    yield "endpoint", quoted(machine.endpoint)


def _list(texts: tuple[str, ...]) -> str:
    return "[" + ", ".join(map(quoted, texts)) + "]"


def parse_removed(data: bytes, path: str = "machines") -> RemovedList:
    """Read the file of an environment's removed machines; `path` is what messages name.

    Raises:
        ManifestsInvalid: it is not exactly what `render_removed` writes; says where.
    """
    top = record_fields(path, data, _KIND, MAX_BYTES)
    spec = top.fields("spec", ("octopus", "machines"))
    octopus = spec.fields("octopus", ("server", "space"))
    machines = spec.fields("machines", None)
    return RemovedList(
        environment=top.fields("metadata", ("name",)).text("name"),
        server=octopus.text("server"),
        space=octopus.text("space"),
        machines=tuple(_removed(machines, one) for one in machines.branch.value),
    )


def _removed(machines: Fields, machine_id: str) -> Removed:
    fields = machines.fields(machine_id, (*_MACHINE, *_REMOVAL))
    try:
        stage = Stage(fields.text("stage"))
    except ValueError:
        raise fields.wrong("stage", f"must be one of {', '.join(Stage)}") from None
    return Removed(
        machine=Registration(
            id=machine_id,
            name=fields.text("name"),
            thumbprint=fields.text("thumbprint"),
            uri=fields.text("uri"),
            environments=fields.texts("environments"),
            roles=fields.texts("roles"),
            participation=fields.text("participation"),
            tenants=fields.texts("tenants"),
            tenant_tags=fields.texts("tenantTags"),
            policy=fields.text("policy"),
            is_disabled=fields.flag("disabled"),
            endpoint=fields.text("endpoint"),
        ),
        stage=stage,
        lost_since=_time(fields, "lostSince"),
        at=_time(fields, "at"),
        commit=fields.text("commit"),
        who=fields.optional("who") or "",
        became=fields.optional("became") or "",
    )


def _time(fields: Fields, name: str) -> datetime:
    try:
        return datetime.strptime(fields.text(name), _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise fields.wrong(name, "expected a time such as 2026-11-20T12:00:00Z") from None
