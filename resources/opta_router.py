"""What LiteLLM lacks for this stack, added through its own extension points only: a key per developer and a clean 401.

LiteLLM loads this file from the folder of its config.yaml (`general_settings.custom_auth: opta_router.custom_auth`).
Nothing in LiteLLM is patched. Measured on LiteLLM 1.106.2: without this module and without a database, a missing key
is answered with HTTP 500 and a wrong one with 400 "No connected db."; Claude Code retries the 500 ten times.

Environment:
    OPTA_CLIENT_KEYS  path of a JSON file `{"keys": [{"name": "user-1", "key": "sk-..."}]}`, mode 0600
    OPTA_MASTER_KEY   the key of the program that supervises this proxy; may use every route

No key, given or expected, ever appears in a log line or in an error text.
"""

from __future__ import annotations

import hmac
import json
import logging
import os
import re
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

from litellm.proxy._types import LitellmUserRoles, ProxyException, UserAPIKeyAuth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import Request

logger: Final = logging.getLogger("opta_router")

# With custom_auth LiteLLM skips its own route checks (user_api_key_auth.py, "custom_auth_run_common_checks unset"),
# so that any accepted key could read the deployments (/model/info) or make the model work (/health). A developer's
# key therefore opens only what a client of a model needs. Paths with and without /v1, as LiteLLM serves them.
CLIENT_ROUTES: Final = re.compile(
    r"(/v1)?/(messages(/count_tokens)?|chat/completions|completions|responses|models(/.+)?)/?"
)

UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
SERVICE_UNAVAILABLE: Final = 503


class KeyFileError(Exception):
    """The key file cannot be used; the message says why, without quoting its content."""


class ClientKey(NamedTuple):
    """One developer's key. `repr` leaves the secret out, so that a stray log line cannot carry it.

    Not a dataclass: LiteLLM executes this file without entering it into sys.modules, where dataclasses look it up.
    """

    name: str
    secret: bytes

    def __repr__(self) -> str:
        return f"ClientKey(name={self.name!r})"


def parse_client_keys(text: str) -> tuple[ClientKey, ...]:
    """Parse the key file's text. Raises KeyFileError: one broken entry makes the whole file unusable, because a
    half-read file would lock developers out one by one without saying so.
    """
    try:
        document: object = json.loads(text)
    except ValueError:
        # `from None`: the decoder's exception carries the document, keys included.
        message = "the client key file is not valid JSON"
        raise KeyFileError(message) from None
    entries: object = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        message = 'the client key file has no list "keys"'
        raise KeyFileError(message)
    return tuple(_parse_entry(index, entry) for index, entry in enumerate(entries))


def _parse_entry(index: int, entry: object) -> ClientKey:
    name: object = entry.get("name") if isinstance(entry, dict) else None
    key: object = entry.get("key") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name or not isinstance(key, str) or not key:
        message = f'entry {index} of the client key file needs a "name" and a "key", both texts that are not empty'
        raise KeyFileError(message)
    return ClientKey(name=name, secret=key.encode())


class KeyFile:
    """The client keys on disk, read again when the file was replaced or rewritten."""

    def __init__(self, path: str) -> None:
        self._path: Final = path
        self._version: tuple[int, int, int] | None = None
        self._keys: tuple[ClientKey, ...] = ()

    def read(self) -> tuple[ClientKey, ...]:
        """Current keys. Raises KeyFileError; keys of an earlier, good version are not used then, since the file may
        have been changed to lock somebody out.
        """
        try:
            with open(self._path, encoding="utf-8") as file:
                # Of the open file, not of the path: what was checked is what is read.
                status = os.fstat(file.fileno())
                if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                    message = f"others may read the client key file (mode {stat.S_IMODE(status.st_mode):04o}, not 0600)"
                    raise KeyFileError(message)
                # An atomic replacement within one tick of the clock changes the inode, a rewrite in place the size
                # or the time.
                version = (status.st_mtime_ns, status.st_ino, status.st_size)
                if version != self._version:
                    self._keys = parse_client_keys(file.read())
                    self._version = version
        except (OSError, UnicodeDecodeError) as error:
            self._version = None
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            message = f"the client key file cannot be read: {reason}"
            raise KeyFileError(message) from None
        except KeyFileError:
            self._version = None
            raise
        return self._keys


