"""Rescues text that LiteLLM drops: documents whose source is text, and search results, in messages and tool results.

LiteLLM 1.106.2 dropped a message with only such a block, and emptied a tool result (seen). Here they become text blocks; images
in a document's content come out beside them, where opta_sight.py finds them.
"""

from __future__ import annotations

from typing import Any


def spell_out(body: dict[str, Any]) -> bool:
    """Replace each such block by text. Returns whether there was one."""
    found = False
    for message in body["messages"]:
        content = message["content"]
        if not isinstance(content, list):
            continue
        for block in content:
            if block.get("type") == "tool_result" and isinstance(block.get("content"), list):
                block["content"], inner = _flat(block["content"])
                found = found or inner
        message["content"], outer = _flat(content)
        found = found or outer
    return found


def _flat(blocks: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
    spelt = [_spelt(block) for block in blocks]
    if all(one is None for one in spelt):
        return blocks, False
    return [piece for block, one in zip(blocks, spelt, strict=True) for piece in ([block] if one is None else one)], True


def _spelt(block: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The replacement of a block; None: keep the block."""
    if block.get("type") == "search_result":
        return _pieces(block.get("content"), [block.get("title"), block.get("source")])
    source = block.get("source")
    if block.get("type") != "document" or not isinstance(source, dict):
        return None
    heads = [block.get("title"), block.get("context")]
    if source.get("type") == "text":
        return _pieces(source.get("data"), heads)
    return _pieces(source.get("content"), heads) if source.get("type") == "content" else None


def _pieces(content: object, heads: list[object]) -> list[dict[str, Any]]:
    blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = [{"type": "text", "text": head} for head in heads]
    return [piece for piece in [*texts, *blocks] if isinstance(piece, dict) and _is_taken(piece)]


def _is_taken(piece: dict[str, Any]) -> bool:
    if piece.get("type") == "image":
        return isinstance(piece.get("source"), dict)
    # Strict templates refuse an empty text.
    return piece.get("type") == "text" and isinstance(piece.get("text"), str) and piece["text"] != ""
