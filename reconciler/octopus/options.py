"""How patient and how greedy the client is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """Limits of one client; every wait on the server ends by one of them.

    `connect_timeout`: until a connection stands. `silence_timeout`: between two pieces of an
    answer; a large dashboard takes its time. `exchange_timeout`: one whole reading attempt.
    `deploy_timeout`: one whole changing request, its wait for the request budget included; a lease
    must outlast it (rule 19). `retries`: repetitions of one reading request. `patience`: the sum
    of the waits between them, and the longest wait for the request budget (rule 20).
    `body_limit`: bytes of one answer, unpacked (rule 47). `connections`: open at once per
    credential.
    """

    connect_timeout: timedelta = timedelta(seconds=5)
    silence_timeout: timedelta = timedelta(seconds=60)
    exchange_timeout: timedelta = timedelta(seconds=180)
    deploy_timeout: timedelta = timedelta(seconds=30)
    retries: int = 3
    patience: timedelta = timedelta(seconds=60)
    body_limit: int = 256 * 1024 * 1024
    connections: int = 20
