"""Requests of real clients that broke: thinking, images, provider tools, schemas, counts on every route."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Final

import opta_schemas
import pytest
from opta_schemas import TYPES, clean, mend_schemas
from opta_thinking import mend_thinking
from opta_told import Told
from opta_tools import ToolRefusedError, mend_tools
from real_litellm import ANNA_KEY, Proxy, message

# Claude Code 2.1.197 to 2.1.332 and SDK users (facts of November 2026).
ENABLED: Final = {"type": "enabled", "budget_tokens": 1024}
THOUGHT: Final = {"type": "thinking", "thinking": "I think", "signature": ""}
IMAGE: Final = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
PDF: Final = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQ="}}
TOOL: Final = {"name": "t", "description": "d", "input_schema": {"type": "object", "properties": {"a": {"type": "string"}}}}
USE: Final = {"type": "tool_use", "id": "toolu_1", "name": "t", "input": {}}


def user(content: object) -> dict[str, Any]:
    """A user's turn."""
    return {"role": "user", "content": content}


def result(content: object) -> list[dict[str, Any]]:
    """A conversation with this tool result."""
    return [user("hi"), {"role": "assistant", "content": [USE]}, user([{"type": "tool_result", "tool_use_id": "toolu_1", "content": content}])]


# --- Thinking ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("thinking", [ENABLED, {"type": "adaptive"}, {"type": "disabled"}])
@pytest.mark.parametrize(
    "messages",
    [
        [user("hi")],
        [user("hi"), {"role": "assistant", "content": [THOUGHT, {"type": "text", "text": "a"}]}, user("go")],
        [user("hi"), {"role": "assistant", "content": [THOUGHT, USE]}, user([{"type": "tool_result", "tool_use_id": "toolu_1", "content": "r"}])],
        [user("hi"), {"role": "assistant", "content": [THOUGHT]}, user("go on")],
    ],
)
def test_thinking_stays_on_chat_completions(proxy: Proxy, thinking: object, messages: list[Any], stream: bool) -> None:
    body = message(thinking=thinking, messages=messages, tools=[TOOL], stream=stream)
    status, text = proxy.ask("POST", "/v1/messages", ANNA_KEY, body)
    assert status == 200, text
    sent = proxy.engine.requests[-1]
    assert sent["path"].endswith("/chat/completions")
    turns = [turn for turn in sent["messages"] if turn["role"] == "assistant"]
    assert all(turn.get("content") or turn.get("tool_calls") for turn in turns)


def test_merges_the_turns_around_a_thinking_turn() -> None:
    body = message(messages=[user("hi"), {"role": "assistant", "content": [THOUGHT]}, user([{"type": "text", "text": "go"}])])
    assert mend_thinking(body)
    assert body["messages"] == [user([{"type": "text", "text": "hi"}, {"type": "text", "text": "go"}])]


# --- Images -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages", message(messages=[user([{"type": "text", "text": "what is it"}, IMAGE])])),
        ("/v1/messages", message(messages=[user([PDF])])),
        ("/v1/messages", message(messages=result([IMAGE]))),
        ("/v1/messages", message(messages=result([{"type": "text", "text": "PDF"}, PDF]))),
        ("/v1/chat/completions", message(messages=[user([{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}])])),
        ("/v1/chat/completions", message(messages=[user([{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}])])),
        ("/v1/responses", {"model": "m", "input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="}]}]}),
    ],
)
def test_refuses_images_for_a_model_without_vision(proxy: Proxy, path: str, body: dict[str, Any]) -> None:
    asked = len(proxy.engine.requests)
    status, text = proxy.ask("POST", path, ANNA_KEY, body)
    error = json.loads(text)["error"]
    assert (status, error["type"], error["message"]) == (400, "invalid_request_error", "Could not process image")
    assert len(proxy.engine.requests) == asked


def test_passes_images_to_a_model_with_vision(proxy: Proxy) -> None:
    proxy.engine.sees = True
    try:
        status, text = proxy.ask("POST", "/v1/messages", ANNA_KEY, message(messages=[user([IMAGE])]))
    finally:
        proxy.engine.sees = False
    assert status == 200, text
    assert "image_url" in json.dumps(proxy.engine.requests[-1]["messages"])


