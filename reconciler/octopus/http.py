"""Requests and replies, before anybody judges them: the only module that imports httpx.

A `Sender` holds the connections of one client to one server. It repeats reading requests
within limits and never a changing one (rules 14, 20), counts every attempt, reads bodies up to a
limit (rule 47), follows no redirect and keeps no cookie.
"""

from __future__ import annotations

import asyncio
import functools
import math
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Final

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from httpx_retries import Retry, RetryTransport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from reconciler.octopus.budget import RequestBudget
    from reconciler.octopus.options import ClientOptions
    from reconciler.ports import Clock

# What Octopus' own TypeScript client repeats.
REPEATED: Final = frozenset({408, 429, 500, 502, 503, 504})
TOO_MANY_REQUESTS: Final = 429
FIRST_BACKOFF: Final = 0.5  # seconds; doubled each time, jittered down to half of it
KEEP_ALIVE: Final = 4.0  # seconds; below the 5 s after which common servers hang up first
REFUSAL_LIMIT: Final = 64 * 1024  # bytes of an error answer that are read
BUDGET_PART: Final = 1 / 3  # of a change's time may go by waiting for the request budget
_BODY: Final = "reconciler.body"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `retry_after` is in seconds; `too_large`: the body is over the limit.

    `date` is the server's own time of answering (RFC 9110, section 6.6.1), None where it is not
    told.
    """

    status: int
    media: str
    location: str
    retry_after: float | None
    body: bytes
    too_large: bool = False
    date: datetime | None = None


class NoReply(Exception):
    """No reply came back.

    `never_left` is True only where the request was provably never sent. `garbled`: something came
    back that is not HTTP, or cannot be unpacked. `hint`: what to do, where that is special.
    """

    def __init__(
        self, why: str, *, never_left: bool = False, garbled: bool = False, hint: str = ""
    ) -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint
        self.never_left = never_left
        self.garbled = garbled


class NoBudget(Exception):
    """The server's request budget has no room soon enough; nothing was sent."""


class _GivenUp(Exception):
    """The server asks for a longer wait than one request is given."""

    def __init__(self, status: int, retry_after: float | None) -> None:
        super().__init__()
        self.reply = Reply(status, "", "", retry_after, b"")


