"""A conversation keeps its slot: the Router's whole handling of a request, on slots without a model."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import opta_cache
import pytest
from fake_slots import FakeSlots, words_of
from opta_conversations import CLASS_HEADER, SESSION_HEADER
from opta_settings import Settings
from opta_traffic import ANTHROPIC, Traffic, asking

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SYSTEM = "You are an agent. " + " ".join(f"rule{number}" for number in range(300))
MODEL = "model one"


class Incoming:
    """The part of a request that the Router reads."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers

    async def receive(self) -> dict[str, str]:
        """Its client stays."""
        await asyncio.Event().wait()
        return {}


class Stack:
    """A Router and slots."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, folder: Path, slots: int = 4, pool: int | None = None, **more: Any
    ) -> None:
        self.folder = folder
        self.parked = folder / "parked"
        self.parked.mkdir(exist_ok=True)
        self.slots = FakeSlots(slots, self.parked, pool)
        monkeypatch.setattr(opta_cache, "SlotActions", lambda _: self.slots)
        self.settings = Settings(
            admission=True,
            pin_conversations=True,
            slots=slots,
            queue_limit=100,
            pool_tokens=pool,
            pool_answer_tokens=None if pool is None else 20,
            engine_url="http://127.0.0.1:1",
            engine_record_path=str(folder / "engine.json"),
            parked_dir=str(self.parked),
            parked_most_bytes=10_000_000_000,
            parked_most_age_seconds=3600,
            slots_path=str(folder / "slots.json"),
            **more,
        )
        self.start_engine()
        self.start_router()

    def start_engine(self, identity: str = MODEL) -> None:
        """Another llama-server: its slots are empty."""
        self.slots.slots = [[] for _ in self.slots.slots]
        self.slots.is_dead = False
        self.starts = getattr(self, "starts", 0) + 1
        record = {"process": f"{self.starts}@1", "identity": identity}
        (self.folder / "engine.json").write_text(json.dumps(record), encoding="utf-8")

    def start_router(self) -> None:
        """Another Router beside the same llama-server."""
        self.traffic = Traffic(self.settings)
        cache = self.traffic._cache
        assert cache is not None
        self.parking = cache.parking

        async def count(body: dict[str, Any]) -> int:
            return len(words_of(body))

        self.traffic._engine.count_messages = count  # type: ignore[union-attr,method-assign]

    async def turn(
        self,
        developer: str,
        messages: list[dict[str, Any]],
        headers: dict[str, str] | None = None,
        answer: str = "fine then",
        **more: Any,
    ) -> dict[str, int]:
        """One request and its answer, in its own task as in LiteLLM."""

        async def serve() -> dict[str, int]:
            asking.set(Incoming(headers or {}))  # type: ignore[arg-type]
            body = {"model": "m", "max_tokens": 12, "system": SYSTEM, "messages": list(messages), **more}
            body = await self.traffic.admit(developer, body, ANTHROPIC)
            usage = await self.slots.answer(body, answer.split())
            self.traffic.answered({"usage": usage})
            return usage

        usage = await asyncio.create_task(serve())
        messages.append({"role": "assistant", "content": answer})
        return usage

    async def rest(self) -> None:
        """Wait until everything is written."""
        for _ in range(5):
            await asyncio.sleep(0)
            await self.parking.settle()
        # A copy begins in the next round of the loop.
        await asyncio.sleep(0.01)
        await self.parking.settle()

    def events(self) -> list[str]:
        """The events so far."""
        return [event.kind for event in self.parking.events]


def say(text: str) -> dict[str, Any]:
    """A user's turn."""
    return {"role": "user", "content": text}


def run(story: Callable[[], Awaitable[None]], limit_s: float = 60) -> None:
    """Run one story."""
    asyncio.run(asyncio.wait_for(story(), limit_s))  # type: ignore[arg-type]


def new_words(usage: dict[str, int], before: dict[str, int] | None) -> int:
    """How many tokens of this prompt were not in the one before."""
    whole = usage["input_tokens"] + usage["cache_read_input_tokens"]
    return whole if before is None else whole - before["input_tokens"] - before["cache_read_input_tokens"]


