"""opta_body.py, opta_shapes.py and opta_fields.py: nothing that a client sends causes a 5xx."""

from __future__ import annotations

import http.client
import json
from typing import Any, Final

import opta_fields
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hostile import changed
from opta_body import MOST_LEVELS, BadBodyError, read_json, refine
from opta_settings import Settings
from opta_told import Told
from opta_tools import mend_tools
from real_litellm import ANNA_KEY, CONTEXT_TOKENS, Proxy, message

MESSAGES: Final = "/v1/messages"
COUNT: Final = "/v1/messages/count_tokens"
CHAT: Final = "/v1/chat/completions"
COMPLETIONS: Final = "/v1/completions"
RESPONSES: Final = "/v1/responses"
ROUTES: Final = (MESSAGES, COUNT, CHAT, COMPLETIONS, RESPONSES)

TOOL: Final = {"name": "Read", "description": "d", "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}}}
USE: Final = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"path": "/a"}}
RESULT: Final = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "r"}], "is_error": False}
CALL: Final = {"id": "call_1", "type": "function", "function": {"name": "Read", "arguments": "{}"}}
FUNCTION: Final = {"name": "Read", "description": "d", "parameters": {"type": "object", "properties": {}}}

# One valid body for each route, with all parts that LiteLLM reads.
SOUND: Final[dict[str, dict[str, Any]]] = {
    MESSAGES: {
        "model": "m",
        "max_tokens": 4,
        "system": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": ""}, {"type": "text", "text": "a"}, USE]},
            {"role": "user", "content": [RESULT, {"type": "text", "text": "go on"}]},
        ],
        "tools": [TOOL],
        "tool_choice": {"type": "auto"},
        "thinking": {"type": "disabled"},
        "metadata": {"user_id": "u"},
        "stop_sequences": ["b"],
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 5,
        "stream": False,
        "output_config": {"effort": "low"},
    },
    CHAT: {
        "model": "m",
        "messages": [
            {"role": "system", "content": "S"},
            {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": "r"},
        ],
        "tools": [{"type": "function", "function": FUNCTION}],
        "tool_choice": "auto",
        "max_tokens": 4,
        "stop": ["b"],
        "response_format": {"type": "text"},
        "logit_bias": {"5": 1},
        "stream_options": {"include_usage": True},
        "seed": 1,
        "n": 1,
    },
    COMPLETIONS: {"model": "m", "prompt": "hi", "max_tokens": 4, "stop": "b", "logprobs": 1, "echo": False, "suffix": "s", "seed": 1},
    RESPONSES: {
        "model": "m",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
            {"type": "function_call", "call_id": "call_1", "name": "Read", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "r"},
        ],
        "instructions": "S",
        "max_output_tokens": 4,
        "tools": [{"type": "function", **FUNCTION}],
        "tool_choice": "auto",
        "text": {"format": {"type": "text"}},
        "reasoning": {"effort": "low"},
        "include": [],
        "metadata": {"a": "b"},
    },
}
SOUND[COUNT] = {name: SOUND[MESSAGES][name] for name in ("model", "system", "messages", "tools", "tool_choice")}


