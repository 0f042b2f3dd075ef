"""Reads a stream's progress as it passes: its first token, its length, how it ended.

llama-server sends one piece for each token (it holds some back until a character or a tool call is complete), so the number of
pieces is all that is known of a running answer; the server's own count comes at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from opta_state_files import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator

# How a stream of /v1/responses may end.
ENDS_OF_RESPONSES: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})


class Heard(NamedTuple):
    """What one chunk says. None: nothing."""

    pieces: int = 0
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    failed: bool = False
    # The prompt's cached tokens.
    cached_tokens: int | None = None
    # The answer ended with a tool call, which the model completed.
    called: bool = False


def events_of(text: str) -> Iterator[dict[str, Any]]:
    """The events of a piece of SSE text."""
    for line in text.split("\n"):
        if not line.startswith("data:"):
            continue
        try:
            event: object = parse_json(line[5:])
        except ValueError:
            # "[DONE]", the end of OpenAI's streams.
            continue
        if isinstance(event, dict):
            yield event


def hear(chunk: object) -> Heard:
    """Read one chunk in LiteLLM's form: Anthropic's events as SSE text or as a dict, OpenAI's as an object."""
    if isinstance(chunk, bytes):
        return _hear_text(chunk.decode("utf-8", "replace"))
    if isinstance(chunk, str):
        return _hear_text(chunk)
    if isinstance(chunk, dict):
        return _hear_event(chunk)
    kind = getattr(chunk, "type", None)
    # LiteLLM's event types are a string enum.
    kind = getattr(kind, "value", kind)
    choices = getattr(chunk, "choices", None) or ()
    # A choice of /v1/completions has a text instead of a delta.
    pieces = sum(_says_something(getattr(choice, "delta", None)) or bool(getattr(choice, "text", None)) for choice in choices)
    usage = getattr(chunk, "usage", None)
    prompt, output = _counts(usage, "prompt_tokens", "completion_tokens")
    if kind in ENDS_OF_RESPONSES:
        usage = getattr(getattr(chunk, "response", None), "usage", None)
        prompt, output = _counts(usage, "input_tokens", "output_tokens")
    pieces += str(kind).endswith(".delta")
    called = _calls(chunk) or (kind in ENDS_OF_RESPONSES and _calls(getattr(chunk, "response", None)))
    return Heard(pieces, prompt, output, kind == "response.failed", cached_of(usage), called)


def mark_cut_off(answer: Any, most: int | None) -> None:
    """Say of an answer of /v1/responses that its limit of `most` tokens cut it off: llama-server (b10068, seen) calls each complete, also
    a call that ends within its arguments.
    """
    response = getattr(answer, "response", answer)
    output = _counts(getattr(response, "usage", None), "input_tokens", "output_tokens")[1]
    if most is None or output is None or output < most or getattr(response, "status", None) != "completed":
        return
    response.status, response.incomplete_details = "incomplete", {"reason": "max_output_tokens"}
    if response is not answer:
        answer.type = "response.incomplete"


def usage_of(answer: object) -> Heard:
    """The counts in a whole answer, in Anthropic's or OpenAI's form."""
    usage = answer.get("usage") if isinstance(answer, dict) else getattr(answer, "usage", None)
    prompt, output = _counts(usage, "input_tokens", "output_tokens")
    if output is None:
        prompt, output = _counts(usage, "prompt_tokens", "completion_tokens")
    return Heard(0, prompt, output, cached_tokens=cached_of(usage), called=_calls(answer))


def _hear_text(text: str) -> Heard:
    heard = Heard()
    for event in events_of(text):
        one = _hear_event(event)
        heard = Heard(
            heard.pieces + one.pieces,
            one.prompt_tokens if one.prompt_tokens is not None else heard.prompt_tokens,
            one.output_tokens if one.output_tokens is not None else heard.output_tokens,
            heard.failed or one.failed,
            one.cached_tokens if one.cached_tokens is not None else heard.cached_tokens,
            heard.called or one.called,
        )
    return heard


def _hear_event(event: dict[str, Any]) -> Heard:
    kind = event.get("type")
    if kind == "content_block_delta":
        return Heard(pieces=1)
    if kind == "error":
        return Heard(failed=True)
    if kind == "message_delta":
        usage = event.get("usage")
        prompt, output = _counts(usage, "input_tokens", "output_tokens")
        return Heard(0, prompt, output, cached_tokens=cached_of(usage), called=_calls(event.get("delta")))
    return Heard()


def _calls(answer: object) -> bool:
    """Whether there is a tool call, in the form of Anthropic, OpenAI's chat completions, or its responses."""
    choices, output = _field(answer, "choices"), _field(answer, "output")
    return (
        _field(answer, "stop_reason") == "tool_use"
        or any(_field(choice, "finish_reason") == "tool_calls" for choice in (choices if isinstance(choices, list) else ()))
        or any(_field(item, "type") == "function_call" for item in (output if isinstance(output, list) else ()))
    )


def _says_something(delta: object) -> bool:
    return any(getattr(delta, name, None) for name in ("content", "reasoning_content", "tool_calls"))


def _read(usage: object, name: str) -> int | None:
    value = _field(usage, name)
    return value if isinstance(value, int) and value >= 0 else None


def _field(usage: object, name: str) -> object:
    return usage.get(name) if isinstance(usage, dict) else getattr(usage, name, None)


def cached_of(usage: object) -> int | None:
    """The cached tokens, in the form of Anthropic, OpenAI's chat completions, or its responses. None: the server didn't say, or
    LiteLLM left out a zero (told_cached in opta_upstream.py finds out which).
    """
    for name in ("prompt_tokens_details", "input_tokens_details"):
        told = _read(_field(usage, name), "cached_tokens")
        if told is not None:
            return told
    return _read(usage, "cache_read_input_tokens")


def _counts(usage: object, prompt_name: str, output_name: str) -> tuple[int | None, int | None]:
    prompt, output = _read(usage, prompt_name), _read(usage, output_name)
    cached = _read(usage, "cache_read_input_tokens") if prompt_name == "input_tokens" else None
    # Anthropic's input_tokens exclude cached ones.
    return (None if prompt is None else prompt + (cached or 0)), output
