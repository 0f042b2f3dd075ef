"""opta_whole.py: LiteLLM 1.106.2's streams, gathered into its whole answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from opta_stream import events_of
from opta_whole import ask_for_stream, gather
from real_litellm import ANNA_KEY, Proxy, message

if TYPE_CHECKING:
    from collections.abc import Iterable


def sse(events: Iterable[dict[str, Any]]) -> bytes:
    """Events as they stand in a stream."""
    return b"".join(f"event: {event.get('type')}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


# The order of events and the empty text at the beginning are LiteLLM's, seen with router.e2e's stack; the values are made up.
START = {"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": {"input_tokens": 0, "output_tokens": 0}}}
END = {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": {"input_tokens": 12, "output_tokens": 7}}
STOP = {"type": "message_stop"}


def block(index: int, content: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    """One block from its start to its stop."""
    return [
        {"type": "content_block_start", "index": index, "content_block": content},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def test_gathers_thinking_text_and_calls() -> None:
    stream = sse([
        START,
        *block(0, {"type": "text", "text": ""}),
        *block(1, {"type": "thinking", "thinking": "", "signature": ""}, {"type": "thinking_delta", "thinking": "six "}, {"type": "thinking_delta", "thinking": "by seven"}),
        {"type": "ping"},
        *block(2, {"type": "text", "text": ""}, {"type": "text_delta", "text": "日本"}, {"type": "text_delta", "text": "語"}),
        *block(3, {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}, {"type": "input_json_delta", "partial_json": '{"path":'}, {"type": "input_json_delta", "partial_json": '"/a"}'}),
        *block(4, {"type": "tool_use", "id": "toolu_2", "name": "List", "input": {}}),
        END,
        STOP,
    ])
    whole = gather("/v1/messages", stream)
    assert whole.status == 200
    assert whole.body["content"] == [
        {"type": "thinking", "thinking": "six by seven", "signature": ""},
        {"type": "text", "text": "日本語"},
        {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"path": "/a"}},
        {"type": "tool_use", "id": "toolu_2", "name": "List", "input": {}},
    ]
    assert whole.body["stop_reason"] == "tool_use"
    assert whole.body["usage"] == {"input_tokens": 12, "output_tokens": 7}


# 2**63 - 1 and 2**64 - 1 are the last that 64 bits hold, signed and not.
@pytest.mark.parametrize("number", ["9223372036854775807", "18446744073709551615", "18446744073709551616", "-9223372036854775809", "123456789012345678901234567890"])
def test_a_long_integer_in_a_call_stays_as_it_is(number: str) -> None:
    delta = {"type": "input_json_delta", "partial_json": f'{{"id": {number}, "name": "日本"}}'}
    call = block(0, {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}, delta)
    payload = orjson.dumps(gather("/v1/messages", sse([START, *call, END, STOP])).body)
    assert json.loads(payload)["content"][0]["input"] == {"id": int(number), "name": "日本"}
    assert number.encode() in payload


@pytest.mark.parametrize(("kind", "status"), [("overloaded_error", 529), ("api_error", 500), ("invalid_request_error", 400)])
def test_a_failure_in_the_stream_has_its_status(kind: str, status: int) -> None:
    failure = {"type": "error", "error": {"type": kind, "message": "no"}}
    whole = gather("/v1/messages", sse([START, failure]))
    assert whole == (status, failure)
    told = {"error": {"message": "no", "type": kind, "code": "503"}}
    assert gather("/v1/chat/completions", sse([told])) == (503, told)


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions", "/v1/completions", "/v1/responses"])
def test_an_incomplete_stream_is_no_answer(path: str) -> None:
    beginning = [START, {"choices": [{"index": 0, "delta": {"content": "o"}, "text": "o", "finish_reason": None}]}]
    assert gather(path, sse(beginning)).status == 500


def test_gathers_a_chat_with_two_calls() -> None:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {"id": "c", "model": "m", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    def call(index: int, **function: str) -> dict[str, Any]:
        return {"tool_calls": [{"index": index, **({"id": f"call_{index}", "type": "function"} if "name" in function else {}), "function": function}]}

    stream = sse([
        chunk({"role": "assistant", "content": None, "reasoning_content": "hm"}),
        chunk({"content": "a"}),
        chunk({"content": "b"}),
        chunk(call(0, name="Read", arguments="{")),
        chunk(call(0, arguments="}")),
        chunk(call(1, name="List", arguments="{}")),
        chunk({}, "tool_calls"),
        {"id": "c", "model": "m", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}},
    ]) + b"data: [DONE]\n\n"
    body = gather("/v1/chat/completions", stream).body
    assert body["object"] == "chat.completion"
    assert body["usage"]["completion_tokens"] == 5
    assert body["choices"] == [{
        "index": 0,
        "finish_reason": "tool_calls",
        "message": {
            "role": "assistant",
            "content": "ab",
            "reasoning_content": "hm",
            "tool_calls": [
                {"id": "call_0", "type": "function", "function": {"name": "Read", "arguments": "{}"}},
                {"id": "call_1", "type": "function", "function": {"name": "List", "arguments": "{}"}},
            ],
        },
    }]


@pytest.mark.parametrize(
    ("path", "part", "names"),
    [("/v1/chat/completions", {"delta": {"content": "a"}}, ["content", "refusal"]), ("/v1/completions", {"text": "a"}, ["tokens", "token_logprobs"])],
)
def test_gathers_the_log_probabilities_of_all_tokens(path: str, part: dict[str, Any], names: list[str]) -> None:
    """`null` in place of a list, and of all, as OpenAI's reference allows."""
    given: list[Any] = [{names[0]: [1], names[1]: None}, None, {names[0]: [2, 3], names[1]: [4]}]
    chunks = [{"choices": [{"index": 0, **part, "logprobs": logprobs}]} for logprobs in given]
    chunks.append({"choices": [{"index": 0, "finish_reason": "stop"}]})
    stream = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    assert gather(path, stream.encode()).body["choices"][0]["logprobs"] == {names[0]: [1, 2, 3], names[1]: [4]}