def offered_keys(request: Request, api_key: str) -> tuple[bytes, ...]:
    """Every key this request carries, best first. Claude Code sends both headers when both of its variables are set,
    possibly with different keys; one good key is enough. `api_key` is what LiteLLM picked itself (it also knows
    headers of other clients).
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    candidates = (request.headers.get("x-api-key", ""), bearer, api_key or "")
    return tuple(dict.fromkeys(candidate.encode() for candidate in candidates if candidate))


def find_client(keys: Sequence[ClientKey], offered: Sequence[bytes]) -> str | None:
    """Name of the developer whose key was offered. Compares with every key, each in constant time, so that the time
    taken tells nothing about which key or how much of it matched.
    """
    found: str | None = None
    for key in keys:
        for candidate in offered:
            if hmac.compare_digest(key.secret, candidate) and found is None:
                found = key.name
    return found


def is_master(offered: Sequence[bytes]) -> bool:
    """Whether the supervising program itself is asking. An unset or empty OPTA_MASTER_KEY matches nothing."""
    master = os.environ.get("OPTA_MASTER_KEY", "").encode()
    matches = [hmac.compare_digest(master, candidate) for candidate in offered]
    return bool(master) and any(matches)


def refusal(code: int, kind: str, message: str) -> ProxyException:
    """An answer whose `error.type` and `error.message` are Anthropic's. LiteLLM puts every authentication failure into
    `{"error": {...}}` without Anthropic's outer `"type": "error"`; clients decide by the status and `error.type`.
    """
    # Header read by Anthropic's and OpenAI's client libraries: the same key will not become right by asking again.
    headers = {"x-should-retry": "false"} if code in (UNAUTHORIZED, FORBIDDEN) else None
    return ProxyException(message=message, type=kind, param=None, code=code, headers=headers)


_key_files: Final[dict[str, KeyFile]] = {}


def read_client_keys() -> tuple[ClientKey, ...]:
    """The keys of the file that OPTA_CLIENT_KEYS names. Raises KeyFileError."""
    path = os.environ.get("OPTA_CLIENT_KEYS", "")
    if not path:
        message = "OPTA_CLIENT_KEYS names no client key file"
        raise KeyFileError(message)
    return _key_files.setdefault(path, KeyFile(path)).read()


async def custom_auth(request: Request, api_key: str) -> UserAPIKeyAuth:
    """LiteLLM's `custom_auth` extension point: who is asking, or an error that the client understands."""
    offered = offered_keys(request, api_key)
    if is_master(offered):
        return UserAPIKeyAuth(user_id="opta-nexus", user_role=LitellmUserRoles.PROXY_ADMIN)
    if not offered:
        raise refusal(
            UNAUTHORIZED,
            "authentication_error",
            "no API key was sent: set ANTHROPIC_API_KEY (header x-api-key) or ANTHROPIC_AUTH_TOKEN (Authorization: Bearer)",
        )
    try:
        name = find_client(read_client_keys(), offered)
    except KeyFileError as error:
        # Not the client's fault, and mended without a restart: 503 makes clients try again for a while.
        logger.error("%s", error)
        raise refusal(SERVICE_UNAVAILABLE, "api_error", f"this router cannot check keys: {error}") from None
    if name is None:
        raise refusal(UNAUTHORIZED, "authentication_error", "this API key is not known here")
    # The path that was routed by: `request.url` is put together from the Host header, which the client chooses.
    if CLIENT_ROUTES.fullmatch(request.scope["path"]) is None:
        raise refusal(FORBIDDEN, "permission_error", "this key may ask models, not administer the router")
    return UserAPIKeyAuth(user_id=name, user_role=LitellmUserRoles.INTERNAL_USER)
