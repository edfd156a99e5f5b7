"""Open connections, so that a scripted fault can close one without an answer."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, MutableMapping

__all__ = ["KnownProtocol", "drop"]

_open: dict[tuple[Any, ...], asyncio.Transport] = {}


class KnownProtocol(H11Protocol):
    """uvicorn's HTTP protocol; remembers its connection by the addresses of both ends."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember a new connection."""
        super().connection_made(transport)
        _open[_ends(transport)] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a closed connection."""
        _open.pop(_ends(self.transport), None)
        super().connection_lost(exc)


def _ends(transport: asyncio.Transport) -> tuple[Any, ...]:
    peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    return (*(peer or ())[:2], *(own or ())[:2])


async def drop(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    *,
    is_reset: bool = False,
) -> None:
    """Close the connection of a request without an answer, or without the rest of it.

    A reset is a close that the other side sees as such, also with data on the way.

    Raises:
        ConnectionResetError: the application is called in process, where no connection exists.
    """
    ends = (*(scope.get("client") or ()), *(scope.get("server") or ()))
    transport = _open.get(ends)
    if transport is None:
        raise ConnectionResetError("the simulator was told to lose this answer")
    own = transport.get_extra_info("socket")
    if is_reset and own is not None:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
