"""Requests through the real LiteLLM: every way one can end, and what the feed reports meanwhile."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest
from opta_limits import LIMIT_FIELDS
from real_litellm import (
    ANNA_KEY,
    BEN_KEY,
    CONTEXT_TOKENS,
    DEAD_PORT,
    KEPT_FOR_ANSWER_SHARE,
    OWN_KEY,
    QUEUE_LIMIT,
    SLOTS,
    WAIT_S,
    Engine,
    Proxy,
    message,
    serve_litellm,
    two_studios,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHORTEST_PAUSE_S: Final = 0.25
# Far more than fit into the time of five lines.
MOST_ASKED: Final = 500


class Listener:
    """Connected to the feed, as the core is."""

    def __init__(self, proxy: Proxy) -> None:
        self.lines: list[tuple[float, dict[str, Any]]] = []
        self._changed = threading.Condition()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(proxy.folder / "router.sock"))
        threading.Thread(target=self._read, daemon=True).start()
        self.until(lambda _: True)

    def _read(self) -> None:
        with self._socket.makefile("rb") as lines:
            for line in lines:
                with self._changed:
                    self.lines.append((time.monotonic(), json.loads(line)))
                    self._changed.notify_all()

    def until(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first state, from the present one on, that fits."""
        with self._changed:
            told = self._changed.wait_for(lambda: self.lines and fits(self.lines[-1][1]), WAIT_S)
            assert told, self.lines[-3:]
            return self.lines[-1][1]

    def until_phases(self, **phases: int) -> dict[str, Any]:
        """The first state with this many requests in each phase."""
        return self.until(lambda state: counted(state) == phases)

    def close(self) -> None:
        """Go."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def counted(state: dict[str, Any]) -> dict[str, int]:
    """How many are in each phase."""
    phases = [request["phase"] for request in state["requests"]]
    return {phase: phases.count(phase) for phase in phases}


@pytest.fixture
def listener(proxy: Proxy) -> Iterator[Listener]:
    """A listener of the feed."""
    listener = Listener(proxy)
    listener.until_phases()
    yield listener
    listener.until_phases()
    listener.close()


@dataclass
class Call:
    """One request in a thread of its own, which can be hung up."""

    proxy: Proxy
    key: str
    body: dict[str, Any]
    path: str = "/v1/messages"
    answer: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=60)
        self._connection.connect()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        headers = {"content-type": "application/json", "x-api-key": self.key}
        try:
            self._connection.request("POST", self.path, json.dumps(self.body), headers)
            response = self._connection.getresponse()
            self.answer.append((response.status, response.read().decode()))
        except (OSError, http.client.HTTPException, AttributeError, ValueError):
            pass

    def hang_up(self) -> None:
        """Leave without waiting for the answer."""
        assert self._connection.sock is not None
        self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(WAIT_S)

    def wait(self) -> tuple[int, str]:
        """Status and body."""
        self._thread.join(WAIT_S)
        assert self.answer, "no answer"
        return self.answer[0]


@contextmanager
def full(proxy: Proxy, listener: Listener, **more: object) -> Iterator[list[Call]]:
    """Anna's requests hold every slot for as long as this lasts."""
    with proxy.engine.holding():
        calls = [Call(proxy, ANNA_KEY, message(stream=True, **more)) for _ in range(SLOTS)]
        proxy.engine.wait_for_running(SLOTS)
        listener.until_phases(generating=SLOTS)
        yield calls
    for call in calls:
        if call.answer:
            assert call.wait()[0] == 200


def error_of(text: str) -> dict[str, Any]:
    """The error in Anthropic's shape."""
    document = json.loads(text)
    assert document["type"] == "error"
    return {name: document["error"][name] for name in ("type", "message")}