def test_does_not_take_a_text_document_for_an_image(proxy: Proxy) -> None:
    text = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}}
    assert proxy.ask("POST", "/v1/messages", ANNA_KEY, message(messages=[user([text, {"type": "text", "text": "hi"}])]))[0] == 200


# --- Tools ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["bash_20250124", "text_editor_20250728", "computer_20250124", "code_execution_20250825"])
def test_a_refusal_names_the_providers_tool(proxy: Proxy, kind: str) -> None:
    status, text = proxy.ask("POST", "/v1/messages", ANNA_KEY, message(tools=[TOOL, {"type": kind, "name": "bash"}]))
    assert status == 400
    assert f"tools.1.type: {kind} is not served here" in text


def test_drops_a_web_search_and_logs_it(proxy: Proxy, caplog: pytest.LogCaptureFixture) -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
    for tools, left in (([TOOL, search], 1), ([search], 0)):
        assert proxy.ask("POST", "/v1/messages", ANNA_KEY, message(tools=tools))[0] == 200
        assert len(proxy.engine.requests[-1].get("tools") or []) == left
    mend_tools(message(tools=[search]))
    assert "web_search_20250305" in caplog.text
    with pytest.raises(ToolRefusedError, match=r"tool_choice\.name: web_search"):
        mend_tools(message(tools=[search], tool_choice={"type": "tool", "name": "web_search"}))


OTHER_TOOL = {**TOOL, "name": "Other"}


def test_the_tool_that_is_insisted_on_is_the_only_one_offered(proxy: Proxy) -> None:
    choice = {"type": "tool", "name": TOOL["name"], "disable_parallel_tool_use": True}
    assert proxy.ask("POST", "/v1/messages", ANNA_KEY, message(tools=[OTHER_TOOL, TOOL], tool_choice=choice))[0] == 200
    asked = proxy.engine.requests[-1]
    assert ([tool["function"]["name"] for tool in asked["tools"]], asked["tool_choice"]) == ([TOOL["name"]], "required")


def test_the_same_for_openais_form(proxy: Proxy) -> None:
    tools = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in ("a", "b")]
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}], "tools": tools, "tool_choice": {"type": "function", "function": {"name": "b"}}}
    assert proxy.ask("POST", "/v1/chat/completions", ANNA_KEY, body)[0] == 200
    asked = proxy.engine.requests[-1]
    assert ([tool["function"]["name"] for tool in asked["tools"]], asked["tool_choice"]) == (["b"], "required")


def test_one_that_is_not_offered_is_refused(proxy: Proxy) -> None:
    status, text = proxy.ask("POST", "/v1/messages", ANNA_KEY, message(tools=[TOOL], tool_choice={"type": "tool", "name": "Gone"}))
    assert status == 400
    assert "tool_choice: Tool 'Gone' not found in provided tools" in text


def test_a_field_that_is_null_or_for_anthropics_servers_does_not_reach_llama_server(proxy: Proxy) -> None:
    odd = {"defer_loading": True, "input_examples": [{"$ref": "x"}], "allowed_callers": ["direct"], "cache_control": {"type": "ephemeral"}}
    tools = [{**TOOL, **odd, "type": None, "description": None}]
    assert proxy.ask("POST", "/v1/messages", ANNA_KEY, message(tools=tools))[0] == 200
    asked = proxy.engine.requests[-1]["tools"]
    assert asked == [{"type": "function", "function": {"name": "t", "parameters": TOOL["input_schema"]}}]
    function = {"name": "t", "description": None, "strict": None, "parameters": TOOL["input_schema"]}
    assert proxy.ask("POST", "/v1/chat/completions", ANNA_KEY, message(tools=[{"type": "function", "function": function}]))[0] == 200
    assert "null" not in json.dumps(proxy.engine.requests[-1]["tools"])


def test_any_tool_may_be_chosen_although_one_is_named(proxy: Proxy) -> None:
    # 500 of LiteLLM once it was taken for the choice of that tool.
    assert proxy.ask("POST", "/v1/messages", ANNA_KEY, message(tools=[OTHER_TOOL, TOOL], tool_choice={"type": "any", "name": "t"}))[0] == 200
    asked = proxy.engine.requests[-1]
    assert (len(asked["tools"]), asked["tool_choice"]) == (2, "required")


