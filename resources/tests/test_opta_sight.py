"""opta_sight.py: what a model with vision still can't take, and images that llama-server can't read.

Seen with b10068, SmolLM2 and a projector of random weights: 500 for a PDF, for an address that isn't one, and for a server that
doesn't answer. LiteLLM (1.108.7) dropped images of Anthropic's store of files, and the model answered without them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from opta_sight import find_unseen
from real_litellm import ANNA_KEY, Proxy, message, serve_litellm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from real_litellm import Engine

UNSEEN: Final = "Could not process image"
PNG: Final = "iVBORw0KGgo="
PNG_URL: Final = f"data:image/png;base64,{PNG}"
SEEING: Final = frozenset({"vision"})


def user(part: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "text", "text": "hi"}, part]}]


def image(source: object) -> dict[str, Any]:
    return {"type": "image", "source": source}


def bodies_of(path: str, part: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Requests with this part, among the user's words and in a tool's result."""
    if path == "/v1/responses":
        words = {"role": "user", "content": [{"type": "input_text", "text": "hi"}, part]}
        call = {"type": "function_call", "call_id": "c", "name": "Read", "arguments": "{}"}
        result = {"type": "function_call_output", "call_id": "c", "output": [part]}
        return [(path, {"model": "m", "input": [words]}), (path, {"model": "m", "input": [{"role": "user", "content": "hi"}, call, result]})]
    if path == "/v1/chat/completions":
        calls = [{"id": "c", "type": "function", "function": {"name": "Read", "arguments": "{}"}}]
        called = {"role": "assistant", "content": None, "tool_calls": calls}
        result = {"role": "tool", "tool_call_id": "c", "content": [part]}
        return [(path, message(messages=user(part))), (path, message(messages=[{"role": "user", "content": "hi"}, called, result]))]
    use = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [part]}
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    return [(way, message(messages=messages)) for way in (path, f"{path}/count_tokens") for messages in (user(part), turns)]


@pytest.fixture
def seeing(proxy: Proxy) -> Iterator[Proxy]:
    """The model has vision."""
    proxy.engine.sees = True
    yield proxy
    proxy.engine.sees = False


# --- Parts whose value has another shape ------------------------------------------------------------------------------

ODD: Final = (5, "x", [], True)
NAMES: Final = {
    "/v1/messages": (("image", "source"), ("document", "source")),
    "/v1/chat/completions": (("image_url", "image_url"), ("input_audio", "input_audio"), ("file", "file")),
    "/v1/responses": (("input_image", "image_url"), ("input_image", "file_id"), ("input_audio", "input_audio")),
}


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize(("path", "kind", "name"), [(path, *pair) for path, pairs in NAMES.items() for pair in pairs])
def test_names_the_place_of_a_part_of_the_wrong_shape(seeing: Proxy, path: str, kind: str, name: str, value: object) -> None:
    """LiteLLM failed at `{"type": "file", "file": 5}`: 'int' object has no attribute 'items'."""
    if isinstance(value, str) and name in ("image_url", "file_id"):
        return
    for way, body in bodies_of(path, {"type": kind, name: value}):
        status, text = seeing.ask("POST", way, ANNA_KEY, body)
        assert (status, f".{name}: " in text) == (400, True), text


@pytest.mark.parametrize(
    ("path", "part", "place"),
    [
        ("/v1/messages", image({"type": "base64"}), "source.data: Field required"),
        ("/v1/messages", image({"type": "url", "url": 5}), "source.url: Input should be a valid string"),
        ("/v1/messages", image({"type": "hologram"}), "source.type: Input should be 'base64', 'url' or 'file'"),
        ("/v1/chat/completions", {"type": "input_audio", "input_audio": {"data": PNG, "format": 5}}, "input_audio.format: Input should be 'wav' or 'mp3'"),
        ("/v1/chat/completions", {"type": "image_url", "image_url": {"url": None}}, "image_url.url: Input should be a valid string"),
    ],
)
def test_names_the_place_within_a_part(seeing: Proxy, path: str, part: dict[str, Any], place: str) -> None:
    for way, body in bodies_of(path, part):
        status, text = seeing.ask("POST", way, ANNA_KEY, body)
        assert (status, place in text) == (400, True), text


