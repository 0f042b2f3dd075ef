"""The outermost layer around LiteLLM's application: checks the key, then the body's size, then its content.

LiteLLM 1.106.2 reads a request's whole body before it calls `custom_auth` (measured: 8 connections without a key, 250 MB each,
made it 2.6 GB larger), answers JSON that is not an object with an internal error (500, which clients retry), and passes on
unknown fields. The gate checks a request's headers before it keeps any of the body, reads the body up to a limit, answers
anything but JSON of the route's shape with 400 in the API's own wording (opta_body.py), and removes fields that clients may
not set (opta_fields.py). So LiteLLM only gets complete, valid requests.

A pure ASGI middleware (asgi.readthedocs.io): LiteLLM is not patched.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, Any, Final

import orjson

from opta_access import CLIENT_ROUTES, AccessRefusedError, judge
from opta_answers import BAD_REQUEST, Gathered, ShapedErrors, error_body, send_json
from opta_body import BadBodyError, read_json, refine
from opta_connections import connection_of
from opta_count import ANTHROPIC, adapted, count_prompt, is_unseen
from opta_engine import Engine, UnreadableError
from opta_one_call import OneCall, wants_one_call
from opta_sight import REFUSAL as UNSEEN
from opta_whole import ask_for_stream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from opta_settings import Settings

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

logger: Final = logging.getLogger("opta_router")

# Answered without a key; none needs a body. Claude Code sends `HEAD /` (2.1.197) and `HEAD /api/hello` (2.1.332) at each start,
# supervisors ask for the health addresses, and a browser sends a preflight before the key.
PUBLIC: Final = frozenset(
    (method, path)
    for path in ("/", "/api/hello", "/health/liveliness", "/health/liveness", "/health/readiness")
    for method in ("GET", "HEAD")
)
PREFLIGHT: Final = "OPTIONS"

COUNT_PATH: Final = re.compile(r"(/v1)?/messages/count_tokens/?")

BODY_HEADERS: Final = frozenset({b"content-length", b"content-type", b"transfer-encoding"})
# LiteLLM's own headers, except the one that may carry a key.
STEERING: Final = re.compile(rb"x-litellm-(?!api-key$)")

REQUEST_TIMEOUT: Final = 408
TOO_LARGE: Final = 413

# A developer's body may pause this long; a laptop that changes networks takes less.
BODY_PAUSE_S: Final = 60.0
# For this long a refused client's body is read and discarded, so that it can read the refusal: closing with unread bytes resets
# the connection and loses the answer (RFC 9112, 9.6). A stranger's time limit may end it sooner.
LINGER_S: Final = 5.0
# A developer's body is discarded up to this many times the limit: a client that misses its 413 takes the reset for a network
# fault and resends everything. A stranger's is discarded up to the limit.
LINGER_TIMES: Final = 3
# At most this many at once; others are closed directly.
MOST_LINGERING: Final = 32
# If LiteLLM hasn't stopped a request this long after its client left, the gate cancels it.
LEAVE_S: Final = 0.5


class ClientGoneError(Exception):
    """The client left while its body was read."""


class Gate:
    """ASGI middleware; `settings` are the profile's."""

    def __init__(self, app: App, settings: Settings) -> None:
        self._app: Final = app
        self._settings: Final = settings
        self._engine: Final = None if settings.engine_url is None else Engine(settings.engine_url)
        self._lingering = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's request, or the server's start and end."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._guard(scope, receive, send)
        else:
            # None of our clients uses websockets, and LiteLLM's websocket routes check keys late.
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def _guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, headers = _tidy_path(scope["path"]), _headers_of(scope)
        scope = {**scope, "path": path, "raw_path": path.encode()}
        if (scope["method"], path) in PUBLIC or scope["method"] == PREFLIGHT:
            await self._app(scope, _Replay(b"", receive).receive, send)
            return
        try:
            judge(headers, path)
        except AccessRefusedError as refused:
            await self._refuse(path, receive, send, refused.status, refused.kind, refused.message, refused.headers)
            return
        connection = connection_of(scope)
        if connection is None:
            await self._serve(scope, headers, receive, send)
            return
        connection.accept()
        try:
            await self._serve(scope, headers, receive, send)
        finally:
            connection.rest()

    async def _serve(self, scope: Scope, headers: dict[str, str], receive: Receive, send: Send) -> None:
        path = scope["path"]
        answer = send
        try:
            body = await self._read_body(headers, receive)
            document = read_json(path, body, headers.get("content-encoding", "")) if scope["method"] == "POST" else None
            if document is not None:
                body, scope, answer = self._refine(document, scope, body, send)
                if COUNT_PATH.fullmatch(path) and await self._count(document, headers, send):
                    return
        except ClientGoneError:
            return
        except asyncio.TimeoutError:
            message = f"the request's body paused for more than {BODY_PAUSE_S:.0f} s"
            await self._refuse(path, receive, send, REQUEST_TIMEOUT, "timeout_error", message)
            return
        except BodyTooLargeError:
            # Anthropic's wording (docs: API errors, request_too_large).
            await self._refuse(
                path,
                receive,
                send,
                TOO_LARGE,
                "request_too_large",
                "Request exceeds the maximum size",
                {"x-should-retry": "false"},
                linger_times=LINGER_TIMES,
            )
            return
        except BadBodyError as error:
            await self._refuse(
                path, receive, send, BAD_REQUEST, "invalid_request_error", error.message, {}, error.place, close=False
            )
            return
        if scope["method"] != "HEAD":
            answer = ShapedErrors(path, answer, is_anthropic="anthropic-version" in headers).send
        await _run_while_there(self._app, scope, _Replay(body, receive), answer)

    async def _read_body(self, headers: dict[str, str], receive: Receive) -> bytes:
        most = self._settings.max_body_bytes
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > most:
            raise BodyTooLargeError
        body = bytearray()
        while True:
            message = await asyncio.wait_for(receive(), BODY_PAUSE_S)
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            body += message.get("body", b"")
            if len(body) > most:
                raise BodyTooLargeError
            if not message.get("more_body", False):
                return bytes(body)

    def _refine(self, document: dict[str, Any], scope: Scope, body: bytes, send: Send) -> tuple[bytes, Scope, Send]:
        """Refine the document. Returns the body for LiteLLM, the scope with matching headers, and the `send` that makes of LiteLLM's
        answer what the client asked for (opta_whole.py, opta_one_call.py). Raises BadBodyError.
        """
        path = scope["path"]
        is_changed = refine(path, document, self._settings)
        is_one_call = self._settings.mend_tools and wants_one_call(document)
        is_gathered = (self._settings.always_stream or is_one_call) and ask_for_stream(path, document)
        if is_gathered:
            send = Gathered(path, send).send
        if is_one_call:
            send = OneCall(send).send
        if is_changed or is_gathered:
            body = orjson.dumps(document)
        # LiteLLM parses a body by its content type: what was checked as JSON must not be parsed as a form. Its own headers
        # steer it like its fields (x-litellm-timeout, x-litellm-num-retries).
        kept = [pair for pair in scope["headers"] if pair[0] not in BODY_HEADERS and not STEERING.match(pair[0])]
        named = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        # It takes the query's fields too (500 for `?model=x`). Claude Code's `?beta=true` means nothing to it.
        return body, {**scope, "headers": [*kept, *named], "query_string": b""}, send

    async def _count(self, given: dict[str, Any], headers: dict[str, str], send: Send) -> bool:
        """Answer /v1/messages/count_tokens with what the model would read. False: llama-server doesn't say, so LiteLLM estimates.
        Raises BadBodyError.

        LiteLLM (1.108.7) has llama-server count another conversion: 19 tokens instead of 59 after an answer with thinking, and
        500 for an image that the model can't take (b10068).
        """
        if self._engine is None or not self._settings.refuse_overlong_prompts:
            return False
        document = adapted(given, ANTHROPIC, self._settings, headers.get("user-agent", ""))
        if await is_unseen(self._engine, document, self._settings):
            raise BadBodyError(UNSEEN)
        try:
            tokens = await count_prompt(self._engine, document, ANTHROPIC)
        except UnreadableError:
            raise BadBodyError(UNSEEN) from None
        if tokens is None:
            return False
        await send_json(send, 200, {"input_tokens": tokens}, {}, more_body=False)
        return True

    async def _refuse(
        self,
        path: str,
        receive: Receive,
        send: Send,
        status: int,
        kind: str,
        message: str,
        more: dict[str, str] | None = None,
        place: str | None = None,
        *,
        close: bool = True,
        linger_times: int = 1,
    ) -> None:
        headers = {**(more or {}), **({"connection": "close"} if close else {})}
        await send_json(send, status, error_body(path, kind, message, place), headers, more_body=close)
        if close:
            await self._linger(receive, linger_times * self._settings.max_body_bytes)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _linger(self, receive: Receive, most_bytes: int) -> None:
        """Read and discard the rest of the body, within limits."""
        if self._lingering >= MOST_LINGERING:
            return
        self._lingering += 1
        try:
            await asyncio.wait_for(_throw_away(receive, most_bytes), LINGER_S)
        except asyncio.TimeoutError:
            pass
        finally:
            self._lingering -= 1