def test_the_next_request_waits_and_is_answered(proxy: Proxy, listener: Listener) -> None:
    with full(proxy, listener):
        waiting = Call(proxy, BEN_KEY, message(stream=True))
        state = listener.until_phases(generating=SLOTS, waiting=1)
        assert [one["developer"] for one in state["requests"]] == ["anna"] * SLOTS + ["ben"]
        last = state["requests"][-1]
        assert (last["admittedAt"], last["firstTokenAt"], last["outputTokens"]) == (None, None, None)
        assert last["promptTokens"] > 0
        assert proxy.engine.running == SLOTS
    status, text = waiting.wait()
    assert (status, proxy.engine.most) == (200, SLOTS)
    assert "event: message_stop" in text


def test_a_full_queue_answers_529_in_anthropics_wording(proxy: Proxy, listener: Listener) -> None:
    with full(proxy, listener):
        waiting = [Call(proxy, BEN_KEY, message()) for _ in range(QUEUE_LIMIT)]
        listener.until_phases(generating=SLOTS, waiting=QUEUE_LIMIT)
        for stream in (True, False):
            connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)
            headers = {"content-type": "application/json", "x-api-key": BEN_KEY}
            connection.request("POST", "/v1/messages", json.dumps(message(stream=stream)), headers)
            response = connection.getresponse()
            assert (response.status, response.headers["retry-after"]) == (529, "10")
            assert error_of(response.read().decode()) == {
                "type": "overloaded_error",
                "message": f"all {SLOTS} slots are busy and {QUEUE_LIMIT} requests are already waiting",
            }
    assert all(call.wait()[0] == 200 for call in waiting)


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_the_queue_never_reaches_the_model(proxy: Proxy, listener: Listener, stream: bool) -> None:
    asked = len(proxy.engine.requests)
    with full(proxy, listener):
        waiting = Call(proxy, BEN_KEY, message(stream=stream))
        listener.until_phases(generating=SLOTS, waiting=1)
        waiting.hang_up()
        listener.until_phases(generating=SLOTS)
    listener.until_phases()
    assert len(proxy.engine.requests) == asked + SLOTS


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("reads_on", [True, False])
def test_a_client_that_leaves_during_its_answer_frees_the_slot(
    proxy: Proxy, listener: Listener, monkeypatch: pytest.MonkeyPatch, stream: bool, reads_on: bool
) -> None:
    monkeypatch.setattr(proxy.engine, "reads_on", reads_on)
    with proxy.engine.holding():
        calls = [Call(proxy, ANNA_KEY, message(stream=stream)) for _ in range(SLOTS)]
        proxy.engine.wait_for_running(SLOTS)
        waiting = Call(proxy, BEN_KEY, message(stream=True))
        listener.until(lambda state: counted(state).get("waiting") == 1)
        calls[0].hang_up()
        state = listener.until(lambda state: "waiting" not in counted(state) and len(state["requests"]) == SLOTS)
        assert "ben" in [one["developer"] for one in state["requests"]]
        proxy.engine.wait_for_running(SLOTS)
    assert waiting.wait()[0] == 200
    assert proxy.engine.most == SLOTS


def check_slot_is_kept(
    proxy: Proxy, listener: Listener, bodies: list[dict[str, Any]], leave: Callable[[Call], None]
) -> None:
    """All slots are held, the first by a request whose client left."""
    with proxy.engine.holding():
        proxy.engine.ignores_hang_ups = True
        try:
            calls = [Call(proxy, ANNA_KEY, body) for body in bodies]
            proxy.engine.wait_for_running(SLOTS)
            waiting = Call(proxy, BEN_KEY, message(stream=True))
            listener.until(lambda state: counted(state).get("waiting") == 1)
            leave(calls[0])
            looks = proxy.engine.looks
            listener.until(lambda state: len(state["requests"]) == SLOTS)
            proxy.engine.wait_for_looks(looks + 2)
            assert counted(listener.lines[-1][1])["waiting"] == 1
        finally:
            proxy.engine.ignores_hang_ups = False
        listener.until(lambda state: "waiting" not in counted(state))
        proxy.engine.wait_for_running(SLOTS)
    assert waiting.wait()[0] == 200
    assert proxy.engine.most == SLOTS


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_left_keeps_the_slot_while_the_model_works(proxy: Proxy, listener: Listener, stream: bool) -> None:
    check_slot_is_kept(proxy, listener, [message(stream=stream)] * SLOTS, Call.hang_up)


