"""opta_gate.py and opta_connections.py around the real LiteLLM: strangers use no memory and block no developer."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import pytest
from opta_connections import MOST_STRANGERS, STRANGER_S
from real_litellm import ANNA_KEY, MASTER_KEY, WRONG_KEY, Proxy, message

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB: Final = 1024 * 1024
LIMIT: Final = 32 * MIB
CHUNK: Final = b"100000\r\n" + b"a" * MIB + b"\r\n"

needs_proc: Final = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def connect(proxy: Proxy) -> socket.socket:
    """A connection that fails the test instead of hanging."""
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=30)


def head(path: str = "/v1/messages", *lines: str) -> bytes:
    """A POST without its body."""
    return "\r\n".join([f"POST {path} HTTP/1.1", "host: x", "content-type: application/json", *lines, "", ""]).encode()


def read_answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body; everything up to the end of the connection has been read afterwards."""
    response = http.client.HTTPResponse(connection, method="POST")
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return response.status, headers, response.read()


def is_ended(connection: socket.socket) -> bool:
    """Whether the other side has closed it; waits as long as the connection's timeout."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def resident_bytes(proxy: Proxy) -> int:
    """What the Router has in memory."""
    with open(f"/proc/{proxy.process.pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))


def peak_bytes(proxy: Proxy) -> int:
    """The most it ever had."""
    with open(f"/proc/{proxy.process.pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))


def pour(connection: socket.socket, mebibytes: int) -> int:
    """Send up to this many chunks, until the peer stops reading; returns how many it took."""
    for sent in range(mebibytes):
        try:
            connection.sendall(CHUNK)
        except (ConnectionError, TimeoutError):
            return sent
    return mebibytes


# --- Keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/health", "/metrics/", "/routes", "/public/model_hub", "/v1/models", "/nowhere", "/ui/"])
def test_answers_only_a_short_list_without_a_key(proxy: Proxy, path: str) -> None:
    status, text = proxy.ask("GET", path, None)
    assert status == 401
    assert json.loads(text)["error"]["type"] == "authentication_error"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("HEAD", "/", 200),
        ("GET", "/health/liveliness", 200),
        ("GET", "/health/liveness", 200),
        ("GET", "/health/readiness", 200),
        # Claude Code 2.1.332 asks for it and takes any answer.
        ("HEAD", "/api/hello", 404),
    ],
)
def test_public_routes_stay_public(proxy: Proxy, method: str, path: str, status: int) -> None:
    assert proxy.ask(method, path, None)[0] == status


def test_answers_a_browsers_preflight(proxy: Proxy) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    connection.request("OPTIONS", "/v1/messages", headers={"origin": "http://a", "access-control-request-method": "POST"})
    assert connection.getresponse().status == 200


@pytest.mark.parametrize(
    ("path", "is_anthropic"), [("/v1/messages", True), ("/v1/messages/count_tokens", True), ("/v1/chat/completions", False)]
)
def test_refuses_a_wrong_key_in_its_apis_wording_before_the_body(
    proxy: Proxy, path: str, is_anthropic: bool
) -> None:
    with connect(proxy) as connection:
        connection.sendall(head(path, f"x-api-key: {WRONG_KEY}", "content-length: 100"))
        status, headers, body = read_answer(connection)
    answer = json.loads(body)
    assert (status, headers["connection"], headers["x-should-retry"]) == (401, "close", "false")
    assert answer["error"]["type"] == "authentication_error"
    assert answer.get("type") == ("error" if is_anthropic else None)


# --- Paths and errors -------------------------------------------------------------------------------------------------

BODIES: Final = {"/v1/messages": message(), "/v1/chat/completions": message(), "/v1/responses": {"model": "m", "input": "hi"}}


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("spelt", ["{}/", "/{}", "{}?beta=true", "{}?model=x&api_base=http://y", "//{}//"])
def test_a_path_may_be_spelt_oddly(proxy: Proxy, path: str, spelt: str) -> None:
    """A base URL that ends in a slash; LiteLLM takes the query's fields into the body (500: 'model' twice)."""
    asked = len(proxy.engine.requests)
    status, text = proxy.ask("POST", spelt.format(path), ANNA_KEY, BODIES[path])
    assert (status, len(proxy.engine.requests)) == (200, asked + 1), text