def test_requests_a_stream_only_if_it_is_not_one_already() -> None:
    assert not ask_for_stream("/v1/messages", {"stream": True})
    assert not ask_for_stream("/v1/messages/count_tokens", {})
    body: dict[str, Any] = {"stream": None}
    assert ask_for_stream("/v1/completions", body)
    assert body == {"stream": True, "stream_options": {"include_usage": True}}


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/messages", message()), ("/v1/chat/completions", message()), ("/v1/responses", {"model": "x", "input": "hi"}), ("/v1/completions", {"model": "x", "prompt": "hi"})],
)
def test_a_client_that_wants_a_whole_answer_gets_one(proxy: Proxy, path: str, body: dict[str, Any]) -> None:
    status, text = proxy.ask("POST", path, ANNA_KEY, body)
    assert status == 200
    answer = json.loads(text)
    assert proxy.engine.requests[-1]["stream"] is True
    said = {
        "/v1/messages": lambda: answer["content"][0]["text"],
        "/v1/chat/completions": lambda: answer["choices"][0]["message"]["content"],
        "/v1/responses": lambda: answer["output"][0]["content"][0]["text"],
        "/v1/completions": lambda: answer["choices"][0]["text"],
    }[path]()
    assert said == "ok"


# Each chat reports its prompt's progress, so that a client that leaves during a prefill is noticed beside another stream.
@pytest.mark.parametrize(
    ("path", "body", "reports"),
    [
        ("/v1/messages", message(), True),
        ("/v1/messages", message(stream=True), True),
        ("/v1/chat/completions", message(), True),
        ("/v1/chat/completions", message(stream=True), True),
        ("/v1/completions", {"model": "m", "prompt": "hi", "max_tokens": 4}, None),
        ("/v1/responses", {"model": "m", "input": "hi", "max_output_tokens": 4}, None),
    ],
)
def test_llama_server_reports_the_progress_of_a_chats_prompt(proxy: Proxy, path: str, body: dict[str, Any], reports: bool | None) -> None:
    status, text = proxy.ask("POST", path, ANNA_KEY, body)
    assert status == 200, text
    assert proxy.engine.requests[-1].get("return_progress") is reports
    # A field that no API has.
    assert "prompt_progress" not in text


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
@pytest.mark.parametrize(("words", "stream", "code"), [(0, True, 500), (0, False, 500), (1, True, 200), (1, False, 500)])
def test_a_failure_has_a_status_or_is_a_streams_last_event(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, path: str, words: int, stream: bool, code: int
) -> None:
    monkeypatch.setattr(proxy.engine, "fails_after", words)
    status, text = proxy.ask("POST", path, ANNA_KEY, message(stream=stream))
    last = json.loads(text) if code == 500 else list(events_of(text))[-1]
    assert (status, "Compute error." in last["error"]["message"]) == (code, True), text
    if path == "/v1/messages":
        assert (last["type"], last["error"]["type"]) == ("error", "api_error")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("most", "status", "details"), [(1, "incomplete", {"reason": "max_output_tokens"}), (2, "completed", None)])
def test_an_answer_of_responses_that_its_limit_cut_off_is_incomplete(
    proxy: Proxy, most: int, status: str, details: object, stream: bool
) -> None:
    """The stand-in's answer has one token and says, as b10068 always does, that it is complete."""
    told, text = proxy.ask("POST", "/v1/responses", ANNA_KEY, {"model": "m", "input": "hi", "max_output_tokens": most, "stream": stream})
    answer = list(events_of(text))[-1] if stream else {"type": f"response.{status}", "response": json.loads(text)}
    assert told == 200
    assert (answer["type"], answer["response"]["status"]) == (f"response.{status}", status)
    assert answer["response"].get("incomplete_details") == details
