"""Which Studio a request may go to, when there are several. LiteLLM's own strategy picks among those.

Measured on LiteLLM 1.106.2: "least-busy" retries at once, a Studio that died has the fewest requests under way, and its
cooldown begins a moment later; so all retries of a request go to the one that has just failed it. And the counts grow
only when a request is really sent, so that several that come together all find the same Studio idle.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


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


def _has_room(node: str | None, slots: Mapping[str, int], counts: Counter[str]) -> bool:
    return node is None or counts[node] < slots.get(node, 0)
