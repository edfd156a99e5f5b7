"""Receipts by command: list, show and verify what the audit branch and this machine keep.

Nothing of a receipt is read before its signature is verified (rule 37). Reading here changes no
index: whose signature counts for a pass is decided elsewhere, and more narrowly.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.core.acceptance import PATH as STATE
from reconciler.core.cellkey import component_of
from reconciler.core.chain import chain_problems
from reconciler.core.receipt import parse_receipt, receipt_id
from reconciler.core.slug import slug
from reconciler.core.text import clean
from reconciler.engine.accept import environments_at_tip
from reconciler.engine.certificates import Certificates, known_certificates
from reconciler.engine.doors import blocking, shared_audit
from reconciler.engine.ground import parse_state
from reconciler.engine.history import link_of
from reconciler.errors import (
    GitTrouble,
    ReconcilerError,
    RemoteUnreachable,
    SigningTrouble,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from reconciler.core.receipt import Receipt
    from reconciler.engine.doors import Doors
    from reconciler.ports import AuditBranch, ChainLink

_ID = re.compile(r"dr-[0-9a-f]{32}")
_SUFFIX = ".receipt.json"


@dataclass(frozen=True, slots=True)
class Listed:
    """A receipt's place in its chain; `pending`: the remote does not have it yet (rule 26)."""

    link: ChainLink
    pending: bool

    @property
    def id(self) -> str:
        """The receipt's id."""
        return self.link.path.rpartition("/")[2].removesuffix(_SUFFIX)


