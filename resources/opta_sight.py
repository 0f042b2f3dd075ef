"""Finds content that the model can't take (images, documents, audio) anywhere in a request.

llama-server answers it with 500, which clients retry ten times, and because the image stays in the conversation every later turn
fails too. At Anthropic's own sentence Claude Code (2.1.197, measured) drops the image and goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

REFUSAL: Final = "Could not process image"

# The three APIs' kinds of content, by the sense that the model needs for them.
VISION: Final = frozenset({"image", "document", "image_url", "input_image", "file", "input_file", "video_url"})
AUDIO: Final = frozenset({"input_audio", "audio", "audio_url"})
# Document sources that are text.
TEXTS: Final = frozenset({"text", "content"})


def find_unseen(body: dict[str, Any], senses: frozenset[str]) -> str | None:
    """The first kind of content that a model with these senses ("vision", "audio") can't take, or None."""
    unseen = (frozenset() if "vision" in senses else VISION) | (frozenset() if "audio" in senses else AUDIO)
    return next((kind for kind in _kinds(body) if kind in unseen), None)


def _kinds(body: dict[str, Any]) -> Iterator[str]:
    turns = [body.get("messages"), body.get("input"), [{"content": body.get("system")}]]
    for turn in [turn for part in turns if isinstance(part, list) for turn in part if isinstance(turn, dict)]:
        yield from _kinds_in(turn.get("content"))
        # /v1/responses has tool results beside its messages.
        yield from _kinds_in(turn.get("output"))


def _kinds_in(content: object) -> Iterator[str]:
    for block in content if isinstance(content, list) else ():
        if not isinstance(block, dict):
            continue
        kind, source = block.get("type"), block.get("source")
        if kind == "document" and isinstance(source, dict) and source.get("type") in TEXTS:
            continue
        if isinstance(kind, str):
            yield kind
        if kind == "tool_result":
            yield from _kinds_in(block.get("content"))
