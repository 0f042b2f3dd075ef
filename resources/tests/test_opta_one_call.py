"""opta_one_call.py: a client that asked for one tool call at most gets one, whatever the model does."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from opta_one_call import FirstCall, OneCall, wants_one_call
from opta_stream import events_of
from opta_whole import gather
from real_litellm import ANNA_KEY, Proxy, message

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMED: Final = {"name": "Read", "description": "d", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}
FUNCTION: Final = {"name": "Read", "description": "d", "parameters": NAMED["input_schema"]}
CHAT_TOOL: Final = {"type": "function", "function": FUNCTION}

ONE: Final = (
    ("/v1/messages", message(tools=[NAMED], tool_choice={"type": "auto", "disable_parallel_tool_use": True})),
    ("/v1/messages", message(tools=[NAMED], tool_choice={"type": "tool", "name": "Read", "disable_parallel_tool_use": True})),
    ("/v1/chat/completions", message(tools=[CHAT_TOOL], parallel_tool_calls=False)),
    ("/v1/responses", {"model": "m", "input": "hi", "tools": [{"type": "function", **FUNCTION}], "parallel_tool_calls": False}),
)


@pytest.fixture
def calling(proxy: Proxy) -> Iterator[Proxy]:
    """Each answer has three calls, the last of which is cut off."""
    proxy.engine.calls = 3
    yield proxy
    proxy.engine.calls = 0


def calls_of(answer: dict[str, Any]) -> list[tuple[str, object]]:
    """The calls of a whole answer, in any API: id and arguments."""
    if "choices" in answer:
        return [(call["id"], call["function"]["arguments"]) for call in answer["choices"][0]["message"].get("tool_calls") or ()]
    if "output" in answer:
        return [(item["call_id"], item["arguments"]) for item in answer["output"] if item["type"] == "function_call"]
    return [(block["id"], block["input"]) for block in answer["content"] if block["type"] == "tool_use"]


def end_of(answer: dict[str, Any]) -> str:
    """How it ended, in its API's word."""
    return str(answer["choices"][0]["finish_reason"] if "choices" in answer else answer.get("stop_reason", answer.get("status")))


# --- Through LiteLLM --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("path", "body"), ONE)
def test_gives_one_call_to_a_client_that_asked_for_one(calling: Proxy, path: str, body: dict[str, Any], stream: bool) -> None:
    status, text = calling.ask("POST", path, ANNA_KEY, {**body, "stream": stream})
    assert status == 200, text
    assert ("call_1" in text, "call_2" in text, "fc_1" in text) == (False, False, False)
    answer = gather(path, text.encode()).body if stream else json.loads(text)
    expected = {"/v1/messages": {"a": 0}, "/v1/chat/completions": '{"a":0}', "/v1/responses": "{}"}[path]
    assert calls_of(answer) == [("call_0", expected)]
    assert end_of(answer) == {"/v1/messages": "tool_use", "/v1/chat/completions": "tool_calls", "/v1/responses": "completed"}[path]
    # Grammars that can forbid a second call are told.
    assert calling.engine.requests[-1]["parallel_tool_calls"] is False
    assert "dropped 2 tool calls after the first" in calling.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("path", "body"), ONE)
def test_gives_every_call_to_a_client_that_did_not(calling: Proxy, path: str, body: dict[str, Any], stream: bool) -> None:
    body = {name: value for name, value in body.items() if name not in ("tool_choice", "parallel_tool_calls")}
    status, text = calling.ask("POST", path, ANNA_KEY, {**body, "stream": stream})
    assert status == 200, text
    answer = gather(path, text.encode()).body if stream else json.loads(text)
    assert [identity for identity, _ in calls_of(answer)] == ["call_0", "call_1", "call_2"]
    assert end_of(answer) == {"/v1/messages": "max_tokens", "/v1/chat/completions": "length", "/v1/responses": "completed"}[path]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, False),
        ({"parallel_tool_calls": True, "tool_choice": "required", "tools": [{}]}, False),
        ({"parallel_tool_calls": False, "tools": [{}]}, True),
        ({"parallel_tool_calls": False, "tools": []}, False),
        ({"parallel_tool_calls": False}, False),
        ({"parallel_tool_calls": None, "tool_choice": {"type": "any", "disable_parallel_tool_use": False}, "tools": [{}]}, False),
        ({"tool_choice": {"type": "any", "disable_parallel_tool_use": True}, "tools": [{}]}, True),
    ],
)
def test_knows_who_asked_for_one(body: dict[str, Any], expected: bool) -> None:
    assert wants_one_call(body) is expected


# --- Single events ----------------------------------------------------------------------------------------------------


