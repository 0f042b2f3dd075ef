"""Serves the line under Claude Code's prompt: `GET /opta/status?session=ID`, one line of text.

An ASGI layer around LiteLLM's application (asgi.readthedocs.io), because LiteLLM has no hook for extra routes. It answers from
memory alone and does not count as a request: Claude Code runs its status line after each message
(code.claude.com/docs/en/statusline). The line omits what is unknown.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from opta_access import offered_keys
from opta_keys import KeyFileError, find_client, read_client_keys

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping, Sequence

    from opta_requests import LiveRequest

    Scope = MutableMapping[str, Any]
    App = Callable[[Scope, Any, Any], Awaitable[None]]

PATH: Final = "/opta/status"
# Sessions whose last answer is remembered; some hundred bytes each.
MOST_SESSIONS: Final = 256
# Over a shorter time the rate is inaccurate.
SHORTEST_RATE_S: Final = 0.5


@dataclass(frozen=True)
class LastAnswer:
    """A session's last answer. None: unknown."""

    prompt_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    slot: int | None
    tokens_per_second: float | None


class Board:
    """The data for the line: slots, the queue, and each session's last answer."""

    def __init__(self, slots: int | None, live: Callable[[], Sequence[LiveRequest]], context: Callable[[], int | None]) -> None:
        self._slots: Final = slots
        self._live: Final = live
        self._context: Final = context
        self._last: Final[OrderedDict[bytes, LastAnswer]] = OrderedDict()

    def ended(self, request: LiveRequest) -> None:
        """Record a session's finished request. An unanswered one says nothing about the conversation."""
        if request.session is None or request.outcome != "answered":
            return
        key = _key(request.developer, request.session)
        self._last[key] = LastAnswer(
            request.prompt_tokens,
            request.output_tokens,
            request.cached_tokens,
            request.slot,
            _rate(request, request.ended_at),
        )
        self._last.move_to_end(key)
        while len(self._last) > MOST_SESSIONS:
            self._last.popitem(last=False)

    def line(self, developer: str, session: str, now_ms: int) -> str:
        """The line for this developer's session; another developer's stays hidden."""
        live = self._live()
        waiting = [request for request in live if request.admitted_at is None]
        running = [request for request in live if request.admitted_at is not None]
        own = [request for request in live if session and request.session == session and request.developer == developer]
        parts = []
        if self._slots is not None:
            parts.append(f"{max(0, self._slots - len(running))} of {self._slots} slots free")
        places = [place for place, request in enumerate(waiting, 1) if request in own]
        if places:
            parts.append(f"waiting, place {places[0]} of {len(waiting)}")
        elif waiting:
            parts.append(f"{len(waiting)} waiting")
        last = self._last.get(_key(developer, session))
        slot = next((request.slot for request in own if request.slot is not None), last and last.slot)
        if slot is not None:
            parts.append(f"slot {slot}")
        rate = next((rate for request in own if (rate := _rate(request, now_ms)) is not None), last and last.tokens_per_second)
        if rate is not None:
            parts.append(f"{rate:.1f} tokens/s")
        parts.extend(self._describe_context(last))
        return " | ".join(parts)

    def _describe_context(self, last: LastAnswer | None) -> list[str]:
        if last is None or last.prompt_tokens is None:
            return []
        parts = []
        used, limit = last.prompt_tokens + (last.output_tokens or 0), self._context()
        parts.append(f"context {used:,}" if limit is None else f"context {used:,} of {limit:,} ({round(100 * used / limit)}%)")
        if last.cached_tokens is not None and last.prompt_tokens > 0:
            parts.append(f"{round(100 * last.cached_tokens / last.prompt_tokens)}% from the cache")
        return parts


def _key(developer: str, session: str) -> bytes:
    """Hashed, because two developers may use the same session name, and a name may be as long as a header."""
    return hashlib.blake2b(f"{developer}\0{session}".encode(), digest_size=16).digest()


def _rate(request: LiveRequest, until_ms: int | None) -> float | None:
    if request.first_token_at is None or request.output_tokens is None or until_ms is None:
        return None
    seconds = (until_ms - request.first_token_at) / 1000
    return None if seconds < SHORTEST_RATE_S else request.output_tokens / seconds


# Set when the Router's callback is created, because this layer can't get the callback from LiteLLM.
boards: Final[list[Board]] = []


class StatusPage:
    """ASGI middleware: answers PATH, passes everything else on."""

    def __init__(self, app: App) -> None:
        self._app: Final = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """One connection's request, or the server's start and end."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        status, text = _answer(scope)
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text.encode()})


def _answer(scope: Scope) -> tuple[int, str]:
    if scope["method"] not in ("GET", "HEAD"):
        return 405, "only GET is answered here\n"
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    try:
        developer = find_client(read_client_keys(), offered_keys(headers))
    except KeyFileError:
        return 503, "keys cannot be checked now\n"
    if developer is None:
        return 401, "this API key is not known here\n"
    if not boards:
        return 503, "nothing is known yet\n"
    session = parse_qs(scope["query_string"].decode("latin-1")).get("session", [""])[0]
    return 200, boards[-1].line(developer, session, time.time_ns() // 1_000_000) + "\n"
