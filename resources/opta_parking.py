"""Carries out what opta_slots.py decides: writes conversations to files, reads them back, clears slots.

An idle conversation is also copied to a file while it keeps its slot, because files outlive llama-server. On a 70B model a
conversation of 20,000 tokens is 1.8 GB, so a large one is copied only after some rest and within an hourly limit; a small one
costs nothing and is copied at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import re
import time
from collections import Counter, deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from opta_conversations import MARK_BYTES, Conversation, Conversations, Fingerprint
from opta_parked_files import ParkedFile, ParkedFiles
from opta_slot_actions import NoAnswerError, SlotActionError
from opta_slots import Content, content_of
from opta_state_files import read_json, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from opta_engine_record import EngineRecord, EngineRecordFile
    from opta_slot_actions import SlotActions, Written
    from opta_slots import Eviction, Lease, SlotState, SlotTable, Wish

logger: Final = logging.getLogger("opta_router")

# Fewer are faster to read again than from a file.
LEAST_TOKENS: Final = 64
# Until the first file shows it: a 70B model with f16 KV takes 327,680 (80 layers, 8 KV heads of 128).
ASSUMED_BYTES_PER_TOKEN: Final = 131_072
# Any SSD of the last ten years writes this within 100 ms.
SMALL_BYTES: Final = 64 * 1024**2
REST_S: Final = 60.0
# 12 copies of 20,000 tokens of a 70B model in an hour; an SSD of 600 TBW lasts ten years with 8 such hours a day.
COPY_BYTES_PER_HOUR: Final = 24 * 1024**3
# A file is restored for another session's beginning if at least this much of it is useful: restoring is at least fifty times as
# fast as reading (measured 0.003 s for 1,152 tokens that took 12.7 s).
LEAST_SHARED_SHARE: Final = 0.05
LEAST_SHARED_BYTES: Final = 1024
# After this many useless restores in a row the model counts as one whose files restore nothing (llama.cpp#25913, #26676).
USELESS_AFTER: Final = 3
USEFUL_SHARE: Final = 0.5
USELESS_SHARE: Final = 0.1
# llama-server's count may differ from the answer's by drafted tokens and the answer's end.
COUNT_SLACK_TOKENS: Final = 64
MOST_EVENTS: Final = 32
SAY_AGAIN_S: Final = 600.0
# The core gives a process ten seconds to end, unless the user says otherwise (config.json, stopGraceSeconds).
END_WITHIN_S: Final = 8.0


class Result(NamedTuple):
    """An answer's own token counts. None: not given."""

    prompt: int | None = None
    # Of the prompt, what was found in the cache.
    cached: int | None = None
    output: int | None = None
    # llama-server failed, not only this request.
    is_broken: bool = False


UNKNOWN: Final = Result()


class CacheEvent(NamedTuple):
    """An event of a parked conversation."""

    number: int
    at: int
    kind: str
    text: str


