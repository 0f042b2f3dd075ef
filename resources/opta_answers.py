"""What the gate makes of LiteLLM's answers, and its own: errors in the shape of the API that was asked, a stream gathered into one
answer.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import orjson
from opta_whole import gather

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Send = Callable[[Message], Awaitable[None]]

ANTHROPIC_PATHS: Final = re.compile(r"(/v1)?/messages(/.*)?")

BAD_REQUEST: Final = 400
NOT_FOUND: Final = 404
FAILED: Final = 500


async def send_json(send: Send, status: int, document: dict[str, Any], more: dict[str, str], *, more_body: bool) -> None:
    """Send a whole answer of our own; `more_body`: an empty piece will end it."""
    payload = json.dumps(document).encode()
    headers = {"content-type": "application/json", "content-length": str(len(payload)), **more}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": payload, "more_body": more_body})


def error_body(path: str, kind: str, message: str, place: str | None = None) -> dict[str, Any]:
    """An error in the shape of this path's API."""
    if ANTHROPIC_PATHS.fullmatch(path):
        return {"type": "error", "error": {"type": kind, "message": message}}
    return {"error": {"message": message, "type": kind, "param": place, "code": None}}


def _kind_of(status: int) -> str:
    """Anthropic's name for an error of this status."""
    if status == NOT_FOUND:
        return "not_found_error"
    return "invalid_request_error" if status < FAILED else "api_error"


def is_stream(start: Message) -> bool:
    """Whether this start of an answer announces a stream of events."""
    kinds = [value for name, value in start["headers"] if name.lower() == b"content-type"]
    return any(kind.startswith(b"text/event-stream") for kind in kinds)


class ShapedErrors:
    """`send` that gives an error of LiteLLM's web framework (`{"detail": "Not Found"}`) the shape of the API that was asked."""

    def __init__(self, path: str, send: Send, *, is_anthropic: bool) -> None:
        self._path: Final = path
        self._send: Final = send
        self._is_anthropic: Final = is_anthropic
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        """ASGI's send."""
        if message["type"] == "http.response.start" and message["status"] >= BAD_REQUEST:
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_error(self._start)

    async def _send_error(self, start: Message) -> None:
        try:
            document: object = orjson.loads(self._body)
        except orjson.JSONDecodeError:
            # "Internal Server Error", as text.
            document = {"detail": self._body.decode("utf-8", "replace")}
        if isinstance(document, dict) and document.keys() == {"detail"}:
            path = "/v1/messages" if self._is_anthropic else self._path
            self._body = orjson.dumps(error_body(path, _kind_of(start["status"]), str(document["detail"])))
            start = {**start, "headers": _headers_for_json(start, self._body)}
        await self._send(start)
        await self._send({"type": "http.response.body", "body": self._body, "more_body": False})


class Gathered:
    """`send` for a client that wants a whole answer from LiteLLM's stream."""

    def __init__(self, path: str, send: Send) -> None:
        self._path: Final = path
        self._send: Final = send
        self._start: Message | None = None
        self._pieces: Final[list[bytes]] = []

    async def send(self, message: Message) -> None:
        """ASGI's send. Anything but a stream, such as an error, passes unchanged."""
        if message["type"] == "http.response.start" and is_stream(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._pieces.append(message.get("body", b""))
            if not message.get("more_body", False):
                await self._send_whole(self._start)

    async def _send_whole(self, start: Message) -> None:
        whole = gather(self._path, b"".join(self._pieces))
        payload = orjson.dumps(whole.body)
        await self._send({"type": "http.response.start", "status": whole.status, "headers": _headers_for_json(start, payload)})
        await self._send({"type": "http.response.body", "body": payload, "more_body": False})


def _headers_for_json(start: Message, payload: bytes) -> list[tuple[bytes, bytes]]:
    """The headers of this start of an answer, for another body. A stream's `cache-control` does not fit a whole answer."""
    own = (b"content-type", b"content-length", b"cache-control")
    kept = [pair for pair in start["headers"] if pair[0].lower() not in own]
    return [*kept, (b"content-type", b"application/json"), (b"content-length", str(len(payload)).encode())]
