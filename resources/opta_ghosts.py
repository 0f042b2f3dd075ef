"""Keeps the place of a request whose client left while llama-server still works on it.

Measured on b10068, streaming or not, directly or through LiteLLM: llama-server checks once a second whether the client is
there, and drops the request when the current batch ends. That took 1 to 5 s with -b 256 and 20 to 27 s with -b 2048, on two busy
cores and a small model; a 70B model takes as long. A request admitted meanwhile would queue invisibly inside llama-server, or
overfill a pool, which fails every running request.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from opta_admission import Admission

logger: Final = logging.getLogger("opta_router")

# As often as llama-server itself checks for its client.
LOOK_EVERY_S: Final = 1.0
# Six times the longest expected batch (2,048 tokens on a 70B model: 12 to 20 s): by then llama-server has dropped all of them.
GIVE_UP_AFTER_S: Final = 120.0


class GhostWatch:
    """Polls the slots, but only while there are ghosts."""

    def __init__(
        self,
        admission: Admission,
        count_busy_slots: Callable[[], Awaitable[int | None]],
        is_here: Callable[[object], bool] = lambda _: True,
        look_every_s: float = LOOK_EVERY_S,
        give_up_after_s: float = GIVE_UP_AFTER_S,
    ) -> None:
        """`is_here` says whether a running request is in the slots that are polled."""
        self._admission: Final = admission
        self._count_busy_slots: Final = count_busy_slots
        self._is_here: Final = is_here
        self._look_every_s: Final = look_every_s
        self._give_up_after_s: Final = give_up_after_s
        self._watching: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start polling: there is a ghost."""
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
            # One query at a time: b10068 answers only between batches.
            busy = await self._count_busy_slots()
            if busy is not None:
                # Count only requests that ran the whole time: a new one may not be in its slot yet, and a finished one has left it.
                self._admission.end_ghosts(ghosts, busy - len(running & earlier & self._running_here()))
                earlier = running
            self._give_up({ghost for ghost, at in seen_at.items() if now() - at >= self._give_up_after_s})

    def _give_up(self, old: set[object]) -> None:
        """End old ghosts that are still unclear: the server is silent, or always has newcomers that may or may not be in the slots
        that it reports.
        """
        still = self._admission.ghosts() & old
        if still:
            logger.warning("llama-server may still work on %d abandoned requests after %.0f s", len(still), self._give_up_after_s)
            self._admission.end_ghosts(still, 0)

    def _running_here(self) -> frozenset[object]:
        return frozenset(token for token in self._admission.running() if self._is_here(token))