@pytest.mark.parametrize(
    ("method", "path", "status", "kind", "is_anthropic"),
    [
        ("GET", "/v1/messages", 405, "invalid_request_error", True),
        ("DELETE", "/v1/messages/count_tokens", 405, "invalid_request_error", True),
        ("POST", "/messages", 404, "not_found_error", True),
        ("GET", "/v1/chat/completions", 405, "invalid_request_error", False),
        ("GET", "/v1/models/no-such-model", 404, "not_found_error", False),
    ],
)
def test_an_unknown_path_or_method_is_answered_in_its_apis_shape(
    proxy: Proxy, method: str, path: str, status: int, kind: str, is_anthropic: bool
) -> None:
    told, text = proxy.ask(method, path, ANNA_KEY, message() if method == "POST" else None)
    answer = json.loads(text)
    assert (told, answer["error"]["type"], answer.get("type")) == (status, kind, "error" if is_anthropic else None)
    assert isinstance(answer["error"]["message"], str)


def test_a_model_that_is_not_there_is_told_in_the_clients_shape(proxy: Proxy) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    connection.request("GET", "/v1/models/no-such-model", headers={"x-api-key": ANNA_KEY, "anthropic-version": "2023-06-01"})
    response = connection.getresponse()
    answer = json.loads(response.read())
    assert (response.status, answer["type"], answer["error"]["type"]) == (404, "error", "not_found_error")


def test_a_key_that_may_not_use_a_path_is_told_which_it_may(proxy: Proxy) -> None:
    status, text = proxy.ask("POST", "/v1/embeddings", ANNA_KEY, {"model": "m", "input": "x"})
    assert (status, "this key opens /v1/messages, " in text) == (403, True)


def test_a_compressed_body_is_named(proxy: Proxy) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    headers = {"x-api-key": ANNA_KEY, "content-type": "application/json", "content-encoding": "gzip"}
    connection.request("POST", "/v1/messages", gzip.compress(json.dumps(message()).encode()), headers)
    response = connection.getresponse()
    assert (response.status, b"content-encoding: found 'gzip'" in response.read()) == (400, True)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("path", BODIES)
def test_llama_servers_own_words_arrive_without_litellms_frame(proxy: Proxy, path: str, stream: bool) -> None:
    words = "Cannot have 2 or more assistant messages at the end of the list."
    proxy.engine.failure = (400, {"error": {"code": 400, "message": words, "type": "invalid_request_error"}})
    try:
        status, text = proxy.ask("POST", path, ANNA_KEY, {**BODIES[path], "stream": stream})
        assert (status, json.loads(text)["error"]["message"]) == (400, words)
    finally:
        proxy.engine.failure = None


# --- Bodies -----------------------------------------------------------------------------------------------------------


def test_a_client_that_sends_everything_first_still_reads_the_refusal(proxy: Proxy) -> None:
    """As most client libraries do. Closed with its bytes unread, the connection would be reset and the answer lost."""
    body = b"{" + b" " * (5 * MIB) + b"}"
    for _ in range(5):
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
        connection.request("POST", "/v1/messages", body, {"x-api-key": WRONG_KEY})
        assert connection.getresponse().status == 401


def test_a_developer_can_read_the_413(proxy: Proxy) -> None:
    body = b"{" + b" " * (2 * LIMIT) + b"}"
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    connection.request("POST", "/v1/messages", body, {"x-api-key": ANNA_KEY})
    assert connection.getresponse().status == 413


