"""Work for a client ends when it leaves: the layers down to the connection, and the real LiteLLM."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Any

from opta_upstream import close_upstream, find_innermost
from real_litellm import ANNA_KEY, message

if TYPE_CHECKING:
    import pytest
    from real_litellm import Engine, Proxy


class Layer:
    """One of LiteLLM's streams around another."""

    def __init__(self, **inner: object) -> None:
        self.closed = 0
        self.__dict__.update(inner)

    async def aclose(self) -> None:
        """As LiteLLM's do."""
        self.closed += 1


class Bare:
    """One that cannot be closed."""

    def __init__(self, **inner: object) -> None:
        self.__dict__.update(inner)


def test_finds_the_innermost_closable_layer_through_others() -> None:
    innermost = Layer(completion_stream=None)
    outer: Any = Layer(_source_iterator=Layer(_anthropic_wrapper=Bare(completion_stream=Bare(_stream=innermost))))
    assert find_innermost(outer) is innermost
    asyncio.run(close_upstream(outer))
    assert (outer.closed, innermost.closed) == (0, 1)


def test_a_single_stream_and_a_cycle() -> None:
    alone = Layer()
    assert find_innermost(alone) is alone
    around: Any = Layer()
    around.completion_stream = around
    assert find_innermost(around) is around
    assert find_innermost(iter(())) is None
    asyncio.run(close_upstream(iter(())))


def test_logs_a_stream_that_cannot_be_closed(caplog: pytest.LogCaptureFixture) -> None:
    class Stubborn(Layer):
        async def aclose(self) -> None:
            raise RuntimeError("sk-not-for-the-log")

    asyncio.run(close_upstream(Stubborn()))
    assert "could not be closed: RuntimeError" in caplog.text
    assert "sk-not-for-the-log" not in caplog.text


def ask_and_read_little(port: int, path: str, body: dict[str, Any]) -> socket.socket:
    """A client that has begun to read its answer and stops."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    payload = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-api-key: {ANNA_KEY}\r\n"
    client.sendall(f"{head}content-length: {len(payload)}\r\n\r\n".encode() + payload)
    assert client.recv(15) == b"HTTP/1.1 200 OK"
    return client


def check_leaving(proxy: Proxy, engine: Engine, path: str) -> None:
    """Leaves while a piece of the answer is on its way, not during the wait for the next one."""
    with engine.pouring():
        engine.poured = 0
        client = ask_and_read_little(proxy.port, path, message(max_tokens=4000, stream=True))
        engine.wait_until_the_buffers_are_full()
        client.close()
        engine.wait_for_running(0)


def test_stops_work_for_a_client_that_leaves_in_the_middle_of_a_piece(proxy: Proxy, engine: Engine) -> None:
    check_leaving(proxy, engine, "/v1/messages")


def test_the_same_with_openais_api(proxy: Proxy, engine: Engine) -> None:
    check_leaving(proxy, engine, "/v1/chat/completions")
