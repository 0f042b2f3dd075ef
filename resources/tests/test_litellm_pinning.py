"""The slot's number through the real LiteLLM, and the cache figures that come back, on every route."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from real_litellm import ANNA_KEY, BEN_KEY, WAIT_S, Engine, Proxy, message, serve_litellm, two_studios
from test_opta_traffic import Call

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHED = 2


def say(text: str) -> dict[str, str]:
    """A user's turn."""
    return {"role": "user", "content": text}


def said(text: str) -> dict[str, str]:
    """The model's."""
    return {"role": "assistant", "content": text}


@pytest.fixture(scope="module")
def pinned(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Two slots, conversations pinned, nothing parked."""
    engine.cached_tokens = CACHED
    yield from serve_litellm(tmp_path_factory.mktemp("pinned"), engine, {"pin_conversations": True})
    engine.cached_tokens = None


def use_today(proxy: Proxy, requests: int | None = None) -> dict[str, Any]:
    """Anna's use, once the Router has saved this many requests, which it does after they end."""
    path, deadline = proxy.folder / "usage-today.json", time.monotonic() + WAIT_S
    while True:
        developers = json.loads(path.read_text(encoding="utf-8"))["developers"] if path.exists() else {}
        use = developers.get("anna", {"requests": 0, "cachedTokens": 0, "readTokens": 0})
        if requests is None or use["requests"] >= requests:
            return use
        assert time.monotonic() < deadline, use
        time.sleep(0.02)


CHAT: dict[str, Any] = {"model": "m", "max_tokens": 4, "messages": [say("by chat")]}
ROUTES = [
    ("/v1/messages", message(messages=[say("whole")])),
    ("/v1/messages", message(messages=[say("as a stream")], stream=True)),
    ("/v1/chat/completions", CHAT),
    ("/v1/chat/completions", {**CHAT, "stream": True, "stream_options": {"include_usage": True}}),
]


@pytest.mark.parametrize(("path", "body"), ROUTES)
def test_each_route_sends_the_slot_and_reads_the_cached_tokens(pinned: Proxy, path: str, body: dict[str, Any]) -> None:
    before = use_today(pinned)
    assert pinned.ask("POST", path, ANNA_KEY, body)[0] == 200
    assert pinned.engine.requests[-1]["id_slot"] in (0, 1)
    after = use_today(pinned, before["requests"] + 1)
    assert after["cachedTokens"] - before["cachedTokens"] == CACHED
    assert after["readTokens"] - before["readTokens"] == 1


@contextmanager
def saying(engine: Engine, cached_tokens: int | None) -> Iterator[None]:
    """Meanwhile its answers report this many cached tokens."""
    engine.cached_tokens = cached_tokens
    try:
        yield
    finally:
        engine.cached_tokens = CACHED


@pytest.mark.parametrize(("path", "body"), ROUTES)
def test_counts_a_prompt_without_cached_tokens_as_read(pinned: Proxy, path: str, body: dict[str, Any]) -> None:
    before = use_today(pinned)
    with saying(pinned.engine, 0):
        assert pinned.ask("POST", path, ANNA_KEY, body)[0] == 200
        after = use_today(pinned, before["requests"] + 1)
    assert after["readTokens"] - before["readTokens"] == 3
    assert after["cachedTokens"] == before["cachedTokens"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        *ROUTES,
        ("/v1/responses", {"model": "m", "input": "hi", "max_output_tokens": 4}),
        ("/v1/completions", {"model": "m", "prompt": "hi", "max_tokens": 4}),
    ],
)
def test_missing_cache_figures_are_not_zero(
    pinned: Proxy, path: str, body: dict[str, Any]
) -> None:
    before = use_today(pinned)
    with saying(pinned.engine, None):
        assert pinned.ask("POST", path, ANNA_KEY, body)[0] == 200
        after = use_today(pinned, before["requests"] + 1)
    assert (after["cachedTokens"], after["readTokens"]) == (before["cachedTokens"], before["readTokens"])


