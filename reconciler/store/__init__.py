"""The durable memory of one machine: a small SQLite file and the locks beside it.

Here live the journal of intents, receipts and passes that the remote does not have yet, the index
of receipts, what was accepted, and a cache of what Octopus said. Truth stays in git and Octopus:
a lost store is rebuilt from them. No decision is taken in here.
"""

from reconciler.store.journal import SqliteJournal
from reconciler.store.lock import environment_lock

__all__ = ["SqliteJournal", "environment_lock"]
