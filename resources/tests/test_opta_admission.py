"""The queue without a server: order, room, and that no request is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from opta_admission import Admission, ClientGoneError, ClosedError, Place, QueueFullError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Queue:
    """Uses names for requests, and records the order of admission."""

    def __init__(self, slots: int, pool_tokens: int | None = None, queue_limit: int = 100) -> None:
        self.admission = Admission(slots, pool_tokens, queue_limit)
        self.inside: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.left: dict[str, asyncio.Event] = {}

    async def come(self, name: str, developer: str = "anna", tokens: int = 0) -> None:
        """A request arrives; afterwards it is admitted, waiting, or refused."""
        self.left[name] = asyncio.Event()

        async def gone() -> None:
            await self.left[name].wait()

        async def enter() -> None:
            await self.admission.enter(Place(name, developer, tokens), gone)
            self.inside.append(name)

        self.tasks[name] = asyncio.create_task(enter())
        await settle()

    async def end(self, name: str) -> None:
        """An admitted request ends."""
        self.admission.leave(name)
        await settle()


async def settle() -> None:
    """Run everything that can run."""
    for _ in range(10):
        await asyncio.sleep(0)


def run(story: Callable[[], Awaitable[None]]) -> None:
    """Run one story."""
    asyncio.run(asyncio.wait_for(story(), 5))  # type: ignore[arg-type]


def test_admits_as_many_as_slots_then_in_order() -> None:
    async def story() -> None:
        queue = Queue(slots=2)
        for name in "abcd":
            await queue.come(name)
        assert queue.inside == ["a", "b"]
        await queue.end("b")
        assert queue.inside == ["a", "b", "c"]
        await queue.end("a")
        await queue.end("a")
        assert queue.inside == ["a", "b", "c", "d"]

    run(story)


def test_one_developers_agents_do_not_delay_anothers_first_request() -> None:
    async def story() -> None:
        queue = Queue(slots=2)
        for name in "abcd":
            await queue.come(name, "anna")
        await queue.come("x", "ben")
        await queue.come("y", "ben")
        await queue.end("a")
        assert queue.inside[-1] == "x"
        await queue.end("b")
        assert queue.inside[-1] == "c"

    run(story)


def test_refuses_at_once_when_the_queue_is_full() -> None:
    async def story() -> None:
        queue = Queue(slots=1, queue_limit=1)
        for name in "abc":
            await queue.come(name)
        with pytest.raises(QueueFullError):
            queue.tasks["c"].result()
        await queue.end("a")
        await queue.end("b")
        await queue.come("d")
        assert queue.inside == ["a", "b", "d"]

    run(story)


def test_a_full_queue_still_takes_a_developers_first_waiting_request() -> None:
    async def story() -> None:
        queue = Queue(slots=1, queue_limit=2)
        for name in ("a", "b", "c", "d"):
            await queue.come(name, "anna")
        await queue.come("x", "ben")
        await queue.come("y", "ben")
        await queue.come("p", "cleo")
        # Four with a limit of two: as many again as the queue holds.
        await queue.come("q", "dora")
        refused = [name for name, task in queue.tasks.items() if task.done() and task.exception() is not None]
        assert refused == ["d", "y", "q"]
        with pytest.raises(QueueFullError, match="4 wait"):
            queue.tasks["q"].result()
        for name in "abcx":
            await queue.end(name)
        assert queue.inside == ["a", "b", "c", "x", "p"]

    run(story)


def test_a_queue_limit_of_zero_lets_none_wait() -> None:
    async def story() -> None:
        queue = Queue(slots=1, queue_limit=0)
        await queue.come("a", "anna")
        await queue.come("x", "ben")
        with pytest.raises(QueueFullError):
            queue.tasks["x"].result()

    run(story)


def test_a_request_may_wait_for_a_ghosts_place_beyond_the_limit() -> None:
    async def story() -> None:
        queue = Queue(slots=2, queue_limit=1)
        for name in "ab":
            await queue.come(name)
            queue.admission.leave_ghost(name)
        for name in "cdef":
            await queue.come(name)
        refused = [name for name, task in queue.tasks.items() if task.done() and task.exception() is not None]
        assert refused == ["f"]
        queue.admission.end_ghosts(["a", "b"], 0)
        await settle()
        assert queue.inside == ["a", "b", "c", "d"]
        # The ghosts are gone, and with them the extra places.
        await queue.come("g")
        with pytest.raises(QueueFullError):
            queue.tasks["g"].result()

    run(story)


def test_follows_a_change_in_the_number_of_slots() -> None:
    async def story() -> None:
        queue = Queue(slots=2)
        await queue.come("a")
        queue.admission.resize(1)
        for name in "bcd":
            await queue.come(name)
        assert queue.inside == ["a"]
        queue.admission.resize(3)
        await settle()
        assert queue.inside == ["a", "b", "c"]

    run(story)


def test_skips_a_client_that_left_the_queue() -> None:
    async def story() -> None:
        queue = Queue(slots=1)
        for name in "abcd":
            await queue.come(name)
        queue.left["b"].set()
        await settle()
        with pytest.raises(ClientGoneError):
            queue.tasks["b"].result()
        queue.tasks["c"].cancel()
        await settle()
        await queue.end("a")
        assert queue.inside == ["a", "d"]

    run(story)


def test_ignores_a_client_that_leaves_after_admission() -> None:
    async def story() -> None:
        queue = Queue(slots=1)
        await queue.come("a")
        queue.left["a"].set()
        await queue.come("b")
        assert queue.inside == ["a"]
        await queue.end("a")
        assert queue.inside == ["a", "b"]

    run(story)


def test_closing_refuses_new_and_waiting_requests() -> None:
    async def story() -> None:
        queue = Queue(slots=1)
        for name in "abc":
            await queue.come(name)
        queue.admission.close()
        await settle()
        for name in "bc":
            with pytest.raises(ClosedError):
                await queue.tasks[name]
        await queue.come("late")
        with pytest.raises(ClosedError):
            await queue.tasks["late"]
        await queue.end("a")
        assert queue.inside == ["a"]

    run(story)


def test_never_overcommits_a_pool() -> None:
    async def story() -> None:
        queue = Queue(slots=4, pool_tokens=100)
        await queue.come("a", tokens=40)
        await queue.come("b", tokens=40)
        await queue.come("large", tokens=60)
        # It would fit, but then the large one would never run.
        await queue.come("small", tokens=10)
        assert queue.inside == ["a", "b"]
        await queue.end("a")
        assert queue.inside == ["a", "b", "large"]
        await queue.end("b")
        assert queue.inside == ["a", "b", "large", "small"]

    run(story)


def test_a_request_larger_than_the_pool_runs_alone() -> None:
    async def story() -> None:
        queue = Queue(slots=4, pool_tokens=100)
        await queue.come("a", tokens=10)
        await queue.come("huge", tokens=1000)
        assert queue.inside == ["a"]
        await queue.end("a")
        await queue.come("b", tokens=1)
        assert queue.inside == ["a", "huge"]
        await queue.end("huge")
        assert queue.inside == ["a", "huge", "b"]

    run(story)


def test_our_own_message_does_not_wait_but_counts() -> None:
    async def story() -> None:
        queue = Queue(slots=1)
        await queue.come("a")
        queue.admission.enter_unasked(Place("own", "opta-nexus", 1))
        await queue.end("a")
        await queue.come("b")
        assert queue.inside == ["a"]
        await queue.end("own")
        assert queue.inside == ["a", "b"]

    run(story)
