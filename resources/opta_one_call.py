"""Drops the tool calls after the first from an answer, for a client that asked for one at most.

LiteLLM (1.108.7) drops Anthropic's `disable_parallel_tool_use`. llama-server heeds `parallel_tool_calls` only where its grammar
can: with a marker around each call in JSON, as in the templates of Hermes, Qwen and ours for R1, it allows any number of calls
(b10068, seen; common/chat-auto-parser-generator.cpp, build_tool_parser_json_native, still so in November 2026). A client that
runs one tool at a time would run the later ones unasked, or fail at them.

Works on the events of a stream, in all three APIs: the gate has every such answer streamed (opta_whole.py).
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Final

import orjson
from opta_answers import is_stream
from opta_stream import events_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]

logger: Final = logging.getLogger("opta_router")

Event = dict[str, Any]

# Between two events of a stream; LiteLLM's have no "\r".
GAP: Final = b"\n\n"
_DATA: Final = re.compile(rb"^data:.*$", re.MULTILINE)


def wants_one_call(body: dict[str, Any]) -> bool:
    """Whether the client forbids parallel calls, in Anthropic's or OpenAI's words. Without tools there are none to forbid."""
    choice = body.get("tool_choice")
    is_forbidden = isinstance(choice, dict) and choice.get("disable_parallel_tool_use") is True
    return bool(body.get("tools")) and (is_forbidden or body.get("parallel_tool_calls") is False)


class OneCall:
    """`send` for such a client."""

    def __init__(self, send: Callable[[Message], Awaitable[None]]) -> None:
        self._send: Final = send
        self._first: Final = FirstCall()
        self._is_stream = False
        # What follows the last GAP.
        self._rest = bytearray()

    async def send(self, message: Message) -> None:
        """ASGI's send. Anything but a stream, such as an error, passes unchanged."""
        if message["type"] == "http.response.start":
            self._is_stream = is_stream(message)
        if message["type"] != "http.response.body" or not self._is_stream:
            await self._send(message)
            return
        is_last = not message.get("more_body", False)
        kept = b"".join(text + GAP for event in self._complete(message.get("body", b"")) if (text := self._kept(event)) is not None)
        if is_last:
            kept += self._kept(bytes(self._rest)) or b""
            if self._first.dropped:
                logger.warning("dropped %d tool calls after the first, because the client asked for one at most", self._first.dropped)
        if kept or is_last:
            await self._send({**message, "body": kept})

    def _complete(self, piece: bytes) -> list[bytes]:
        """The events that this piece completes."""
        # A long event in many pieces is neither searched nor copied again with each: 8 MiB in pieces of 4 KiB took 6 s.
        searched = max(0, len(self._rest) - 1)
        self._rest += piece
        if self._rest.find(GAP, searched) < 0:
            return []
        *events, self._rest = self._rest.split(GAP)
        return [bytes(event) for event in events]

    def _kept(self, text: bytes) -> bytes | None:
        event = next(events_of(text.decode("utf-8", "replace")), None)
        if event is None:
            return text
        kept = self._first.keep(event)
        if kept is None or kept is event:
            return None if kept is None else text
        return _DATA.sub(lambda _: b"data: " + orjson.dumps(kept), text, count=1)


class FirstCall:
    """The events of one answer without its later calls."""

    def __init__(self) -> None:
        # Of each choice of a chat: the first call's index.
        self._kept_calls: Final[dict[int, int]] = {}
        # The choices of a chat that lost a call.
        self._cut: Final[set[int]] = set()
        self._has_call = False
        # What is dropped: indexes of blocks, (choice, index) of a chat's calls, ids of items.
        self._dropped: Final[set[object]] = set()

    @property
    def dropped(self) -> int:
        """The number of calls that were dropped."""
        return len(self._dropped)

    def keep(self, event: Event) -> Event | None:
        """The event itself, or what is left of it; None: nothing."""
        if "choices" in event:
            return self._keep_chunk(event)
        kind = str(event.get("type"))
        return self._keep_item(event, kind) if kind.startswith("response.") else self._keep_block(event, kind)

    # --- Anthropic ----------------------------------------------------------------------------------------------------

    def _keep_block(self, event: Event, kind: str) -> Event | None:
        if kind == "message_delta" and self._dropped:
            # Not "max_tokens": what the limit cut off is a call that was dropped.
            return {**event, "delta": {**event["delta"], "stop_reason": "tool_use", "stop_sequence": None}}
        index = event.get("index")
        if kind == "content_block_start" and event["content_block"].get("type") == "tool_use" and self._is_later(index):
            return None
        if index in self._dropped:
            return None
        gaps = sum(dropped < index for dropped in self._dropped) if isinstance(index, int) else 0
        return {**event, "index": index - gaps} if gaps else event

    # --- OpenAI's chat completions ------------------------------------------------------------------------------------

    def _keep_chunk(self, event: Event) -> Event | None:
        choices = [self._keep_choice(choice) for choice in event["choices"]]
        if choices == event["choices"]:
            return event
        # A chunk may be all of a dropped call, and only that.
        is_empty = not event.get("usage") and not any(choice.get("delta") or choice.get("finish_reason") for choice in choices)
        return None if is_empty else {**event, "choices": choices}

    def _keep_choice(self, choice: Event) -> Event:
        at, delta = choice.get("index", 0), choice.get("delta") or {}
        calls = delta.get("tool_calls") or []
        for call in calls:
            index = call.get("index", 0)
            if self._kept_calls.setdefault(at, index) != index:
                self._dropped.add((at, index))
                self._cut.add(at)
        kept = [call for call in calls if call.get("index", 0) == self._kept_calls[at]]
        if kept != calls:
            choice = {**choice, "delta": {**delta, "tool_calls": kept} if kept else _without(delta, "tool_calls")}
        if choice.get("finish_reason") and at in self._cut:
            choice = {**choice, "finish_reason": "tool_calls"}
        return choice

    # --- OpenAI's responses -------------------------------------------------------------------------------------------

    def _keep_item(self, event: Event, kind: str) -> Event | None:
        response = event.get("response")
        if isinstance(response, dict) and isinstance(response.get("output"), list):
            return self._keep_response(event, kind, response)
        item = event.get("item") if isinstance(event.get("item"), dict) else {}
        identity = item.get("id", event.get("item_id"))
        if kind == "response.output_item.added" and item.get("type") == "function_call" and self._is_later(identity):
            return None
        return None if identity in self._dropped else event

    def _keep_response(self, event: Event, kind: str, response: dict[str, Any]) -> Event:
        calls = [item for item in response["output"] if item.get("type") == "function_call"]
        if len(calls) < 2:
            return event
        mended = {**response, "output": [item for item in response["output"] if item not in calls[1:]]}
        if kind == "response.incomplete":
            # As for Anthropic: what the limit cut off is a call that was dropped.
            kind, mended["status"], mended["incomplete_details"] = "response.completed", "completed", None
        return {**event, "type": kind, "response": mended}

    def _is_later(self, identity: object) -> bool:
        """Note a call; whether it is not the first."""
        if self._has_call:
            self._dropped.add(identity)
        is_later, self._has_call = self._has_call, True
        return is_later


def _without(mapping: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key != name}
