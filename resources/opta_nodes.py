"""Decides which Studios a request may go to. LiteLLM's own strategy picks one of them.

Measured on LiteLLM 1.106.2: "least-busy" retries at once, and a dead Studio has the fewest running requests, so all retries go to
the Studio that just failed. Its counts grow only once a request is sent, so simultaneous requests all find the same Studio idle.
Its cooldown blocks a Studio after any 5xx or 401 (cooldown_handlers.py), even if the request was at fault, answers 429 if all are
blocked, and doesn't report it. So the cooldown is off (litellm-config.ts), and this module tracks outages.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

# What an unusable Studio answers to everything: llama-server loading its model (503), a different key, or another program on
# the port.
OUT_OF_SERVICE: Final = frozenset({401, 403, 404, 503})


def node_of(model_info: object) -> str | None:
    """The Studio of a deployment: the part of its id in `model_info` before the "#"; "" is this Studio."""
    identity = model_info.get("id") if isinstance(model_info, dict) else None
    name, separator, _ = identity.partition("#") if isinstance(identity, str) else ("", "", "")
    return name if separator else None


def open_nodes(
    deployments: Sequence[dict[str, Any]],
    tried: Sequence[str],
    slots: Mapping[str, int],
    running: Iterable[str],
    home: str | None = None,
) -> list[dict[str, Any]]:
    """The Studio that holds the conversation (`home`), unless it failed this request or is out of service: waiting there costs
    less than reading everything again. Otherwise, of the Studios that haven't failed this request, those with a free slot, else
    those in service, else all of them; if all failed it, all. `slots` are the slots available now: none for a Studio out of
    service.
    """
    counts = Counter(running)
    untried = [one for one in deployments if node_of(one.get("model_info")) not in tried]

    def has_more_than(used: Mapping[str, int], one: dict[str, Any]) -> bool:
        node = node_of(one.get("model_info"))
        return node is None or slots.get(node, 0) > used.get(node, 0)

    held = [one for one in untried if node_of(one.get("model_info")) == home and home is not None and has_more_than({}, one)]
    if held:
        return held
    free = [one for one in untried if has_more_than(counts, one)]
    return free or [one for one in untried if has_more_than({}, one)] or untried or list(deployments)


def is_out_of_service(error: object) -> bool:
    """Whether a failure means that the deployment is down, not only that this request failed."""
    if getattr(error, "status_code", None) in OUT_OF_SERVICE:
        return True
    seen = 0
    while isinstance(error, BaseException) and seen < 20:
        if isinstance(error, (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout)):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


class NodeSlots:
    """The available slots of each Studio: none while it is out of service, then one until it answers a request. If all slots of
    a dead Studio counted again, as many requests would be admitted and then queue at the others.
    """

    def __init__(self, slots: Mapping[str, int], cooldown_s: float, tell: Callable[[int], None]) -> None:
        """`tell` gets the sum whenever it may have changed."""
        self._all: Final = slots
        self._cooldown_s: Final = cooldown_s
        self._tell: Final = tell
        self._now: Final = dict(slots)
        self._away: Final[dict[str, asyncio.TimerHandle]] = {}

    def now(self) -> Mapping[str, int]:
        """The available slots of each."""
        return self._now

    def failed(self, node: str) -> None:
        """The Studio is out of service."""
        timer = self._away.get(node)
        if timer is not None:
            timer.cancel()
        self._away[node] = asyncio.get_running_loop().call_later(self._cooldown_s, self._try_again, node)
        self._change(node, 0)

    def serves(self, node: str) -> None:
        """A request is being answered there, which proves nothing if another one has just failed."""
        if node not in self._away and self._now.get(node) != self._all.get(node):
            self._change(node, self._all[node])

    def _try_again(self, node: str) -> None:
        del self._away[node]
        self._change(node, 1)

    def _change(self, node: str, slots: int) -> None:
        self._now[node] = slots
        # If no Studio is left, all slots count: clients should get the failure instead of waiting.
        self._tell(sum(self._now.values()) or sum(self._all.values()))