def post(proxy: Proxy, path: str, body: bytes) -> tuple[int, bytes]:
    """Status and body of a request with these bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)
    connection.request("POST", path, body, {"x-api-key": ANNA_KEY, "content-type": "application/json"})
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer


def refusal(path: str, body: object, **switches: Any) -> str | None:
    """Why this body is refused, or None."""
    try:
        document = read_json(path, json.dumps(body).encode())
        assert document is not None
        refine(path, document, Settings(**switches))
    except BadBodyError as error:
        return error.message
    return None


# --- Known mistakes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ROUTES)
def test_answers_a_valid_body(proxy: Proxy, path: str) -> None:
    status, text = post(proxy, path, json.dumps(SOUND[path]).encode())
    assert status == 200, text


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"5", b"null", b"true", b'"x"', b'{"model": ', b'{"model":"\xff\xfe"}', b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b"{}"],
)
def test_an_invalid_body_gets_400_in_its_apis_wording(proxy: Proxy, path: str, body: bytes) -> None:
    status, text = post(proxy, path, body)
    answer = json.loads(text)
    assert status == 400
    assert answer["error"]["type"] == "invalid_request_error"
    assert answer.get("type") == ("error" if path in (MESSAGES, COUNT) else None)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"messages": None}, "messages: "),
        ({"messages": []}, "messages: "),
        ({"messages": "x"}, "messages: "),
        ({"messages": [None]}, "messages.0: Input should be an object"),
        ({"messages": [[]]}, "messages.0: "),
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role: "),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content: "),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.0.content.0.text: Field required"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result", "content": 5}]}]}, "messages.0.content.0.tool_use_id"),
        ({"tools": "x"}, "tools: "),
        ({"tools": [None]}, "tools.0: "),
        ({"tools": [{"name": "t"}]}, "tools.0.input_schema: Field required"),
        ({"system": 5}, "system: "),
        ({"metadata": {"user_id": {}}}, "metadata.user_id: "),
        ({"max_tokens": -1}, "max_tokens: "),
        ({"max_tokens": None}, "max_tokens: "),
        ({"max_tokens": 1.5}, "max_tokens: "),
        ({"max_tokens": "4"}, "max_tokens: "),
        ({"max_tokens": True}, "max_tokens: "),
        ({"stream": "yes"}, "stream: "),
        ({"temperature": "hot"}, "temperature: "),
        # 500 of LiteLLM: it repeats the name in a header.
        ({"model": "модель"}, "model: "),
        ({"model": "\x1b]52;c;ZXZpbA==\x07"}, "model: "),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, "messages.0: user messages must have non-empty content"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages: at least one message is required"),
        ({"tools": [{"name": "a\0b", "input_schema": {}}]}, "tools.0.name: "),
        ({"tools": [{"type": "function", "function": 5}]}, "tools.0.function: "),
        ({"tools": [{"name": "t", "input_schema": {}}], "tool_choice": {"type": "tool"}}, "tool_choice.name: Field required"),
        ({"output_format": {"type": "yaml"}}, "output_format.type: "),
        ({"output_format": {"type": "json_schema"}}, "output_format.schema: Field required"),
        ({"output_config": {"format": {"type": "json_schema", "schema": "x"}}}, "output_config.format.schema: "),
    ],
)
def test_names_the_place_of_a_mistake(change: dict[str, Any], place: str) -> None:
    assert (refusal(MESSAGES, message(**change)) or "").startswith(place)


@pytest.mark.parametrize(
    ("path", "change", "place"),
    [
        (CHAT, {"messages": [{"role": "user", "content": None}]}, "messages.0.content: "),
        (CHAT, {"messages": [{"role": "system"}]}, "messages.0.content: Field required"),
        # 500 of LiteLLM: types that only answers have.
        (CHAT, {"messages": [{"role": "user", "content": [{"type": "refusal", "refusal": "x"}]}]}, "messages.0.content.0.type: "),
        (CHAT, {"messages": [{"role": "user", "content": [{"type": "thinking", "thinking": "x"}]}]}, "messages.0.content.0.type: "),
        (RESPONSES, {"text": {"format": {"type": "grammar"}}}, "text.format.type: "),
        (RESPONSES, {"text": {"format": {"type": "json_schema", "name": "n", "schema": "x"}}}, "text.format.schema: "),
    ],
)
def test_names_the_place_in_openais_apis_too(path: str, change: dict[str, Any], place: str) -> None:
    assert (refusal(path, {**SOUND[path], **change}) or "").startswith(place)


# What was answered as if the client had not sent it (LiteLLM 1.108.7, b10068): an answer without the earlier conversation, without the
# tools, without a word, or as text. And what was a 500: `tags` of metadata, a message of white space.
BLANK: Final = {"role": "user", "content": [{"type": "text", "text": " \n"}]}
LOST: Final = (
    (RESPONSES, {"previous_response_id": "resp_1"}, "previous_response_id: nothing is kept here between requests"),
    (RESPONSES, {"conversation": {"id": "conv_1"}}, "conversation: nothing is kept here between requests"),
    (RESPONSES, {"prompt": {"id": "pmpt_1"}}, "prompt: no prompts are kept here"),
    (RESPONSES, {"tools": None, "tool_choice": "required"}, "tool_choice: may only be specified while providing tools"),
    (RESPONSES, {"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}}, "tool_choice.type: Input should be 'function'"),
    (RESPONSES, {"tool_choice": {"type": "web_search"}}, "tool_choice.type: Input should be 'function'"),
    (CHAT, {"functions": [FUNCTION], "function_call": "auto"}, "functions: not served here: use `tools`"),
    (CHAT, {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}, "modalities: Input should be ['text']"),
    (CHAT, {"tools": None, "tool_choice": "required"}, "tool_choice: may only be specified while providing tools"),
    (CHAT, {"stop": ""}, "stop: String should have at least 1 character"),
    (CHAT, {"stop": ["b", ""]}, "stop.1: String should have at least 1 character"),
    (COMPLETIONS, {"stop": [""]}, "stop.0: String should have at least 1 character"),
    (MESSAGES, {"stop_sequences": ["b", ""]}, "stop_sequences: each stop sequence must contain non-whitespace"),
    (MESSAGES, {"stop_sequences": ["\n\n"]}, "stop_sequences: each stop sequence must contain non-whitespace"),
    (MESSAGES, {"tools": None, "tool_choice": {"type": "any"}}, "tool_choice: may only be specified while providing tools"),
    (MESSAGES, {"metadata": "x"}, "metadata: Input should be an object"),
    (COUNT, {"metadata": "x"}, "metadata: Input should be an object"),
    (MESSAGES, {"messages": [BLANK]}, "messages.0: user messages must have non-empty content"),
    (MESSAGES, {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "a"}, BLANK]}, "messages.2: user messages"),
)


@pytest.mark.parametrize(("path", "change", "words"), LOST)
def test_refuses_what_would_be_lost_in_the_answer(proxy: Proxy, path: str, change: dict[str, Any], words: str) -> None:
    status, text = post(proxy, path, json.dumps({**SOUND[path], **change}).encode())
    assert (status, json.loads(text)["error"]["message"][: len(words)]) == (400, words)


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (RESPONSES, {"previous_response_id": None, "conversation": None, "prompt": None, "store": True, "background": False}),
        (CHAT, {"previous_response_id": "r", "conversation": "c", "prompt": "p"}),
        (MESSAGES, {"functions": [FUNCTION], "prompt": "p"}),
        (CHAT, {"functions": [], "modalities": ["text"], "prediction": {"type": "content", "content": "x"}, "stop": ["\n"]}),
        (MESSAGES, {"metadata": {"user_id": "u", "tags": 5, "headers": 5, "spend_logs_metadata": 5}}),
        (MESSAGES, {"metadata": None, "stop_sequences": [], "container": "c", "speed": "fast", "mcp_servers": []}),
        (MESSAGES, {"messages": [{"role": "user", "content": [*BLANK["content"], {"type": "text", "text": "hi"}]}]}),
    ],
)
def test_takes_what_changes_no_answer(proxy: Proxy, path: str, change: dict[str, Any]) -> None:
    status, text = post(proxy, path, json.dumps({**SOUND[path], **change}).encode())
    assert status == 200, text


def test_drops_a_custom_tool_beside_others_and_logs_it(proxy: Proxy, caplog: pytest.LogCaptureFixture) -> None:
    patch, shell = {"type": "custom", "name": "apply_patch", "format": {"type": "text"}}, {"type": "function", **FUNCTION}
    status, text = post(proxy, RESPONSES, json.dumps({**SOUND[RESPONSES], "tools": [patch, shell], "tool_choice": "auto"}).encode())
    assert status == 200, text
    assert "apply_patch" not in json.dumps(proxy.engine.requests[-1].get("tools"))
    body = {"tools": [patch, shell]}
    assert mend_tools(body)
    assert body == {"tools": [shell]}
    assert "apply_patch" in caplog.text


def test_takes_bodies_as_deep_as_tools_and_no_deeper(proxy: Proxy) -> None:
    def nested(levels: int) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string"}
        for _ in range(levels):
            schema = {"type": "object", "properties": {"a": schema}}
        return message(tools=[{"name": "t", "input_schema": schema}])

    # The body, the list, the tool and its innermost schema beside two for each level.
    deepest = (MOST_LEVELS - 4) // 2
    status, text = post(proxy, MESSAGES, json.dumps(nested(deepest)).encode())
    assert status == 200, text
    assert "nested deeper than" in (refusal(MESSAGES, nested(deepest + 1)) or "")


# --- Fields that clients may not set ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [MESSAGES, CHAT, COMPLETIONS, RESPONSES])
@pytest.mark.parametrize("wrap", [lambda fields: fields, lambda fields: {"extra_body": fields}])
def test_keeps_llama_servers_own_fields_from_it(proxy: Proxy, path: str, wrap: Any) -> None:
    hints = {"id_slot": 0, "cache_prompt": False, "min_p": 0.9, "n_keep": 5, "made_up": {"a": 1}, "api_base": "http://127.0.0.1:1", "fallbacks": ["x"]}
    status, text = post(proxy, path, json.dumps({**SOUND[path], **wrap(hints)}).encode())
    assert status == 200, text
    assert not set(hints) & set(proxy.engine.requests[-1])
    for name in ("grammar", "json_schema", "n_predict", "samplers", "ignore_eos", "chat_template"):
        status, text = post(proxy, path, json.dumps({**SOUND[path], **wrap({name: 1})}).encode())
        assert (status, name in text.decode()) == (400, True)


def test_a_profile_may_let_a_field_through() -> None:
    body = {**SOUND[CHAT], "grammar": 'root ::= "a"', "min_p": 0.1, "id_slot": 3}
    refine(CHAT, body, Settings(pass_fields=["grammar", "min_p"]))
    assert (body["grammar"], body["min_p"], "id_slot" in body) == ('root ::= "a"', 0.1, False)


def test_logs_a_name_once_and_escaped(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opta_fields, "_told", Told(100))
    for _ in range(3):
        refine(CHAT, {**SOUND[CHAT], "\x1b]52;c;\x07\u202e": 1}, Settings())
    assert len(caplog.messages) == 1
    assert caplog.messages[0].isprintable()
    assert "\u202e" not in caplog.messages[0]


@pytest.mark.parametrize("asked", [1_000_000, 64_000, 0, 4])
@pytest.mark.parametrize("path", [MESSAGES, CHAT, COMPLETIONS, RESPONSES])
def test_every_answer_has_a_limit(proxy: Proxy, path: str, asked: int) -> None:
    name = "max_output_tokens" if path == RESPONSES else "max_tokens"
    body = {**SOUND[path], name: asked}
    if path != MESSAGES and asked == 0:
        body[name] = None
    assert post(proxy, path, json.dumps(body).encode())[0] == 200
    sent = proxy.engine.requests[-1]
    limits = [sent[limit] for limit in ("max_tokens", "max_completion_tokens", "max_output_tokens") if sent.get(limit) is not None]
    assert limits
    assert all(0 < limit <= CONTEXT_TOKENS for limit in limits)


# --- Random changes ---------------------------------------------------------------------------------------------------

@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_body_causes_a_5xx(proxy: Proxy, data: st.DataObject) -> None:
    """A valid body with one to three changes, through the real LiteLLM: answered, or refused as the client's mistake."""
    path = data.draw(st.sampled_from(ROUTES))
    body = data.draw(changed(SOUND[path]))
    status, text = post(proxy, path, json.dumps(body).encode())
    assert status < 500, (path, body, text)
