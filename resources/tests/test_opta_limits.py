"""Limits for the length and number of answers, under every name."""

from __future__ import annotations

from typing import Any

import pytest
from opta_limits import ANY_LENGTH, asked_answer, limit_answer, several_answers


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({}, ANY_LENGTH),
        ({"max_tokens": 7}, 7),
        ({"max_tokens": 7, "max_completion_tokens": 90}, 90),
        ({"max_tokens": 0}, 1),
        ({"max_tokens": None, "max_output_tokens": 5}, 5),
        ({"max_tokens": True}, ANY_LENGTH),
        ({"max_tokens": "9"}, ANY_LENGTH),
        ({"n_predict": -1}, ANY_LENGTH),
        ({"max_tokens": 3, "extra_body": {"n_predict": 8}}, 8),
        ({"extra_body": "no"}, ANY_LENGTH),
    ],
)
def test_reads_the_clients_limit(body: dict[str, Any], asked: int) -> None:
    assert asked_answer(body) == asked


@pytest.mark.parametrize(
    ("call_type", "body", "limited"),
    [
        ("acompletion", {}, {"max_tokens": 50}),
        ("anthropic_messages", {"max_tokens": 64_000}, {"max_tokens": 50}),
        ("acompletion", {"max_tokens": 7}, {"max_tokens": 7}),
        (
            "acompletion",
            {"max_tokens": 7, "max_completion_tokens": 900},
            {"max_tokens": 7, "max_completion_tokens": 50},
        ),
        ("acompletion", {"max_tokens": 7, "n_predict": -1}, {"max_tokens": 7, "n_predict": 50}),
        ("acompletion", {"max_tokens": "many"}, {"max_tokens": 50}),
        ("acompletion", {"max_tokens": None}, {"max_tokens": 50}),
        (
            "acompletion",
            {"extra_body": {"n_predict": 900}},
            {"max_tokens": 50, "extra_body": {"n_predict": 50}},
        ),
        ("aresponses", {}, {"max_output_tokens": 50}),
        ("responses", {"max_output_tokens": 900}, {"max_output_tokens": 50}),
    ],
)
def test_limits_under_every_name(call_type: str, body: dict[str, Any], limited: dict[str, Any]) -> None:
    limit_answer(body, call_type, 50)
    assert body == limited


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, None),
        ({"n": 1, "best_of": 1}, None),
        ({"n": None}, None),
        ({"n": 3}, "n: found 3"),
        ({"best_of": 2}, "best_of: found 2"),
        ({"extra_body": {"n_cmpl": 4}}, "n_cmpl: found 4"),
        ({"prompt": ["a"]}, None),
        ({"prompt": [1, 2, 3]}, None),
        ({"prompt": ["a", "b"]}, "prompt: found 2 prompts"),
        ({"prompt": [[1, 2], [3]]}, "prompt: found 2 prompts"),
        ({"model": "claude-opus-4-8", "messages": [{"role": "user"}]}, None),
        ({"model": "a,b,c"}, "model: found 3 models"),
        ({"messages": [[{"role": "user"}], [{"role": "user"}]]}, "messages: found 2 conversations"),
    ],
)
def test_refuses_several_answers(body: dict[str, Any], found: str | None) -> None:
    said = several_answers(body)
    assert said is None if found is None else said is not None and said.startswith(found)
