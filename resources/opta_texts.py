"""Rescues text that LiteLLM drops, in messages and tool results: documents whose source is text, search results, and what
Anthropic's own servers did earlier in the conversation.

LiteLLM 1.106.2 dropped a message with only such a block, and emptied a tool result (seen; it takes only the kinds that
translate_anthropic_messages_to_openai names). Here they become text blocks; images in a document's content come out beside them,
where opta_sight.py finds them.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

_CALLS: Final = frozenset({"server_tool_use", "mcp_tool_use"})


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
    kind = block.get("type")
    if kind == "tool_reference":
        return _text(block.get("tool_name"))
    if kind in _CALLS:
        return _text(f"{block.get('name')}({_dump(block.get('input'))})")
    if kind == "compaction" or (isinstance(kind, str) and kind.endswith("_tool_result")):
        return _results(block.get("content"))
    if kind == "search_result":
        return _pieces(block.get("content"), [block.get("title"), block.get("source")])
    source = block.get("source")
    if kind != "document" or not isinstance(source, dict):
        return None
    heads = [block.get("title"), block.get("context")]
    if source.get("type") == "text":
        return _pieces(source.get("data"), heads)
    return _pieces(source.get("content"), heads) if source.get("type") == "content" else None


def _results(content: object) -> list[dict[str, Any]]:
    results = content if isinstance(content, list) else [content]
    return [piece for result in results for piece in _text(_result(result))]


def _result(result: object) -> object:
    if isinstance(result, dict) and result.get("type") == "text":
        return result.get("text")
    return result if result is None or isinstance(result, str) else _dump(result)


def _dump(value: object) -> str:
    return orjson.dumps(_readable(value)).decode()


def _readable(value: object) -> object:
    """Without what no model can read: a page's encrypted content, the bytes of a picture."""
    if isinstance(value, list):
        return [_readable(item) for item in value]
    if not isinstance(value, dict):
        return value
    is_bytes = value.get("type") == "base64"
    return {
        name: _readable(inner)
        for name, inner in value.items()
        if not name.startswith("encrypted_") and not (is_bytes and name == "data")
    }


def _text(text: object) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}] if isinstance(text, str) and text else []


def _pieces(content: object, heads: list[object]) -> list[dict[str, Any]]:
    blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = [{"type": "text", "text": head} for head in heads]
    return [piece for piece in [*texts, *blocks] if isinstance(piece, dict) and _is_taken(piece)]


def _is_taken(piece: dict[str, Any]) -> bool:
    if piece.get("type") == "image":
        return isinstance(piece.get("source"), dict)
    # Strict templates refuse an empty text.
    return piece.get("type") == "text" and isinstance(piece.get("text"), str) and piece["text"] != ""
