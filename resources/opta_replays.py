"""Rewrites what clients of OpenAI's APIs send back of earlier answers into what llama-server takes.

Clients keep answers as they came, and a conversation that llama-server refuses once is refused at every turn. Seen with b10068:
500 for a call whose arguments are no JSON (an answer that its limit cut off, or "" for none); 400 for an answer without content,
a refusal, a part of thinking, a summary of reasoning, and an assistant's message in /v1/responses without its optional type. Read in its source
(common/chat.cpp, common_chat_msgs_parse_oaicompat): 500 for a call without its type, and for a name that is null.
"""

from __future__ import annotations

from typing import Any

import orjson
from opta_thinking import THOUGHTS


def mend_chat(body: dict[str, Any]) -> bool:
    """Rewrite the messages of /v1/chat/completions. Returns whether anything changed."""
    messages = [_mended_message(message) for message in body["messages"]]
    is_changed = messages != body["messages"]
    body["messages"] = messages
    return is_changed


def mend_input(body: dict[str, Any]) -> bool:
    """Rewrite the items of /v1/responses, and drop reasoning that only OpenAI's servers can read. Returns whether anything
    changed.
    """
    if not isinstance(body["input"], list):
        return False
    items = [mended for item in body["input"] if (mended := _mended_item(item)) is not None]
    is_changed = items != body["input"]
    body["input"] = items
    return is_changed


def _mended_message(message: dict[str, Any]) -> dict[str, Any]:
    mended = {name: value for name, value in message.items() if value is not None}
    if isinstance(mended.get("content"), list):
        # LiteLLM's clients send thinking so; llama-server has another place for it.
        thoughts = [part["thinking"] for part in mended["content"] if isinstance(part.get("thinking"), str)]
        if thoughts:
            mended.setdefault("reasoning_content", "\n\n".join(thoughts))
        mended["content"] = [_as_text(part, "text") for part in mended["content"] if part["type"] not in THOUGHTS]
    if mended.get("tool_calls"):
        mended["tool_calls"] = [_mended_call(call) for call in mended["tool_calls"]]
    elif "content" not in mended:
        refusal = mended.get("refusal")
        mended["content"] = refusal if isinstance(refusal, str) else ""
    return mended


def _mended_call(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    return {**call, "type": "function", "function": {**function, "arguments": _as_object(function["arguments"])}}


def _mended_item(item: dict[str, Any]) -> dict[str, Any] | None:
    kind = item.get("type") or "message"
    if kind == "function_call":
        return {**item, "arguments": _as_object(item["arguments"])}
    if kind == "reasoning":
        texts = [part["text"] for part in item.get("content") or item.get("summary") or ()]
        # llama-server reads the first text alone.
        reasoning = [{"type": "reasoning_text", "text": "\n\n".join(texts)}]
        return {"type": "reasoning", "summary": [], "content": reasoning} if texts else None
    if kind == "message":
        content = item["content"]
        said = [_as_text(part, "output_text") for part in content] if isinstance(content, list) else content
        # llama-server takes other fields for a chat message's.
        return {"type": "message", "role": item["role"], "content": said}
    return item


def _as_text(part: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"type": kind, "text": part["refusal"]} if part["type"] == "refusal" else part


def _as_object(arguments: str) -> str:
    """The arguments as an object in JSON, which templates iterate over."""
    if not arguments.strip():
        return "{}"
    try:
        is_object = isinstance(orjson.loads(arguments), dict)
    except orjson.JSONDecodeError:
        is_object = False
    return arguments if is_object else orjson.dumps({"arguments": arguments}).decode()
