"""What a request can come back as, and what is made of it."""

import asyncio
import gzip
import json
import logging
import re
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from octopus_answers import QUICK, TurnedClock, fixed, reply
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from reconciler.errors import (
    BadAnswer,
    NotAllowed,
    OctopusTrouble,
    OutcomeUnknown,
    RateLimited,
    RemoteRejected,
    Unreachable,
    UsageError,
)
from reconciler.octopus import wire
from reconciler.octopus.budget import RequestBudget
from reconciler.octopus.client import OctopusHttp
from reconciler.signing.keys import load_or_make_key

KEY = "API-OBSERVER"


def serve(server: HTTPServer, *responses: Response, method: str = "GET") -> list[Request]:
    """Answer one response after the other, the last for ever; return the requests seen."""
    waiting = list(responses)
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    server.expect_request("/api/x", method=method).respond_with_handler(answer)
    return seen


@asynccontextmanager
async def raw_server(answer: bytes) -> AsyncIterator[str]:
    """Serve these very bytes, then hang up."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def client(url: str, clock: TurnedClock, key: str = KEY) -> OctopusHttp:
    budget = RequestBudget(clock)
    return OctopusHttp(url, fixed(key), options=QUICK, clock=clock, budget=budget)


async def test_an_answer_is_read_with_the_key_in_a_header_and_unpacked(
    http: OctopusHttp, httpserver: HTTPServer
) -> None:
    packed = Response(gzip.compress(b'{"Id":"x"}'), content_type="application/json")
    packed.headers["Content-Encoding"] = "gzip"
    seen = serve(httpserver, packed)

    answer = await http.get("api/x", {"ids": "A-1,A-2", "partialName": "a b&c"})

    assert answer.body == b'{"Id":"x"}'
    assert answer.url == httpserver.url_for("/api/x")
    assert seen[0].headers["X-Octopus-ApiKey"] == KEY
    assert seen[0].query_string == b"ids=A-1,A-2&partialName=a%20b%26c"


@pytest.mark.parametrize("root", ["/octo", "/octo/", "/octo/api", "/octo/api/"])
async def test_a_virtual_directory_is_kept(
    root: str, httpserver: HTTPServer, clock: TurnedClock
) -> None:
    httpserver.expect_request("/octo/api/x").respond_with_json({})
    http = client(httpserver.url_for(root), clock)

    answer = await http.get("api/x")

    assert answer.url.endswith("/octo/api/x")
    await http.close()


@pytest.mark.parametrize(
    "url",
    ["ftp://h", "h", "https://", "https://u:p@h", "https://h?a=b", "https://h:x", "http://h\n"],
)
def test_an_address_that_is_none_is_refused_and_its_password_not_repeated(
    url: str, clock: TurnedClock
) -> None:
    with pytest.raises(UsageError) as refusal:
        client(url, clock)

    assert "u:p" not in str(refusal.value)


@pytest.mark.parametrize("key", ["", "two\nlines", "k\u00e4se", "x" * 600])
async def test_rule_30_a_key_that_cannot_be_sent_is_refused_and_not_shown(
    key: str, clock: TurnedClock
) -> None:
    with pytest.raises(NotAllowed) as refusal:
        await client("http://127.0.0.1:1", clock, key).get("api/x")

    assert not key or key not in str(refusal.value)


HTML = Response("<html>Sign in</html>", content_type="text/html")
FAULTS: list[tuple[Response, type[OctopusTrouble], str]] = [
    (HTML, BadAnswer, "answered 200 with HTML instead of JSON"),
    (Response("hello", content_type="text/plain"), BadAnswer, "with something else instead of"),
    (Response("", status=204), BadAnswer, "answered 204"),
    (
        Response(status=302, headers={"Location": "https://login/x?token=s3"}),
        BadAnswer,
        "surprising redirect to https://login/x.",
    ),
    (Response(status=304), BadAnswer, "surprising redirect to nowhere"),
    (reply(401, {"ErrorMessage": "You must be logged in."}), NotAllowed, "You must be logged in."),
    (reply(403, {"ErrorMessage": "no ProjectView"}), NotAllowed, "(403): no ProjectView."),
    (reply(404, {"ErrorMessage": "gone"}), RemoteRejected, "answered 404: gone."),
    (reply(418, {"ErrorMessage": "draining"}), RemoteRejected, "answered 418: draining."),
    (reply(500, {"ErrorMessage": "Failed Assertion"}), Unreachable, "500: Failed Assertion."),
    (Response("<html>", status=503, content_type="text/html"), Unreachable, "answered 503."),
    (
        Response("x" * 1_000_001, content_type="application/json"),
        BadAnswer,
        "more than 1000000 bytes",
    ),
    (
        Response("garbage", content_type="application/json", headers={"Content-Encoding": "gzip"}),
        BadAnswer,
        "cannot be unpacked",
    ),
]


@pytest.mark.parametrize(("response", "trouble", "words"), FAULTS)
async def test_rule_48_an_answer_we_cannot_use_is_one_error_naming_the_address_without_query(
    response: Response,
    trouble: type[OctopusTrouble],
    words: str,
    http: OctopusHttp,
    httpserver: HTTPServer,
) -> None:
    serve(httpserver, response)

    with pytest.raises(trouble) as error:
        await http.get("api/x", {"ids": "Hidden-1"})

    assert words in error.value.message
    assert httpserver.url_for("/api/x") in error.value.message
    assert "Hidden-1" not in error.value.message
    assert "token" not in error.value.message
    assert error.value.hint


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b'{"Id":7}', "Expected 'str', got 'int' - at '$.Id'"),
        (b'{"Id":"a b"}', "at '$.Id'"),
        (b"{}", "missing required field 'Id'"),
        (b'{"Id":"a"', "not whole and well-formed JSON (Input data was truncated)"),
        (b'{"Id":"a"}x', "not whole and well-formed JSON"),
        (b'{"Id":"\xff"}', "not whole and well-formed JSON"),
        (b'{"Id":"a","x":' + b"[" * 200_000, "nested too deeply"),
        (b"[]", "Expected 'object', got 'array'"),
    ],
)
async def test_rule_48_a_wrong_field_is_named_with_address_and_status(
    body: bytes, fault: str, http: OctopusHttp, httpserver: HTTPServer
) -> None:
    serve(httpserver, Response(body, content_type="application/json"))
    answer = await http.get("api/x", {"ids": "A"})

    with pytest.raises(BadAnswer) as error:
        wire.decode(answer, wire.Named)

    assert f"{httpserver.url_for('/api/x')} answered 200 with JSON we cannot use" in str(
        error.value
    )
    assert fault in error.value.message


@pytest.mark.parametrize("status", [401, 403])
async def test_rule_31_a_refused_key_is_not_tried_again(
    status: int, http: OctopusHttp, httpserver: HTTPServer
) -> None:
    seen = serve(httpserver, reply(status, {"ErrorMessage": "no"}))

    with pytest.raises(NotAllowed):
        await http.get("api/x")

    assert len(seen) == 1


async def test_rule_20_a_read_is_repeated_until_it_is_answered(
    http: OctopusHttp, httpserver: HTTPServer, clock: TurnedClock
) -> None:
    seen = serve(httpserver, Response(status=503), Response(status=500), reply(200, {}))

    assert (await http.get("api/x")).status == 200
    assert len(seen) == http.sent == 3
    assert 0.5 <= clock.slept[0] <= 1 <= clock.slept[1] <= 2  # jittered, doubling


async def test_rule_20_repetitions_are_bounded_in_number(
    http: OctopusHttp, httpserver: HTTPServer
) -> None:
    seen = serve(httpserver, Response(status=503))

    with pytest.raises(Unreachable):
        await http.get("api/x")

    assert len(seen) == 1 + QUICK.retries


@pytest.mark.parametrize("asked", ["7", "Fri, 20 Nov 2026 12:00:07 GMT"])
async def test_rule_20_retry_after_is_obeyed(
    asked: str, http: OctopusHttp, httpserver: HTTPServer, clock: TurnedClock
) -> None:
    limited = Response(status=429, headers={"Retry-After": asked})
    serve(httpserver, limited, reply(200, {}))

    await http.get("api/x")

    assert 7 <= sum(clock.slept) <= 20  # never earlier; jitter and the learned budget come on top


async def test_rule_20_a_wait_longer_than_our_patience_is_told_not_cut_short(
    http: OctopusHttp, httpserver: HTTPServer, clock: TurnedClock
) -> None:
    seen = serve(httpserver, Response(status=429, headers={"Retry-After": "3600"}))

    with pytest.raises(RateLimited) as error:
        await http.get("api/x")

    assert error.value.retry_after == 3600
    assert "asks to wait 3600 s" in error.value.message
    assert len(seen) == 1
    assert clock.slept == []


async def test_a_refused_connection_is_repeated_then_told(clock: TurnedClock) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    http = client(url, clock)

    with pytest.raises(Unreachable, match="the connection was refused"):
        await http.get("api/x")

    assert http.sent == 1 + QUICK.retries
    await http.close()


@pytest.mark.parametrize(
    ("said", "trouble", "words"),
    [
        (b"", Unreachable, "the connection broke"),
        (b"HTTP/1.1 200 OK\r\n", Unreachable, "the connection broke"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
            Unreachable,
            "the connection broke before the answer was complete",
        ),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", BadAnswer, "does not speak HTTP"),
    ],
)
async def test_rule_48_an_answer_that_breaks_off_is_read_again_then_told(
    said: bytes, trouble: type[OctopusTrouble], words: str, clock: TurnedClock
) -> None:
    async with raw_server(said) as url:
        http = client(url, clock)

        with pytest.raises(trouble, match=words):
            await http.get("api/x")

        assert http.sent == 1 + QUICK.retries
        await http.close()


@contextmanager
def silent(server: HTTPServer) -> Iterator[None]:
    """Let the server take every request and answer none, while the block runs."""
    over = threading.Event()

    def hang(_: Request) -> Response:
        over.wait(10)
        return reply(200, {})

    server.expect_request("/api/x").respond_with_handler(hang)
    try:
        yield
    finally:
        over.set()


async def test_rule_47_a_server_that_stays_silent_is_given_up(
    http: OctopusHttp, httpserver: HTTPServer
) -> None:
    with silent(httpserver), pytest.raises(Unreachable, match="no answer in time"):
        await http.get("api/x")


async def test_rule_14_a_change_that_a_silent_server_took_is_unknown(
    http: OctopusHttp, httpserver: HTTPServer
) -> None:
    with silent(httpserver), pytest.raises(OutcomeUnknown, match="no answer in time"):
        await http.post("api/x", b"{}")

    assert http.sent == 1


async def test_cookies_are_neither_kept_nor_sent(http: OctopusHttp, httpserver: HTTPServer) -> None:
    seen = serve(httpserver, reply(200, {}, **{"Set-Cookie": "session=abc; Path=/"}))

    await http.get("api/x")
    await http.get("api/x")

    assert "Cookie" not in seen[1].headers


async def test_a_change_is_asked_for_once_and_answered(
    http: OctopusHttp, httpserver: HTTPServer
) -> None:
    seen = serve(httpserver, reply(201, {"Id": "Deployments-1"}), method="POST")

    answer = await http.post("api/x", b'{"a":1}')

    assert (answer.status, json.loads(answer.body)) == (201, {"Id": "Deployments-1"})
    assert seen[0].get_data() == b'{"a":1}'
    assert seen[0].content_type == "application/json"


@pytest.mark.parametrize(
    "response",
    [
        Response(status=500),
        Response(status=502),
        Response(status=503, headers={"Retry-After": "1"}),
        Response(status=408),
        Response(status=302, headers={"Location": "/login"}),
        Response(status=204),
        HTML,
        Response("x" * 1_000_001, content_type="application/json", status=201),
    ],
)
async def test_rule_14_a_change_without_a_clear_answer_is_unknown_and_never_repeated(
    response: Response, http: OctopusHttp, httpserver: HTTPServer
) -> None:
    seen = serve(httpserver, response, method="POST")

    with pytest.raises(OutcomeUnknown, match="whether the change was made is not known"):
        await http.post("api/x", b"{}")

    assert len(seen) == 1


@pytest.mark.parametrize(
    "said",
    [b"", b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"],
)
async def test_rule_14_a_change_whose_answer_breaks_off_is_unknown(
    said: bytes, clock: TurnedClock
) -> None:
    async with raw_server(said) as url:
        http = client(url, clock)

        with pytest.raises(OutcomeUnknown):
            await http.post("api/x", b"{}")

        assert http.sent == 1
        await http.close()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_rule_14_no_kind_of_change_is_sent_again_when_the_connection_breaks(
    method: str, clock: TurnedClock
) -> None:
    asked: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        http = client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", clock)
        with pytest.raises(OutcomeUnknown):
            await http.post("api/x", b"", method=method)
        await http.close()

    assert [request.partition(b" ")[0] for request in asked] == [method.encode()]


@pytest.mark.parametrize(
    ("status", "trouble"),
    [(400, RemoteRejected), (401, NotAllowed), (403, NotAllowed), (429, RateLimited)],
)
async def test_rule_14_a_refused_change_did_not_happen_and_is_not_repeated(
    status: int, trouble: type[OctopusTrouble], http: OctopusHttp, httpserver: HTTPServer
) -> None:
    seen = serve(
        httpserver, reply(status, {"ErrorMessage": "no", "Errors": ["why"]}), method="POST"
    )

    with pytest.raises(trouble):
        await http.post("api/x", b"{}")

    assert len(seen) == 1


async def test_rule_14_a_change_that_never_left_is_no_riddle(clock: TurnedClock) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        http = client(f"http://127.0.0.1:{unused.getsockname()[1]}", clock)

        with pytest.raises(Unreachable, match="the connection was refused"):
            await http.post("api/x", b"{}")

    await http.close()


async def test_rule_30_a_server_that_repeats_our_key_does_not_make_us_say_it(
    http: OctopusHttp, httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = {"ErrorMessage": f"bad key {KEY}", "Errors": ["also API-SOMEBODYELSE"]}
    serve(httpserver, reply(400, echo))

    with pytest.raises(RemoteRejected) as error:
        await http.get("api/x")

    assert "bad key **** also API-****" in error.value.message
    assert KEY not in caplog.text
    assert KEY not in repr(vars(http))


async def test_rule_52_the_servers_words_are_one_bounded_line(
    http: OctopusHttp, httpserver: HTTPServer
) -> None:
    serve(
        httpserver, reply(400, {"ErrorMessage": "\x1b[31mred\nnext" + "y" * 9000, "Errors": None})
    )

    with pytest.raises(RemoteRejected) as error:
        await http.get("api/x")

    assert re.search(r"\\x1b\[31mred\\nnexty+…", error.value.message)
    assert len(error.value.message) < 700
    assert error.value.message.isprintable()


@pytest.mark.parametrize("body", ['{"Errors":7}', "[" * 100_000, "null", '"x"', "\udcff"])
async def test_a_garbled_refusal_still_tells_its_status(
    body: str, http: OctopusHttp, httpserver: HTTPServer
) -> None:
    said = body.encode("utf-8", "surrogateescape")
    serve(httpserver, Response(said, status=400, content_type="application/json"))

    with pytest.raises(RemoteRejected) as error:
        await http.get("api/x")

    assert error.value.message.endswith("answered 400.")
    assert error.value.status == 400


async def test_rule_20_a_read_that_finds_no_room_in_the_budget_is_not_sent(
    httpserver: HTTPServer, clock: TurnedClock
) -> None:
    budget = RequestBudget(clock)
    budget.learn(3600)
    http = OctopusHttp(
        httpserver.url_for(""), fixed(KEY), options=QUICK, clock=clock, budget=budget
    )

    for request in (http.get("api/x"), http.post("api/x", b"{}")):
        with pytest.raises(RateLimited, match="it was not sent"):
            await request

    assert http.sent == 0
    await http.close()


async def test_a_certificate_nobody_here_trusts_says_how_to_trust_its_authority(
    clock: TurnedClock, tmp_path: Path
) -> None:
    load_or_make_key(tmp_path, "shop", clock)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "keys" / "shop.crt.pem", tmp_path / "keys" / "shop.key.pem")

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context)
    async with server:
        http = client(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", clock)
        with pytest.raises(Unreachable, match="its certificate is not trusted here") as told:
            await http.get("api/x")
        await http.close()

    assert told.value.hint.startswith("set SSL_CERT_FILE to a PEM file with the authority")


async def test_a_port_that_speaks_no_tls_is_told_as_that(
    clock: TurnedClock, httpserver: HTTPServer
) -> None:
    http = client(httpserver.url_for("").replace("http:", "https:"), clock)
    with pytest.raises(Unreachable) as told:
        await http.get("api/x")
    await http.close()

    assert "see whether that port speaks TLS" in told.value.hint


async def test_a_request_that_is_cancelled_while_it_reads_gives_up_its_connection(
    clock: TurnedClock,
) -> None:
    begun, hung_up = asyncio.Event(), asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: 99\r\n\r\n{")
        await writer.drain()
        begun.set()
        await reader.read()
        hung_up.set()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        http = client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", clock)
        reading = asyncio.create_task(http.get("api/x"))
        await begun.wait()
        await asyncio.to_thread(lambda: None)  # a turn of the loop: the client reads the body

        reading.cancel()
        await asyncio.wait([reading])

        async with asyncio.timeout(5):
            await hung_up.wait()
        await http.close()
    assert reading.cancelled()
