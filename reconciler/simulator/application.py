"""The ASGI side: bytes to a call, a handler's answer to bytes, faults in between."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from email.utils import formatdate
from traceback import format_exc
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec

from reconciler.simulator import connections
from reconciler.simulator.accesstokens import bearer
from reconciler.simulator.answers import Answer, Refused, missing
from reconciler.simulator.calls import Call, Query
from reconciler.simulator.faults import Fault, FaultKind, Faults, set_value, spoil_type, truncated
from reconciler.simulator.ratelimits import refuse_too_many
from reconciler.simulator.router import HOME, SPACE_ROOT, Route, Router, Scope
from reconciler.simulator.sessions import who_is_in

if TYPE_CHECKING:
    from threading import RLock

    from reconciler.simulator.records import Space, User
    from reconciler.simulator.world import World

__all__ = ["Application", "RequestSeen"]

ASGIScope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_SPACE_ID = re.compile(r"spaces-\d+", re.IGNORECASE)
_LARGEST_BODY = 16 * 1024 * 1024
_NO_ROUTE = Refused(404, "The resource you requested was not found.")
_HTML = Answer(b"<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>", 200, "text/html")


@dataclass(frozen=True, slots=True)
class RequestSeen:
    """One request as the server saw it; status 0 means the answer was lost."""

    method: str
    path: str
    query: str
    status: int
    username: str | None
    user_agent: str = ""


class Application:
    """An ASGI application over one world. Handlers run one at a time, under a lock."""

    def __init__(self, world: World, router: Router, faults: Faults, lock: RLock) -> None:
        self.world = world
        self.router = router
        self.faults = faults
        self.lock = lock
        self.requests: deque[RequestSeen] = deque(maxlen=100_000)
        self.served = 0
        """How many requests have been taken in, of all that there were."""

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        """Serve one connection event of the ASGI server."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _serve(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        raw_path = scope.get("raw_path") or scope["path"].encode()
        path = raw_path.split(b"?")[0].decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        method = scope["method"].upper()
        if method == "POST" and "x-http-method-override" in headers:
            method = headers["x-http-method-override"].strip().upper()
        content, too_large = await _read(receive)
        own = path.lower().startswith("/simulator")
        with self.lock:
            faults = () if own else self.faults.taking(method, unquote(path))
        for fault in faults:
            if fault.kind is FaultKind.DELAY:
                await asyncio.sleep(fault.seconds)
        answer = next((made for made in map(_instead, faults) if made is not None), None)
        kinds = {fault.kind for fault in faults}
        user: User | None = None
        if FaultKind.LOST_ANSWER_BEFORE not in kinds and answer is None:
            if too_large:
                answer = Refused(413, "The request body is too large.").answer()
            else:
                lag = max(
                    (each.seconds for each in faults if each.kind is FaultKind.LAG), default=0
                )
                with self.lock:
                    answer, user = self._answer(method, path, Query(query), headers, content, lag)
        lost = kinds & {FaultKind.LOST_ANSWER_BEFORE, FaultKind.LOST_ANSWER_AFTER}
        self.served += 1
        self.requests.append(
            RequestSeen(
                method,
                unquote(path),
                query,
                0 if lost or answer is None else answer.status,
                user.username if user else None,
                headers.get("user-agent", ""),
            )
        )
        if lost or answer is None:
            await connections.drop(scope, receive)
            return
        body = answer.body if isinstance(answer.body, bytes) else msgspec.json.encode(answer.body)
        body = b"" if scope["method"] == "HEAD" else _spoil(body, faults)
        if FaultKind.RESET in kinds:
            await self._send(send, answer, body, (body[: len(body) // 2],))
            await connections.drop(scope, receive, is_reset=True)
            return
        slow = max((each.seconds for each in faults if each.kind is FaultKind.DRIP), default=0)
        await self._send(send, answer, body, _pieces(body) if slow else (body,), slow)

    async def _send(
        self,
        send: Send,
        answer: Answer,
        body: bytes,
        pieces: tuple[bytes, ...],
        seconds: float = 0.0,
    ) -> None:
        """Send an answer as these pieces of its body, over so many seconds; not all may be there.

        An answer whose pieces are not the whole body stays open. Its date is by the turned clock.
        """
        headers = [
            (b"date", formatdate(self.world.now.timestamp(), usegmt=True).encode()),
            (b"content-type", answer.content_type.encode()),
            (b"content-length", str(len(body)).encode()),
            *((name.encode(), value.encode()) for name, value in answer.headers),
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        rest = len(body)
        for piece in pieces:
            await asyncio.sleep(seconds / len(pieces))
            rest -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": rest > 0})

    def _answer(
        self,
        method: str,
        path: str,
        query: Query,
        headers: dict[str, str],
        content: bytes,
        lag: float,
    ) -> tuple[Answer, User | None]:
        """Answer one request: play the world to now, find out who asks, find the handler, call."""
        call = Call(
            self.world,
            method,
            path.rstrip("/"),
            query,
            content,
            self.world.advance(),
            lag=lag,
            headers=headers,
        )
        call.caller, problem = self._who(method, query, headers)
        if not call.path.lower().startswith("/simulator"):
            too_many = refuse_too_many(self.world.rate_policies, call.caller, call.now)
            if too_many is not None:
                return too_many.answer(), call.caller
        route: Route | None = None
        try:
            route, call.params = self._find(call, method, path)
            if problem is not None and not (route and route.is_anonymous):
                return problem.answer(), None
            if route is not None and not route.is_anonymous:
                _refuse_in_maintenance(call)
            made = _NO_ROUTE.answer() if route is None else route.handler(call)
        except Refused as refused:
            is_open = route is not None and route.is_anonymous
            return (refused if is_open else problem or refused).answer(), call.caller
        except Exception:  # noqa: BLE001 (a fault of ours must reach the caller, as a 500 does)
            return _broken(format_exc()), call.caller
        return (made if isinstance(made, Answer) else Answer(made)), call.caller

    def _who(
        self, method: str, query: Query, headers: dict[str, str]
    ) -> tuple[User | None, Refused | None]:
        """Return the caller, or the 401 that a route which needs one gives."""
        key = headers.get("x-octopus-apikey", "").strip() or query.text("apikey")
        key = key or headers.get("x-nuget-apikey", "").strip()
        authorization = headers.get("authorization", "")
        if not key and authorization[:7].lower() == "bearer ":
            user = bearer(self.world, authorization)
            refused = Refused(401, "The access token you provided was not valid.")
            return user, (None if user else refused)
        if not key:
            try:
                user = who_is_in(self.world, method, headers)
            except Refused as refused:
                return None, refused
            if user is not None:
                return user, None
            return None, Refused(
                401,
                "You must be logged in to request this resource. "
                "Please provide a valid API key or log in.",
            )
        user = self.world.keys.get(key)
        if user is None or not user.is_active:
            return None, Refused(
                401,
                "The API key you provided was not valid. "
                "Please double-check your API key and try again.",
            )
        return user, None

    def _find(self, call: Call, method: str, path: str) -> tuple[Route | None, dict[str, str]]:
        """Find the route of a path under any of the three prefixes, and the space it is about."""
        segments = [unquote(part) for part in (path.strip("/") or HOME).split("/")]
        rest = segments[1:]
        is_api = segments[0].lower() == "api"
        has_id = is_api and bool(rest) and _SPACE_ID.fullmatch(rest[0]) is not None
        route, params = (None, {}) if has_id else self._pick(segments, method)
        if route is not None and (not is_api or route.scope is not Scope.SPACE):
            return route, params
        if call.caller is None:
            return None, {}
        if has_id:
            identifier, rest = rest[0], rest[1:]
        elif is_api and route is None and len(rest) > 2 and rest[0].lower() == "spaces":
            identifier, rest = rest[1], rest[2:]
        elif route is None or not self._enter(call, self.world.default_space()):
            return None, {}
        else:
            return route, params
        if not self._enter(call, self._space(identifier)):
            raise missing("Space")
        route, params = self._pick(["api", *(rest or [SPACE_ROOT])], method)
        return (None, {}) if route is None or route.scope is Scope.SYSTEM else (route, params)

    def _pick(self, segments: list[str], method: str) -> tuple[Route | None, dict[str, str]]:
        found = self.router.find(segments)
        if found is None:
            return None, {}
        methods, values = found
        wanted = "GET" if method == "HEAD" else method
        if wanted not in methods:
            raise Refused(
                405,
                f"The requested resource does not support http method '{method}'.",
                headers=(("allow", ", ".join(sorted(methods))),),
            )
        route, names = methods[wanted]
        return route, dict(zip(names, values, strict=True))

    def _space(self, identifier: str) -> Space | None:
        low = identifier.casefold()
        for space in self.world.spaces.values():
            if low in (space.id.casefold(), space.slug):
                return space
        return None

    @staticmethod
    def _enter(call: Call, space: Space | None) -> bool:
        """Make the request be about a space, if there is one that the caller sees."""
        if space is None or not call.sees_space(space):
            return False
        call.scoped_space = space
        return True


def _refuse_in_maintenance(call: Call) -> None:
    """Refuse what writes, from everybody but administrators, while the server is maintained."""
    writes = call.method not in ("GET", "HEAD") and not call.path.lower().startswith("/simulator")
    if writes and call.world.is_in_maintenance and not call.user.is_administrator:
        raise Refused(
            503,
            "The Octopus Server is in maintenance mode. Please try again later, or contact your "
            "Octopus administrator.",
        )


def _broken(trace: str) -> Answer:
    """Return the 500 of a fault in the simulator itself, with `FullException`."""
    refused = Refused(500, "The simulator failed: please report this with its FullException.")
    body = refused.answer().body
    return Answer({**body, "FullException": trace} if isinstance(body, dict) else body, 500)


def _instead(fault: Fault) -> Answer | None:
    """Return the answer that a fault gives in place of the handler's."""
    match fault.kind:
        case FaultKind.STATUS:
            status = fault.next_status()
            headers = () if fault.retry_after is None else (("retry-after", fault.retry_after),)
            if isinstance(fault.body, str):
                return Answer(fault.body.encode(), status, headers=headers)
            if fault.body is not None:
                return Answer(fault.body, status, headers=headers)
            return Refused(status, "A scripted fault.", headers=headers).answer()
        case FaultKind.HTML:
            return _HTML
        case FaultKind.REDIRECT:
            return Answer(b"", 302, "text/plain", (("location", fault.location),))
        case _:
            return None


def _spoil(body: bytes, faults: tuple[Fault, ...]) -> bytes:
    for fault in faults:
        if fault.kind is FaultKind.TRUNCATE:
            body = truncated(body)
        elif fault.kind is FaultKind.WRONG_TYPE:
            body = spoil_type(body, fault.field)
        elif fault.kind is FaultKind.VALUE:
            body = set_value(body, fault.field, fault.value)
    return body


def _pieces(body: bytes) -> tuple[bytes, ...]:
    """Return the small pieces that a slow answer comes in, ten at most."""
    size = max(1, -(-len(body) // 10))
    return tuple(body[at : at + size] for at in range(0, len(body), size))


async def _read(receive: Receive) -> tuple[bytes, bool]:
    """Read the whole body; True when it is larger than the server takes."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"", False
        part = message.get("body", b"")
        size += len(part)
        if size <= _LARGEST_BODY:
            parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts), size > _LARGEST_BODY


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
