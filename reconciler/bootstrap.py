"""The one place where doors get their other side."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.manifest import Place
from reconciler.core.receipt import PAYLOAD_TYPE
from reconciler.core.text import clean
from reconciler.credentials import Credentials, File, Given
from reconciler.engine.doors import Doors, Pace
from reconciler.engine.events import Said
from reconciler.engine.gather import Gathering
from reconciler.engine.slots import Slots
from reconciler.engine.visit import Premises
from reconciler.errors import UsageError
from reconciler.git.address import HttpsCredential, parse_address
from reconciler.git.audit import GitAudit
from reconciler.git.edits import GitEdits
from reconciler.git.lease import Holder
from reconciler.git.mirror import GitOptions, Mirror
from reconciler.git.repository import GitRepository
from reconciler.git.signatures import CommitSignatures
from reconciler.git.source import locate
from reconciler.manifests.edit import ManifestSplicer
from reconciler.manifests.loader import ManifestLoader
from reconciler.manifests.platform import render_platform
from reconciler.manifests.removed import parse_removed, render_removed
from reconciler.manifests.snapshot import parse_snapshot, render_snapshot
from reconciler.octopus.budget import Budgets
from reconciler.octopus.key import ServerKey
from reconciler.octopus.options import ClientOptions
from reconciler.octopus.person import PersonInSpace
from reconciler.octopus.space import OctopusSpace
from reconciler.octopus.words import server_root
from reconciler.signing.dsse import SpaceSigner
from reconciler.signing.keys import load_key, load_or_make_key
from reconciler.signing.verify import verify_envelope
from reconciler.store.journal import SqliteJournal
from reconciler.store.lock import environment_lock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from reconciler.core.manifest import CredentialSource, Space
    from reconciler.core.secret import Secret
    from reconciler.engine.events import Event
    from reconciler.git.address import Address
    from reconciler.git.source import Source
    from reconciler.ports import Clock, Credential, Journal, Octopus, OctopusPerson, Signer
    from reconciler.settings import GitSettings, Settings


Writers = dict[tuple[Path, str], tuple[GitAudit, Gathering]]
"""The one writer of each audit branch in a process, by mirror and branch."""

NOWHERE = Place("", 0, 0)

# Linux' monotonic clock stands still while the machine sleeps, and others may act meanwhile.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """Return the wall clock, aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never jump, those the machine slept included where they count."""
        return time.clock_gettime(_STEADY)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def open_source(settings: Settings, repo: str | None) -> Source:
    """Find the repository a command means. Raises: UsageError."""
    return locate(repo, settings.repo, Path.cwd(), allow_local=settings.git.allow_local)


def store_path(settings: Settings) -> Path:
    """Return where this machine's store is, or will be made."""
    return settings.state_dir / "store.sqlite3"


@contextmanager
def open_journal(settings: Settings, clock: Clock | None = None) -> Iterator[Journal]:
    """Open the store alone, beside whatever runs: no git, no Octopus. Raises: StoreTrouble."""
    journal = SqliteJournal(store_path(settings), clock=clock or SystemClock())
    try:
        yield journal
    finally:
        journal.close()


@asynccontextmanager
async def open_space(
    settings: Settings, server: str, space: str, own: Credential, clock: Clock | None = None
) -> AsyncIterator[Octopus]:
    """Open one space to look at with a person's own key, and close it. Raises: UsageError."""
    clock = clock or SystemClock()
    budgets = Budgets(clock, settings.octopus.requests_per_minute)
    client = OctopusSpace(
        server, space, ServerKey(own), None, clock, _client_options(settings), budgets
    )
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def open_person(
    settings: Settings, space: Space, own: Credential, clock: Clock | None = None
) -> AsyncIterator[OctopusPerson]:
    """Open one space as a person, with their own key, and close it.

    Raises: UsageError, also where the space's server is not among the allowed ones.
    """
    see_allowed(settings, space)
    clock = clock or SystemClock()
    budgets = Budgets(clock, settings.octopus.requests_per_minute)
    options, key = _client_options(settings), ServerKey(own)
    where = (space.server, space.octopus_space)
    client = PersonInSpace(*where, key, None, clock, options, budgets, machines=key)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def open_premises(
    settings: Settings, repo: str | None, patience: float, clock: Clock | None = None
) -> AsyncIterator[Premises]:
    """Name what `doctor` looks at; no part of it is opened before it is looked at."""
    clock = clock or SystemClock()
    limit = timedelta(seconds=patience)
    single = limit * 0.8  # one answer; a part may be several, and tells better what was late
    quick = ClientOptions(
        connect_timeout=min(single, timedelta(seconds=settings.octopus.connect_timeout)),
        silence_timeout=single,
        exchange_timeout=single,
        retries=0,
        patience=timedelta(0),
    )
    spaces = Spaces(settings, clock, lambda _: None, quick)
    mirrors = settings.state_dir / "mirrors"

    def mirror(address: Address) -> Mirror:
        credential = _git_credential(settings.git, lambda _: None)
        return Mirror(mirrors, address, GitOptions(limit, limit, credential))

    def repository() -> GitRepository:
        source = open_source(settings, repo)
        return GitRepository(mirror(source.write or source.read), settings.branch, settings.root)

    def audit() -> GitAudit:
        if settings.audit.remote is None:
            address = open_source(settings, repo).shared()
        else:
            address = parse_address(settings.audit.remote, allow_local=settings.git.allow_local)
        nobody = Holder(id="doctor", host=socket.gethostname(), pid=os.getpid(), store="doctor")
        return GitAudit(mirror(address), settings.audit.branch, nobody, clock)

    signers = settings.git.allowed_signers

    def signatures() -> CommitSignatures:
        address = open_source(settings, repo)
        return CommitSignatures(mirror(address.write or address.read), signers or Path())

    signed = None if signers is None else signatures
    try:
        yield Premises(clock, repository, audit, ManifestLoader(), spaces.octopus, patience, signed)
    finally:
        await spaces.close()


