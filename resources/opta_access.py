"""Identifies the caller by a request's headers alone: a developer, the supervising program, or a stranger.

Each request is checked twice: by the gate before any of the body is read (opta_gate.py), and by LiteLLM's own check,
`custom_auth` (opta_router.py), which holds even without the gate.

No key, given or expected, ever appears in a log line or in an error text.
"""

from __future__ import annotations

import hmac
import logging
import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from opta_keys import KeyFileError, find_client, read_client_keys
from opta_requests import OWN_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

logger: Final = logging.getLogger("opta_router")

# With custom_auth LiteLLM skips its own route checks (user_api_key_auth.py, "custom_auth_run_common_checks unset"),
# so any accepted key could read the deployments (/model/info) or run the model (/health). A developer's key therefore opens
# only what a model's client needs, with and without /v1 as LiteLLM serves it, the metrics, if the profile has them on
# (developers see each other's usage in nexus status anyway), and the client's own status line (opta_status.py).
CLIENT_ROUTES: Final = re.compile(
    r"(/v1)?/(messages(/count_tokens)?|chat/completions|completions|responses|models(/.+)?)/?|/metrics/?|/opta/status"
)
CLIENT_PATHS: Final = "/v1/messages, /v1/messages/count_tokens, /v1/chat/completions, /v1/completions, /v1/responses and /v1/models"

# Where else LiteLLM looks for a key (litellm/types/proxy/auth/special_headers.py).
OTHER_KEY_HEADERS: Final = ("x-litellm-api-key", "api-key", "x-goog-api-key", "ocp-apim-subscription-key")

UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
SERVICE_UNAVAILABLE: Final = 503


class Caller(NamedTuple):
    """The owner of a valid key."""

    name: str
    is_master: bool


class AccessRefusedError(Exception):
    """The request is refused. `kind` is Anthropic's `error.type`."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status: Final = status
        self.kind: Final = kind
        self.message: Final = message

    @property
    def headers(self) -> dict[str, str]:
        """Tells Anthropic's and OpenAI's client libraries that retrying with a wrong key is pointless."""
        return {"x-should-retry": "false"} if self.status in (UNAUTHORIZED, FORBIDDEN) else {}


def offered_keys(headers: Mapping[str, str], picked: str = "") -> tuple[bytes, ...]:
    """Every key these headers (names in lower case) carry, best first. Claude Code sends both headers when both of its
    variables are set, possibly with different keys; one good key is enough. `picked` is LiteLLM's own choice.
    """
    candidates = (
        headers.get("x-api-key", ""),
        _bearer(headers.get("authorization", "")),
        *(_bearer(value) or value for name in OTHER_KEY_HEADERS if (value := headers.get(name, ""))),
        picked,
    )
    return tuple(dict.fromkeys(candidate.encode() for candidate in candidates if candidate))


def judge(headers: Mapping[str, str], path: str, picked: str = "") -> Caller:
    """The caller, if it may use this path. Raises AccessRefusedError. `path` is the routed one, not one built from the Host
    header, which the client chooses.
    """
    offered = offered_keys(headers, picked)
    if is_master(offered):
        return Caller(OWN_NAME, is_master=True)
    if not offered:
        raise AccessRefusedError(
            UNAUTHORIZED,
            "authentication_error",
            "no API key was sent: set ANTHROPIC_API_KEY (header x-api-key) or ANTHROPIC_AUTH_TOKEN (Authorization: Bearer)",
        )
    try:
        name = find_client(read_client_keys(), offered)
    except KeyFileError as error:
        # Not the client's fault, and fixable without a restart: 503 makes clients retry for a while.
        logger.error("%s", error)
        raise AccessRefusedError(
            SERVICE_UNAVAILABLE, "api_error", f"this router cannot check keys: {error}"
        ) from None
    if name is None:
        raise AccessRefusedError(UNAUTHORIZED, "authentication_error", "this API key is not known here")
    if CLIENT_ROUTES.fullmatch(path) is None:
        raise AccessRefusedError(FORBIDDEN, "permission_error", f"this key opens {CLIENT_PATHS} alone")
    return Caller(name, is_master=False)


def is_master(offered: Sequence[bytes]) -> bool:
    """Whether the caller is the supervising program. An unset or empty OPTA_MASTER_KEY matches nothing."""
    master = os.environ.get("OPTA_MASTER_KEY", "").encode()
    matches = [hmac.compare_digest(master, candidate) for candidate in offered]
    return bool(master) and any(matches)


def _bearer(value: str) -> str:
    scheme, _, token = value.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
