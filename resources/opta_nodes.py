"""Which Studio a request may go to, when there are several. LiteLLM's own strategy picks among those.

Measured on LiteLLM 1.106.2: "least-busy" retries at once, a Studio that died has the fewest requests under way, and its
cooldown begins a moment later; so all retries of a request go to the one that has just failed it. And the counts grow
only when a request is really sent, so that several that come together all find the same Studio idle.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

# llama-server's answer to everything while it loads its model.
SERVICE_UNAVAILABLE: Final = 503


def node_of(model_info: object) -> str | None:
    """The Studio of a deployment by its `model_info`: what stands before the "#" of its id, "" for this Studio."""
    identity = model_info.get("id") if isinstance(model_info, dict) else None
    name, separator, _ = identity.partition("#") if isinstance(identity, str) else ("", "", "")
    return name if separator else None


def open_nodes(
    deployments: Sequence[dict[str, Any]], tried: Sequence[str], slots: Mapping[str, int], running: Iterable[str]
) -> list[dict[str, Any]]:
    """Those that did not fail this request and have a free slot; else those that did not fail it; else all."""
    counts = Counter(running)
    untried = [one for one in deployments if node_of(one.get("model_info")) not in tried]
    free = [one for one in untried if _has_room(node_of(one.get("model_info")), slots, counts)]
    return free or untried or list(deployments)


def is_out_of_service(error: object) -> bool:
    """Whether a deployment's failure says that nobody serves there, and not only that this request failed."""
    if getattr(error, "status_code", None) == SERVICE_UNAVAILABLE:
        return True
    seen = 0
    while isinstance(error, BaseException) and seen < 20:
        if isinstance(error, (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout)):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


class NodeSlots:
    """How many slots there are to go to: not those of a Studio that is out of service, for as long as LiteLLM sends it
    nothing either.
    """

    def __init__(self, slots: Mapping[str, int], cooldown_s: float, tell: Callable[[int], None]) -> None:
        """`tell` is called with the sum whenever it may have changed."""
        self._slots: Final = slots
        self._cooldown_s: Final = cooldown_s
        self._tell: Final = tell
        self._away: dict[str, asyncio.TimerHandle] = {}

    def failed(self, node: str) -> None:
        """Nobody serves there now."""
        timer = self._away.get(node)
        if timer is not None:
            timer.cancel()
        self._away[node] = asyncio.get_running_loop().call_later(self._cooldown_s, self._restore, node)
        self._tell(self._sum())

    def _restore(self, node: str) -> None:
        del self._away[node]
        self._tell(self._sum())

    def _sum(self) -> int:
        """With none left all count: whoever asks is to hear the failure, not to wait for it."""
        here = sum(slots for node, slots in self._slots.items() if node not in self._away)
        return here or sum(self._slots.values())


def _has_room(node: str | None, slots: Mapping[str, int], counts: Counter[str]) -> bool:
    return node is None or counts[node] < slots.get(node, 0)