@asynccontextmanager
async def open_doors(
    settings: Settings,
    repo: str | None,
    *,
    records: bool,
    tell: Callable[[Event], None] = lambda _: None,
    clock: Clock | None = None,
    halted: Callable[[], str] = lambda: "",
    pause: Callable[[float], None] = time.sleep,
    writers: Writers | None = None,
    spaces: Spaces | None = None,
    branches: int = 0,
) -> AsyncIterator[Doors]:
    """Open every door for one command, and close them after it.

    `records`: the command works on the remote's watched branch and writes to the audit branch;
    else it reads any local commit, and the audit branch where there is one. `pause` is how a worker
    thread waits. `writers` are shared by all repositories of one process; so are `spaces`, which
    stay open. `branches` are logs of running tasks read at each look, for whoever watches.

    Raises: UsageError, StoreTrouble, GitTrouble.
    """
    clock = clock or SystemClock()
    source = open_source(settings, repo)
    shared = source.shared() if records else source.write
    audited = shared
    if settings.audit.remote is not None:
        audited = parse_address(settings.audit.remote, allow_local=settings.git.allow_local)
    state = settings.state_dir
    options = GitOptions(
        timeout=timedelta(seconds=settings.git.timeout),
        credential=_git_credential(settings.git, lambda text: tell(Said(text))),
        signing_key=settings.git.signing_key,
    )
    signers = settings.git.allowed_signers
    mirrors = state / "mirrors"
    address = source.read if shared is None or not records else shared
    branch = settings.branch if records else source.branch_to_read(settings.branch)
    mirror = Mirror(mirrors, address, options)
    repository = GitRepository(mirror, branch, settings.root)
    journal = SqliteJournal(store_path(settings), clock=clock)
    mine = spaces or Spaces(settings, clock, tell)
    audit, gathering = None, Gathering(clock)
    if audited is not None:
        # the store's id: a later process of the same store proves by its lock that this one died
        store = journal.store_id
        holder = Holder(id=store, host=socket.gethostname(), pid=os.getpid(), store=store)
        history = Mirror(mirrors, audited, options)
        audit = GitAudit(history, settings.audit.branch, holder, clock, pause)
        if writers is not None:
            where = (history.path, settings.audit.branch)
            audit, gathering = writers.setdefault(where, (audit, gathering))
    manifests = ManifestLoader()
    if not manifests.is_fast:
        tell(Said("YAML's C parser is missing: manifests are read about 17 times slower"))
    try:
        yield Doors(
            clock=clock,
            repository=repository,
            signatures=None if signers is None else CommitSignatures(mirror, signers),
            audit=audit,
            gathering=gathering,
            slots=mine.slots,
            manifests=manifests,
            editor=ManifestSplicer(),
            branches=GitEdits(mirror, branch, clock) if records else None,
            journal=journal,
            octopus=mine.octopus,
            value=mine.value,
            signer=mine.signer,
            lock=partial(environment_lock, state),
            read_snapshot=parse_snapshot,
            write_snapshot=render_snapshot,
            read_removed=parse_removed,
            write_removed=render_removed,
            write_platform=render_platform,
            open_receipt=_open_receipt,
            tell=tell,
            halted=halted,
            pace=Pace(
                poll=settings.octopus.poll,
                poll_most=max(settings.octopus.poll, Pace().poll_most),
                settling=settings.octopus.settling,
                silence=settings.octopus.silence,
                branches=branches,
            ),
        )
    finally:
        if mine is not spaces:
            await mine.close()
        journal.close()


