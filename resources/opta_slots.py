"""What each slot of llama-server holds, and which one a request gets: the one that costs least to take.

Measured on b10068 and b10434: `id_slot` in a request's body is kept to. Without it llama-server takes the slot whose content
is alike from 10 % on (`-sps`), and every conversation of Claude Code begins with the same system prompt: the slot that holds
another agent's conversation was taken at nearly every turn, and 6,539 tokens were read where 2,124 were new (issue 14).

Nothing here asks llama-server anything; opta_parking.py carries out what is decided.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Collection

    from opta_conversations import Asked, Conversation, Fingerprint


@dataclass(eq=False)
class SlotState:
    """One slot. Tokens are cells of the KV cache that it may take at most."""

    id: int
    holds: Conversation | None = None
    # Whose text is in it, also after a helper's request; None: nobody's, or not known.
    developer: str | None = None
    tokens: int = 0
    # The prompt behind its content; None: not known.
    fingerprint: Fingerprint | None = None
    # Whether `tokens` is llama-server's own count and not the most that it can be.
    is_counted: bool = False
    # What is in it was there before this Router, or came past it.
    is_unknown: bool = False
    # All of its content is in a file as well.
    is_saved: bool = False
    used_at: float = 0.0
    # The request at work in it, or the one whose client has left.
    token: object | None = None

    @property
    def is_empty(self) -> bool:
        """Whether taking it costs nothing."""
        return self.holds is None and not self.is_unknown


class Wish(NamedTuple):
    """What a request would like."""

    asked: Asked
    # Tokens of the pool that it may take, or of its slot's share.
    tokens: int


class Content(NamedTuple):
    """What a slot held when it was decided about it."""

    slot_id: int
    conversation: Conversation | None
    tokens: int
    fingerprint: Fingerprint | None
    is_counted: bool
    is_saved: bool


class Eviction(NamedTuple):
    """What leaves its slot. Without a conversation it is only cleared."""

    content: Content
    # Its cells are needed by others; else what comes into the slot replaces it.
    erase: bool


@dataclass(eq=False)
class Lease:
    """One request's slot, and what must happen before it is sent there."""

    token: object
    slot: SlotState
    asked: Asked
    tokens: int
    evictions: list[Eviction] = field(default_factory=list)
    # The slot's content is of no use, or another developer's: it is cleared.
    erase: bool = False
    # The conversation was not in its slot: its file is read, if there is one.
    restore: bool = False
    # Tokens that were brought back from a file, for the next answer's own count to confirm; None: none were.
    restored_tokens: int | None = None
    # Text in the file that this prompt begins with, of the text in the file; None as above.
    restored_share: float | None = None
    # Under way until the slot is ready; None: it is.
    work: asyncio.Task[None] | None = None


