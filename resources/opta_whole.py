"""Gathers streams into whole answers, so that llama-server can stream every answer and notice when a client leaves.

For an answer that isn't streamed llama-server checks for its client only after a full second without a result
(HTTP_POLLING_SECONDS, tools/server/server-context.cpp). We conclude from measurements that every other request's result restarts
that second: beside a running stream, or while /slots is polled, the check never comes. Measured on b10068, directly and beside a
reader of /slots: over 20 s, while a stream's slot was free after 0.03 to 0.2 s. So LiteLLM always gets a request for a stream,
and a client that wants a whole answer still gets one.

Pure functions on the text of a stream, for each API that is served: Anthropic's Messages, OpenAI's Chat Completions,
Completions and Responses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson
from opta_state_files import parse_json
from opta_stream import events_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Event = dict[str, Any]

# Anthropic's own numbers (docs.claude.com, Errors); others are our failure.
STATUS_OF: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "overloaded_error": 529,
}
FAILED: Final = 500
DONE: Final = 200
LOWEST_ERROR: Final = 400
HIGHEST_ERROR: Final = 599


class Whole(NamedTuple):
    """A stream, gathered into one answer."""

    status: int
    body: dict[str, Any]


def ask_for_stream(path: str, document: dict[str, Any]) -> bool:
    """Request a stream. False: it is one already, or this route has none."""
    gather = _gather_for(path)
    if gather is None or document.get("stream") is True:
        return False
    document["stream"] = True
    if gather in (_gather_chat, _gather_text):
        # Otherwise a stream doesn't report its tokens.
        document["stream_options"] = {"include_usage": True}
    else:
        document.pop("stream_options", None)
    return True


def gather(path: str, stream: bytes) -> Whole:
    """The stream's events as the route's whole answer."""
    events = list(events_of(stream.decode("utf-8", "replace")))
    failure = next((event for event in events if _is_failure(event)), None)
    if failure is not None:
        return _failure(failure)
    how = _gather_for(path)
    answer = None if how is None else how(events)
    if answer is None:
        return Whole(FAILED, {"error": {"message": "the answer ended before it was complete", "type": "api_error"}})
    return Whole(DONE, answer)


def _gather_for(path: str) -> Callable[[list[Event]], dict[str, Any] | None] | None:
    return next((how for pattern, how in _ROUTES if pattern.fullmatch(path)), None)


def _is_failure(event: Event) -> bool:
    return event.get("type") in ("error", "response.failed") or isinstance(event.get("error"), dict)


def _failure(event: Event) -> Whole:
    response = event.get("response")
    error = response.get("error") if isinstance(response, dict) else event.get("error")
    error = error if isinstance(error, dict) else {"message": str(event.get("message", "")), "type": "api_error"}
    # LiteLLM has the status in `code`, as a string or a number; Anthropic's events have only the type.
    code = str(error.get("code"))
    status = int(code) if code.isdecimal() else STATUS_OF.get(str(error.get("type")), FAILED)
    status = status if LOWEST_ERROR <= status <= HIGHEST_ERROR else FAILED
    is_anthropic = event.get("type") == "error" and isinstance(event.get("error"), dict)
    return Whole(status, event if is_anthropic else {"error": error})


# --- Anthropic --------------------------------------------------------------------------------------------------------

# Where each kind of delta goes.
_TEXTS: Final = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


def _gather_messages(events: Iterable[Event]) -> dict[str, Any] | None:
    message: dict[str, Any] | None = None
    blocks: dict[int, dict[str, Any]] = {}
    inputs: dict[int, str] = {}
    is_ended = False
    for event in events:
        kind, index = event.get("type"), event.get("index", 0)
        if kind == "message_start":
            message = dict(event["message"])
        elif kind == "content_block_start":
            blocks[index] = dict(event["content_block"])
        elif kind == "content_block_delta":
            delta = event["delta"]
            name = _TEXTS.get(delta.get("type", ""))
            if name is not None:
                blocks[index][name] = blocks[index].get(name, "") + delta[name]
            elif delta.get("type") == "input_json_delta":
                inputs[index] = inputs.get(index, "") + delta["partial_json"]
        elif kind == "message_delta" and message is not None:
            message.update(event["delta"])
            message["usage"] = {**message.get("usage", {}), **(event.get("usage") or {})}
        elif kind == "message_stop":
            is_ended = True
    if message is None or not is_ended:
        return None
    for index, text in inputs.items():
        blocks[index]["input"] = _parse_input(text)
    message["content"] = [block for _, block in sorted(blocks.items()) if not _is_empty(block)]
    return message


# 2**63 has 19 digits.
_LONG: Final = re.compile(r"\d{19}")


def _parse_input(text: str) -> object:
    try:
        parsed = parse_json(text) if text.strip() else {}
        # orjson makes a float of an integer beyond 64 bits (measured), another number: such a text goes on as it is.
        # In the next request it is a float all the same: LiteLLM reads bodies by orjson too (http_parsing_utils.py).
        return orjson.Fragment(text) if _LONG.search(text) else parsed
    except ValueError:
        # Cut off by the answer's limit within a call: LiteLLM's own whole answers have an empty input then.
        return {}


def _is_empty(block: dict[str, Any]) -> bool:
    """LiteLLM begins every stream with a text block, even if the model calls a tool at once."""
    return block.get("type") in ("text", "thinking") and not block.get(block["type"])


# --- OpenAI -----------------------------------------------------------------------------------------------------------


def _gather_chat(events: Iterable[Event]) -> dict[str, Any] | None:
    return _gather_choices(events, "chat.completion", _add_message)


def _gather_text(events: Iterable[Event]) -> dict[str, Any] | None:
    return _gather_choices(events, "text_completion", _add_text)


def _gather_choices(
    events: Iterable[Event], kind: str, add: Callable[[dict[str, Any], dict[str, Any]], None]
) -> dict[str, Any] | None:
    answer: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for event in events:
        answer.update({name: value for name, value in event.items() if name != "choices" and value is not None})
        for part in event.get("choices") or ():
            index = part.get("index", 0)
            choice = choices.setdefault(index, {"index": index, "finish_reason": None})
            choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
            add(choice, part)
            _add_logprobs(choice, part.get("logprobs"))
    if not choices or any(choice["finish_reason"] is None for choice in choices.values()):
        return None
    return {**answer, "object": kind, "choices": [choice for _, choice in sorted(choices.items())]}


def _add_text(choice: dict[str, Any], part: dict[str, Any]) -> None:
    choice["text"] = choice.get("text", "") + (part.get("text") or "")


def _add_message(choice: dict[str, Any], part: dict[str, Any]) -> None:
    message = choice.setdefault("message", {"role": "assistant", "content": None})
    delta = part.get("delta") or {}
    for name in ("content", "reasoning_content"):
        if delta.get(name):
            message[name] = (message.get(name) or "") + delta[name]
    for piece in delta.get("tool_calls") or ():
        calls = message.setdefault("tool_calls", [])
        at = piece.get("index", 0)
        while len(calls) <= at:
            calls.append({"id": None, "type": "function", "function": {"name": "", "arguments": ""}})
        call, function = calls[at], piece.get("function") or {}
        call["id"] = piece.get("id") or call["id"]
        call["function"]["name"] += function.get("name") or ""
        call["function"]["arguments"] += function.get("arguments") or ""


def _add_logprobs(choice: dict[str, Any], logprobs: object) -> None:
    if not isinstance(logprobs, dict):
        return
    known = choice.setdefault("logprobs", {})
    for name, values in logprobs.items():
        if isinstance(values, list):
            # A new list for each token took 11 s for 100,000 of them.
            known.setdefault(name, []).extend(values)


def _gather_response(events: Iterable[Event]) -> dict[str, Any] | None:
    ends = [event.get("response") for event in events if event.get("type") in ("response.completed", "response.incomplete")]
    return ends[-1] if ends and isinstance(ends[-1], dict) else None


_ROUTES: Final = (
    (re.compile(r"(/v1)?/messages/?"), _gather_messages),
    (re.compile(r"(/v1)?/chat/completions/?"), _gather_chat),
    (re.compile(r"(/v1)?/completions/?"), _gather_text),
    (re.compile(r"(/v1)?/responses/?"), _gather_response),
)
