"""Finding a request's conversation."""

from __future__ import annotations

from typing import Any

import pytest
from opta_conversations import AGENT_HEADER, CLASS_HEADER, SESSION_HEADER, Conversation, Conversations, fingerprint_of

TOOLS = [{"name": "Bash"}]
SYSTEM = "You are Claude Code. " + "rule " * 400


def talk(*texts: str, system: str = SYSTEM, **more: Any) -> dict[str, Any]:
    """A request with this many turns."""
    messages = [{"role": ("user", "assistant")[index % 2], "content": text} for index, text in enumerate(texts)]
    return {"system": system, "messages": messages, "max_tokens": 4096, **more}


def conversation_of(
    known: Conversations, body: dict[str, Any], developer: str = "anna", **headers: str
) -> Conversation | None:
    """The conversation of a request that is admitted at once."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = known.ask(developer, named, body)
    if asked.conversation is not None:
        known.note_turn(asked.conversation, asked.fingerprint)
    return asked.conversation


def test_a_session_is_one_conversation_whatever_its_messages() -> None:
    known = Conversations()
    first = conversation_of(known, talk("a"), **{SESSION_HEADER: "s1"})
    compacted = conversation_of(known, talk("summary of all"), **{SESSION_HEADER: "s1"})
    assert first is compacted
    assert conversation_of(known, talk("a"), **{SESSION_HEADER: "s2"}) is not first
    assert conversation_of(known, talk("a"), developer="ben", **{SESSION_HEADER: "s1"}) is not first


def test_a_subagent_has_its_own_conversation_with_and_without_an_id() -> None:
    known = Conversations()
    parent = conversation_of(known, talk("a", tools=TOOLS), **{SESSION_HEADER: "s1"})
    one = conversation_of(known, talk("a", tools=TOOLS), **{SESSION_HEADER: "s1", AGENT_HEADER: "x1"})
    # A release that sends no agent id: the other system prompt decides.
    other = conversation_of(known, talk("a", tools=TOOLS, system="You explore."), **{SESSION_HEADER: "s1"})
    assert len({parent, one, other}) == 3
    assert conversation_of(known, talk("a", "b", "c", tools=TOOLS), **{SESSION_HEADER: "s1"}) is parent


def test_without_headers_the_longest_common_prefix_decides() -> None:
    known = Conversations()
    one, other = conversation_of(known, talk("one")), conversation_of(known, talk("other"))
    assert one is not other
    assert conversation_of(known, talk("one", "yes", "go on")) is one
    assert conversation_of(known, talk("other", "no", "stop")) is other
    # The last message was changed and resent.
    assert conversation_of(known, talk("one", "yes", "go on, please")) is one
    # A branch from the first message alone is another conversation.
    fork = conversation_of(known, talk("one", "maybe", "what", "that", "and"))
    assert fork is not one
    assert conversation_of(known, talk("one"), developer="ben") not in (one, other, fork)


def test_a_moved_cache_mark_changes_nothing() -> None:
    marked = {"type": "text", "text": "one", "cache_control": {"type": "ephemeral"}}
    first = {"system": SYSTEM, "messages": [{"role": "user", "content": [marked]}]}
    later = talk("one", "yes", "go on")
    shared = fingerprint_of(first).shared_marks(fingerprint_of(later))
    assert shared == fingerprint_of(first).length


def test_two_simultaneous_requests_with_the_same_beginning_are_two_conversations() -> None:
    known = Conversations()
    first = known.ask("anna", {}, talk("hi"))
    second = known.ask("anna", {}, talk("hi"), lambda conversation: conversation is first.conversation)
    assert first.conversation is not second.conversation
    assert second.conversation is not None
    # Of two with one name only the first is kept: only the client knows what it meant.
    named = known.ask("anna", {SESSION_HEADER: "s"}, talk("hi"))
    again = known.ask("anna", {SESSION_HEADER: "s"}, talk("hi"), lambda conversation: conversation is named.conversation)
    assert again.conversation is None


@pytest.mark.parametrize(
    "helper",
    [
        (talk("all of it", "so far", "sum up", tools=TOOLS), {CLASS_HEADER: "auxiliary"}),
        (talk("a title for this", system="Write a title.", **{"max_tokens": 512}), {}),
    ],
    ids=["by its class", "by its looks"],
)
def test_helper_requests_have_no_conversation(helper: tuple[dict[str, Any], dict[str, str]]) -> None:
    known = Conversations()
    assert conversation_of(known, talk("all of it", tools=TOOLS), **{SESSION_HEADER: "s1"}) is not None
    body, headers = helper
    asked = known.ask("anna", {SESSION_HEADER: "s1", **headers}, body)
    assert asked.conversation is None


def test_a_helper_request_that_extends_the_whole_conversation_may_use_its_slot() -> None:
    known = Conversations()
    headers = {SESSION_HEADER: "s1", CLASS_HEADER: "auxiliary"}
    main = conversation_of(known, talk("all of it", tools=TOOLS), **{SESSION_HEADER: "s1"})
    assert known.ask("anna", headers, talk("all of it", "yes", "sum up", tools=TOOLS)).within is main
    assert known.ask("anna", headers, talk("something else", tools=TOOLS)).within is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": [None, 7, "x", {"role": "user"}]},
        {"messages": [{"role": "user", "content": "\ud800"}]},
        {"input": "hi"},
        {"input": [{"role": "user", "content": "hi"}], "instructions": "be brief"},
        {"prompt": [1, 2, 3]},
        {"system": 7, "messages": "hi", "tools": {"a": [[[]]]}},
    ],
)
def test_any_body_has_a_fingerprint(body: dict[str, Any]) -> None:
    assert fingerprint_of(body) == fingerprint_of(dict(body))


def test_a_body_nested_too_deep_is_no_error() -> None:
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]
    assert fingerprint_of({"messages": [{"role": "user", "content": deep}]}).length == 0
