"""Asks llama-server, without running the model, how long a prompt is and how much fits."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping

# The fields of /v1/messages and of /v1/responses that are rendered into the prompt. The others concern LiteLLM or the answer.
RENDERED: Final = ("model", "system", "messages", "tools", "tool_choice", "thinking")
RENDERED_RESPONSES: Final = ("model", "input", "instructions", "tools")
RENDERED_CHAT: Final = ("model", "messages", "tools", "tool_choice")
# Counting took 0.05 s for 6,000 tokens and 0.1 s for 47,000 (measured); it does not wait for the slots.
TIMEOUT_S: Final = 15.0
# /slots answers only between two batches (b10068), and a batch of a 70B model takes 12 to 20 s.
SLOTS_TIMEOUT_S: Final = 60.0
TOO_LONG: Final = re.compile(r"request \((\d+) tokens\) exceeds the available context size \((\d+) tokens\)")

# Images and sounds that it can't read or fetch; most of these get 500 (b10068, seen or among its strings).
UNREADABLE: Final = re.compile(
    r"Failed to load image|Failed to download image|Invalid uri(?: format|-encoded)|Invalid base64 value|cannot make GET request"
    r"|error: invalid URL format|invalid URL: no scheme|file:// URLs are not allowed"
)


class UnreadableError(Exception):
    """llama-server can't read an image or a sound of the request."""


def is_unreadable(text: str) -> bool:
    """Whether llama-server's error is about an image or a sound that it can't read."""
    return UNREADABLE.search(text) is not None


def overflow_message(prompt_tokens: int, most_tokens: int) -> str:
    """Anthropic's sentence: Claude Code compacts the conversation and goes on at this one, and stops at any other
    (measured with 2.1.197).
    """
    return f"prompt is too long: {prompt_tokens} tokens > {most_tokens} maximum"


def find_overflow(text: str) -> tuple[int, int] | None:
    """Prompt and limit from llama-server's error for a prompt that does not fit, `exceed_context_size_error`."""
    match = TOO_LONG.search(text)
    return None if match is None else (int(match[1]), int(match[2]))


class Engine:
    """llama-server at `url`. Returns None for what it doesn't say: a check that can't be made refuses no request. Counts raise
    UnreadableError.
    """

    def __init__(self, url: str) -> None:
        key = os.environ.get("OPTA_ENGINE_KEY", "")
        headers = {"authorization": f"Bearer {key}"} if key else {}
        # Not through a proxy: llama-server is on this machine.
        self._http: Final = httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT_S, trust_env=False)
        self._told_context_tokens: int | None = None

    async def context_tokens(self) -> int | None:
        """The running server's limit for one request, prompt plus answer: its slot's share, or the whole pool, and never more
        than the model was trained for.

        Asked for each request: a restarted server may have another limit even with the same settings (--fit takes the memory
        that is free), and none of its other answers shows it (issue 11). It took 0.3 to 21 ms during a prefill in which /slots
        took 17 s (b10068, measured).
        """
        answer = await self._ask("GET", "/props", None)
        generation = answer.get("default_generation_settings") if answer is not None else None
        tokens = generation.get("n_ctx") if isinstance(generation, dict) else None
        self._told_context_tokens = tokens if isinstance(tokens, int) and tokens > 0 else None
        return self._told_context_tokens

    def told_context_tokens(self) -> int | None:
        """The last result of `context_tokens`, for display only: another request needs a new one."""
        return self._told_context_tokens

    async def count_messages(self, body: Mapping[str, Any]) -> int | None:
        """Tokens of this body's prompt in /v1/messages."""
        return await self._count("/v1/messages/count_tokens", body, RENDERED)

    async def count_responses(self, body: Mapping[str, Any]) -> int | None:
        """Tokens of this body's prompt in /v1/responses; None from builds before b9744, which don't count it."""
        return await self._count("/v1/responses/input_tokens", body, RENDERED_RESPONSES)

    async def count_chat(self, body: Mapping[str, Any]) -> int | None:
        """Tokens of this body's prompt in /v1/chat/completions; None from builds that don't count it."""
        return await self._count("/v1/chat/completions/input_tokens", body, RENDERED_CHAT)

    async def count_text(self, text: str) -> int | None:
        """Tokens of a text, with the model's beginning token."""
        asked = {"content": text, "add_special": True, "parse_special": True}
        answer = await self._ask("POST", "/tokenize", asked)
        tokens = answer.get("tokens") if answer is not None else None
        return len(tokens) if isinstance(tokens, list) else None

    async def senses(self) -> frozenset[str] | None:
        """What the model can take beside text: "vision", "audio". Not cached, because few requests ask."""
        answer = await self._ask("GET", "/props", None)
        modalities = answer.get("modalities") if answer is not None else None
        if not isinstance(modalities, dict):
            return None
        return frozenset(name for name, has in modalities.items() if has is True)

    async def busy_slots(self) -> frozenset[int] | None:
        """The busy slots; None if it didn't say in time. An empty set also for a server that isn't there, is still starting, or
        doesn't report slots: waiting for what can never be seen would not end.
        """
        try:
            answer = await self._http.get("/slots", timeout=SLOTS_TIMEOUT_S)
            slots: object = answer.json() if answer.is_success else None
        except httpx.ConnectError:
            return frozenset()
        except (httpx.HTTPError, ValueError):
            return None
        if not isinstance(slots, list):
            return frozenset()
        busy = [slot.get("id") for slot in slots if isinstance(slot, dict) and slot.get("is_processing") is True]
        return frozenset(slot for slot in busy if isinstance(slot, int))

    async def _count(self, path: str, body: Mapping[str, Any], rendered: tuple[str, ...]) -> int | None:
        answer = await self._ask("POST", path, {name: body[name] for name in rendered if body.get(name) is not None})
        tokens = answer.get("input_tokens") if answer is not None else None
        return tokens if isinstance(tokens, int) and tokens > 0 else None

    async def _ask(self, method: str, path: str, body: object) -> dict[str, Any] | None:
        try:
            answer = await self._http.request(method, path, json=body)
            if not answer.is_success and is_unreadable(answer.text):
                raise UnreadableError
            document: object = answer.json() if answer.is_success else None
        except (httpx.HTTPError, ValueError):
            document = None
        return document if isinstance(document, dict) else None
