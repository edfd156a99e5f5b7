"""The shape of the store, as numbered steps: a store of version N has seen the first N of them.

A step that was released is never edited. Each is a tuple of single statements, carried out in one
transaction with the raise of `user_version`.
"""

from __future__ import annotations

APPLICATION_ID = 0x5265636F  # "Reco": tells a store of ours from any other SQLite file

Step = tuple[str, ...]

JOURNAL: Step = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    # The highest lease fence ever seen per environment: no write passes below it (rule 19).
    "CREATE TABLE fences (environment TEXT PRIMARY KEY, fence INTEGER NOT NULL)",
    """CREATE TABLE intents (
        id TEXT PRIMARY KEY,
        environment TEXT NOT NULL REFERENCES fences (environment),
        component TEXT NOT NULL,
        project_slug TEXT NOT NULL,
        server TEXT NOT NULL,
        space TEXT NOT NULL,
        octopus_environment TEXT NOT NULL,
        tenant TEXT,
        project TEXT NOT NULL,
        version TEXT NOT NULL,
        machines TEXT NOT NULL,
        after TEXT,
        verb TEXT NOT NULL,
        commit_hash TEXT NOT NULL,
        plan_digest TEXT NOT NULL,
        action TEXT NOT NULL,
        replaces TEXT,
        redeploy INTEGER NOT NULL,
        promised_at TEXT NOT NULL,
        progress TEXT NOT NULL,
        deployment_id TEXT,
        task_id TEXT,
        outcome TEXT,
        settled INTEGER,
        adopted INTEGER NOT NULL
    )""",
    "CREATE INDEX intents_by_age ON intents (environment, promised_at)",
    # Receipts and passes that the remote does not have yet (rule 26).
    """CREATE TABLE queue (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        environment TEXT NOT NULL REFERENCES fences (environment),
        path TEXT NOT NULL UNIQUE,
        content BLOB NOT NULL
    )""",
    # The index of all receipts, pushed or not. A fork on the audit branch must fit in, so a
    # sequence number is not unique here.
    """CREATE TABLE receipts (
        path TEXT PRIMARY KEY,
        environment TEXT NOT NULL,
        project TEXT NOT NULL,
        tenant TEXT,
        sequence INTEGER NOT NULL,
        digest TEXT NOT NULL,
        intent TEXT NOT NULL,
        deployment_id TEXT NOT NULL,
        version TEXT NOT NULL,
        outcome TEXT NOT NULL,
        commit_hash TEXT NOT NULL
    )""",
    "CREATE INDEX receipts_by_chain ON receipts (environment, project, tenant, sequence)",
    """CREATE TABLE accepted (
        environment TEXT PRIMARY KEY,
        commit_hash TEXT NOT NULL,
        server_url TEXT NOT NULL,
        server TEXT NOT NULL,
        space TEXT NOT NULL,
        octopus_environment TEXT NOT NULL,
        accepted_at TEXT NOT NULL
    )""",
)

# What Octopus said about things that never change; `number` tells the age (see cache.py).
CACHE: Step = (
    """CREATE TABLE seen_deployments (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        server TEXT NOT NULL,
        space TEXT NOT NULL,
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (server, space, id)
    )""",
    """CREATE TABLE seen_releases (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        server TEXT NOT NULL,
        space TEXT NOT NULL,
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (server, space, id)
    )""",
)

# Who paused what, and who lifted it: rows are never deleted (rule 21). The scope's fields that its
# reach does not need are empty, so that the index holds one standing pause to a scope.
PAUSES: Step = (
    """CREATE TABLE pauses (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        reach TEXT NOT NULL,
        server TEXT NOT NULL,
        environment TEXT NOT NULL,
        component TEXT NOT NULL,
        who TEXT NOT NULL,
        since TEXT NOT NULL,
        reason TEXT NOT NULL,
        lifted_by TEXT NOT NULL DEFAULT '',
        lifted_at TEXT
    )""",
    "CREATE UNIQUE INDEX pauses_standing ON pauses (reach, server, environment, component) "
    "WHERE lifted_at IS NULL",
)

# How often Octopus refused an intent, so that it is not asked for ever again (rule 20).
REFUSALS: Step = (
    """CREATE TABLE refusals (
        intent TEXT PRIMARY KEY,
        redeploy INTEGER NOT NULL,
        times INTEGER NOT NULL,
        since TEXT NOT NULL,
        last TEXT NOT NULL,
        why TEXT NOT NULL
    )""",
)

# How long a deployment took, in seconds; of receipts that were indexed before, it is not known.
DURATIONS: Step = ("ALTER TABLE receipts ADD COLUMN took INTEGER",)

