"""Rewrites thinking into a form that LiteLLM can handle: pure functions on the body of /v1/messages.

LiteLLM 1.106.2 turns `thinking: {"type": "enabled"}` into a reasoning effort with a summary, which sends the request to
/v1/responses regardless of `use_chat_completions_url_for_anthropic_messages`: thinking is lost there, and a truncated answer is
empty (measured; BerriAI/litellm#32357). `adaptive` and `disabled` stay on chat completions. A local model thinks as its template
says; neither form enforces the budget.
"""

from __future__ import annotations

from typing import Any, Final

THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})


def mend_thinking(body: dict[str, Any]) -> bool:
    """Rewrite `thinking` and drop turns of thinking alone. Returns whether anything changed."""
    is_changed = False
    thinking = body.get("thinking")
    if isinstance(thinking, dict) and thinking.get("type") == "enabled":
        body["thinking"] = {"type": "adaptive"}
        is_changed = True
    messages = body["messages"]
    kept = _without_mere_thoughts(messages)
    if kept and len(kept) != len(messages):
        body["messages"] = kept
        is_changed = True
    return is_changed


def _without_mere_thoughts(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop assistant turns of thinking alone, of which a template renders nothing, so that llama-server refuses them (400).
    Merge the turns around one, as Anthropic's API does with consecutive turns of a role.
    """
    # Each kept turn's messages.
    kept: list[list[dict[str, Any]]] = []
    is_gap = False
    for message in messages:
        if message["role"] == "assistant" and _is_thought(message["content"]):
            is_gap = True
        elif is_gap and kept and kept[-1][0]["role"] == message["role"]:
            kept[-1].append(message)
        else:
            kept.append([message])
            is_gap = False
    return [_merged(parts) for parts in kept]


def _merged(parts: list[dict[str, Any]]) -> dict[str, Any]:
    if len(parts) == 1:
        return parts[0]
    return {**parts[0], "content": [block for part in parts for block in _blocks(part["content"])]}


def _is_thought(content: object) -> bool:
    return isinstance(content, list) and bool(content) and all(block.get("type") in THOUGHTS for block in content)


def _blocks(content: str | list[Any]) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