def kept(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is left of these events."""
    first = FirstCall()
    return [left for event in events if (left := first.keep(event)) is not None]


def block(index: int, content: dict[str, Any]) -> list[dict[str, Any]]:
    """One block of Anthropic's, without deltas."""
    return [{"type": "content_block_start", "index": index, "content_block": content}, {"type": "content_block_stop", "index": index}]


def test_text_after_a_dropped_call_moves_up() -> None:
    """Anthropic's SDKs put a block into the list at its index."""
    use = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}
    said = {"type": "text", "text": ""}
    events = [*block(0, said), *block(1, use), *block(2, {**use, "id": "toolu_2"}), *block(3, said), {"type": "ping"}]
    assert kept(events) == [*block(0, said), *block(1, use), *block(2, said), {"type": "ping"}]


def test_a_single_call_that_was_cut_off_stays_cut_off() -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}
    events = [*block(0, use), {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 7}}]
    assert kept(events) == events


def test_each_choice_of_a_chat_keeps_its_first_call() -> None:
    def chunk(choice: int, call: int, **more: object) -> dict[str, Any]:
        return {"choices": [{"index": choice, "delta": {"tool_calls": [{"index": call, "id": f"{choice}-{call}"}]}, **more}]}

    ends = [{"index": 0, "delta": {}, "finish_reason": "length"}, {"index": 1, "delta": {}, "finish_reason": "length"}]
    usage = {"choices": [], "usage": {"completion_tokens": 9}}
    left = kept([chunk(0, 0), chunk(1, 0), chunk(0, 1), {"choices": ends}, usage])
    assert left == [chunk(0, 0), chunk(1, 0), {"choices": [{**ends[0], "finish_reason": "tool_calls"}, ends[1]]}, usage]


def test_a_dropped_calls_chunk_keeps_what_else_it_has() -> None:
    first = {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0}]}}]}
    both = {"choices": [{"index": 0, "delta": {"content": "so", "tool_calls": [{"index": 1}]}, "finish_reason": "tool_calls"}]}
    assert kept([first, both]) == [first, {"choices": [{"index": 0, "delta": {"content": "so"}, "finish_reason": "tool_calls"}]}]


def test_an_answer_cut_off_within_a_dropped_call_is_complete() -> None:
    """As newer builds and OpenAI's own servers end a cut-off answer."""
    calls = [{"type": "function_call", "id": f"fc_{index}", "arguments": "{}"} for index in range(2)]
    response = {"id": "resp_1", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": calls}
    assert kept([{"type": "response.incomplete", "response": response}]) == [
        {
            "type": "response.completed",
            "response": {"id": "resp_1", "status": "completed", "incomplete_details": None, "output": calls[:1]},
        }
    ]


# --- The stream's bytes -----------------------------------------------------------------------------------------------


def sent(pieces: list[bytes], kind: bytes = b"text/event-stream; charset=utf-8") -> list[dict[str, Any]]:
    """What reaches the client of an answer in these pieces."""
    messages: list[Any] = []

    async def send(one: Any) -> None:
        messages.append(one)

    async def run() -> None:
        one_call = OneCall(send)
        await one_call.send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        for number, piece in enumerate(pieces, 1):
            await one_call.send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces)})

    asyncio.run(run())
    return messages[1:]


def test_an_event_may_come_in_pieces_and_untouched_ones_stay_as_they_are() -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}
    events = [*block(0, use), *block(1, use), {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}}]
    text = b": a comment\n\n" + b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events) + b"data: [DONE]\n\n"
    whole = b"".join(one["body"] for one in sent([text]))
    for size in (1, 7, 100):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        messages = sent(pieces)
        assert b"".join(one["body"] for one in messages) == whole
        assert [one["more_body"] for one in messages][-2:] == [True, False]
    assert whole.startswith(text[: text.index(b"event: content_block_start", 20)]), "the first block's bytes are LiteLLM's own"
    assert whole.endswith(b"data: [DONE]\n\n")
    ends = [{"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}}]
    assert list(events_of(whole.decode())) == [*block(0, use), *ends]


def test_a_later_call_is_dropped_although_the_stream_is_cut_off_after_it() -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}
    first, later = (f"data: {json.dumps(block(index, use)[0])}\n\n".encode() for index in range(2))
    assert sent([first + later[:-1]])[-1]["body"] == first
    assert sent([first + later[:20]])[-1]["body"] == first + later[:20], "what can't be read goes on"


def test_a_long_event_is_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """8 MiB in pieces of 4 KiB took 6 s, in which no other client was served."""
    split: list[int] = []

    class Counting(bytearray):
        def split(self, *args: Any, **named: Any) -> list[bytearray]:
            split.append(len(self))
            return super().split(*args, **named)

    monkeypatch.setattr("opta_one_call.bytearray", Counting, raising=False)
    pieces = [b'data: "', *[b"a" * 100] * 50, b'"\n', b"\n"]
    assert b"".join(one["body"] for one in sent(pieces)) == b"".join(pieces)
    assert split == [5010]


def test_an_error_passes_unchanged() -> None:
    body = b'{"type":"error","error":{"type":"overloaded_error","message":"a\n\nb"}}'
    assert sent([body], b"application/json") == [{"type": "http.response.body", "body": body, "more_body": False}]