# --- What no model takes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/v1/messages", {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}}),
        ("/v1/messages", {"type": "document", "source": {"type": "url", "url": "https://a/b.pdf"}}),
        ("/v1/messages", {"type": "document", "source": {"type": "file", "file_id": "file_1"}}),
        ("/v1/messages", {"type": "document", "source": {}}),
        ("/v1/messages", image({"type": "file", "file_id": "file_1"})),
        ("/v1/messages", image({"type": "base64", "media_type": "image/png", "data": ""})),
        ("/v1/messages", image({"type": "url", "url": ""})),
        ("/v1/chat/completions", {"type": "file", "file": {"file_id": "file_1"}}),
        ("/v1/chat/completions", {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}}),
        ("/v1/chat/completions", {"type": "input_audio", "input_audio": {"data": PNG, "format": "wav"}}),
        ("/v1/responses", {"type": "input_image", "file_id": "file_1"}),
        ("/v1/responses", {"type": "input_image", "image_url": None}),
        ("/v1/responses", {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}),
    ],
)
def test_refuses_what_a_model_with_vision_cannot_take_either(seeing: Proxy, path: str, part: dict[str, Any]) -> None:
    asked = len(seeing.engine.requests)
    for way, body in bodies_of(path, part):
        status, text = seeing.ask("POST", way, ANNA_KEY, body)
        error = json.loads(text)["error"]
        assert (status, error["type"], error["message"]) == (400, "invalid_request_error", UNSEEN)
    assert len(seeing.engine.requests) == asked


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/v1/messages", image({"type": "base64", "media_type": "image/png", "data": PNG})),
        ("/v1/messages", image({"type": "url", "url": "https://a/b.png"})),
        ("/v1/chat/completions", {"type": "image_url", "image_url": {"url": PNG_URL}}),
        ("/v1/chat/completions", {"type": "image_url", "image_url": PNG_URL}),
        ("/v1/responses", {"type": "input_image", "image_url": PNG_URL}),
    ],
)
def test_an_image_reaches_a_model_with_vision(seeing: Proxy, path: str, part: dict[str, Any]) -> None:
    for way, body in bodies_of(path, part):
        status, text = seeing.ask("POST", way, ANNA_KEY, body)
        assert status == 200, text
        assert way.endswith("count_tokens") or "image" in json.dumps(seeing.engine.requests[-1])


def test_a_text_document_needs_no_sense() -> None:
    part = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a"}}
    assert find_unseen(message(messages=user(part)), frozenset()) is None
    assert find_unseen(message(messages=user(image({"type": "url", "url": "https://a"}))), SEEING) is None


# --- What llama-server can't read -------------------------------------------------------------------------------------

# b10068's answers (recorded).
ERRORS: Final = (
    (500, "Failed to load image or audio file", "server_error"),
    (400, "Failed to load image or audio file", "invalid_request_error"),
    (500, "Invalid uri format: data:application/pdf;base64", "server_error"),
    (500, "Invalid uri-encoded base64 value", "server_error"),
    (500, "Invalid base64 value", "server_error"),
    (500, "error: cannot make GET request", "server_error"),
    (500, "error: invalid URL format", "server_error"),
    (400, "file:// URLs are not allowed unless --media-path is specified", "invalid_request_error"),
)
PARTS: Final = (
    ("/v1/messages", image({"type": "url", "url": "x"})),
    ("/v1/chat/completions", {"type": "image_url", "image_url": {"url": "x"}}),
    ("/v1/responses", {"type": "input_image", "image_url": "x"}),
)


@pytest.mark.parametrize(("path", "part"), PARTS)
@pytest.mark.parametrize(("status", "words", "kind"), ERRORS)
def test_an_image_that_llama_server_cannot_read_is_the_clients_mistake(
    seeing: Proxy, path: str, part: dict[str, Any], status: int, words: str, kind: str
) -> None:
    seeing.engine.count_failure = (status, {"error": {"code": status, "message": words, "type": kind}})
    try:
        for way, body in bodies_of(path, part):
            answer, text = seeing.ask("POST", way, ANNA_KEY, body)
            assert (answer, json.loads(text)["error"]["message"]) == (400, UNSEEN)
    finally:
        seeing.engine.count_failure = None


def test_other_failures_of_a_count_refuse_nothing(seeing: Proxy) -> None:
    seeing.engine.count_failure = (500, {"error": {"code": 500, "message": "Compute error.", "type": "server_error"}})
    try:
        assert seeing.ask("POST", "/v1/messages", ANNA_KEY, message(messages=user(PARTS[0][1])))[0] == 200
    finally:
        seeing.engine.count_failure = None


@pytest.fixture(scope="module")
def uncounted(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A Router that doesn't have prompts counted."""
    yield from serve_litellm(tmp_path_factory.mktemp("litellm"), engine, {"refuse_overlong_prompts": False})


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("path", "part"), PARTS)
@pytest.mark.parametrize(("status", "words", "kind"), ERRORS[::4])
def test_the_same_without_a_count(
    uncounted: Proxy, path: str, part: dict[str, Any], status: int, words: str, kind: str, stream: bool
) -> None:
    uncounted.engine.sees = True
    uncounted.engine.failure = (status, {"error": {"code": status, "message": words, "type": kind}})
    try:
        for way, body in bodies_of(path, part):
            if not way.endswith("count_tokens"):
                answer, text = uncounted.ask("POST", way, ANNA_KEY, {**body, "stream": stream})
                error = json.loads(text)["error"]
                assert (answer, error["message"]) == (400, UNSEEN), text
    finally:
        uncounted.engine.failure = None
        uncounted.engine.sees = False