def test_refuses_websockets(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        lines = ["upgrade: websocket", "connection: upgrade", "sec-websocket-version: 13", "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=="]
        connection.sendall(("GET /v1/realtime?model=x HTTP/1.1\r\nhost: x\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode())
        assert read_answer(connection)[0] == 401


@pytest.mark.parametrize("name", ["x-api-key", "api-key", "x-goog-api-key", "x-litellm-api-key", "ocp-apim-subscription-key"])
def test_takes_a_key_from_every_header_that_litellm_reads(proxy: Proxy, name: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    connection.request("POST", "/v1/messages", json.dumps(message()), {name: ANNA_KEY})
    assert connection.getresponse().status == 200


def test_clients_cannot_steer_litellm_by_headers(proxy: Proxy) -> None:
    """With 1 ms for the answer LiteLLM would give up (408), if it read the header."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    headers = {"x-api-key": ANNA_KEY, "x-litellm-timeout": "0.001", "x-litellm-stream-timeout": "0.001"}
    connection.request("POST", "/v1/messages", json.dumps(message(stream=True)), headers)
    assert connection.getresponse().status == 200


# --- Sizes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [ANNA_KEY, MASTER_KEY])
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions", "/v1/models"])
def test_refuses_an_announced_oversized_body_unread(proxy: Proxy, path: str, key: str) -> None:
    with connect(proxy) as connection:
        connection.sendall(head(path, f"x-api-key: {key}", f"content-length: {LIMIT + 1}"))
        status, headers, body = read_answer(connection)
        assert (status, headers["connection"]) == (413, "close")
        assert json.loads(body)["error"] == {
            "type": "request_too_large",
            "message": "Request exceeds the maximum size",
            **({} if path == "/v1/messages" else {"param": None, "code": None}),
        }


def test_reads_a_body_at_the_limit(proxy: Proxy) -> None:
    text = json.dumps(message(messages=[{"role": "user", "content": "hi"}]))
    padded = (text[:-1] + " " * (LIMIT - len(text)) + "}").encode()
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)
    connection.request("POST", "/v1/messages", padded, {"x-api-key": ANNA_KEY})
    assert connection.getresponse().status == 200


@needs_proc
def test_cuts_off_200_mb_with_a_valid_key_without_using_memory(proxy: Proxy) -> None:
    before = resident_bytes(proxy)
    with connect(proxy) as connection:
        connection.sendall(head("/v1/messages", f"x-api-key: {ANNA_KEY}", "transfer-encoding: chunked"))
        assert pour(connection, 200) < 200
    # The limit itself, its copy, and what the allocator keeps.
    assert peak_bytes(proxy) - before < 4 * LIMIT


@needs_proc
def test_keeps_no_strangers_bodies(proxy: Proxy) -> None:
    """300 connections without a key, each sending as much as it can: 50 MB at most (issue 12)."""
    before = resident_bytes(proxy)
    connections = []
    try:
        for index in range(300):
            connection = connect(proxy)
            connections.append(connection)
            # Some are cut off while they are still in the queue of this loop.
            try:
                connection.sendall(head("/v1/messages", "transfer-encoding: chunked"))
                pour(connection, 2 if index % 10 else 40)
            except ConnectionError:
                continue
        assert resident_bytes(proxy) - before < 50 * MIB
    finally:
        for connection in connections:
            connection.close()


# --- Times and numbers ------------------------------------------------------------------------------------------------


@pytest.fixture
def strangers(proxy: Proxy) -> Iterator[list[socket.socket]]:
    """Twice as many connections as strangers may hold, none of which ever shows a key, and each in its own way."""
    beginnings = [b"", b"P", b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-a: ", head("/v1/messages", "content-length: 100")]
    connections = []
    for index in range(2 * MOST_STRANGERS):
        connection = connect(proxy)
        connections.append(connection)
        connection.sendall(beginnings[index % len(beginnings)])
    yield connections
    for connection in connections:
        connection.close()


def test_a_crowd_of_strangers_does_not_block_developers(proxy: Proxy, strangers: list[socket.socket]) -> None:
    assert proxy.ask("POST", "/v1/messages", ANNA_KEY, message())[0] == 200
    # The older half had to go for the newer.
    assert all(is_ended(connection) for connection in strangers[: MOST_STRANGERS - 1 : 2])


def test_cuts_off_a_stranger_in_time(proxy: Proxy) -> None:
    began = time.monotonic()
    slow = [connect(proxy) for _ in range(3)]
    slow[1].sendall(b"POST /v1/messages HTTP/1.1\r\nx-a: ")
    slow[2].sendall(head("/v1/messages", "content-length: 100"))
    assert read_answer(slow[2])[0] == 401
    for connection in slow:
        assert is_ended(connection)
        connection.close()
    assert time.monotonic() - began < STRANGER_S + 10


def test_a_kept_connection_serves_many_requests_and_is_not_a_strangers(proxy: Proxy) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    for body in (message(), {"model": 5}, message()):
        connection.request("POST", "/v1/messages", json.dumps(body), {"x-api-key": ANNA_KEY})
        response = connection.getresponse()
        response.read()
        assert response.status == (200 if body == message() else 400)
        own: Any = connection.sock
        assert own is not None, "it was closed after an answer"
