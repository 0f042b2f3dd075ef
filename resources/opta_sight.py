"""Finds content that the model can't take (images, documents, audio) anywhere in a request.

llama-server answers it with 500, which clients retry ten times, and because the image stays in the conversation every later turn
fails too. At Anthropic's own sentence Claude Code (2.1.197, measured) drops the image and goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

REFUSAL: Final = "Could not process image"

VISION: Final = "vision"
AUDIO: Final = "audio"
# No model has it: llama-server takes no documents, and no kind of file by its name (b10068, seen: 400, or 500 for a PDF).
NEVER: Final = "never"

# The three APIs' kinds of content, by the sense that the model needs for them.
SENSES: Final = {
    **dict.fromkeys(("image", "image_url", "input_image"), VISION),
    "input_audio": AUDIO,
    **dict.fromkeys(("document", "file", "input_file", "audio_url", "video_url"), NEVER),
}
# Document sources that are text.
TEXTS: Final = frozenset({"text", "content"})


def find_unseen(body: dict[str, Any], senses: frozenset[str]) -> str | None:
    """The first sense that the body's content needs and the model, with these senses, doesn't have; or None."""
    return next((sense for sense in _senses(body) if sense not in senses), None)


def _senses(body: dict[str, Any]) -> Iterator[str]:
    turns = [body.get("messages"), body.get("input"), [{"content": body.get("system")}]]
    for turn in [turn for part in turns if isinstance(part, list) for turn in part if isinstance(turn, dict)]:
        yield from _senses_of(turn.get("content"))
        # /v1/responses has tool results beside its messages.
        yield from _senses_of(turn.get("output"))


def _senses_of(content: object) -> Iterator[str]:
    for block in content if isinstance(content, list) else ():
        if not isinstance(block, dict):
            continue
        kind, source = block.get("type"), block.get("source")
        if kind == "document" and isinstance(source, dict) and source.get("type") in TEXTS:
            continue
        if isinstance(kind, str) and kind in SENSES:
            yield NEVER if _is_elsewhere(kind, block) else SENSES[kind]
        if kind == "tool_result":
            yield from _senses_of(block.get("content"))


def _is_elsewhere(kind: str, block: dict[str, Any]) -> bool:
    """An image without its data or its address, which Anthropic's or OpenAI's store of files would have. LiteLLM drops it."""
    source = block.get("source")
    if kind == "image" and isinstance(source, dict):
        return not (source.get("data") or source.get("url"))
    return kind == "input_image" and not block.get("image_url")
