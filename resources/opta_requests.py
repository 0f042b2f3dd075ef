"""Tracks the Router's open requests, and each developer's use today."""

from __future__ import annotations

import itertools
import os
import time
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from opta_state_files import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Callable

# The program that supervises this proxy: its own message is shown while it runs, but not counted as use.
OWN_NAME: Final = "opta-nexus"

_numbers: Final = itertools.count(1)


def now_ms() -> int:
    """ms since the epoch, the time unit of the whole program."""
    return time.time_ns() // 1_000_000


def _new_id() -> str:
    # The pid keeps ids distinct across a restart, even within one second.
    return f"{os.getpid()}-{next(_numbers)}"


@dataclass(eq=False)
class LiveRequest:
    """One request. None: unknown, or not yet known."""

    developer: str
    # Claude Code's session; None: the client names none.
    session: str | None = None
    started_at: int = field(default_factory=now_ms)
    id: str = field(default_factory=_new_id)
    admitted_at: int | None = None
    first_token_at: int | None = None
    prompt_tokens: int | None = None
    # Pieces of a stream while it runs, the server's own count at its end.
    output_tokens: int | None = None
    # Of the prompt, what llama-server had cached and what it read; known at the answer's end.
    cached_tokens: int | None = None
    read_tokens: int | None = None
    # The answer's limit in tokens; None: not known yet.
    most_output_tokens: int | None = None
    # The slot of this Studio that it is pinned to, and its conversation's short id.
    slot: int | None = None
    conversation: str | None = None
    ended_at: int | None = None
    # Where it was sent, the last one last; "" is this Studio. All but the last one failed.
    tried: list[str] = field(default_factory=list)
    # `answered` only if the client got everything; `refused` by design: too long, or the queue was full.
    outcome: str = "running"
    # LiteLLM stopped waiting for the answer.
    given_up: bool = False
    # HTTP status of a failed answer; None: it didn't fail, or has no status.
    failed_status: int | None = None
    # llama-server begins the answer before it has read the prompt, to report its progress.
    begins_early: bool = False
    # The stream that its answer is read from.
    upstream: object | None = None

    def note_cached(self, prompt_tokens: int | None, cached_tokens: int | None) -> None:
        """Record from the answer the prompt's length and the cached part."""
        if prompt_tokens is not None and cached_tokens is not None:
            self.cached_tokens, self.read_tokens = cached_tokens, max(0, prompt_tokens - cached_tokens)

    @property
    def left_the_queue(self) -> bool:
        """Whether it ended without being admitted: nothing was generated, and the client retries."""
        return self.admitted_at is None and self.outcome == "running"

    @property
    def phase(self) -> str:
        """Named as in the contract (electron/contract/, RouterRequest)."""
        if self.admitted_at is None:
            return "waiting"
        return "prefill" if self.first_token_at is None else "generating"

    def describe(self) -> dict[str, Any]:
        """State for the feed."""
        return {
            "id": self.id,
            "developer": self.developer,
            "phase": self.phase,
            "startedAt": self.started_at,
            "admittedAt": self.admitted_at,
            "firstTokenAt": self.first_token_at,
            "promptTokens": self.prompt_tokens,
            "outputTokens": self.output_tokens,
            "cachedTokens": self.cached_tokens,
            "readTokens": self.read_tokens,
            "slot": self.slot,
            "conversation": self.conversation,
            "node": self.tried[-1] or None if self.tried else None,
        }


@dataclass
class Use:
    """What one developer has used since midnight."""

    requests: int = 0
    failed: int = 0
    promptTokens: int = 0  # noqa: N815  # the names in the file and in the feed
    outputTokens: int = 0  # noqa: N815
    firstTokenSumMs: int = 0  # noqa: N815
    firstTokens: int = 0  # noqa: N815
    # Summed over the answers that report it; None: none did.
    cachedTokens: int | None = None  # noqa: N815
    readTokens: int | None = None  # noqa: N815

    def add(self, request: LiveRequest) -> None:
        """Count a finished request."""
        self.requests += 1
        self.failed += request.outcome == "failed"
        self.promptTokens += request.prompt_tokens or 0
        self.outputTokens += request.output_tokens or 0
        if request.cached_tokens is not None and request.read_tokens is not None:
            self.cachedTokens = (self.cachedTokens or 0) + request.cached_tokens
            self.readTokens = (self.readTokens or 0) + request.read_tokens
        if request.first_token_at is not None:
            self.firstTokenSumMs += max(0, request.first_token_at - request.started_at)
            self.firstTokens += 1


