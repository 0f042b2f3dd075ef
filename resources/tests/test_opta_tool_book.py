"""The tool book over days and restarts."""

from __future__ import annotations

import json
import stat
from datetime import date
from typing import TYPE_CHECKING

import pytest

import opta_kept_tools
import opta_schemas
import opta_tools
from opta_stream import hear, usage_of
from opta_tool_book import MOST_NAMES, ToolBook

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2026, 11, 28)


def test_continues_the_day_after_a_restart_and_starts_over_the_next(tmp_path: Path) -> None:
    path = tmp_path / "tools-today.json"
    first = ToolBook(lambda: DAY)
    first.keep_at(str(path))
    first.left_out("keywords", ["add_note", "add_note"])
    first.left_out("keywords", ["crawl"])
    first.called("claude-cli/2.1.332", "e1")
    first.write()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = ToolBook(lambda: DAY)
    again.keep_at(str(path))
    again.left_out("tools", ["Monitor"])
    again.write()
    document = json.loads(path.read_text())
    assert document["keywords"] == {"requests": 2, "names": ["add_note", "crawl"]}
    assert document["tools"] == {"requests": 1, "names": ["Monitor"]}
    assert (document["lastCall"]["client"], document["lastCall"]["engine"]) == ("claude-cli/2.1.332", "e1")
    tomorrow = ToolBook(lambda: date(2026, 11, 29))
    tomorrow.keep_at(str(path))
    tomorrow.left_out("searches", ["web_search"])
    tomorrow.write()
    document = json.loads(path.read_text())
    assert document["day"] == "2026-11-29"
    assert document["keywords"] == {"requests": 0, "names": []}
    assert document["lastCall"]["engine"] == "e1"


@pytest.mark.parametrize("text", ["", "[]", '{"day": "2026-11-28", "lastCall": {"at": "x"}}', '{"day": 1, "lastCall": null}'])
def test_starts_over_after_a_damaged_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tools-today.json"
    path.write_text(text)
    book = ToolBook(lambda: DAY)
    book.keep_at(str(path))
    book.left_out("keywords", [f"tool-{number}" for number in range(50)])
    book.write()
    document = json.loads(path.read_text())
    assert document["keywords"]["requests"] == 1
    assert len(document["keywords"]["names"]) == MOST_NAMES
    assert document["lastCall"] is None


def test_counts_each_kind_of_dropped_tool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "tools-today.json"
    book = ToolBook()
    book.keep_at(str(path))
    for module in (opta_kept_tools, opta_schemas, opta_tools):
        monkeypatch.setattr(module, "tool_book", book)
    pattern = {"type": "object", "properties": {"a": {"type": "string", "pattern": "\\S"}}}
    body = {
        "tools": [
            {"name": "add_note", "input_schema": pattern},
            {"name": "Monitor", "input_schema": {"type": "object"}},
            {"type": "web_search_20250305", "name": "web_search"},
        ]
    }
    opta_tools.mend_tools(body)
    opta_schemas.mend_schemas(body)
    opta_kept_tools.keep_tools(body, ["add_note"], for_everybody=True, user_agent="")
    # And a request that loses nothing.
    opta_schemas.mend_schemas({"tools": [{"name": "add_note", "input_schema": {"type": "object"}}]})
    book.write()
    document = json.loads(path.read_text())
    assert {kind: document[kind] for kind in ("keywords", "searches", "tools")} == {
        "keywords": {"requests": 1, "names": ["add_note"]},
        "searches": {"requests": 1, "names": ["web_search"]},
        "tools": {"requests": 1, "names": ["Monitor"]},
    }


class Part:
    """An object as LiteLLM passes it."""

    def __init__(self, **fields: object) -> None:
        vars(self).update(fields)


MESSAGE_DELTA = 'event: message_delta\ndata: {"type": "message_delta", "delta": {"stop_reason": "%s"}, "usage": {"output_tokens": 9}}\n\n'


@pytest.mark.parametrize(
    ("said", "called"),
    [
        (hear((MESSAGE_DELTA % "tool_use").encode()), True),
        (hear(MESSAGE_DELTA % "max_tokens"), False),
        (hear({"type": "content_block_start", "content_block": {"type": "tool_use"}}), False),
        (hear(Part(choices=[Part(delta=None, finish_reason="tool_calls")])), True),
        (hear(Part(choices=[Part(delta=None, finish_reason="length")])), False),
        (hear(Part(type="response.completed", response=Part(output=[Part(type="function_call")], usage=None))), True),
        (hear(Part(type="response.completed", response=Part(output=[Part(type="message")], usage=None))), False),
        (usage_of({"type": "message", "stop_reason": "tool_use", "usage": {}}), True),
        (usage_of({"type": "message", "stop_reason": "end_turn", "usage": {}}), False),
        (usage_of(Part(choices=[Part(finish_reason="tool_calls")], usage=None)), True),
        (usage_of(Part(output=[Part(type="function_call")], usage=None)), True),
    ],
)
def test_notices_a_completed_call_on_every_route(said: object, *, called: bool) -> None:
    assert getattr(said, "called", None) is called
