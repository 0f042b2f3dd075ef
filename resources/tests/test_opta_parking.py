"""Conversations in files: what is restored, what is never used, what is reported."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from opta_conversations import MARK_BYTES, SESSION_HEADER, Conversations, Fingerprint, fingerprint_of
from opta_feed import listen
from opta_parked_files import Limits, ParkedFile, ParkedFiles
from opta_slots import SlotTable, Wish
from test_opta_cache import Stack, run, say


LONG = "word " * 120


async def begin(stack: Stack, session: str, developer: str = "anna", text: str = LONG) -> list[dict[str, Any]]:
    """A conversation of one turn."""
    talk = [say(f"{session} {text}")]
    await stack.turn(developer, talk, {SESSION_HEADER: session})
    return talk


async def read_next(stack: Stack, session: str, talk: list[dict[str, Any]], developer: str = "anna") -> int:
    """How much its next turn reads; about 10 are new."""
    talk.append(say("and now do the next thing"))
    return (await stack.turn(developer, talk, {SESSION_HEADER: session}))["input_tokens"]


def test_restores_everything_after_a_restart_of_llama_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path)
        talks = {name: await begin(stack, name) for name in "abcd"}
        await stack.rest()
        stack.start_engine()
        for name, talk in talks.items():
            assert await read_next(stack, name, talk) < 20
        assert stack.events().count("restored") == 4
        files = [path for path in stack.parked.iterdir() if path.suffix in (".kv", ".json")]
        assert len(files) == 8
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
        assert stack.parked.stat().st_mode & 0o777 == 0o700

    run(story)


def test_a_new_router_knows_what_the_slots_hold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path)
        talks = {name: await begin(stack, name) for name in "abcd"}
        await stack.rest()
        for path in stack.parked.glob("*"):
            path.unlink()
        stack.start_router()
        for name, talk in talks.items():
            assert await read_next(stack, name, talk) < 20
        assert stack.events().count("restored") == 0

    run(story)


def test_parks_what_only_slots_hold_at_the_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path)
        monkeypatch.setattr("opta_parking.SMALL_BYTES", 0)
        stack.parking._bytes_per_token = 8.0
        talk = await begin(stack, "a")
        await stack.rest()
        assert list(stack.parked.glob("*.kv")) == []
        stack.parking.park_at_end()
        assert len(list(stack.parked.glob("*.kv"))) == 1
        stack.start_engine()
        stack.start_router()
        assert await read_next(stack, "a", talk) < 20

    run(story)


def test_a_copy_of_each_turn_survives_a_kill_and_a_new_router(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path)
        # Longer than what counts as small while the bytes per token are unknown.
        talk = await begin(stack, "a", text=LONG * 5)
        for _ in range(2):
            await stack.rest()
            stack.start_engine()
            stack.start_router()
            assert await read_next(stack, "a", talk) < 20
        assert stack.events().count("restored") == 1

    run(story)


def test_copies_a_large_conversation_only_when_idle_and_within_the_hourly_limit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path)
        first = await begin(stack, "first")
        await stack.rest()
        monkeypatch.setattr("opta_parking.SMALL_BYTES", 0)
        stack.slots.actions.clear()

        def saves() -> int:
            return [action for action, _ in stack.slots.actions].count("save")

        await begin(stack, "a")
        await stack.rest()
        assert saves() == 0
        stack.parking._rest_s = 0.0
        assert await read_next(stack, "first", first) < 20
        await stack.rest()
        assert saves() == 1
        monkeypatch.setattr("opta_parking.COPY_BYTES_PER_HOUR", 0)
        assert await read_next(stack, "first", first) < 20
        await stack.rest()
        assert saves() == 1

    run(story)


def test_a_new_session_reuses_what_the_last_one_shares(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        for place in ("slot", "file"):
            folder = tmp_path / place
            folder.mkdir()
            stack = Stack(monkeypatch, folder)
            await begin(stack, "last")
            await begin(stack, "other", developer="ben")
            await stack.rest()
            if place == "file":
                stack.start_engine()
            talk = [say("new " + LONG)]
            usage = await stack.turn("anna", talk, {SESSION_HEADER: "new"})
            assert usage["input_tokens"] <= 125
            # She may not use the other developer's, although it begins with the same words.
            stranger = [say("new " + LONG)]
            usage = await stack.turn("cleo", stranger, {SESSION_HEADER: "new"})
            assert usage["cache_read_input_tokens"] == 0

    run(story)


def test_a_file_of_another_model_is_never_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path)
        talk = await begin(stack, "a")
        await stack.rest()
        stack.start_engine("model two")
        stack.slots.actions.clear()
        assert await read_next(stack, "a", talk) > 400
        assert ("restore", 0) not in stack.slots.actions
        await stack.rest()
        stack.start_engine("model two")
        assert await read_next(stack, "a", talk) < 20

    run(story)


def test_parks_nothing_while_the_engine_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path)
        (tmp_path / "engine.json").unlink()
        talk = await begin(stack, "a")
        await stack.rest()
        assert list(stack.parked.glob("*.kv")) == []
        assert await read_next(stack, "a", talk) < 20

    run(story)


def test_deletes_and_reports_truncated_and_changed_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path)
        talks = {name: await begin(stack, name) for name in "ab"}
        await stack.rest()
        for path, spoil in zip(sorted(stack.parked.glob("*.kv")), (lambda text: text[:100], str.upper), strict=True):
            path.write_text(spoil(path.read_text(encoding="utf-8")), encoding="utf-8")
        stack.start_engine()
        stack.slots.actions.clear()
        for name, talk in talks.items():
            assert await read_next(stack, name, talk) > 100
        said = [event.text for event in stack.parking.events if event.kind == "refused"]
        assert any("bytes, not" in text for text in said)
        assert any("its bytes have changed" in text for text in said)
        assert len(said) == 2

    run(story)


def test_a_full_disk_only_costs_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path, slots=1)
        stack.slots.disk_is_full = True
        await begin(stack, "a")
        talk = await begin(stack, "b")
        assert await read_next(stack, "b", talk) < 20
        await stack.rest()
        assert list(stack.parked.iterdir()) == []
        # Once, although each was tried.
        assert stack.events().count("refused") == 1

    run(story)


def test_deletes_the_content_if_the_disk_is_full_before_the_manifest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path, slots=1)
        first = await begin(stack, "a")
        await stack.rest()
        before = sorted(stack.parked.iterdir())

        def fill(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as full:
            full.setattr("opta_state_files.json.dump", fill)
            talk = await begin(stack, "b")
            await stack.rest()
        assert sorted(stack.parked.iterdir()) == before
        assert stack.events().count("refused") == 1
        assert await read_next(stack, "b", talk) < 20
        assert await read_next(stack, "a", first) < 20

    run(story)


def test_keeps_a_file_that_cannot_be_opened_now(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path)
        talk = await begin(stack, "a")
        await stack.rest()
        stack.start_engine()

        def too_many(*_: object) -> None:
            raise OSError(24, "Too many open files", "parked")

        with monkeypatch.context() as crowded:
            crowded.setattr(ParkedFiles, "checksum", too_many)
            asked = await stack.turn("anna", [*talk, say("and now")], {SESSION_HEADER: "a"})
            assert asked["input_tokens"] > 100
            await stack.rest()
        stack.start_engine()
        assert await read_next(stack, "a", talk) < 20

    run(story)


def test_keeps_a_file_if_llama_server_ends_during_its_restore(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path)
        talk = await begin(stack, "a")
        await stack.rest()
        stack.start_engine()
        stack.slots.dies_at_restores = 1
        with pytest.raises(ConnectionError):
            await read_next(stack, "a", list(talk))
        stack.start_engine()
        assert await read_next(stack, "a", talk) < 20
        assert stack.events() == ["restored"]

    run(story)


def test_deletes_a_file_that_crashes_llama_server_twice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path)
        talk = await begin(stack, "a")
        await stack.rest()
        stack.slots.dies_at_restores = 2
        for _ in range(2):
            stack.start_engine()
            with pytest.raises(ConnectionError):
                await read_next(stack, "a", list(talk))
        assert list(stack.parked.glob("*.kv")) == []
        assert stack.events() == ["refused"]

    run(story)


def test_detects_a_model_whose_files_restore_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path, slots=1)
        stack.slots.forgets_restored = True
        talks = {name: await begin(stack, name) for name in "ab"}
        for _ in range(3):
            for name, talk in talks.items():
                await read_next(stack, name, talk)
        said = [event.text for event in stack.parking.events if "do not come back with this model" in event.text]
        assert len(said) == 1
        stack.slots.actions.clear()
        for name, talk in talks.items():
            await read_next(stack, name, talk)
        assert [action for action, _ in stack.slots.actions if action != "erase"] == []
        # Nor by the next Router, beside the same model; another model is another matter.
        stack.start_router()
        await begin(stack, "c")
        await stack.rest()
        assert "save" not in [action for action, _ in stack.slots.actions]
        stack.start_engine("model two")
        await begin(stack, "d")
        await stack.rest()
        assert "save" in [action for action, _ in stack.slots.actions]

    run(story)


def test_slots_that_cannot_be_saved_are_unknown_to_the_next_router(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path)
        await begin(stack, "a")
        await stack.rest()
        assert (tmp_path / "slots.json").exists()
        # As on a full disk, also for root.
        (tmp_path / f"slots.json.{os.getpid()}.tmp").mkdir()
        await begin(stack, "b")
        await stack.rest()
        assert not (tmp_path / "slots.json").exists()
        stack.start_router()
        assert all(slot.is_unknown for slot in stack.parking._table.slots)

    run(story)


def test_clears_an_earlier_routers_pool_content_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path, pool=1_100)
        for name in "ab":
            await begin(stack, name)
        await stack.rest()
        (tmp_path / "slots.json").unlink()
        stack.start_router()
        # If only its own slot were cleared, one of the two unknown 430-token contents would stay beside 900.
        await begin(stack, "c", text=LONG * 5)

    run(story)


def a_file(folder: Path, key: str, used_at: float, size: int = 100) -> ParkedFile:
    """A file as it is finished."""
    (folder / f"{key}.tmp").write_bytes(b"x" * size)
    print_ = Fingerprint(b"\1" * MARK_BYTES, (10,), 1)
    return ParkedFile(key, "anna", True, f"{key}.kv", size, 0, 10, print_, "m", used_at, used_at)  # noqa: FBT003


def test_keeps_the_files_within_their_limits(tmp_path: Path) -> None:
    now = [1_000.0]
    disk = [10_000_000_000, 5_000_000_000]
    files = ParkedFiles(str(tmp_path), Limits(250, 60), clock=lambda: now[0], free_bytes=lambda _: (disk[0], disk[1]))
    files.load()
    for number, key in enumerate(("a1", "b2", "c3")):
        assert files.why_no_room(100, key) is None
        files.finish(f"{key}.tmp", a_file(tmp_path, key, now[0] + number))
    # The oldest went for the third.
    assert [file.key for file in files.all()] == ["b2", "c3"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b2.json", "b2.kv", "c3.json", "c3.kv"]
    assert files.why_no_room(251, "d4") == "it would take 251 bytes, and all parked conversations may take 250"
    disk[1] = 400_000_000
    assert files.why_no_room(100, "d4") is not None
    disk[1] = 5_000_000_000
    now[0] += 100
    assert files.find("b2", "m") is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_expires_although_the_clock_was_set_back(tmp_path: Path) -> None:
    before = ParkedFiles(str(tmp_path), Limits(1_000, 60), clock=lambda: 1e9)
    before.finish("a1.tmp", a_file(tmp_path, "a1", 1e9))
    now = [5e8]
    files = ParkedFiles(str(tmp_path), Limits(1_000, 60), clock=lambda: now[0])
    files.load()
    assert files.find("a1", "m") is not None
    now[0] += 61
    assert files.find("a1", "m") is None


def test_deletes_incomplete_files_at_the_next_start(tmp_path: Path) -> None:
    files = ParkedFiles(str(tmp_path), Limits(1_000, 60))
    files.finish("a1.tmp", a_file(tmp_path, "a1", 1e12))
    (tmp_path / "b2-1.tmp").write_bytes(b"half")
    (tmp_path / "c3.kv").write_bytes(b"no manifest")
    (tmp_path / "d4.json").write_text("{", encoding="utf-8")
    outside = json.loads((tmp_path / "a1.json").read_text(encoding="utf-8"))
    (tmp_path / "e5.json").write_text(json.dumps({**outside, "key": "e5", "name": "../x.kv"}), encoding="utf-8")
    again = ParkedFiles(str(tmp_path), Limits(1_000, 60))
    again.load()
    assert sorted(os.listdir(tmp_path)) == ["a1.json", "a1.kv"]


def test_memory_does_not_grow_with_all_conversations_seen() -> None:
    known = Conversations(most=50)
    held = []
    known.is_held = lambda conversation: conversation in held
    for number in range(1_000):
        body = {"messages": [say(f"{number}")]}
        asked = known.ask("anna", {SESSION_HEADER: f"s{number}"} if number % 2 else {}, body)
        if number == 3:
            held.append(asked.conversation)
    assert len(known) == 50
    assert known.get(held[0].key) is held[0]


def test_a_live_conversation_is_taken_last() -> None:
    known, now = Conversations(), [0.0]
    table = SlotTable(3, None, clock=lambda: now[0])

    def take(name: str, *, helper: bool = False) -> int:
        now[0] += 1
        body = {"messages": [say(name)], "system": name}
        headers = {SESSION_HEADER: name, **({"x-claude-code-request-class": "auxiliary"} if helper else {})}
        token = object()
        lease = table.take(token, Wish(known.ask("anna", headers, body), 10))
        assert lease is not None
        table.free(token, 10)
        return lease.slot.id

    assert [take("a"), take("b")] == [0, 1]
    assert take("title", helper=True) == 2
    # The helper's slot, not that of a, which was used longest ago.
    assert take("c") == 2
    assert take("a") == 0
    assert take("d") == 1


def test_a_turn_waits_for_its_own_slot_without_delaying_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path)
        talk = await begin(stack, "a")
        admission = stack.traffic._admission
        assert admission is not None
        asked = stack.parking._conversations.ask("anna", {SESSION_HEADER: "a"}, {"messages": talk, "system": "You"})
        assert asked.conversation is not None
        slot = next(iter(stack.parking._table.slots))
        slot.token = ghost = object()
        slot.holds = asked.conversation
        admission._inside[ghost] = admission_place(ghost)
        assert admission.leave_ghost(ghost)
        talk.append(say("again"))

        waiting = asyncio.create_task(stack.turn("anna", talk, {SESSION_HEADER: "a"}, system="You"))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        other = await asyncio.wait_for(begin(stack, "b"), 5)
        assert other
        stack.parking._table.free(ghost)
        admission.end_ghosts([ghost], 0)
        await asyncio.wait_for(waiting, 5)

    run(story)


def admission_place(token: object) -> Any:
    """The place of an admitted request."""
    from opta_admission import Place

    return Place(token, "anna", 0)


def test_keeps_little_of_a_conversation() -> None:
    """Of 430 KB of text, 8 bytes a message and for each half KB of the system prompt."""
    body = {"system": "s" * 30_000, "messages": [say("x" * 4_000) for _ in range(100)], "tools": [{"name": "t" * 1_000}]}
    print_ = fingerprint_of(body)
    assert print_.length < 200
    assert len(print_.marks) == print_.length * MARK_BYTES


def test_parks_everything_on_request(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path)
        # Too large for an automatic copy: only the request writes it.
        monkeypatch.setattr("opta_parking.SMALL_BYTES", 0)
        monkeypatch.setattr("opta_parking.COPY_BYTES_PER_HOUR", 0)
        feed = stack.traffic._feed
        for name in "ab":
            await begin(stack, name)
        path = tmp_path / "feed.sock"
        serving = asyncio.create_task(feed.serve(listen(str(path))))
        await asyncio.sleep(0)
        reader, writer = await asyncio.open_unix_connection(str(path))
        assert json.loads(await reader.readline())["parkings"] == 0
        writer.write(b"park\n")
        while json.loads(await reader.readline())["parkings"] == 0:
            pass
        assert len(list(stack.parked.glob("*.kv"))) == 2
        writer.close()
        serving.cancel()

    run(story)


def test_a_disk_error_costs_the_cache_but_no_request(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def story() -> None:
        stack = Stack(monkeypatch, tmp_path, slots=1)
        await begin(stack, "a")
        await stack.rest()

        def fail(*_: object) -> None:
            raise OSError(30, "Read-only file system", "parked")

        monkeypatch.setattr(ParkedFiles, "why_no_room", fail)
        monkeypatch.setattr(ParkedFiles, "find", fail)
        talk = await begin(stack, "b")
        assert await read_next(stack, "b", talk) < 20
        assert "refused" in stack.events()

    run(story)