async def ratio(stack: Stack, agents: int, turns: int, order: str, headers: bool) -> float:
    """Tokens read / new tokens, as in scripts/bench cache."""
    dice = random.Random(5)
    talks: list[list[dict[str, Any]]] = [[] for _ in range(agents)]
    before: list[dict[str, int] | None] = [None] * agents
    read = new = 0

    async def one(agent: int, turn: int) -> None:
        nonlocal read, new
        talks[agent].append(say(f"agent{agent} turn{turn} " + " ".join(dice.choice("abcdef") for _ in range(100))))
        names = {SESSION_HEADER: f"session-{agent}"} if headers else {}
        usage = await stack.turn("anna", talks[agent], names)
        if before[agent] is not None:
            read += usage["input_tokens"]
            new += new_words(usage, before[agent])
        before[agent] = usage

    for turn in range(turns):
        agents_now = list(range(agents))
        if order == "random":
            dice.shuffle(agents_now)
        if order == "parallel":
            await asyncio.gather(*(one(agent, turn) for agent in agents_now))
        else:
            for agent in agents_now:
                await one(agent, turn)
    return read / new


@pytest.mark.parametrize("headers", [True, False], ids=["named", "by text"])
@pytest.mark.parametrize(
    ("agents", "order", "limit"), [(4, "turn", 1.05), (4, "random", 1.05), (4, "parallel", 1.05), (8, "random", 1.10)]
)
@pytest.mark.parametrize("pool", [None, 5000], ids=["shares", "pool"])
def test_a_turn_reads_what_is_new(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    headers: bool,  # noqa: FBT001
    agents: int,
    order: str,
    limit: float,
    pool: int | None,
) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path, pool=pool)
        assert await ratio(stack, agents, 5, order, headers) <= limit

    run(story)


def test_no_answer_continues_another_developers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """1,000 turns of four developers with a secret in each conversation, on a pool that cannot hold them all."""

    async def story(pool: int | None) -> None:
        folder = tmp_path / str(pool)
        folder.mkdir()
        stack = Stack(monkeypatch, folder, slots=4, pool=pool)
        dice = random.Random(14)
        developers = ["anna", "ben", "cleo", "dan"]
        talks = {(dev, number): [] for dev in developers for number in range(4)}  # type: ignore[var-annotated]
        seen: list[str] = []

        def look(_: int, held: list[str], prompt: list[str]) -> None:
            owner = next(word for word in prompt if word.startswith("secret-of-")).split("-")[2]
            for word in held:
                if word.startswith("secret-of-"):
                    seen.append(word)
                    assert word.split("-")[2] == owner, f"{owner} is answered in a slot that holds {word}"

        stack.slots.on_prompt = look
        # No await between the choice of a turn and its message: a conversation has one turn at a time.
        at_work: set[tuple[str, int]] = set()

        async def one(turn: int) -> None:
            free = [talk for talk in talks if talk not in at_work]
            talk = dice.choice(free)
            at_work.add(talk)
            developer, number = talk
            if len(talks[talk]) > 12:
                talks[talk].clear()
            talks[talk].append(say(f"secret-of-{developer}-{number} turn{turn} " + "x " * dice.randint(5, 60)))
            headers = {SESSION_HEADER: f"session-{number}"} if number % 2 else {}
            await stack.turn(developer, talks[talk], headers)
            at_work.discard(talk)
            if turn % 97 == 0:
                stack.start_engine()
            if turn % 131 == 0:
                await stack.rest()

        for first in range(0, 1000, 5):
            # One more than the slots, so that some wait.
            await asyncio.gather(*(one(turn) for turn in range(first, first + 5) if (turn % 97) or turn == first))
        assert len(seen) > 500
        assert stack.events().count("refused") == 0
        assert "parked" in stack.events()

    for pool in (None, 2500):
        run(lambda pool=pool: story(pool))


def test_helper_requests_take_no_slot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path)
        talks: list[list[dict[str, Any]]] = [[] for _ in range(4)]
        tools = [{"name": "Bash", "input_schema": {"type": "object"}}]

        async def round_of_turns() -> list[int]:
            read = []
            for number, talk in enumerate(talks):
                talk.append(say("go " + "on " * 80))
                headers = {SESSION_HEADER: f"s{number}"}
                read.append((await stack.turn("anna", talk, headers, tools=tools))["input_tokens"])
            return read

        await round_of_turns()
        for number in range(4):
            # A title beside each conversation, once named by the header and once recognised by its shape.
            for headers in ({CLASS_HEADER: "auxiliary"}, {}):
                await stack.turn("anna", [say("a title for this")], {SESSION_HEADER: f"s{number}", **headers}, system="Write titles")
        assert max(await round_of_turns()) < 100

    run(story)


