"""Ends what is still read from llama-server for a client that has left.

LiteLLM means to do so itself, but of a stream on /v1/messages it closes the outer generator only (1.106.2:
AnthropicSSEStream.aclose does not close the wrapper's completion_stream). Whatever the client's leaving finds waiting for
the next token is cancelled down to the connection; what it finds while a chunk is on its way to the client keeps the
connection open until Python happens to collect it, and llama-server generates up to the request's limit for nobody
(seen: 3 of 4 slots for minutes; in 2 of 25 tries with four to six clients that left together).

/v1/responses needs none of this: its streams close down to the connection, once LiteLLM has read what had come for the client
meanwhile. anyio delivers a cancellation only to a task that waits (`CancelScope._deliver_cancellation`), and with pieces at
hand none does. So a server that sends faster than LiteLLM reads is never let go of (seen with a stand-in; one piece in 10 ms
was let go of as soon as the backlog was read); a model does not.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from opta_stream import cached_of

if TYPE_CHECKING:
    from collections.abc import Iterator

logger: Final = logging.getLogger("opta_router")

# What LiteLLM's streams call the stream that they read from, from the outermost (the Router's, which may fall back to
# another deployment) to the one that holds the connection.
INNER_NAMES: Final = ("_source_iterator", "_anthropic_wrapper", "_stream", "completion_stream")
# LiteLLM nests six; a stream that names itself must not be followed for ever.
MOST_LAYERS: Final = 16


def _layers(stream: object) -> Iterator[object]:
    """The streams that read from one another, the outermost first."""
    layer: object | None = stream
    for _ in range(MOST_LAYERS):
        if layer is None:
            return
        yield layer
        layer = next((inner for name in INNER_NAMES if (inner := getattr(layer, name, None)) is not None), None)


def find_innermost(stream: object) -> object | None:
    """The last layer that can be closed. None: not even the first can."""
    return next((layer for layer in reversed(list(_layers(stream))) if callable(getattr(layer, "aclose", None))), None)


def told_cached(stream: object) -> int | None:
    """What llama-server said that it found in the cache. On /v1/messages LiteLLM leaves a zero out of the answer (1.106.2,
    translate_openai_usage_to_anthropic_usage_delta), and a zero is not the same as a server that doesn't say; the layer that
    reads from the connection keeps the server's own words.
    """
    for layer in _layers(stream):
        chunks = getattr(layer, "chunks", None)
        for chunk in reversed(chunks if isinstance(chunks, list) else ()):
            cached = cached_of(getattr(chunk, "usage", None))
            if cached is not None:
                return cached
    return None


async def close_upstream(stream: object) -> None:
    """Close it down to its connection, which llama-server takes as a hang-up. Nothing happens when that is done already."""
    innermost = find_innermost(stream)
    if innermost is None:
        return
    try:
        await innermost.aclose()  # type: ignore[attr-defined]  # found by this very name
    except Exception as error:  # noqa: BLE001  # the client has left: there is nobody to tell but the log
        logger.warning("a stream whose client has left could not be closed: %s", type(error).__name__)
