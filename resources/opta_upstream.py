"""Closes the connection to llama-server after a client left.

LiteLLM means to do this itself, but for a stream on /v1/messages it only closes the outer generator (1.106.2:
AnthropicSSEStream.aclose does not close the wrapper's completion_stream). If the client leaves while the stream waits for the next
token, the cancellation reaches the connection. If it leaves while a chunk is on its way to it, the connection stays open until
Python happens to collect it, and llama-server generates up to the request's limit for no client (seen: 3 of 4 slots for minutes;
in 2 of 25 tries with four to six clients that left together).

/v1/responses doesn't need this: its streams close down to the connection, once LiteLLM has read the client's backlog. anyio
cancels only a task that waits (`CancelScope._deliver_cancellation`), and none waits while pieces are at hand. So a server that
sends faster than LiteLLM reads is never disconnected (seen with a stand-in; with one piece in 10 ms it was disconnected once the
backlog was read); a model isn't that fast.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from opta_stream import cached_of

if TYPE_CHECKING:
    from collections.abc import Iterator

logger: Final = logging.getLogger("opta_router")

# The attributes in which LiteLLM's streams keep their inner stream, from the outermost (the Router's, which may fall back to
# another deployment) to the one that holds the connection.
INNER_NAMES: Final = ("_source_iterator", "_anthropic_wrapper", "_stream", "completion_stream")
# LiteLLM nests six; this ends a cycle.
MOST_LAYERS: Final = 16


def _layers(stream: object) -> Iterator[object]:
    """The nested streams, outermost first."""
    layer: object | None = stream
    for _ in range(MOST_LAYERS):
        if layer is None:
            return
        yield layer
        layer = next((inner for name in INNER_NAMES if (inner := getattr(layer, name, None)) is not None), None)


def find_innermost(stream: object) -> object | None:
    """The innermost layer that can be closed, or None."""
    return next((layer for layer in reversed(list(_layers(stream))) if callable(getattr(layer, "aclose", None))), None)


def told_cached(stream: object) -> int | None:
    """llama-server's own count of cached tokens. On /v1/messages LiteLLM leaves out a zero (1.106.2,
    translate_openai_usage_to_anthropic_usage_delta), which is not the same as a server that doesn't say; the layer that reads
    from the connection keeps the server's chunks.
    """
    for layer in _layers(stream):
        chunks = getattr(layer, "chunks", None)
        for chunk in reversed(chunks if isinstance(chunks, list) else ()):
            cached = cached_of(getattr(chunk, "usage", None))
            if cached is not None:
                return cached
    return None


async def close_upstream(stream: object) -> None:
    """Close the stream down to its connection, a hang-up for llama-server. Does nothing if it is closed already."""
    innermost = find_innermost(stream)
    if innermost is None:
        return
    try:
        await innermost.aclose()  # type: ignore[attr-defined]  # found by this name
    except Exception as error:  # noqa: BLE001  # the client has left, so the error only goes to the log
        logger.warning("the stream of a client that left could not be closed: %s", type(error).__name__)
