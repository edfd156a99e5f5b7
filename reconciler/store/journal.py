"""The journal on SQLite: promises before requests, receipts until the remote has them.

Rules 12, 13, 19, 24, 26 and 50 rest on this file: a write that returned is on disk, every write
about an environment is checked against the highest fence seen in the same transaction, and nothing
that was finished is ever overwritten by something that is not.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.core.intent import Outcome, Progress
from reconciler.core.refresh import Stage
from reconciler.core.text import clean
from reconciler.errors import LeaseLost, StoreTrouble
from reconciler.ports import QueuedRecord
from reconciler.store import refreshes, rows
from reconciler.store.acts import ActTable
from reconciler.store.approvals import ApprovalTable
from reconciler.store.cache import SeenCache
from reconciler.store.database import Database
from reconciler.store.pauses import PauseTable
from reconciler.store.proposals import ProposalTable
from reconciler.store.renaming import rename
from reconciler.store.retries import RetryTable
from reconciler.store.sicknesses import SicknessTable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from reconciler.core.acceptance import AcceptedEnvironment
    from reconciler.core.act import Act
    from reconciler.core.approval import Approval
    from reconciler.core.fleet import Sickness
    from reconciler.core.intent import IntentRecord
    from reconciler.core.pause import Pause, Scope
    from reconciler.core.refresh import Refresh
    from reconciler.core.refusal import Refusal
    from reconciler.core.retryword import RetryWord
    from reconciler.ports import ChainLink, Clock, Known

_RAISE_FENCE = (
    "INSERT INTO fences VALUES (?, ?) ON CONFLICT (environment) "
    "DO UPDATE SET fence = max(fence, excluded.fence)"
)
_INSERT_INTENT = (
    f"INSERT OR REPLACE INTO intents ({rows.INTENT_COLUMNS}) "  # noqa: S608
    f"VALUES ({rows.marks(rows.INTENT_COLUMNS)})"
)
_COUNT_REFUSAL = (
    "INSERT INTO refusals SELECT id, redeploy, 1, ?, ?, ? FROM intents WHERE id = ? "
    "ON CONFLICT (intent) DO UPDATE SET "
    "times = CASE WHEN excluded.redeploy > redeploy THEN 1 ELSE times + 1 END, "
    "since = CASE WHEN excluded.redeploy > redeploy THEN excluded.since ELSE since END, "
    "redeploy = max(redeploy, excluded.redeploy), last = excluded.last, why = excluded.why"
)
_INSERT_LINK = (
    f"INSERT OR IGNORE INTO receipts ({rows.LINK_COLUMNS}) "  # noqa: S608
    f"VALUES ({rows.marks(rows.LINK_COLUMNS)})"
)
_TOLD = (
    "UPDATE intents SET progress = ?, deployment_id = ?, outcome = ?, settled = ? "
    "WHERE id = ? AND progress IN (?, ?)"
)
_HEARD = (
    "SELECT environment, count(*) FROM (SELECT environment FROM retries "
    "UNION ALL SELECT environment FROM approvals "
    "UNION ALL SELECT environment FROM approvals WHERE revoked_at IS NOT NULL "
    "UNION ALL SELECT environment FROM pauses "
    "UNION ALL SELECT environment FROM pauses WHERE lifted_at IS NOT NULL) GROUP BY environment"
)
_INSERT_ACCEPTED = (
    f"INSERT OR REPLACE INTO accepted ({rows.ACCEPTED_COLUMNS}, accepted_at) "  # noqa: S608
    f"VALUES ({rows.marks(rows.ACCEPTED_COLUMNS)}, ?)"
)


class SqliteJournal:
    """`ports.Journal` in one file. May be used from several threads and several processes.

    Every method raises StoreTrouble when the file cannot be read or written; nothing was written
    then. Methods with a `fence` raise LeaseLost when a higher one was seen.
    """

    def __init__(self, path: Path, *, clock: Clock) -> None:
        """Open the store at `path`, making it (and its directory) where there is none.

        Raises: StoreTrouble (damaged, newer than the program, not writable, no space).
        """
        self._clock = clock
        self._database = Database(path, clock=clock)
        self._cache = SeenCache(self._database)
        self._pauses = PauseTable(self._database)
        self._approvals = ApprovalTable(self._database)
        self._acts = ActTable(self._database)
        self._retries = RetryTable(self._database)
        self._sicknesses = SicknessTable(self._database)
        self._proposals = ProposalTable(self._database)
        self._store_id = self._own_id()

    @property
    def store_id(self) -> str:
        """32 random hex digits, made with the store."""
        return self._store_id

    # --- fences and promises ------------------------------------------------------------------

    def fence(self, environment: str) -> int:
        """Return the highest fence this store has seen for an environment, 0 if none."""
        found = self._database.rows(
            "SELECT fence FROM fences WHERE environment = ?", (environment,)
        )
        return int(found[0][0]) if found else 0

    def raise_fence(self, environment: str, fence: int) -> None:
        """Remember the fence of a lease just taken; a lower one changes nothing."""
        with self._database.writing() as connection:
            connection.execute(_RAISE_FENCE, (environment, fence))

    def rename(self, former: str, environment: str, fence: int) -> None:
        """Let what is kept of an environment under its former name be under the new one.

        Paths of receipts stay as they are. Approvals do not come along: they name a plan.
        """
        with self._fenced(environment, fence) as connection:
            rename(connection, former, environment)

    def promise(self, record: IntentRecord, fence: int) -> None:
        """Write an intent before its request; it is on disk when this returns (rule 13).

        Raises:
            StoreTrouble: the intent was promised before and not proved absent (`void`): sending a
                second request for it could deploy twice (rule 14).
        """
        with self._fenced(record.environment, fence) as connection:
            earlier = _progress(connection, record.intent.id)
            if earlier not in {None, Progress.VOID}:
                raise _refused(record.intent.id, f"is {earlier} already and was not promised again")
            connection.execute(_INSERT_INTENT, rows.intent_row(record))

    def launched(self, intent: str, deployment_id: str, task_id: str, fence: int) -> None:
        """Note that Octopus has the deployment, also of an intent that seemed absent.

        Raises:
            StoreTrouble: another deployment is noted for this intent.
        """
        with self._about(intent, fence) as (connection, progress):
            ((known,),) = connection.execute(
                "SELECT deployment_id FROM intents WHERE id = ?", (intent,)
            ).fetchall()
            if known not in {None, deployment_id}:
                raise _refused(intent, f"is {clean(known)}, so {clean(deployment_id)} is a second")
            if progress in {Progress.PROMISED, Progress.VOID, Progress.LAUNCHED}:
                connection.execute(
                    "UPDATE intents SET progress = ?, deployment_id = ?, task_id = ? WHERE id = ?",
                    (Progress.LAUNCHED.value, deployment_id, task_id, intent),
                )
                RetryTable.spend(connection, intent, self._clock.now())

    def void(self, intent: str, fence: int) -> None:
        """Note that the intent is proved absent from Octopus.

        Raises:
            StoreTrouble: Octopus has been seen to have it.
        """
        with self._about(intent, fence) as (connection, progress):
            _set_absent(connection, intent, progress)

    def refuse(self, intent: str, why: str, fence: int) -> None:
        """Note that Octopus refused the intent, and count it; a raised `redeploy` counts anew.

        Raises:
            StoreTrouble: Octopus has been seen to have it.
        """
        now = rows.time_text(self._clock.now())
        with self._about(intent, fence) as (connection, progress):
            _set_absent(connection, intent, progress)
            connection.execute(_COUNT_REFUSAL, (now, now, clean(why), intent))
            RetryTable.spend(connection, intent, self._clock.now())

    def refusals(self, environment: str) -> dict[str, Refusal]:
        """Return the refusals of the intents of an environment that are still absent."""
        return dict(
            self._database.values(
                f"SELECT {rows.REFUSAL_COLUMNS} FROM refusals "  # noqa: S608
                "JOIN intents ON intents.id = intent WHERE environment = ? AND progress = ?",
                (environment, Progress.VOID.value),
                rows.refusal_of,
            )
        )

    def finished(self, intent: str, outcome: Outcome, *, settled: bool, fence: int) -> None:
        """Note how the deployment ended; only an `Unknown` end may be corrected once receipted.

        Raises:
            StoreTrouble: it never began, or a receipt says that it ended otherwise.
        """
        now = rows.time_text(self._clock.now())
        with self._about(intent, fence) as (connection, progress):
            if progress in {Progress.PROMISED, Progress.VOID}:
                raise _refused(intent, f"is {progress}: it has no deployment that could end")
            if progress is Progress.RECEIPTED:
                ((told,),) = connection.execute(
                    "SELECT outcome FROM intents WHERE id = ?", (intent,)
                ).fetchall()
                if told == outcome.value:
                    return
                if told != Outcome.UNKNOWN.value:
                    raise _refused(intent, f"has a receipt that says {told}, not {outcome}")
            connection.execute(
                "UPDATE intents SET progress = ?, outcome = ?, settled = ?, ended = ? WHERE id = ?",
                (Progress.FINISHED.value, outcome.value, settled, now, intent),
            )

    def adopt(self, record: IntentRecord, fence: int) -> None:
        """Write an intent found in Octopus; what this store knows better is left alone."""
        with self._fenced(record.environment, fence) as connection:
            if _progress(connection, record.intent.id) in {None, Progress.PROMISED, Progress.VOID}:
                connection.execute(_INSERT_INTENT, rows.intent_row(record))

    def intents(self, environment: str) -> tuple[IntentRecord, ...]:
        """Return all intents of an environment, oldest promise first."""
        return self._database.values(
            f"SELECT {rows.INTENT_COLUMNS} FROM intents "  # noqa: S608
            "WHERE environment = ? ORDER BY promised_at, rowid",
            (environment,),
            rows.intent_of,
        )

    def promise_refresh(self, refresh: Refresh, fence: int) -> None:
        """Write a refresh before its request; it is on disk when this returns (rule 13).

        Raises:
            StoreTrouble: one of the same release in the same state is promised, and unresolved.
        """
        with self._fenced(refresh.environment, fence) as connection:
            if refreshes.stage_of(connection, refresh.id) is Stage.PROMISED:
                raise _refused(refresh.id, "is promised already and was not promised again")
            refreshes.write(connection, refresh)

    def settle_refresh(self, refresh: Refresh, fence: int) -> None:
        """Note what became of a refresh."""
        with self._fenced(refresh.environment, fence) as connection:
            refreshes.write(connection, refresh)

    def refreshes(self, environment: str) -> tuple[Refresh, ...]:
        """Return the refreshes of an environment, oldest promise first."""
        return self._database.values(
            f"SELECT {refreshes.COLUMNS} FROM refreshes "  # noqa: S608
            "WHERE environment = ? ORDER BY promised_at, id",
            (environment,),
            refreshes.read,
        )

    # --- receipts and passes ------------------------------------------------------------------

    def queue_receipt(self, record: QueuedRecord, link: ChainLink, fence: int) -> None:
        """Keep a receipt until the remote has it; its intent becomes `receipted` with it.

        Raises:
            StoreTrouble: other bytes are kept at its path, or another receipt has its place in
                the chain (rule 24).
        """
        with self._fenced(record.environment, fence) as connection:
            _keep(connection, record)
            _refuse_fork(connection, link)
            connection.execute(_INSERT_LINK, rows.link_row(link))
            _set_progress(connection, link.intent, Progress.RECEIPTED)

    def queue_record(self, record: QueuedRecord, fence: int) -> None:
        """Keep a pass record until the remote has it. Raises as `queue_receipt`."""
        with self._fenced(record.environment, fence) as connection:
            _keep(connection, record)

    def queued(self, environment: str) -> tuple[QueuedRecord, ...]:
        """Return what the remote does not have yet, oldest first."""
        return self._database.values(
            "SELECT environment, path, content FROM queue WHERE environment = ? ORDER BY number",
            (environment,),
            lambda row: QueuedRecord(*row),
        )

    def pending(self, environment: str) -> int:
        """Return how many records the remote does not have yet (rule 26)."""
        ((count,),) = self._database.rows(
            "SELECT count(*) FROM queue WHERE environment = ?", (environment,)
        )
        return int(count)

    def recorded(self, paths: Collection[str]) -> None:
        """Forget queued records that the remote now has; the index keeps their links."""
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM queue WHERE path = ?", [(path,) for path in paths])

    def superseded(self, paths: Collection[str]) -> None:
        """Forget queued records, and their links, that another writer told in other bytes."""
        gone = [(path,) for path in paths]
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM queue WHERE path = ?", gone)
            connection.executemany("DELETE FROM receipts WHERE path = ?", gone)

    def index_receipts(self, links: Sequence[ChainLink]) -> None:
        """Add links read from the audit branch, gaps and forks included.

        An intent of ours that another writer told of is `receipted` with it.
        """
        with self._database.writing() as connection:
            connection.executemany(_TOLD, map(_told_row, links))
            connection.executemany(_INSERT_LINK, map(rows.link_row, links))

    def links(self, environment: str) -> tuple[ChainLink, ...]:
        """Return all known links of an environment, by project, tenant and sequence."""
        return self._database.values(
            f"SELECT {rows.LINK_COLUMNS} FROM receipts "  # noqa: S608
            "WHERE environment = ? ORDER BY project, tenant, sequence, path",
            (environment,),
            rows.link_of,
        )

    def last_link(self, environment: str, project: str, tenant: str | None) -> ChainLink | None:
        """Return the link with the highest sequence of one chain, None where there is none."""
        found = self._database.values(
            f"SELECT {rows.LINK_COLUMNS} FROM receipts "  # noqa: S608
            "WHERE environment = ? AND project = ? AND tenant IS ? "
            "ORDER BY sequence DESC, path LIMIT 1",
            (environment, project, tenant),
            rows.link_of,
        )
        return found[0] if found else None

    # --- acceptance, pauses, counters, cache --------------------------------------------------

    def accepted(self, environment: str) -> AcceptedEnvironment | None:
        """Return what this store knows as accepted for an environment."""
        found = self._database.values(
            f"SELECT {rows.ACCEPTED_COLUMNS} FROM accepted "  # noqa: S608
            "WHERE environment = ? AND commit_hash <> ''",
            (environment,),
            rows.accepted_of,
        )
        return found[0] if found else None

    def accepted_everywhere(self) -> tuple[AcceptedEnvironment, ...]:
        """Return what this store knows as accepted, by environment; doubted ones too."""
        return self._database.values(
            f"SELECT {rows.ACCEPTED_COLUMNS} FROM accepted ORDER BY environment",  # noqa: S608
            (),
            rows.accepted_of,
        )

    def accept(self, accepted: AcceptedEnvironment) -> None:
        """Remember an acceptance, in place of an earlier one."""
        values = (
            accepted.environment,
            accepted.commit,
            accepted.server_url,
            accepted.server,
            accepted.space,
            accepted.octopus_environment,
            rows.time_text(self._clock.now()),
        )
        with self._database.writing() as connection:
            connection.execute(_INSERT_ACCEPTED, values)

    def doubt_accepted(self) -> None:
        """Know no environment as accepted any more; which servers they are on is still known."""
        with self._database.writing() as connection:
            connection.execute("UPDATE accepted SET commit_hash = ''")

    def pause(self, pause: Pause) -> Pause | None:
        """Keep a pause; return the one of the same scope that it takes the place of (rule 21)."""
        return self._pauses.put(pause)

    def unpause(self, scope: Scope, who: str) -> Pause | None:
        """Lift the pause of exactly this scope and note who did; None: there was none."""
        return self._pauses.lift(scope, who, self._clock.now())

    def pauses(self) -> tuple[Pause, ...]:
        """Return the pauses that stand now, whichever process wrote them, oldest first."""
        return self._pauses.standing()

    def pause_history(self) -> tuple[Pause, ...]:
        """Return every pause there ever was in this store, lifted ones too, oldest first."""
        return self._pauses.all()

    def approve(self, approval: Approval) -> None:
        """Keep an approval; it is on disk when this returns (rule 32)."""
        self._approvals.put(approval)

    def approvals(self, environment: str | None = None) -> tuple[Approval, ...]:
        """Return every approval ever given, revoked and expired ones too, oldest first."""
        return self._approvals.all(environment)

    def revoke_approvals(self, environment: str, digest: str, who: str) -> tuple[Approval, ...]:
        """Take back the approvals of plans whose digest begins so; return those that stood."""
        return self._approvals.revoke(environment, digest, who, self._clock.now())

    def retry(self, words: Sequence[RetryWord]) -> None:
        """Keep a person's words for retries, all or none; on disk when this returns (rule 12)."""
        self._retries.put(words)

    def retries(self, environment: str | None = None) -> tuple[RetryWord, ...]:
        """Return every word for a retry ever given, used ones too, oldest first."""
        return self._retries.all(environment)

    def heard(self) -> dict[str, int]:
        """Return how often people said something here, by environment; empty: of more than one."""
        return dict(self._database.values(_HEARD, (), lambda row: (str(row[0]), int(row[1]))))

    def act(self, act: Act) -> int:
        """Keep what a person is about to do as themselves; return its number (rule 33)."""
        return self._acts.put(act)

    def act_ended(self, number: int, outcome: str) -> None:
        """Note what became of it."""
        self._acts.end(number, outcome)

    def acts(self, environment: str | None = None) -> tuple[Act, ...]:
        """Return what people did as themselves, oldest first."""
        return self._acts.all(environment)

    def sicknesses(self, environment: str, server: str, space: str) -> tuple[Sickness, ...]:
        """Return what looks have seen of the lost machines of an environment (rule 44)."""
        return self._sicknesses.of((environment, server, space))

    def keep_sicknesses(
        self, environment: str, server: str, space: str, found: Sequence[Sickness]
    ) -> None:
        """Know this of an environment's lost machines, in place of what was known."""
        self._sicknesses.keep((environment, server, space), found)

    def next_write(self) -> int:
        """Count and return this store's audit writes, for each try of a push."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO meta VALUES ('writes', '1') ON CONFLICT (key) "
                "DO UPDATE SET value = CAST(value AS INTEGER) + 1"
            )
            return self.writes()

    def writes(self) -> int:
        """Return the count without raising it."""
        found = self._database.rows("SELECT value FROM meta WHERE key = 'writes'")
        return int(found[0][0]) if found else 0

    def proposals(self, environment: str) -> Mapping[str, str]:
        """Return the version that was proposed last for a pin that tracks, by component."""
        return self._proposals.of(environment)

    def proposed(self, environment: str, component: str, version: str) -> None:
        """Remember that a version was proposed for a pin that tracks; on disk on return."""
        self._proposals.put(environment, component, version)

    def stamp(self) -> int:
        """Return a number that is another one once anybody else has written to the store.

        Writes of this connection do not count (sqlite.org/pragma.html, data_version).
        """
        return int(self._database.rows("PRAGMA data_version")[0][0])

    def known(self, server: str, space_id: str) -> Known:
        """Return the cached deployments and releases of a space."""
        return self._cache.known(server, space_id)

    def remember(self, server: str, space_id: str, known: Known) -> None:
        """Add deployments and releases to the cache, which drops the oldest beyond its bound."""
        self._cache.remember(server, space_id, known)

    def close(self) -> None:
        """Close the store; what was written stays."""
        self._database.close()

    # --- inside -------------------------------------------------------------------------------

    def _own_id(self) -> str:
        with self._database.writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO meta VALUES ('store_id', ?)", (secrets.token_hex(16),)
            )
        ((store_id,),) = self._database.rows("SELECT value FROM meta WHERE key = 'store_id'")
        return str(store_id)

    @contextmanager
    def _fenced(self, environment: str, fence: int) -> Iterator[sqlite3.Connection]:
        """One transaction about an environment, refused below the highest fence (rule 19)."""
        with self._database.writing() as connection:
            found = connection.execute(
                "SELECT fence FROM fences WHERE environment = ?", (environment,)
            ).fetchone()
            if found is not None and fence < found[0]:
                raise LeaseLost(
                    f"the lease of {environment} was taken again (number {found[0]}, ours was "
                    f"{fence}); this write was refused and no new request will be sent",
                    hint=f"run again: the next pass over {environment} finishes the work",
                )
            connection.execute(_RAISE_FENCE, (environment, fence))
            yield connection

    @contextmanager
    def _about(self, intent: str, fence: int) -> Iterator[tuple[sqlite3.Connection, Progress]]:
        """One transaction about an intent this store knows, with how far it got."""
        found = self._database.rows("SELECT environment FROM intents WHERE id = ?", (intent,))
        if not found:
            raise _refused(intent, "is not in this store")
        with self._fenced(found[0][0], fence) as connection:
            progress = _progress(connection, intent)
            if progress is None:
                raise _refused(intent, "is not in this store")
            yield connection, progress


def _progress(connection: sqlite3.Connection, intent: str) -> Progress | None:
    found = connection.execute("SELECT progress FROM intents WHERE id = ?", (intent,)).fetchone()
    return None if found is None else Progress(found[0])


def _told_row(link: ChainLink) -> tuple[object, ...]:
    settled = link.outcome in {Outcome.SUCCESS, Outcome.SUCCESS_WITH_WARNINGS}
    told = (Progress.RECEIPTED.value, link.deployment_id, link.outcome.value, settled)
    return (*told, link.intent, Progress.PROMISED.value, Progress.LAUNCHED.value)


def _set_progress(connection: sqlite3.Connection, intent: str, progress: Progress) -> None:
    connection.execute("UPDATE intents SET progress = ? WHERE id = ?", (progress.value, intent))


def _set_absent(connection: sqlite3.Connection, intent: str, progress: Progress) -> None:
    if progress not in {Progress.PROMISED, Progress.VOID}:
        raise _refused(intent, f"is {progress}, so it is not absent")
    _set_progress(connection, intent, Progress.VOID)


def _keep(connection: sqlite3.Connection, record: QueuedRecord) -> None:
    found = connection.execute(
        "SELECT content FROM queue WHERE path = ?", (record.path,)
    ).fetchone()
    if found is None:
        connection.execute(
            "INSERT INTO queue (environment, path, content) VALUES (?, ?, ?)",
            (record.environment, record.path, record.content),
        )
    elif found[0] != record.content:
        raise StoreTrouble(
            f"{clean(record.path)} is kept with other bytes already; records never change, so "
            "nothing was written",
            hint="run again; if it stays, keep the store's directory and report this line",
        )


def _refuse_fork(connection: sqlite3.Connection, link: ChainLink) -> None:
    taken = connection.execute(
        "SELECT path FROM receipts WHERE digest <> ? AND (path = ? OR "
        "(environment = ? AND project = ? AND tenant IS ? AND sequence = ?))",
        (
            link.digest,
            link.path,
            link.environment,
            link.project,
            link.tenant,
            link.sequence,
        ),
    ).fetchone()
    if taken is not None:
        raise StoreTrouble(
            f"receipt {link.sequence} of {clean(link.project)} in {clean(link.environment)} exists "
            f"already ({clean(taken[0])}); no second one was written",
            hint="run again: the next pass reads the chain anew",
        )


def _refused(intent: str, fact: str) -> StoreTrouble:
    return StoreTrouble(
        f"intent {clean(intent, 64)} {fact}; the journal was left as it is",
        hint="run again: the next pass reads Octopus and the journal anew",
    )