def see_allowed(settings: Settings, space: Space) -> None:
    """Raises: UsageError where the settings name servers, and not this one.

    A manifest says where a key is sent; whoever may merge one could send it to a server of their
    own.
    """
    allowed = settings.octopus.servers
    if allowed is None or server_root(space.server) in map(server_root, allowed.split()):
        return
    raise UsageError(
        f"Space {space.name} names the server {clean(space.server, 120)}, which is not among "
        "the allowed ones; no key was sent there",
        hint=f"add it to RECONCILER_OCTOPUS__SERVERS, or mend {space.place}",
    )


def _client_options(settings: Settings) -> ClientOptions:
    return ClientOptions(
        connect_timeout=timedelta(seconds=settings.octopus.connect_timeout),
        silence_timeout=timedelta(seconds=settings.octopus.read_timeout),
    )


def _git_credential(git: GitSettings, tell: Callable[[str], None]) -> HttpsCredential | None:
    """Return what https remotes are asked with. Raises: UsageError where it is set twice."""
    if git.token is not None and git.token_file is not None:
        raise UsageError(
            "both git.token and git.token_file are set; nothing was read or changed",
            hint="keep one of RECONCILER_GIT__TOKEN and RECONCILER_GIT__TOKEN_FILE",
        )
    if git.token_file is not None:
        return HttpsCredential(File(git.token_file, tell))
    if git.token is not None:
        return HttpsCredential(Given("git.token", git.token.get_secret_value()))
    return None


def _open_receipt(content: bytes, certificates: tuple[bytes, ...]) -> bytes:
    return verify_envelope(content, certificates, PAYLOAD_TYPE).payload


class Spaces:
    """Clients and signers by Space manifest, made when first asked for.

    One for each process: credentials, and the request budget and `slots` of each server, are shared
    by all repositories it watches (rule 20). `tell` hears of credentials that cannot be read again.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        tell: Callable[[Event], None],
        options: ClientOptions | None = None,
    ) -> None:
        self._settings = settings
        self._options = options or _client_options(settings)
        self._clock = clock
        self._credentials = Credentials(settings.secrets_dir, lambda text: tell(Said(text)))
        self._budgets = Budgets(clock, settings.octopus.requests_per_minute)
        self.slots = Slots(clock, settings.octopus.slots)
        self._keys: dict[tuple[str, Credential], ServerKey] = {}
        self._clients: dict[Space, OctopusSpace] = {}
        self._signers: dict[str, SpaceSigner] = {}

    def octopus(self, space: Space) -> Octopus:
        """Return the client of a space.

        Raises: UsageError where its server is not allowed, or a credential cannot be found.
        """
        place = replace(space, place=NOWHERE)  # where it is written makes no other space of it
        if place not in self._clients:
            see_allowed(self._settings, space)
            observe = self._key(space, "observe", space.observe)
            self._clients[place] = OctopusSpace(
                space.server,
                space.octopus_space,
                observe,
                self._changing(space, "deploy", space.deploy),
                self._clock,
                self._options,
                self._budgets,
                self._changing(space, "machines", space.machines),
            )
        return self._clients[place]

    def value(self, source: CredentialSource) -> Secret:
        """Return the secret value of a prompted variable as it is now. Raises: UsageError."""
        return self._credentials.value(source).current()

    def signer(self, space: str) -> Signer:
        """Return the signer of a space; its key is made where none is configured."""
        if space not in self._signers:
            given = self._settings.signing.get(space)
            key = (
                load_or_make_key(self._settings.state_dir, space, self._clock)
                if given is None
                else load_key(given.key, given.certificate, self._clock)
            )
            self._signers[space] = SpaceSigner(key)
        return self._signers[space]

    async def close(self) -> None:
        """Close all clients."""
        for client in self._clients.values():
            await client.close()

    def _changing(
        self, space: Space, use: str, source: CredentialSource | None
    ) -> ServerKey | None:
        """Return a credential that changes Octopus; None, which changes nothing, where it is unset.

        None of them stands in for another (rule 29).
        """
        if source is None or (source.env is not None and not os.environ.get(source.env)):
            return None
        return self._key(space, use, source)

    def _key(self, space: Space, use: str, source: CredentialSource | None) -> ServerKey:
        """Return a credential as the server of a space takes it: one for all who use it there."""
        credential = self._credentials.of(space, use, source)
        # by the credential itself: its name is for people, and cut off where it is long
        return self._keys.setdefault((server_root(space.server), credential), ServerKey(credential))
