"""Which tools reach the model; names as Claude Code 2.1.332 sends them."""

from __future__ import annotations

import copy
import logging
from typing import Any, Final

import opta_kept_tools
import pytest
from opta_body import refine
from opta_kept_tools import keep_tools, offer_chosen
from opta_settings import Settings
from opta_told import Told

CLAUDE: Final = "claude-cli/2.1.332 (external, sdk-cli)"
KEPT: Final = ["Bash", "Edit", "Read", "Write"]


def tool(name: str, **more: object) -> dict[str, Any]:
    """A tool in Anthropic's form."""
    return {"name": name, "input_schema": {"type": "object"}, **more}


def kept(body: dict[str, Any], names: list[str] | None = KEPT, *, for_everybody: bool = False, agent: str = CLAUDE) -> dict[str, Any]:
    """What goes on; the given body must stay as it is."""
    before = copy.deepcopy(body)
    mended = keep_tools(body, names, for_everybody=for_everybody, user_agent=agent)
    assert body == before
    return mended


def names_of(body: dict[str, Any]) -> list[str]:
    """Of its tools."""
    return [each.get("function", each)["name"] for each in body.get("tools", [])]


def test_drops_unnamed_tools_but_never_mcp_tools() -> None:
    sent = ["Bash", "Edit", "ListAgents", "mcp__github__create_issue", "Monitor", "Read", "mcp__x__Monitor", "Write"]
    body = {"tools": [tool(name) for name in sent], "messages": []}
    assert names_of(kept(body)) == ["Bash", "Edit", "mcp__github__create_issue", "Read", "mcp__x__Monitor", "Write"]


def test_another_program_keeps_its_own_tools_unless_the_profile_has_a_list() -> None:
    body = {"tools": [tool("get_weather"), tool("Bash")]}
    assert kept(body, agent="python-requests/2.32") is body
    assert names_of(kept(body, for_everybody=True, agent="python-requests/2.32")) == ["Bash"]


def test_keeps_all_if_the_profile_says_so() -> None:
    body = {"tools": [tool("Monitor")]}
    assert kept(body, None) is body


def test_keeps_a_tool_that_is_asked_for() -> None:
    body = {"tools": [tool("Bash"), tool("Monitor"), tool("Workflow")], "tool_choice": {"type": "tool", "name": "Monitor"}}
    mended = kept(body)
    assert names_of(mended) == ["Bash", "Monitor"]
    assert mended["tool_choice"] == body["tool_choice"]


def test_a_tool_that_is_asked_for_passes_the_gate_and_is_the_only_one_offered() -> None:
    choice = {"type": "tool", "name": "Monitor", "disable_parallel_tool_use": True}
    body = {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "x"}],
        "tools": [tool("Bash"), tool("Monitor")],
        "tool_choice": choice,
    }
    refine("/v1/messages", body, Settings(mend_tools=True))
    offered = offer_chosen(kept(body))
    assert names_of(offered) == ["Monitor"]
    assert offered["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}


def test_offers_all_where_none_is_asked_for() -> None:
    body = {"tools": [tool("Bash"), tool("Edit")], "tool_choice": {"type": "any"}}
    assert offer_chosen(body) is body


def test_drops_the_choice_with_the_last_tool() -> None:
    mended = kept({"tools": [tool("Monitor")], "tool_choice": {"type": "auto"}, "messages": []})
    assert mended == {"messages": []}


def test_keeps_earlier_calls_of_a_dropped_tool() -> None:
    use = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "WebFetch", "input": {}}]}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "x"}]}
    mended = kept({"tools": [tool("WebFetch"), tool("Read")], "messages": [use, result]})
    assert names_of(mended) == ["Read"]
    assert mended["messages"] == [use, result]


@pytest.mark.parametrize("form", ["chat", "responses"])
def test_openais_forms(form: str) -> None:
    def openai(name: str) -> dict[str, Any]:
        return {"type": "function", "function": {"name": name}} if form == "chat" else {"type": "function", "name": name}

    choice = openai("Workflow")
    body = {"tools": [openai("Read"), openai("Monitor"), openai("Workflow")], "tool_choice": choice}
    assert names_of(kept(body, for_everybody=True, agent="")) == ["Read", "Workflow"]


def test_ignores_provider_tools_and_malformed_ones() -> None:
    odd: list[Any] = [{"type": "web_search_20250305", "name": "web_search"}, "Bash", {"name": 7}]
    assert kept({"tools": odd})["tools"] == odd
    assert kept({"tools": "all"}) == {"tools": "all"}


def test_logs_once_what_it_drops(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opta_kept_tools, "_told", Told(200))
    with caplog.at_level(logging.WARNING, logger="opta_router"):
        for _ in range(2):
            kept({"tools": [tool("Monitor"), tool("Read"), tool("ListAgents")]})
    assert [record.getMessage() for record in caplog.records] == [
        "dropped from requests, because proxy.tools doesn't name them: 'Monitor', 'ListAgents'"
    ]
