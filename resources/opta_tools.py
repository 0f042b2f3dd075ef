"""Handles tools that only Anthropic's (or OpenAI's) own servers run: drops web searches and refuses the others by name. OpenAI's
custom tools are dropped too.

LiteLLM 1.106.2 answers 500 to most of them. Clients offer a web search beside their own tools in every request and work without
it, so it is dropped; a request that insists on it (`tool_choice`) is refused.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from opta_kept_tools import chosen_name, name_of
from opta_told import Told, shown
from opta_tool_book import tool_book

logger: Final = logging.getLogger("opta_router")

LEFT_OUT: Final = ("web_search", "web_fetch")
# Tools that the client runs; "function" is OpenAI's word.
RUN_BY_CLIENTS: Final = (None, "custom", "function")
# A tool of Anthropic's API. LiteLLM (1.108.7) puts all other fields into its schema, where the model reads them and llama-server's
# grammar may fail at them: `input_examples` with a "$ref" (seen).
FIELDS: Final = frozenset({"type", "name", "description", "input_schema", "strict", "cache_control"})
LONGEST_NAME: Final = 64

_told: Final = Told(64)


class ToolRefusedError(Exception):
    """The client's tool can't be served. `place` is where it is in the body."""

    def __init__(self, message: str, place: str) -> None:
        super().__init__(message)
        self.message: Final = message
        self.place: Final = place


def check_choice(body: dict[str, Any]) -> None:
    """Raises ToolRefusedError if `tool_choice` names a tool that isn't offered, or insists on a call without any tool."""
    choice = body.get("tool_choice")
    if not body.get("tools") and (choice == "required" or (isinstance(choice, dict) and choice.get("type") == "any")):
        message = "tool_choice: may only be specified while providing tools"
        raise ToolRefusedError(message, "tool_choice")
    name = chosen_name(choice)
    if name is not None and all(name_of(tool) != name for tool in body.get("tools") or ()):
        message = f"tool_choice: Tool '{name[:LONGEST_NAME]}' not found in provided tools"
        raise ToolRefusedError(message, "tool_choice")


def mend_tools(body: dict[str, Any]) -> bool:
    """Drop web searches, OpenAI's custom tools, and fields that only a provider's servers follow. Returns whether anything
    changed. Raises ToolRefusedError for any other tool of a provider.
    """
    is_tidied = _tidy_tools(body)
    return _drop_unserved(body) or is_tidied


def _tidy_tools(body: dict[str, Any]) -> bool:
    tools = body.get("tools")
    if not tools:
        return False
    body["tools"] = [_tidy(tool) for tool in tools]
    return body["tools"] != tools


def _tidy(tool: dict[str, Any]) -> dict[str, Any]:
    """Without fields that are null, which LiteLLM and llama-server take for values (500), and without Anthropic's others."""
    tidied = {name: value for name, value in tool.items() if value is not None}
    if "input_schema" in tidied:
        for name in [name for name in tidied if name not in FIELDS]:
            del tidied[name]
            _tell(name, "the field %s of a tool, which only Anthropic's servers follow")
    if isinstance(tidied.get("function"), dict):
        tidied["function"] = _tidy(tidied["function"])
    return tidied


def _drop_unserved(body: dict[str, Any]) -> bool:
    tools = body.get("tools")
    if not tools:
        return False
    kept = []
    left_out: set[str] = set()
    for index, tool in enumerate(tools):
        kind = tool.get("type")
        name = tool.get("name", kind)
        if kind == "custom" and "input_schema" not in tool:
            # OpenAI's, with a grammar in place of a schema: llama-server leaves them out (b10068, seen). Codex offers one
            # (apply_patch) beside a shell, and works without it.
            left_out.add(name)
            _tell(name, "the custom tool %s, because llama-server takes only tools with a schema")
        elif kind in RUN_BY_CLIENTS:
            kept.append(tool)
        elif kind.startswith(LEFT_OUT):
            left_out.add(name)
            _tell(kind, "the tool %s, which only the provider's own servers run")
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
        # No tools, no choice.
        body.pop("tool_choice", None)
    return True


def _tell(name: str, what: str) -> None:
    if _told.is_new(name):
        logger.warning("dropped from requests: " + what, shown(name))