def test_a_request_that_litellm_gave_up_keeps_the_slot_while_the_model_works(proxy: Proxy, listener: Listener) -> None:
    def is_given_up(call: Call) -> None:
        # Of a stream LiteLLM says 500; it was asked for one (opta_whole.py).
        assert call.wait()[0] in (408, 500)

    # LiteLLM waits longer for the others than this test may take.
    bodies = [message(timeout=2 + index * WAIT_S) for index in range(SLOTS)]
    check_slot_is_kept(proxy, listener, bodies, is_given_up)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages", message()),
        ("/v1/chat/completions", message()),
        ("/v1/responses", {"model": "x", "input": "hi"}),
    ],
)
def test_does_not_poll_the_slots_after_an_answer(
    proxy: Proxy, listener: Listener, path: str, body: dict[str, Any], stream: bool
) -> None:
    looks = proxy.engine.looks
    for _ in range(SLOTS + 1):
        assert proxy.ask("POST", path, ANNA_KEY, {**body, "stream": stream})[0] == 200
    listener.until_phases()
    # Had one left a ghost, its place would be free only after a look.
    with full(proxy, listener):
        pass
    assert proxy.engine.looks == looks


def test_a_failure_frees_the_slot_and_is_counted(proxy: Proxy, listener: Listener) -> None:
    before = use_of(listener.until_phases(), "anna")
    looks = proxy.engine.looks
    proxy.engine.failure = (500, {"error": {"message": "compute error", "type": "server_error", "code": 500}})
    try:
        for stream in (True, False, True, False):
            assert proxy.ask("POST", "/v1/messages", ANNA_KEY, message(stream=stream))[0] >= 500
    finally:
        proxy.engine.failure = None
    after = use_of(listener.until(lambda state: use_of(state, "anna")["requests"] == before["requests"] + 4), "anna")
    assert after["failed"] == before["failed"] + 4
    # An answered request, even with an error, needs no more work: its place is free without a poll of the slots.
    assert proxy.engine.looks == looks
    # Four failures on two slots: if one had kept its slot, the third would wait for ever.
    assert proxy.ask("POST", "/v1/messages", ANNA_KEY, message())[0] == 200


def test_a_refused_body_frees_the_slot(proxy: Proxy, listener: Listener) -> None:
    for _ in range(SLOTS + QUEUE_LIMIT + 1):
        status, _text = proxy.ask("POST", "/v1/messages", ANNA_KEY, {"model": "x", "max_tokens": 4, "messages": "no"})
        assert status >= 400
    assert proxy.ask("POST", "/v1/messages", ANNA_KEY, message())[0] == 200
    listener.until_phases()


