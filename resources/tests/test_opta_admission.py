"""The queue without a server: order, room, and that no request is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from opta_admission import Admission, ClientGoneError, ClosedError, Place, QueueFullError
from opta_conversations import Asked, Fingerprint
from opta_slots import Wish

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Keeper:
    """Records what the queue tells the keeper of the slots, and answers what the test says."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.waits: list[Wish] = []
        self.extra = 0
        self.at_work: set[object] = set()

    def must_wait(self, wish: Wish | None) -> bool:
        return wish in self.waits

    def extra_tokens(self) -> int:
        return self.extra

    def take(self, token: object, wish: Wish) -> None:
        self.told.append(f"{token} takes a slot for {wish.tokens}")

    def left(self, token: object) -> None:
        self.told.append(f"{token} left")

    def is_seen_at_work(self, token: object) -> bool:
        return token in self.at_work


class Queue:
    """Uses names for requests, and records the order of admission."""

    def __init__(
        self, slots: int, pool_tokens: int | None = None, queue_limit: int = 100, keeper: Keeper | None = None
    ) -> None:
        self.admission = Admission(slots, pool_tokens, queue_limit, keeper)
        self.inside: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.left: dict[str, asyncio.Event] = {}
        # Requests whose clients are watched, to see them leave.
        self.watched: set[str] = set()

    async def come(
        self, name: str, developer: str = "anna", tokens: int = 0, wish: Wish | None = None
    ) -> None:
        """A request arrives; afterwards it is admitted, waiting, or refused."""
        self.left[name] = asyncio.Event()

        async def gone() -> None:
            self.watched.add(name)
            try:
                await self.left[name].wait()
            finally:
                self.watched.discard(name)

        async def enter() -> None:
            await self.admission.enter(Place(name, developer, tokens, wish), gone)
            self.inside.append(name)

        self.tasks[name] = asyncio.create_task(enter())
        await settle()

    async def end(self, name: str) -> None:
        """An admitted request ends."""
        self.admission.leave(name)
        await settle()


def wish_for(tokens: int) -> Wish:
    """A helper request's."""
    return Wish(Asked("anna", Fingerprint(b"", (), 0), None), tokens)


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


def test_a_full_queue_does_not_keep_out_a_request_that_fits() -> None:
    async def story() -> None:
        queue = Queue(slots=8, pool_tokens=100, queue_limit=1)
        for size, tokens in (("first", 30), ("large", 50)):
            for developer in ("anna", "cleo"):
                await queue.come(f"{developer}'s {size}", developer, tokens=tokens)
        await queue.come("ben's first", "ben", tokens=40)
        assert queue.inside == ["anna's first", "cleo's first", "ben's first"]

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


def test_closing_refuses_a_request_that_now_fits_too() -> None:
    async def story() -> None:
        queue = Queue(slots=4, pool_tokens=100)
        await queue.come("a", tokens=60)
        await queue.come("large", tokens=50)
        await queue.come("small", tokens=40)
        queue.admission.close()
        await settle()
        for name in ("large", "small"):
            with pytest.raises(ClosedError):
                await queue.tasks[name]

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


def test_a_waiting_request_can_be_taken_back() -> None:
    async def story() -> None:
        queue = Queue(slots=1)
        for name in "abc":
            await queue.come(name)
        await queue.end("b")
        await queue.end("a")
        assert queue.inside == ["a", "c"]

    run(story)


def test_a_client_that_leaves_makes_way_for_a_smaller_request() -> None:
    async def story() -> None:
        queue = Queue(slots=4, pool_tokens=100)
        await queue.come("a", tokens=60)
        await queue.come("large", tokens=50)
        await queue.come("small", tokens=40)
        assert queue.inside == ["a"]
        queue.left["large"].set()
        await settle()
        with pytest.raises(ClientGoneError):
            queue.tasks["large"].result()
        assert queue.inside == ["a", "small"]

    run(story)


def test_no_client_is_watched_after_its_turn() -> None:
    async def story() -> None:
        queue = Queue(slots=1)
        await queue.come("a")
        await queue.come("b")
        assert queue.watched == {"b"}
        await queue.end("a")
        assert queue.inside == ["a", "b"]
        assert queue.watched == set()

    run(story)


def test_fills_a_pool_to_the_last_token() -> None:
    async def story() -> None:
        queue = Queue(slots=4, pool_tokens=100)
        await queue.come("a", tokens=60)
        await queue.come("b", tokens=40)
        await queue.come("c", tokens=1)
        assert queue.inside == ["a", "b"]

    run(story)


