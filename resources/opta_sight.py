"""What a model without eyes or ears can't be shown, wherever in a request it stands.

llama-server answers 500 to it, which clients repeat ten times, and since the picture stays in the conversation every later
turn fails too. Claude Code (2.1.197, measured) drops an image and goes on when it reads Anthropic's own sentence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

REFUSAL: Final = "Could not process image"

# The kinds of content of the three APIs, by the sense that a model needs for them.
VISION: Final = frozenset({"image", "document", "image_url", "input_image", "file", "input_file", "video_url"})
AUDIO: Final = frozenset({"input_audio", "audio", "audio_url"})
# Sources of a document that are text.
TEXTS: Final = frozenset({"text", "content"})


def find_unseen(body: dict[str, Any], senses: frozenset[str]) -> str | None:
    """The first kind of content that a model with these senses ("vision", "audio") can't take; None when it can take all."""
    unseen = (frozenset() if "vision" in senses else VISION) | (frozenset() if "audio" in senses else AUDIO)
    return next((kind for kind in _kinds(body) if kind in unseen), None)


def _kinds(body: dict[str, Any]) -> Iterator[str]:
    turns = [body.get("messages"), body.get("input"), [{"content": body.get("system")}]]
    for turn in [turn for part in turns if isinstance(part, list) for turn in part if isinstance(turn, dict)]:
        yield from _kinds_in(turn.get("content"))
        # /v1/responses has the results of tools beside its messages.
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
