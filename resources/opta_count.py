"""Has llama-server count the tokens of a prompt, in each API, before the request is admitted.

LiteLLM passes on Chat Completions, Completions and Responses in OpenAI's form, which llama-server renders with the same
template as Anthropic's; only the call that counts differs. Estimated from its bytes, a prompt of 1,834 tokens reserved 8,200 of
a pool, and its answer was cut to one token (measured).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from opta_engine import Engine

ANTHROPIC: Final = "anthropic_messages"
TEXT: Final = frozenset({"text_completion", "atext_completion"})
RESPONSES: Final = frozenset({"responses", "aresponses"})


async def count_prompt(engine: Engine, body: dict[str, Any], call_type: str) -> int | None:
    """Tokens of this request's prompt; None if llama-server doesn't say."""
    if call_type == ANTHROPIC:
        return await engine.count_messages(body)
    if call_type in TEXT:
        prompt = body.get("prompt")
        # A single prompt: several are refused earlier (opta_limits.py).
        only = prompt[0] if isinstance(prompt, list) and len(prompt) == 1 else prompt
        if isinstance(only, list):
            return len(only)
        # Either one token id, or the text.
        return 1 if isinstance(only, int) else await engine.count_text(str(only))
    if call_type in RESPONSES:
        return await engine.count_chat(chat_of(body), _functions_of(body))
    return await engine.count_chat(body.get("messages") or [], body.get("tools") or [])


def chat_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The input of /v1/responses as llama-server converts it to a chat."""
    given = body.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given or []
    instructions = body.get("instructions")
    chat = [{"role": "system", "content": instructions}] if instructions else []
    for item in items:
        kind = item.get("type", "message")
        if kind == "message":
            chat.append({"role": item["role"], "content": _text_of(item["content"])})
        elif kind == "function_call":
            function = {"name": item["name"], "arguments": item["arguments"]}
            call = {"id": item["call_id"], "type": "function", "function": function}
            chat.append({"role": "assistant", "content": None, "tool_calls": [call]})
        elif kind == "function_call_output":
            chat.append({"role": "tool", "tool_call_id": item["call_id"], "content": _text_of(item["output"])})
    return chat


def _text_of(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(part if isinstance(part, str) else str(part.get("text", "")) for part in parts)


def _functions_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "function", "function": {name: tool[name] for name in ("name", "description", "parameters") if tool.get(name)}}
        for tool in body.get("tools") or ()
        if tool.get("type") == "function"
    ]