def test_follows_a_restarted_engines_new_context(proxy: Proxy) -> None:
    # Fits what the first says, and not what the next does: no question failed in between.
    prompt = message(messages=words(CONTEXT_TOKENS // 2))
    assert proxy.ask("POST", "/v1/messages", ANNA_KEY, prompt)[0] == 200
    try:
        proxy.engine.context_tokens = CONTEXT_TOKENS // 4
        status, text = proxy.ask("POST", "/v1/messages", ANNA_KEY, prompt)
        assert (status, error_of(text)["type"]) == (400, "invalid_request_error")
        proxy.engine.context_tokens = CONTEXT_TOKENS * 2
        assert proxy.ask("POST", "/v1/messages", ANNA_KEY, message(messages=words(CONTEXT_TOKENS)))[0] == 200
    finally:
        proxy.engine.context_tokens = CONTEXT_TOKENS


def test_a_refusal_by_design_is_not_counted_as_use(proxy: Proxy, listener: Listener) -> None:
    before = use_of(listener.until_phases(), "ben")
    assert proxy.ask("POST", "/v1/messages", BEN_KEY, message(messages=words(CONTEXT_TOKENS)))[0] == 400
    assert proxy.ask("POST", "/v1/chat/completions", BEN_KEY, message(n=2))[0] == 400
    words_of_llama = "request (46910 tokens) exceeds the available context size (32768 tokens), try increasing it"
    proxy.engine.failure = (400, {"error": {"code": 400, "message": words_of_llama, "type": "exceed_context_size_error"}})
    try:
        assert proxy.ask("POST", "/v1/messages", BEN_KEY, message())[0] == 400
    finally:
        proxy.engine.failure = None
    with full(proxy, listener):
        waiting = [Call(proxy, BEN_KEY, message()) for _ in range(QUEUE_LIMIT)]
        listener.until_phases(generating=SLOTS, waiting=QUEUE_LIMIT)
        assert proxy.ask("POST", "/v1/messages", BEN_KEY, message())[0] == 529
    assert all(call.wait()[0] == 200 for call in waiting)
    after = use_of(listener.until_phases(), "ben")
    assert (after["requests"], after["failed"]) == (before["requests"] + QUEUE_LIMIT, before["failed"])


def test_our_own_message_does_not_wait_and_is_not_counted_as_use(proxy: Proxy, listener: Listener) -> None:
    with full(proxy, listener):
        own = Call(proxy, OWN_KEY, message())
        state = listener.until(lambda state: len(state["requests"]) == SLOTS + 1)
        assert state["requests"][-1]["developer"] == "opta-nexus"
        assert state["requests"][-1]["phase"] != "waiting"
    assert own.wait()[0] == 200
    assert "opta-nexus" not in [use["developer"] for use in listener.until_phases()["developers"]]


def test_counting_tokens_does_not_wait(proxy: Proxy, listener: Listener) -> None:
    with full(proxy, listener):
        assert proxy.ask("POST", "/v1/messages/count_tokens", BEN_KEY, message())[0] == 200
        assert proxy.ask("GET", "/v1/models", BEN_KEY)[0] == 200


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_every_route_to_the_model_waits_its_turn(proxy: Proxy, listener: Listener, path: str) -> None:
    with full(proxy, listener):
        waiting = Call(proxy, BEN_KEY, message(stream=True), path)
        listener.until_phases(generating=SLOTS, waiting=1)
    assert waiting.wait()[0] == 200


def test_sums_up_what_a_developer_has_used(proxy: Proxy, listener: Listener) -> None:
    before = use_of(listener.until_phases(), "ben")
    assert proxy.ask("POST", "/v1/messages", BEN_KEY, message(stream=True))[0] == 200
    assert proxy.ask("POST", "/v1/messages", BEN_KEY, message())[0] == 200
    after = use_of(listener.until(lambda state: use_of(state, "ben")["requests"] == before["requests"] + 2), "ben")
    assert after["failed"] == before["failed"]
    assert after["outputTokens"] == before["outputTokens"] + 2 + 2
    assert after["promptTokens"] > before["promptTokens"]
    assert after["meanFirstTokenMs"] > 0


def test_the_feed_is_private_and_rate_limited(proxy: Proxy, listener: Listener) -> None:
    assert (proxy.folder / "router.sock").stat().st_mode & 0o777 == 0o600
    told = len(listener.lines)
    asked = 0
    while len(listener.lines) < told + 5:
        assert proxy.ask("POST", "/v1/messages", ANNA_KEY, message(stream=True))[0] == 200
        asked += 1
        assert asked < MOST_ASKED, "the feed is silent"
    times = [at for at, _ in listener.lines[told:]]
    # Arrival, not departure, is measured here; a line held up by the machine makes the next one seem early.
    assert (times[-1] - times[0]) / (len(times) - 1) > SHORTEST_PAUSE_S * 0.8


# --- What reaches the model --------------------------------------------------------------------------------------------


def test_adapts_claude_codes_requests(proxy: Proxy) -> None:
    body = message(
        temperature=1,
        system=[
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.197.a1f;"},
            {"type": "text", "text": "MAIN", "cache_control": {"type": "ephemeral"}},
        ],
        messages=[
            {"role": "user", "content": "a"},
            {"role": "system", "content": "AGENTS"},
            {"role": "user", "content": "b"},
        ],
    )
    for stream in (True, False):
        assert proxy.ask("POST", "/v1/messages?beta=true", ANNA_KEY, {**body, "stream": stream})[0] == 200
        asked = proxy.engine.requests[-1]
        text = json.dumps(asked["messages"])
        assert [entry["role"] for entry in asked["messages"]] == ["system", "user"]
        assert "MAIN" in text
        assert "AGENTS" in text
        assert "billing" not in text
        assert "temperature" not in asked
    proxy.ask("POST", "/v1/messages", ANNA_KEY, message(temperature=0.2))
    assert proxy.engine.requests[-1]["temperature"] == 0.2


def test_a_forced_tool_call_reaches_the_model_unchanged(proxy: Proxy) -> None:
    # As `nexus try-claude` forces one (electron/core/try-claude/forced-calls.ts).
    path = 'à la "日本" \\.sh'
    schema = {"type": "object", "properties": {"file_path": {"const": path}}, "required": ["file_path"], "additionalProperties": False}
    body = message(
        tools=[{"name": "Read", "description": "Reads", "input_schema": schema}],
        tool_choice={"type": "any"},
        stop_sequences=["<tool_call>"],
        messages=[
            {"role": "user", "content": "Read it."},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"file_path": path}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "no", "is_error": True}]},
            {"role": "assistant", "content": "<tool_call>"},
        ],
    )
    for stream in (True, False):
        assert proxy.ask("POST", "/v1/messages", ANNA_KEY, {**body, "stream": stream})[0] == 200
        asked = proxy.engine.requests[-1]
        assert [entry["role"] for entry in asked["messages"]] == ["user", "assistant", "tool", "assistant"]
        assert asked["messages"][2]["tool_call_id"] == asked["messages"][1]["tool_calls"][0]["id"]
        assert asked["messages"][-1]["content"] == "<tool_call>"
        assert (asked["tool_choice"], asked["stop"]) == ("required", ["<tool_call>"])
        assert asked["tools"][0]["function"]["parameters"] == schema


