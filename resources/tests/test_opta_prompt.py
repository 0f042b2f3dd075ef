"""How Claude Code's bodies are adapted; their shapes are recorded from 2.1.197."""

from __future__ import annotations

import copy
from typing import Any, Final

import pytest
from opta_prompt import drop_attribution, mend_messages
from opta_settings import Settings, SettingsError, parse_settings

ON: Final = Settings(join_system_messages=True, drop_attribution=True, keep_model_sampling=True)
ATTRIBUTION: Final = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.197.a1f; cc_entrypoint=cli;"}
MAIN: Final = {"type": "text", "text": "You are Claude Code.", "cache_control": {"type": "ephemeral"}}
AGENTS: Final = {"type": "text", "text": "Agents: ..."}


def user(text: str) -> dict[str, Any]:
    """One turn of the user."""
    return {"role": "user", "content": text}


def opus() -> dict[str, Any]:
    """A first request to `claude-opus-4-8`."""
    return {
        "model": "claude-opus-4-8",
        "max_tokens": 64000,
        "system": [ATTRIBUTION, MAIN],
        "messages": [user("say hi"), {"role": "system", "content": [AGENTS]}, user("please")],
        "temperature": 1,
        "tools": [{"name": "Bash"}],
    }


def test_keeps_system_messages_in_place_and_drops_the_attribution() -> None:
    body = opus()
    before = copy.deepcopy(body)
    mended = mend_messages(body, ON)
    assert body == before
    assert mended["system"] == [MAIN]
    # One turn: Anthropic's API merges them, and templates require it.
    assert mended["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "say hi"}, AGENTS, {"type": "text", "text": "please"}]}
    ]
    assert "temperature" not in mended
    assert mended["tools"] == body["tools"]
    assert mended["max_tokens"] == 64000


@pytest.mark.parametrize("switch", ["join_system_messages", "drop_attribution", "keep_model_sampling"])
def test_each_switch_works_alone(switch: str) -> None:
    off = ON._replace(**{switch: False})
    mended, everything = mend_messages(opus(), off), mend_messages(opus(), ON)
    assert mended != everything
    assert mend_messages(opus(), Settings()) == opus()


def test_keeps_the_order_of_several_system_messages() -> None:
    body = {
        "system": "MAIN",
        "messages": [
            {"role": "system", "content": "first"},
            user("a"),
            {"role": "assistant", "content": "b"},
            {"role": "system", "content": "second"},
            {"role": "system", "content": [MAIN]},
            user("c"),
        ],
    }
    mended = mend_messages(body, ON)
    assert mended["system"] == [{"type": "text", "text": "MAIN\nfirst"}]
    assert [message["role"] for message in mended["messages"]] == ["user", "assistant", "user"]
    said = mended["messages"][-1]["content"]
    assert [block["text"] for block in said] == ["second", "You are Claude Code.", "c"]
    assert said[1]["cache_control"] == {"type": "ephemeral"}


def test_a_later_system_message_changes_nothing_before_it() -> None:
    turns = [user("a"), {"role": "assistant", "content": "b"}, user("c")]
    later = [*turns, {"role": "system", "content": "mode changed"}, {"role": "assistant", "content": "d"}, user("e")]
    before, after = (mend_messages({"system": "MAIN", "messages": each}, ON) for each in (turns, later))
    assert after["system"] == before["system"]
    assert after["messages"][:2] == before["messages"][:2]
    assert after["messages"][2]["content"][0] == {"type": "text", "text": "c"}


def test_keeps_a_tool_result_at_the_beginning_of_its_turn() -> None:
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "ok"}]}
    said = {"type": "text", "text": "s"}
    body = {"messages": [user("a"), {"role": "system", "content": "s"}, result]}
    asked = {"role": "user", "content": [{"type": "text", "text": "a"}, said]}
    assert mend_messages(body, ON)["messages"] == [asked, result]
    called = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}]}
    body = {"messages": [user("a"), called, {"role": "system", "content": "s"}, result]}
    answered = {"role": "user", "content": [*result["content"], said]}
    assert mend_messages(body, ON)["messages"] == [user("a"), called, answered]


def test_leaves_other_bodies_unchanged() -> None:
    body = {"system": "MAIN", "messages": [user("a"), user("b")], "temperature": 0.2}
    assert mend_messages(body, ON) == body
    assert mend_messages({"messages": [user("a")]}, ON) == {"messages": [user("a")]}


@pytest.mark.parametrize("temperature", [0, 0.6, 1.5, None, "1"])
def test_keeps_a_chosen_temperature(temperature: object) -> None:
    assert mend_messages({"messages": [], "temperature": temperature}, ON)["temperature"] == temperature


def test_the_attribution_alone_leaves_no_empty_system_prompt() -> None:
    assert "system" not in mend_messages({"system": [ATTRIBUTION], "messages": []}, ON)
    text = f"{ATTRIBUTION['text']}\nYou are Claude Code.\nMore."
    assert drop_attribution(text) == "You are Claude Code.\nMore."
    quoted = "Explain `x-anthropic-billing-header:` to me"
    assert drop_attribution(quoted) == quoted


@pytest.mark.parametrize("messages", [None, "hi", [None], ["hi"], [{"role": "system"}, user("a")]])
def test_leaves_invalid_bodies_to_later_checks(messages: object) -> None:
    mend_messages({"messages": messages}, ON)


def test_settings_name_what_is_wrong() -> None:
    assert parse_settings('{"slots": 4, "pool_tokens": null, "future": 1}').slots == 4
    for text, place in [
        ('{"slots": "4"}', "slots"),
        ('{"admission": 1}', "admission"),
        ('{"pool_tokens": true}', "pool_tokens"),
        ('{"feed_path": 7}', "feed_path"),
        ("[]", "JSON object"),
    ]:
        with pytest.raises(SettingsError, match=place):
            parse_settings(text)


def test_texts_are_joined_where_llama_server_and_litellm_join_them_differently() -> None:
    def text(words: str) -> dict[str, Any]:
        return {"type": "text", "text": words}

    call = {"type": "tool_use", "id": "toolu_1", "name": "t", "input": {}}
    body = {
        "system": [text("You are"), text("a coder.")],
        "messages": [
            {"role": "user", "content": [text("a"), text("b")]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "so"}, text("c"), call, text("d")]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [text("e"), text("f")]}]},
        ],
    }
    before = copy.deepcopy(body)
    mended = mend_messages(body, ON)
    assert body == before
    assert mended["system"] == [text("You are\na coder.")]
    first, answer, result = (message["content"] for message in mended["messages"])
    # Both join a user's blocks with newlines.
    assert first == [text("a"), text("b")]
    assert answer == [{"type": "thinking", "thinking": "so"}, text("cd"), call]
    assert result[0]["content"] == [text("e\nf")]
