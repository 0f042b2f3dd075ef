"""Connections that have not shown a good key are few and short, whatever they send or don't.

uvicorn (0.54) limits how long a kept-alive connection may rest (`timeout_keep_alive`, 5 s) and how long a header may become
(`h11_max_incomplete_event_size`, 16 KB), but neither how long a header or a body may take nor how many connections a peer may
hold; `limit_concurrency` counts those with a key as well and answers them 503 too (h11_impl.py). So the protocol class that
uvicorn takes as its `http` option is extended here: a connection is a stranger until the gate (opta_gate.py) accepts a key on
it, and what a stranger may do is bounded by count and time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.auto import AutoHTTPProtocol

if TYPE_CHECKING:
    from collections.abc import MutableMapping

# How long a connection may stay without a request that carries a good key: from its beginning until the headers are whole,
# and while a refusal is on its way. Longer than uvicorn keeps an idle one (5 s), so that a developer's ends in uvicorn's
# own orderly way.
STRANGER_S: Final = 10.0
# A developer's connection is a stranger for the milliseconds until its headers have come: this many are plenty at any
# moment, and each may hold some 100 KB in buffers.
MOST_STRANGERS: Final = 64

# In the ASGI scope's `state`, a copy of which uvicorn gives to each request.
CONNECTION: Final = "opta_connection"


class Strangers:
    """The connections that have never shown a good key, oldest first."""

    def __init__(self, most: int = MOST_STRANGERS) -> None:
        self._most: Final = most
        self._by_peer: Final[dict[object, dict[GuardedConnection, None]]] = {}
        self._count = 0

    def enter(self, connection: GuardedConnection) -> None:
        """One more. One too many ends the oldest of the peer that has most: the newest may be a developer's, who shows a
        key at once, and one that has waited has had its chance.
        """
        self._by_peer.setdefault(connection.peer, {})[connection] = None
        self._count += 1
        if self._count > self._most:
            crowd = max(self._by_peer.values(), key=len)
            oldest = next(iter(crowd))
            self.leave(oldest)
            oldest.cut()

    def leave(self, connection: GuardedConnection) -> None:
        """It is gone, or no stranger any more. A second call changes nothing."""
        crowd = self._by_peer.get(connection.peer, {})
        if connection not in crowd:
            return
        del crowd[connection]
        self._count -= 1
        if not crowd:
            del self._by_peer[connection.peer]


class GuardedConnection(AutoHTTPProtocol):  # type: ignore[misc]  # httptools' class or h11's, known when it runs
    """One connection of uvicorn's, with its stranger's clock."""

    strangers: Final = Strangers()

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, {**app_state, CONNECTION: self}, _loop)
        self.peer: object = None
        self._serving = 0
        self._clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """asyncio: somebody has connected."""
        super().connection_made(transport)
        address = transport.get_extra_info("peername")
        self.peer = address[0] if isinstance(address, tuple) else address
        self._start_clock()
        self.strangers.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: it is over."""
        self._stop_clock()
        self.strangers.leave(self)
        # Else this object would keep itself alive until Python looks for such circles.
        self.app_state = {}
        super().connection_lost(exc)

    def accept(self) -> None:
        """A request with a good key is being served."""
        self._serving += 1
        self._stop_clock()
        self.strangers.leave(self)

    def rest(self) -> None:
        """It was served. The next one has to come as soon as a first one."""
        self._serving -= 1
        if self._serving == 0 and not self.transport.is_closing():
            self._start_clock()

    def cut(self) -> None:
        """End it at once, also where the peer doesn't read what is left for it."""
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
    """The connection that this request came by; None where uvicorn was started without ours."""
    connection = scope.get("state", {}).get(CONNECTION)
    return connection if isinstance(connection, GuardedConnection) else None
