"""Decides which fields of a request clients may set.

LiteLLM passes unknown fields to llama-server, whose own fields choose a slot (`id_slot`), override the answer's limit
(`n_predict`), or reach its parsers and its log (`grammar`). Some known fields steer LiteLLM itself (`api_base`, `fallbacks`,
`mock_response`). So only documented fields of the API pass; a profile may name others (`proxy.passFields`).

Of the rest, fields that *define the answer* are refused by name: without them the client would take another answer for the
one it asked for. All others are dropped, so that clients keep working: hints about speed and cache, which only the Router can
give correctly, sampling that the profile sets, and whatever the next release of a client sends. The log names each once.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from opta_told import Told, shown

if TYPE_CHECKING:
    from collections.abc import Collection

logger: Final = logging.getLogger("opta_router")

# docs.claude.com, Messages. Omitted, because nothing here could honour them: container, context_management, mcp_servers,
# service_tier, inference_geo.
MESSAGES: Final = frozenset(
    "model messages max_tokens system metadata stop_sequences stream temperature top_k top_p tools tool_choice thinking"
    " output_config output_format cache_control".split()
)
# platform.openai.com, Chat Completions.
CHAT: Final = frozenset(
    "model messages frequency_penalty logit_bias logprobs max_completion_tokens max_tokens metadata n"
    " parallel_tool_calls presence_penalty prompt_cache_key reasoning_effort response_format seed stop stream stream_options"
    " temperature tool_choice tools top_logprobs top_p user".split()
)
# platform.openai.com, Completions.
COMPLETIONS: Final = frozenset(
    "model prompt best_of echo frequency_penalty logit_bias logprobs max_tokens n presence_penalty seed stop stream"
    " stream_options suffix temperature top_p user".split()
)
# platform.openai.com, Responses. Omitted, because nothing is kept here: background, store; and top_logprobs, to which llama-server
# answers 400 on this route.
RESPONSES: Final = frozenset(
    "model input include instructions max_output_tokens metadata parallel_tool_calls prompt_cache_key reasoning stream"
    " stream_options temperature text tool_choice tools top_p truncation user".split()
)

# llama-server's own (b10068's strings; tools/server/README.md) that decide what the answer is or when it ends.
REFUSED: Final = frozenset(
    "grammar grammar_lazy grammar_triggers grammar_type json_schema samplers lora n_predict n_cmpl n_indent ignore_eos"
    " t_max_predict_ms chat_template chat_template_kwargs add_generation_prompt continue_final_message preserved_tokens"
    " parse_tool_calls response_fields reasoning_format reasoning_budget_tokens thinking_budget_tokens".split()
)

_NOT_KEPT: Final = "nothing is kept here between requests: send the whole conversation in `input`"
# Fields that decide what the answer is, and that neither LiteLLM nor llama-server follows: b10068 counts a prompt with `functions` as
# one without (seen). With the API that has them, in others they mean nothing; and with what to do instead.
UNSERVED: Final = {
    "previous_response_id": (RESPONSES, _NOT_KEPT),
    "conversation": (RESPONSES, _NOT_KEPT),
    "prompt": (RESPONSES, "no prompts are kept here: send `instructions` and `input`"),
    "functions": (CHAT, "not served here: use `tools` and `tool_choice`"),
}

_told: Final = Told(100)


def find_refused(body: dict[str, Any], known: Collection[str], passed: Collection[str]) -> tuple[str, str] | None:
    """The first field that a client may not send, and why; or None."""
    for name, value in body.items():
        if name in known or name in passed:
            continue
        if name in REFUSED:
            return name, "clients may not set this field, unless the profile's proxy.passFields names it"
        api, instead = UNSERVED.get(name, (None, ""))
        if api is known and value:
            return name, instead
        if name == "modalities" and value not in (None, [], ["text"]):
            return name, "Input should be ['text']"
    return None


def keep_user_id(body: dict[str, Any]) -> bool:
    """Remove all other fields of Anthropic's `metadata`: LiteLLM takes them for its own (500 for `tags: 5`). Returns whether there were
    any.
    """
    metadata = body.get("metadata") or {}
    others = [name for name in metadata if name != "user_id"]
    for name in others:
        del metadata[name]
        _tell(f"metadata.{name}")
    return bool(others)


def drop_unknown(body: dict[str, Any], known: Collection[str], passed: Collection[str]) -> bool:
    """Remove fields that the API doesn't have. Returns whether there were any."""
    unknown = [name for name in body if name not in known and name not in passed]
    for name in unknown:
        del body[name]
        _tell(name)
    return bool(unknown)


def merge_extra_body(body: dict[str, Any]) -> bool:
    """Merge `extra_body` into the body, as LiteLLM would (it overrides fields of the same name), so that its fields are checked
    too. Returns whether there was one.
    """
    if "extra_body" not in body:
        return False
    extra = body.pop("extra_body")
    if isinstance(extra, dict):
        body.update(extra)
    return True


def pass_on(body: dict[str, Any], name: str, value: object) -> None:
    """Add a field of llama-server's own. LiteLLM (1.106.2) passes on the first on some routes and the second on the others (tried
    on all).
    """
    extra = body.get("extra_body")
    body[name] = value
    body["extra_body"] = {**(extra if isinstance(extra, dict) else {}), name: value}


def _tell(name: str) -> None:
    if _told.is_new(name):
        logger.warning("dropped from requests: %s (proxy.passFields can let it through)", shown(name))
