"""The profile's settings for the Router, in a file beside config.yaml without secrets.

electron/core/router/litellm-router-settings.ts writes it; OPTA_ROUTER_SETTINGS names it. Without it everything but the keys is
off, so a user's own LiteLLM configuration behaves as before.
"""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from opta_state_files import parse_json, read_text


class SettingsError(Exception):
    """The settings are unusable; the message names the place."""


class Settings(NamedTuple):
    """One field for each switch. Tokens are the model's, paths absolute."""

    join_system_messages: bool = False
    drop_attribution: bool = False
    keep_model_sampling: bool = False
    refuse_overlong_prompts: bool = False
    admission: bool = False
    # How many requests llama-server takes at once.
    slots: int = 1
    # The slots of each Studio by name, "" for this one; None: this is the only one.
    node_slots: dict[str, int] | None = None
    # How long a Studio that is out of service gets no requests.
    node_cooldown_seconds: int = 0
    # The model name for routing every request; None: the client's.
    routed_model: str | None = None
    # 1/N of the context is reserved for the answer; None: nothing.
    kept_for_answer_share: int | None = None
    # The size of the pool that all slots share; None: each slot has its own share.
    pool_tokens: int | None = None
    # An answer's limit in a pool, reserved while it runs; None: no limit.
    pool_answer_tokens: int | None = None
    # How many may wait; beyond that requests are refused.
    queue_limit: int = 0
    # `thinking` is rewritten to a form that LiteLLM takes, and turns of thinking alone are dropped.
    mend_thinking: bool = False
    # Tools of the provider's own servers are dropped or refused, and schemas lose what the grammar can't take.
    mend_tools: bool = False
    # Images and sounds that the model can't take get 400.
    refuse_unseen: bool = False
    # llama-server streams every answer, so that it notices when a client leaves.
    always_stream: bool = False
    # The longest body of a request with a valid key; 32 MB is Anthropic's own limit.
    max_body_bytes: int = 33_554_432
    # Fields that clients may send although the APIs don't have them; None: none.
    pass_fields: list[str] | None = None
    # The tools that reach the model besides MCP tools; None: all.
    tools: list[str] | None = None
    # Whether `tools` applies to every client, not just Claude Code.
    tools_for_everybody: bool = False
    # llama-server's URL, without /v1; None: never asked.
    engine_url: str | None = None
    # The socket of the feed; None: no feed.
    feed_path: str | None = None
    # Whether each conversation keeps a slot of llama-server; only with admission.
    pin_conversations: bool = False
    # The core's record of the running llama-server; None: there is none, and nothing is parked.
    engine_record_path: str | None = None
    # llama-server's --slot-save-path, where conversations without a slot wait; None: they are dropped.
    parked_dir: str | None = None
    # Limits for all parked conversations: size on disk, and how long one may stay unused.
    parked_most_bytes: int = 0
    parked_most_age_seconds: int = 0
    # The file that says what the slots hold, for the next Router beside the same llama-server; None: none.
    slots_path: str | None = None
    # The file that keeps today's sums over a restart; None: none.
    usage_path: str | None = None
    # The file of the tool book; None: none.
    tools_path: str | None = None


_OPTIONAL_KINDS: Final[dict[str, type]] = {
    "kept_for_answer_share": int,
    "pool_tokens": int,
    "pool_answer_tokens": int,
    "node_slots": dict,
    "pass_fields": list,
    "tools": list,
}
FILE_VARIABLE: Final = "OPTA_ROUTER_SETTINGS"


def parse_settings(text: str) -> Settings:
    """Settings from JSON. Ignores unknown fields, which are for other versions; raises SettingsError for a wrong type."""
    document = parse_json(text)
    if not isinstance(document, dict):
        message = "the settings are not a JSON object"
        raise SettingsError(message)
    known = {name: document[name] for name in Settings._fields if name in document}
    for name, value in known.items():
        default = Settings._field_defaults[name]
        kinds = (type(default),) if default is not None else (type(None), _OPTIONAL_KINDS.get(name, str))
        if type(value) not in kinds:
            message = f"{name}: found {value!r}; allowed: {' or '.join(kind.__name__ for kind in kinds)}"
            raise SettingsError(message)
    return Settings(**known)


def read_settings() -> Settings:
    """The settings of this process. Raises SettingsError or OSError: the Router must not run without its profile's switches."""
    path = os.environ.get(FILE_VARIABLE, "")
    if not path:
        return Settings()
    return parse_settings(read_text(path))