def test_two_conversations_get_two_slots_and_each_keeps_its_own(pinned: Proxy) -> None:
    def slot(key: str, *texts: str) -> int:
        turns = [(say, said)[index % 2](text) for index, text in enumerate(texts)]
        assert pinned.ask("POST", "/v1/messages", key, message(messages=turns))[0] == 200
        return int(pinned.engine.requests[-1]["id_slot"])

    anna, ben = slot(ANNA_KEY, "good morning"), slot(BEN_KEY, "good morning")
    assert anna != ben
    assert slot(ANNA_KEY, "good morning", "ok", "and now") == anna
    assert slot(BEN_KEY, "good morning", "ok", "and then") == ben


def test_pins_requests_to_responses_too(pinned: Proxy) -> None:
    assert pinned.ask("POST", "/v1/responses", ANNA_KEY, {"model": "m", "input": "hi", "max_output_tokens": 4})[0] == 200
    assert pinned.engine.requests[-1]["id_slot"] in (0, 1)


@pytest.fixture
def other() -> Iterator[Engine]:
    """The llama-server of a second Studio."""
    other = Engine()
    yield other
    other.close()


def test_a_conversation_stays_on_its_studio(
    engine: Engine, other: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = {
        "pin_conversations": True,
        "slots": 4,
        "node_slots": {"": 2, "b": 2},
        "node_cooldown_seconds": 60,
        "routed_model": "claude-3-5-sonnet-20241022",
    }
    folder = tmp_path_factory.mktemp("studios")
    for proxy in serve_litellm(folder, engine, settings, two_studios(other.port)):

        def ask(key: str, *texts: str) -> str:
            """Where a turn of this conversation is answered."""
            before = len(engine.requests), len(other.requests)
            turns = [(say, said)[index % 2](text) for index, text in enumerate(texts)]
            assert proxy.ask("POST", "/v1/messages", key, message(messages=turns))[0] == 200
            here, there = len(engine.requests) - before[0], len(other.requests) - before[1]
            assert here + there == 1
            asked = (engine if here else other).requests[-1]
            # Its own Router assigns its slots.
            assert ("id_slot" in asked) == bool(here)
            return "here" if here else "there"

        with engine.holding():
            call = Call(proxy, ANNA_KEY, message(stream=True))
            engine.wait_for_running(1)
            # A new one begins on the less busy Studio.
            assert ask(BEN_KEY, "away") == "there"
        assert call.wait()[0] == 200
        assert ask(BEN_KEY, "away", "ok", "and now") == "there"
        assert ask(ANNA_KEY, "home") == "here"
        assert ask(ANNA_KEY, "home", "ok", "and now") == "here"
        other.failure = (503, {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}})
        before = len(engine.requests)
        assert proxy.ask("POST", "/v1/messages", BEN_KEY, message(messages=[say("away"), said("ok"), say("then")]))[0] == 200
        # It is out of service: don't wait for what it holds.
        assert len(engine.requests) == before + 1


def test_saves_what_only_slots_hold_when_the_router_ends(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("ends")
    parked = folder / "parked"
    parked.mkdir()
    (folder / "engine.json").write_text(json.dumps({"process": "1@1", "identity": "m"}), encoding="utf-8")
    settings = {
        "pin_conversations": True,
        "engine_record_path": str(folder / "engine.json"),
        "slots_path": str(folder / "slots.json"),
        "parked_dir": str(parked),
        "parked_most_bytes": 1_000_000_000,
        "parked_most_age_seconds": 60,
    }
    engine.saves_to = None
    for proxy in serve_litellm(folder, engine, settings):
        before = len(engine.slot_actions)
        # Fewer are not worth a file.
        engine.prompt_tokens = 74
        assert proxy.ask("POST", "/v1/messages", ANNA_KEY, message(messages=[say("word " * 70)]))[0] == 200
        engine.prompt_tokens = 3
        deadline = time.monotonic() + WAIT_S
        while not any(path.endswith("action=save") for path in engine.slot_actions[before:]):
            assert time.monotonic() < deadline, "its copy was not tried"
            time.sleep(0.02)
        assert list(parked.glob("*.kv")) == []
        engine.saves_to = parked
    engine.saves_to = None
    assert len(list(parked.glob("*.kv"))) == 1
    assert "a step of the shutdown failed" not in (folder / "litellm.log").read_text(encoding="utf-8")
