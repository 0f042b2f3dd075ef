"""What Claude Code's requests need before a local model sees them: pure functions on the body of /v1/messages.

Measured with Claude Code 2.1.197 and llama.cpp b10434:
- It puts `role: system` messages into the conversation. The model's own template keeps only the last system message, so
  that one of the agents' list would replace the whole system prompt; strict templates answer 400.
- Its first system block is `x-anthropic-billing-header: cc_version=...`, different in each session and before everything
  that llama-server could share between them.
- With a model name it does not know it sends `temperature: 1`, over the one that the server was started with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opta_settings import Settings

Block = dict[str, Any]

ATTRIBUTION: Final = "x-anthropic-billing-header:"
# Anthropic's own default: whoever sends it says nothing about the model. Any other value was chosen.
FORCED_TEMPERATURE: Final = 1


def mend_messages(body: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The body as the model should get it. The given one stays as it is; what is not touched is shared with it."""
    mended = dict(body)
    if settings.join_system_messages:
        mended.update(join_system_messages(mended))
    if settings.drop_attribution:
        system = drop_attribution(mended.get("system"))
        if system:
            mended["system"] = system
        else:
            mended.pop("system", None)
    if settings.keep_model_sampling and mended.get("temperature") == FORCED_TEMPERATURE:
        del mended["temperature"]
    return mended


def join_system_messages(body: Mapping[str, Any]) -> dict[str, Any]:
    """`system` and `messages` with every system message behind the system prompt, in order, nothing lost; empty when
    there is none to move.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not any(_is_system(message) for message in messages):
        return {}
    system = _blocks(body.get("system"))
    kept: list[Any] = []
    gap = False
    for message in messages:
        if _is_system(message):
            system.extend(_blocks(message.get("content")))
            gap = True
            continue
        # The two turns beside a removed message may now be of one role, which strict templates refuse. Anthropic's
        # API takes consecutive turns of a role for one.
        if gap and kept and _may_follow_in_one_turn(kept[-1], message):
            joined = _blocks(kept[-1].get("content")) + _blocks(message.get("content"))
            kept[-1] = {**kept[-1], "content": joined}
        else:
            kept.append(message)
        gap = False
    return {"system": system, "messages": kept}


def drop_attribution(system: object) -> object:
    """The system prompt without the client's attribution; of its shape."""
    if isinstance(system, str):
        return "\n".join(line for line in system.split("\n") if not line.startswith(ATTRIBUTION)).lstrip("\n")
    if isinstance(system, list):
        return [block for block in system if not _is_attribution(block)]
    return system


def _is_system(message: object) -> bool:
    return isinstance(message, dict) and message.get("role") == "system"


def _is_attribution(block: object) -> bool:
    text = block.get("text") if isinstance(block, dict) else None
    return isinstance(text, str) and text.startswith(ATTRIBUTION)


def _blocks(content: object) -> list[Any]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return list(content) if isinstance(content, list) else []


def _may_follow_in_one_turn(before: object, after: object) -> bool:
    if not isinstance(before, dict) or not isinstance(after, dict) or before.get("role") != after.get("role"):
        return False
    # A tool's result has to stand at the beginning of its turn.
    return not any(isinstance(block, dict) and block.get("type") == "tool_result" for block in _blocks(after.get("content")))
