"""The queue: sends llama-server no more requests than it has slots, or than its pool has room for.

llama-server would queue any number itself, but doesn't say how many wait, and an overfilled pool fails every running request
(measured: "Context size has been exceeded.", 500 for all).

A ghost is a request whose client has left while llama-server still works on it (opta_ghosts.py): it keeps its place.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from opta_slots import Wish


class QueueFullError(Exception):
    """The queue is full; `waiting` is its length."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} wait")
        self.waiting: Final = waiting


class ClientGoneError(Exception):
    """The client left before its turn."""


class ClosedError(Exception):
    """The queue is closed."""


class Place(NamedTuple):
    """A request, waiting or admitted. Its token is compared by identity, so equal requests stay distinct."""

    token: object
    developer: str
    tokens: int
    # The slot it prefers; None: any.
    wish: Wish | None = None


class Slots(Protocol):
    """Assigns slots. A request's turn and its slot are one decision."""

    def must_wait(self, wish: Wish | None) -> bool:
        """Whether this request waits for its own slot even if others are free."""

    def extra_tokens(self) -> int:
        """Tokens of the pool in use beyond those granted."""

    def take(self, token: object, wish: Wish) -> None:
        """Admit this request."""

    def left(self, token: object) -> None:
        """llama-server no longer works on it."""

    def is_seen_at_work(self, token: object) -> bool:
        """Whether llama-server said that its slot is busy."""


class Admission:
    """The queue and the admitted requests. Everything runs in one event loop, so nothing here needs a lock."""

    def __init__(
        self, slots: int, pool_tokens: int | None, queue_limit: int, keeper: Slots | None = None
    ) -> None:
        """`keeper` None: llama-server picks the slots itself."""
        self._slots = slots
        self._keeper: Final = keeper
        self._pool_tokens: Final = pool_tokens
        self._queue_limit: Final = queue_limit
        self._inside: dict[object, Place] = {}
        self._ghosts: dict[object, Place] = {}
        self._waiting: dict[object, tuple[Place, asyncio.Future[None]]] = {}
        self._is_closed = False

    async def enter(self, place: Place, gone: Callable[[], Awaitable[None]]) -> None:
        """Return once it is this request's turn. `gone()` ends when its client leaves.

        Raises QueueFullError at once if the queue is full, ClientGoneError if the client leaves first, ClosedError if the
        queue is or gets closed.
        """
        if self._is_closed:
            raise ClosedError
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[place.token] = (place, turn)
        self._advance()
        if turn.done():
            return
        if not self._may_wait(place):
            del self._waiting[place.token]
            raise QueueFullError(len(self._waiting))
        leaving = asyncio.ensure_future(gone())
        try:
            await asyncio.wait((turn, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not turn.done():
                raise ClientGoneError
            turn.result()
        finally:
            # Also if this task is cancelled while it waits.
            leaving.cancel()
            if self._waiting.pop(place.token, None) is not None:
                self._advance()

    def close(self) -> None:
        """Admit no more requests and fail the waiting ones. Admitted ones stay."""
        self._is_closed = True
        waiting = [turn for _, turn in self._waiting.values()]
        self._waiting.clear()
        for turn in waiting:
            turn.set_exception(ClosedError())

    def resize(self, slots: int) -> None:
        """Change the number of slots. Admitted requests stay."""
        self._slots = slots
        self._advance()

    def enter_unasked(self, place: Place) -> None:
        """Admit at once: for our own test message, which must not wait behind the requests whose path it tests."""
        self._let_in(place)

    def leave(self, token: object) -> None:
        """Remove this request, waiting or admitted. A second call changes nothing."""
        self._waiting.pop(token, None)
        if self._inside.pop(token, None) is not None:
            self._let_go(token)
        self._advance()

    def leave_ghost(self, token: object) -> bool:
        """The client left and llama-server works on. Returns whether the request is now a ghost."""
        place = self._inside.pop(token, None)
        if place is None:
            self.leave(token)
            return False
        self._ghosts[token] = place
        return True

    def running(self) -> frozenset[object]:
        """Admitted requests whose clients are connected."""
        return frozenset(self._inside)

    def ghosts(self) -> frozenset[object]:
        """Admitted requests whose clients have left."""
        return frozenset(self._ghosts)

    def end_ghosts(self, among: Collection[object], left: int) -> None:
        """End these ghosts but for `left`, on which llama-server still works. It doesn't say which those are: keep the largest, so
        that the pool is never overcommitted, and end first those whose slots are known to be idle.
        """
        asked = [self._ghosts[token] for token in among]
        asked.sort(key=lambda place: (not self._is_seen_at_work(place.token), -place.tokens))
        for place in asked[max(0, left) :]:
            del self._ghosts[place.token]
            self._let_go(place.token)
        self._advance()

    def _advance(self) -> None:
        """Admit requests in order while there is room. Small ones don't overtake, so large ones get their turn.
        """
        while (next_one := self._next()) is not None:
            place, turn = next_one
            if not self._has_room_for(place):
                return
            del self._waiting[place.token]
            self._let_in(place)
            turn.set_result(None)

    def _let_in(self, place: Place) -> None:
        self._inside[place.token] = place
        if self._keeper is not None and place.wish is not None:
            self._keeper.take(place.token, place.wish)

    def _let_go(self, token: object) -> None:
        if self._keeper is not None:
            self._keeper.left(token)

    def _is_seen_at_work(self, token: object) -> bool:
        return self._keeper is not None and self._keeper.is_seen_at_work(token)

    def _may_wait(self, place: Place) -> bool:
        """One developer's many agents don't keep out another's first request, whose turn would come before theirs: a developer
        with no request waiting may join a full queue, until half of the queue has come in that way.

        A ghost's place is free as soon as llama-server notices, so a request may wait for it beyond the limit. An agent that
        stops its requests and asks again at once is thus not refused for slots that serve no client.
        """
        waiting = len(self._waiting)
        most = self._queue_limit + len(self._ghosts)
        if waiting <= most:
            return True
        own = sum(other.developer == place.developer for other, _ in self._waiting.values())
        return own == 1 and waiting <= most + self._queue_limit

    def _next(self) -> tuple[Place, asyncio.Future[None]] | None:
        """The oldest request of the developer with the fewest running, so one developer's four agents don't hold up another's
        first. A request that waits for its own slot holds up none.
        """
        keeper = self._keeper
        ready = [one for one in self._waiting.values() if keeper is None or not keeper.must_wait(one[0].wish)]
        running = Counter(place.developer for place in self._taken())
        return min(ready, key=lambda waiting: running[waiting[0].developer], default=None)

    def _has_room_for(self, place: Place) -> bool:
        taken = self._taken()
        if len(taken) >= self._slots:
            return False
        if self._pool_tokens is None or not taken:
            return True
        extra = 0 if self._keeper is None else self._keeper.extra_tokens()
        return sum(other.tokens for other in taken) + extra + place.tokens <= self._pool_tokens

    def _taken(self) -> list[Place]:
        return [*self._inside.values(), *self._ghosts.values()]
