"""What llama-server can be asked to do with one slot: write its content to a file, read one back, clear it.

llama-server carries these out between two batches, and one for a slot that is at work only when that is over (b10068 and
b10434, server-context.cpp): they are asked for idle slots alone.
"""

from __future__ import annotations

import os
from typing import Any, Final, NamedTuple

import httpx

# Measured: 7.5 MB in 3 ms. 9 GB of a conversation of 100,000 tokens of a 70B model is 5 s of an SSD, behind a batch of 20 s.
TIMEOUT_S: Final = 120.0


class SlotActionError(Exception):
    """llama-server did not do it; the message is its own, or why it could not be asked."""


class NoAnswerError(SlotActionError):
    """It could not be asked, or ended meanwhile: that says nothing about the file."""


class Written(NamedTuple):
    """What a save or a restore says."""

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
        """Write the slot's content to this name in llama-server's own folder (--slot-save-path). Raises SlotActionError."""
        return _written(await self._ask(slot, "save", {"filename": name}), "n_saved", "n_written")

    async def restore(self, slot: int, name: str) -> Written:
        """Replace the slot's content by that file's. Raises SlotActionError; the slot is empty then (measured, b10068)."""
        return _written(await self._ask(slot, "restore", {"filename": name}), "n_restored", "n_read")

    async def erase(self, slot: int) -> None:
        """Leave nothing in the slot. Raises SlotActionError."""
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