def test_a_long_chain_of_references_is_left_out() -> None:
    chain = {f"a{step}": {"$ref": f"#/$defs/a{step + 1}"} for step in range(2000)}
    root = {"$defs": {**chain, "a2000": {"type": "string"}}}
    gone: Counter[str] = Counter()
    kept = clean(root, root, gone)["$defs"]
    assert (kept["a0"], kept["a1950"], set(gone)) == ({}, {"$ref": "#/$defs/a1951"}, {"$ref"})


@pytest.mark.parametrize(
    ("schema", "kept", "left_out"),
    [
        ({"type": "string", "pattern": r"\S"}, {"type": "string"}, {"pattern"}),
        ({"type": "string", "pattern": r"^\w{8}$"}, {"type": "string"}, {"pattern"}),
        ({"type": "string", "pattern": "^[a-z]+$"}, {"type": "string", "pattern": "^[a-z]+$"}, set()),
        ({"type": "string", "pattern": "^(?=a)b$"}, {"type": "string"}, {"pattern"}),
        ({"type": "string", "pattern": "^{8}$"}, {"type": "string"}, {"pattern"}),
        ({"pattern": "a|b"}, {"type": "string"}, {"pattern"}),
        ({"type": "object", "additionalProperties": {"pattern": "a|b"}}, {"type": "object", "additionalProperties": {"type": "string"}}, {"pattern"}),
        ({"type": "object", "properties": {"x": True}}, {"type": "object", "properties": {"x": {"type": list(TYPES)}}}, {"true"}),
        ({"type": "array", "prefixItems": [{"type": "string"}], "items": False}, {"type": "array", "prefixItems": [{"type": "string"}]}, {"items"}),
        ({"type": "array", "items": {"anyOf": [{"type": "string", "pattern": r"\d"}, {"type": "null"}]}}, {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}}, {"pattern"}),
        ({"$ref": "https://example.com/a.json"}, {}, {"$ref"}),
        # Places whose schemas are not cleaned.
        ({"$ref": "#/x-defs/N"}, {}, {"$ref"}),
        ({"$ref": "#/$defs/L/0"}, {}, {"$ref"}),
        ({"$ref": "#/$defs/N/enum/0"}, {}, {"$ref"}),
        ({"$ref": "#/$defs/N/properties/a"}, {"$ref": "#/$defs/N/properties/a"}, set()),
        ({"$ref": "#/anyOf/0"}, {"$ref": "#/anyOf/0"}, set()),
        ({"$ref": "#/$defs/N", "description": "d"}, {"$ref": "#/$defs/N", "description": "d"}, set()),
        ({"type": "any"}, {}, {"type"}),
        ({"type": "string", "enum": []}, {"type": "string"}, {"enum"}),
        ({"type": "string", "minLength": 5, "maxLength": 2}, {"type": "string", "maxLength": 2}, {"minLength"}),
        ({"type": "integer", "minimum": 0, "exclusiveMinimum": True}, {"type": "integer", "minimum": 0}, {"exclusiveMinimum"}),
        ({"type": "string", "format": 5, "maxLength": 524288}, {"type": "string"}, {"format", "maxLength"}),
        ({"type": "integer", "minimum": -1e30, "maximum": 10}, {"type": "integer", "maximum": 10}, {"minimum"}),
        ({"type": "object", "properties": {"$ref": {"type": "string"}, "a": {"type": "string", "default": {"$ref": 5}}}}, {"type": "object", "properties": {"a": {"type": "string"}}}, {"$ref", "default"}),
        ({"type": "string", "pattern": "^(a{9}b){9}$"}, {"type": "string"}, {"pattern"}),
        ({"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}, {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}, set()),
    ],
)
def test_drops_only_what_the_grammar_cannot_take_from_a_schema(schema: Any, kept: Any, left_out: set[str]) -> None:
    gone: Counter[str] = Counter()
    named = {"N": {"type": "object", "properties": {"a": {"type": "string"}}, "enum": [{}]}, "L": [{"type": "string"}]}
    root = {"$defs": named, "x-defs": {"N": {"pattern": r"\S"}}, "anyOf": [{"type": "string"}]}
    assert clean(schema, root, gone) == kept
    assert set(gone) == left_out


def test_logs_once_which_tool_lost_what(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opta_schemas, "_told", Told(200))
    for _ in range(2):
        tool = {"name": "mcp__notes__add", "input_schema": {"type": "object", "properties": {"a": {"type": "string", "pattern": r"\S"}, "b": {"type": "string", "pattern": r"\w"}}}}
        body = message(tools=[tool])
        assert mend_schemas(body)
        assert body["tools"][0]["input_schema"]["properties"] == {"a": {"type": "string"}, "b": {"type": "string"}}
    assert caplog.messages == [
        "dropped from the schema of tool 'mcp__notes__add', because llama-server's grammar can't take it: pattern (2)"
    ]


# b10068 crashed at this one, as response_format (seen once; its log was not kept).
DEADLY: Final = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^*a$"}}}


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/v1/messages", {"output_format": {"type": "json_schema", "schema": DEADLY}}),
        ("/v1/messages", {"output_config": {"format": {"type": "json_schema", "schema": DEADLY}}}),
        ("/v1/messages", {"tools": [{"name": "t", "input_schema": DEADLY}]}),
        ("/v1/chat/completions", {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": DEADLY}}}),
        ("/v1/chat/completions", {"tools": [{"type": "function", "function": {"name": "t", "parameters": DEADLY}}]}),
        ("/v1/responses", {"input": "hi", "text": {"format": {"type": "json_schema", "name": "n", "schema": DEADLY}}}),
        ("/v1/responses", {"input": "hi", "tools": [{"type": "function", "name": "t", "parameters": DEADLY}]}),
    ],
)
def test_no_schema_that_crashes_llama_server_reaches_it(proxy: Proxy, path: str, more: dict[str, Any]) -> None:
    body = {"model": "m", "messages": [user("hi")], "max_tokens": 4, **more}
    status, text = proxy.ask("POST", path, ANNA_KEY, body)
    assert status == 200, text
    assert "^*a$" not in json.dumps(proxy.engine.requests[-1])


@pytest.mark.parametrize(
    "definitions",
    [
        {"A": {"$ref": "#/$defs/A"}},
        {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}},
        {"A": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/A"}]}},
    ],
)
def test_drops_a_reference_to_itself(definitions: dict[str, Any]) -> None:
    gone: Counter[str] = Counter()
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": definitions}
    assert clean(schema, schema, gone)["properties"] == {"a": {}}
    # Through an object it is a tree, which the grammar takes.
    tree = {"type": "object", "properties": {"n": {"$ref": "#/$defs/N"}}, "$defs": {"N": {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}}}}}
    assert clean(tree, tree, Counter()) == tree


