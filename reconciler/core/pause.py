"""Pauses: a person's word that nothing new is asked of Octopus, until somebody lifts it (rule 21).

A pause stands before requests only: tasks that run are watched to their end. It is kept in the
store of one machine and never in git, so that it acts at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.core.cellkey import component_of, tenant_of
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from reconciler.core.cellkey import CellKey

LONGEST_REASON = 200
"""Characters of a reason that are kept: it is shown on one line, with who and since when."""

# What the manifests take as a name, and what of a server's address can be pasted into a shell.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?")
_INSTALLATION = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/[a-z0-9._~%-]*)*)",
    re.IGNORECASE,
)
_LONGEST_ADDRESS = 300
_LONGEST_CELL = 220
_DEFAULT_PORTS = {("https", "443"), ("http", "80")}


class Reach(StrEnum):
    """How far a pause goes, widest first."""

    ALL = "all"
    SERVER = "server"
    ENVIRONMENT = "environment"
    COMPONENT = "component"


@dataclass(frozen=True, slots=True)
class Scope:
    """What is paused. Fields that the reach does not need are empty.

    `server` is an address as `server_name` returns it, or an installation id in small letters.
    `component` may be one tenant's: `component@tenant`.
    """

    reach: Reach
    server: str = ""
    environment: str = ""
    component: str = ""

    @classmethod
    def parse(
        cls,
        environment: str | None = None,
        component: str | None = None,
        *,
        server: str | None = None,
        everything: bool = False,
    ) -> Scope:
        """Return the scope that a person's words name: exactly one of the four.

        Raises: ValueError, whose message says what to write instead.
        """
        named = (environment is not None) + (server is not None) + everything
        if named != 1:
            raise ValueError("name one of: ENV, ENV COMPONENT, --server URL, --all")
        if everything:
            return cls(Reach.ALL)
        if server is not None:
            return cls(Reach.SERVER, server=_checked_server(server))
        name = _checked_name("an environment", environment or "")
        if component is None:
            return cls(Reach.ENVIRONMENT, environment=name)
        return cls(Reach.COMPONENT, environment=name, component=_checked_cell(component))

    @property
    def arguments(self) -> str:
        """The words that name this scope on the command line, ready to be pasted."""
        match self.reach:
            case Reach.ALL:
                return "--all"
            case Reach.SERVER:
                return f"--server {clean(self.server, _LONGEST_ADDRESS)}"
            case Reach.ENVIRONMENT:
                return clean(self.environment, 64)
            case Reach.COMPONENT:
                cell = _quoted(clean(self.component, _LONGEST_CELL))
                return f"{clean(self.environment, 64)} {cell}"

    def __str__(self) -> str:
        match self.reach:
            case Reach.ALL:
                return "everything"
            case Reach.SERVER:
                return f"server {clean(self.server, _LONGEST_ADDRESS)}"
            case Reach.ENVIRONMENT:
                return f"environment {clean(self.environment, 64)}"
            case Reach.COMPONENT:
                cell = clean(self.component, _LONGEST_CELL)
                return f"component {cell} in {clean(self.environment, 64)}"

    def covers(self, environment: str, cell: CellKey, servers: Iterable[str]) -> bool:
        """Tell whether a cell is inside; `WHOLE` asks for the whole environment.

        The pause of a component stands before all its tenants, that of one cell before that.
        """
        match self.reach:
            case Reach.ALL:
                return True
            case Reach.SERVER:
                return self.server in servers
            case Reach.ENVIRONMENT:
                return self.environment == environment
            case Reach.COMPONENT:
                named = self.component.casefold()  # as Octopus compares names of tenants
                inside = named in (cell.casefold(), component_of(cell))
                return inside and self.environment == environment


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause: `since` and `lifted_at` are aware UTC; `lifted_at` None: it stands."""

    scope: Scope
    who: str
    since: datetime
    reason: str
    lifted_by: str = ""
    lifted_at: datetime | None = None

    @property
    def words(self) -> str:
        """The pause in one clean line: what, who, since when, why."""
        return (
            f"{self.scope} is paused by {clean(self.who, 80)} since "
            f"{self.since:%Y-%m-%d %H:%M}Z: {clean(self.reason, LONGEST_REASON)}"
        )

    @property
    def opener(self) -> str:
        """What lifts it."""
        return f"`reconciler unpause {self.scope.arguments}`"