# Who approved which plan until when, and who took that back: rows are never deleted (rule 32).
# An intent notes whose approvals it rests on, for its receipt.
APPROVALS: Step = (
    """CREATE TABLE approvals (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        environment TEXT NOT NULL,
        server TEXT NOT NULL,
        user TEXT NOT NULL,
        name TEXT NOT NULL,
        email TEXT NOT NULL,
        digest TEXT NOT NULL,
        changes TEXT NOT NULL,
        since TEXT NOT NULL,
        given TEXT NOT NULL,
        expires TEXT NOT NULL,
        revoked_by TEXT NOT NULL DEFAULT '',
        revoked_at TEXT
    )""",
    "CREATE INDEX approvals_by_environment ON approvals (environment, number)",
    "ALTER TABLE intents ADD COLUMN approvals TEXT NOT NULL DEFAULT '[]'",
)

# Where an approved plan was for, by Octopus' ids; of approvals before, nobody knows, and they cover
# nothing (rule 11).
PLACES: Step = (
    "ALTER TABLE approvals ADD COLUMN space TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE approvals ADD COLUMN octopus_environment TEXT NOT NULL DEFAULT ''",
)

# To which machines a deployment went was not kept: what was seen is read once more.
REACHED: Step = ("DELETE FROM seen_deployments",)

# What people asked of Octopus with their own keys; rows are never deleted (rule 33).
ACTS: Step = (
    """CREATE TABLE acts (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL,
        verb TEXT NOT NULL,
        login TEXT NOT NULL,
        user TEXT NOT NULL,
        name TEXT NOT NULL,
        server TEXT NOT NULL,
        space TEXT NOT NULL,
        environment TEXT NOT NULL,
        subject TEXT NOT NULL,
        detail TEXT NOT NULL,
        outcome TEXT NOT NULL
    )""",
)

# Releases whose variables were, or may have been, snapshotted anew. Releases are kept with their
# library sets' snapshots since, so those that were kept before are read again.
REFRESHES: Step = (
    """CREATE TABLE refreshes (
        id TEXT PRIMARY KEY,
        environment TEXT NOT NULL,
        server TEXT NOT NULL,
        space TEXT NOT NULL,
        release TEXT NOT NULL,
        before TEXT NOT NULL,
        commit_hash TEXT NOT NULL,
        plan_digest TEXT NOT NULL,
        promised_at TEXT NOT NULL,
        stage TEXT NOT NULL,
        after TEXT NOT NULL,
        differs INTEGER NOT NULL
    )""",
    "CREATE INDEX refreshes_by_age ON refreshes (environment, promised_at)",
    "DELETE FROM seen_releases",
)

# Who said that what failed is tried again, and which intent used it; rows are never deleted.
RETRIES: Step = (
    """CREATE TABLE retries (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        environment TEXT NOT NULL,
        cell TEXT NOT NULL,
        version TEXT NOT NULL,
        attempts TEXT NOT NULL,
        user TEXT NOT NULL,
        name TEXT NOT NULL,
        login TEXT NOT NULL,
        given TEXT NOT NULL,
        used_by TEXT NOT NULL DEFAULT '',
        used_at TEXT
    )""",
    "CREATE INDEX retries_by_cell ON retries (environment, cell)",
)

# What looks have seen of machines that nothing reaches, by the server's own times (rule 44).
SICKNESSES: Step = (
    """CREATE TABLE sicknesses (
        environment TEXT NOT NULL,
        server TEXT NOT NULL,
        space TEXT NOT NULL,
        machine TEXT NOT NULL,
        thumbprint TEXT NOT NULL,
        since TEXT NOT NULL,
        seen TEXT NOT NULL,
        first_check TEXT NOT NULL,
        last_check TEXT NOT NULL,
        PRIMARY KEY (environment, machine)
    )""",
)

# Runs of runbooks are intents too: what each is called, and which deployments it serves; which runs
# a deployment owes, and when the end of either was noted.
RUNS: Step = (
    "ALTER TABLE intents ADD COLUMN serves TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE intents ADD COLUMN owes TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE intents ADD COLUMN runbook TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE intents ADD COLUMN ended TEXT",
)

# What was proposed last for pins that track a channel.
PROPOSALS: Step = (
    """CREATE TABLE proposals (
        environment TEXT NOT NULL,
        component TEXT NOT NULL,
        version TEXT NOT NULL,
        PRIMARY KEY (environment, component)
    )""",
)

STEPS: tuple[Step, ...] = (
    JOURNAL,
    CACHE,
    PAUSES,
    REFUSALS,
    DURATIONS,
    APPROVALS,
    PLACES,
    REACHED,
    ACTS,
    REFRESHES,
    RETRIES,
    SICKNESSES,
    RUNS,
    PROPOSALS,
)
