"""opta_told.py: what the log says once, and how; in each module that drops something from requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import opta_fields
import opta_kept_tools
import opta_schemas
import opta_tools
import pytest
from opta_told import Told, shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

ESCAPE = "\x1b]52;c;\x07\u202e"


def test_says_each_thing_once_and_no_more_than_its_limit() -> None:
    told = Told(2)
    assert [told.is_new(thing) for thing in ("a", "a", "b", "c", "b")] == [True, False, True, False, False]


def test_a_name_is_cut_and_safe_on_a_terminal() -> None:
    assert shown("x" * 65) == f"'{'x' * 64}'"
    assert shown(ESCAPE) == r"'\x1b]52;c;\x07\u202e'"


def _drop_field(name: str) -> None:
    opta_fields.drop_unknown({name: 1}, (), ())


def _drop_metadata(name: str) -> None:
    opta_fields.keep_user_id({"metadata": {name: 1}})


def _drop_search(name: str) -> None:
    opta_tools.mend_tools({"tools": [{"type": f"web_search{name}", "name": "web_search"}]})


def _drop_of_tool(name: str) -> None:
    opta_tools.mend_tools({"tools": [{"name": "Read", "input_schema": {}, name: 1}]})


def _drop_keyword(name: str) -> None:
    opta_schemas.mend_schemas({"tools": [{"name": name, "input_schema": {"pattern": r"\S"}}]})


def _drop_tool(name: str) -> None:
    body: dict[str, Any] = {"tools": [{"name": name, "input_schema": {}}]}
    opta_kept_tools.keep_tools(body, [], for_everybody=True, user_agent="")


@pytest.mark.parametrize(
    ("module", "drop"),
    [
        (opta_fields, _drop_field),
        (opta_fields, _drop_metadata),
        (opta_tools, _drop_search),
        (opta_tools, _drop_of_tool),
        (opta_schemas, _drop_keyword),
        (opta_kept_tools, _drop_tool),
    ],
)
def test_every_module_says_what_it_drops_so(
    module: ModuleType, drop: Callable[[str], None], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_told", Told(3))
    for name in (ESCAPE, ESCAPE, "b" * 1000, "c", "d"):
        drop(name)
    assert len(caplog.messages) == 3
    assert all(message.isascii() and message.isprintable() and len(message) < 250 for message in caplog.messages)
