"""Turns a request's body into what LiteLLM may see: JSON in the route's shape, without fields that clients may not set.
The order matters: read, then check, then change.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson
from pydantic import BaseModel, ValidationError

import opta_fields
from opta_anthropic_shapes import CountBody, MessagesBody
from opta_openai_shapes import ChatBody, CompletionsBody, ResponsesBody
from opta_replays import mend_chat, mend_input
from opta_schemas import mend_schemas
from opta_shapes import place_of
from opta_texts import spell_out
from opta_thinking import mend_thinking
from opta_told import shown
from opta_tools import ToolRefusedError, check_choice, mend_tools

if TYPE_CHECKING:
    from collections.abc import Collection

    from opta_settings import Settings

# Deeper ones hit Python's recursion limit somewhere in LiteLLM, which copies bodies (copy.deepcopy: two frames a level).
# A tool's schema takes two levels for each nested object.
MOST_LEVELS: Final = 100


class BadBodyError(Exception):
    """The client's mistake. `place` is where in the body, as OpenAI's `param` names it."""

    def __init__(self, message: str, place: str | None = None) -> None:
        super().__init__(message)
        self.message: Final = message
        self.place: Final = place


class Route(NamedTuple):
    """What one API accepts."""

    shape: type[BaseModel]
    fields: Collection[str]


_ROUTES: Final = (
    (re.compile(r"(/v1)?/messages/?"), Route(MessagesBody, opta_fields.MESSAGES)),
    (re.compile(r"(/v1)?/messages/count_tokens/?"), Route(CountBody, opta_fields.MESSAGES)),
    (re.compile(r"(/v1)?/chat/completions/?"), Route(ChatBody, opta_fields.CHAT)),
    (re.compile(r"(/v1)?/completions/?"), Route(CompletionsBody, opta_fields.COMPLETIONS)),
    (re.compile(r"(/v1)?/responses/?"), Route(ResponsesBody, opta_fields.RESPONSES)),
)


def _route_of(path: str) -> Route | None:
    return next((route for pattern, route in _ROUTES if pattern.fullmatch(path)), None)


def read_json(path: str, body: bytes, encoding: str = "") -> dict[str, Any] | None:
    """The body of a route whose shape is known, as an object; None on any other route. `encoding` is the header content-encoding.
    Raises BadBodyError.
    """
    if _route_of(path) is None:
        return None
    try:
        document: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # Anthropic's wording. orjson's error has the place but not the text.
        message = f"The request body is not valid JSON: {error.msg}: line {error.lineno} column {error.colno} (char {error.pos})"
        if encoding not in ("", "identity"):
            message = f"content-encoding: found {shown(encoding)}; allowed: none, only uncompressed bodies are read"
        raise BadBodyError(message) from None
    if not isinstance(document, dict):
        message = f"The request body is not a JSON object, but {_kind_of(document)}"
        raise BadBodyError(message)
    if is_deeper(document, MOST_LEVELS):
        message = f"The request body is nested deeper than {MOST_LEVELS} levels"
        raise BadBodyError(message)
    return document


def refine(path: str, document: dict[str, Any], settings: Settings) -> bool:
    """Check the document and remove what clients may not set. Returns whether it changed. Raises BadBodyError."""
    route = _route_of(path)
    if route is None:
        return False
    passed = settings.pass_fields or ()
    is_changed = opta_fields.merge_extra_body(document)
    refused = opta_fields.find_refused(document, route.fields, passed)
    if refused is not None:
        name, reason = refused
        raise BadBodyError(f"{name}: {reason}", name)
    is_changed = opta_fields.drop_unknown(document, route.fields, passed) or is_changed
    try:
        route.shape.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = place_of(first["loc"])
        # pydantic's message would name our class.
        problem = "Input should be an object" if first["type"] == "model_type" else first["msg"]
        raise BadBodyError(f"{place}: {problem}" if place else problem, place or None) from None
    if settings.mend_thinking and route.fields is opta_fields.MESSAGES:
        is_changed = mend_thinking(document) or is_changed
    if settings.refuse_unseen and route.fields is opta_fields.MESSAGES:
        is_changed = spell_out(document) or is_changed
    if route.fields is opta_fields.MESSAGES:
        is_changed = opta_fields.keep_user_id(document) or is_changed
        _refuse_empty(document)
    if route.fields is opta_fields.CHAT:
        is_changed = mend_chat(document) or is_changed
    if route.fields is opta_fields.RESPONSES:
        is_changed = mend_input(document) or is_changed
        if not document["input"]:
            message = "input: at least one item besides encrypted reasoning is required"
            raise BadBodyError(message, "input")
    if settings.mend_tools:
        try:
            is_changed = mend_tools(document) or is_changed
            check_choice(document)
        except ToolRefusedError as refusal:
            raise BadBodyError(refusal.message, refusal.place) from None
        is_changed = mend_schemas(document) or is_changed
    return is_changed


def _refuse_empty(document: dict[str, Any]) -> None:
    """LiteLLM drops such a message, and llama-server is asked for an answer to nothing."""
    for index, message in enumerate(document["messages"]):
        if message["role"] == "user" and _is_empty(message["content"]):
            place = f"messages.{index}"
            # Anthropic's words.
            raise BadBodyError(f"{place}: user messages must have non-empty content", place)
    # LiteLLM moves system messages to the system prompt.
    if not any(message["content"] for message in document["messages"] if message["role"] != "system"):
        message = "messages: at least one message is required"
        raise BadBodyError(message, "messages")


def _is_empty(content: str | list[dict[str, Any]]) -> bool:
    if isinstance(content, str):
        return content == ""
    # LiteLLM drops a block of white space alone.
    return all(block["type"] == "text" and not block["text"].strip() for block in content)


def is_deeper(document: object, levels: int) -> bool:
    """Whether containers are nested more than `levels` deep. Iterates by level, without recursion."""
    level: list[object] = [document]
    for _ in range(levels):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)  # type: ignore[attr-defined]
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def _kind_of(value: object) -> str:
    if value is None:
        return "null"
    return {list: "a list", str: "a text", bool: "true or false"}.get(type(value), "a number")
