"""Requests whose clients left, without a server: how long they keep their places."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from opta_admission import Admission, Place
from opta_ghosts import GhostWatch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LOOK_EVERY_S = 0.001
FOREVER_S = 1e9


class Studio:
    """Slots whose state the test sets, poll by poll."""

    def __init__(self, slots: int, pool_tokens: int | None = None, give_up_after_s: float = FOREVER_S) -> None:
        self.admission = Admission(slots, pool_tokens, 100)
        self._watch = GhostWatch(
            self.admission, self._look, look_every_s=LOOK_EVERY_S, give_up_after_s=give_up_after_s
        )
        self._asked: asyncio.Queue[None] = asyncio.Queue()
        self._answers: asyncio.Queue[int | None] = asyncio.Queue()

    async def _look(self) -> int | None:
        self._asked.put_nowait(None)
        return await self._answers.get()

    async def until_asked(self) -> None:
        """Wait for the next poll."""
        await self._asked.get()

    def say(self, busy: int | None) -> None:
        """Answer it."""
        self._answers.put_nowait(busy)

    async def look(self, busy: int | None) -> None:
        """Answer the next poll, and run what follows."""
        await self.until_asked()
        self.say(busy)
        for _ in range(10):
            await asyncio.sleep(0)

    def come(self, name: str, tokens: int = 0) -> asyncio.Task[None]:
        """A request whose client stays."""
        return asyncio.create_task(self.admission.enter(Place(name, "anna", tokens), asyncio.Event().wait))

    def hang_up(self, name: str) -> None:
        """Its client leaves."""
        if self.admission.leave_ghost(name):
            self._watch.begin()

    @property
    def inside(self) -> set[object]:
        """Admitted requests whose clients stay."""
        return set(self.admission.running())


async def settle() -> None:
    """Run everything that can run."""
    for _ in range(10):
        await asyncio.sleep(0)


def run(story: Callable[[], Awaitable[None]]) -> None:
    """Run one story."""
    asyncio.run(asyncio.wait_for(story(), 5))  # type: ignore[arg-type]


def test_a_ghost_keeps_its_place_until_the_slots_show_its_end() -> None:
    async def story() -> None:
        studio = Studio(slots=2)
        for name in ("a", "b", "waits"):
            studio.come(name)
        await settle()
        studio.hang_up("a")
        await studio.look(2)
        await studio.look(2)
        assert studio.inside == {"b"}
        await studio.look(1)
        assert studio.inside == {"b", "waits"}
        assert not studio.admission.ghosts()

    run(story)


def test_keeps_the_tokens_of_the_larger_of_two_ghosts() -> None:
    async def story() -> None:
        studio = Studio(slots=4, pool_tokens=100)
        studio.come("large", 60)
        studio.come("small", 30)
        studio.come("waits", 20)
        await settle()
        studio.hang_up("small")
        studio.hang_up("large")
        await studio.look(1)
        assert studio.admission.ghosts() == {"large"}
        assert studio.inside == {"waits"}
        await studio.look(1)
        # The busy slot can only be the newcomer's if it had time to get there.
        assert studio.admission.ghosts() == {"large"}
        await studio.look(1)
        assert not studio.admission.ghosts()

    run(story)


def test_a_poll_does_not_count_for_a_client_that_leaves_during_it() -> None:
    async def story() -> None:
        studio = Studio(slots=3)
        for name in ("a", "b", "waits", "waits-too"):
            studio.come(name)
        await settle()
        studio.hang_up("a")
        await studio.until_asked()
        studio.hang_up("b")
        studio.say(0)
        await settle()
        assert studio.admission.ghosts() == {"b"}
        await studio.look(0)
        assert not studio.admission.ghosts()

    run(story)


def test_a_request_that_ends_during_a_poll_is_in_no_slot() -> None:
    async def story() -> None:
        studio = Studio(slots=2)
        for name in ("a", "b", "waits"):
            studio.come(name)
        await settle()
        studio.hang_up("a")
        await studio.until_asked()
        studio.admission.leave("b")
        # The ghost's: the other one is over.
        studio.say(1)
        await settle()
        assert studio.admission.ghosts() == {"a"}
        assert studio.inside == {"waits"}

    run(story)


def test_gives_up_a_ghost_despite_constant_newcomers() -> None:
    async def story() -> None:
        studio = Studio(slots=2, give_up_after_s=20 * LOOK_EVERY_S)
        studio.come("a")
        await settle()
        studio.hang_up("a")
        looks = 0
        while studio.admission.ghosts():
            studio.come(f"short-{looks}")
            await studio.look(1)
            studio.admission.leave(f"short-{looks}")
            looks += 1
        assert looks > 1

    run(story)


def test_waits_for_a_silent_server_only_for_a_limited_time() -> None:
    async def story() -> None:
        patient, impatient = Studio(slots=1), Studio(slots=1, give_up_after_s=0)
        for studio in (patient, impatient):
            studio.come("a")
            studio.come("waits")
            await settle()
            studio.hang_up("a")
            await studio.look(None)
        assert patient.inside == set()
        assert impatient.inside == {"waits"}
        await patient.look(0)
        assert patient.inside == {"waits"}

    run(story)


def test_polls_again_for_the_next_ghost() -> None:
    async def story() -> None:
        studio = Studio(slots=1)
        for name in ("a", "b"):
            studio.come(name)
            await settle()
            studio.hang_up(name)
            await studio.look(0)
            assert not studio.admission.ghosts()

    run(story)


def test_a_request_that_was_never_admitted_leaves_no_ghost() -> None:
    async def story() -> None:
        studio = Studio(slots=1)
        studio.come("a")
        waiting = studio.come("waits")
        await settle()
        assert not studio.admission.leave_ghost("waits")
        waiting.cancel()
        assert not studio.admission.leave_ghost("never-came")
        assert not studio.admission.ghosts()

    run(story)