@dataclass(frozen=True, slots=True)
class Listing:
    """The receipts of one environment by project and number; `alarms` are clean lines.

    `tip` is the audit branch's, None where there is none or it could not be asked.
    """

    receipts: tuple[Listed, ...]
    alarms: tuple[str, ...]
    tip: str | None
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """One verified receipt: the exact payload, the envelope's path, and who signed it."""

    payload: bytes
    path: str
    pending: bool
    fingerprint: str
    origin: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying one environment came to.

    `tip` is that of the audit branch. `signers`: (fingerprint, where it comes from, receipts) each.
    `problems` are clean lines.
    """

    environment: str
    tip: str | None
    read_at: datetime
    receipts: int
    pending: int
    signers: tuple[tuple[str, str, int], ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    content: bytes
    pending: bool


async def list_receipts(
    doors: Doors, environment: str, which: str | None, local: Mapping[str, bytes]
) -> Listing:
    """Return the receipts of an environment, or those of one project or component of it.

    `local`: this machine's certificates (PEM) by Space. A remote that is down is an alarm in the
    answer, not its end: what this machine knows is shown.

    Raises: UsageError (no remote, no such environment), StoreTrouble.
    """
    _folder(environment)
    listing = await blocking(_list, doors, environment, which, local)
    if not listing.receipts and not listing.alarms and which is None:
        names = await environments_at_tip(doors)
        if environment not in names:
            raise UsageError(
                f"there is no environment '{clean(environment)}', and no receipt of one",
                hint=f"environments: {', '.join(names[:20]) or 'none'}",
            )
    return listing


def _list(doors: Doors, environment: str, which: str | None, local: Mapping[str, bytes]) -> Listing:
    audit = shared_audit(doors)
    alarms: list[str] = []
    tip, read_at = None, doors.clock.now()
    try:
        tip = audit.fetch()
    except GitTrouble as error:
        alarms.append(f"{error.message}; shown is what this machine knows")
    links = {link.path: link for link in doors.journal.links(environment)}
    queued = {record.path for record in doors.journal.queued(environment)}
    unknown = [
        (name, file)
        for name in _called(audit, environment)
        for file in _recorded(audit, _folder(name))
        if file.path not in links
    ]
    certificates = known_certificates(audit, local)
    for name, file in unknown:
        try:
            opened = _open(doors, file, certificates)
            links[file.path] = link_of(name, file.path, opened.payload)
        except ReconcilerError as error:
            alarms.append(f"{clean(file.path)}: {error.message}")
    wanted = None if which is None else _projects(doors, environment, which)
    chosen = [k for k in links.values() if wanted is None or k.project in wanted]
    chosen.sort(key=lambda k: (k.project, k.tenant or "", k.sequence))
    return Listing(tuple(Listed(k, k.path in queued) for k in chosen), tuple(alarms), tip, read_at)


async def show_receipt(doors: Doors, name: str, local: Mapping[str, bytes]) -> Shown:
    """Return one receipt by its id or its path on the audit branch, verified.

    Raises: UsageError (there is none), SigningTrouble (nothing of it is shown), GitTrouble.
    """

    def read() -> Shown:
        audit = shared_audit(doors)
        with suppress(RemoteUnreachable):  # what waits here is shown while the remote is down
            audit.fetch()
        found = _find(doors, audit, name)
        return _open(doors, found, known_certificates(audit, local))

    return await blocking(read)


async def verify_receipts(
    doors: Doors, environment: str | None, local: Mapping[str, bytes]
) -> tuple[Verdict, ...]:
    """Verify every receipt of an environment, or of all: signatures, places and chains.

    Raises: UsageError (no such environment), GitTrouble, StoreTrouble.
    """

    def verify() -> tuple[Verdict, ...]:
        audit = shared_audit(doors)
        tip = audit.fetch()
        certificates = known_certificates(audit, local)
        names = _environments(audit)
        if environment is not None:
            _folder(environment)
            if environment not in names and not doors.journal.links(environment):
                raise UsageError(
                    f"there is no receipt of '{clean(environment)}'; nothing was verified",
                    hint=f"environments with receipts: {', '.join(names[:20]) or 'none'}",
                )
            names = (environment,)
        else:
            renamed = {former for name in names for former in _called(audit, name)[1:]}
            names = tuple(name for name in names if name not in renamed)
        return tuple(_verify(doors, audit, name, certificates, tip) for name in names)

    return await blocking(verify)


def _verify(
    doors: Doors,
    audit: AuditBranch,
    environment: str,
    certificates: Certificates,
    tip: str | None,
) -> Verdict:
    read_at = doors.clock.now()
    called = _called(audit, environment)
    recorded = [file for name in called for file in _recorded(audit, _folder(name))]
    queued = _queued(doors, environment)
    links: list[ChainLink] = []
    previous: dict[str, str | None] = {}
    signers: Counter[str] = Counter()
    problems: list[str] = []
    there = {file.path for file in recorded}
    for file in (*recorded, *(file for file in queued if file.path not in there)):
        try:
            opened = _open(doors, file, certificates)
        except ReconcilerError as error:
            problems.append(f"{clean(file.path)}: {error.message}")
            continue
        signers[opened.fingerprint] += 1
        link = link_of(file.path.split("/")[1], file.path, opened.payload)
        links.append(replace(link, environment=environment))
        previous[file.path] = parse_receipt(opened.payload).previous
    kept = there | {file.path for file in queued}
    problems += [
        f"missing: {clean(link.path)} was made here and is not on the audit branch any more"
        for link in doors.journal.links(environment)
        if link.path not in kept
    ]
    problems += chain_problems(links, previous)
    told = tuple((name, certificates.origin[name], signers[name]) for name in sorted(signers))
    return Verdict(
        environment=environment,
        tip=tip,
        read_at=read_at,
        receipts=len(recorded),
        pending=len(kept - there),
        signers=told,
        problems=tuple(problems),
    )


def _open(doors: Doors, file: _File, certificates: Certificates) -> Shown:
    """Verify one receipt, and that it is what its place and its words say.

    Raises: SigningTrouble.
    """
    payload = doors.open_receipt(file.content, tuple(certificates.pem.values()))
    receipt = parse_receipt(payload)
    fingerprint = receipt.certificate
    named = certificates.pem.get(fingerprint)
    if named is None or doors.open_receipt(file.content, (named,)) != payload:
        raise _misplaced(f"it names {fingerprint} as its signer, and another one signed it")
    if not file.path.startswith("receipts/"):
        return Shown(
            payload, file.path, file.pending, fingerprint, certificates.origin[fingerprint]
        )
    if _place(receipt) != tuple(file.path.split("/")[2:]):
        raise _misplaced("it is not the receipt that its path names")
    return Shown(payload, file.path, file.pending, fingerprint, certificates.origin[fingerprint])


def _place(receipt: Receipt) -> tuple[str, str, str]:
    """Return the last three parts of a receipt's path; its environment there is the manifest's."""
    year = f"{receipt.queued_at:%Y}"
    return slug(receipt.project), year, f"{receipt_id(receipt)}{_SUFFIX}"


def _misplaced(fact: str) -> SigningTrouble:
    return SigningTrouble(
        f"E_BINDING: {fact}; nothing was taken from it",
        hint="see who wrote it: `git log` of that path on the audit branch",
    )


def _folder(environment: str) -> str:
    if slug(environment) != environment:
        raise UsageError(
            f"'{clean(environment)}' cannot be the name of an environment",
            hint="give the metadata.name of an Environment manifest",
        )
    return f"receipts/{environment}"


def _environments(audit: AuditBranch) -> tuple[str, ...]:
    parts = (file.path.split("/") for file in audit.list("receipts"))
    return tuple(sorted({part[1] for part in parts if len(part) > 2}))


def _called(audit: AuditBranch, environment: str) -> tuple[str, ...]:
    """Return the names an environment has receipts under: its own, then those it had before."""
    accepted = parse_state(audit.read(STATE)).environments.get(environment)
    return (environment, *(() if accepted is None else accepted.formers))


def _recorded(audit: AuditBranch, folder: str) -> Iterable[_File]:
    files = [file for file in audit.list(folder) if file.path.endswith(_SUFFIX)]
    blobs = audit.read_blobs([file.blob for file in files])
    return [_File(file.path, blobs[file.blob], pending=False) for file in files]


def _queued(doors: Doors, environment: str) -> list[_File]:
    return [
        _File(record.path, record.content, pending=True)
        for record in doors.journal.queued(environment)
        if record.path.endswith(_SUFFIX)
    ]


def _find(doors: Doors, audit: AuditBranch, name: str) -> _File:
    """Return the one file of this id or path: on the audit branch, else pending on this machine."""
    by_id = _ID.fullmatch(name) is not None

    def named(path: str) -> bool:
        return path == name or (by_id and path.endswith(f"/{name}{_SUFFIX}"))

    for file in audit.list("receipts"):
        if named(file.path):
            return _File(file.path, audit.read_blobs([file.blob])[file.blob], pending=False)
    accepted = parse_state(audit.read(STATE)).environments
    for environment in sorted({*accepted, *_environments(audit)}):
        for waiting in _queued(doors, environment):
            if named(waiting.path):
                return waiting
    raise UsageError(
        f"there is no receipt '{clean(name, 120)}', neither on the audit branch nor here",
        hint="`reconciler receipts list ENVIRONMENT` shows the ids",
    )


def _projects(doors: Doors, environment: str, which: str) -> frozenset[str]:
    """Return the slugs of projects that a person's word names: a project, or a component."""
    component = {
        record.project_slug
        for record in doors.journal.intents(environment)
        if component_of(record.cell) == which and not record.is_run
    }
    return frozenset({which, *component})