def covering(
    pauses: Iterable[Pause],
    environment: str,
    cell: CellKey,
    servers: Iterable[str],
    cells: Collection[str] | None = None,
) -> Pause | None:
    """Return the pause that stands before a cell: the widest, then the oldest; None: none does.

    `WHOLE` asks for the whole environment. `servers` are the names of its server, as
    `server_names` returns them. `cells` are all it has, in small letters: the pause of a
    tenant's cell that is none of them stands before the whole component, since that tenant may be
    called otherwise now.
    """
    found = every_covering(pauses, environment, cell, servers, cells)
    return found[0] if found else None


def every_covering(
    pauses: Iterable[Pause],
    environment: str,
    cell: CellKey,
    servers: Iterable[str],
    cells: Collection[str] | None = None,
) -> tuple[Pause, ...]:
    """Return all standing pauses that `covering` would choose from, widest and oldest first."""
    names = frozenset(servers)
    order = list(Reach)
    inside = []
    for pause in pauses:
        if pause.lifted_at is not None:
            continue
        scope = pause.scope
        whole = component_of(scope.component) if _is_of_nobody(scope, environment, cells) else ""
        if scope.covers(environment, cell, names) or (whole and whole == component_of(cell)):
            inside.append(pause)
    return tuple(sorted(inside, key=lambda p: (order.index(p.scope.reach), p.since, p.who)))


def _is_of_nobody(scope: Scope, environment: str, cells: Collection[str] | None) -> bool:
    """Tell whether a scope is a tenant's cell in an environment that has no such one."""
    if cells is None or not tenant_of(scope.component) or scope.environment != environment:
        return False
    return scope.component.casefold() not in cells


def server_name(address: str) -> str:
    """Return a server's address in the one way it is compared: small letters, no default port."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        return address
    scheme, host = found["scheme"].lower(), found["host"].lower()
    port = found["port"]
    tail = "" if port is None or (scheme, port) in _DEFAULT_PORTS else f":{port}"
    return f"{scheme}://{host}{tail}{found['path'].rstrip('/')}"


def server_names(
    address: str, installation_id: str, known: Iterable[tuple[str, str]] = ()
) -> frozenset[str]:
    """Return every name a server goes by: its address, its id, and other addresses of that id.

    `known` are (address, installation id) of what was accepted before: one server may be reached
    at several addresses, and a pause of one of them is meant for the server.
    """
    names = {server_name(address)}
    if installation_id:
        names.add(installation_id.lower())
        names |= {server_name(url) for url, own in known if own.lower() == installation_id.lower()}
    return frozenset(names)


def _checked_name(what: str, text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"'{clean(text, 80)}' is not the name of {what}: small letters, digits, '.', '_', '-'"
        )
    return text


def _quoted(text: str) -> str:
    """Return a text as one word of a shell."""
    inner = text.replace("'", "'\\''")
    return text if _NAME.fullmatch(text) else f"'{inner}'"


def _checked_cell(text: str) -> str:
    component, tenant = component_of(text), tenant_of(text)
    _checked_name("a component", component)
    if "@" in text and (not tenant or clean(text, _LONGEST_CELL) != text):
        raise ValueError(
            f"'{clean(text, 80)}' is not the name of a component and a tenant: component@tenant"
        )
    return text


def _checked_server(text: str) -> str:
    if _INSTALLATION.fullmatch(text):
        return text.lower()
    if len(text) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(text):
        raise ValueError(
            f"'{clean(text, 80)}' is neither an address as a Space manifest gives it "
            "(https://octopus.example) nor the installation id of a server"
        )
    return server_name(text)
