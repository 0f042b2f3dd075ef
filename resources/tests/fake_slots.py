"""llama-server's slots as measured (b10068 and b10434, SmolLM2), without a model: what a slot holds, how much of a prompt it has
cached, what a save writes and a restore brings back. A token is a word.

Measured: `id_slot` is followed; only the content that the prompt begins with stays; a prompt that is cached completely is read from
its last token on; after an answer the slot has all but its last token; a truncated or missing file gets 400 and leaves the slot
empty; a save of an empty slot writes 20 bytes.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opta_slot_actions import NoAnswerError, SlotActionError, Written

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER_BYTES = 20


def words_of(body: dict[str, Any]) -> list[str]:
    """The prompt."""
    words: list[str] = str(body.get("system", "")).split()
    for message in body["messages"]:
        content = message["content"]
        text = content if isinstance(content, str) else " ".join(block["text"] for block in content)
        words += [f"<{message['role']}>", *text.split()]
    return words


class FakeSlots:
    """The slots of one llama-server, and its --slot-save-path."""

    def __init__(self, slots: int, folder: Path, pool_tokens: int | None = None, slot_tokens: int | None = None) -> None:
        self.slots: list[list[str]] = [[] for _ in range(slots)]
        self.folder = folder
        self.pool_tokens = pool_tokens
        self.slot_tokens = slot_tokens
        self.busy: set[int] = set()
        self.actions: list[tuple[str, int]] = []
        # Called with a slot's content and the incoming prompt.
        self.on_prompt: Callable[[int, list[str], list[str]], None] = lambda *_: None
        # As with hybrid models: a restore reports success and the next request finds nothing (llama.cpp#25913).
        self.forgets_restored = False
        self.disk_is_full = False
        # Slot actions wait for the first; answers, once their prompt is read, for the second.
        self.gate: asyncio.Event | None = None
        self.answer_gate: asyncio.Event | None = None
        # It crashes in this many of the next restores, and then answers nothing until a restart.
        self.dies_at_restores = 0
        self.is_dead = False

    async def answer(self, body: dict[str, Any], words: list[str]) -> dict[str, int]:
        """The usage of an answer with these words."""
        if self.is_dead:
            raise ConnectionError
        slot, prompt = body["id_slot"], words_of(body)
        assert slot not in self.busy, f"slot {slot} is at work"
        self.busy.add(slot)
        try:
            held = self.slots[slot]
            self.on_prompt(slot, held, prompt)
            cached = 0
            while cached < min(len(held), len(prompt) - 1) and held[cached] == prompt[cached]:
                cached += 1
            self.slots[slot] = prompt
            self._check_room()
            await (asyncio.sleep(0) if self.answer_gate is None else self.answer_gate.wait())
            self.slots[slot] = [*prompt, *words[:-1]]
            self._check_room()
        finally:
            self.busy.discard(slot)
        return {
            "input_tokens": len(prompt) - cached,
            "cache_read_input_tokens": cached,
            "output_tokens": len(words),
        }

    async def save(self, slot: int, name: str) -> Written:
        """As POST /slots/N?action=save."""
        await self._act("save", slot)
        return self._write(slot, name)

    def save_now(self, slot: int, name: str, timeout_s: float) -> Written:
        """The same, at the end."""
        assert timeout_s > 0
        self.actions.append(("save", slot))
        return self._write(slot, name)

    async def restore(self, slot: int, name: str) -> Written:
        """As POST /slots/N?action=restore."""
        await self._act("restore", slot)
        if self.dies_at_restores > 0:
            self.dies_at_restores -= 1
            self.is_dead = True
            # httpx.RemoteProtocolError's words when the other end is killed (seen with 0.28).
            message = "Server disconnected without sending a response."
            raise NoAnswerError(message)
        self.slots[slot] = []
        try:
            text = (self.folder / name).read_text(encoding="utf-8")
            words = json.loads(text[:-HEADER_BYTES])
        except (OSError, ValueError):
            message = "Unable to restore slot, no available space in KV cache or invalid slot save file"
            raise SlotActionError(message) from None
        self.slots[slot] = [] if self.forgets_restored else words
        self._check_room()
        return Written(len(words), len(text.encode()))

    async def erase(self, slot: int) -> None:
        """As POST /slots/N?action=erase."""
        await self._act("erase", slot)
        self.slots[slot] = []

    async def _act(self, action: str, slot: int) -> None:
        if self.gate is not None:
            await self.gate.wait()
        # A real one would wait until the slot is idle, which the Router must not cause.
        assert slot not in self.busy, f"{action} of slot {slot}, which is at work"
        self.actions.append((action, slot))
        await asyncio.sleep(0)
        assert slot not in self.busy, f"{action} of slot {slot}, to which a request was sent meanwhile"

    def _write(self, slot: int, name: str) -> Written:
        text = json.dumps(self.slots[slot]) + " " * HEADER_BYTES
        path = self.folder / name
        assert path.stat().st_mode & 0o777 == 0o600
        path.write_text(text[: len(text) // 2] if self.disk_is_full else text, encoding="utf-8")
        return Written(len(self.slots[slot]), len(text.encode()))

    def _check_room(self) -> None:
        if self.pool_tokens is not None:
            held = sum(len(slot) for slot in self.slots)
            assert held <= self.pool_tokens, f"{held} tokens in a pool of {self.pool_tokens}: every request fails"
        if self.slot_tokens is not None:
            assert all(len(slot) <= self.slot_tokens for slot in self.slots)
