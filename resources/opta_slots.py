"""Tracks what each slot of llama-server holds, and gives a request the slot that is cheapest to take.

Measured on b10068 and b10434: llama-server follows `id_slot` in a request's body. Without it, it takes a slot with 10 % similar
content (`-sps`), and all of Claude Code's conversations begin with the same system prompt: it took another agent's slot at nearly
every turn, and read 6,539 tokens of which 2,124 were new (issue 14).

This module only decides; opta_parking.py asks llama-server.
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
    """One slot. `tokens` is the most KV cache cells that it may use."""

    id: int
    holds: Conversation | None = None
    # The developer whose text it holds, also after a helper request; None: none, or unknown.
    developer: str | None = None
    tokens: int = 0
    # The prompt of its content; None: unknown.
    fingerprint: Fingerprint | None = None
    # Whether `tokens` is llama-server's own count, not an upper bound.
    is_counted: bool = False
    # Its content is from before this Router, or bypassed it.
    is_unknown: bool = False
    # All of its content is also in a file.
    is_saved: bool = False
    used_at: float = 0.0
    # The request that it works on, also after the client left.
    token: object | None = None

    @property
    def is_empty(self) -> bool:
        """Whether taking it costs nothing."""
        return self.holds is None and not self.is_unknown


class Wish(NamedTuple):
    """What a request asks for."""

    asked: Asked
    # Tokens that it may take of the pool, or of its slot's share.
    tokens: int


class Content(NamedTuple):
    """A slot's content at the time of a decision."""

    slot_id: int
    conversation: Conversation | None
    tokens: int
    fingerprint: Fingerprint | None
    is_counted: bool
    is_saved: bool


class Eviction(NamedTuple):
    """Content that leaves its slot. Without a conversation the slot is only cleared."""

    content: Content
    # Other slots need its cells; otherwise the new content replaces it.
    erase: bool


@dataclass(eq=False)
class Lease:
    """One request's slot, and what must happen before it is sent there."""

    token: object
    slot: SlotState
    asked: Asked
    tokens: int
    evictions: list[Eviction] = field(default_factory=list)
    # The slot's content is useless or another developer's: clear it.
    erase: bool = False
    # The slot doesn't hold the conversation: restore its file, if there is one.
    restore: bool = False
    # Tokens restored from a file, to be confirmed by the next answer's count; None: none.
    restored_tokens: int | None = None
    # The share of the file's text that this prompt begins with; None as above.
    restored_share: float | None = None
    # Runs until the slot is ready; None: it is ready.
    work: asyncio.Task[None] | None = None


class SlotTable:
    """All slots of this Studio. Everything runs in one event loop, so nothing here needs a lock."""

    def __init__(self, slots: int, pool_tokens: int | None, clock: Callable[[], float] = time.time) -> None:
        self._slots: Final = [SlotState(index) for index in range(slots)]
        self._pool_tokens: Final = pool_tokens
        self._clock: Final = clock
        # The conversation of each open request.
        self._claims: Final[dict[object, Conversation]] = {}
        # Tokens of the pool that a file takes beyond its request's own, while it is restored.
        self._extra: Final[dict[object, int]] = {}
        # The slots that llama-server last called busy.
        self._busy: frozenset[int] = frozenset()

    @property
    def slots(self) -> tuple[SlotState, ...]:
        """All of them, in llama-server's order."""
        return tuple(self._slots)

    def claim(self, token: object, conversation: Conversation) -> None:
        """This request of the conversation is waiting or running."""
        self._claims[token] = conversation

    def unclaim(self, token: object) -> None:
        """It ended, or its client left."""
        self._claims.pop(token, None)

    def is_at_work(self, conversation: Conversation) -> bool:
        """Whether a client waits for its answer."""
        return conversation in self._claims.values()

    def slot_of(self, conversation: Conversation) -> SlotState | None:
        """The slot that holds it."""
        return next((slot for slot in self._slots if slot.holds is conversation), None)

    def holds(self, conversation: Conversation) -> bool:
        """Whether a slot holds it."""
        return self.slot_of(conversation) is not None

    def must_wait(self, wish: Wish | None) -> bool:
        """Whether its own slot still works for a client that left: a short wait is cheaper than reading the conversation again
        in another slot.
        """
        own = None if wish is None or wish.asked.conversation is None else self.slot_of(wish.asked.conversation)
        return own is not None and own.token is not None

    def take(self, token: object, wish: Wish) -> Lease | None:
        """Give this request the slot that is cheapest to take; None: all are busy."""
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
        """Tokens of the pool that are neither granted nor hold anything; None: there is no pool."""
        if self._pool_tokens is None:
            return None
        return self._pool_tokens - sum(slot.tokens for slot in self._slots) - self.extra_tokens()

    def extra_tokens(self) -> int:
        """Tokens that files being restored take beyond those granted."""
        return sum(self._extra.values())

    def hold_extra(self, token: object, tokens: int) -> None:
        """A file of this request takes this many extra tokens; 0: no longer."""
        if tokens > 0:
            self._extra[token] = tokens
        else:
            self._extra.pop(token, None)

    def free(self, token: object, tokens: int | None = None) -> SlotState | None:
        """llama-server no longer works on this request; `tokens` is what its slot now holds, if known. Returns the slot.
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
        """A new llama-server runs: its slots are empty."""
        for slot in self._slots:
            granted = slot.tokens if slot.token is not None else 0
            self.empty(slot)
            # A request on its way may still arrive in the new one.
            slot.tokens, slot.is_unknown = granted, slot.token is not None

    def empty(self, slot: SlotState) -> None:
        """Mark the slot as empty."""
        slot.holds = slot.developer = slot.fingerprint = None
        slot.tokens, slot.is_counted, slot.is_saved, slot.is_unknown = 0, False, False, False

    def note_busy(self, slots: Collection[int]) -> None:
        """llama-server says that these are busy."""
        self._busy = frozenset(slots)

    def is_seen_at_work(self, token: object) -> bool:
        """Whether llama-server said that this request's slot is busy."""
        return any(slot.token is token and slot.id in self._busy for slot in self._slots)

    def _choose(self, asked: Asked) -> SlotState | None:
        idle = [slot for slot in self._slots if slot.token is None]
        content = asked.conversation or asked.within
        own = next((slot for slot in idle if content is not None and slot.holds is content), None)
        if own is not None or not idle:
            return own
        # Empty slots first, then unknown ones, then the least recently used.
        return min(idle, key=lambda slot: (not slot.is_empty, not slot.is_unknown, slot.used_at))

    def _make_room(self) -> list[Eviction]:
        """Idle slots' content plus granted tokens must fit the pool: otherwise llama-server clears the first idle slot that it finds
        (server-context.cpp, try_clear_idle_slots), saved or not.
        """
        evictions: list[Eviction] = []
        idle = sorted((slot for slot in self._slots if slot.token is None), key=lambda slot: slot.used_at)
        for slot in idle:
            free = self.free_tokens()
            if free is None:
                break
            # The size of an unknown slot's content is unknown too.
            if not slot.is_unknown and (free >= 0 or slot.tokens == 0):
                continue
            evictions.append(Eviction(content_of(slot), erase=True))
            self.empty(slot)
        return evictions


def content_of(slot: SlotState) -> Content:
    """The slot's present content."""
    return Content(slot.id, slot.holds, slot.tokens, slot.fingerprint, slot.is_counted, slot.is_saved)
