"""Whose turn it is: no more requests go to llama-server than it has slots for, or than its pool has room for.

llama-server would take any number and queue them itself, but there nobody can be told how many wait, and a pool that is
overfilled fails every running request at once (measured: "Context size has been exceeded.", 500 for all).

A ghost is a request that nobody waits for any more and that llama-server works on all the same (opta_ghosts.py): it keeps
its place.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection


class QueueFullError(Exception):
    """As many wait as may wait; `waiting` is how many."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} wait")
        self.waiting: Final = waiting


class ClientGoneError(Exception):
    """Whoever asked has left before it was their turn."""


class ClosedError(Exception):
    """Nobody is let in any more."""


class Place(NamedTuple):
    """A request in the queue or past it. Compared by identity of the token, so that two alike stay two."""

    token: object
    developer: str
    tokens: int


class Admission:
    """The queue and what is past it. All of it runs in the one event loop, so nothing here needs a lock."""

    def __init__(self, slots: int, pool_tokens: int | None, queue_limit: int) -> None:
        self._slots = slots
        self._pool_tokens: Final = pool_tokens
        self._queue_limit: Final = queue_limit
        self._inside: dict[object, Place] = {}
        self._ghosts: dict[object, Place] = {}
        self._waiting: dict[object, tuple[Place, asyncio.Future[None]]] = {}
        self._is_closed = False

    async def enter(self, place: Place, gone: Callable[[], Awaitable[None]]) -> None:
        """Return when it is this request's turn. `gone()` ends when its client leaves.

        Raises QueueFullError at once when nobody more may wait, ClientGoneError when the client left first, ClosedError
        when the queue was closed before.
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
            # Also when this very task is cancelled while it waits.
            leaving.cancel()
            if self._waiting.pop(place.token, None) is not None:
                self._advance()

    def close(self) -> None:
        """Nobody is let in any more; who waits is told. Who is inside stays."""
        self._is_closed = True
        waiting = [turn for _, turn in self._waiting.values()]
        self._waiting.clear()
        for turn in waiting:
            turn.set_exception(ClosedError())

    def resize(self, slots: int) -> None:
        """There are so many slots now. Who is past the queue stays there."""
        self._slots = slots
        self._advance()

    def enter_unasked(self, place: Place) -> None:
        """Past the queue at once: for a message that must not wait behind those whose way it tests."""
        self._inside[place.token] = place

    def leave(self, token: object) -> None:
        """This request is over, wherever it was. A second call changes nothing."""
        self._waiting.pop(token, None)
        self._inside.pop(token, None)
        self._advance()

    def leave_ghost(self, token: object) -> bool:
        """This request's client is gone and its work goes on. Answers whether there is a ghost of it now."""
        place = self._inside.pop(token, None)
        if place is None:
            self.leave(token)
            return False
        self._ghosts[token] = place
        return True

    def running(self) -> frozenset[object]:
        """Those past the queue whose clients are there."""
        return frozenset(self._inside)

    def ghosts(self) -> frozenset[object]:
        """Those whose clients are not."""
        return frozenset(self._ghosts)

    def end_ghosts(self, among: Collection[object], left: int) -> None:
        """Of these ghosts so many are still worked on. Which ones nobody says: the largest, so that a pool is never
        promised what it may not have.
        """
        asked = sorted((self._ghosts[token] for token in among), key=lambda place: -place.tokens)
        for place in asked[max(0, left) :]:
            del self._ghosts[place.token]
        self._advance()

    def _advance(self) -> None:
        """Let in whoever is next for as long as there is room. Nobody overtakes the next one, however small, so that
        a large one's turn comes.
        """
        while self._waiting:
            place, turn = self._next()
            if not self._has_room_for(place):
                return
            del self._waiting[place.token]
            self._inside[place.token] = place
            turn.set_result(None)

    def _may_wait(self, place: Place) -> bool:
        """One developer's many agents do not keep out the other's first, whose turn would come before theirs: whoever
        has nobody waiting gets in although the queue is full, as long as not half of those who wait did.

        A ghost's place is free as soon as llama-server has noticed: whoever waits for that one is not one too many. So an
        agent that stops its requests and asks anew at once is not turned away from slots in which nobody is served.
        """
        waiting = len(self._waiting)
        most = self._queue_limit + len(self._ghosts)
        if waiting <= most:
            return True
        own = sum(other.developer == place.developer for other, _ in self._waiting.values())
        return own == 1 and waiting <= most + self._queue_limit

    def _next(self) -> tuple[Place, asyncio.Future[None]]:
        """Of those who run fewest, who came first: one developer's four agents do not hold up the other's first."""
        running = Counter(place.developer for place in self._taken())
        return min(self._waiting.values(), key=lambda waiting: running[waiting[0].developer])

    def _has_room_for(self, place: Place) -> bool:
        taken = self._taken()
        if len(taken) >= self._slots:
            return False
        if self._pool_tokens is None or not taken:
            return True
        return sum(other.tokens for other in taken) + place.tokens <= self._pool_tokens

    def _taken(self) -> list[Place]:
        return [*self._inside.values(), *self._ghosts.values()]
