"""Keeps the place of a request whose client has left for as long as llama-server goes on working on it.

Measured on b10068, streaming or not, asked directly or through LiteLLM: llama-server looks once a second whether the
client is there, and lets go of the request when the batch that it is in ends. That was 1 to 5 s with -b 256 and 20 to
27 s with -b 2048, on two busy cores and a small model; a 70B model takes as long. Whoever were let in meanwhile would be
queued inside llama-server where nobody sees it, or overfill a pool, which fails every request that runs.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from opta_admission import Admission

logger: Final = logging.getLogger("opta_router")

# As often as llama-server itself looks whether a client has left.
LOOK_EVERY_S: Final = 1.0
# Six times the longest batch to expect (2,048 tokens on a 70B model: 12 to 20 s): by then none is worked on any more.
GIVE_UP_AFTER_S: Final = 120.0


class GhostWatch:
    """Looks at the slots while there are ghosts, and never otherwise."""

    def __init__(
        self,
        admission: Admission,
        count_busy_slots: Callable[[], Awaitable[int | None]],
        is_here: Callable[[object], bool] = lambda _: True,
        look_every_s: float = LOOK_EVERY_S,
        give_up_after_s: float = GIVE_UP_AFTER_S,
    ) -> None:
        """`is_here` tells which of those that run do so in the slots that are looked at."""
        self._admission: Final = admission
        self._count_busy_slots: Final = count_busy_slots
        self._is_here: Final = is_here
        self._look_every_s: Final = look_every_s
        self._give_up_after_s: Final = give_up_after_s
        self._watching: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """There is a ghost now."""
        if self._watching is None:
            self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        try:
            await self._look_until_none_is_left()
        finally:
            self._watching = None

    async def _look_until_none_is_left(self) -> None:
        now = asyncio.get_running_loop().time
        seen_at: dict[object, float] = {}
        earlier = self._running_here()
        while ghosts := self._admission.ghosts():
            seen_at = {ghost: seen_at.get(ghost, now()) for ghost in ghosts}
            await asyncio.sleep(self._look_every_s)
            running = self._running_here()
            # One question at a time: b10068 answers between two batches only.
            busy = await self._count_busy_slots()
            if busy is not None:
                # Who was let in a moment ago is still on the way and in no slot; who ended meanwhile is in none any more.
                self._admission.end_ghosts(ghosts, busy - len(running & earlier & self._running_here()))
                earlier = running
            self._give_up({ghost for ghost, at in seen_at.items() if now() - at >= self._give_up_after_s})

    def _give_up(self, old: set[object]) -> None:
        """Those that nothing has ended, neither a server that is silent nor one that is never without newcomers, who may or
        may not be in the slots that it tells.
        """
        still = self._admission.ghosts() & old
        if still:
            logger.warning("%d abandoned requests may still be worked on after %.0f s", len(still), self._give_up_after_s)
            self._admission.end_ghosts(still, 0)

    def _running_here(self) -> frozenset[object]:
        return frozenset(token for token in self._admission.running() if self._is_here(token))