# --- Texts in other blocks --------------------------------------------------------------------------------------------

TEXT_DOCUMENT: Final = {"type": "document", "title": "notes.txt", "source": {"type": "text", "media_type": "text/plain", "data": "plain words"}}
FOUND: Final = {"type": "search_result", "source": "https://a.example", "title": "A", "content": [{"type": "text", "text": "found words"}]}


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (TEXT_DOCUMENT, ["notes.txt", "plain words"]),
        ({"type": "document", "source": {"type": "content", "content": "plain words"}}, ["plain words"]),
        ({"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "plain words"}]}}, ["plain words"]),
        (FOUND, ["https://a.example", "found words"]),
    ],
)
def test_text_reaches_the_model_from_any_block(proxy: Proxy, block: dict[str, Any], words: list[str]) -> None:
    for messages in ([user([block])], result([block])):
        status, text = proxy.ask("POST", "/v1/messages", ANNA_KEY, message(messages=messages, tools=[TOOL]))
        assert status == 200, text
        last = json.dumps(proxy.engine.requests[-1]["messages"][-1])
        assert [word for word in words if word not in last] == []


# As Anthropic's documentation has them, values made up.
SERVED: Final = [
    ({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "asked words"}}, ["web_search", "asked words"]),
    ({"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "echo", "server_name": "s", "input": {"a": "asked words"}}, ["echo", "asked words"]),
    ({"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "is_error": False, "content": [{"type": "text", "text": "said words"}]}, ["said words"]),
    ({"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "content": "said words"}, ["said words"]),
    ({"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "content": [IMAGE]}, ["image/png"]),
    ({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"type": "web_search_result", "url": "https://a.example", "title": "found words", "encrypted_content": "EqgfCioI"}]}, ["https://a.example", "found words"]),
    ({"type": "web_fetch_tool_result", "tool_use_id": "srvtoolu_1", "content": {"type": "web_fetch_result", "url": "https://a.example", "content": TEXT_DOCUMENT}}, ["https://a.example", "plain words"]),
    ({"type": "bash_code_execution_tool_result", "tool_use_id": "srvtoolu_1", "content": {"type": "bash_code_execution_result", "stdout": "said words", "stderr": "", "return_code": 0}}, ["said words"]),
    ({"type": "tool_search_tool_result", "tool_use_id": "srvtoolu_1", "content": {"type": "tool_search_tool_search_result", "tool_references": [{"type": "tool_reference", "tool_name": "get_weather"}]}}, ["get_weather"]),
    ({"type": "compaction", "content": "summed up words"}, ["summed up words"]),
]


@pytest.mark.parametrize(("block", "words"), SERVED)
def test_what_anthropics_servers_did_reaches_the_model_as_text(proxy: Proxy, block: dict[str, Any], words: list[str]) -> None:
    for messages in ([user([block])], [user("hi"), {"role": "assistant", "content": [block]}, user("go")]):
        status, text = proxy.ask("POST", "/v1/messages", ANNA_KEY, message(messages=messages))
        assert status == 200, text
        sent = json.dumps(proxy.engine.requests[-1]["messages"])
        assert [word for word in words if word not in sent] == []
        assert "EqgfCioI" not in sent
        assert "iVBORw0KGgo" not in sent


def test_a_reference_to_a_tool_is_its_name(proxy: Proxy) -> None:
    messages = result([{"type": "tool_reference", "tool_name": "get_weather"}])
    assert proxy.ask("POST", "/v1/messages", ANNA_KEY, message(messages=messages, tools=[TOOL]))[0] == 200
    last = proxy.engine.requests[-1]["messages"][-1]
    assert (last["role"], last["content"]) == ("tool", "get_weather")


HOLOGRAM: Final = {"type": "hologram", "text": "x"}


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
@pytest.mark.parametrize(
    ("messages", "place"),
    [
        ([user([HOLOGRAM])], "messages.0.content.0.type: Input should be 'text', 'image'"),
        ([user([{"type": "text", "text": "hi"}, {"type": "audio", "source": {}}])], "messages.0.content.1.type: "),
        ([user([{"type": "container_upload", "file_id": "file_1"}])], "messages.0.content.0.type: "),
        ([user([USE])], "messages.0.content.0.type: "),
        ([user([THOUGHT])], "messages.0.content.0.type: "),
        ([user("hi"), {"role": "assistant", "content": [HOLOGRAM]}], "messages.1.content.0.type: Input should be 'text', 'thinking'"),
        ([user("hi"), {"role": "assistant", "content": [{"type": "tool_result", "tool_use_id": "t"}]}], "messages.1.content.0.type: "),
        ([user("hi"), {"role": "system", "content": [HOLOGRAM]}], "messages.1.content.0.type: Input should be 'text'"),
        (result([HOLOGRAM]), "messages.2.content.0.content.0.type: Input should be 'text', 'image'"),
        ([user([])], "messages.0: user messages must have non-empty content"),
        ([user("hi"), {"role": "assistant", "content": "a"}, user("")], "messages.2: user messages must have non-empty content"),
        ([user([{"type": "mcp_tool_result", "tool_use_id": "m", "content": []}])], "messages.0: user messages must have non-empty content"),
        ([user([{"type": "document", "source": {"type": "text", "data": ""}}])], "messages.0: user messages must have non-empty content"),
        ([{"role": "assistant", "content": []}], "messages: at least one message is required"),
        ([{"role": "system", "content": ""}], "messages: at least one message is required"),
        ([{"role": "robot", "content": "hi"}], "messages.0.role: Input should be 'user', 'assistant' or 'system'"),
    ],
)
def test_what_litellm_would_drop_is_a_400_with_its_place(proxy: Proxy, path: str, messages: list[Any], place: str) -> None:
    asked = len(proxy.engine.requests)
    status, text = proxy.ask("POST", path, ANNA_KEY, message(messages=messages))
    error = json.loads(text)["error"]
    assert (status, error["type"]) == (400, "invalid_request_error"), text
    assert error["message"].startswith(place), text
    assert len(proxy.engine.requests) == asked


def test_a_system_block_of_no_text_is_a_400(proxy: Proxy) -> None:
    status, text = proxy.ask("POST", "/v1/messages", ANNA_KEY, message(system=[{"type": "text", "text": "S"}, HOLOGRAM]))
    assert (status, "system.1.type: Input should be 'text'" in text) == (400, True)


@pytest.mark.parametrize("content", [5, None, [5], [{"type": "text"}], [{"type": "text", "text": 5}], [{"type": "image"}], [{"type": "hologram"}]])
def test_a_malformed_document_causes_no_5xx(proxy: Proxy, content: object) -> None:
    document = {"type": "document", "source": {"type": "content", "content": content}}
    status, text = proxy.ask("POST", "/v1/messages", ANNA_KEY, message(messages=[user([{"type": "text", "text": "hi"}, document])]))
    assert status == 200, text


@pytest.mark.parametrize(
    ("path", "block"),
    [
        ("/v1/messages", {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x"}, IMAGE]}}),
        ("/v1/chat/completions", {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AA"}}),
        ("/v1/chat/completions", {"type": "audio_url", "audio_url": {"url": "data:audio/wav;base64,AA"}}),
    ],
)
def test_refuses_images_nested_in_other_blocks(proxy: Proxy, path: str, block: dict[str, Any]) -> None:
    status, text = proxy.ask("POST", path, ANNA_KEY, message(messages=[user([block])]))
    assert (status, "Could not process image" in text) == (400, True)


@pytest.mark.parametrize("role", ["user", "assistant", "system", "tool"])
def test_an_unknown_part_of_a_chat_gets_400_with_its_place(proxy: Proxy, role: str) -> None:
    turn = {"role": role, "content": [{"type": "hologram", "x": 1}], "tool_call_id": "c"}
    status, text = proxy.ask("POST", "/v1/chat/completions", ANNA_KEY, message(messages=[user("hi"), turn]))
    assert (status, "messages.1.content.0.type" in text) == (400, True)


# --- Counts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", message(messages=[user("word " * 2000)])),
        ("/v1/completions", {"model": "m", "prompt": "word " * 2000}),
        ("/v1/responses", {"model": "m", "input": "word " * 2000}),
    ],
)
def test_counts_prompts_of_every_route_before_admission(proxy: Proxy, path: str, body: dict[str, Any]) -> None:
    status, text = proxy.ask("POST", path, ANNA_KEY, body)
    assert status == 400
    assert "prompt is too long: 200" in json.loads(text)["error"]["message"]


def test_asks_llama_server_for_the_length_of_all_that_responses_renders(proxy: Proxy) -> None:
    items = [user("hi"), {"type": "function_call_output", "call_id": "c", "output": "word " * 2000}]
    status, text = proxy.ask("POST", "/v1/responses", ANNA_KEY, {"model": "m", "input": items})
    assert (status, "prompt is too long: 20" in text) == (400, True)


COUNT: Final = "/v1/messages/count_tokens"


def test_count_tokens_is_the_length_of_what_the_model_would_read(proxy: Proxy) -> None:
    attribution = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.197.a1f;"}
    turns = [user("one two"), {"role": "system", "content": "three"}, user("four")]
    status, text = proxy.ask("POST", COUNT, ANNA_KEY, {"model": "m", "system": [attribution], "messages": turns})
    # The stand-in counts the words of the messages in JSON: one user's turn of three texts.
    texts = [{"type": "text", "text": words} for words in ("one two", "three", "four")]
    assert (status, json.loads(text)) == (200, {"input_tokens": len(json.dumps([user(texts)]).split())})


def test_count_tokens_refuses_an_image_as_the_request_itself_is_refused(proxy: Proxy) -> None:
    status, text = proxy.ask("POST", COUNT, ANNA_KEY, {"model": "m", "messages": result([IMAGE])})
    assert (status, json.loads(text)["error"]) == (400, {"type": "invalid_request_error", "message": "Could not process image"})