def test_a_ghost_keeps_its_place_until_llama_server_has_noticed() -> None:
    async def story() -> None:
        queue = Queue(slots=2, pool_tokens=100)
        await queue.come("a", tokens=60)
        await queue.come("b", tokens=40)
        assert queue.admission.leave_ghost("a") is True
        await queue.come("c", tokens=60)
        assert queue.inside == ["a", "b"]
        assert (queue.admission.running(), queue.admission.ghosts()) == ({"b"}, {"a"})
        queue.admission.end_ghosts(["a"], 0)
        await settle()
        assert queue.inside == ["a", "b", "c"]
        assert (queue.admission.running(), queue.admission.ghosts()) == ({"b", "c"}, set())

    run(story)


def test_a_waiting_request_leaves_no_ghost() -> None:
    async def story() -> None:
        queue = Queue(slots=1)
        await queue.come("a")
        await queue.come("b")
        await queue.come("c")
        assert queue.admission.leave_ghost("b") is False
        assert queue.admission.ghosts() == set()
        await queue.end("a")
        assert queue.inside == ["a", "c"]

    run(story)


def test_ends_ghosts_that_are_idle_first_then_the_smallest() -> None:
    async def story() -> None:
        keeper = Keeper()
        queue = Queue(slots=4, keeper=keeper)
        for name, tokens in (("vast", 50), ("middle", 40), ("small", 10), ("tiny", 1)):
            await queue.come(name, tokens=tokens)
            queue.admission.leave_ghost(name)
        keeper.at_work = {"tiny"}
        ghosts = ["small", "vast", "tiny", "middle"]
        # More busy slots than ghosts, or fewer than none, as a count of another moment can be.
        queue.admission.end_ghosts(ghosts, 5)
        assert queue.admission.ghosts() == set(ghosts)
        queue.admission.end_ghosts(ghosts, 3)
        assert queue.admission.ghosts() == {"tiny", "vast", "middle"}
        queue.admission.end_ghosts(["vast", "middle", "tiny"], 2)
        assert queue.admission.ghosts() == {"tiny", "vast"}
        queue.admission.end_ghosts(["vast", "tiny"], -1)
        assert queue.admission.ghosts() == set()
        assert keeper.told == ["small left", "middle left", "tiny left", "vast left"]

    run(story)


def test_without_a_keeper_the_largest_ghosts_stay() -> None:
    async def story() -> None:
        queue = Queue(slots=3)
        for name, tokens in (("small", 10), ("large", 50), ("middle", 40)):
            await queue.come(name, tokens=tokens)
            queue.admission.leave_ghost(name)
        queue.admission.end_ghosts(["small", "large", "middle"], 2)
        assert queue.admission.ghosts() == {"large", "middle"}

    run(story)


def test_without_a_keeper_llama_server_picks_the_slots() -> None:
    async def story() -> None:
        queue = Queue(slots=1)
        await queue.come("a", wish=wish_for(300))
        assert queue.inside == ["a"]

    run(story)


def test_a_turn_and_its_slot_are_one_decision() -> None:
    async def story() -> None:
        keeper = Keeper()
        queue = Queue(slots=1, keeper=keeper)
        await queue.come("a", wish=wish_for(300))
        await queue.come("b", wish=wish_for(200))
        assert keeper.told == ["a takes a slot for 300"]
        await queue.end("a")
        await queue.end("a")
        assert keeper.told == ["a takes a slot for 300", "a left", "b takes a slot for 200"]
        queue.admission.enter_unasked(Place("own", "opta-nexus", 1))
        await queue.end("own")
        assert keeper.told[3:] == ["own left"]
        # A ghost still has its slot.
        queue.admission.leave_ghost("b")
        assert keeper.told[4:] == []

    run(story)


def test_a_request_that_waits_for_its_own_slot_holds_up_no_other() -> None:
    async def story() -> None:
        keeper = Keeper()
        queue = Queue(slots=2, keeper=keeper)
        own = wish_for(300)
        keeper.waits = [own]
        await queue.come("a", wish=own)
        await queue.come("b")
        assert queue.inside == ["b"]
        keeper.waits = []
        await queue.end("b")
        assert queue.inside == ["b", "a"]

    run(story)


def test_files_that_are_restored_take_tokens_of_the_pool() -> None:
    async def story() -> None:
        keeper = Keeper()
        queue = Queue(slots=4, pool_tokens=100, keeper=keeper)
        await queue.come("a", tokens=40)
        keeper.extra = 30
        await queue.come("b", tokens=31)
        assert queue.inside == ["a"]
        await queue.come("c", tokens=30)
        keeper.extra = 29
        await queue.end("c")
        assert queue.inside == ["a", "b"]

    run(story)
