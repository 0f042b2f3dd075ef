"""Which tools a request brings to the model: those that the profile names, and whatever an MCP server brings.

Every release of Claude Code sends more of its own tools (2.1.197: 24, 2.1.332: two more that its settings did not deny), and
the model reads their schemas before its first word: 77 KB of 2.1.332's request are 16 KB without them. A program that is not
Claude Code names tools of its own; they are left out only where the profile has a list, which then counts for everybody.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from opta_tool_book import tool_book

logger: Final = logging.getLogger("opta_router")

# How Claude Code names itself, in a terminal, in VS Code and under its SDK: "claude-cli/2.1.332 (external, sdk-cli)" (seen).
CLAUDE_CODE: Final = "claude-cli/"
# An MCP server's tools; nothing of the client's own begins so (Claude Code's documentation, "MCP tool names").
MCP_PREFIX: Final = "mcp__"

# What was left out is said once for each name in the life of this process.
_said: Final[set[str]] = set()


def keep_tools(body: dict[str, Any], kept: list[str] | None, *, for_everybody: bool, user_agent: str) -> dict[str, Any]:
    """The body without the other tools; `kept` None: with all of them. The given one stays as it is.

    What the conversation did with a tool before stays in it, and a tool that `tool_choice` asks for stays with it. Tools that
    Anthropic's servers would run (`type: web_search_20250305`) are not judged here: they are no client's.
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
    _say(left_out)
    mended = {**body, "tools": left}
    if not left:
        # A choice among no tools is an error to both APIs.
        for field in ("tools", "tool_choice", "parallel_tool_calls"):
            mended.pop(field, None)
    return mended


def _stays(tool: object, names: set[str | None]) -> bool:
    name = name_of(tool)
    return name is None or name in names or name.startswith(MCP_PREFIX)


def name_of(tool: object) -> str | None:
    """Of a tool that the client runs, in Anthropic's, OpenAI's and the Responses API's form; None for any other."""
    if not isinstance(tool, dict) or tool.get("type") not in (None, "custom", "function"):
        return None
    function = tool.get("function")
    name = function.get("name") if isinstance(function, dict) else tool.get("name")
    return name if isinstance(name, str) else None


def chosen_name(choice: object) -> str | None:
    """The one tool that a `tool_choice` insists on, in the same three forms; None where it names none."""
    if not isinstance(choice, dict):
        return None
    function = choice.get("function")
    name = function.get("name") if isinstance(function, dict) else choice.get("name")
    return name if isinstance(name, str) else None


def _say(names: list[str]) -> None:
    new = [name for name in names if name not in _said]
    if new:
        _said.update(new)
        logger.info("left out of requests, as proxy.tools has it: %s", ", ".join(new))
