"""What the Router asks llama-server itself: how long a prompt is, and how much fits. Never the model."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping

# What of /v1/messages is rendered into the prompt. The rest is LiteLLM's or about the answer.
RENDERED: Final = ("model", "system", "messages", "tools", "tool_choice", "thinking")
# Counting took 0.05 s for 6,000 tokens and 0.1 s for 47,000 (measured); it does not wait for the slots.
TIMEOUT_S: Final = 15.0
# The slots are told between two batches only (b10068), and a batch of a 70B model takes 12 to 20 s.
SLOTS_TIMEOUT_S: Final = 60.0
TOO_LONG: Final = re.compile(r"request \((\d+) tokens\) exceeds the available context size \((\d+) tokens\)")


def overflow_message(prompt_tokens: int, most_tokens: int) -> str:
    """Anthropic's sentence: Claude Code compacts the conversation and goes on when it reads this one and stops at any
    other (measured with 2.1.197).
    """
    return f"prompt is too long: {prompt_tokens} tokens > {most_tokens} maximum"


def find_overflow(text: str) -> tuple[int, int] | None:
    """llama-server's own words for a prompt that does not fit, `exceed_context_size_error`: prompt and limit."""
    match = TOO_LONG.search(text)
    return None if match is None else (int(match[1]), int(match[2]))


class Engine:
    """llama-server at `url`. Answers None to what it does not say: a check that cannot be made refuses nobody."""

    def __init__(self, url: str) -> None:
        key = os.environ.get("OPTA_ENGINE_KEY", "")
        headers = {"authorization": f"Bearer {key}"} if key else {}
        # Not through anybody's proxy: llama-server is on this machine.
        self._http: Final = httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT_S, trust_env=False)
        self._context_tokens: int | None = None

    async def context_tokens(self) -> int | None:
        """The most that one request may hold, prompt and answer together, as the running server says: its slot's
        share, or the whole pool, and never more than the model was trained for.
        """
        if self._context_tokens is None:
            answer = await self._ask("GET", "/props", None)
            generation = answer.get("default_generation_settings") if answer is not None else None
            tokens = generation.get("n_ctx") if isinstance(generation, dict) else None
            self._context_tokens = tokens if isinstance(tokens, int) and tokens > 0 else None
        return self._context_tokens

    def known_context_tokens(self) -> int | None:
        """As `context_tokens`, when it was asked for already."""
        return self._context_tokens

    async def count_messages(self, body: Mapping[str, Any]) -> int | None:
        """Tokens of the prompt that /v1/messages with this body renders to."""
        rendered = {name: body[name] for name in RENDERED if body.get(name) is not None}
        answer = await self._ask("POST", "/v1/messages/count_tokens", rendered)
        tokens = answer.get("input_tokens") if answer is not None else None
        return tokens if isinstance(tokens, int) and tokens > 0 else None

    async def count_busy_slots(self) -> int | None:
        """How many slots are at work; None: it did not say in time. 0 also from a server that is not there, is only just
        starting, or does not tell: what can never be seen cannot be waited for.
        """
        try:
            answer = await self._http.get("/slots", timeout=SLOTS_TIMEOUT_S)
            slots: object = answer.json() if answer.is_success else None
        except httpx.ConnectError:
            return 0
        except (httpx.HTTPError, ValueError):
            return None
        if not isinstance(slots, list):
            return 0
        return sum(isinstance(slot, dict) and slot.get("is_processing") is True for slot in slots)

    async def _ask(self, method: str, path: str, body: object) -> dict[str, Any] | None:
        try:
            answer = await self._http.request(method, path, json=body)
            document: object = answer.json() if answer.is_success else None
        except (httpx.HTTPError, ValueError):
            document = None
        if isinstance(document, dict):
            return document
        # Perhaps another server answers next, with other limits.
        self._context_tokens = None
        return None
