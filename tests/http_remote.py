"""A git server over HTTP for tests: `git http-backend` behind a small server that can misbehave."""

from __future__ import annotations

import os
import subprocess
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Manners:
    """How the server behaves; tests change it between requests."""

    authorization: str | None = None  # the header it wants
    status: int | None = None  # answer with this
    location: str | None = None
    body: bytes = b""
    kind: str = "text/html"
    hang: threading.Event | None = None  # answer only after this
    at: str = ""  # status and hang are for what has this in its path or query
    vanish_after: str | None = None  # do the work for this path, then say nothing
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)


class HttpRemote:
    """Serves the repositories below a folder at `url`, until `close`."""

    def __init__(self, root: Path) -> None:
        self.manners = Manners()
        self._root = root
        self._port = 0
        self.open()
        self.url = f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Listen, at the port of before where there was one."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), _handler(self._root, self))
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        """Go away: whoever connects from now on is refused."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(root: Path, remote: HttpRemote) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

        def _answer(self, body: bytes) -> None:
            manners = remote.manners
            given = self.headers.get("Authorization")
            manners.seen.append((self.command, self.path, given))
            if manners.hang is not None and manners.at in self.path:
                manners.hang.wait(30)
            if manners.authorization is not None and given != manners.authorization:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.end_headers()
                return
            if manners.status is not None and manners.at in self.path:
                self.send_response(manners.status)
                if manners.location:
                    self.send_header("Location", manners.location)
                self.send_header("Content-Type", manners.kind)
                self.end_headers()
                self.wfile.write(manners.body)
                return
            head, _, content = self._backend(body).partition(b"\r\n\r\n")
            if manners.vanish_after and manners.vanish_after in self.path:
                self.close_connection = True
                return
            fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self.send_response(int(fields.pop("Status", "200 OK").split()[0]))
            for name, value in fields.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def _backend(self, body: bytes) -> bytes:
            address = urlsplit(self.path)
            environment = {
                "PATH": os.environ["PATH"],
                "GIT_CONFIG_GLOBAL": "/dev/null",
                "GIT_PROJECT_ROOT": str(root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REQUEST_METHOD": self.command,
                "PATH_INFO": address.path,
                "QUERY_STRING": address.query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REMOTE_USER": "reconciler",
                "REMOTE_ADDR": "127.0.0.1",
            }
            asked = subprocess.run(
                ["git", "http-backend"], input=body, env=environment, capture_output=True
            )
            return asked.stdout

    return Handler
