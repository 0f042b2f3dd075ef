"""Limits a request's answer in length and number, in every API.

The names are Anthropic's, OpenAI's and llama-server's own, which LiteLLM passes on: llama-server prefers `n_predict` to
`max_tokens` and `n_cmpl` to `n`.
"""

from __future__ import annotations

from typing import Any, Final

LIMIT_FIELDS: Final = ("max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict")
NUMBER_FIELDS: Final = ("n", "best_of", "n_cmpl")
# LiteLLM's responses() takes only `max_output_tokens`; the other calls know `max_tokens`.
RESPONSES: Final = frozenset({"responses", "aresponses"})
ANY_LENGTH: Final = 1_000_000_000


def asked_answer(body: dict[str, Any]) -> int:
    """The client's limit in tokens, or ANY_LENGTH without one."""
    asked = [place[name] for place in _places(body) for name in LIMIT_FIELDS if _is_count(place.get(name))]
    return max(1, *asked) if asked else ANY_LENGTH


def limit_answer(body: dict[str, Any], call_type: str, most: int) -> None:
    """Limit the answer to `most` tokens, under every name that a limit has."""
    for place in _places(body):
        for name in LIMIT_FIELDS:
            asked = place.get(name)
            if asked is not None:
                # Negative ("any" to llama-server) or no number: no limit. 0, which only fills the cache, becomes one token, because
                # LiteLLM drops a 0 in places, which would leave no limit.
                place[name] = max(1, asked) if _is_count(asked) and asked <= most else most
    own = "max_output_tokens" if call_type in RESPONSES else "max_tokens"
    if not any(body.get(name) is not None for name in LIMIT_FIELDS):
        body[own] = most


def several_answers(body: dict[str, Any]) -> str | None:
    """An error message if llama-server would take several slots for this request, else None."""
    for place in _places(body):
        for name in NUMBER_FIELDS:
            number = place.get(name)
            if isinstance(number, (int, float)) and number > 1:
                return f"{name}: found {number}; allowed: 1, because each request gets one slot"
    model = body.get("model")
    if isinstance(model, str) and "," in model:
        # LiteLLM would ask each (route_llm_request.py: abatch_completion).
        return f"model: found {model.count(',') + 1} models; allowed: 1, because each request gets one slot"
    messages = body.get("messages")
    if isinstance(messages, list) and any(isinstance(message, list) for message in messages):
        return f"messages: found {len(messages)} conversations; allowed: 1, because each request gets one slot"
    prompts = body.get("prompt")
    # A list of numbers is one prompt, as tokens.
    if isinstance(prompts, list) and len(prompts) > 1 and not all(isinstance(prompt, int) for prompt in prompts):
        return f"prompt: found {len(prompts)} prompts; allowed: 1, because each request gets one slot"
    return None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _places(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The objects that may hold a field: LiteLLM merges `extra_body` into the body."""
    extra = body.get("extra_body")
    return [body, extra] if isinstance(extra, dict) else [body]
