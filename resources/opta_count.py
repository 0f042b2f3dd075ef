"""Has llama-server count the tokens of a prompt, in each API, before the request is admitted.

LiteLLM passes on Chat Completions, Completions and Responses in OpenAI's form, which llama-server renders with the same
template as Anthropic's; only the call that counts differs. Estimated from its bytes, a prompt of 1,834 tokens reserved 8,200 of
a pool, and its answer was cut to one token (measured).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opta_kept_tools import keep_tools, offer_chosen
from opta_prompt import mend_messages
from opta_sight import find_unseen

if TYPE_CHECKING:
    from opta_engine import Engine
    from opta_settings import Settings

ANTHROPIC: Final = "anthropic_messages"
TEXT: Final = frozenset({"text_completion", "atext_completion"})
RESPONSES: Final = frozenset({"responses", "aresponses"})


async def count_prompt(engine: Engine, body: dict[str, Any], call_type: str) -> int | None:
    """Tokens of this request's prompt; None if llama-server doesn't say. Raises UnreadableError."""
    if call_type == ANTHROPIC:
        return await engine.count_messages(body)
    if call_type in TEXT:
        prompt = body.get("prompt")
        # A single prompt: several are refused earlier (opta_limits.py).
        only = prompt[0] if isinstance(prompt, list) and len(prompt) == 1 else prompt
        if isinstance(only, list):
            return len(only)
        # Either one token id, or the text.
        return 1 if isinstance(only, int) else await engine.count_text(str(only))
    if call_type in RESPONSES:
        return await engine.count_responses(body)
    return await engine.count_chat(body)


def adapted(body: dict[str, Any], call_type: str, settings: Settings, user_agent: str) -> dict[str, Any]:
    """The body for the model: in Anthropic's API with its texts and system messages in place, and with the tools that are kept."""
    if call_type == ANTHROPIC:
        body = mend_messages(body, settings)
    body = keep_tools(body, settings.tools, for_everybody=settings.tools_for_everybody, user_agent=user_agent)
    return offer_chosen(body) if settings.mend_tools else body


async def is_unseen(engine: Engine, body: dict[str, Any], settings: Settings) -> bool:
    """Whether the body has images or sounds that the model can't take."""
    if not settings.refuse_unseen or find_unseen(body, frozenset()) is None:
        return False
    senses = await engine.senses()
    return senses is not None and find_unseen(body, senses) is not None
