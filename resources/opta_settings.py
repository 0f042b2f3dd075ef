"""What the profile says about the Router, as a file beside config.yaml that holds no secret.

Written by electron/core/router/litellm-router-settings.ts; OPTA_ROUTER_SETTINGS names it. Without it every behaviour
but the keys is off: a LiteLLM configuration of somebody's own stays what it was.
"""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from opta_state_files import parse_json, read_text


class SettingsError(Exception):
    """The settings cannot be used; the message names the place."""


class Settings(NamedTuple):
    """One field for each switch. Tokens are the model's, paths absolute."""

    join_system_messages: bool = False
    drop_attribution: bool = False
    keep_model_sampling: bool = False
    refuse_overlong_prompts: bool = False
    admission: bool = False
    # How many requests llama-server takes at once.
    slots: int = 1
    # Of those, how many each Studio has by its name, "" for this one; None: there is no other.
    node_slots: dict[str, int] | None = None
    # How long nothing is sent to a Studio that is out of service.
    node_cooldown_seconds: int = 0
    # The name that every request is routed by; None: the one that the client gave.
    routed_model: str | None = None
    # One part in so many of the context is kept for an answer; None: nothing is.
    kept_for_answer_share: int | None = None
    # What all requests together may hold when the slots share one pool; None: each slot has its own share.
    pool_tokens: int | None = None
    # How long one answer may become in a pool: what it might need is reserved for as long as it runs; None: any.
    pool_answer_tokens: int | None = None
    # How many may wait; one more is refused.
    queue_limit: int = 0
    # `thinking` is asked for in a form that LiteLLM takes, and turns of thoughts alone are left out.
    mend_thinking: bool = False
    # Tools of the provider's own servers are left out or refused, and schemas lose what the grammar can't take.
    mend_tools: bool = False
    # What a model without eyes or ears can't be shown is answered 400.
    refuse_unseen: bool = False
    # Answers that come whole are streamed by llama-server all the same, which so notices a client that leaves.
    always_stream: bool = False
    # The longest body that is read of a request with a good key; 32 MB is Anthropic's own limit.
    max_body_bytes: int = 33_554_432
    # Fields that clients may send although the APIs don't have them; None: there are none.
    pass_fields: list[str] | None = None
    # The tools that reach the model besides those of MCP servers; None: all.
    tools: list[str] | None = None
    # They count for every client, not for Claude Code alone.
    tools_for_everybody: bool = False
    # llama-server, without /v1; None: it is never asked anything.
    engine_url: str | None = None
    # Where live requests are told; None: nowhere.
    feed_path: str | None = None
    # Whether each conversation keeps a slot of llama-server; only with admission.
    pin_conversations: bool = False
    # Where the core writes down which llama-server runs; None: it does not, and nothing is parked.
    engine_record_path: str | None = None
    # llama-server's --slot-save-path, where conversations without a slot wait; None: they are dropped.
    parked_dir: str | None = None
    # What all parked conversations may take on disk, and how long one may wait there unused.
    parked_most_bytes: int = 0
    parked_most_age_seconds: int = 0
    # Where it stands what the slots hold, for the next Router beside the same llama-server; None: nowhere.
    slots_path: str | None = None
    # Where today's sums survive a restart; None: they do not.
    usage_path: str | None = None
    # Where it stands what became of tools; None: nowhere.
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
    """Settings from JSON. Unknown fields are for other versions; a field of the wrong kind raises SettingsError."""
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
    """The settings of this process. Raises SettingsError or OSError: a Router that ignored its profile would lie."""
    path = os.environ.get(FILE_VARIABLE, "")
    if not path:
        return Settings()
    return parse_settings(read_text(path))
