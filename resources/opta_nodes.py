"""Which Studio a request may go to, when there are several. LiteLLM's own strategy picks among those.

Measured on LiteLLM 1.106.2: "least-busy" retries at once, and a Studio that died has the fewest requests under way; so all
retries of a request go to the one that has just failed it. The counts grow only when a request is really sent, so that several
that come together all find the same Studio idle. And its cooldown rests a Studio after any 5xx or 401 (cooldown_handlers.py),
also one whose request was at fault, answers 429 when all rest, and tells nobody: it is off (litellm-config.ts), and who is out
of service is known here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

# What a Studio answers to everything: llama-server while it loads its model (503), one whose key is not the one that it is
# asked with, and one where something else listens.
OUT_OF_SERVICE: Final = frozenset({401, 403, 404, 503})


def node_of(model_info: object) -> str | None:
    """The Studio of a deployment by its `model_info`: what stands before the "#" of its id, "" for this Studio."""
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
    """The one that holds the conversation (`home`), unless it failed this request or is out of service: waiting there costs
    less than reading all of it again. Else those that did not fail this request and have a free slot; else those that did not fail it and serve, then those that
    did not fail it; else all. `slots` are those that may be promised now: none of a Studio that is out of service.
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
    """Whether a deployment's failure says that nobody serves there, and not only that this request failed."""
    if getattr(error, "status_code", None) in OUT_OF_SERVICE:
        return True
    seen = 0
    while isinstance(error, BaseException) and seen < 20:
        if isinstance(error, (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout)):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


class NodeSlots:
    """How many slots of each Studio there are to go to: none while it is out of service, and then a single one until a request
    was answered there. All of a dead one's, promised again, would let as many requests in as then queue at the others.
    """

    def __init__(self, slots: Mapping[str, int], cooldown_s: float, tell: Callable[[int], None]) -> None:
        """`tell` is called with the sum whenever it may have changed."""
        self._all: Final = slots
        self._cooldown_s: Final = cooldown_s
        self._tell: Final = tell
        self._now: Final = dict(slots)
        self._away: Final[dict[str, asyncio.TimerHandle]] = {}

    def now(self) -> Mapping[str, int]:
        """Those that may be promised."""
        return self._now

    def failed(self, node: str) -> None:
        """Nobody serves there now."""
        timer = self._away.get(node)
        if timer is not None:
            timer.cancel()
        self._away[node] = asyncio.get_running_loop().call_later(self._cooldown_s, self._try_again, node)
        self._change(node, 0)

    def serves(self, node: str) -> None:
        """A request is being answered there. Of a Studio that has just failed another one, that says nothing yet."""
        if node not in self._away and self._now.get(node) != self._all.get(node):
            self._change(node, self._all[node])

    def _try_again(self, node: str) -> None:
        del self._away[node]
        self._change(node, 1)

    def _change(self, node: str, slots: int) -> None:
        self._now[node] = slots
        # With none left all count: whoever asks is to hear the failure, not to wait for it.
        self._tell(sum(self._now.values()) or sum(self._all.values()))
