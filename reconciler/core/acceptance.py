"""Acceptance: the last accepted commit of an environment, and when a person must accept again.

The audit branch's `state.json` is the shared truth; the store remembers what this machine has seen,
so that a lost or older store shows (rule 10). An environment moves on by itself only along the
watched branch (rules 1, 27).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from reconciler.core.manifest import API_VERSION
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = "state.json"
KIND = "State"


@dataclass(frozen=True, slots=True)
class AcceptedEnvironment:
    """What was last accepted for an environment: commit and the Octopus it was seen in.

    `formers` are the names it had before, the newest first.
    """

    environment: str
    commit: str
    server_url: str
    server: str
    space: str
    octopus_environment: str
    formers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditState:
    """The content of `state.json`.

    `writers` counts the audit writes of each store; `gates` holds, per environment, the digest of
    the last refused plan with its gates, so that a refusal is recorded once.
    """

    environments: Mapping[str, AcceptedEnvironment] = field(default_factory=dict)
    writers: Mapping[str, int] = field(default_factory=dict)
    gates: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, content: bytes | None) -> AuditState:
        """Read the file. Raises ValueError where it is not what a reconciler wrote (rule 11)."""
        if content is None:
            return cls()
        try:
            root = _root(json.loads(content))
            environments = {
                str(name): AcceptedEnvironment(
                    environment=str(name),
                    commit=_text(entry, "accepted"),
                    server_url=_text(entry, "url"),
                    server=_text(entry, "server"),
                    space=_text(entry, "space"),
                    octopus_environment=_text(entry, "environment"),
                    formers=_names(entry.get("formerly", [])),
                )
                for name, entry in root["environments"].items()
            }
            writers = {name: _count(root["writers"], name) for name in dict(root["writers"])}
            gates = {name: _text(root["gates"], name) for name in dict(root["gates"])}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            what = f"{type(error).__name__}: {error}"
            raise ValueError(f"{PATH} on the audit branch is damaged: {clean(what)}") from error
        return cls(environments, writers, gates)

    def render(self) -> bytes:
        """Return stable bytes: sorted keys, one entry a line, LF at the end."""
        root = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "environments": {
                name: {
                    "accepted": e.commit,
                    "environment": e.octopus_environment,
                    "server": e.server,
                    "space": e.space,
                    "url": e.server_url,
                    **({"formerly": list(e.formers)} if e.formers else {}),
                }
                for name, e in self.environments.items()
            },
            "gates": dict(self.gates),
            "writers": dict(self.writers),
        }
        return (json.dumps(root, indent=1, sort_keys=True, ensure_ascii=True) + "\n").encode()

    def accepting(self, accepted: AcceptedEnvironment) -> AuditState:
        """Return this state with one environment accepted; what it was called before is nobody."""
        kept = {n: e for n, e in self.environments.items() if n not in accepted.formers}
        return replace(self, environments={**kept, accepted.environment: accepted})

    def of(self, name: str, formerly: str = "") -> AcceptedEnvironment | None:
        """Return what was accepted for an environment, under the name it had before if need be."""
        own, before = self.environments.get(name), self.environments.get(formerly)
        if own is not None or before is None:
            return own
        return replace(before, environment=name, formers=(formerly, *before.formers))

    def written_by(self, store: str, writes: int) -> AuditState:
        """Return this state with the write count of a store."""
        return replace(self, writers={**self.writers, store: writes})

    def refusing(self, environment: str, digest: str | None) -> AuditState:
        """Return this state remembering the last refusal of an environment (None: none)."""
        gates = {k: v for k, v in self.gates.items() if k != environment}
        return replace(self, gates=gates if digest is None else {**gates, environment: digest})


def _root(value: Any) -> dict[str, Any]:
    """Return the document with all its parts, if it is one of the kind we write."""
    said = (value["apiVersion"], value["kind"])
    if said != (API_VERSION, KIND):
        raise ValueError(f"it is {said[1]} of {said[0]}, not {KIND} of {API_VERSION}")
    return {"gates": {}, **value}


def _text(entry: Mapping[str, object], key: str) -> str:
    value = entry[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is not text")
    return value


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError("formerly is no list of names")
    return tuple(value)


def _count(entry: Mapping[str, object], key: str) -> int:
    value = entry[key]
    if type(value) is not int or value < 0:
        raise TypeError(f"{key} is not a count")
    return value


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known, from all sides, about the acceptance of one environment.

    `shared` is the audit branch's word, `local` this store's. `descends`: the tip descends from
    the shared commit. `store_writes` against `audit_writes` tells an older store. `now` is the
    environment as it was just seen (None: Octopus was not asked).
    """

    shared: AcceptedEnvironment | None
    local: AcceptedEnvironment | None
    descends: bool
    store_writes: int
    audit_writes: int
    url: str
    now: tuple[str, str, str | None] | None  # (installation id, space id, environment id)


def held_because(standing: Standing) -> str | None:
    """Say why a person must accept before anything is applied, or None (rules 10, 27)."""
    shared = standing.shared
    if shared is None:
        return "first contact with this environment"
    if not standing.descends:
        return (
            f"this commit does not contain the last accepted one, {shared.commit[:12]}: it is "
            f"older, on another branch, or the watched branch was rewritten"
        )
    if standing.audit_writes > standing.store_writes:
        return "this machine's store is older than the audit branch says"
    if standing.local is None:
        return "this machine's store does not know this environment: it is new here, or was lost"
    if shared.server_url != standing.url:
        return f"the server's address changed from {clean(shared.server_url)}; it was not contacted"
    if standing.now is not None:
        server, space, environment = standing.now
        if shared.server != server:
            return (
                f"another Octopus server answers now: {clean(server)}, was {clean(shared.server)}"
            )
        if shared.space != space:
            return f"the space is now {clean(space)}, was {clean(shared.space)}"
        if environment is not None and shared.octopus_environment != environment:
            return (
                f"the Octopus environment is now {clean(environment)}, "
                f"was {clean(shared.octopus_environment)}"
            )
    return None