def words(number: int) -> list[dict[str, str]]:
    """A prompt whose length the stand-in counts as so many tokens and a few."""
    return [{"role": "user", "content": "word " * number}]


@pytest.mark.parametrize("stream", [True, False])
def test_refuses_a_prompt_that_does_not_fit_without_the_model(proxy: Proxy, stream: bool) -> None:
    asked = len(proxy.engine.requests)
    body = message(messages=words(CONTEXT_TOKENS), max_tokens=64_000, stream=stream)
    status, text = proxy.ask("POST", "/v1/messages", ANNA_KEY, body)
    assert status == 400
    most = CONTEXT_TOKENS - CONTEXT_TOKENS // KEPT_FOR_ANSWER_SHARE
    error = error_of(text)
    assert error["type"] == "invalid_request_error"
    assert error["message"].startswith("prompt is too long: 100")
    assert error["message"].endswith(f" tokens > {most} maximum")
    assert len(proxy.engine.requests) == asked


def test_takes_a_prompt_that_leaves_room_for_the_requested_answer(proxy: Proxy) -> None:
    body = message(messages=words(CONTEXT_TOKENS - 20), max_tokens=4)
    assert proxy.ask("POST", "/v1/messages", ANNA_KEY, body)[0] == 200
    assert proxy.ask("POST", "/v1/messages", ANNA_KEY, {**body, "max_tokens": 100})[0] == 400