async def _throw_away(receive: Receive, most_bytes: int) -> None:
    thrown_away = 0
    while thrown_away <= most_bytes:
        message = await receive()
        thrown_away += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return


class BodyTooLargeError(Exception):
    """The body is longer than the profile allows."""


class _Replay:
    """`receive` for a body that has been read: returns it once, then only reports that the client left."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive: Final = receive
        self.gone: Final = asyncio.Event()

    async def receive(self) -> Message:
        """ASGI's receive."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def watch(self) -> None:
        """Ends when the client leaves."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone.set()


async def _run_while_there(app: App, scope: Scope, replay: _Replay, send: Send) -> None:
    """Serve the request, and end it soon after its client left, however deep in LiteLLM it is."""
    is_answered = False

    async def note(message: Message) -> None:
        nonlocal is_answered
        # Lets the watcher run: LiteLLM reads what llama-server has sent without a pause, so it would never notice that the
        # client left (anyio cancels only tasks that wait).
        await asyncio.sleep(0)
        if replay.gone.is_set():
            raise ConnectionResetError
        is_answered = message["type"] == "http.response.body" and not message.get("more_body", False)
        await send(message)

    serving = asyncio.ensure_future(app(scope, replay.receive, note))
    leaving = asyncio.ensure_future(replay.watch())
    try:
        await asyncio.wait((serving, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not serving.done() and not is_answered:
            # LiteLLM's own way first (`cancel_on_disconnect`, or the stream's end), which counts the request correctly.
            await asyncio.wait((serving,), timeout=LEAVE_S)
            serving.cancel()
        await asyncio.wait((serving,))
    finally:
        leaving.cancel()
        # If uvicorn cancels this task.
        serving.cancel()
    if serving.cancelled():
        return
    error = serving.exception()
    # An error because of a client that left has no reader.
    if error is not None and (is_answered or not replay.gone.is_set()):
        raise error


def _tidy_path(path: str) -> str:
    """The path of a client whose base URL ends in a slash, or that ends every path in one, which LiteLLM answers with a redirect."""
    path = re.sub("/{2,}", "/", path)
    return path.rstrip("/") if CLIENT_ROUTES.fullmatch(path) and not path.startswith("/metrics") else path


def _headers_of(scope: Scope) -> dict[str, str]:
    """Names in lower case, as ASGI gives them; of a repeated header the first."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
    return headers
