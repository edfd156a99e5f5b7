"""The probes on a real server: three reads, and nothing else that a caller may send."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from reconciler.web.health import HealthApp

if TYPE_CHECKING:
    from collections.abc import Iterator

STATUS = {"repositories": {"r": {"trouble": "\x1b[2J<script>", "environments": {}}}}


@dataclass
class Known:
    """A service that is as the test says."""

    is_alive: bool = True
    is_ready: bool = True

    def alive(self) -> bool:
        return self.is_alive

    def ready(self) -> tuple[bool, str]:
        return self.is_ready, "because"

    def status(self) -> dict[str, Any]:
        return STATUS


@dataclass
class Front:
    """A running web front, and what it shows."""

    health: Known
    port: int

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.putrequest(method, path, skip_accept_encoding=True)
        if body is not None:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        try:
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, headers, answer.read()
        finally:
            connection.close()

    def raw(self, sent: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as line:
            line.sendall(sent)
            return line.recv(4096)


@contextmanager
def served(health: Known) -> Iterator[Front]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(
                HealthApp(health), ws="none", lifespan="off", log_config=None, access_log=False
            )
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Front(health, listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def front() -> Iterator[Front]:
    with served(Known()) as running:
        yield running


@pytest.fixture(autouse=True)
def _well(front: Front) -> None:
    front.health.is_alive = front.health.is_ready = True


def test_the_three_reads(front: Front) -> None:
    assert _content(front.ask("/healthz")) == (200, {"alive": True})
    assert _content(front.ask("/readyz")) == (200, {"ready": True, "why": "because"})
    assert _content(front.ask("/status?anything=1")) == (200, STATUS)


def test_what_is_not_well_is_a_503_with_its_why(front: Front) -> None:
    front.health.is_alive = front.health.is_ready = False

    assert _content(front.ask("/healthz")) == (503, {"alive": False})
    assert _content(front.ask("/readyz")) == (503, {"ready": False, "why": "because"})


def test_an_answer_is_plain_json_that_nobody_keeps_or_guesses_at(front: Front) -> None:
    _, headers, body = front.ask("/status")

    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert int(headers["content-length"]) == len(body)
    assert body.endswith(b"\n")
    assert b"\x1b" not in body


def test_head_is_answered_as_get_without_the_body(front: Front) -> None:
    got, asked = front.ask("/readyz"), front.ask("/readyz", "HEAD")

    assert (asked[0], asked[2]) == (200, b"")
    assert asked[1]["content-length"] == got[1]["content-length"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_rule_47_no_other_method_does_anything(front: Front, method: str) -> None:
    status, headers, body = front.ask("/status", method, b"x" * 100_000)

    assert (status, headers["allow"]) == (405, "GET, HEAD")
    assert json.loads(body) == {"error": "only GET is answered here"}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/healthz/",
        "/HEALTHZ",
        "//status",
        "/../../etc/passwd",
        "/status/%2e%2e/%2e%2e/etc/passwd",
        "/%00",
        "/%ff%fe",
        "/%1b%5b2J",
        "/" + "a" * 30_000,
        "*",
    ],
)
def test_rule_47_a_hostile_path_is_not_found_and_not_repeated(front: Front, path: str) -> None:
    status, headers, body = front.ask(path)

    assert status in {400, 404}
    assert len(body) < 200
    assert b"etc" not in body
    assert headers.get("location") is None
    assert front.ask("/healthz")[0] == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET /status HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_rule_47_what_is_no_http_is_refused_and_the_next_is_served(
    front: Front, sent: bytes
) -> None:
    try:
        answer = front.raw(sent)
    except (ConnectionError, BrokenPipeError):
        answer = b""

    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert front.ask("/healthz")[0] == 200


def _content(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, Any]:
    return answer[0], json.loads(answer[2])
