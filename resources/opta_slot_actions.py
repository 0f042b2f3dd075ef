"""llama-server's actions on a slot: save its content to a file, restore one, clear it.

llama-server runs them between two batches, and for a busy slot only after its request (b10068 and b10434,
server-context.cpp): so they are only used for idle slots.
"""

from __future__ import annotations

import os
from typing import Any, Final, NamedTuple

import httpx

# Measured: 7.5 MB in 3 ms. 100,000 tokens of a 70B model are 9 GB, which takes an SSD 5 s, after a batch of 20 s.
TIMEOUT_S: Final = 120.0


class SlotActionError(Exception):
    """The action failed; the message is llama-server's, or says why it could not be asked."""


class NoAnswerError(SlotActionError):
    """llama-server could not be asked, or ended meanwhile, which says nothing about the file."""


class Written(NamedTuple):
    """The result of a save or restore."""

    tokens: int
    bytes: int


class SlotActions:
    """llama-server at `url`."""

    def __init__(self, url: str) -> None:
        self._url: Final = url
        key = os.environ.get("OPTA_ENGINE_KEY", "")
        self._headers: Final = {"authorization": f"Bearer {key}"} if key else {}
        self._http: Final = httpx.AsyncClient(base_url=url, headers=self._headers, timeout=TIMEOUT_S, trust_env=False)

    async def save(self, slot: int, name: str) -> Written:
        """Save the slot's content under this name in llama-server's folder (--slot-save-path). Raises SlotActionError."""
        return _written(await self._ask(slot, "save", {"filename": name}), "n_saved", "n_written")

    async def restore(self, slot: int, name: str) -> Written:
        """Replace the slot's content by the file's. Raises SlotActionError, which leaves the slot empty (measured, b10068)."""
        return _written(await self._ask(slot, "restore", {"filename": name}), "n_restored", "n_read")

    async def erase(self, slot: int) -> None:
        """Clear the slot. Raises SlotActionError."""
        await self._ask(slot, "erase", {})

    def save_now(self, slot: int, name: str, timeout_s: float) -> Written:
        """As `save`, outside of the event loop, for the end of the process."""
        try:
            with httpx.Client(base_url=self._url, headers=self._headers, timeout=timeout_s, trust_env=False) as http:
                answer = http.post(f"/slots/{slot}", params={"action": "save"}, json={"filename": name})
        except httpx.HTTPError as error:
            raise NoAnswerError(_reason(error)) from None
        return _written(_document(answer), "n_saved", "n_written")

    async def _ask(self, slot: int, action: str, body: dict[str, str]) -> dict[str, Any]:
        try:
            answer = await self._http.post(f"/slots/{slot}", params={"action": action}, json=body)
        except httpx.HTTPError as error:
            raise NoAnswerError(_reason(error)) from None
        return _document(answer)


def _reason(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        document: object = answer.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        message = f"llama-server answered {answer.status_code} without JSON"
        raise SlotActionError(message)
    if answer.is_success:
        return document
    error = document.get("error")
    said = error.get("message") if isinstance(error, dict) else None
    raise SlotActionError(said if isinstance(said, str) else f"llama-server answered {answer.status_code}")


def _written(document: dict[str, Any], tokens_name: str, bytes_name: str) -> Written:
    tokens, size = document.get(tokens_name), document.get(bytes_name)
    if not isinstance(tokens, int) or not isinstance(size, int):
        message = f"llama-server did not say {tokens_name} and {bytes_name}"
        raise SlotActionError(message)
    return Written(tokens, size)
