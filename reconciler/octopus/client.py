"""One credential's way to one Octopus server: replies judged, failures told.

Whatever goes wrong arrives as one of `reconciler.errors`, with the address but without its query,
and never with a key or a body (rules 30, 48). A reading request that failed changed nothing; a
changing request ends as done, as provably not done, or as `OutcomeUnknown` (rules 13, 14).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from reconciler import __version__
from reconciler.errors import (
    BadAnswer,
    NotAllowed,
    OctopusTrouble,
    OutcomeUnknown,
    OverBudget,
    RateLimited,
    RemoteRejected,
    Unreachable,
)
from reconciler.octopus.http import NoBudget, NoReply, Reply, Sender
from reconciler.octopus.key import UNAUTHORIZED
from reconciler.octopus.words import bare_address, refusal, server_root

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from reconciler.core.secret import Secret
    from reconciler.core.slots import Room
    from reconciler.octopus.budget import RequestBudget
    from reconciler.octopus.key import Refusal, ServerKey
    from reconciler.octopus.options import ClientOptions
    from reconciler.ports import Clock

LONGEST_KEY: Final = 512
FORBIDDEN: Final = 403
REQUEST_TIMEOUT: Final = 408
IN_BETWEEN: Final = "see what stands between here and Octopus: a proxy, a login or error page"


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful JSON answer: address without query, HTTP status, body, the server's time."""

    url: str
    status: int
    body: bytes
    date: datetime | None = None


class OctopusHttp:
    """Requests to one server under one credential, which never shows anywhere."""

    def __init__(
        self,
        server_url: str,
        key: ServerKey,
        *,
        options: ClientOptions,
        clock: Clock,
        budget: RequestBudget,
    ) -> None:
        self._root = server_root(server_url)
        self._key = key
        self._options = options
        self._clock = clock
        self._budget = budget
        self._sender: Sender | None = None
        self._denied: Refusal | None = None

    @property
    def key(self) -> Secret:
        """The key as it is now. Raises: CredentialRefused, UsageError."""
        return self._key.usable(self._denied)

    @property
    def root(self) -> str:
        """The server's address, without what follows it."""
        return self._root

    @property
    def sent(self) -> int:
        """How many requests went out so far, repetitions included."""
        return 0 if self._sender is None else self._sender.sent

    def room(self) -> Room:
        """Return what the request budget has room for."""
        return self._budget.room()

    def share(self, budget: RequestBudget) -> None:
        """Count requests on this budget from now on."""
        self._budget = budget
        if self._sender is not None:
            self._sender.budget = budget

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, *, alone: bool = False
    ) -> Answer:
        """Read `path`, which starts with `api` and is quoted already; repeat within the limits.

        A 403 ends everything under this key here; `alone`: this request only, since it asks about
        one project, of which the key's user may know nothing.

        Raises: Unreachable, RateLimited, BadAnswer, NotAllowed, CredentialRefused, RemoteRejected.
        """
        url = f"{self._root}/{path}"
        key = self.key
        address = f"{url}?{urlencode(query, quote_via=quote, safe=',')}" if query else url
        try:
            reply = await self._sending().get(address, self._headers(key))
        except NoBudget:
            raise _over_budget(url) from None
        except NoReply as error:
            raise _unanswered(url, error) from error
        if 200 <= reply.status < 300 and _is_json(reply) and not reply.too_large:
            return Answer(url, reply.status, reply.body, reply.date)
        if reply.status == FORBIDDEN and not alone:
            self._denied = self._key.refused(key, self._said(url, reply, key), reply.status)
            raise self._denied.error()
        raise self._unread(url, reply, key)

    async def post(
        self,
        path: str,
        body: bytes,
        within: float = math.inf,
        before: Callable[[], Awaitable[None]] | None = None,
        *,
        method: str = "POST",
    ) -> Answer:
        """Ask for a change, once, whatever happens; it leaves within so many seconds, or never.

        What `before` raises leaves as it is.

        Raises:
            Unreachable, RateLimited, NotAllowed, RemoteRejected: nothing happened. A 403 ends this
                request only, a 401 (CredentialRefused) everything under this key.
            OutcomeUnknown: the request left and its fate was not told.
        """
        url = f"{self._root}/{path}"
        key = self.key
        try:
            reply = await self._sending().change(
                method, url, self._headers(key), body, within, before
            )
        except NoBudget:
            raise _over_budget(url) from None
        except NoReply as error:
            if error.never_left:
                raise _unanswered(url, error) from error
            raise unknown(url, error.why) from error
        match reply.status:
            case 200 | 201 if _is_json(reply) and not reply.too_large:
                return Answer(url, reply.status, reply.body)
            case 401 | 403:
                raise self._not_allowed(url, reply, key)
            case 429:
                raise _rate_limited(url, reply)
            case status if 400 <= status < 500 and status != REQUEST_TIMEOUT:
                raise self._rejected(url, reply, key)
            case status:
                raise unknown(url, f"it answered {status} with {_kind(reply)}")

    async def close(self) -> None:
        """Close all connections."""
        if self._sender is not None:
            await self._sender.close()

    def _sending(self) -> Sender:
        if self._sender is None:
            self._sender = Sender(options=self._options, clock=self._clock, budget=self._budget)
        return self._sender

    def _headers(self, key: Secret) -> dict[str, str]:
        text = key.reveal()
        if not (0 < len(text) <= LONGEST_KEY and text.isascii() and text.isprintable()):
            raise NotAllowed(
                f"The credential for {self._root} is not a line of ASCII; nothing was sent.",
                hint="check the environment variable or file that the Space manifest names",
            )
        return {"X-Octopus-ApiKey": text, "User-Agent": f"reconciler/{__version__}"}

    def _unread(self, url: str, reply: Reply, key: Secret) -> OctopusTrouble:
        """Say why a reply to a reading request is of no use."""
        match reply.status:
            case 401 | 403:
                return self._not_allowed(url, reply, key)
            case 429:
                return _rate_limited(url, reply)
            case status if status == REQUEST_TIMEOUT or status >= 500:
                return Unreachable(
                    f"{url} answered {status}{_quoted(reply, key)}.",
                    hint="see whether Octopus is starting, upgrading or in maintenance, "
                    "then try again",
                )
            case status if status >= 400:
                return self._rejected(url, reply, key)
            case status if status >= 300:
                target = bare_address(reply.location) if reply.location else "nowhere"
                return BadAnswer(
                    f"{url} answered {status}: a surprising redirect to {target}.",
                    hint="write the server's final address into the Space manifest",
                )
            case status if reply.too_large:
                return BadAnswer(
                    f"{url} answered {status} with more than {self._options.body_limit} bytes.",
                    hint="see what is so large in this space",
                )
            case status:
                return BadAnswer(
                    f"{url} answered {status} with {_kind(reply)} instead of JSON.",
                    hint=IN_BETWEEN,
                )

    def _not_allowed(self, url: str, reply: Reply, key: Secret) -> NotAllowed:
        """Return the end of one request (403), or of all under this key on this server (401)."""
        said = self._said(url, reply, key)
        if reply.status == UNAUTHORIZED:
            return self._key.refused(key, said, reply.status).error()
        return NotAllowed(
            f"{said}.",
            hint="give this key's user the permission in Octopus, or configure another key",
        )

    def _said(self, url: str, reply: Reply, key: Secret) -> str:
        return f"{url} refused our key ({reply.status}){_quoted(reply, key)}"

    def _rejected(self, url: str, reply: Reply, key: Secret) -> RemoteRejected:
        return RemoteRejected(
            f"{url} answered {reply.status}{_quoted(reply, key)}.",
            hint="Octopus decides this: change what it names, then try again",
            status=reply.status,
        )


