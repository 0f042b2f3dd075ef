"""Tools that only Anthropic's (or OpenAI's) own servers know: a client that names one has to know that there is none here.

LiteLLM 1.106.2 answers 500 to most of them. A web search is left out instead: clients offer it beside their own tools in every
request and go on without it; one that insists on it (`tool_choice`) is refused as well.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from opta_kept_tools import chosen_name, name_of
from opta_tool_book import tool_book

logger: Final = logging.getLogger("opta_router")

LEFT_OUT: Final = ("web_search", "web_fetch")
# Tools that the client runs; "function" is OpenAI's word.
RUN_BY_CLIENTS: Final = (None, "custom", "function")
LONGEST_NAME: Final = 64

_told: Final[set[str]] = set()


class ToolRefusedError(Exception):
    """The client's tool can't be served. `place` is where it stands."""

    def __init__(self, message: str, place: str) -> None:
        super().__init__(message)
        self.message: Final = message
        self.place: Final = place


def insist_on_tool(body: dict[str, Any]) -> bool:
    """Offer only the tool that `tool_choice` names. Whether it named one. Raises ToolRefusedError for one that isn't offered.

    llama-server (b10068) takes `tool_choice` as a word alone: it ignores the object that names a tool and answers as it likes.
    With that tool alone and "required" its grammar leads to the call. The prompt of this turn shares less with the cache then.
    """
    choice = body.get("tool_choice")
    name = chosen_name(choice)
    if name is None:
        return False
    offered = [tool for tool in body.get("tools") or () if name_of(tool) == name]
    if not offered:
        message = f"tool_choice: Tool '{name[:LONGEST_NAME]}' not found in provided tools"
        raise ToolRefusedError(message, "tool_choice")
    body["tools"] = offered
    is_anthropic = choice.get("type") == "tool"
    rest = {key: value for key, value in choice.items() if key not in ("type", "name")}
    body["tool_choice"] = {"type": "any", **rest} if is_anthropic else "required"
    return True


def mend_tools(body: dict[str, Any]) -> bool:
    """Leave out web searches. Whether there was one. Raises ToolRefusedError for any other that is named by its type."""
    tools = body.get("tools")
    if not tools:
        return False
    kept = []
    left_out: set[str] = set()
    for index, tool in enumerate(tools):
        kind = tool.get("type")
        if kind in RUN_BY_CLIENTS:
            kept.append(tool)
        elif kind.startswith(LEFT_OUT):
            left_out.add(tool.get("name", kind))
            _tell(kind)
        else:
            place = f"tools.{index}.type"
            message = f"{place}: {kind[:LONGEST_NAME]} is not served here; allowed: tools with a schema of their own"
            raise ToolRefusedError(message, place)
    if not left_out:
        return False
    tool_book.left_out("searches", sorted(left_out))
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "tool" and choice.get("name") in left_out:
        message = f"tool_choice.name: {str(choice['name'])[:LONGEST_NAME]} is not served here"
        raise ToolRefusedError(message, "tool_choice.name")
    if kept:
        body["tools"] = kept
    else:
        del body["tools"]
        # Of no tools none can be chosen.
        body.pop("tool_choice", None)
    return True


def _tell(kind: str) -> None:
    if kind not in _told and len(_told) < LONGEST_NAME:
        _told.add(kind)
        logger.warning("left out of requests: the tool %s, which only the provider's own servers run", ascii(kind[:LONGEST_NAME]))