def test_a_helper_request_beside_an_answer_takes_no_slot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path)
        talks = {f"s{number}": [say(f"agent{number} " + "on " * 80)] for number in range(4)}
        for session, talk in talks.items():
            await stack.turn("anna", talk, {SESSION_HEADER: session})
        await stack.rest()
        stack.slots.answer_gate = asyncio.Event()
        talks["s0"].append(say("and now"))
        answering = asyncio.create_task(stack.turn("anna", talks["s0"], {SESSION_HEADER: "s0"}))
        await asyncio.sleep(0.01)
        # A suggestion is requested during the answer: the conversation so far, plus a question.
        helper = asyncio.create_task(
            stack.turn("anna", [*talks["s0"], say("suggest")], {SESSION_HEADER: "s0", CLASS_HEADER: "auxiliary"})
        )
        await asyncio.sleep(0.01)
        stack.slots.answer_gate.set()
        stack.slots.answer_gate = None
        await asyncio.gather(answering, helper)
        for session, talk in talks.items():
            talk.append(say("go on"))
            assert (await stack.turn("anna", talk, {SESSION_HEADER: session}))["input_tokens"] < 20, session

    run(story)


@pytest.mark.parametrize("odd", ["S-ABC", "s-abc" * 2048, "s-abc\x01\x7f\t\xff", "s\0anna"])
def test_a_renamed_session_is_a_new_conversation_with_the_same_beginning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, odd: str
) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path)
        talk = [say("one " * 90)]
        await stack.turn("anna", talk, {SESSION_HEADER: "s-abc"})
        ben = [say("two " * 90)]
        await stack.turn("ben", ben, {SESSION_HEADER: odd})
        for _ in range(2):
            talk.append(say("go on"))
            # Nothing is lost: the common beginning is reused.
            assert (await stack.turn("anna", talk, {SESSION_HEADER: odd}))["input_tokens"] < 20
            ben.append(say("go on"))
            assert (await stack.turn("ben", ben, {SESSION_HEADER: odd}))["input_tokens"] < 20
        assert {slot["developer"] for slot in stack.traffic._describe()["slots"]} == {"anna", "ben", None}

    run(story)


def test_a_conversation_with_a_rewritten_beginning_keeps_its_slot_and_prefix(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path)
        other = [say("other " * 90)]
        await stack.turn("anna", other, {SESSION_HEADER: "b"})
        for headers in ({SESSION_HEADER: "a"}, {}):
            talk = [say("one " * 200)]
            await stack.turn("anna", talk, headers)
            talk.append(say("more"))
            await stack.turn("anna", talk, headers)
            compacted = [say("a summary of all that was said")]
            # Its system prompt is not read again, and its old content is not mixed in.
            assert (await stack.turn("anna", compacted, headers))["input_tokens"] < 20
            compacted.append(say("go on"))
            assert (await stack.turn("anna", compacted, headers))["input_tokens"] < 20
        other.append(say("go on"))
        assert (await stack.turn("anna", other, {SESSION_HEADER: "b"}))["input_tokens"] < 20

    run(story)


def test_a_client_that_leaves_while_its_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path, slots=1)
        first: list[dict[str, Any]] = [say("one " * 90)]
        other: list[dict[str, Any]] = [say("two " * 90)]
        await stack.turn("anna", first, {SESSION_HEADER: "a"})
        await stack.turn("anna", other, {SESSION_HEADER: "b"})
        await stack.rest()
        stack.slots.gate = asyncio.Event()
        first.append(say("more"))
        leaving = asyncio.create_task(stack.turn("anna", list(first), {SESSION_HEADER: "a"}))
        await asyncio.sleep(0.01)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        stack.slots.gate.set()
        stack.slots.gate = None
        await stack.rest()
        other.append(say("more"))
        usage = await stack.turn("anna", other, {SESSION_HEADER: "b"})
        assert usage["input_tokens"] < 20

    run(story)