class Parking:
    """Moves conversations between slots and files."""

    def __init__(
        self,
        table: SlotTable,
        conversations: Conversations,
        actions: SlotActions,
        engine: EngineRecordFile,
        files: ParkedFiles | None,
        state_path: str | None = None,
        rest_s: float = REST_S,
    ) -> None:
        """`files` None: nothing is parked. `state_path` records what the slots hold, for the next process."""
        self._table: Final = table
        self._conversations: Final = conversations
        self._actions: Final = actions
        self._engine: Final = engine
        self._files: Final = files
        self._state_path: Final = state_path
        self._rest_s: Final = rest_s
        # llama-server does one thing at a time anyway; in order, so that a conversation is on disk before it is needed again.
        self._order: Final = asyncio.Lock()
        # Slots with pending work, and how much: a request to such a slot waits for it.
        self._touched: Final[Counter[int]] = Counter()
        self._leases: Final[dict[object, Lease]] = {}
        self._results: Final[dict[object, Result]] = {}
        self._record: EngineRecord | None = None
        self._bytes_per_token: float | None = None
        self._copies: Final[deque[tuple[float, int]]] = deque()
        self._tasks: Final[set[asyncio.Task[Any]]] = set()
        self._timers: Final[dict[int, asyncio.TimerHandle]] = {}
        self._numbers: Final = itertools.count(1)
        self.events: Final[deque[CacheEvent]] = deque(maxlen=MOST_EVENTS)
        self.on_change: Callable[[], None] = lambda: None
        # Answers in a row for which a restore was useless; None: a restore was useful.
        self._useless: int | None = 0
        self._useless_engine: str | None = None
        self._refused_at: dict[str, float] = {}
        # Files during whose restore llama-server stopped answering.
        self._unanswered: Final[deque[str]] = deque(maxlen=MOST_EVENTS)
        # How long requests have waited for files to be written and read, without copies, for which no request waits.
        self._moved_s = 0.0

    def open(self) -> None:
        """Load what an earlier process left in files and slots."""
        if self._files is not None:
            try:
                self._files.load()
            except OSError as error:
                self.say("refused", f"conversations cannot be parked: {error.filename}: {error.strerror}")
            self._useless_engine = self._files.given_up()
            for file in self._files.all():
                self._conversations.remember(_conversation_of(file))
        self._conversations.is_held = self._is_held
        self._record = self._engine.read()
        self._learn_size()
        self._read_state()

    def say(self, kind: str, text: str) -> None:
        """Record an event that a person may want to look up later."""
        self.events.append(CacheEvent(next(self._numbers), time.time_ns() // 1_000_000, kind, text))
        (logger.warning if kind == "refused" else logger.info)("%s", text)
        self.on_change()

    @property
    def can_park(self) -> bool:
        """Whether files work with this llama-server."""
        return self._files is not None and self._record is not None and self._useless_engine != self._record.identity

    def look_at_engine(self) -> None:
        """Check for a new llama-server, whose slots are empty."""
        record = self._engine.read()
        if record == self._record:
            return
        if self._record is None or record is None or record.process != self._record.process:
            self._table.forget_all()
        self._record = record
        self._useless = 0
        self._learn_size()

    def describe(self) -> dict[str, int] | None:
        """Number and size of the files, and the time spent on them; None: nothing is parked."""
        if self._files is None or not self.can_park:
            return None
        files = self._files
        return {"files": len(files.all()), "bytes": files.total_bytes, "movedMs": round(self._moved_s * 1000)}

    def _learn_size(self) -> None:
        """Bytes per token, from this llama-server's files."""
        mine = [] if self._files is None else [file for file in self._files.all() if file.engine == self._identity()]
        self._bytes_per_token = mine[-1].bytes / mine[-1].tokens if mine else None

    def _identity(self) -> str | None:
        return None if self._record is None else self._record.identity

    # --- for the admission ---------------------------------------------------------------------------------------

    def must_wait(self, wish: Wish | None) -> bool:
        """Whether this request's own slot still works for a client that left."""
        return self._table.must_wait(wish)

    def extra_tokens(self) -> int:
        """Tokens of the pool in use beyond those granted."""
        return self._table.extra_tokens()

    def is_seen_at_work(self, token: object) -> bool:
        """Whether llama-server said that this request's slot is busy."""
        return self._table.is_seen_at_work(token)

    def take(self, token: object, wish: Wish) -> None:
        """Admit this request. Work on its slot begins at once, in the order of admission."""
        self.look_at_engine()
        lease = self._table.take(token, wish)
        if lease is None:
            return
        self._leases[token] = lease
        if wish.asked.conversation is not None:
            self._conversations.note_turn(wish.asked.conversation, wish.asked.fingerprint)
        timer = self._timers.pop(lease.slot.id, None)
        if timer is not None:
            timer.cancel()
        self._write_state()
        if lease.erase or lease.restore or lease.evictions or self._touched[lease.slot.id] > 0:
            lease.work = self._begin(self._make_ready(lease))

    def left(self, token: object) -> None:
        """llama-server no longer works on this request."""
        lease, result = self._leases.pop(token, None), self._results.pop(token, UNKNOWN)
        if lease is not None:
            self._finish(lease, result)

    # --- for the traffic -----------------------------------------------------------------------------------------

    def lease_of(self, token: object) -> Lease | None:
        """An admitted request's slot; None: llama-server picks one."""
        return self._leases.get(token)

    async def make_ready(self, token: object) -> int | None:
        """This request's slot, once it is ready. Pending work continues if the caller is cancelled: a client that leaves must not
        leave a slot with unknown content.
        """
        lease = self._leases.get(token)
        if lease is None:
            return None
        if lease.work is not None:
            await asyncio.shield(lease.work)
        return lease.slot.id

    def began(self, token: object) -> None:
        """llama-server has read this request's prompt: of a restored file the slot now holds only that."""
        self._table.hold_extra(token, 0)

    def told(self, token: object, result: Result) -> None:
        """Record the answer's own counts."""
        self._results[token] = result

    # --- before a request ----------------------------------------------------------------------------------------

    def _make_ready(self, lease: Lease) -> Coroutine[Any, Any, None]:
        touched = [lease.slot.id, *(eviction.content.slot_id for eviction in lease.evictions)]
        self._touched.update(touched)

        async def work() -> None:
            try:
                async with self._order:
                    began = time.monotonic()
                    for eviction in lease.evictions:
                        await self._evict(eviction)
                    if lease.erase:
                        await self._erase(lease.slot.id)
                    if lease.restore:
                        await self._bring_back(lease)
                    self._moved_s += time.monotonic() - began
            except OSError as error:
                # A disk error costs the cache, not the request.
                self.say("refused", f"a conversation was not parked or brought back: {error.filename}: {error.strerror}")
            finally:
                self._touched.subtract(touched)

        return work()

    @contextmanager
    def _touching(self, slot_id: int) -> Iterator[None]:
        self._touched[slot_id] += 1
        try:
            yield
        finally:
            self._touched[slot_id] -= 1

    async def _evict(self, eviction: Eviction) -> None:
        content = eviction.content
        if content.conversation is not None and not content.is_saved:
            await self._save(content, "parked")
        if eviction.erase:
            await self._erase(content.slot_id)

    async def _erase(self, slot_id: int) -> None:
        try:
            await self._actions.erase(slot_id)
        except SlotActionError as error:
            # A build without erase: llama-server keeps only the common prefix of both prompts (get_common_prefix).
            logger.warning("slot %d was not cleared: %s", slot_id, error)

    async def _bring_back(self, lease: Lease) -> None:
        conversation, files, record = lease.asked.conversation, self._files, self._record
        if conversation is None or files is None or record is None or not self.can_park:
            return
        prompt = lease.asked.fingerprint
        file = files.find(conversation.key, record.identity)
        shared = 0 if file is None else file.fingerprint.shared_bytes(prompt)
        if file is None or shared < LEAST_SHARED_SHARE * file.fingerprint.text_bytes:
            found = await self._find_beginning(conversation, prompt, record)
            if found is None:
                return
            file, shared = found
        await self._restore(lease, file, shared / max(1, file.fingerprint.text_bytes))

    async def _find_beginning(
        self, conversation: Conversation, prompt: Fingerprint, record: EngineRecord
    ) -> tuple[ParkedFile, int] | None:
        """Another conversation of the same developer with the same beginning, saved first if only a slot holds it."""
        files = self._files
        if files is None:
            return None
        best = files.closest(conversation.developer, prompt, record.identity)
        for slot in self._table.slots:
            other = slot.holds
            if other is None or other is conversation or other.developer != conversation.developer or slot.token is not None:
                continue
            shared = 0 if slot.fingerprint is None else slot.fingerprint.shared_bytes(prompt)
            if shared > (0 if best is None else best[1]) and _is_worth(shared, slot.fingerprint):
                with self._touching(slot.id):
                    if not await self._save(content_of(slot), "copied"):
                        continue
                if slot.holds is other and slot.token is None:
                    slot.is_saved = True
                file = files.find(other.key, record.identity)
                best = best if file is None else (file, shared)
        return best if best is not None and _is_worth(best[1], best[0].fingerprint) else None

    async def _restore(self, lease: Lease, file: ParkedFile, share: float) -> None:
        files = self._files
        if files is None:
            return
        why = await asyncio.to_thread(files.why_not_whole, file)
        if why is not None:
            files.refuse(file, why)
            return
        extra, free = file.tokens - lease.tokens, self._table.free_tokens()
        if free is not None and extra > 0:
            if extra > free:
                return
            self._table.hold_extra(lease.token, extra)
        try:
            read = await self._actions.restore(lease.slot.id, file.name)
        except NoAnswerError as error:
            # It may have been killed; or the file crashes it each time (llama.cpp#27068).
            if file.name in self._unanswered:
                files.refuse(file, f"llama-server ended twice while reading it: {error}")
            self._unanswered.append(file.name)
            return
        except SlotActionError as error:
            files.refuse(file, f"llama-server said {error}")
            return
        if read.tokens != file.tokens:
            files.refuse(file, f"llama-server read {read.tokens} tokens, not {file.tokens}")
            await self._erase(lease.slot.id)
            return
        files.note_used(file)
        lease.restored_tokens, lease.restored_share = read.tokens, share
        if lease.asked.conversation is not None and lease.asked.conversation.key == file.key:
            self.say("restored", f"a parked conversation of {file.developer} was brought back: {read.tokens} tokens")

    # --- after a request ----------------------------------------------------------------------------------------

    def _finish(self, lease: Lease, result: Result) -> None:
        self._table.hold_extra(lease.token, 0)
        held = None if result.prompt is None or result.output is None else result.prompt + result.output
        slot = self._table.free(lease.token, held)
        if slot is None:
            return
        if result.is_broken:
            # Whatever failed: a full pool clears every slot (measured), and so does a crash.
            self._table.empty(slot)
            slot.is_unknown = True
        elif result.cached is not None:
            self._judge(lease, result.cached)
        if slot.holds is not None and slot.holds is lease.asked.within:
            # The conversation's next turn continues from its earlier content.
            slot.fingerprint = slot.holds.fingerprint
        self._write_state()
        self._copy_when_it_rests(slot)

    def _judge(self, lease: Lease, cached: int) -> None:
        """Judge by the answer's own count whether the restore was useful."""
        if lease.restored_tokens is None or lease.restored_share is None:
            return
        expected = lease.restored_tokens * lease.restored_share
        if expected < LEAST_TOKENS:
            return
        if cached >= USEFUL_SHARE * expected:
            self._useless = None
        elif cached < USELESS_SHARE * expected and self._useless is not None:
            self._useless += 1
            if self._useless >= USELESS_AFTER and self._record is not None:
                self._useless_engine = self._record.identity
                if self._files is not None:
                    self._files.gives_up(self._record.identity)
                self.say(
                    "refused",
                    "parked conversations do not come back with this model: llama-server reads the files and then finds "
                    "nothing in them (as with hybrid and sliding-window models), so none are written any more",
                )

    def _copy_when_it_rests(self, slot: SlotState) -> None:
        timer = self._timers.pop(slot.id, None)
        if timer is not None:
            timer.cancel()
        if slot.holds is None or slot.is_saved or not self.can_park or slot.tokens < LEAST_TOKENS:
            return
        rest_s = 0.0 if self._is_small(slot.tokens) else self._rest_s
        loop = asyncio.get_running_loop()
        self._timers[slot.id] = loop.call_later(rest_s, lambda: self._begin(self._copy(slot, slot.holds)))

    async def _copy(self, slot: SlotState, conversation: Conversation | None, *, is_asked: bool = False) -> None:
        self.look_at_engine()
        async with self._order:
            if slot.holds is not conversation or conversation is None or slot.token is not None or slot.is_saved:
                return
            if not is_asked and not self._may_copy(slot.tokens):
                return
            with self._touching(slot.id):
                saved = await self._save(content_of(slot), "copied")
            # A request may have come meanwhile and wait for this: the slot's new content isn't what was saved.
            if saved and slot.holds is conversation and slot.token is None:
                slot.is_saved = True
                self._write_state()
                self.on_change()

    def _may_copy(self, tokens: int) -> bool:
        now = time.monotonic()
        while self._copies and now - self._copies[0][0] > 3600:
            self._copies.popleft()
        written = sum(size for _, size in self._copies)
        return self._is_small(tokens) or written + self._estimate(tokens) <= COPY_BYTES_PER_HOUR

    def _is_small(self, tokens: int) -> bool:
        """Also true while the bytes per token are unknown: the first file shows them."""
        return self._bytes_per_token is None or tokens * self._bytes_per_token <= SMALL_BYTES

    # --- files --------------------------------------------------------------------------------------------------

    async def _save(self, content: Content, kind: str) -> bool:
        """Write the slot's content to a file. Returns whether that worked."""
        files, record, conversation = self._files, self._record, content.conversation
        if files is None or record is None or conversation is None or not self.can_park or content.tokens < LEAST_TOKENS:
            return False
        why: str | None = None
        temporary: str | None = None
        try:
            why = files.why_no_room(self._estimate(content.tokens), conversation.key)
            if why is None:
                temporary = files.begin(conversation.key)
                written = await self._actions.save(content.slot_id, temporary)
                checksum = await asyncio.to_thread(files.checksum, temporary)
                why = self._accept(content, record, temporary, written, checksum)
        except (OSError, SlotActionError) as error:
            why = str(error)
        if why is not None:
            if temporary is not None:
                files.abandon(temporary)
            self._say_not_parked(conversation, why)
            return False
        if kind == "parked":
            self.say("parked", f"a conversation of {conversation.developer} left its slot for a file: {content.tokens} tokens")
        return True

    def _accept(
        self, content: Content, record: EngineRecord, temporary: str, written: Written, checksum: int
    ) -> str | None:
        """Keep the written file, or return why not."""
        files, conversation = self._files, content.conversation
        if files is None or conversation is None:
            return "nothing is parked"
        size = files.size(temporary)
        if size != written.bytes or written.tokens <= 0:
            return f"the file has {size} bytes and llama-server wrote {written.bytes}"
        if content.is_counted and abs(written.tokens - content.tokens) > COUNT_SLACK_TOKENS:
            # A request bypassed the Router: the slot holds something else.
            return f"its slot holds {written.tokens} tokens, not {content.tokens}"
        self._bytes_per_token = size / written.tokens
        self._copies.append((time.monotonic(), size))
        now = time.time()
        files.finish(
            temporary,
            ParkedFile(
                key=conversation.key,
                developer=conversation.developer,
                named=conversation.named,
                name=files.name_for(temporary),
                bytes=size,
                checksum=checksum,
                tokens=written.tokens,
                fingerprint=content.fingerprint or conversation.fingerprint,
                engine=record.identity,
                saved_at=now,
                used_at=now,
            ),
        )
        return None

    def _say_not_parked(self, conversation: Conversation, why: str) -> None:
        """Report each reason once in ten minutes: a full disk refuses every conversation."""
        now, kind = time.monotonic(), re.sub(r"\d+", "", why)
        if now - self._refused_at.get(kind, float("-inf")) < SAY_AGAIN_S:
            return
        self._refused_at = {**{each: at for each, at in self._refused_at.items() if now - at < SAY_AGAIN_S}, kind: now}
        self.say("refused", f"a conversation of {conversation.developer} was not parked: {why}")

    async def park_now(self) -> None:
        """Save what only slots hold, because llama-server is about to end while this process goes on."""
        for slot in self._table.slots:
            await self._copy(slot, slot.holds, is_asked=True)

    def park_at_end(self) -> None:
        """Save what only slots hold, after the last answer and outside of the event loop."""
        self.look_at_engine()
        deadline = time.monotonic() + END_WITHIN_S
        files, record = self._files, self._record
        for slot in self._table.slots:
            content = content_of(slot)
            if files is None or record is None or not self.can_park or content.conversation is None or slot.is_saved:
                continue
            left = deadline - time.monotonic()
            if slot.token is not None or content.tokens < LEAST_TOKENS or left <= 0:
                continue
            if files.why_no_room(self._estimate(content.tokens), content.conversation.key) is not None:
                continue
            temporary: str | None = None
            try:
                temporary = files.begin(content.conversation.key)
                written = self._actions.save_now(slot.id, temporary, left)
                if self._accept(content, record, temporary, written, files.checksum(temporary)) is None:
                    slot.is_saved = True
                    continue
            except (OSError, SlotActionError) as error:
                logger.warning("a conversation was not parked: %s", error)
            if temporary is not None:
                files.abandon(temporary)
        self._write_state()

    def _estimate(self, tokens: int) -> int:
        return int(tokens * (self._bytes_per_token or ASSUMED_BYTES_PER_TOKEN))

    def _is_held(self, conversation: Conversation) -> bool:
        has_file = self._files is not None and self._files.has(conversation.key)
        return has_file or self._table.holds(conversation) or self._table.is_at_work(conversation)

    def _begin(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        # The event loop itself keeps no task alive (asyncio.create_task's documentation).
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def settle(self) -> None:
        """Wait for all pending work. For tests."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- what the slots hold, for the next process ---------------------------------------------------------------

    def _write_state(self) -> None:
        if self._state_path is None or self._record is None:
            return
        slots = [
            _describe(slot)
            for slot in self._table.slots
            if slot.token is None and slot.holds is not None and slot.fingerprint is not None
        ]
        try:
            write_json(self._state_path, {"process": self._record.process, "slots": slots})
        except OSError:
            # A full disk. For the next Router, unknown slots are safer than outdated ones.
            with contextlib.suppress(OSError):
                os.unlink(self._state_path)

    def _read_state(self) -> None:
        """Take over the slots of a llama-server that outlived the previous Router."""
        if self._state_path is None or self._record is None:
            return
        try:
            document: Any = read_json(self._state_path)
            is_same = document["process"] == self._record.process
            told = {slot["id"]: slot for slot in document["slots"]} if is_same else {}
            for slot in self._table.slots:
                slot.is_unknown = slot.id not in told
                if slot.id in told:
                    self._take_over(slot, told[slot.id])
        except (OSError, ValueError, TypeError, KeyError, OverflowError):
            for slot in self._table.slots:
                self._table.empty(slot)
                slot.is_unknown = True

    def _take_over(self, slot: SlotState, told: dict[str, Any]) -> None:
        marks, ends = bytes.fromhex(told["marks"]), tuple(int(end) for end in told["ends"])
        if len(marks) != len(ends) * MARK_BYTES:
            return
        fingerprint = Fingerprint(marks, ends, int(told["head"]))
        conversation = Conversation(str(told["key"]), str(told["developer"]), fingerprint, named=bool(told["named"]))
        slot.holds = self._conversations.remember(conversation)
        slot.holds.fingerprint = fingerprint
        slot.developer, slot.fingerprint = slot.holds.developer, fingerprint
        slot.tokens, slot.is_counted = int(told["tokens"]), bool(told["isCounted"])
        slot.used_at, slot.is_saved = float(told["usedAt"]), bool(told["isSaved"])


def _describe(slot: SlotState) -> dict[str, Any]:
    conversation, fingerprint = slot.holds, slot.fingerprint
    if conversation is None or fingerprint is None:
        return {"id": slot.id}
    return {
        "id": slot.id,
        "key": conversation.key,
        "developer": conversation.developer,
        "named": conversation.named,
        "tokens": slot.tokens,
        "isCounted": slot.is_counted,
        "isSaved": slot.is_saved,
        "usedAt": slot.used_at,
        "marks": fingerprint.marks.hex(),
        "ends": fingerprint.ends,
        "head": fingerprint.head,
    }


def _conversation_of(file: ParkedFile) -> Conversation:
    return Conversation(file.key, file.developer, file.fingerprint, named=file.named, used_at=file.used_at)


def _is_worth(shared_bytes: int, source: Fingerprint | None) -> bool:
    text = 0 if source is None else source.text_bytes
    return shared_bytes >= LEAST_SHARED_BYTES and shared_bytes >= LEAST_SHARED_SHARE * text