@pytest.mark.parametrize("stream", [True, False])
def test_rewrites_llama_servers_refusal_for_claude_code(proxy: Proxy, stream: bool) -> None:
    words_of_llama = "request (46910 tokens) exceeds the available context size (32768 tokens), try increasing it"
    proxy.engine.failure = (
        400,
        {"error": {"code": 400, "message": words_of_llama, "type": "exceed_context_size_error", "n_ctx": 32768}},
    )
    try:
        status, text = proxy.ask("POST", "/v1/messages", ANNA_KEY, message(stream=stream))
    finally:
        proxy.engine.failure = None
    assert status == 400
    assert error_of(text) == {
        "type": "invalid_request_error",
        "message": "prompt is too long: 46910 tokens > 32768 maximum",
    }


# --- A Router of its own ------------------------------------------------------------------------------------------------


def test_never_overcommits_the_pool(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = {"pool_tokens": 1536, "pool_answer_tokens": 96, "slots": 4, "queue_limit": 4}
    for proxy in serve_litellm(tmp_path_factory.mktemp("pool"), engine, settings):
        listener = Listener(proxy)
        with engine.holding():
            calls = [Call(proxy, ANNA_KEY, message(stream=True, messages=words(600), max_tokens=64_000)) for _ in range(3)]
            listener.until(lambda state: counted(state) == {"generating": 2, "waiting": 1})
            assert engine.running == 2
            # The answer is limited to its reservation.
            assert all(asked["max_tokens"] == 96 for asked in engine.requests[-2:])
            small = Call(proxy, BEN_KEY, message(stream=True))
            listener.until(lambda state: len(state["requests"]) == 4)
        assert [call.wait()[0] for call in [*calls, small]] == [200] * 4
        # Under every name of the limit, on every route.
        most = {"max_tokens": 900, "max_completion_tokens": 900}
        for path, asks in (
            ("/v1/chat/completions", most),
            ("/v1/chat/completions", {"max_tokens": 4, "extra_body": {"max_completion_tokens": 900}}),
            ("/v1/responses", {"input": "hi"}),
            ("/v1/responses", {"input": "hi", "max_output_tokens": 900}),
        ):
            assert proxy.ask("POST", path, BEN_KEY, {**message(), "max_tokens": None, **asks})[0] == 200
            sent = [engine.requests[-1].get(name) for name in LIMIT_FIELDS]
            assert [limit for limit in sent if limit is not None], path
            assert all(limit is None or 0 < limit <= 96 for limit in sent), (path, asks, sent)
        status, text = proxy.ask("POST", "/v1/chat/completions", BEN_KEY, message(n=2))
        assert status == 400
        assert "n: found 2; allowed: 1" in text
        # Clients get the largest size that can ever fit.
        status, text = proxy.ask("POST", "/v1/messages", BEN_KEY, message(messages=words(1500)))
        assert status == 400
        assert f"{CONTEXT_TOKENS - 4} maximum" in text
        listener.close()


ONE_SLOT_EACH: Final = {
    "slots": 2,
    "node_slots": {"": 1, "b": 1},
    "node_cooldown_seconds": 600,
    "routed_model": "claude-3-5-sonnet-20241022",
    "queue_limit": 4,
}


def test_a_dead_studios_slots_do_not_count(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for proxy in serve_litellm(tmp_path_factory.mktemp("nodes"), engine, ONE_SLOT_EACH, two_studios(DEAD_PORT)):
        listener = Listener(proxy)
        with engine.holding():
            # Whichever is sent to the dead one is answered by the other; from then on there is one slot.
            calls = [Call(proxy, ANNA_KEY, message(stream=True)) for _ in range(2)]
            engine.wait_for_running(2)
            listener.until_phases(generating=2)
            calls.append(Call(proxy, BEN_KEY, message(stream=True)))
            listener.until_phases(generating=2, waiting=1)
            looks = engine.looks
            calls[0].hang_up()
            engine.wait_for_running(1)
            # Its place is free after a look, and was the dead one's.
            engine.wait_for_looks(looks + 1)
            assert proxy.ask("GET", "/v1/models", BEN_KEY)[0] == 200
            listener.until_phases(generating=1, waiting=1)
            assert engine.running == 1
        assert [call.wait()[0] for call in calls[1:]] == [200, 200]
        assert engine.most == 2
        listener.close()


@pytest.fixture
def other() -> Iterator[Engine]:
    """The llama-server of a second Studio."""
    other = Engine()
    yield other
    other.close()


def test_a_failed_request_does_not_put_its_studio_out_of_service(
    engine: Engine, other: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for proxy in serve_litellm(tmp_path_factory.mktemp("failing"), engine, ONE_SLOT_EACH, two_studios(other.port)):
        engine.failure = other.failure = (500, {"error": {"message": "no grammar", "type": "server_error", "code": 500}})
        try:
            assert [proxy.ask("POST", "/v1/messages", ANNA_KEY, message())[0] for _ in range(2)] == [500, 500]
        finally:
            engine.failure = None
        # LiteLLM's own cooldown answered 429 for as long as it lasted.
        assert [proxy.ask("POST", "/v1/messages", ANNA_KEY, message())[0] for _ in range(2)] == [200, 200]


def test_a_ghosts_slot_does_not_count_as_free(
    engine: Engine, other: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for proxy in serve_litellm(tmp_path_factory.mktemp("two"), engine, ONE_SLOT_EACH, two_studios(other.port)):
        listener = Listener(proxy)
        with engine.holding(), other.holding():
            engine.ignores_hang_ups = True
            try:
                # Both are idle, and this Studio comes first.
                leaves = Call(proxy, ANNA_KEY, message(stream=True))
                engine.wait_for_running(1)
                listener.until_phases(generating=1)
                leaves.hang_up()
                listener.until_phases()
                anew = Call(proxy, ANNA_KEY, message(stream=True))
                other.wait_for_running(1)
                assert engine.running == 1
            finally:
                engine.ignores_hang_ups = False
        assert anew.wait()[0] == 200
        listener.close()


def test_shutting_down_finishes_answers_and_admits_none(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for proxy in serve_litellm(tmp_path_factory.mktemp("ending"), engine):
        listener = Listener(proxy)
        with full(proxy, listener) as running:
            waiting = Call(proxy, BEN_KEY, message(stream=True))
            listener.until_phases(generating=SLOTS, waiting=1)
            proxy.process.terminate()
            status, text = waiting.wait()
            assert status == 529
            assert error_of(text)["type"] == "overloaded_error"
            assert engine.running == SLOTS
        assert [call.wait()[0] for call in running] == [200] * SLOTS


def test_serves_without_a_feed(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> None:
    for proxy in serve_litellm(tmp_path_factory.mktemp("mute"), engine, {"feed_path": "/nonexistent/router.sock"}):
        assert proxy.ask("POST", "/v1/messages", ANNA_KEY, message())[0] == 200
        assert "cannot report live requests" in proxy.log.read_text(encoding="utf-8")


def test_with_everything_off_requests_pass_unchanged(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> None:
    names = ("join_system_messages", "drop_attribution", "keep_model_sampling", "refuse_overlong_prompts", "admission")
    for proxy in serve_litellm(tmp_path_factory.mktemp("off"), engine, dict.fromkeys(names, False)):
        with engine.holding():
            calls = [Call(proxy, ANNA_KEY, message(stream=True)) for _ in range(SLOTS + 2)]
            engine.wait_for_running(SLOTS + 2)
        assert all(call.wait()[0] == 200 for call in calls)
        body = message(messages=words(CONTEXT_TOKENS), temperature=1, system="x-anthropic-billing-header: v=1;")
        assert proxy.ask("POST", "/v1/messages", ANNA_KEY, body)[0] == 200
        asked = engine.requests[-1]
        assert asked["temperature"] == 1
        assert "billing" in json.dumps(asked["messages"])


def use_of(state: dict[str, Any], developer: str) -> dict[str, Any]:
    """What a developer has used today."""
    nothing = {"requests": 0, "failed": 0, "promptTokens": 0, "outputTokens": 0, "meanFirstTokenMs": None}
    return next((use for use in state["developers"] if use["developer"] == developer), nothing)
