"""`/healthz`, `/readyz` and `/status`: three answers for probes and people.

An ASGI application of its own, because three fixed reads need no framework. It answers GET and
HEAD only, and nothing a caller sends is ever read (rule 47).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]


class Health(Protocol):
    """What the daemon knows of itself."""

    def alive(self) -> bool:
        """Tell whether the loop still turns."""

    def ready(self) -> tuple[bool, str]:
        """Tell whether every repository was read at least once and is not in trouble, and why."""

    def status(self) -> dict[str, Any]:
        """Return how every environment stands, as JSON values."""


class HealthApp:
    """The ASGI application."""

    def __init__(self, health: Health) -> None:
        self._health = health

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        del receive  # nothing a caller sends is read
        if scope["type"] == "http":
            status, content = self._answer(scope["method"], scope["path"])
            body = (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()
            headers = [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body)).encode()),
                (b"cache-control", b"no-store"),
                (b"x-content-type-options", b"nosniff"),
            ]
            if status == 405:
                headers.append((b"allow", b"GET, HEAD"))
            await send({"type": "http.response.start", "status": status, "headers": headers})
            sent = b"" if scope["method"] == "HEAD" else body
            await send({"type": "http.response.body", "body": sent})

    def _answer(self, method: str, path: str) -> tuple[int, dict[str, Any]]:
        if method not in {"GET", "HEAD"}:
            return 405, {"error": "only GET is answered here"}
        match path:
            case "/healthz":
                alive = self._health.alive()
                return (200 if alive else 503), {"alive": alive}
            case "/readyz":
                ready, why = self._health.ready()
                return (200 if ready else 503), {"ready": ready, "why": why}
            case "/status":
                return 200, self._health.status()
            case _:
                return 404, {"error": "there is /healthz, /readyz and /status"}