class Sender:
    """The connections of one client; `sent` counts every attempt that went out."""

    def __init__(
        self,
        *,
        options: ClientOptions,
        clock: Clock,
        budget: RequestBudget,
    ) -> None:
        self.sent = 0
        self._options = options
        self._clock = clock
        self.budget = budget
        retry = _Patience(clock, options, functools.partial(_read_body, options))
        self._client = httpx.AsyncClient(
            transport=RetryTransport(
                transport=_Metered(self._before, self._after, options), retry=retry
            ),
            headers={"Accept": "application/json", "Accept-Encoding": "gzip"},
            timeout=httpx.Timeout(
                options.silence_timeout.total_seconds(),
                connect=options.connect_timeout.total_seconds(),
            ),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            trust_env=False,
        )

    async def get(self, url: str, credential: Mapping[str, str]) -> Reply:
        """Read, repeating within the limits. Raises: NoReply, NoBudget."""
        return await self._exchange(self._client.build_request("GET", url, headers=credential))

    async def change(
        self,
        method: str,
        url: str,
        credential: Mapping[str, str],
        body: bytes,
        within: float = math.inf,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> Reply:
        """Send a change once, giving it `deploy_timeout` in all. Raises: NoReply, NoBudget.

        It waits `within` seconds for the request budget at most. `before` is awaited once nothing
        else is waited for: what it raises leaves as it is, and nothing was sent then.
        """
        headers = {"Content-Type": "application/json", **credential}
        request = self._client.build_request(method, url, content=body, headers=headers)
        limit = self._options.deploy_timeout.total_seconds()
        began = self._clock.monotonic()
        if not await self.budget.take(min(limit * BUDGET_PART, within)):
            raise NoBudget
        if before is not None:
            await before()
        try:
            async with asyncio.timeout(limit - (self._clock.monotonic() - began)):
                return await self._exchange(request)
        except TimeoutError as error:
            raise NoReply("no answer in time") from error

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _exchange(self, request: httpx.Request) -> Reply:
        try:
            response = await self._client.send(request, stream=True)
            try:
                if _BODY not in response.extensions:  # reading inside the repetitions did it
                    await _read_body(self._options, response)
            finally:
                await response.aclose()
        except _GivenUp as given_up:
            return given_up.reply
        except httpx.DecodingError as error:
            raise NoReply("the body cannot be unpacked", garbled=True) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _no_reply(error) from error
        body: bytes | None = response.extensions[_BODY]
        return Reply(
            response.status_code,
            response.headers.get("content-type", "").partition(";")[0].strip().lower(),
            response.headers.get("location", ""),
            retry_after(response.headers, self._clock),
            body or b"",
            too_large=body is None,
            date=_date(response.headers.get("date", "")),
        )

    async def _before(self, request: httpx.Request) -> None:
        """Count one attempt; a reading one waits for its turn (a changing one has waited)."""
        if request.method == "GET":
            patience = self._options.patience.total_seconds()
            if not await self.budget.take(patience):
                raise NoBudget
        self.sent += 1

    def _after(self, response: httpx.Response) -> None:
        if response.status_code == TOO_MANY_REQUESTS:
            self.budget.learn(retry_after(response.headers, self._clock))


class _Metered(httpx.AsyncBaseTransport):
    """Counts and times each single attempt, below the repetitions."""

    def __init__(
        self,
        before: Callable[[httpx.Request], Awaitable[None]],
        after: Callable[[httpx.Response], None],
        options: ClientOptions,
    ) -> None:
        self._before = before
        self._after = after
        self._timeout = options.exchange_timeout.total_seconds()
        session = functools.partial(_session, options.connections)
        self._inner = AiohttpTransport(verify=_tls(), client=session)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._before(request)
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._inner.handle_async_request(request)
        except TimeoutError as error:
            raise httpx.ReadTimeout("no answer in time") from error
        except aiohttp.ClientError as error:  # the transport maps most of them, not this one
            raise httpx.RemoteProtocolError("not HTTP") from error
        self._after(response)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Patience(Retry):
    """The library's bounded repetition of reads, waiting through our clock.

    Retry-After is obeyed whole or not at all: where it asks for more than what is left of our
    patience, the request is given up instead of repeated too early.
    """

    def __init__(
        self,
        clock: Clock,
        options: ClientOptions,
        read: Callable[[httpx.Response], Awaitable[None]],
        attempts_made: int = 0,
        elapsed: float = 0.0,
    ) -> None:
        super().__init__(
            total=options.retries,
            allowed_methods=["GET"],  # the library repeats PUT and DELETE too (rule 14)
            status_forcelist=REPEATED,
            backoff_factor=FIRST_BACKOFF,
            backoff_jitter=0.5,
            attempts_made=attempts_made,
            elapsed_sleep=elapsed,
            validate_response=read,
        )
        self._clock = clock
        self._options = options
        self._read = read

    def increment(self) -> Retry:
        return _Patience(
            self._clock, self._options, self._read, self.attempts_made + 1, self.elapsed_sleep
        )

    async def asleep(self, response: httpx.Response | Exception) -> None:
        asked = None
        if isinstance(response, httpx.Response):
            asked = retry_after(response.headers, self._clock)
        seconds = (asked or 0.0) + self.backoff_strategy()
        if self.elapsed_sleep + seconds > self._options.patience.total_seconds():
            if isinstance(response, httpx.Response):
                raise _GivenUp(response.status_code, asked)
            raise response
        await self._clock.sleep(seconds)
        self.elapsed_sleep += seconds


def retry_after(headers: Mapping[str, str], clock: Clock) -> float | None:
    """Return the seconds a Retry-After header asks to wait, None where there is none to read.

    Source: RFC 9110 section 10.2.3: seconds, or a date.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max((parsedate_to_datetime(text) - clock.now()).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return None


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None


async def _read_body(options: ClientOptions, response: httpx.Response) -> None:
    """Put the unpacked body into the response's extensions; None where it is over the limit.

    A reading that does not come to its end gives up the connection: inside the repetitions nobody
    else would.
    """
    limit = options.body_limit if response.is_success else REFUSAL_LIMIT
    pieces: list[bytes] = []
    size = 0
    too_large = False
    try:
        async with asyncio.timeout(options.exchange_timeout.total_seconds()):
            async for piece in response.aiter_bytes():
                size += len(piece)
                if size > limit:
                    too_large = response.is_success  # of a refusal the beginning is enough
                    break
                pieces.append(piece)
    except TimeoutError as error:
        await response.aclose()
        raise httpx.ReadTimeout("the answer did not end in time") from error
    except BaseException:
        await response.aclose()
        raise
    response.extensions[_BODY] = None if too_large else b"".join(pieces)


def _no_reply(error: Exception) -> NoReply:
    """Say why there is no reply; the transport keeps the library's own error as the cause."""
    match error.__cause__:
        case aiohttp.ClientConnectorDNSError():
            return NoReply("the host's name cannot be resolved", never_left=True)
        case aiohttp.ClientConnectorCertificateError():
            hint = (
                "set SSL_CERT_FILE to a PEM file with the authority that signed the server's "
                "certificate, and see that the address has the name in it"
            )
            return NoReply("its certificate is not trusted here", never_left=True, hint=hint)
        case aiohttp.ClientSSLError():
            hint = "see whether that port speaks TLS, in a version that is still allowed"
            return NoReply("no TLS connection can be made", never_left=True, hint=hint)
        case aiohttp.ClientConnectorError():
            return NoReply("the connection was refused", never_left=True)
        case aiohttp.ConnectionTimeoutError():
            return NoReply("no connection in time", never_left=True)
        case aiohttp.InvalidURL():
            return NoReply("the address cannot be used", never_left=True)
        case aiohttp.ClientResponseError():
            return NoReply("what answers does not speak HTTP", garbled=True)
        case TimeoutError():
            return NoReply("no answer in time")
        case _:
            return NoReply("the connection broke before the answer was complete")


@functools.cache
def _tls() -> ssl.SSLContext:
    """Certificates of the usual authorities, or those of SSL_CERT_FILE and SSL_CERT_DIR."""
    return httpx.create_ssl_context()


def _session(connections: int) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=KEEP_ALIVE, ssl=_tls()),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    # it would send a PUT or DELETE again, uncounted, when a connection breaks (rule 14)
    session._retry_connection = False  # noqa: SLF001
    return session
