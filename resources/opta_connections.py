"""Limits the number and the lifetime of connections that have not shown a valid key.

uvicorn (0.54) limits how long a kept-alive connection may idle (`timeout_keep_alive`, 5 s) and the size of a header
(`h11_max_incomplete_event_size`, 16 KB), but not how long a header or body may take, nor how many connections a peer holds;
`limit_concurrency` also counts connections with a key and answers them 503 (h11_impl.py). So this module extends the protocol
class that uvicorn takes as its `http` option: a connection is a stranger until the gate (opta_gate.py) accepts a key on it, and
strangers are limited in number and time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.auto import AutoHTTPProtocol

if TYPE_CHECKING:
    from collections.abc import MutableMapping

# How long a connection may last without a request with a valid key: from its start until the headers are complete, and while
# a refusal is sent. Longer than uvicorn's idle limit (5 s), so that uvicorn itself closes a developer's in its orderly way.
STRANGER_S: Final = 10.0
# A developer's connection is a stranger for milliseconds, until its headers arrive: this many are plenty, and each may hold
# some 100 KB in buffers.
MOST_STRANGERS: Final = 64

# Key in the ASGI scope's `state`, of which uvicorn gives each request a copy.
CONNECTION: Final = "opta_connection"


class Strangers:
    """The connections without a valid key so far, oldest first."""

    def __init__(self, most: int = MOST_STRANGERS) -> None:
        self._most: Final = most
        self._by_peer: Final[dict[object, dict[GuardedConnection, None]]] = {}
        self._count = 0

    def enter(self, connection: GuardedConnection) -> None:
        """Add a connection. Above the limit, cut the oldest of the peer with the most: the newest may be a developer's, who shows a
        key at once, and the oldest has had its chance.
        """
        self._by_peer.setdefault(connection.peer, {})[connection] = None
        self._count += 1
        if self._count > self._most:
            crowd = max(self._by_peer.values(), key=len)
            oldest = next(iter(crowd))
            self.leave(oldest)
            oldest.cut()

    def leave(self, connection: GuardedConnection) -> None:
        """Remove a connection that closed or showed a key. A second call changes nothing."""
        crowd = self._by_peer.get(connection.peer, {})
        if connection not in crowd:
            return
        del crowd[connection]
        self._count -= 1
        if not crowd:
            del self._by_peer[connection.peer]


class GuardedConnection(AutoHTTPProtocol):  # type: ignore[misc]  # httptools' class or h11's, known when it runs
    """A uvicorn connection with a stranger's time limit."""

    strangers: Final = Strangers()

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, {**app_state, CONNECTION: self}, _loop)
        self.peer: object = None
        self._serving = 0
        self._clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """asyncio: connected."""
        super().connection_made(transport)
        address = transport.get_extra_info("peername")
        self.peer = address[0] if isinstance(address, tuple) else address
        self._start_clock()
        self.strangers.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: closed."""
        self._stop_clock()
        self.strangers.leave(self)
        # Breaks the reference cycle, which would last until Python's garbage collector runs.
        self.app_state = {}
        super().connection_lost(exc)

    def accept(self) -> None:
        """A request with a valid key is being served."""
        self._serving += 1
        self._stop_clock()
        self.strangers.leave(self)

    def rest(self) -> None:
        """The request was served. The next one has the same time limit as a first one."""
        self._serving -= 1
        if self._serving == 0 and not self.transport.is_closing():
            self._start_clock()

    def cut(self) -> None:
        """Close at once, even if the peer doesn't read what is left for it."""
        if not self.transport.is_closing() or self.transport.get_write_buffer_size() > 0:
            self.transport.abort()

    def _start_clock(self) -> None:
        self._stop_clock()
        self._clock = self.loop.call_later(STRANGER_S, self.cut)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None


def connection_of(scope: MutableMapping[str, Any]) -> GuardedConnection | None:
    """The connection of this request; None if uvicorn runs without our protocol class."""
    connection = scope.get("state", {}).get(CONNECTION)
    return connection if isinstance(connection, GuardedConnection) else None
