"""Keeps the tools in a request that the profile names, and all tools of MCP servers.

Each release of Claude Code sends more of its own tools (2.1.197: 24, 2.1.332: two more that its settings did not deny), and the
model reads their schemas before its first word: 2.1.332's request has 77 KB with them and 16 KB without. Other programs name
their own tools; those are dropped only if the profile has a list, which then applies to every client.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from opta_told import Told, shown
from opta_tool_book import tool_book

logger: Final = logging.getLogger("opta_router")

# How Claude Code names itself, in a terminal, in VS Code and under its SDK: "claude-cli/2.1.332 (external, sdk-cli)" (seen).
CLAUDE_CODE: Final = "claude-cli/"
# The prefix of MCP tools, which no tool of the client has (Claude Code's documentation, "MCP tool names").
MCP_PREFIX: Final = "mcp__"

# Claude Code has some thirty tools of its own.
_told: Final = Told(200)


def keep_tools(body: dict[str, Any], kept: list[str] | None, *, for_everybody: bool, user_agent: str) -> dict[str, Any]:
    """A copy of the body without the other tools; `kept` None: with all of them.

    Earlier calls of a dropped tool stay in the conversation, and a tool that `tool_choice` names is kept. Tools that Anthropic's
    servers would run (`type: web_search_20250305`) are not checked here, because no client runs them.
    """
    tools = body.get("tools")
    if kept is None or not isinstance(tools, list) or not (for_everybody or user_agent.startswith(CLAUDE_CODE)):
        return body
    names = {*kept, chosen_name(body.get("tool_choice"))}
    left = [tool for tool in tools if _stays(tool, names)]
    if len(left) == len(tools):
        return body
    left_out = [name for tool in tools if not _stays(tool, names) and (name := name_of(tool))]
    tool_book.left_out("tools", left_out)
    _tell(left_out)
    mended = {**body, "tools": left}
    if not left:
        # Both APIs reject a choice among no tools.
        for field in ("tools", "tool_choice", "parallel_tool_calls"):
            mended.pop(field, None)
    return mended


def offer_chosen(body: dict[str, Any]) -> dict[str, Any]:
    """A copy of the body that offers only the tool that `tool_choice` names; the body itself if it names none.

    llama-server (b10068) only takes a string as `tool_choice`: it ignores an object that names a tool. With that tool alone and
    "required", its grammar leads to the call; this turn's prompt then shares less with the cache. For after keep_tools, which
    keeps a tool for its name in `tool_choice`.
    """
    choice = body.get("tool_choice")
    name = chosen_name(choice)
    if name is None:
        return body
    offered = [tool for tool in body.get("tools") or () if name_of(tool) == name]
    is_anthropic = choice.get("type") == "tool"
    rest = {key: value for key, value in choice.items() if key not in ("type", "name")}
    return {**body, "tools": offered, "tool_choice": {"type": "any", **rest} if is_anthropic else "required"}


def _stays(tool: object, names: set[str | None]) -> bool:
    name = name_of(tool)
    return name is None or name in names or name.startswith(MCP_PREFIX)


def name_of(tool: object) -> str | None:
    """The name of a tool that the client runs, in Anthropic's, OpenAI's or the Responses API's form; None for others."""
    if not isinstance(tool, dict) or tool.get("type") not in (None, "custom", "function"):
        return None
    function = tool.get("function")
    name = function.get("name") if isinstance(function, dict) else tool.get("name")
    return name if isinstance(name, str) else None


def chosen_name(choice: object) -> str | None:
    """The tool that a `tool_choice` names, in the same three forms, or None. `{"type": "any", "name": ...}` names none."""
    if not isinstance(choice, dict) or choice.get("type") not in ("tool", "function"):
        return None
    function = choice.get("function")
    name = function.get("name") if isinstance(function, dict) else choice.get("name")
    return name if isinstance(name, str) else None


def _tell(names: list[str]) -> None:
    new = [name for name in names if _told.is_new(name)]
    if new:
        logger.warning("dropped from requests, because proxy.tools doesn't name them: %s", ", ".join(map(shown, new)))