def _quoted(reply: Reply, key: Secret) -> str:
    words = refusal(reply.body, key).rstrip(".") if _is_json(reply) else ""
    return f": {words}" if words else ""


def unknown(url: str, why: str) -> OutcomeUnknown:
    """Return the error for a change that may or may not have happened."""
    return OutcomeUnknown(
        f"{url}: {why}; whether the change was made is not known.",
        hint="run the same command again: it searches Octopus before it asks for anything",
    )


def _unanswered(url: str, error: NoReply) -> OctopusTrouble:
    """Return the error for a request that changed nothing and brought no answer."""
    if error.garbled:
        return BadAnswer(f"{url}: {error.why}.", hint=IN_BETWEEN)
    usual = "check the address, the network, and whether Octopus is up"
    return Unreachable(f"{url}: {error.why}.", hint=error.hint or usual)


def _rate_limited(url: str, reply: Reply) -> RateLimited:
    wait = reply.retry_after
    asked = "" if wait is None else f" and asks to wait {wait:.0f} s"
    return RateLimited(
        f"{url} answered 429: Octopus limits our requests{asked}; nothing was changed.",
        hint="try again later, or have the rate limit for this key's user raised",
        retry_after=wait,
    )


def _over_budget(url: str) -> OverBudget:
    return OverBudget(
        f"The request budget of this server has no room for {url} in time; it was not sent.",
        hint="try again in a minute, or raise the server's request limit in the settings",
    )


def _is_json(reply: Reply) -> bool:
    return reply.media == "application/json" or reply.media.endswith("+json")


def _kind(reply: Reply) -> str:
    if reply.too_large:
        return "too large a body"
    if _is_json(reply):
        return "JSON"
    return "HTML" if "html" in reply.media else "something else"
