"""Adapts Claude Code's requests to a local model: pure functions on the body of /v1/messages.

Measured with Claude Code 2.1.197 and llama.cpp b10434:
- It puts `role: system` messages into the conversation. The model's own template keeps only the last one, so a message with the
  list of agents would replace the whole system prompt; strict templates answer 400. They become user text in place: moved to the
  front they would change the prompt before all turns, and every turn would be read again.
- Its first system block is `x-anthropic-billing-header: cc_version=...`, which differs in each session and comes before
  everything that llama-server could share between sessions.
- With an unknown model name it sends `temperature: 1`, which overrides the server's.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opta_settings import Settings

Block = dict[str, Any]

ATTRIBUTION: Final = "x-anthropic-billing-header:"
# Anthropic's default, which says nothing about the model. Any other value was chosen.
FORCED_TEMPERATURE: Final = 1


def mend_messages(body: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The body for the model. The original is not changed; untouched parts are shared with it."""
    mended = dict(body)
    if settings.join_system_messages:
        mended.update(place_system_messages(mended))
    if settings.drop_attribution:
        system = drop_attribution(mended.get("system"))
        if system:
            mended["system"] = system
        else:
            mended.pop("system", None)
    if settings.join_system_messages:
        mended.update(join_texts(mended))
    if settings.keep_model_sampling and mended.get("temperature") == FORCED_TEMPERATURE:
        del mended["temperature"]
    return mended


def place_system_messages(body: Mapping[str, Any]) -> dict[str, Any]:
    """`system` and `messages` without system messages: those before the first turn are appended to the system prompt, the others
    become user text in place. Keeps order and content; empty if there are none.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not any(_is_system(message) for message in messages):
        return {}
    leading = list(itertools.takewhile(_is_system, messages))
    system = [block for part in (body.get("system"), *(one.get("content") for one in leading)) for block in _blocks(part)]
    # Each kept turn's messages.
    kept: list[list[Any]] = []
    # Of the last kept turn: whether it includes a system message, and whether it is only that.
    has_system, is_system = False, False
    for message in messages[len(leading) :]:
        was_system = _is_system(message)
        turn = {"role": "user", "content": _blocks(message.get("content"))} if was_system else message
        # Strict templates refuse adjacent turns of one role; Anthropic's API merges them.
        joins = (was_system or has_system) and kept and _is_of_one_role(kept[-1][0], turn)
        if joins and (is_system or not _has_result(turn)):
            kept[-1].append(turn)
            has_system, is_system = True, is_system and was_system
        else:
            kept.append([turn])
            has_system = is_system = was_system
    turns = [_joined(parts) for parts in kept]
    return {"system": system, "messages": turns} if leading else {"messages": turns}


def drop_attribution(system: object) -> object:
    """The system prompt without the client's attribution, in the same shape."""
    if isinstance(system, str):
        return "\n".join(line for line in system.split("\n") if not line.startswith(ATTRIBUTION)).lstrip("\n")
    if isinstance(system, list):
        return [block for block in system if not _is_attribution(block)]
    return system


def join_texts(body: Mapping[str, Any]) -> dict[str, Any]:
    """The `system` and `messages` of this body with one text where blocks of text follow each other.

    LiteLLM's conversion to a chat, which the model reads, and llama-server's own, which counts, join blocks differently: a system
    prompt with newlines or with nothing, an answer with nothing or with newlines, a tool's result with newlines or with nothing.
    Claude Code 2.1.332's two system blocks were counted as 4,182 tokens and read as 4,183 (LiteLLM 1.108.7, b10068).
    """
    joined: dict[str, Any] = {}
    if isinstance(body.get("messages"), list):
        joined["messages"] = [_with_joined_texts(message) for message in body["messages"]]
    if isinstance(body.get("system"), list):
        joined["system"] = _one_text(body["system"], "\n")
    return joined


def _with_joined_texts(message: object) -> object:
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(content, list):
        return message
    if message.get("role") == "assistant":
        return {**message, "content": _one_text(content, "")}
    return {**message, "content": [_with_one_result(block) if _is_result(block) else block for block in content]}


def _with_one_result(block: Block) -> Block:
    content = block.get("content")
    is_text = isinstance(content, list) and all(inner.get("type") == "text" for inner in content)
    return {**block, "content": _one_text(content, "\n")} if is_text else block


def _one_text(blocks: list[Block], between: str) -> list[Block]:
    """The blocks with all texts in one, where the first was."""
    texts = [block["text"] for block in blocks if block.get("type") == "text"]
    if len(texts) < 2:  # noqa: PLR2004  # there is nothing to join
        return blocks
    first = next(index for index, block in enumerate(blocks) if block.get("type") == "text")
    others = [block for block in blocks if block.get("type") != "text"]
    return [*others[:first], {"type": "text", "text": between.join(texts)}, *others[first:]]


def _is_system(message: object) -> bool:
    return isinstance(message, dict) and message.get("role") == "system"


def _is_attribution(block: object) -> bool:
    text = block.get("text") if isinstance(block, dict) else None
    return isinstance(text, str) and text.startswith(ATTRIBUTION)


def _blocks(content: object) -> list[Any]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return list(content) if isinstance(content, list) else []


def _is_of_one_role(before: object, after: object) -> bool:
    return isinstance(before, dict) and isinstance(after, dict) and before.get("role") == after.get("role")


def _joined(turns: list[Any]) -> Any:
    """These turns as one, with tool results first: they must begin their turn."""
    if len(turns) == 1:
        return turns[0]
    blocks = [block for turn in turns for block in _blocks(turn.get("content"))]
    return {**turns[0], "content": sorted(blocks, key=lambda block: not _is_result(block))}


def _has_result(message: dict[str, Any]) -> bool:
    return any(_is_result(block) for block in _blocks(message.get("content")))


def _is_result(block: object) -> bool:
    return isinstance(block, dict) and block.get("type") == "tool_result"
