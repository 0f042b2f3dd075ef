"""Whose turn it is: no more requests go to llama-server than it has slots for, or than its pool has room for.

llama-server would take any number and queue them itself, but there nobody can be told how many wait, and a pool that is
overfilled fails every running request at once (measured: "Context size has been exceeded.", 500 for all).

A ghost is a request that nobody waits for any more and that llama-server works on all the same (opta_ghosts.py): it keeps
its place.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from opta_slots import Wish


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
    # Which slot it would like; None: any.
    wish: Wish | None = None


class Slots(Protocol):
    """Who gets which slot: that it is a request's turn and which slot it gets are one decision."""

    def must_wait(self, wish: Wish | None) -> bool:
        """Whether this request waits for its own slot although others are free."""

    def extra_tokens(self) -> int:
        """What is taken of the pool beside what was granted."""

    def take(self, token: object, wish: Wish) -> None:
        """It is this request's turn."""

    def left(self, token: object) -> None:
        """Nothing is at work for it any more."""

    def is_seen_at_work(self, token: object) -> bool:
        """Whether llama-server said that its slot is."""


class Admission:
    """The queue and what is past it. All of it runs in the one event loop, so nothing here needs a lock."""

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
        self._let_in(place)

    def leave(self, token: object) -> None:
        """This request is over, wherever it was. A second call changes nothing."""
        self._waiting.pop(token, None)
        if self._inside.pop(token, None) is not None:
            self._let_go(token)
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
        promised what it may not have. Where it is known which slot each one has, those whose slots are not at work.
        """
        asked = [self._ghosts[token] for token in among]
        asked.sort(key=lambda place: (not self._is_seen_at_work(place.token), -place.tokens))
        for place in asked[max(0, left) :]:
            del self._ghosts[place.token]
            self._let_go(place.token)
        self._advance()

    def _advance(self) -> None:
        """Let in whoever is next for as long as there is room. Nobody overtakes the next one, however small, so that
        a large one's turn comes.
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

    def _next(self) -> tuple[Place, asyncio.Future[None]] | None:
        """Of those who run fewest, who came first: one developer's four agents do not hold up the other's first. Whoever
        waits for a slot of its own holds up nobody.
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
