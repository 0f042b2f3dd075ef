"""Reports live requests to the program that supervises this proxy: JSON lines on a unix socket, pushed on change.

Costs nothing without a listener. Each line is the whole state, so a listener that connects late or misses one loses nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# A stream changes with every token; no listener needs more than this.
SHORTEST_PAUSE_S: Final = 0.25
# A listener that stops reading is disconnected instead of filling memory; a line has some hundred bytes a request.
MOST_UNREAD_BYTES: Final = 1_048_576


def listen(path: str) -> socket.socket:
    """A listening socket at `path` that only its owner may open. Replaces what an earlier process left there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(before)
    listener.listen()
    listener.setblocking(False)
    return listener


# The only request that the feed takes: save to files what only llama-server's memory holds, because it is about to end.
PARK: Final = b"park\n"


class Feed:
    """Pushes `read_state()` to all listeners."""

    def __init__(
        self, read_state: Callable[[], dict[str, Any]], park: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """`park` runs on request; the state counts these in `parkings`."""
        self._read_state: Final = read_state
        self._park: Final = park
        self._parkings = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._due: asyncio.TimerHandle | None = None
        self._pushed_at = float("-inf")

    async def serve(self, listener: socket.socket) -> None:
        """Serve until cancelled."""
        server = await asyncio.start_unix_server(self._attend, sock=listener)
        await server.serve_forever()

    def changed(self) -> None:
        """The state changed; pushed within SHORTEST_PAUSE_S."""
        if not self._writers or self._due is not None:
            return
        loop = asyncio.get_running_loop()
        self._due = loop.call_at(max(loop.time(), self._pushed_at + SHORTEST_PAUSE_S), self._push)

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            writer.write(self._line())
            # Ends when the other side closes.
            while asked := await reader.read(1024):
                if PARK in asked:
                    if self._park is not None:
                        await self._park()
                    self._parkings += 1
                    writer.write(self._line())
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _push(self) -> None:
        self._due = None
        self._pushed_at = asyncio.get_running_loop().time()
        line = self._line()
        for writer in tuple(self._writers):
            if writer.transport.get_write_buffer_size() > MOST_UNREAD_BYTES:
                writer.transport.abort()
            else:
                writer.write(line)

    def _line(self) -> bytes:
        return json.dumps({**self._read_state(), "parkings": self._parkings}, separators=(",", ":")).encode() + b"\n"
