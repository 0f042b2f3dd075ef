"""What clients of OpenAI's APIs send back of earlier answers, and mistakes in it; each was a 400 or 500 of llama-server (b10068)."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from opta_replays import mend_chat
from real_litellm import ANNA_KEY, Proxy
from test_opta_bodies import CHAT, RESPONSES, refusal

HI: Final = {"role": "user", "content": "hi"}
SAID: Final = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x"}]}
RESULT: Final = {"type": "function_call_output", "call_id": "c", "output": "r"}


def call(arguments: object) -> dict[str, Any]:
    """A call in /v1/responses."""
    return {"type": "function_call", "call_id": "c", "name": "t", "arguments": arguments}


def sent(proxy: Proxy, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What llama-server is sent of it."""
    status, text = proxy.ask("POST", path, ANNA_KEY, {"model": "m", **body})
    assert status == 200, text
    return proxy.engine.requests[-1]


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [('{"a": 1}', {"a": 1}), ("", {}), (" ", {}), ('{"a":', {"arguments": '{"a":'}), ("[1]", {"arguments": "[1]"}), ("5", {"arguments": "5"})],
)
def test_arguments_reach_the_model_as_an_object(proxy: Proxy, arguments: str, kept: object) -> None:
    function = {"name": "t", "arguments": arguments}
    turns = [HI, {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function", "function": function}]}]
    turns.append({"role": "tool", "tool_call_id": "c", "content": None})
    asked = sent(proxy, CHAT, {"messages": turns, "max_tokens": 4})["messages"]
    assert json.loads(asked[1]["tool_calls"][0]["function"]["arguments"]) == kept
    assert asked[2]["content"] == ""
    items = sent(proxy, RESPONSES, {"input": [HI, call(arguments), RESULT], "max_output_tokens": 4})["input"]
    assert json.loads(items[1]["arguments"]) == kept


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        ({"content": None}, ""),
        ({}, ""),
        ({"content": None, "tool_calls": None}, ""),
        ({"tool_calls": []}, ""),
        ({"content": None, "refusal": "no"}, "no"),
        ({"content": [{"type": "refusal", "refusal": "no"}]}, [{"type": "text", "text": "no"}]),
        ({"audio": {"id": "a"}}, ""),
    ],
)
def test_an_answer_without_content_reaches_the_model(proxy: Proxy, answer: dict[str, Any], content: object) -> None:
    asked = sent(proxy, CHAT, {"messages": [HI, {"role": "assistant", **answer}, HI], "max_tokens": 4})
    assert asked["messages"][1]["content"] == content


def test_thinking_among_the_content_reaches_the_model_as_reasoning(proxy: Proxy) -> None:
    content = [{"type": "thinking", "thinking": "six by seven"}, {"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": "42"}]
    asked = sent(proxy, CHAT, {"messages": [HI, {"role": "assistant", "content": content}, HI], "max_tokens": 4})["messages"][1]
    assert (asked["content"], asked["reasoning_content"]) == ([{"type": "text", "text": "42"}], "six by seven")


@pytest.mark.parametrize("call", [{"id": "c"}, {"id": "c", "type": None}])
def test_a_call_has_its_type_and_nothing_is_null(proxy: Proxy, call: dict[str, Any]) -> None:
    odd = {"name": None, "reasoning_content": None, "refusal": None, "tool_call_id": None}
    turns = [HI, {"role": "assistant", **odd, "tool_calls": [{**call, "function": {"name": "t", "arguments": "{}"}}]}]
    body = {"messages": turns}
    assert mend_chat(body)
    wanted = {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "t", "arguments": "{}"}}]}
    assert body["messages"] == [HI, wanted]
    assert sent(proxy, CHAT, {"messages": turns, "max_tokens": 4})["messages"][1] == wanted


def test_a_message_of_responses_has_no_fields_of_a_chats(proxy: Proxy) -> None:
    odd = {"id": "m", "status": "completed", "name": None, "reasoning_content": 5, "tool_calls": 5}
    asked = sent(proxy, RESPONSES, {"input": [{**HI, "type": None, **odd}, {**SAID, **odd}, HI], "max_output_tokens": 4})["input"]
    assert asked == [{"type": "message", **HI}, SAID, {"type": "message", **HI}]


@pytest.mark.parametrize(
    ("item", "kept"),
    [
        ({"role": "assistant", "content": "x"}, {"type": "message", "role": "assistant", "content": "x"}),
        ({"role": "assistant", "content": [{"type": "output_text", "text": "x"}]}, SAID),
        ({**SAID, "content": [{"type": "refusal", "refusal": "x"}]}, SAID),
        ({"type": "reasoning", "summary": [], "content": None, "encrypted_content": "gAAA"}, None),
        ({"type": "reasoning"}, None),
        (
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]},
            {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "a\n\nb"}]},
        ),
    ],
)
def test_items_of_responses_reach_the_model(proxy: Proxy, item: dict[str, Any], kept: dict[str, Any] | None) -> None:
    asked = sent(proxy, RESPONSES, {"input": [HI, item, HI], "max_output_tokens": 4})["input"]
    assert [{name: turn[name] for name in kept or turn} for turn in asked[1:-1]] == ([] if kept is None else [kept])


# platform.openai.com, Responses: what refers to OpenAI's servers, and one made up.
FOREIGN: Final = ("item_reference", "web_search_call", "custom_tool_call", "custom_tool_call_output", "mcp_call", "local_shell_call", "compaction", "hologram")


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("more", [{"id": "x"}, {"role": "user", "content": "z"}])
def test_an_unknown_kind_of_item_is_a_400_with_its_place(proxy: Proxy, kind: str, more: dict[str, Any]) -> None:
    asked = len(proxy.engine.requests)
    status, text = proxy.ask("POST", RESPONSES, ANNA_KEY, {"model": "m", "input": [HI, {"type": kind, **more}]})
    error = json.loads(text)["error"]
    assert (status, error["type"], error["param"]) == (400, "invalid_request_error", "input.1.type"), text
    assert error["message"].startswith("input.1.type: Input should be 'message', 'function_call'")
    assert len(proxy.engine.requests) == asked


@pytest.mark.parametrize(
    ("items", "place"),
    [
        ([{"role": "user", "content": [{"type": "hologram"}]}], "input.0.content.0.type: "),
        ([{"role": "user", "content": [{"type": "output_text", "text": "x"}]}], "input.0.content.0.type: "),
        ([HI, {"role": "assistant", "content": [{"type": "input_image", "image_url": "x"}]}], "input.1.content.0.type: "),
        ([HI, call("{}"), {**RESULT, "output": [{"type": "text", "text": "x"}]}], "input.2.output.0.type: "),
        ([HI, call("{}"), {**RESULT, "output": ["x"]}], "input.2.output.0: "),
        ([HI, call("{}"), {**RESULT, "output": {"a": 1}}], "input.2.output: "),
        ([HI, call({})], "input.1.arguments: "),
        ([HI, {"type": "reasoning", "summary": 5}], "input.1.summary: "),
        ([{"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}], "input: at least one item"),
        ([{"role": "robot", "content": "x"}], "input.0.role: "),
        ([{"type": 5, "role": "user", "content": "x"}], "input.0.type: "),
    ],
)
def test_a_mistake_in_the_input_gets_its_place(items: list[Any], place: str) -> None:
    assert (refusal(RESPONSES, {"model": "m", "input": items}) or "").startswith(place)