def _read_use(document: Any) -> Use:
    """Raises TypeError for anything but sums. Those that an answer may not report can be null."""
    use = Use(**document)
    sums = [sum_ for name, sum_ in vars(use).items() if not (sum_ is None and name in ("cachedTokens", "readTokens"))]
    if any(type(sum_) is not int or sum_ < 0 for sum_ in sums):
        message = "a sum is not a number"
        raise TypeError(message)
    return use


class Usage:
    """Sums for each developer since local midnight, kept in a small 0600 file so that a restart loses nothing."""

    def __init__(self, path: str | None, today: Callable[[], date] = date.today) -> None:
        self._path: Final = path
        self._today: Final = today
        self._day = today().isoformat()
        self._uses: dict[str, Use] = self._read()

    def add(self, request: LiveRequest) -> None:
        """Count a finished request and save the sums. Skips our own requests and refused ones, which clients shorten or retry by
        themselves.
        """
        self._turn_day()
        if request.developer == OWN_NAME or request.outcome == "refused" or request.left_the_queue:
            return
        self._uses.setdefault(request.developer, Use()).add(request)
        self._write()

    def describe(self) -> dict[str, Any]:
        """Day and sums for the feed."""
        self._turn_day()
        developers = [
            {
                "developer": name,
                "requests": use.requests,
                "failed": use.failed,
                "promptTokens": use.promptTokens,
                "outputTokens": use.outputTokens,
                "cachedTokens": use.cachedTokens,
                "readTokens": use.readTokens,
                "meanFirstTokenMs": use.firstTokenSumMs / use.firstTokens if use.firstTokens else None,
            }
            for name, use in sorted(self._uses.items())
        ]
        return {"day": self._day, "developers": developers}

    def _turn_day(self) -> None:
        day = self._today().isoformat()
        if day != self._day:
            self._day, self._uses = day, {}

    def _read(self) -> dict[str, Use]:
        """Today's sums from the file; empty if it is from another day, missing, or damaged."""
        if self._path is None:
            return {}
        try:
            document: Any = read_json(self._path)
            if document["day"] != self._day:
                return {}
            return {str(name): _read_use(use) for name, use in document["developers"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}

    def _write(self) -> None:
        if self._path is None:
            return
        developers = {name: vars(use) for name, use in self._uses.items()}
        write_json(self._path, {"day": self._day, "developers": developers})


class RequestBook:
    """Every request from its arrival to its end. `on_change` is called after each change."""

    def __init__(self, usage: Usage) -> None:
        self._usage: Final = usage
        self._live: dict[str, LiveRequest] = {}
        self.on_change: Callable[[], None] = lambda: None
        self.on_end: Callable[[LiveRequest], None] = lambda _: None

    def begin(self, developer: str, session: str | None = None) -> LiveRequest:
        """A request has arrived."""
        request = LiveRequest(developer, session)
        self._live[request.id] = request
        self.on_change()
        return request

    def admitted(self, request: LiveRequest) -> None:
        """It was admitted."""
        request.admitted_at = now_ms()
        self.on_change()

    def heard(self, request: LiveRequest, output_tokens: int) -> None:
        """The answer has this many tokens so far."""
        if request.first_token_at is None:
            request.first_token_at = now_ms()
        request.output_tokens = output_tokens
        self.on_change()

    def live(self) -> list[LiveRequest]:
        """All in order of arrival, except our own message."""
        return [request for request in self._live.values() if request.developer != OWN_NAME]

    def nodes(self, asking: LiveRequest) -> list[str]:
        """The Studios of the other requests, one entry for each."""
        return [other.tried[-1] for other in self._live.values() if other.tried and other is not asking]

    def end(self, request: LiveRequest) -> None:
        """It ended, in any way. A second call changes nothing."""
        if self._live.pop(request.id, None) is None:
            return
        request.ended_at = now_ms()
        self.on_end(request)
        try:
            self._usage.add(request)
        finally:
            self.on_change()

    def describe(self) -> dict[str, Any]:
        """State for the feed: requests and sums."""
        return {"requests": [request.describe() for request in self._live.values()], **self._usage.describe()}