class SlotTable:
    """All slots of this Studio. All of it runs in the one event loop, so nothing here needs a lock."""

    def __init__(self, slots: int, pool_tokens: int | None, clock: Callable[[], float] = time.time) -> None:
        self._slots: Final = [SlotState(index) for index in range(slots)]
        self._pool_tokens: Final = pool_tokens
        self._clock: Final = clock
        # Requests that were asked and are not over, with the conversation of each.
        self._claims: Final[dict[object, Conversation]] = {}
        # What a file takes of the pool beyond its request's own tokens, while it is read.
        self._extra: Final[dict[object, int]] = {}
        # Which slots llama-server last said are at work.
        self._busy: frozenset[int] = frozenset()

    @property
    def slots(self) -> tuple[SlotState, ...]:
        """All of them, in llama-server's order."""
        return tuple(self._slots)

    def claim(self, token: object, conversation: Conversation) -> None:
        """This request of the conversation is waiting or running."""
        self._claims[token] = conversation

    def unclaim(self, token: object) -> None:
        """It is over, or its client has left."""
        self._claims.pop(token, None)

    def is_at_work(self, conversation: Conversation) -> bool:
        """Whether a client waits for an answer in it."""
        return conversation in self._claims.values()

    def slot_of(self, conversation: Conversation) -> SlotState | None:
        """The slot that holds it."""
        return next((slot for slot in self._slots if slot.holds is conversation), None)

    def holds(self, conversation: Conversation) -> bool:
        """Whether some slot does."""
        return self.slot_of(conversation) is not None

    def must_wait(self, wish: Wish | None) -> bool:
        """Whether its own slot is still worked in for a client that has left: a moment's wait costs less than reading the
        conversation again in another slot.
        """
        own = None if wish is None or wish.asked.conversation is None else self.slot_of(wish.asked.conversation)
        return own is not None and own.token is not None

    def take(self, token: object, wish: Wish) -> Lease | None:
        """The slot that costs least to take, for this request; None: all are at work."""
        asked = wish.asked
        slot = self._choose(asked)
        if slot is None:
            return None
        lease = Lease(token, slot, asked, wish.tokens)
        content = asked.conversation or (asked.within if slot.holds is asked.within else None)
        if content is None or slot.holds is not content:
            lease.erase = slot.is_unknown or slot.developer not in (None, asked.developer)
            lease.restore = content is not None
            if slot.holds is not None:
                lease.evictions.append(Eviction(content_of(slot), erase=False))
            slot.holds = content
        slot.developer, slot.token, slot.is_unknown = asked.developer, token, False
        slot.tokens, slot.is_counted, slot.is_saved = wish.tokens, False, False
        slot.fingerprint = asked.fingerprint
        slot.used_at = self._clock()
        lease.evictions.extend(self._make_room())
        return lease

    def free_tokens(self) -> int | None:
        """How much of the pool neither is granted nor holds anything; None: there is no pool."""
        if self._pool_tokens is None:
            return None
        return self._pool_tokens - sum(slot.tokens for slot in self._slots) - self.extra_tokens()

    def extra_tokens(self) -> int:
        """What the files that are being read take beyond what was granted."""
        return sum(self._extra.values())

    def hold_extra(self, token: object, tokens: int) -> None:
        """Such a file is being read for this request; 0: no longer."""
        if tokens > 0:
            self._extra[token] = tokens
        else:
            self._extra.pop(token, None)

    def free(self, token: object, tokens: int | None = None) -> SlotState | None:
        """Nothing is at work for this request any more; `tokens` is what its slot holds now, where that was told. Answers
        the slot.
        """
        slot = next((slot for slot in self._slots if slot.token is token), None)
        if slot is None:
            return None
        slot.token = None
        slot.used_at = self._clock()
        if tokens is not None:
            slot.tokens, slot.is_counted = tokens, True
        return slot

    def forget_all(self) -> None:
        """Another llama-server runs now: its slots are empty."""
        for slot in self._slots:
            granted = slot.tokens if slot.token is not None else 0
            self.empty(slot)
            # What is on its way may still arrive in the new one.
            slot.tokens, slot.is_unknown = granted, slot.token is not None

    def empty(self, slot: SlotState) -> None:
        """There is nothing in it any more."""
        slot.holds = slot.developer = slot.fingerprint = None
        slot.tokens, slot.is_counted, slot.is_saved, slot.is_unknown = 0, False, False, False

    def note_busy(self, slots: Collection[int]) -> None:
        """llama-server says that these are at work."""
        self._busy = frozenset(slots)

    def is_seen_at_work(self, token: object) -> bool:
        """Whether llama-server said that this request's slot is."""
        return any(slot.token is token and slot.id in self._busy for slot in self._slots)

    def _choose(self, asked: Asked) -> SlotState | None:
        idle = [slot for slot in self._slots if slot.token is None]
        content = asked.conversation or asked.within
        own = next((slot for slot in idle if content is not None and slot.holds is content), None)
        if own is not None or not idle:
            return own
        # Empty ones first, then those of which nothing is known, then what was used longest ago.
        return min(idle, key=lambda slot: (not slot.is_empty, not slot.is_unknown, slot.used_at))

    def _make_room(self) -> list[Eviction]:
        """What idle slots hold beside what was granted must fit the pool: llama-server would clear the first that it finds
        (server-context.cpp, try_clear_idle_slots), saved or not.
        """
        evictions: list[Eviction] = []
        idle = sorted((slot for slot in self._slots if slot.token is None), key=lambda slot: slot.used_at)
        for slot in idle:
            free = self.free_tokens()
            if free is None:
                break
            # What is in an unknown one takes nobody knows how much.
            if not slot.is_unknown and (free >= 0 or slot.tokens == 0):
                continue
            evictions.append(Eviction(content_of(slot), erase=True))
            self.empty(slot)
        return evictions


def content_of(slot: SlotState) -> Content:
    """What the slot holds now."""
    return Content(slot.id, slot.holds, slot.tokens, slot.fingerprint, slot.is_counted, slot.is_saved)
